package pitwall

import (
	"slices"
	"time"
)

// SLIKind says what an indicator counts.
type SLIKind string

// The kinds of indicators.
const (
	SLIAvailability SLIKind = "availability" // of spans: good = the request did not fail
	SLILatency      SLIKind = "latency"      // of spans: good = it did not fail and took at most Threshold
	SLIEvents       SLIKind = "events"       // of metrics: counters of good, bad and all events
	SLIRatio        SLIKind = "ratio"        // of metrics: a ratio for each step; every step weighs the same
	SLIValue        SLIKind = "value"        // of metrics: each sample is an event, good while it keeps to a limit
	SLIComposite    SLIKind = "composite"    // of other objectives
)

// SLI is a measured indicator: what counts, and what of it is good.
type SLI struct {
	Kind    SLIKind     `json:"kind"`
	Service ServiceName `json:"service"`
	// Operation is the server operation that counts, such as "POST /checkout";
	// empty: every operation of the service, or the indicator is no span's.
	Operation string `json:"operation,omitempty"`
	// Threshold is the slowest good request of a latency SLI; a request that
	// takes exactly this long is good.
	Threshold time.Duration `json:"threshold,omitempty"`
	// Query is what a metric SLI asks; nil: it is counted from spans.
	Query     *SLIQuery  `json:"query,omitempty"`
	Composite *Composite `json:"composite,omitempty"`
	// Standard is the entry of the catalogue it was made from.
	Standard string `json:"standard,omitempty"`
}

// SLIQuery is PromQL. A counting SLI gives two of Good, Bad and Total: counters,
// or sums and differences of counters, under rate or increase or not; the
// windows of rate and increase do not matter, for increments are counted step by
// step. [{{.window}}], as in Sloth's files, is read as such a window.
type SLIQuery struct {
	Good  string `json:"good,omitempty"`
	Bad   string `json:"bad,omitempty"`
	Total string `json:"total,omitempty"`
	// Ratio gives the share of good events, of bad ones if RatioOfBad.
	Ratio      string `json:"ratio,omitempty"`
	RatioOfBad bool   `json:"ratio_of_bad,omitempty"`
	// Value is compared with Limit: a sample is good while "value Op Limit" holds.
	Value string  `json:"value,omitempty"`
	Op    Compare `json:"op,omitempty"`
	Limit float64 `json:"limit,omitempty"`
}

// Compare is a comparison, in OpenSLO's words.
type Compare string

// The comparisons.
const (
	Less         Compare = "lt"
	LessEqual    Compare = "lte"
	Greater      Compare = "gt"
	GreaterEqual Compare = "gte"
)

// Holds says whether "v c limit" is true; NaN never is.
func (c Compare) Holds(v, limit float64) bool {
	switch c {
	case Less:
		return v < limit
	case LessEqual:
		return v <= limit
	case Greater:
		return v > limit
	case GreaterEqual:
		return v >= limit
	}
	return false
}

// CompositeMethod says how objectives add up to one.
type CompositeMethod string

// The methods; docs/statistics.md has their formulas.
const (
	CompositeWeighted CompositeMethod = "weighted" // Σwᵢbᵢ / Σwᵢ(1−Tᵢ)Nᵢ of the budget is spent
	CompositeJourney  CompositeMethod = "journey"  // good = Π gᵢ/Nᵢ: every stage must succeed
	CompositeSlices   CompositeMethod = "slices"   // a slice is bad if any member's is
)

// Composite is an objective made of others, such as a user journey.
type Composite struct {
	Method  CompositeMethod `json:"method"`
	Members []Member        `json:"members"`
}

// Member is an objective in a composite.
type Member struct {
	SLO    SLOName `json:"slo"`
	Weight float64 `json:"weight"` // positive; only their relation matters
}

// Budgeting says what a budget counts.
type Budgeting string

// The budgeting methods, in OpenSLO's words.
const (
	Occurrences     Budgeting = "Occurrences"
	Timeslices      Budgeting = "Timeslices"      // a slice is good if enough of its events are
	RatioTimeslices Budgeting = "RatioTimeslices" // the mean of the slices' ratios
)

// EmptySlice says what a slice without events is.
type EmptySlice string

// What a slice without events may be.
const (
	EmptyExcluded EmptySlice = "excluded" // not counted, as if it were no part of the window
	EmptyGood     EmptySlice = "good"
	EmptyBad      EmptySlice = "bad"
)

// Slices are the time slices of an objective that counts them.
type Slices struct {
	Length time.Duration `json:"length"`
	Target Ratio         `json:"target"` // share of good events that makes a slice good
	Empty  EmptySlice    `json:"empty"`
}

// CalendarUnit is the unit of a calendar window.
type CalendarUnit string

// The units.
const (
	Day     CalendarUnit = "day"
	Week    CalendarUnit = "week"
	Month   CalendarUnit = "month"
	Quarter CalendarUnit = "quarter"
	Year    CalendarUnit = "year"
)

// Calendar is a window that begins and ends with the calendar of a zone. Periods
// follow one another from Start, each Count units long by the clock on the wall,
// so a day may last 23, 24 or 25 hours.
type Calendar struct {
	Unit  CalendarUnit `json:"unit"`
	Count int          `json:"count"` // 1 or more
	Zone  string       `json:"zone"`  // IANA name
	Start time.Time    `json:"start"` // of a first period, in Zone
}

// SLO is an objective: a target share of good events over a window.
type SLO struct {
	Name        SLOName     `json:"name"`
	DisplayName string      `json:"display_name,omitempty"`
	Description string      `json:"description,omitempty"`
	Service     ServiceName `json:"service"`
	SLI         SLI         `json:"sli"`
	Target      Ratio       `json:"target"` // in (0,1)
	// Window is the length of a rolling window, or what a calendar window is
	// nominally long (a month 30 days), for tiers to be scaled by.
	Window    time.Duration     `json:"window"`
	Calendar  *Calendar         `json:"calendar,omitempty"`  // nil: rolling
	Day       time.Duration     `json:"day,omitempty"`       // how long a day lasts where time is scaled; zero: as long as it does
	Budgeting Budgeting         `json:"budgeting,omitempty"` // empty: Occurrences
	Slices    *Slices           `json:"slices,omitempty"`
	Preset    string            `json:"preset,omitempty"`  // where the tiers come from
	Tiers     []BurnTier        `json:"tiers"`             // worst first
	PartOf    SLOName           `json:"part_of,omitempty"` // the composite it was written in
	Owner     string            `json:"owner,omitempty"`
	Runbook   string            `json:"runbook,omitempty"` // link
	Labels    map[string]string `json:"labels,omitempty"`
	Source    string            `json:"source"` // file:line it was read from
	YAML      string            `json:"yaml,omitempty"`
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
	// LeftOfWhole is the share of a whole window's budget that is left, where what
	// was not seen of the window counts as clean and as busy as the rest. It is
	// Remaining once the window is full; a young objective is told by it.
	LeftOfWhole Ratio `json:"left_of_whole"`
	// Coverage is the share of the window's steps in which anything was seen.
	Coverage Ratio `json:"coverage"`
	// BurnRate is how many times faster than allowed the budget is being spent
	// now (over the shortest tier's long window); BurnKnown is false without events.
	BurnRate  float64 `json:"burn_rate"`
	BurnKnown bool    `json:"burn_known"`
	// EndsIn is when the remaining budget ends at this pace; zero means never
	// or already gone (see Spent).
	EndsIn time.Duration `json:"ends_in"`
	// Window is what Counts were counted over; of a calendar window it ends with
	// the period, which may lie ahead.
	Window Period `json:"window"`
	// Projected is the share of the budget that will be spent when a calendar
	// period ends, with the traffic of the same hours of the last one; nil: the
	// window rolls, or too little is known.
	Projected *Ratio `json:"projected,omitempty"`
	// Slices are good and bad slices, of an objective that counts slices. Spent
	// is then a share of the slices of the full period.
	Slices *Counts `json:"slices,omitempty"`
	// Corrected is how much of the window corrections leave out.
	Corrected time.Duration `json:"corrected,omitempty"`
	Tiers     []TierState   `json:"tiers"`
	Maths     Maths         `json:"maths"`
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

// Actions are all actions, worst first.
func Actions() []Action { return []Action{ActionPage, ActionEscalate, ActionTicket, ActionInform} }

// Rank is 0 for the worst action; what is no action ranks behind all.
func (a Action) Rank() int {
	all := Actions()
	if i := slices.Index(all, a); i >= 0 {
		return i
	}
	return len(all)
}

// ConditionKind is what a tier looks at.
type ConditionKind string

// The conditions: one grammar for every way of alerting on a budget.
const (
	// WhenBurn: the burn rate exceeds Factor over Long and over Short.
	WhenBurn ConditionKind = "burn"
	// WhenSpent: Percent of Of's budget was spent within the last Long, or since
	// local midnight when Of is the day.
	WhenSpent ConditionKind = "spent"
	// WhenExhaustion: at the pace of Long the remaining (or entire) budget ends
	// within Within.
	WhenExhaustion ConditionKind = "exhaustion"
	// WhenRemaining: less than Percent of the budget is left.
	WhenRemaining ConditionKind = "remaining"
	// WhenProjected: Percent of Of's budget will be spent when Of ends.
	WhenProjected ConditionKind = "projected"
	// WhenTrafficLost: no events over Short, where a forecast expects MinEvents.
	WhenTrafficLost ConditionKind = "traffic-lost"
)

// BudgetOf says whose budget a percentage is of.
type BudgetOf string

// Whose budget.
const (
	OfWindow    BudgetOf = "window"    // of the whole window
	OfDay       BudgetOf = "day"       // a day's share of it, from local midnight on
	OfPeriod    BudgetOf = "period"    // of the running calendar period
	OfRemaining BudgetOf = "remaining" // what is left of it
)

// Halt says which deploys a firing tier stops.
type Halt string

// What may be halted.
const (
	HaltNone  Halt = ""
	HaltRisky Halt = "risky"
	HaltAll   Halt = "all" // but fixes and rollbacks
)

// BurnTier is one condition on a budget and what it asks for. The zero When is
// WhenBurn: it fires when the burn rate exceeds Factor over both windows.
type BurnTier struct {
	Name      string        `json:"name"`
	When      ConditionKind `json:"when,omitempty"`
	Factor    float64       `json:"factor"`
	Long      time.Duration `json:"long"`
	Short     time.Duration `json:"short"`
	Percent   float64       `json:"percent,omitempty"` // of the budget, 0–100 and above
	Of        BudgetOf      `json:"of,omitempty"`
	Within    time.Duration `json:"within,omitempty"`
	For       time.Duration `json:"for,omitempty"` // the condition holds this long before it fires
	Action    Action        `json:"action"`
	OpensPlan bool          `json:"opens_plan"`
	Halt      Halt          `json:"halt,omitempty"`
	// MinBad is the fewest bad events in the long window that may fire; it
	// keeps one failure of three requests from paging.
	MinBad uint64 `json:"min_bad"`
	// MinEvents is the fewest events of the long window that may fire.
	MinEvents uint64 `json:"min_events,omitempty"`
	// Alpha bounds the chance of firing while the true ratio is only at the
	// limit; zero: 0.01 for a page, 0.05 else.
	Alpha float64 `json:"alpha,omitempty"`
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
	// Since is when the condition began to hold; zero while it does not.
	Since time.Time `json:"since,omitzero"`
	// Value and Limit are what is compared, in the condition's own unit: a burn
	// rate, a percentage, seconds, events.
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	// P is the chance of so many bad events at the limit; nil: not asked.
	P *float64 `json:"p,omitempty"`
	// Held says why it does not fire although its numbers exceed the limit.
	Held string `json:"held,omitempty"`
	Expr string `json:"expr"` // the condition in words and numbers
}

// Burn is a firing tier: the trigger of a plan.
type Burn struct {
	SLO   SLOName   `json:"slo"`
	At    time.Time `json:"at"`
	State TierState `json:"state"`
}

// Detection is how fast a tier notices a constant burn from a clean state.
type Detection struct {
	BurnRate float64       `json:"burn_rate"`
	Tier     string        `json:"tier,omitempty"` // the first that fires; empty: none
	Action   Action        `json:"action,omitempty"`
	Detect   time.Duration `json:"detect"`  // until it fires
	Reset    time.Duration `json:"reset"`   // until it is quiet once the burn is over
	Spent    Ratio         `json:"spent"`   // of the budget when it fires
	EndsIn   time.Duration `json:"ends_in"` // of a full budget; zero: never
}
