package diagnose

import (
	"math"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// series is one quantity as sums over blocks of time: its value in block i is
// num[i]/den[i]. Blocks, not requests, are the replicates of every test here,
// for requests that run at the same time are not independent.
type series struct{ num, den []float64 }

func newSeries(blocks int) series {
	return series{make([]float64, blocks), make([]float64, blocks)}
}

func (s series) add(block int, v float64) {
	s.num[block] += v
	s.den[block]++
}

// mean is the pooled value and the number of observations behind it.
func (s series) mean() (v float64, n int64) {
	var num, den float64
	for i := range s.num {
		num, den = num+s.num[i], den+s.den[i]
	}
	if den == 0 {
		return 0, 0
	}
	return num / den, int64(den)
}

// blocks are the values of the blocks in which anything was seen.
func (s series) blocks() []float64 {
	var v []float64
	for i := range s.num {
		if s.den[i] > 0 {
			v = append(v, s.num[i]/s.den[i])
		}
	}
	return v
}

// shift is one quantity before and after, judged against its own variation.
type shift struct {
	before, after float64
	n0, n1        int64
	// beyond says that the difference exceeds what blocks of the same side
	// differ among themselves: Welch's t over blocks at p < 0.001, and more
	// than twice the difference between alternating blocks of the baseline.
	beyond bool
	// noise is the standard deviation of a block of the baseline relative to
	// its mean, at least 5 %: the scale on which signals are compared.
	noise float64
	known bool // both sides were seen
}

const (
	minNoise  = 0.05
	minBlocks = 3   // fewer blocks with data cannot tell a shift from luck
	farLog    = 5.0 // log ratio given to something that came out of nothing
)

// compare judges two sides of one quantity.
func compare(base, head series) shift {
	var s shift
	s.before, s.n0 = base.mean()
	s.after, s.n1 = head.mean()
	s.known = s.n0 > 0 && s.n1 > 0
	s.noise = minNoise
	b0, b1 := base.blocks(), head.blocks()
	if len(b0) < minBlocks || len(b1) < minBlocks {
		return s
	}
	if m0 := stats.Mean(b0); m0 > 0 {
		s.noise = max(minNoise, deviation(b0, m0)/m0)
	}
	s.beyond = stats.Welch(b0, b1).P < 0.001 && math.Abs(s.after-s.before) > 2*alternating(b0)
	return s
}

// alternating is by how much the even blocks of a side differ from the odd
// ones: two halves of the same normal, so all of it is noise.
func alternating(v []float64) float64 {
	var sum [2]float64
	var n [2]float64
	for i, x := range v {
		sum[i%2] += x
		n[i%2]++
	}
	if n[0] == 0 || n[1] == 0 {
		return 0
	}
	return math.Abs(sum[0]/n[0] - sum[1]/n[1])
}

// deviation is the standard deviation of v around its mean.
func deviation(v []float64, mean float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += (x - mean) * (x - mean)
	}
	return math.Sqrt(sum / float64(len(v)-1))
}

// up says that the quantity grew beyond noise, at least by the factor.
func (s shift) up(factor float64) bool {
	return s.known && s.beyond && s.after > s.before*factor
}

// down says that it shrank beyond noise, at least to 1/factor.
func (s shift) down(factor float64) bool {
	return s.known && s.beyond && s.after*factor < s.before
}

// factor is after over before; +Inf when it came out of nothing.
func (s shift) factor() float64 {
	switch {
	case s.before > 0:
		return s.after / s.before
	case s.after > 0:
		return math.Inf(1)
	}
	return 1
}

// dominance is how loud a signal is: its log ratio in units of its own normal
// variation. Signals of different kinds are ranked by it, never added up.
func (s shift) dominance() float64 {
	return min(farLog, max(0, math.Log(s.factor()))) / s.noise
}

// measures are the two sides for an Evidence.
func (s shift) measures(u pitwall.Unit) (before, after pitwall.Measure) {
	return pitwall.Measure{Value: s.before, Unit: u, N: s.n0}, pitwall.Measure{Value: s.after, Unit: u, N: s.n1}
}

// sample is one observation at a moment.
type sample struct {
	t int64 // unix nanoseconds
	v float64
}

// median is the middle of the values; 0 of nothing.
func median(list []sample) float64 { return quantile(list, 0.5) }

// quantile is type 7; 0 of nothing, which the caller knows by the count.
func quantile(list []sample, q float64) float64 {
	if len(list) == 0 {
		return 0
	}
	v := make([]float64, len(list))
	for i, s := range list {
		v[i] = s.v
	}
	slices.Sort(v)
	return stats.Quantile(v, q)
}
