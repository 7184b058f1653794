package pitwall

import "time"

// SLIKind says what an indicator counts.
type SLIKind string

// The kinds of indicator this version reads.
const (
	SLIAvailability SLIKind = "availability" // good = the request did not fail
	SLILatency      SLIKind = "latency"      // good = it did not fail and took at most Threshold
)

// SLI is a measured indicator: which requests count, and which of them are good.
type SLI struct {
	Kind    SLIKind     `json:"kind"`
	Service ServiceName `json:"service"`
	// Operation is the server operation that counts, such as "POST /checkout".
	Operation string `json:"operation"`
	// Threshold is the slowest good request of a latency SLI; a request that
	// takes exactly this long is good.
	Threshold time.Duration `json:"threshold,omitempty"`
}

// SLO is an objective: a target share of good events over a window.
type SLO struct {
	Name        SLOName       `json:"name"`
	DisplayName string        `json:"display_name,omitempty"`
	Description string        `json:"description,omitempty"`
	Service     ServiceName   `json:"service"`
	SLI         SLI           `json:"sli"`
	Target      Ratio         `json:"target"` // in (0,1)
	Window      time.Duration `json:"window"` // rolling
	Tiers       []BurnTier    `json:"tiers"`  // worst first
	Source      string        `json:"source"` // file:line it was read from
	YAML        string        `json:"yaml,omitempty"`
}

// Counts are good and bad events. They only ever grow within a step, so any
// window is a subtraction of two sums.
type Counts struct {
	Good uint64 `json:"good"`
	Bad  uint64 `json:"bad"`
}

// Total is all events.
func (c Counts) Total() uint64 { return c.Good + c.Bad }

// Add sums two counts.
func (c Counts) Add(d Counts) Counts { return Counts{c.Good + d.Good, c.Bad + d.Bad} }

// ErrorRatio is bad/total; ok is false when nothing was seen.
func (c Counts) ErrorRatio() (r Ratio, ok bool) {
	if c.Total() == 0 {
		return 0, false
	}
	return Ratio(float64(c.Bad) / float64(c.Total())), true
}

// ErrorBudget is the state of one SLO's budget at an instant.
type ErrorBudget struct {
	SLO    SLOName   `json:"slo"`
	At     time.Time `json:"at"`
	Target Ratio     `json:"target"`
	Counts Counts    `json:"counts"` // over the window
	// Spent is the share of the budget used: bad/((1-target)*total). It may
	// exceed 1 and is never clamped. Meaningless when Known is false.
	Spent Ratio `json:"spent"`
	Known bool  `json:"known"` // false: no events in the window
	// Coverage is the share of the window's steps in which anything was seen.
	Coverage Ratio `json:"coverage"`
	// BurnRate is how many times faster than allowed the budget is being spent
	// now (over the shortest tier's long window); BurnKnown is false without events.
	BurnRate  float64 `json:"burn_rate"`
	BurnKnown bool    `json:"burn_known"`
	// EndsIn is when the remaining budget ends at this pace; zero means never
	// or already gone (see Spent).
	EndsIn time.Duration `json:"ends_in"`
	Tiers  []TierState   `json:"tiers"`
	Maths  Maths         `json:"maths"`
}

// Remaining is the share of the budget left; negative once overspent.
func (b ErrorBudget) Remaining() Ratio { return 1 - b.Spent }

// Action is what a burn tier asks for.
type Action string

// The actions, worst first.
const (
	ActionPage     Action = "page"
	ActionEscalate Action = "escalate"
	ActionTicket   Action = "ticket"
	ActionInform   Action = "inform"
)

// BurnTier fires when the burn rate exceeds Factor over both windows.
type BurnTier struct {
	Name      string        `json:"name"`
	Factor    float64       `json:"factor"`
	Long      time.Duration `json:"long"`
	Short     time.Duration `json:"short"`
	Action    Action        `json:"action"`
	OpensPlan bool          `json:"opens_plan"`
	// MinBad is the fewest bad events in the long window that may fire; it
	// keeps one failure of three requests from paging.
	MinBad uint64 `json:"min_bad"`
}

// TierState is one tier evaluated at an instant.
type TierState struct {
	Tier      BurnTier `json:"tier"`
	LongRate  float64  `json:"long_rate"`
	ShortRate float64  `json:"short_rate"`
	Long      Counts   `json:"long"`
	Short     Counts   `json:"short"`
	Known     bool     `json:"known"` // false: no events in one of the windows
	Firing    bool     `json:"firing"`
	Expr      string   `json:"expr"` // the condition in words and numbers
}

// Burn is a firing tier: the trigger of a plan.
type Burn struct {
	SLO   SLOName   `json:"slo"`
	At    time.Time `json:"at"`
	State TierState `json:"state"`
}
