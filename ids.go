package pitwall

import (
	"fmt"
	"math"
	"time"
)

// ServiceName names a deployed unit that owns SLOs, as in the OpenTelemetry
// resource attribute service.name.
type ServiceName string

// Version is what a service says it runs, as in service.version.
type Version string

// SLOName names an objective, unique in one Pitwall.
type SLOName string

// PlanID is the short name of a plan, such as PIP-42.
type PlanID string

// ChangeID identifies a change to the world; the sender chooses it, and the
// same id twice is the same change.
type ChangeID string

// Ratio is a share; 0.01 is one percent. Most ratios lie in [0,1], budgets
// spent may exceed 1.
type Ratio float64

// String prints a ratio as a percentage with as many digits as it needs.
func (r Ratio) String() string {
	p := float64(r) * 100
	switch {
	case math.IsNaN(p):
		return "no data"
	case p == math.Trunc(p):
		return fmt.Sprintf("%.0f %%", p)
	case math.Abs(p) >= 10:
		return fmt.Sprintf("%.1f %%", p)
	default:
		return fmt.Sprintf("%.2f %%", p)
	}
}

// Bytes is a size in bytes.
type Bytes int64

// String prints a size in the unit a person would choose (powers of 1000).
func (b Bytes) String() string {
	switch v := float64(b); {
	case b < 0:
		return "unknown"
	case b < 1000:
		return fmt.Sprintf("%d B", int64(b))
	case b < 10_000:
		return fmt.Sprintf("%.1f kB", v/1e3)
	case b < 1_000_000:
		return fmt.Sprintf("%.0f kB", v/1e3)
	default:
		return fmt.Sprintf("%.1f MB", v/1e6)
	}
}

// Period is a half-open stretch of time: From is in it, To is not.
type Period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Duration is the length of the period.
func (p Period) Duration() time.Duration { return p.To.Sub(p.From) }

// Contains says whether t lies in the period.
func (p Period) Contains(t time.Time) bool { return !t.Before(p.From) && t.Before(p.To) }

// IsZero says whether the period was never set.
func (p Period) IsZero() bool { return p.From.IsZero() && p.To.IsZero() }

// Unit tells how to read a Measure; UIs choose the format from it.
type Unit string

// The units in use.
const (
	UnitSeconds     Unit = "s"
	UnitBytes       Unit = "B"
	UnitRatio       Unit = "ratio"
	UnitPerSecond   Unit = "1/s"
	UnitCount       Unit = "count"
	UnitTimes       Unit = "x" // a factor: 2 means twice
	UnitCPUPerReq   Unit = "cpu-s/request"
	UnitBytesPerReq Unit = "B/request"
)

// Measure is a number a person may act on: the value, its interval where one
// is known, and how many observations are behind it.
type Measure struct {
	Value float64 `json:"value"`
	Unit  Unit    `json:"unit"`
	// Low and High bound the value at the confidence the producer states (95 %
	// unless said otherwise); both zero when no interval is known.
	Low  float64 `json:"low,omitempty"`
	High float64 `json:"high,omitempty"`
	N    int64   `json:"n"`
}

// Known says whether anything was observed; a Measure of nothing is no data,
// never a pass.
func (m Measure) Known() bool { return m.N > 0 && !math.IsNaN(m.Value) }

// Maths is "show the maths": everything needed to recompute one number by hand.
type Maths struct {
	// Of names the number, such as "burn_rate"; empty: it is clear from where
	// the Maths stands.
	Of      string    `json:"of,omitempty"`
	Formula string    `json:"formula"`
	Period  Period    `json:"period"`
	Good    uint64    `json:"good,omitempty"`
	Bad     uint64    `json:"bad,omitempty"`
	Query   string    `json:"query"`
	At      time.Time `json:"at"`
	Terms   []Term    `json:"terms,omitempty"` // what the formula names; last, what it gives
	Note    string    `json:"note,omitempty"`  // what the formula leaves unsaid
	More    []Maths   `json:"more,omitempty"`  // of the other numbers beside this one
}

// Term is one quantity of a formula. A unit of none is a plain number.
type Term struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  Unit    `json:"unit,omitempty"`
}
