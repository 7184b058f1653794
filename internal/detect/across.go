package detect

import (
	"cmp"
	"time"

	"github.com/pitwall/pitwall"
)

func compareSeries(a, b pitwall.SeriesName) int {
	if a == b {
		return 0
	}
	return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Signal, b.Signal),
		cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Unit, b.Unit))
}

// Candidate is a change that a detector saw in one series, with all that the
// filters need to know of it. What is not known stays zero; a filter without
// its fact does not apply. Present it at every look until the screen has
// answered with something other than "unsettled".
type Candidate struct {
	Series pitwall.SeriesName `json:"series"`
	Kind   pitwall.Shape      `json:"kind"`
	Onset  pitwall.Onset      `json:"onset"`
	At     time.Time          `json:"at"` // when the detector saw it
	Up     bool               `json:"up"` // the series rose; set anew from Effect

	// Effect is relative: 0.2 is 20 % more than before; its interval of 95 %
	// is that of the detector, both ends zero when unknown. NaN, as where the
	// old level is zero, is replaced by the difference over the larger level.
	Effect     float64         `json:"effect"`
	EffectLow  float64         `json:"effect_low"`
	EffectHigh float64         `json:"effect_high"`
	Before     pitwall.Measure `json:"before"`
	After      pitwall.Measure `json:"after"`

	// LogE is the natural logarithm of an e-value; when it is zero P, a p-value
	// in (0,1], stands instead. See Candidate.need for what each is worth.
	LogE float64 `json:"log_e,omitempty"`
	P    float64 `json:"p,omitempty"`
	// Anytime says that the evidence holds for all looks of an epoch together:
	// an e-process, a sequential p-value, the p-value of a change anywhere in
	// the series. An e-detector's statistic is one after division by the number
	// of points of the epoch, since its mean is at most the points it has run.
	// Otherwise it holds for this look alone.
	Anytime bool `json:"anytime,omitempty"`

	Step   time.Duration `json:"step"`   // between two points
	Points int           `json:"points"` // since the onset, up to now
	Needed int           `json:"needed"` // of them, until the detector knew; 0: all
	// Recent is the relative effect of the newest RecentN points alone: as many
	// as Confirm asks for. RecentN 0: After speaks for them.
	Recent  float64 `json:"recent,omitempty"`
	RecentN int     `json:"recent_n,omitempty"`

	// Requests are behind After; 0: the series does not count requests.
	Requests int64 `json:"requests,omitempty"`
	// Touched is the share of the service's requests that go through it.
	Touched pitwall.Ratio `json:"touched,omitempty"`
	// Season and Load are the relative effects that the weekly profile and the
	// change of traffic alone would have brought at these hours.
	Season float64 `json:"season,omitempty"`
	Load   float64 `json:"load,omitempty"`
	// Split names the Split of the look in which the series is a part.
	Split string `json:"split,omitempty"`
	// Telemetry is what is known of the series' own reporting.
	Telemetry Telemetry `json:"telemetry,omitzero"`
}

// Telemetry is how completely a series was reported on both sides of an onset.
type Telemetry struct {
	Before pitwall.Ratio `json:"before,omitempty"` // share of the expected points that came; both zero: unknown
	After  pitwall.Ratio `json:"after,omitempty"`
	// SeriesBefore and SeriesAfter are how many raw series (instances) it is
	// made of; zero: unknown.
	SeriesBefore int `json:"series_before,omitempty"`
	SeriesAfter  int `json:"series_after,omitempty"`
	// Restart is when what reports the series, not the service, began anew.
	Restart time.Time `json:"restart,omitzero"`
}

// Split is a whole cut into parts that add up, such as the CPU a request by
// function of one service, or requests by version. The parts carry intervals.
type Split struct {
	Whole string      `json:"whole"` // "CPU of checkout for each request"
	Parts []SplitPart `json:"parts"`
}

// SplitPart is one part on both sides of the onset, in the unit of the whole.
type SplitPart struct {
	Name   string          `json:"name"`
	Before pitwall.Measure `json:"before"`
	After  pitwall.Measure `json:"after"`
}

// Call is an edge of the call graph.
type Call struct{ Caller, Callee pitwall.ServiceName }

// Planned is a time in which changes are expected: a maintenance window, a
// migration, a load test. It excuses what begins and ends in it; what it leaves
// behind is reported once it is over, unless the new level is Meant.
type Planned struct {
	Period  pitwall.Period      `json:"period"`
	Service pitwall.ServiceName `json:"service,omitempty"` // empty: all
	Why     string              `json:"why"`
	Meant   bool                `json:"meant,omitempty"`
}

// Trouble is an open plan and what it is about.
type Trouble struct {
	Plan       pitwall.PlanID     `json:"plan"`
	Regression pitwall.Regression `json:"regression"`
}

// Sight is one look over many series.
type Sight struct {
	Now        time.Time
	Candidates []Candidate
	// Tests is how many questions were asked of the series of each service in
	// this look, those that gave no candidate too: series times detectors. A
	// detector that begins anew is another question: where alarms restart it,
	// count as many as are expected in an epoch.
	Tests    map[pitwall.ServiceName]int
	Calls    []Call
	Splits   map[string]Split
	Planned  []Planned
	Troubles []Trouble
}

// Relation is how a part of a finding stands to its lead.
type Relation string

// The relations, the closest first.
const (
	RelationAlias     Relation = "alias"     // another number of the same operation and signal: p50 beside p99
	RelationOperation Relation = "operation" // another signal of the same operation
	RelationService   Relation = "service"   // another operation of the same service
	RelationCaller    Relation = "caller"    // a service that calls the lead's
	RelationCallee    Relation = "callee"    // a service that the lead's calls
	RelationGraph     Relation = "graph"     // joined to it through others that changed
)

// Part is a change that belongs to a finding beside its lead.
type Part struct {
	Candidate
	Relation Relation  `json:"relation"`
	Toward   Direction `json:"direction"`
	// Alone says that it would have been reported without the lead; otherwise
	// it passed the level of a single test only.
	Alone bool `json:"alone"`
}

// Finding is what many changes come down to: one trouble, or one change of
// which nobody knows whether it is good. It never says why.
type Finding struct {
	ID     string    `json:"id"` // the same lead and onset give the same
	Toward Direction `json:"direction"`
	Lead   Candidate `json:"lead"`
	Parts  []Part    `json:"parts,omitempty"`
	// Onset is what the onsets of lead and parts have in common: they began
	// together, so each narrows it.
	Onset pitwall.Onset `json:"onset"`
	Seen  time.Time     `json:"seen"`
	// Labels qualify it: "traffic", "flapping".
	Labels []ReasonCode `json:"labels,omitempty"`
	// SameTime are findings elsewhere that may have begun at the same moment: a
	// node or a network they share is for diagnosis to find.
	SameTime []string `json:"same_time,omitempty"`
	// Flaps is how often it was gone and came back. At the first the finding is
	// given again, under its ID; later ones are not reported.
	Flaps int    `json:"flaps,omitempty"`
	Why   string `json:"why"` // one sentence with the numbers
}

// Joined is a change that turned out to belong to an earlier finding.
type Joined struct {
	Finding string `json:"finding"`
	Part
}

// NotReported is a candidate that became no finding, and the one reason.
type NotReported struct {
	Candidate
	Reason ReasonCode `json:"reason"`
	Why    string     `json:"why"` // one sentence with the numbers
	// Value missed Limit, in the unit Reasons gives for the code.
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	// Finding or plan it belongs to, for "duplicate", "flapping" and "went-away".
	Of string `json:"of,omitempty"`
	// Waited says that it was not presented now but waited from earlier looks.
	Waited bool `json:"waited,omitempty"`
}

// Screened is the answer to a look. Every candidate is in it exactly once: as a
// lead, a part, joined, or not reported.
type Screened struct {
	Findings    []Finding     `json:"findings"`
	Joined      []Joined      `json:"joined,omitempty"`
	NotReported []NotReported `json:"not_reported"`
}
