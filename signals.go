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
)

// ChangeKinds lists them all.
func ChangeKinds() []ChangeKind {
	return []ChangeKind{ChangeDeploy, ChangeConfig, ChangeFlag, ChangeScale, ChangeMigration, ChangeTraffic, ChangeDependency}
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
)

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

// Series is one metric series: parallel times (unix milliseconds) and values.
type Series struct {
	Labels map[string]string `json:"labels"`
	T      []int64           `json:"t"`
	V      []float64         `json:"v"`
}

// SourceHealth is what one source says of itself.
type SourceHealth struct {
	Name     string    `json:"name"` // "otlp/traces", "pprof checkout"
	Up       bool      `json:"up"`
	LastSeen time.Time `json:"last_seen"`
	Accepted uint64    `json:"accepted"`
	Rejected uint64    `json:"rejected"`
	Message  string    `json:"message,omitempty"` // the last trouble
	Blind    string    `json:"blind,omitempty"`   // what cannot be seen without it
}
