package metrics

import (
	"hash/maphash"
	"math"
	"slices"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

const (
	// maxBuckets bounds a classic histogram of delta temporality.
	maxBuckets = 1000
	// maxCount is the greatest count that a sample holds exactly.
	maxCount = 1 << 53
)

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// fingerprint is of numbers; it is only compared within one process.
func fingerprint[T comparable](seed maphash.Seed, numbers T, buckets ...[]uint64) uint64 {
	h := maphash.Comparable(seed, numbers)
	for _, counts := range buckets {
		for _, n := range counts {
			h = maphash.Comparable(seed, [2]uint64{h, n})
		}
	}
	return h
}

// sums are counters and up-down counters.
type sums struct{ monotonic bool }

func value(p pmetric.NumberDataPoint) float64 {
	if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
		return float64(p.IntValue())
	}
	return p.DoubleValue()
}

func (s sums) fit(p pmetric.NumberDataPoint) error {
	if v := value(p); !finite(v) || s.monotonic && v < 0 || p.ValueType() == pmetric.NumberDataPointValueTypeEmpty {
		return errFalling
	}
	return nil
}

func (sums) mark(p pmetric.NumberDataPoint) uint64          { return math.Float64bits(value(p)) }
func (sums) restarts(*stream, pmetric.NumberDataPoint) bool { return false }
func (sums) add(s *stream, p pmetric.NumberDataPoint)       { s.sum += value(p) }
func (sums) show(s *stream, p pmetric.NumberDataPoint)      { p.SetDoubleValue(s.sum) }
func (sums) show0(_ *stream, p pmetric.NumberDataPoint)     { p.SetDoubleValue(0) }

// classic are histograms with the sender's own bucket bounds.
type classic struct{ seed maphash.Seed }

func (classic) fit(p pmetric.HistogramDataPoint) error {
	counts, bounds := p.BucketCounts(), p.ExplicitBounds()
	var sum uint64
	for _, n := range counts.All() {
		sum += min(n, maxCount)
	}
	switch {
	case counts.Len() > maxBuckets, counts.Len() > 0 && counts.Len() != bounds.Len()+1,
		counts.Len() == 0 && bounds.Len() > 0, p.Count() > maxCount, counts.Len() > 0 && sum != p.Count():
		return errCounts
	case p.HasSum() && !finite(p.Sum()):
		return errFalling
	}
	return nil
}

func (c classic) mark(p pmetric.HistogramDataPoint) uint64 {
	return fingerprint(c.seed, [2]uint64{p.Count(), math.Float64bits(p.Sum())}, p.BucketCounts().AsRaw())
}

// restarts: other bounds are other series.
func (classic) restarts(s *stream, p pmetric.HistogramDataPoint) bool {
	return !slices.Equal(s.bounds, p.ExplicitBounds().AsRaw())
}

func (classic) add(s *stream, p pmetric.HistogramDataPoint) {
	if s.buckets == nil {
		s.bounds, s.buckets = p.ExplicitBounds().AsRaw(), make([]uint64, p.BucketCounts().Len())
	}
	for i, n := range p.BucketCounts().All() {
		s.buckets[i] += n
	}
	s.count += p.Count()
	s.sum += p.Sum()
}

func (classic) show(s *stream, p pmetric.HistogramDataPoint) {
	p.BucketCounts().FromRaw(s.buckets)
	p.SetCount(s.count)
	if p.HasSum() {
		p.SetSum(s.sum)
	}
}

func (c classic) show0(s *stream, p pmetric.HistogramDataPoint) {
	c.show(&stream{buckets: make([]uint64, len(s.buckets))}, p)
}

// exponential are histograms whose buckets' bounds are powers of one base.
type exponential struct{ seed maphash.Seed }

func (exponential) fit(p pmetric.ExponentialHistogramDataPoint) error {
	sum := min(p.ZeroCount(), maxCount)
	for _, b := range []pmetric.ExponentialHistogramDataPointBuckets{p.Positive(), p.Negative()} {
		for _, n := range b.BucketCounts().All() {
			sum += min(n, maxCount)
		}
	}
	switch {
	case p.Count() > maxCount, sum != p.Count():
		return errCounts
	case p.HasSum() && !finite(p.Sum()):
		return errFalling
	}
	return nil
}

func (e exponential) mark(p pmetric.ExponentialHistogramDataPoint) uint64 {
	head := [4]uint64{p.Count(), p.ZeroCount(), math.Float64bits(p.Sum()),
		uint64(uint32(p.Positive().Offset()))<<32 | uint64(uint32(p.Negative().Offset()))}
	return fingerprint(e.seed, head, p.Positive().BucketCounts().AsRaw(), p.Negative().BucketCounts().AsRaw())
}

func (exponential) restarts(*stream, pmetric.ExponentialHistogramDataPoint) bool { return false }

func (exponential) add(s *stream, p pmetric.ExponentialHistogramDataPoint) {
	got := expo{scale: p.Scale(), zeros: p.ZeroCount(), positive: denseOf(p.Positive()), negative: denseOf(p.Negative())}
	if s.last == 0 {
		s.expo.scale = got.scale
	}
	s.expo.add(got)
	s.count += p.Count()
	s.sum += p.Sum()
}

func (exponential) show(s *stream, p pmetric.ExponentialHistogramDataPoint) {
	p.SetScale(s.expo.scale)
	p.SetZeroCount(s.expo.zeros)
	s.expo.positive.show(p.Positive())
	s.expo.negative.show(p.Negative())
	p.SetCount(s.count)
	if p.HasSum() {
		p.SetSum(s.sum)
	}
}

func (e exponential) show0(s *stream, p pmetric.ExponentialHistogramDataPoint) {
	e.show(&stream{expo: expo{scale: s.expo.scale}}, p)
}
