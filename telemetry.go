package pitwall

import "time"

// Telemetry is what Pitwall sees of the world, and what it cannot see: the
// answer of "pitwall doctor".
type Telemetry struct {
	At          time.Time         `json:"at"`
	Period      Period            `json:"period"` // over which things were counted
	Sources     []SourceHealth    `json:"sources"`
	Services    []ServiceCoverage `json:"services"` // least covered first
	Context     ContextCoverage   `json:"context"`  // of all services together
	Drifts      []Drift           `json:"drifts"`
	Signals     []SignalVolume    `json:"signals"`
	Cardinality *Cardinality      `json:"cardinality,omitempty"` // nil: not known, such as of a store elsewhere
	Targets     []TargetHealth    `json:"targets"`
	Blind       []BlindSpot       `json:"blind"` // the worst first; empty: nothing known to be missing
}

// ServiceCoverage is which signals a service sends.
type ServiceCoverage struct {
	Service  ServiceName     `json:"service"`
	Versions []Version       `json:"versions"`
	Requests int64           `json:"requests"` // server spans in the period
	Has      []SignalKind    `json:"has"`
	Missing  []SignalKind    `json:"missing"`
	Context  ContextCoverage `json:"context"`
}

// ContextCoverage is how well calls hang together in traces. A call is joined
// when the span that was called names a parent that is in its trace.
type ContextCoverage struct {
	Calls   int64 `json:"calls"`   // spans that name a parent, and server spans that should have one
	Joined  int64 `json:"joined"`  // their parent is there
	Orphans int64 `json:"orphans"` // they name a parent that is not there
	Broken  int64 `json:"broken"`  // server spans without a parent, of an operation that others call
	// Share is Joined / Calls with its 95 % interval; all zero without calls.
	Share Ratio `json:"share"`
	Low   Ratio `json:"low"`
	High  Ratio `json:"high"`
}

// Drift is telemetry that changed with a release: not the service's behaviour,
// but what it tells of it.
type Drift struct {
	Service ServiceName `json:"service"`
	From    Version     `json:"from"`
	To      Version     `json:"to"`
	// Kind: "operation-gone", "attribute-gone", "fewer-spans", "more-spans",
	// "context-lost", "metric-gone".
	Kind   string  `json:"kind"`
	What   string  `json:"what"`   // the operation, attribute or metric
	Before float64 `json:"before"` // for each request
	After  float64 `json:"after"`
	N      int64   `json:"n"` // requests after
	Means  string  `json:"means"`
}

// SignalVolume is how much of a signal comes in and what keeping it takes.
type SignalVolume struct {
	Signal     SignalKind    `json:"signal"`
	PerSecond  float64       `json:"per_second"` // spans, samples, records or windows
	Unit       string        `json:"unit"`
	Bytes      int64         `json:"bytes"`         // on the disk now
	BytesDay   float64       `json:"bytes_per_day"` // at this rate; 0: not known
	Retention  time.Duration `json:"retention_ns"`
	Budget     int64         `json:"budget_bytes"`
	Since      time.Time     `json:"since,omitzero"` // the oldest kept
	CostPerDay float64       `json:"cost_per_retention_day,omitempty"`
	Currency   string        `json:"currency,omitempty"`
}

// Cardinality is what the metric series consist of.
type Cardinality struct {
	Series  int64         `json:"series"`
	Metrics []NamedCount  `json:"metrics"` // with the most series
	Labels  []NamedCount  `json:"labels"`  // with the most values
	Of      time.Duration `json:"of_ns"`   // the stretch of time that was counted
}

// NamedCount is a name and how often.
type NamedCount struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// TargetHealth is what Pitwall can change, and whether it answers.
type TargetHealth struct {
	Name    string      `json:"name"` // "controller inventory", "repository"
	Service ServiceName `json:"service,omitempty"`
	Up      bool        `json:"up"`
	Message string      `json:"message,omitempty"`
}

// BlindSpot is something that cannot be seen or changed, what follows from it,
// and what to do.
type BlindSpot struct {
	Service ServiceName `json:"service,omitempty"` // empty: all
	Signal  SignalKind  `json:"signal,omitempty"`
	What    string      `json:"what"`   // "no profiles of checkout"
	Means   string      `json:"means"`  // "a slow function cannot be named"
	Remedy  string      `json:"remedy"` // the next step, with the line of configuration
	Link    string      `json:"link,omitempty"`
	// Stops is what cannot be done because of it; empty: it can, seeing less.
	Stops Stops `json:"stops,omitempty"`
}

// Stops is which part of the loop a blind spot stands in the way of.
type Stops string

// The parts, the worst first.
const (
	StopsJudging   Stops = "judging"   // whether an objective burns cannot be told
	StopsDiagnosis Stops = "diagnosis" // it can, but not why
	StopsActing    Stops = "acting"    // nor can anything be done about it
)
