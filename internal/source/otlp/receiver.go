// Package otlp receives OpenTelemetry over HTTP (protobuf and JSON, plain or
// gzip) and gRPC.
//
// In come export requests from any SDK or Collector; out go span batches to the
// pitwall.SpanSink, raw metric requests to the pitwall.MetricSink and log
// batches to the pitwall.LogSink. A request is answered with success only after
// the sink has taken it, so what a sender may forget is safe; a sink that cannot
// take it, and too much at once, are told in the ways that make senders try
// again. Each batch carries a number for the bytes it came in, so that a request
// sent again is stored once.
//
// The package refuses to know what spans mean: it decodes, bounds and hands on.
// JSON becomes protobuf at the door; protobuf is walked by the wire package.
package otlp

import (
	"cmp"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/source/otlp/wire"
)

var _ pitwall.Health = (*Receiver)(nil)

// Config says where telemetry goes and what is too much. A signal without a
// sink is refused.
type Config struct {
	Spans   pitwall.SpanSink
	Metrics pitwall.MetricSink
	Logs    pitwall.LogSink
	// Now is the clock; time.Now. Deadlines of connections are the operating
	// system's and do not ask it.
	Now func() time.Time
	// MaxBody bounds a request in bytes, both as sent and decompressed; 16 MiB.
	MaxBody int64
	// MaxInFlight bounds the requests being read or stored at once; 32.
	MaxInFlight int
	// MaxInFlightBytes bounds their bodies together, as far as they have arrived;
	// 64 MiB. A gRPC message counts when it is complete, so up to MaxInFlight of
	// them may be in memory beside.
	MaxInFlightBytes int64
	// ReadTimeout is how long a body may take to arrive; 30 s.
	ReadTimeout time.Duration
}

// Receiver takes OTLP in. Its handler and its gRPC service share the bounds.
type Receiver struct {
	cfg                   Config
	slots, streams        chan struct{} // of HTTP and of gRPC: neither takes the other's places
	held                  meter
	walkers               chan *wire.Walker // one for each processor: each remembers words
	batches               sync.Pool         // of *pitwall.SpanBatch
	buffers               sync.Pool         // of *[]byte
	unzippers             sync.Pool         // of *gzip.Reader
	receiving             sync.WaitGroup    // goroutines that wait for a gRPC message
	traces, metrics, logs signal
}

// New makes a receiver.
func New(cfg Config) *Receiver {
	cfg.MaxBody = cmp.Or(max(0, cfg.MaxBody), 16<<20)
	cfg.MaxInFlight = cmp.Or(max(0, cfg.MaxInFlight), 32)
	cfg.MaxInFlightBytes = cmp.Or(max(0, cfg.MaxInFlightBytes), 64<<20)
	cfg.ReadTimeout = cmp.Or(max(0, cfg.ReadTimeout), 30*time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	r := &Receiver{
		cfg: cfg, slots: make(chan struct{}, cfg.MaxInFlight), streams: make(chan struct{}, cfg.MaxInFlight), held: meter{most: cfg.MaxInFlightBytes},
		walkers: make(chan *wire.Walker, runtime.GOMAXPROCS(0)),
		traces: signal{name: "otlp/traces", kind: pitwall.SignalTraces, items: "spans",
			blind: "requests, latencies, and which service spends the time"},
		metrics: signal{name: "otlp/metrics", kind: pitwall.SignalMetrics, items: "points",
			blind: "CPU, memory and saturation of the services"},
		logs: signal{name: "otlp/logs", kind: pitwall.SignalLogs, items: "log records",
			blind: "error messages of the services"},
	}
	for range cap(r.walkers) {
		r.walkers <- wire.NewWalker()
	}
	r.batches.New = func() any { return new(pitwall.SpanBatch) }
	r.buffers.New = func() any { return new([]byte) }
	r.unzippers.New = func() any { return new(gzip.Reader) }
	return r
}

// Handler serves POST /v1/traces, /v1/metrics and /v1/logs.
func (r *Receiver) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", r.serve(&r.traces, r.takeTraces))
	mux.HandleFunc("POST /v1/metrics", r.serve(&r.metrics, r.takeMetrics))
	mux.HandleFunc("POST /v1/logs", r.serve(&r.logs, r.takeLogs))
	return mux
}

// Health tells of traces, metrics and logs: how many spans, points and records
// were taken and refused, when anything last came and how late it was. A signal
// is up once something came and as long as it can be stored.
func (r *Receiver) Health() []pitwall.SourceHealth {
	now := r.cfg.Now()
	return []pitwall.SourceHealth{r.traces.health(now), r.metrics.health(now), r.logs.health(now)}
}
