package otlp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/source/otlp/wire"
)

// request and response are what the three signals' messages have in common.
type request interface {
	UnmarshalJSON([]byte) error
	MarshalProto() ([]byte, error)
}

type response interface {
	MarshalProto() ([]byte, error)
	MarshalJSON() ([]byte, error)
}

// taker takes one decompressed request of a content type; the body is the
// caller's again when it returns.
type taker func(ctx context.Context, body []byte, kind string) (response, error)

// walk lets f read a request in protobuf. There are only as many walkers as
// processors, which bounds what decoding takes at once, in JSON too.
func (r *Receiver) walk(body []byte, kind string, asJSON request, f func(w *wire.Walker, body []byte) error) error {
	w := <-r.walkers
	defer func() { r.walkers <- w }()
	if kind == typeJSON {
		var err error
		if body, err = fromJSON(asJSON, body); err != nil {
			return err
		}
	}
	if err := f(w, body); err != nil {
		return malformed("decoding %s: %w", kind, err)
	}
	return nil
}

func (r *Receiver) takeTraces(ctx context.Context, body []byte, kind string) (response, error) {
	if r.cfg.Spans == nil {
		return nil, notTaken("traces")
	}
	b := r.batches.Get().(*pitwall.SpanBatch)
	defer r.giveBack(b)
	b.Delivery = wire.Delivery(body, pitwall.SignalTraces)
	var bad wire.Rejected
	if err := r.walk(body, kind, ptraceotlp.NewExportRequest(), func(w *wire.Walker, body []byte) (err error) {
		bad, err = w.Traces(b, body)
		return err
	}); err != nil {
		return nil, err
	}
	if b.Len() > 0 {
		if err := r.cfg.Spans.AppendSpans(ctx, b); err != nil {
			return nil, r.traces.refuse(b.Len()+bad.Count, fmt.Errorf("storing spans: %w", err))
		}
	}
	r.traces.accept(b.Len(), arrivalOfSpans(b, r.cfg.Now()))
	res := ptraceotlp.NewExportResponse()
	if bad.Count > 0 {
		res.PartialSuccess().SetRejectedSpans(int64(bad.Count))
		res.PartialSuccess().SetErrorMessage(bad.Reason)
		_ = r.traces.refuse(bad.Count, malformed("%s", bad.Reason)) // the response tells it
	}
	return res, nil
}

// What a batch at rest may take up; greater ones are left to the garbage
// collector.
const (
	mostSpansAtRest      = 1 << 14
	mostAttributesAtRest = 1 << 18
)

func (r *Receiver) giveBack(b *pitwall.SpanBatch) {
	if cap(b.SpanID) > mostSpansAtRest || cap(b.AttrKey) > mostAttributesAtRest || cap(b.Strings) > mostSpansAtRest {
		return
	}
	wire.Empty(b)
	r.batches.Put(b)
}

// incomplete is the error of a sink that stored all but some points.
type incomplete interface {
	error
	Rejected() int64
}

func (r *Receiver) takeMetrics(ctx context.Context, body []byte, kind string) (response, error) {
	if r.cfg.Metrics == nil {
		return nil, notTaken("metrics")
	}
	var points wire.Points
	raw := body
	if err := r.walk(body, kind, pmetricotlp.NewExportRequest(), func(_ *wire.Walker, body []byte) (err error) {
		raw = body // the store takes protobuf only
		points, err = wire.CountPoints(body)
		return err
	}); err != nil {
		return nil, err
	}
	res := pmetricotlp.NewExportResponse()
	if points.Count == 0 {
		return res, nil
	}
	rejected := 0
	if err := r.cfg.Metrics.AppendOTLPMetrics(ctx, raw); err != nil {
		var part incomplete
		if !errors.As(err, &part) {
			return nil, r.metrics.refuse(points.Count, fmt.Errorf("storing metrics: %w", err))
		}
		rejected = int(min(part.Rejected(), int64(points.Count)))
		res.PartialSuccess().SetRejectedDataPoints(int64(rejected))
		res.PartialSuccess().SetErrorMessage(err.Error())
		defer func() { _ = r.metrics.refuse(rejected, malformed("%w", err)) }() // the response tells it
	}
	now := r.cfg.Now()
	a := arrival{now: now, lag: unknownLag}
	if points.Last > 0 {
		a.lag = max(0, now.Sub(time.Unix(0, points.Last)))
	}
	r.metrics.accept(points.Count-rejected, a)
	return res, nil
}

func (r *Receiver) takeLogs(ctx context.Context, body []byte, kind string) (response, error) {
	if r.cfg.Logs == nil {
		return r.noLogs(body, kind)
	}
	var b *pitwall.LogBatch
	var bad wire.Rejected
	if err := r.walk(body, kind, plogotlp.NewExportRequest(), func(w *wire.Walker, body []byte) (err error) {
		b, bad, err = w.Logs(body, r.cfg.Now())
		return err
	}); err != nil {
		return nil, err
	}
	b.Delivery = wire.Delivery(body, pitwall.SignalLogs)
	if len(b.Records) > 0 {
		if err := r.cfg.Logs.AppendLogs(ctx, b); err != nil {
			return nil, r.logs.refuse(len(b.Records)+bad.Count, fmt.Errorf("storing logs: %w", err))
		}
	}
	r.logs.accept(len(b.Records), arrivalOfLogs(b, r.cfg.Now()))
	res := plogotlp.NewExportResponse()
	if bad.Count > 0 {
		res.PartialSuccess().SetRejectedLogRecords(int64(bad.Count))
		res.PartialSuccess().SetErrorMessage(bad.Reason)
		_ = r.logs.refuse(bad.Count, malformed("%s", bad.Reason)) // the response tells it
	}
	return res, nil
}

// noLogs turns records down one and all, and says so.
func (r *Receiver) noLogs(body []byte, kind string) (response, error) {
	n := 0
	if err := r.walk(body, kind, plogotlp.NewExportRequest(), func(w *wire.Walker, body []byte) error {
		b, bad, err := w.Logs(body, r.cfg.Now())
		if err == nil {
			n = len(b.Records) + bad.Count
		}
		return err
	}); err != nil {
		return nil, err
	}
	res := plogotlp.NewExportResponse()
	if n == 0 {
		return res, nil
	}
	err := malformed("logs are not kept: there is no store for them")
	res.PartialSuccess().SetRejectedLogRecords(int64(n))
	res.PartialSuccess().SetErrorMessage(err.Error())
	_ = r.logs.refuse(n, err) // the response tells it
	return res, nil
}
