package metrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote/otlptranslator/prometheusremotewrite"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/pitwall/pitwall"
)

const (
	appendOp = "storing OTLP metrics"
	// maxAhead is how far a sender's clock may run ahead of ours.
	maxAhead = 10 * time.Minute
)

// AppendOTLPMetrics stores one OTLP metrics export request in protobuf. When it
// returns nil every sample survives a crash of the process. When it returns an
// Invalid error, what could be stored was stored, and sending the same request
// again would not help; errors.As finds an *Incomplete in it unless the body
// could not be read at all.
func (s *Store) AppendOTLPMetrics(ctx context.Context, body []byte) error {
	leave, err := s.enterWrite(ctx, appendOp)
	if err != nil {
		return err
	}
	defer leave()
	// An export request and MetricsData have the same bytes on the wire.
	md, err := new(pmetric.ProtoUnmarshaler).UnmarshalMetrics(body)
	if err != nil {
		e := &pitwall.Error{Op: appendOp, Kind: pitwall.Invalid, Err: fmt.Errorf("decoding %d bytes as an export request: %w", len(body), err),
			Hint: "send OTLP metrics as protobuf to /v1/metrics"}
		s.note(counted{}, e)
		return e
	}
	identify(md)
	points := s.deltas.newIntake(s.now(), s.oldest())
	points.take(md)
	app := s.tolerant(ctx)
	_, err = prometheusremotewrite.NewPrometheusConverter(app).FromMetrics(ctx, md, translation())
	if ctx.Err() != nil {
		return s.abandon(app, ctx.Err())
	}
	if cerr := s.commit(app); cerr != nil {
		return s.uncommitted(app, cerr)
	}
	got := counted{accepted: app.accepted, rejected: app.rejected + points.refused, duplicates: points.duplicates}
	e := refusal(points, app, err)
	s.note(got, e)
	if e == nil {
		return nil
	}
	return e
}

// Incomplete says how much of a request could not be taken, for its own sake.
type Incomplete struct {
	Samples uint64 // stored
	Points  int64  // data points refused, as OTLP's partial success counts
	err     error
}

// Error words it.
func (i *Incomplete) Error() string {
	return fmt.Sprintf("%d samples stored, but %v", i.Samples, i.err)
}

// Unwrap gives the causes.
func (i *Incomplete) Unwrap() error { return i.err }

// Rejected is how many data points were refused.
func (i *Incomplete) Rejected() int64 { return i.Points }

// oldest is the earliest time of a sample that any series still takes.
func (s *Store) oldest() time.Time {
	head := s.db.Head()
	if head.MinTime() > head.MaxTime() { // empty: anything goes that will be kept
		return s.now().Add(-s.o.Retention)
	}
	// What is less than half a block behind may be a quiet series' next sample.
	return time.UnixMilli(head.MaxTime()).Add(-max(minBlock/2, s.o.OutOfOrder))
}

// uncommitted words a commit that failed: nothing of the request was stored.
func (s *Store) uncommitted(app *tolerant, cause error) error {
	e := &pitwall.Error{Op: appendOp, Kind: pitwall.Unavailable, ID: s.dir,
		Err: fmt.Errorf("committing %d samples: %w", app.accepted, cause), Hint: diskHint}
	s.note(counted{rejected: app.accepted}, e)
	return e
}

// abandon rolls back a request whose sender has gone.
func (s *Store) abandon(app *tolerant, cause error) error {
	e := &pitwall.Error{Op: appendOp, Kind: pitwall.Unavailable, Err: errors.Join(cause, s.rollback(app)),
		Hint: "send the request again; nothing of it was stored"}
	s.note(counted{rejected: app.accepted}, e)
	return e
}

type counted struct{ accepted, rejected, duplicates uint64 }

// note keeps the health; a nil error leaves the last trouble standing only
// until samples flow cleanly again.
func (s *Store) note(n counted, trouble *pitwall.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.Accepted += n.accepted
	s.health.Rejected += n.rejected
	s.health.Duplicates += n.duplicates
	if n.accepted > 0 {
		s.health.LastSeen = s.now()
		s.health.Message = ""
	}
	if trouble != nil {
		s.health.Message = trouble.Error()
	}
}

// refusal words what a request lost, or nil.
func refusal(points *intake, app *tolerant, translating error) *pitwall.Error {
	var causes []error
	if points.refused > 0 {
		causes = append(causes, fmt.Errorf("%d data points refused, the first because of %w", points.refused, points.first))
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
	lost := &Incomplete{Samples: app.accepted, Points: int64(points.refused + app.points), err: errors.Join(causes...)}
	return &pitwall.Error{Op: appendOp, Kind: pitwall.Invalid, Err: lost,
		Hint: "check the sender's clock and that each process has its own service.instance.id"}
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

// tolerant counts a sample it cannot take instead of giving up on the rest of
// its metric, as the translator would.
type tolerant struct {
	storage.AppenderV2
	newest   int64 // unix milliseconds
	accepted uint64
	rejected uint64
	first    error // why the first sample was refused
	// One point of a histogram is many samples.
	points uint64
	point  []string // of the sample first refused of the present point
	time   int64
}

func (s *Store) tolerant(ctx context.Context) *tolerant {
	return &tolerant{AppenderV2: s.db.AppenderV2(ctx), newest: s.now().Add(maxAhead).UnixMilli()}
}

// Append implements storage.AppenderV2. The database refuses here only for the
// sample's own sake (too old, a second value for one instant, an impossible
// histogram); its own troubles show at Commit.
//
//nolint:revive // the signature is Prometheus'
func (a *tolerant) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, o storage.AppendV2Options) (storage.SeriesRef, error) {
	if t > a.newest {
		a.refuse(ls, t, o.MetricFamilyName, errFuture)
		return 0, nil
	}
	ref, err := a.AppenderV2.Append(ref, ls, st, t, v, h, fh, o)
	if err != nil {
		a.refuse(ls, t, o.MetricFamilyName, err)
		return 0, nil
	}
	a.accepted++
	return ref, nil
}

// refuse counts a point once, whichever of its samples come here: they follow
// each other and none comes twice.
func (a *tolerant) refuse(ls labels.Labels, t int64, family string, why error) {
	a.rejected++
	if a.first == nil {
		a.first = fmt.Errorf("%w of %s", why, ls)
	}
	sample := []string{family, ls.Get(labels.MetricName), ls.Get(labels.BucketLabel), ls.Get("quantile")}
	if a.points == 0 || t != a.time || family != a.point[0] || slices.Equal(sample, a.point) {
		a.points++
		a.point, a.time = sample, t
	}
}
