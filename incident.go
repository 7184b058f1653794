package pitwall

import "time"

// Measured is one typed series of one component: what a diagnosis reads where
// there are numbers but perhaps no traces. Metric and Stat follow one list,
// whatever the source called it (docs/reference/case.md); ratios are shares
// 0..1, times are seconds, sizes are bytes.
type Measured struct {
	Service ServiceName `json:"service"`
	Metric  string      `json:"metric"` // "latency_seconds", "cpu", "db_pool_wait_seconds"
	Stat    string      `json:"stat"`   // avg, p50, p90, p95, p99, sum, rate, ratio, value
	Source  string      `json:"source,omitempty"`
	T       []int64     `json:"t"` // unix milliseconds, rising; a measurement that is missing is a missing point
	V       []float64   `json:"v"`
}

// ComponentKind says what sort of thing a component is.
type ComponentKind string

// The kinds of component.
const (
	ComponentService  ComponentKind = "service"
	ComponentDatabase ComponentKind = "database"
	ComponentQueue    ComponentKind = "queue"
	ComponentBalancer ComponentKind = "lb"
	ComponentFunction ComponentKind = "function"
	ComponentExternal ComponentKind = "external"
	ComponentNode     ComponentKind = "node"
	ComponentPod      ComponentKind = "pod"
)

// Component is one name under which something appears. Names with the same
// Component are one thing: the client's view, the load balancer, the server.
type Component struct {
	Name      ServiceName   `json:"name"`
	Kind      ComponentKind `json:"kind"`
	Component string        `json:"component,omitempty"` // empty: a thing of its own
}

// Call says that one component calls another.
type Call struct {
	From ServiceName `json:"from"`
	To   ServiceName `json:"to"`
}

// Topology is who there is and who calls whom.
type Topology struct {
	Services []Component `json:"services"`
	Calls    []Call      `json:"calls"`
}

// LogMove is one pattern of log lines and how often it came before and after.
type LogMove struct {
	Service  ServiceName `json:"service"`
	Template string      `json:"template"`
	Severity LogSeverity `json:"severity"` // the highest seen; 0: not known
	Before   float64     `json:"before"`   // lines in the baseline, scaled to the length of the window; negative: not known
	After    float64     `json:"after"`    // lines in the window
	Example  string      `json:"example,omitempty"`
	Bad      bool        `json:"bad"` // speaks of trouble: by its severity, or because its source says so
}

// StatusNotice is one entry of a provider's public status page.
type StatusNotice struct {
	At       time.Time `json:"time"`
	Provider string    `json:"provider"`
	Title    string    `json:"title"`
	Text     string    `json:"text,omitempty"`
	State    string    `json:"state,omitempty"` // the page's own word: investigating, degraded, resolved, operational
}

// AttributeContrast is one attribute that slow and typical requests do not
// share alike: which values the slow ones have.
type AttributeContrast struct {
	Key     string          `json:"key"`
	Service ServiceName     `json:"service,omitempty"` // whose spans carry it; empty: those of the operation in question
	Values  []ContrastValue `json:"values"`            // the most telling first
	Effect  float64         `json:"effect"`            // Cramér's V, bias-corrected, [0,1]
	Q       float64         `json:"q"`                 // false discovery rate at which it would be told
	Explain Ratio           `json:"explains"`          // share of the excess that the values over-represented in slow requests carry
}

// ContrastValue is one value of an attribute; "" stands for requests without it.
type ContrastValue struct {
	Value   string  `json:"value"`
	Slow    int64   `json:"slow"`    // slow requests that have it
	Typical int64   `json:"typical"` // typical requests that have it
	Mean    float64 `json:"mean_s"`  // mean duration of all requests that have it, seconds
}

// Exemplar is one request kept to be looked at: a slow or a typical one.
type Exemplar struct {
	TraceID  string         `json:"trace_id"`
	Kind     string         `json:"kind"` // "slow" or "typical"
	Start    time.Time      `json:"start"`
	Duration float64        `json:"duration_s"`
	Spans    []ExemplarSpan `json:"spans"` // parents before children, by start
	Left     int            `json:"left"`  // spans that are not shown
}

// ExemplarSpan is one span of an Exemplar, or several like siblings as one.
type ExemplarSpan struct {
	Service   ServiceName `json:"service"`
	Operation string      `json:"operation"`
	Depth     int         `json:"depth"`
	Offset    float64     `json:"offset_s"` // from the request's start
	Duration  float64     `json:"duration_s"`
	Critical  float64     `json:"critical_s"` // how long the request waited for its own work
	Repeats   int         `json:"repeats"`    // how many like siblings this stands for; at least 1
	Failed    bool        `json:"failed,omitempty"`
	Bytes     int64       `json:"bytes"` // of its response; -1: not known
}

// FlameNode is one frame of a differential flame graph, parents before children.
type FlameNode struct {
	Name   string  `json:"name"`
	Depth  int     `json:"depth"`
	Before float64 `json:"before"` // per request, with everything it calls
	After  float64 `json:"after"`
}

// ChangeJudged is a change of the time in question, and why it is or is not
// the cause.
type ChangeJudged struct {
	Change Change  `json:"change"`
	Blamed bool    `json:"blamed"`
	Lead   float64 `json:"lead_s"` // seconds before the onset; negative: after it
	Why    string  `json:"why"`    // one sentence
}

// AskDiagnosis is what a person wants explained: any service, any time.
type AskDiagnosis struct {
	Service   ServiceName `json:"service"`
	Operation string      `json:"operation,omitempty"` // empty: all that the service serves
	Signal    Signal      `json:"signal,omitempty"`    // empty: whatever moved
	Window    Period      `json:"window"`              // the time to explain
	Baseline  Period      `json:"baseline"`            // a good time; zero: the stretch before the window
}
