package baseline

import (
	"math"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// side is one half of a comparison of counts.
type side struct {
	events   uint64
	exposure float64 // requests, or seconds
	n        uint64  // what a reader would call the number of observations
	share    bool    // events are some of n, not all
}

// effective counts clustered events as their clusters.
func (s side) effective(o CountOptions) side {
	if o.Dispersion <= 1 {
		return s
	}
	return side{uint64(float64(s.events) / o.Dispersion), s.exposure / o.Dispersion, s.n, s.share}
}

// tails are the chances of so many or more, and of so few or fewer, events after,
// at the edges of the margin.
func tails(b, a side, margin float64) (more, less float64) {
	k := int64(a.events + b.events)
	if k == 0 {
		return 1, 1
	}
	x := int64(a.events)
	more = stats.BinomialTail(x, k, sharedWith(b, a, 1+margin))
	less = stats.BinomialTail(k-x, k, 1-sharedWith(b, a, 1/(1+margin)))
	return more, less
}

// sharedWith is the share of all events that falls after, at a ratio of rates.
func sharedWith(b, a side, ratio float64) float64 {
	return ratio * a.exposure / (b.exposure + ratio*a.exposure)
}

// ratioMeasure is the ratio of rates with its exact interval: the limits of the
// share of events after, turned into ratios.
func ratioMeasure(b, a side, o CountOptions) pitwall.Measure {
	k := a.events + b.events
	m := pitwall.Measure{Unit: pitwall.UnitTimes, N: int64(k), High: unbounded}
	if k == 0 {
		return m
	}
	low, high := clopper(a.events, k, o.Alpha)
	scale := b.exposure / a.exposure
	m.Low = low / (1 - low) * scale
	if high < 1 {
		m.High = min(unbounded, high/(1-high)*scale)
	}
	m.Value = unbounded
	if b.events > 0 {
		m.Value = float64(a.events) / float64(b.events) * scale
	}
	return m
}

// clopper is the exact interval of a share (Clopper and Pearson 1934), by
// bisection on the tails.
func clopper(k, n uint64, alpha float64) (low, high float64) {
	low, high = 0, 1
	if k > 0 {
		low = bisect(func(p float64) bool { return stats.BinomialTail(int64(k), int64(n), p) < alpha/2 })
	}
	if k < n { // at most k of n hit = at least n-k miss
		high = 1 - bisect(func(q float64) bool { return stats.BinomialTail(int64(n-k), int64(n), q) < alpha/2 })
	}
	return low, high
}

// bisect finds where below turns false in [0,1]; 60 halvings leave 1e-18. It
// searches on a finer scale near 0, where rare events live.
func bisect(below func(float64) bool) float64 {
	low, high := 0.0, 1.0
	for range 60 {
		middle := (low + high) / 2
		if low == 0 && high < 1e-3 {
			middle = high / 1024
		} else if low > 0 && high/low > 4 {
			middle = math.Sqrt(low * high)
		}
		if below(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// garwood is the exact interval of a Poisson count (Garwood 1936) through the
// chi-square tail: P(X <= k) at mean m is P(chi2 with 2k+2 degrees >= 2m).
func garwood(k uint64, alpha float64) (low, high float64) {
	const most = 1 << 30 // of degrees of freedom as an int; far above it normal theory is exact enough
	if k >= most/4 {
		z := stats.NormalQuantile(1 - alpha/2)
		return float64(k) - z*math.Sqrt(float64(k)), float64(k) + z*math.Sqrt(float64(k)+1)
	}
	top := float64(k) + 10*math.Sqrt(float64(k)+1) + 40
	if k > 0 {
		low = top * bisect(func(u float64) bool { return 1-stats.ChiSquareTail(2*u*top, int(2*k)) < alpha/2 })
	}
	high = top * bisect(func(u float64) bool { return stats.ChiSquareTail(2*u*top, int(2*k+2)) > alpha/2 })
	return low, high
}

func shareMeasure(s side, o CountOptions) pitwall.Measure {
	m := pitwall.Measure{Unit: pitwall.UnitRatio, N: int64(s.n)}
	if s.n == 0 {
		return m
	}
	m.Value = float64(s.events) / s.exposure
	e := s.effective(o)
	if n := uint64(e.exposure); n > 0 {
		m.Low, m.High = clopper(min(e.events, n), n, o.Alpha)
	} else {
		m.High = 1
	}
	return m
}

func rateMeasure(s side, o CountOptions) pitwall.Measure {
	m := pitwall.Measure{Unit: pitwall.UnitPerSecond, N: int64(s.n)}
	if !(s.exposure > 0) {
		return m
	}
	m.Value = float64(s.events) / s.exposure
	e := s.effective(o)
	low, high := garwood(e.events, o.Alpha)
	m.Low, m.High = low/e.exposure, high/e.exposure
	return m
}

// difference squares and adds the distances to the limits of both sides.
func difference(b, a pitwall.Measure, unit pitwall.Unit) pitwall.Measure {
	d := a.Value - b.Value
	return pitwall.Measure{
		Value: d, Unit: unit, N: a.N + b.N,
		Low:  d - math.Hypot(a.Value-a.Low, b.High-b.Value),
		High: d + math.Hypot(a.High-a.Value, b.Value-b.Low),
	}
}

// wanted is how many more requests, or events of a rate, each side needs. A log
// ratio of counts has the variance 1/x1 + 1/x2 (Katz 1978); the factor must be
// found at half of alpha with a power of 80 %. The side after alone is asked for
// while the side before suffices and that is the shorter way.
func wanted(b, a side, o CountOptions) (before, after uint64) {
	factor := o.Detect
	if b.events > 0 && a.events > 0 {
		seen := float64(a.events) / float64(b.events) * b.exposure / a.exposure
		factor = max(factor, seen, 1/seen)
	}
	z := (stats.NormalQuantile(1-o.Alpha/2) + stats.NormalQuantile(0.8)) / math.Log(factor/(1+o.Margin))
	variance := 1 / (z * z)
	// Half an event is added, so that a side without any has a rate.
	rate := (float64(a.events+b.events) + 0.5) / (a.exposure + b.exposure)
	x1, x2 := rate*b.exposure, rate*factor*a.exposure
	need1, need2 := max(0, 2/variance-x1), max(0, 2/variance-x2)
	if alone := 1/(variance-1/x1) - x2; variance > 1/x1 && alone <= need1+need2 {
		need1, need2 = 0, max(0, alone)
	}
	if b.share { // so many bad ones take so many requests
		need1, need2 = need1/rate, need2/(rate*factor)
	}
	before, after = whole(need1*o.Dispersion), whole(need2*o.Dispersion)
	if before+after == 0 {
		after = 1
	}
	return before, after
}

func whole(v float64) uint64 { return uint64(math.Ceil(min(v, 1e18))) }
