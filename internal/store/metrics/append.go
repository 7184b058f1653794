package metrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote/otlptranslator/prometheusremotewrite"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/pitwall/pitwall"
)

const (
	appendOp = "storing OTLP metrics"
	// maxAhead is how far a sender's clock may run ahead of ours.
	maxAhead = 10 * time.Minute
	// unknownService is OpenTelemetry's own name for a sender without one.
	unknownService = "unknown_service"
	deltaHint      = "set OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative at the sender"
)

// AppendOTLPMetrics stores one OTLP metrics export request in protobuf. When it
// returns nil every sample survives a crash of the process. When it returns an
// Invalid error, what could be stored was stored, and sending the same request
// again would not help.
func (s *Store) AppendOTLPMetrics(ctx context.Context, body []byte) error {
	leave, err := s.enter(ctx, appendOp)
	if err != nil {
		return err
	}
	defer leave()
	// An export request and MetricsData have the same bytes on the wire.
	md, err := new(pmetric.ProtoUnmarshaler).UnmarshalMetrics(body)
	if err != nil {
		e := &pitwall.Error{Op: appendOp, Kind: pitwall.Invalid, Err: fmt.Errorf("decoding %d bytes as an export request: %w", len(body), err),
			Hint: "send OTLP metrics as protobuf to /v1/metrics"}
		s.note(0, 0, e)
		return e
	}
	identify(md)
	refused := dropDelta(md)
	app := &tolerant{AppenderV2: s.db.AppenderV2(ctx), newest: s.now().Add(maxAhead).UnixMilli()}
	_, err = prometheusremotewrite.NewPrometheusConverter(app).FromMetrics(ctx, md, translation())
	if ctx.Err() != nil {
		return s.abandon(app, ctx.Err())
	}
	if cerr := app.Commit(); cerr != nil {
		e := &pitwall.Error{Op: appendOp, Kind: pitwall.Unavailable, Err: fmt.Errorf("committing %d samples: %w", app.accepted, cerr),
			Hint: "check the room left on the data directory's disk"}
		s.note(0, app.accepted, e)
		return e
	}
	e := refusal(refused, app, err)
	s.note(app.accepted, app.rejected+uint64(len(refused)), e)
	if e == nil {
		return nil
	}
	return e
}

// abandon rolls back a request whose sender has gone.
func (s *Store) abandon(app *tolerant, cause error) error {
	e := &pitwall.Error{Op: appendOp, Kind: pitwall.Unavailable, Err: errors.Join(cause, app.Rollback()),
		Hint: "send the request again; nothing of it was stored"}
	s.note(0, app.accepted, e)
	return e
}

// note keeps the health; a nil error leaves the last trouble standing only
// until samples flow cleanly again.
func (s *Store) note(accepted, rejected uint64, trouble *pitwall.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.Accepted += accepted
	s.health.Rejected += rejected
	if accepted > 0 {
		s.health.LastSeen = s.now()
		s.health.Message = ""
	}
	if trouble != nil {
		s.health.Message = trouble.Error()
	}
}

// refusal words what a request lost, or nil.
func refusal(delta []string, app *tolerant, translating error) *pitwall.Error {
	var causes []error
	hint := "check the sender's clock and that each process has its own service.instance.id"
	if len(delta) > 0 {
		causes = append(causes, fmt.Errorf("delta temporality is not taken: %s", strings.Join(delta, ", ")))
		hint = deltaHint
	}
	if app.rejected > 0 {
		causes = append(causes, fmt.Errorf("%d samples refused, the first because of %w", app.rejected, app.first))
	}
	if translating != nil {
		causes = append(causes, fmt.Errorf("translating: %w", translating))
	}
	if len(causes) == 0 {
		return nil
	}
	err := fmt.Errorf("%d samples stored, but %w", app.accepted, errors.Join(causes...))
	return &pitwall.Error{Op: appendOp, Kind: pitwall.Invalid, Err: err, Hint: hint}
}

func translation() prometheusremotewrite.Settings {
	return prometheusremotewrite.Settings{
		AddMetricSuffixes: true,
		PromoteResourceAttributes: prometheusremotewrite.NewPromoteResourceAttributes(config.OTLPConfig{
			PromoteResourceAttributes: []string{"service.name", "service.version"},
		}),
		KeepIdentifyingResourceAttributes: true,
		LookbackDelta:                     defaultLookback,
	}
}

// identify gives every resource a service name and an instance, so that two
// senders never write into one series.
func identify(md pmetric.Metrics) {
	for _, rm := range md.ResourceMetrics().All() {
		attrs := rm.Resource().Attributes()
		if text(attrs, "service.name") == "" {
			attrs.PutStr("service.name", unknownService)
		}
		if text(attrs, "service.instance.id") != "" {
			continue
		}
		if id := instanceOf(attrs); id != "" {
			attrs.PutStr("service.instance.id", id)
		}
	}
}

func instanceOf(attrs pcommon.Map) string {
	if pod := text(attrs, "k8s.pod.name"); pod != "" {
		return pod
	}
	host, pid := text(attrs, "host.name"), text(attrs, "process.pid")
	if host == "" || pid == "" {
		return host + pid
	}
	return host + ":" + pid
}

func text(attrs pcommon.Map, key string) string {
	v, ok := attrs.Get(key)
	if !ok {
		return ""
	}
	return v.AsString()
}

// dropDelta takes metrics of delta temporality out and names them.
func dropDelta(md pmetric.Metrics) (names []string) {
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			sm.Metrics().RemoveIf(func(m pmetric.Metric) bool {
				if temporality(m) != pmetric.AggregationTemporalityDelta {
					return false
				}
				if !slices.Contains(names, m.Name()) {
					names = append(names, m.Name())
				}
				return true
			})
		}
	}
	return names
}

func temporality(m pmetric.Metric) pmetric.AggregationTemporality {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		return m.Sum().AggregationTemporality()
	case pmetric.MetricTypeHistogram:
		return m.Histogram().AggregationTemporality()
	case pmetric.MetricTypeExponentialHistogram:
		return m.ExponentialHistogram().AggregationTemporality()
	default:
		return pmetric.AggregationTemporalityUnspecified
	}
}

// tolerant counts a sample it cannot take instead of giving up on the rest of
// its metric, as the translator would.
type tolerant struct {
	storage.AppenderV2
	newest   int64 // unix milliseconds
	accepted uint64
	rejected uint64
	first    error // why the first sample was refused
}

// Append implements storage.AppenderV2. The database refuses here only for the
// sample's own sake (too old, a second value for one instant, an impossible
// histogram); its own troubles show at Commit.
//
//nolint:revive // the signature is Prometheus'
func (a *tolerant) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, o storage.AppendV2Options) (storage.SeriesRef, error) {
	if t > a.newest {
		a.refuse(ls, fmt.Errorf("a time %v in the future", time.Duration(t-a.newest)*time.Millisecond+maxAhead))
		return 0, nil
	}
	o.Exemplars = nil // nobody reads them
	ref, err := a.AppenderV2.Append(ref, ls, st, t, v, h, fh, o)
	if err != nil {
		a.refuse(ls, err)
		return 0, nil
	}
	a.accepted++
	return ref, nil
}

func (a *tolerant) refuse(ls labels.Labels, why error) {
	a.rejected++
	if a.first == nil {
		a.first = fmt.Errorf("%w of %s", why, ls)
	}
}
