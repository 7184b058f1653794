package stats

import (
	"math"
	"slices"
)

// Step is a single change of level in a series.
type Step struct {
	// Index is the first value of the new level; the true one lies in
	// [Earliest, Latest] as far as the likelihood can tell.
	Index, Earliest, Latest int
	Before, After           float64 // medians of the two levels
	// Gain is the log likelihood ratio against no change; for pure noise it
	// rarely exceeds 8.
	Gain float64
}

// locationBound is how much log likelihood a place may lose against the best
// one and still be possible: exp(-3) is one twentieth.
const locationBound = 3

// FindStep places one step in a series by the Laplace likelihood: two levels,
// each its own median, and deviations that may have heavy tails, so that single
// outliers move nothing. Both levels hold at least shortest values. A rise is
// looked for, so places where the level falls do not count. ok is false when
// the series is too short or nothing rises.
func FindStep(series []float64, shortest int) (s Step, ok bool) {
	n := len(series)
	shortest = max(1, shortest)
	if n < 2*shortest {
		return Step{}, false
	}
	_, flat := deviation(series)
	// A perfectly flat pair of levels would have an infinite likelihood.
	least := 1e-9*(slices.Max(series)-slices.Min(series)) + math.SmallestNonzeroFloat64
	loss := make([]float64, n)
	best := math.Inf(1)
	for k := shortest; k <= n-shortest; k++ {
		before, left := deviation(series[:k])
		after, right := deviation(series[k:])
		loss[k] = left + right + least*float64(n)
		if after > before && loss[k] < best {
			best = loss[k]
			s = Step{Index: k, Before: before, After: after}
		}
	}
	if s.Index == 0 {
		return Step{}, false
	}
	s.Gain = float64(n) * math.Log((flat+least*float64(n))/best)
	s.Earliest, s.Latest = s.Index, s.Index
	bound := locationBound * inflation(series, s)
	for k := shortest; k <= n-shortest; k++ {
		if float64(n)*math.Log(loss[k]/best) <= bound {
			s.Earliest, s.Latest = min(s.Earliest, k), max(s.Latest, k)
		}
	}
	return s, true
}

// inflation is how much less neighbours that go together say than independent
// ones would: (1+r)/(1-r) for a correlation r of neighbours, here of the signs of
// their deviations turned into that of normal noise, which outliers do not move.
// It is at least 1, and at most 9, for a correlation of 0.8.
func inflation(series []float64, s Step) float64 {
	same, pairs := 0.0, 0.0
	sign := func(i int) float64 {
		level := s.Before
		if i >= s.Index {
			level = s.After
		}
		return math.Copysign(1, series[i]-level)
	}
	for i := 1; i < len(series); i++ {
		if i != s.Index {
			same += sign(i) * sign(i-1)
			pairs++
		}
	}
	if pairs == 0 {
		return 1
	}
	r := min(max(math.Sin(math.Pi/2*same/pairs)-1/math.Sqrt(pairs), 0), 0.8) // less one standard error
	return (1 + r) / (1 - r)
}

// deviation is the median of a series and the sum of absolute deviations from it.
func deviation(series []float64) (median, sum float64) {
	median = Median(series)
	for _, v := range series {
		sum += math.Abs(v - median)
	}
	return median, sum
}
