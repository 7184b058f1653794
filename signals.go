package pitwall

import "time"

// ChangeKind says what sort of thing happened to the world.
type ChangeKind string

// The kinds of change.
const (
	ChangeDeploy     ChangeKind = "deploy"
	ChangeConfig     ChangeKind = "config"
	ChangeFlag       ChangeKind = "flag"
	ChangeScale      ChangeKind = "scale"
	ChangeMigration  ChangeKind = "migration"
	ChangeTraffic    ChangeKind = "traffic"
	ChangeDependency ChangeKind = "dependency"
	ChangeCommit     ChangeKind = "commit" // merged, not rolled out on its own
)

// ChangeKinds lists them all.
func ChangeKinds() []ChangeKind {
	return []ChangeKind{ChangeDeploy, ChangeConfig, ChangeFlag, ChangeScale, ChangeMigration, ChangeTraffic, ChangeDependency, ChangeCommit}
}

// Change is a thing that happened to the world, with how it was seen.
type Change struct {
	ID              ChangeID          `json:"id"`
	At              time.Time         `json:"time"`
	Kind            ChangeKind        `json:"kind"`
	Service         ServiceName       `json:"service"`
	Version         Version           `json:"version,omitempty"`
	PreviousVersion Version           `json:"previous_version,omitempty"`
	Summary         string            `json:"summary,omitempty"`
	DiffHints       []string          `json:"diff_hints,omitempty"`
	Config          map[string]string `json:"config,omitempty"`
	Flags           map[string]string `json:"flags,omitempty"`
	Files           []string          `json:"files,omitempty"` // touched by it
	Diff            string            `json:"diff,omitempty"`  // unified, as far as it was given
	Actor           string            `json:"actor,omitempty"`
	Link            string            `json:"link,omitempty"`
	SeenBy          SeenBy            `json:"seen_by"`
}

// SeenBy says how a change became known.
type SeenBy string

// The ways a change becomes known.
const (
	SeenByWebhook   SeenBy = "webhook"   // announced to the changes API
	SeenByTelemetry SeenBy = "telemetry" // a service.version not seen before
	SeenByPitwall   SeenBy = "pitwall"   // our own act
)

// PageLoad is one real-user measurement sent by a browser. Durations are
// seconds; negative means not measured.
type PageLoad struct {
	At       time.Time `json:"time"`
	Page     string    `json:"page"`
	Session  string    `json:"session"`
	TraceID  string    `json:"trace_id,omitempty"`
	TTFB     float64   `json:"ttfb_s"`     // waiting for the first byte: server and network
	Response float64   `json:"response_s"` // until the last byte
	Render   float64   `json:"render_s"`   // work in the client after the response
	LCP      float64   `json:"lcp_s"`
	INP      float64   `json:"inp_s"`
}

// ProfileType names what a profile counts.
type ProfileType string

// The profile types.
const (
	ProfileCPU   ProfileType = "cpu"
	ProfileAlloc ProfileType = "alloc"
	ProfileMutex ProfileType = "mutex"
	ProfileBlock ProfileType = "block"
	// What is held at one moment, not spent over a period.
	ProfileHeap      ProfileType = "heap"
	ProfileGoroutine ProfileType = "goroutine"
)

// ProfileTypes lists them all.
func ProfileTypes() []ProfileType {
	return []ProfileType{ProfileCPU, ProfileAlloc, ProfileMutex, ProfileBlock, ProfileHeap, ProfileGoroutine}
}

// ProfileWindow is one profile over one period of one instance, with the
// requests the service served meanwhile.
type ProfileWindow struct {
	Service  ServiceName `json:"service"`
	Version  Version     `json:"version"`
	Instance string      `json:"instance"`
	Type     ProfileType `json:"type"`
	Period   Period      `json:"period"`
	Requests int64       `json:"requests"` // 0: unknown
	Data     []byte      `json:"-"`        // gzipped pprof
}

// LogSeverity is OpenTelemetry's severity number, 1 to 24; 0: not given.
type LogSeverity uint8

// The lowest number of each range.
const (
	SeverityTrace LogSeverity = 1
	SeverityDebug LogSeverity = 5
	SeverityInfo  LogSeverity = 9
	SeverityWarn  LogSeverity = 13
	SeverityError LogSeverity = 17
	SeverityFatal LogSeverity = 21
)

// LogRecord is one line a service wrote.
type LogRecord struct {
	At       time.Time   `json:"time"`
	Service  ServiceName `json:"service"`
	Version  Version     `json:"version,omitempty"`
	Severity LogSeverity `json:"severity"`
	Text     string      `json:"text"`
	Trace    TraceID     `json:"-"` // zero: not part of a trace
	Span     uint64      `json:"-"`
	Attrs    []Attr      `json:"attrs,omitempty"`
}

// LogBatch is what came in one delivery; see SpanBatch.Delivery.
type LogBatch struct {
	Delivery uint64
	Records  []LogRecord
}

// LogPattern is what many records have in common: their text with the parts
// that vary taken out.
type LogPattern struct {
	ID       string      `json:"id"`
	Service  ServiceName `json:"service"`
	Version  Version     `json:"version,omitempty"`
	Severity LogSeverity `json:"severity"`
	Template string      `json:"template"` // "connection to <*> refused after <*> ms"
	Count    int64       `json:"count"`
	First    time.Time   `json:"first"`
	Last     time.Time   `json:"last"`
	Example  string      `json:"example"` // the text of one record
}

// Alert is what another alerting system said, such as Alertmanager.
type Alert struct {
	ID          string            `json:"id"` // the same firing has the same id for ever
	Source      string            `json:"source"`
	Firing      bool              `json:"firing"`
	Name        string            `json:"name"`
	Service     ServiceName       `json:"service,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	From        time.Time         `json:"from"`
	To          time.Time         `json:"to,omitzero"` // zero: not over
	Link        string            `json:"link,omitempty"`
}

// Series is one metric series: parallel times (unix milliseconds) and values.
type Series struct {
	Labels map[string]string `json:"labels"`
	T      []int64           `json:"t"`
	V      []float64         `json:"v"`
}

// SignalKind is a kind of telemetry.
type SignalKind string

// The signals.
const (
	SignalTraces     SignalKind = "traces"
	SignalMetrics    SignalKind = "metrics"
	SignalLogs       SignalKind = "logs"
	SignalProfiles   SignalKind = "profiles"
	SignalChanges    SignalKind = "changes"
	SignalAlerts     SignalKind = "alerts"
	SignalUsers      SignalKind = "users"
	SignalSynthetics SignalKind = "synthetics"
	SignalState      SignalKind = "state"
)

// SourceHealth is what one source says of itself.
type SourceHealth struct {
	Name       string     `json:"name"` // "otlp/traces", "pprof checkout"
	Signal     SignalKind `json:"signal,omitempty"`
	Up         bool       `json:"up"`
	LastSeen   time.Time  `json:"last_seen"`
	Lag        float64    `json:"lag_s,omitempty"` // median seconds from the event to its arrival here, of late; 0: unknown
	Accepted   uint64     `json:"accepted"`
	Rejected   uint64     `json:"rejected"`
	Duplicates uint64     `json:"duplicates,omitempty"` // deliveries that came again and were stored once
	Message    string     `json:"message,omitempty"`    // the last trouble
	Blind      string     `json:"blind,omitempty"`      // what cannot be seen without it
}
