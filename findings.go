package pitwall

import "time"

// Signal is what moved: latency, errors, throughput.
type Signal string

// The signals of a regression.
const (
	SignalLatency      Signal = "latency"
	SignalErrors       Signal = "errors"
	SignalAvailability Signal = "availability"
	SignalSaturation   Signal = "saturation"
	SignalTraffic      Signal = "traffic" // requests a second
	SignalEvents       Signal = "events"  // bad share of events that are no requests seen here
	SignalAny          Signal = "any"     // the alert does not say what moved
)

// Bottleneck is the class of a limit; one list everywhere, lower-case on the wire.
type Bottleneck string

// The bottleneck classes.
const (
	BottleneckCPU              Bottleneck = "cpu"
	BottleneckAllocation       Bottleneck = "allocation" // with GC
	BottleneckIODB             Bottleneck = "io-db"
	BottleneckLock             Bottleneck = "lock"
	BottleneckNetwork          Bottleneck = "network"
	BottleneckPayload          Bottleneck = "payload"
	BottleneckNPlus1           Bottleneck = "n+1"
	BottleneckPool             Bottleneck = "pool" // with queueing
	BottleneckDependency       Bottleneck = "dependency"
	BottleneckCapacity         Bottleneck = "capacity"
	BottleneckCache            Bottleneck = "cache"
	BottleneckColdStart        Bottleneck = "cold-start"
	BottleneckConfig           Bottleneck = "config"
	BottleneckException        Bottleneck = "exception"
	BottleneckReturn           Bottleneck = "return"
	BottleneckTraffic          Bottleneck = "traffic"
	BottleneckNode             Bottleneck = "noisy-neighbor" // the machine beneath is busy with others' work
	BottleneckUpstream         Bottleneck = "upstream"       // a provider outside is slow or down
	BottleneckCertificate      Bottleneck = "certificate"
	BottleneckDNS              Bottleneck = "dns"
	BottleneckBadInput         Bottleneck = "bad-input" // what is asked is malformed
	BottleneckClient           Bottleneck = "client"
	BottleneckLatency          Bottleneck = "latency" // slower, and nothing says of what kind
	BottleneckErrors           Bottleneck = "errors"  // fails, and nothing says of what kind
	BottleneckObservabilityGap Bottleneck = "observability-gap"
)

// Bottlenecks lists them all.
func Bottlenecks() []Bottleneck {
	return []Bottleneck{
		BottleneckCPU, BottleneckAllocation, BottleneckIODB, BottleneckLock, BottleneckNetwork, BottleneckPayload, BottleneckNPlus1,
		BottleneckPool, BottleneckDependency, BottleneckCapacity, BottleneckCache, BottleneckColdStart, BottleneckConfig,
		BottleneckException, BottleneckReturn, BottleneckTraffic, BottleneckNode, BottleneckUpstream, BottleneckCertificate,
		BottleneckDNS, BottleneckBadInput, BottleneckClient, BottleneckLatency, BottleneckErrors, BottleneckObservabilityGap,
	}
}

// Onset is when something began to move, with its uncertainty: the true start
// lies between Earliest and Latest.
type Onset struct {
	At       time.Time `json:"at"`
	Earliest time.Time `json:"earliest"`
	Latest   time.Time `json:"latest"`
}

// Regression is a finding: what moved, since when, by how much. It never says why.
type Regression struct {
	Service   ServiceName `json:"service"`
	Operation string      `json:"operation"`
	SLO       SLOName     `json:"slo"`
	Signal    Signal      `json:"signal"`
	Metric    string      `json:"metric,omitempty"` // which number of the signal Before and After are; empty: p99
	Onset     Onset       `json:"onset"`
	Before    Measure     `json:"before"` // p99 in seconds, or an error ratio
	After     Measure     `json:"after"`
}

// Outcome is how one check of a diagnosis ended.
type Outcome string

// The outcomes. A skipped check says why; it is not a clear one.
const (
	OutcomeHit     Outcome = "hit"
	OutcomeClear   Outcome = "clear"
	OutcomeSkipped Outcome = "skipped"
	OutcomeError   Outcome = "error"
)

// Check is one thing the diagnosis looked at.
type Check struct {
	Name     string     `json:"name"`     // "profile-diff"
	Question string     `json:"question"` // "Did any frame family of checkout grow per request?"
	Outcome  Outcome    `json:"outcome"`
	Reason   string     `json:"reason"` // the answer, or why skipped, in one sentence
	Evidence []Evidence `json:"evidence,omitempty"`
}

// Evidence is one measured fact with its before and after.
type Evidence struct {
	Check   string      `json:"check"` // name of the Check that found it
	Service ServiceName `json:"service,omitempty"`
	Claim   string      `json:"claim"` // one sentence with the numbers
	Before  Measure     `json:"before"`
	After   Measure     `json:"after"`
	Query   string      `json:"query,omitempty"` // how to look for oneself
}

// Confidence is a word for a score.
type Confidence string

// The confidence words.
const (
	ConfidenceHigh   Confidence = "high"
	ConfidenceMedium Confidence = "medium"
	ConfidenceLow    Confidence = "low"
)

// Amdahl bounds what fixing one cause can give.
type Amdahl struct {
	// Share is the part of the latency as it is now that the cause accounts for,
	// [0,1]; where failures are counted, of those that were added.
	Share Ratio `json:"share"`
	// MaxSpeedup is 1/(1-Share).
	MaxSpeedup float64 `json:"max_speedup"`
	// P99Seconds is what the p99 would become if the share vanished, in seconds.
	P99Seconds float64 `json:"p99_s"`
	// MeetsObjective says whether that is inside the objective; if not, the
	// finding is an effect and the cause lies upstream.
	MeetsObjective bool `json:"meets_objective"`
}

// OwnSignal is the number by which a hypothesis stands or falls: verification
// asks that it, too, comes back to its baseline.
type OwnSignal struct {
	Name      string      `json:"name"` // "response body of inventory POST /v1/items/lookup, median"
	Service   ServiceName `json:"service"`
	Operation string      `json:"operation"` // of requests that it answers; empty: of all
	// Call is set where it is not about requests that the service answers, but
	// about calls that it makes; Operation is the name of those, then.
	Call *OwnCall `json:"call,omitempty"`
	// Field is what is measured on these spans: "response_bytes", "request_bytes",
	// "duration", "self_time", "children" or "errors".
	Field  string  `json:"field"`
	Before Measure `json:"before"`
	After  Measure `json:"after"`
}

// OwnCall tells calls of one service and name apart, for some libraries name
// every call "GET".
type OwnCall struct {
	To        string `json:"to,omitempty"`        // service that answers, or the peer that the caller names; empty: any
	Statement string `json:"statement,omitempty"` // shape of the database statement; empty: any
}

// Hypothesis is a ranked claim about the cause, with evidence on both sides.
type Hypothesis struct {
	Rank       int         `json:"rank"` // 1 is the best
	Service    ServiceName `json:"service"`
	Class      Bottleneck  `json:"class"`
	Change     *Change     `json:"change,omitempty"` // nil: no change explains it
	Claim      string      `json:"claim"`            // one sentence
	Score      float64     `json:"score"`            // [0,1]
	Confidence Confidence  `json:"confidence"`
	For        []Evidence  `json:"for"`
	Against    []Evidence  `json:"against"`
	Disproof   string      `json:"disproof"` // what would disprove it
	Amdahl     Amdahl      `json:"amdahl"`
	Signal     OwnSignal   `json:"signal"`
}

// DiagnosisVerdict is how sure a diagnosis is.
type DiagnosisVerdict string

// The diagnosis verdicts. Confirmed needs the fix to have reversed the effect,
// so a diagnosis alone never says it.
const (
	DiagnosisConfirmed    DiagnosisVerdict = "confirmed"
	DiagnosisLikely       DiagnosisVerdict = "likely"
	DiagnosisNone         DiagnosisVerdict = "none"
	DiagnosisInconclusive DiagnosisVerdict = "inconclusive"
)

// Contribution is one bar of the waterfall: how much of the increase of the
// mean latency one place explains, in seconds.
type Contribution struct {
	Service   ServiceName `json:"service"`
	Operation string      `json:"operation"`
	Part      string      `json:"part"` // "self" time, or "hop" for the way between caller and callee
	Before    float64     `json:"before_s"`
	After     float64     `json:"after_s"`
	Delta     float64     `json:"delta_s"`
}

// Diagnosis is the answer to "why": a verdict, hypotheses, and everything that
// was looked at.
type Diagnosis struct {
	Verdict     DiagnosisVerdict    `json:"verdict"`
	Summary     string              `json:"summary"`
	Regression  Regression          `json:"regression"`
	Baseline    Period              `json:"baseline"`
	Window      Period              `json:"window"`
	Hypotheses  []Hypothesis        `json:"hypotheses"`
	Checks      []Check             `json:"checks"`
	Waterfall   []Contribution      `json:"waterfall"`
	Unexplained float64             `json:"unexplained_s"` // increase no bar explains, seconds
	Flame       *FlameDiff          `json:"flame,omitempty"`
	Contrasts   []AttributeContrast `json:"contrasts,omitempty"`
	Exemplars   []Exemplar          `json:"exemplars,omitempty"` // slow ones of the window, typical ones of the baseline
	Changes     []ChangeJudged      `json:"changes,omitempty"`
	Charts      []Chart             `json:"charts,omitempty"`
}

// RootCause is the change of state that explains a regression.
type RootCause struct {
	Service ServiceName `json:"service"`
	Class   Bottleneck  `json:"class"`
	Change  ChangeID    `json:"change"`
}

// FlameDiff is a profile difference as a table: per function or frame family,
// CPU per request before and after.
type FlameDiff struct {
	Service  ServiceName  `json:"service"`
	Type     ProfileType  `json:"type"`
	Unit     Unit         `json:"unit"`
	Families []FrameDelta `json:"families"`
	Frames   []FrameDelta `json:"frames"`
	Tree     []FlameNode  `json:"tree,omitempty"`     // the frames that matter, as a flame graph
	Warnings []string     `json:"warnings,omitempty"` // what the comparison could not see
}

// FrameDelta is one row of a FlameDiff.
type FrameDelta struct {
	Name        string  `json:"name"`
	Before      float64 `json:"before"` // per request
	After       float64 `json:"after"`
	ShareBefore Ratio   `json:"share_before"` // of all samples
	ShareAfter  Ratio   `json:"share_after"`
	P           float64 `json:"p"` // Welch test on windows; 1 when too few
	Significant bool    `json:"significant"`
}

// Chart is evidence copied into the record so that it outlives its source.
type Chart struct {
	Title  string        `json:"title"`
	Unit   Unit          `json:"unit"`
	Query  string        `json:"query"`
	Series []ChartSeries `json:"series"`
	Marks  []ChartMark   `json:"marks,omitempty"`
	Limit  *float64      `json:"limit,omitempty"`
	Band   *[2]float64   `json:"band,omitempty"` // baseline low and high
}

// ChartSeries is one line: unix milliseconds and values (null where unknown).
type ChartSeries struct {
	Name string     `json:"name"`
	T    []int64    `json:"t"`
	V    []*float64 `json:"v"`
}

// ChartMark is a vertical line at a change or a plan's step; times are unix
// milliseconds.
type ChartMark struct {
	T int64 `json:"t"`
	// From and To are the interval in which the moment truly lies; both are 0
	// where it is known exactly.
	From  int64  `json:"from,omitempty"`
	To    int64  `json:"to,omitempty"`
	Label string `json:"label"`
	Kind  string `json:"kind"` // "change", "onset", "plan"
}

// Mark draws an onset with its interval.
func (o Onset) Mark() ChartMark {
	m := ChartMark{T: o.At.UnixMilli(), Label: "onset", Kind: "onset"}
	if o.Earliest.Before(o.Latest) {
		m.From, m.To = o.Earliest.UnixMilli(), o.Latest.UnixMilli()
	}
	return m
}

// RouteLoad is one route's part of a load shape.
type RouteLoad struct {
	Service   ServiceName `json:"service"`
	Operation string      `json:"operation"`
	PerSecond float64     `json:"per_second"`
	Count     int64       `json:"count"`
}

// OperationStats is RED of one server operation of one service in a period.
type OperationStats struct {
	Service         ServiceName `json:"service"`
	Operation       string      `json:"operation"`
	Requests        int64       `json:"requests"`
	PerSecond       float64     `json:"per_second"`
	ErrorRatio      Measure     `json:"error_ratio"`
	P50             Measure     `json:"p50"`
	P95             Measure     `json:"p95"`
	P99             Measure     `json:"p99"`
	ResponseMedian  Measure     `json:"response_median"` // bytes
	RequestMedian   Measure     `json:"request_median"`
	SelfTimeMean    Measure     `json:"self_time_mean"`
	ChildrenPerCall float64     `json:"children_per_call"`
	Callers         []string    `json:"callers,omitempty"`
}

// Baseline is a frozen picture of normal.
type Baseline struct {
	Service    ServiceName      `json:"service"`
	Operation  string           `json:"operation"`
	Period     Period           `json:"period"`
	FrozenAt   time.Time        `json:"frozen_at"`
	Budget     ErrorBudget      `json:"budget"`
	Operations []OperationStats `json:"operations"` // every operation seen on the path
	Load       []RouteLoad      `json:"load"`
	// NoiseP99 is the A/A noise floor: by what factor the p99 of two halves of
	// this same baseline differ (95 % bootstrap bound on |log ratio|).
	NoiseP99 Ratio                   `json:"noise_p99"`
	Families []FrameDelta            `json:"families,omitempty"` // CPU per request by frame family, Before only
	Versions map[ServiceName]Version `json:"versions"`
	Charts   []Chart                 `json:"charts,omitempty"`
	Warnings []string                `json:"warnings,omitempty"`
}
