package record

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// stream identifies one series on the wire.
type stream struct{ service, instance, name, attrs string }

// reading is one point of a stream. For counters and histograms everything
// counts since begin.
type reading struct {
	at, begin int64 // unix nanoseconds
	value     float64
	count     float64
	buckets   []float64
}

// meter is a stream with its points, by time.
type meter struct {
	stream
	attr    pcommon.Map
	form    form
	bounds  []float64
	read    []reading
	seconds bool // its unit is seconds
	version string
	heard   int64 // when its process was first heard of, unix nanoseconds
}

type form int

const (
	level     form = iota // a gauge, or a sum that may fall
	counter               // a sum that only rises
	histogram             // a distribution
)

// meters reads all metrics that arrived, ordered by stream. Delta temporality
// becomes cumulative. Exponential histograms and summaries are not read: the
// lab has none, and skipped counts them.
func meters(all []pmetric.Metrics) (list []*meter, skipped int) {
	b := gathering{byStream: map[stream]*meter{}}
	for _, md := range all {
		for _, rm := range md.ResourceMetrics().All() {
			res := rm.Resource().Attributes()
			service := cmp.Or(text(res, "service.name"), text(res, "host.name"))
			instance := cmp.Or(text(res, "service.instance.id"), text(res, "host.name"))
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					b.take(m, origin{service, text(res, "service.version"), instance})
				}
			}
		}
	}
	list = slices.SortedFunc(maps.Values(b.byStream), func(x, y *meter) int {
		return cmp.Or(strings.Compare(x.service, y.service), strings.Compare(x.name, y.name), strings.Compare(x.instance, y.instance), strings.Compare(x.attrs, y.attrs))
	})
	heard := map[[2]string]int64{}
	for _, m := range list {
		slices.SortStableFunc(m.read, func(x, y reading) int { return cmp.Compare(x.at, y.at) })
		k := [2]string{m.service, m.instance}
		if t, ok := heard[k]; !ok || m.read[0].at < t {
			heard[k] = m.read[0].at
		}
	}
	for _, m := range list {
		m.heard = heard[[2]string{m.service, m.instance}]
	}
	return list, b.skipped
}

type gathering struct {
	byStream map[stream]*meter
	skipped  int
}

// origin is the process a metric comes from.
type origin struct{ service, version, instance string }

func (b *gathering) take(m pmetric.Metric, from origin) {
	at := func(a pcommon.Map, f form) *meter {
		k := stream{from.service, from.instance, m.Name(), flat(a)}
		if b.byStream[k] == nil {
			c := pcommon.NewMap()
			a.CopyTo(c)
			b.byStream[k] = &meter{stream: k, attr: c, form: f, seconds: m.Unit() == "s", version: from.version}
		}
		return b.byStream[k]
	}
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			at(p.Attributes(), level).point(reading{at: int64(p.Timestamp()), value: number(p)}, false)
		}
	case pmetric.MetricTypeSum:
		s, f := m.Sum(), level
		if s.IsMonotonic() {
			f = counter
		}
		delta := s.AggregationTemporality() == pmetric.AggregationTemporalityDelta
		for _, p := range s.DataPoints().All() {
			at(p.Attributes(), f).point(reading{at: int64(p.Timestamp()), begin: int64(p.StartTimestamp()), value: number(p)}, delta)
		}
	case pmetric.MetricTypeHistogram:
		delta := m.Histogram().AggregationTemporality() == pmetric.AggregationTemporalityDelta
		for _, p := range m.Histogram().DataPoints().All() {
			h := at(p.Attributes(), histogram)
			h.bounds = p.ExplicitBounds().AsRaw()
			r := reading{at: int64(p.Timestamp()), begin: int64(p.StartTimestamp()), value: p.Sum(), count: float64(p.Count())}
			for _, n := range p.BucketCounts().All() {
				r.buckets = append(r.buckets, float64(n))
			}
			h.point(r, delta)
		}
	default:
		b.skipped++
	}
}

// point adds a reading; a delta is added to the one before it.
func (m *meter) point(r reading, delta bool) {
	if n := len(m.read); delta && n > 0 {
		last := m.read[n-1]
		r.begin, r.value, r.count = last.begin, r.value+last.value, r.count+last.count
		for i := range min(len(r.buckets), len(last.buckets)) {
			r.buckets[i] += last.buckets[i]
		}
	}
	m.read = append(m.read, r)
}

func number(p pmetric.NumberDataPoint) float64 {
	if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
		return float64(p.IntValue())
	}
	return p.DoubleValue()
}

// flat writes attributes in the order of their keys.
func flat(a pcommon.Map) string {
	var parts []string
	for k, v := range a.All() {
		parts = append(parts, k+"="+v.AsString())
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

// before is the last reading up to a moment. A counter that its process had
// not mentioned by then stood at zero, and so did one whose process began after
// recorded.
func (m *meter) before(ns, recorded int64) (reading, bool) {
	i, exact := slices.BinarySearchFunc(m.read, ns, func(r reading, t int64) int { return cmp.Compare(r.at, t) })
	switch {
	case exact:
		return m.read[i], true
	case i > 0:
		return m.read[i-1], true
	case m.form == level || len(m.read) == 0:
		return reading{}, false
	case m.heard <= ns:
		return reading{at: ns}, true
	}
	return reading{at: m.read[0].begin}, m.read[0].begin >= recorded
}

// between are the values told in an interval.
func (m *meter) between(from, to int64) []float64 {
	i, _ := slices.BinarySearchFunc(m.read, from, func(r reading, t int64) int { return cmp.Compare(r.at, t) })
	var out []float64
	for ; i < len(m.read) && m.read[i].at < to; i++ {
		out = append(out, m.read[i].value)
	}
	return out
}

// growth is what a counter or histogram gained in an interval, and over how
// many seconds that was measured. A count that went back has begun anew.
func (m *meter) growth(from, to, recorded int64) (gain reading, seconds float64, ok bool) {
	a, ok := m.before(from, recorded)
	b, also := m.before(to, recorded)
	if !ok || !also || b.at <= a.at {
		return reading{}, 0, false
	}
	if b.value < a.value || b.count < a.count {
		a.value, a.count, a.buckets = 0, 0, nil
	}
	gain = reading{value: b.value - a.value, count: b.count - a.count, buckets: slices.Clone(b.buckets)}
	for i := range min(len(gain.buckets), len(a.buckets)) {
		gain.buckets[i] -= a.buckets[i]
	}
	return gain, float64(b.at-a.at) / 1e9, true
}

// quantile reads a quantile off a histogram, linear inside a bucket, as
// Prometheus does; above the last bound it is the last bound.
func quantile(q float64, bounds, buckets []float64) float64 {
	total := 0.0
	for _, n := range buckets {
		total += n
	}
	if total == 0 || len(bounds) == 0 || len(buckets) != len(bounds)+1 {
		return math.NaN()
	}
	want, seen := q*total, 0.0
	for i, n := range buckets {
		if seen+n < want || n == 0 {
			seen += n
			continue
		}
		if i == len(bounds) {
			break
		}
		low := 0.0
		if i > 0 {
			low = bounds[i-1]
		}
		return low + (bounds[i]-low)*(want-seen)/n
	}
	return bounds[len(bounds)-1]
}
