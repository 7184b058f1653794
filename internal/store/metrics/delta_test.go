package metrics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/pitwall/pitwall"
)

func stampOf(t time.Time) pcommon.Timestamp { return pcommon.NewTimestampFromTime(t) }

// delta adds a counter that rose by v from from to to.
func (s sender) delta(name string, from, to time.Time, v float64) {
	sum := s.counter(name, to, v)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	sum.DataPoints().At(0).SetStartTimestamp(stampOf(from))
}

func (s sender) classic(name string, from, to time.Time, bounds []float64, counts []uint64) pmetric.Histogram {
	m := s.scope.Metrics().AppendEmpty()
	m.SetName(name)
	h := m.SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	p := h.DataPoints().AppendEmpty()
	p.SetStartTimestamp(stampOf(from))
	p.SetTimestamp(stampOf(to))
	p.ExplicitBounds().FromRaw(bounds)
	p.BucketCounts().FromRaw(counts)
	var n uint64
	for _, c := range counts {
		n += c
	}
	p.SetCount(n)
	p.SetSum(float64(n) / 10)
	return h
}

func (s sender) expo(name string, from, to time.Time, values []float64, scale int32) pmetric.ExponentialHistogram {
	m := s.scope.Metrics().AppendEmpty()
	m.SetName(name)
	h := m.SetEmptyExponentialHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	p := h.DataPoints().AppendEmpty()
	p.SetStartTimestamp(stampOf(from))
	p.SetTimestamp(stampOf(to))
	p.SetScale(scale)
	lo, hi := int32(math.MaxInt32), int32(math.MinInt32)
	index := func(v float64) int32 { return int32(math.Ceil(math.Log2(v)*math.Ldexp(1, int(scale)))) - 1 }
	sum := 0.0
	for _, v := range values {
		lo, hi = min(lo, index(v)), max(hi, index(v))
		sum += v
	}
	counts := make([]uint64, hi-lo+1)
	for _, v := range values {
		counts[index(v)-lo]++
	}
	p.Positive().SetOffset(lo)
	p.Positive().BucketCounts().FromRaw(counts)
	p.SetCount(uint64(len(values)))
	p.SetSum(sum)
	return h
}

func send(t *testing.T, s *Store, m sender) error {
	t.Helper()
	return s.AppendOTLPMetrics(context.Background(), m.body(t))
}

func mustSend(t *testing.T, s *Store, m sender) {
	t.Helper()
	if err := send(t, s, m); err != nil {
		t.Fatal(err)
	}
}

func minute(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

func TestDeltaCounterBecomesARunningTotal(t *testing.T) {
	s := mustOpen(t, t.TempDir(), minute(4))
	for i := range 4 {
		m := newSender("service.name", "checkout")
		m.delta("hits", minute(i), minute(i+1), 6)
		mustSend(t, s, m)
	}
	if got := one(t, s, "hits_total", minute(4)); got != 24 {
		t.Errorf("hits_total = %v, want 24", got)
	}
	// The zero at the start lets PromQL see the first delta too.
	if got := one(t, s, "hits_total", minute(0).Add(time.Second)); got != 0 {
		t.Errorf("at the start hits_total = %v, want 0", got)
	}
	if got := one(t, s, "increase(hits_total[4m])", minute(4)); math.Abs(got-24) > 0.1 {
		t.Errorf("increase over all = %v, want 24", got)
	}
	if got := one(t, s, "rate(hits_total[2m])", minute(3)); got != 0.1 {
		t.Errorf("rate = %v, want 0.1", got)
	}
}

func TestDeltaSentAgainLateAndContradicting(t *testing.T) {
	s := mustOpen(t, t.TempDir(), minute(3))
	one1 := newSender("service.name", "checkout")
	one1.delta("hits", minute(0), minute(1), 6)
	mustSend(t, s, one1)
	two := newSender("service.name", "checkout")
	two.delta("hits", minute(1), minute(2), 4)
	mustSend(t, s, two)
	mustSend(t, s, two) // its answer was lost
	if got := one(t, s, "hits_total", minute(2)); got != 10 {
		t.Errorf("after a retry hits_total = %v, want 10", got)
	}
	if h := s.Health()[0]; h.Duplicates != 1 || h.Rejected != 0 {
		t.Errorf("health %+v, want one duplicate and nothing rejected", h)
	}
	other := newSender("service.name", "checkout")
	other.delta("hits", minute(1), minute(2), 5)
	for name, c := range map[string]struct {
		m    sender
		want string
	}{"late": {one1, "older than one summed up"}, "contradicting": {other, "second delta for one instant"}} {
		err := send(t, s, c.m)
		var lost *Incomplete
		if pitwall.KindOf(err) != pitwall.Invalid || !errors.As(err, &lost) || lost.Rejected() != 1 || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one point refused because of %q", name, err, c.want)
		}
	}
	if got := one(t, s, "hits_total", minute(3)); got != 10 {
		t.Errorf("hits_total = %v, want 10 still", got)
	}
}

func TestDeltaAfterARestartIsACounterReset(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, minute(2))
	for i := range 2 {
		m := newSender("service.name", "checkout")
		m.delta("hits", minute(i), minute(i+1), 60)
		mustSend(t, s, m)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, dir, minute(4))
	for i := 2; i < 4; i++ {
		m := newSender("service.name", "checkout")
		m.delta("hits", minute(i), minute(i+1), 60)
		mustSend(t, s, m)
	}
	if got := one(t, s, "resets(hits_total[5m])", minute(4)); got != 1 {
		t.Errorf("%v resets, want 1", got)
	}
	if got := one(t, s, "rate(hits_total[2m1s])", minute(4)); math.Abs(got-1) > 1e-9 {
		t.Errorf("rate across the restart = %v, want 1", got)
	}
}

func TestDeltaHistograms(t *testing.T) {
	s := mustOpen(t, t.TempDir(), minute(4))
	r := rand.New(rand.NewPCG(1, 2))
	var all []float64
	for i := range 4 {
		m := newSender("service.name", "checkout")
		m.classic("wait", minute(i), minute(i+1), []float64{1, 2, 4}, []uint64{3, 2, 0, 1})
		values := make([]float64, 500)
		for j := range values {
			values[j] = math.Exp(r.NormFloat64())
		}
		all = append(all, values...)
		// A sender makes its buckets coarser as its numbers spread.
		m.expo("size", minute(i), minute(i+1), values, int32(5-i))
		mustSend(t, s, m)
	}
	f := func(query string, want, within float64) {
		t.Helper()
		if got := one(t, s, query, minute(4)); math.Abs(got-want) > within {
			t.Errorf("%s = %v, want %v", query, got, want)
		}
	}
	f("wait_count", 24, 0)
	f("wait_sum", 2.4, 1e-9)
	f(`wait_bucket{le="2"}`, 20, 0)
	f(`histogram_quantile(0.5, rate(wait_bucket[3m]))`, 1, 1e-9)
	f("histogram_count(size)", 2000, 0)
	f("histogram_count(increase(size[3m1s]))", 1500, 20)
	sum, below := 0.0, 0.0
	for _, v := range all {
		sum += v
		if v <= 1 {
			below++
		}
	}
	f("histogram_sum(size)", sum, 1e-6)
	f("histogram_fraction(0, 1, size)", below/2000, 0.02)
	// The coarsest scale, 2, has buckets 19 % wide.
	f("histogram_quantile(0.5, size)", 1, 0.15)
	f("histogram_quantile(0.9, rate(size[3m]))", math.Exp(1.2816), 0.6)
}

// TestExponentialTotals compares sums of histograms with the histogram of all
// the numbers, at whatever scales they come.
func TestExponentialTotals(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		m, total, n := newSender(), expo{scale: maxScale}, 0
		for range 1 + r.IntN(6) {
			values := make([]float64, 1+r.IntN(50))
			for i := range values {
				values[i] = math.Exp(r.NormFloat64() * float64(1+r.IntN(8)))
			}
			n += len(values)
			scale := int32(r.IntN(17) - 4)
			p := m.expo("x", start, start, values, scale).DataPoints().At(0)
			before := total
			total.add(expo{scale: scale, positive: denseOf(p.Positive())})
			if total.scale > min(scale, before.scale) {
				t.Fatalf("scale %d out of %d and %d", total.scale, before.scale, scale)
			}
		}
		sum := uint64(0)
		for _, c := range total.positive.counts {
			sum += c
		}
		if sum != uint64(n) || len(total.positive.counts) > maxWidth {
			t.Fatalf("%d numbers in %d buckets, want %d in at most %d", sum, len(total.positive.counts), n, maxWidth)
		}
	}
	// The width is kept by the widest numbers there are.
	wide := expo{scale: maxScale}
	for _, v := range []float64{math.SmallestNonzeroFloat64, math.MaxFloat64} {
		wide.add(expo{scale: 0, positive: denseOf(newSender().expo("x", start, start, []float64{v}, 0).DataPoints().At(0).Positive())})
	}
	if n := len(wide.positive.counts); n > maxWidth || wide.scale < minScale {
		t.Errorf("%d buckets at scale %d", n, wide.scale)
	}
}

func TestImpossiblePointsAreRefusedAndTheRestStored(t *testing.T) {
	s := mustOpen(t, t.TempDir(), minute(1))
	m := newSender("service.name", "checkout")
	m.counter("good", minute(1), 7)
	m.delta("falls", minute(0), minute(1), -1)
	m.delta("nan", minute(0), minute(1), math.NaN())
	m.counter("vague", minute(1), 1).SetAggregationTemporality(pmetric.AggregationTemporalityUnspecified)
	m.classic("short", minute(0), minute(1), []float64{1, 2}, []uint64{1, 1})
	m.classic("off", minute(0), minute(1), []float64{1}, []uint64{1, 1}).DataPoints().At(0).SetCount(5)
	m.expo("far", minute(0), minute(1), []float64{1}, 0).DataPoints().At(0).Positive().SetOffset(math.MaxInt32 - 3)
	m.expo("coarse", minute(0), minute(1), []float64{1}, 0).DataPoints().At(0).SetScale(-9)
	m.counter("ancient", time.Unix(5, 0), 1)
	err := send(t, s, m)
	var lost *Incomplete
	if !errors.As(err, &lost) || lost.Rejected() != 8 || lost.Samples == 0 || pitwall.HintOf(err) == "" {
		t.Fatalf("error %v, want 8 points refused", err)
	}
	if got := one(t, s, "good_total", minute(1)); got != 7 {
		t.Errorf("good_total = %v, want 7", got)
	}
	if got := one(t, s, `count({service_name="checkout"})`, minute(1)); got != 1 {
		t.Errorf("%v series, want the good one alone", got)
	}
	if h := s.Health()[0]; h.Rejected != 8 || !h.Up || h.Message == "" {
		t.Errorf("health %+v", h)
	}
}

// TestRefusedPointsAreCountedAsPoints: a histogram's point is many samples.
func TestRefusedPointsAreCountedAsPoints(t *testing.T) {
	s := mustOpen(t, t.TempDir(), minute(1))
	request := func(first uint64) sender {
		m := newSender("service.name", "checkout")
		for i, counts := range [][]uint64{{first, 1, 1}, {2 * first, 1, 1}} {
			h := m.classic("wait", minute(0), minute(1), []float64{1, 2}, counts)
			h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			h.DataPoints().At(0).Attributes().PutInt("which", int64(i))
		}
		return m
	}
	mustSend(t, s, request(1))
	mustSend(t, s, request(1))
	var lost *Incomplete
	if err := send(t, s, request(5)); !errors.As(err, &lost) || lost.Rejected() != 2 {
		t.Errorf("error %v, want two points refused", err)
	}
}

func TestDeltasAreBoundedAndForgotten(t *testing.T) {
	now := minute(1)
	s, err := Open(t.TempDir(), Options{Deltas: 10, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := newSender("service.name", "checkout")
	for i := range 12 {
		m.delta(fmt.Sprintf("hits%d", i), minute(0), minute(1), 1)
	}
	if err := send(t, s, m); err == nil || !strings.Contains(err.Error(), "2 data points refused, the first because of more series") {
		t.Fatalf("error %v, want two refused", err)
	}
	now = now.Add(2 * time.Hour)
	m = newSender("service.name", "checkout")
	m.delta("late", now.Add(-time.Minute), now, 1)
	mustSend(t, s, m)
	if n := len(s.deltas.known); n != 1 {
		t.Errorf("%d series remembered after two idle hours, want the new one", n)
	}
}

func TestGaugesSummariesAndExemplars(t *testing.T) {
	s := mustOpen(t, t.TempDir(), start)
	m := newSender("service.name", "checkout")
	g := m.scope.Metrics().AppendEmpty()
	g.SetName("depth")
	p := g.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetIntValue(-3)
	p.SetTimestamp(stampOf(start))
	e := p.Exemplars().AppendEmpty()
	e.SetDoubleValue(1)
	e.SetTraceID(pcommon.TraceID{1})
	q := m.scope.Metrics().AppendEmpty()
	q.SetName("old")
	sp := q.SetEmptySummary().DataPoints().AppendEmpty()
	sp.SetTimestamp(stampOf(start))
	sp.SetCount(9)
	v := sp.QuantileValues().AppendEmpty()
	v.SetQuantile(0.9)
	v.SetValue(4)
	mustSend(t, s, m)
	for query, want := range map[string]float64{"depth": -3, "old_count": 9, `old{quantile="0.9"}`: 4} {
		if got := one(t, s, query, start); got != want {
			t.Errorf("%s = %v, want %v", query, got, want)
		}
	}
}
