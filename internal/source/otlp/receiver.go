// Package otlp receives OpenTelemetry over HTTP (protobuf and JSON, plain or
// gzip) and gRPC.
//
// In come export requests from any SDK or Collector; out go span batches to the
// pitwall.SpanSink and raw metric requests to the pitwall.MetricSink. A request
// is answered with success only after the sink has taken it, so what a sender
// may forget is safe; a sink that cannot take it, and too much at once, are told
// in the ways that make senders try again. Logs are counted and turned down, for
// nothing keeps them yet.
//
// The package refuses to know what spans mean: it decodes, bounds and hands on.
package otlp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc/codes"

	"github.com/pitwall/pitwall"
)

var _ pitwall.Health = (*Receiver)(nil)

// Config says where telemetry goes and what is too much. A signal without a
// sink is refused.
type Config struct {
	Spans   pitwall.SpanSink
	Metrics pitwall.MetricSink
	// Now is the clock; time.Now.
	Now func() time.Time
	// MaxBody bounds a request in bytes, both as sent and decompressed; 16 MiB.
	MaxBody int64
	// MaxInFlight bounds the requests being read or stored at once; 32.
	MaxInFlight int
}

// Receiver takes OTLP in. Its handler and its gRPC service share the bounds.
type Receiver struct {
	cfg                   Config
	slots                 chan struct{}
	traces, metrics, logs signal
}

// New makes a receiver.
func New(cfg Config) *Receiver {
	cfg.MaxBody = cmp.Or(max(0, cfg.MaxBody), 16<<20)
	cfg.MaxInFlight = cmp.Or(max(0, cfg.MaxInFlight), 32)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Receiver{
		cfg: cfg, slots: make(chan struct{}, cfg.MaxInFlight),
		traces:  signal{name: "otlp/traces", blind: "requests, latencies, and which service spends the time"},
		metrics: signal{name: "otlp/metrics", blind: "CPU, memory and saturation of the services"},
		logs:    signal{name: "otlp/logs", blind: "error messages of the services"},
	}
}

// retryAfter is what senders are asked to wait after a refusal that may pass.
const retryAfter = time.Second

// refusal is a request that was not taken: how HTTP and gRPC say so.
type refusal struct {
	status int
	code   codes.Code
	err    error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// again says whether the sender should try again.
func (r *refusal) again() bool {
	return r.status == http.StatusTooManyRequests || r.status == http.StatusServiceUnavailable
}

func malformed(format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, codes.InvalidArgument, fmt.Errorf(format, args...)}
}

func tooLarge(limit int64) *refusal {
	return &refusal{http.StatusRequestEntityTooLarge, codes.ResourceExhausted,
		fmt.Errorf("the request is larger than %d bytes; send smaller batches", limit)}
}

// asRefusal finds how to say an error; what is not known to be the sender's
// fault may pass, so that nothing is thrown away for a trouble of ours.
func asRefusal(err error) *refusal {
	var r *refusal
	switch {
	case errors.As(err, &r):
		return r
	case pitwall.KindOf(err) == pitwall.Invalid:
		return &refusal{http.StatusBadRequest, codes.InvalidArgument, err}
	default:
		return &refusal{http.StatusServiceUnavailable, codes.Unavailable, err}
	}
}

// enter takes a slot, or refuses; leave gives it back.
func (r *Receiver) enter() (leave func(), err error) {
	select {
	case r.slots <- struct{}{}:
		return func() { <-r.slots }, nil
	default:
		return nil, &refusal{http.StatusTooManyRequests, codes.Unavailable,
			fmt.Errorf("%d requests are in flight, that is the bound; try again", r.cfg.MaxInFlight)}
	}
}

func (r *Receiver) exportTraces(ctx context.Context, req ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	res := ptraceotlp.NewExportResponse()
	if r.cfg.Spans == nil {
		return res, notTaken("traces")
	}
	b, bad := toBatch(req.Traces())
	if b.Len() > 0 {
		if err := r.cfg.Spans.AppendSpans(ctx, b); err != nil {
			return res, r.traces.refuse(b.Len()+bad.spans, fmt.Errorf("storing spans: %w", err))
		}
	}
	r.traces.accept(b.Len(), r.cfg.Now())
	if bad.spans > 0 {
		res.PartialSuccess().SetRejectedSpans(int64(bad.spans))
		res.PartialSuccess().SetErrorMessage(bad.reason)
		_ = r.traces.refuse(bad.spans, malformed("%s", bad.reason)) // the response tells it
	}
	return res, nil
}

// exportMetrics hands on raw, the request in protobuf; empty: it is made here.
func (r *Receiver) exportMetrics(ctx context.Context, req pmetricotlp.ExportRequest, raw []byte) (pmetricotlp.ExportResponse, error) {
	res := pmetricotlp.NewExportResponse()
	points := req.Metrics().DataPointCount()
	switch {
	case r.cfg.Metrics == nil:
		return res, notTaken("metrics")
	case points == 0:
		return res, nil
	case raw == nil:
		var err error
		if raw, err = req.MarshalProto(); err != nil {
			return res, malformed("encoding metrics: %w", err)
		}
	}
	if err := r.cfg.Metrics.AppendOTLPMetrics(ctx, raw); err != nil {
		return res, r.metrics.refuse(points, fmt.Errorf("storing metrics: %w", err))
	}
	r.metrics.accept(points, r.cfg.Now())
	return res, nil
}

func (r *Receiver) exportLogs(req plogotlp.ExportRequest) plogotlp.ExportResponse {
	res := plogotlp.NewExportResponse()
	n := req.Logs().LogRecordCount()
	if n == 0 {
		return res
	}
	err := malformed("logs are not kept: there is no store for them yet")
	res.PartialSuccess().SetRejectedLogRecords(int64(n))
	res.PartialSuccess().SetErrorMessage(err.Error())
	_ = r.logs.refuse(n, err) // the response tells it
	return res
}

func notTaken(what string) *refusal {
	return &refusal{http.StatusNotImplemented, codes.Unimplemented, fmt.Errorf("this Pitwall takes no %s", what)}
}

// signal counts what came in of traces, metrics or logs.
type signal struct {
	name, blind string

	mu                 sync.Mutex
	accepted, rejected uint64
	last               time.Time
	trouble            string
	failing            bool // what came last could not be stored
}

func (s *signal) accept(n int, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted += uint64(n)
	s.last, s.trouble, s.failing = now, "", false
}

// refuse counts and gives the error back.
func (s *signal) refuse(n int, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected += uint64(n)
	s.trouble, s.failing = err.Error(), asRefusal(err).again()
	return err
}

// Health tells of traces, metrics and logs: how many spans, points and records
// were taken and refused, and when anything last came. A signal is up once
// something came and as long as it can be stored.
func (r *Receiver) Health() []pitwall.SourceHealth {
	var list []pitwall.SourceHealth
	for _, s := range []*signal{&r.traces, &r.metrics, &r.logs} {
		s.mu.Lock()
		list = append(list, pitwall.SourceHealth{
			Name: s.name, Up: !s.last.IsZero() && !s.failing, LastSeen: s.last, Accepted: s.accepted, Rejected: s.rejected,
			Message: s.trouble, Blind: s.blind,
		})
		s.mu.Unlock()
	}
	return list
}
