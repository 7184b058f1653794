package pitwall

import (
	"strings"
	"time"
)

// SeriesName names one series that is watched for changes.
type SeriesName struct {
	Service   ServiceName `json:"service"`
	Operation string      `json:"operation,omitempty"`
	Signal    Signal      `json:"signal,omitempty"`
	Metric    string      `json:"metric,omitempty"` // "p95"; a metric of its own where Signal is empty
	Unit      Unit        `json:"unit,omitempty"`
}

// String is the series in words: "checkout POST /checkout latency p99".
func (s SeriesName) String() string {
	var words []string
	for _, w := range [...]string{string(s.Service), s.Operation, string(s.Signal), s.Metric} {
		if w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

// Finding is a change that was found without an objective burning, with what
// changed beside it. It never says why.
type Finding struct {
	ID        string     `json:"id"`
	Series    SeriesName `json:"series"`    // that explains it best
	Direction string     `json:"direction"` // "worse", or "neutral" where nobody said what is good
	Why       string     `json:"why"`       // one sentence with the numbers
	Onset     Onset      `json:"onset"`
	// Effect is relative, 0.2 is 20 % more, with its interval of 95 %.
	Effect     float64 `json:"effect"`
	EffectLow  float64 `json:"effect_low"`
	EffectHigh float64 `json:"effect_high"`
	Before     Measure `json:"before"`
	After      Measure `json:"after"` // as it was found
	Now        Measure `json:"now"`   // the last quarter of an hour
	// LogE is the natural logarithm of the e-value of the points after the alarm.
	LogE  float64       `json:"log_e"`
	Parts []FindingPart `json:"parts"`
	Seen  time.Time     `json:"seen"`
	Gone  time.Time     `json:"gone,omitzero"` // it is over: the old level is back, or the present one is normal
	Flaps int           `json:"flaps,omitempty"`
	Plan  PlanID        `json:"plan,omitempty"` // that deals with it
	// NoPlan says why no plan does.
	NoPlan   string    `json:"no_plan,omitempty"`
	Accepted *Accepted `json:"accepted,omitempty"`
}

// FindingPart is a series that changed with a finding's.
type FindingPart struct {
	Series SeriesName `json:"series"`
	Onset  Onset      `json:"onset"`
	Before float64    `json:"before"`
	After  float64    `json:"after"`
}

// Accepted says who took note of a finding: its new level is normal from then on.
type Accepted struct {
	Finding string    `json:"finding"`
	By      string    `json:"by"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
}

// Passed is a change that was seen and not reported, and the one reason.
type Passed struct {
	Series SeriesName `json:"series"`
	Onset  Onset      `json:"onset"`
	Effect float64    `json:"effect"`
	Reason string     `json:"reason"` // a code
	Why    string     `json:"why"`    // one sentence with the numbers
	// Value missed Limit, in the unit that the reason has.
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	Of    string  `json:"of,omitempty"` // the finding or plan it belongs to
}

// Sensed is all that watching the operations says now.
type Sensed struct {
	At         time.Time `json:"at"`
	Through    time.Time `json:"through,omitzero"` // end of the last minute that was looked at; zero: none
	Operations int       `json:"operations"`
	Unfollowed int       `json:"unfollowed"` // operations of the last hour for which there was no room
	Series     int       `json:"series"`
	Learning   int       `json:"learning"` // series whose baseline is not known yet
	Findings   []Finding `json:"findings"` // the newest first
	Passed     []Passed  `json:"not_reported"`
	Problem    string    `json:"problem,omitempty"` // why nothing can be said
	// Trends are those of the metrics that are known to leak or grow, what creeps
	// first; TrendsAt is when they were looked at, zero: not yet.
	Trends   []Trend   `json:"trends"`
	TrendsAt time.Time `json:"trends_at,omitzero"`
	// TrendProblem says why they could not be looked at.
	TrendProblem string `json:"trend_problem,omitempty"`
}

// Trend is what one metric of a service does over days: it creeps towards
// trouble, stays, or cannot be told yet.
type Trend struct {
	Service ServiceName `json:"service"`
	Metric  string      `json:"metric"`
	Kind    string      `json:"kind"`    // "heap", "goroutines", "connections", "storage", "payload" …
	Verdict string      `json:"verdict"` // "drift", "steady", "not-enough", "no-data"
	Reason  string      `json:"reason"`  // one sentence with the numbers
	// PerDay is the relative growth a day with its interval of 95 %; week over week
	// for payloads.
	PerDay     float64   `json:"per_day"`
	PerDayLow  float64   `json:"per_day_low"`
	PerDayHigh float64   `json:"per_day_high"`
	Level      float64   `json:"level"` // in the unit of the metric
	P          float64   `json:"p"`
	N          int       `json:"n"` // points
	Limit      *float64  `json:"limit,omitempty"`
	ExhaustsAt time.Time `json:"exhausts_at,omitzero"` // when the limit is reached at this pace
	Earliest   time.Time `json:"exhausts_earliest,omitzero"`
	Latest     time.Time `json:"exhausts_latest,omitzero"`
	Query      string    `json:"query"`
}
