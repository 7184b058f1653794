package metrics

import (
	"errors"
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

var (
	errFuture      = fmt.Errorf("a time more than %v in the future", maxAhead)
	errPast        = errors.New("a time too long ago")
	errTemporality = errors.New("no aggregation temporality")
	errScale       = errors.New("an exponential scale or bucket that no number falls into")
)

// intake is one request on its way in: it takes out what could not be stored,
// and turns deltas into running totals, before the translator sees the points.
type intake struct {
	deltas         *deltas
	now            time.Time
	oldest, newest pcommon.Timestamp // what may be stored
	refused        uint64            // points
	duplicates     uint64
	first          error
	metric         string // the one at hand
}

func (d *deltas) newIntake(now, oldest time.Time) *intake {
	return &intake{deltas: d, now: now,
		oldest: pcommon.Timestamp(max(0, oldest.UnixNano())), newest: pcommon.NewTimestampFromTime(now.Add(maxAhead))}
}

// take goes through every point once.
func (in *intake) take(md pmetric.Metrics) {
	for _, rm := range md.ResourceMetrics().All() {
		resource := in.deltas.hashAttrs(rm.Resource().Attributes())
		for _, sm := range rm.ScopeMetrics().All() {
			scope := in.deltas.mix(resource, sm.Scope().Name(), sm.Scope().Version()) ^ in.deltas.hashAttrs(sm.Scope().Attributes())
			for _, m := range sm.Metrics().All() {
				in.metric = m.Name()
				in.takeMetric(m, in.deltas.mix(scope, m.Name(), m.Unit(), m.Type().String()))
			}
		}
	}
}

func (in *intake) takeMetric(m pmetric.Metric, id uint64) {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		sift(in, m.Gauge().DataPoints(), func(p pmetric.NumberDataPoint) error { return dropExemplars(p) })
	case pmetric.MetricTypeSummary:
		sift(in, m.Summary().DataPoints(), func(pmetric.SummaryDataPoint) error { return nil })
	case pmetric.MetricTypeSum:
		s := m.Sum()
		sift(in, s.DataPoints(), func(p pmetric.NumberDataPoint) error {
			return errors.Join(known(s.AggregationTemporality()), dropExemplars(p))
		})
		if s.AggregationTemporality() == pmetric.AggregationTemporalityDelta {
			accumulate(in, id, s.DataPoints(), sums{monotonic: s.IsMonotonic()})
			s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		}
	case pmetric.MetricTypeHistogram:
		h := m.Histogram()
		sift(in, h.DataPoints(), func(p pmetric.HistogramDataPoint) error {
			return errors.Join(known(h.AggregationTemporality()), dropExemplars(p))
		})
		if h.AggregationTemporality() == pmetric.AggregationTemporalityDelta {
			accumulate(in, id, h.DataPoints(), classic{in.deltas.seed})
			h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		}
	case pmetric.MetricTypeExponentialHistogram:
		h := m.ExponentialHistogram()
		sift(in, h.DataPoints(), func(p pmetric.ExponentialHistogramDataPoint) error {
			return errors.Join(known(h.AggregationTemporality()), representable(p), dropExemplars(p))
		})
		if h.AggregationTemporality() == pmetric.AggregationTemporalityDelta {
			accumulate(in, id, h.DataPoints(), exponential{in.deltas.seed})
			h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		}
	}
}

// refuse counts a point that is left out.
func (in *intake) refuse(why error) {
	in.refused++
	if in.first == nil {
		in.first = fmt.Errorf("%w: metric %s", why, in.metric)
	}
}

// sift removes the points at impossible times and those that fit refuses. The
// translator writes target_info for the whole time between a resource's first
// and last point, so one point of 1970 would cost ten million samples.
func sift[P interface{ Timestamp() pcommon.Timestamp }, S interface{ RemoveIf(func(P) bool) }](in *intake, points S, fit func(P) error) {
	points.RemoveIf(func(p P) bool {
		var err error
		switch t := p.Timestamp(); {
		case t > in.newest:
			err = errFuture
		case t < in.oldest:
			err = errPast
		default:
			err = fit(p)
		}
		if err != nil {
			in.refuse(err)
		}
		return err != nil
	})
}

func known(t pmetric.AggregationTemporality) error {
	if t == pmetric.AggregationTemporalityUnspecified {
		return errTemporality
	}
	return nil
}

// dropExemplars takes out what nobody reads, so that nobody translates it.
func dropExemplars(p interface{ Exemplars() pmetric.ExemplarSlice }) error {
	if e := p.Exemplars(); e.Len() > 0 {
		e.RemoveIf(func(pmetric.Exemplar) bool { return true })
	}
	return nil
}

const (
	minScale = -4 // of a native histogram; coarser ones cannot be kept
	maxScale = 8  // finer ones are made coarser
)

// representable refuses buckets outside the numbers a float64 can be: the
// widest histogram is then a few hundred buckets at any scale worth keeping.
func representable(p pmetric.ExponentialHistogramDataPoint) error {
	if p.Scale() < minScale || p.Scale() > 20 { // 20 is what OpenTelemetry's senders start from
		return errScale
	}
	for _, b := range []pmetric.ExponentialHistogramDataPointBuckets{p.Positive(), p.Negative()} {
		n := int64(b.BucketCounts().Len())
		if n == 0 {
			continue
		}
		// Bucket i lies above 2^(i/2^scale).
		lowest := math.Floor(math.Ldexp(-1075, int(p.Scale())))
		highest := math.Ceil(math.Ldexp(1024, int(p.Scale())))
		if float64(b.Offset()) < lowest || float64(int64(b.Offset())+n-1) > highest {
			return errScale
		}
	}
	return nil
}
