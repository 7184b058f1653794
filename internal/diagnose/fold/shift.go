package fold

import (
	"math"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// Series is one quantity as sums over blocks of time: its value in block i is
// Num[i]/Den[i]. Blocks, not requests, are the replicates of every test here,
// for requests that run at the same time are not independent.
type Series struct{ Num, Den []float64 }

// NewSeries makes one of zeros.
func NewSeries(blocks int) Series {
	return Series{make([]float64, blocks), make([]float64, blocks)}
}

// Add takes one observation in.
func (s Series) Add(block int, v float64) {
	s.Num[block] += v
	s.Den[block]++
}

// Join adds the observations of another series of the same blocks.
func (s Series) Join(o Series) {
	for i := range s.Num {
		s.Num[i], s.Den[i] = s.Num[i]+o.Num[i], s.Den[i]+o.Den[i]
	}
}

// mean is the pooled value and the number of observations behind it.
func (s Series) mean() (v float64, n int64) {
	var num, den float64
	for i := range s.Num {
		num, den = num+s.Num[i], den+s.Den[i]
	}
	if den == 0 {
		return 0, 0
	}
	return num / den, int64(den)
}

// Blocks are the values of the blocks in which anything was seen.
func (s Series) Blocks() []float64 {
	var v []float64
	for i := range s.Num {
		if s.Den[i] > 0 {
			v = append(v, s.Num[i]/s.Den[i])
		}
	}
	return v
}

// Shift is one quantity before and after, judged against its own variation.
type Shift struct {
	Before, After float64
	N0, N1        int64
	// Beyond says that the difference exceeds what blocks of the same side
	// differ among themselves: Welch's t over blocks, or over their logarithms
	// where few are zero (what queues varies by factors), or their ranks (what
	// grows by a thousand here and by two there), at p < 0.001, and more than
	// twice the difference between alternating blocks of the baseline.
	Beyond bool
	// Noise is the standard deviation of a block of the baseline relative to
	// its mean, at least 5 %: the scale on which signals are compared.
	Noise float64
	Known bool // both sides were seen
}

const (
	MinNoise  = 0.05 // the least Noise of a Shift
	minBlocks = 3    // fewer blocks with data cannot tell a shift from luck
	farLog    = 5.0  // log ratio given to something that came out of nothing
)

// Compare judges two sides of one quantity.
func Compare(base, head Series) Shift {
	var s Shift
	s.Before, s.N0 = base.mean()
	s.After, s.N1 = head.mean()
	s.Known = s.N0 > 0 && s.N1 > 0
	s.Noise = MinNoise
	b0, b1 := base.Blocks(), head.Blocks()
	if len(b0) < minBlocks || len(b1) < minBlocks {
		return s
	}
	if m0 := stats.Mean(b0); m0 > 0 {
		s.Noise = max(MinNoise, Deviation(b0)/m0)
	}
	s.Beyond = beyond(b0, b1, s.After-s.Before)
	return s
}

// beyond is the judgement of Shift.Beyond.
func beyond(b0, b1 []float64, difference float64) bool {
	p := min(stats.Welch(b0, b1).P, stats.RankSum(b0, b1))
	if l0, ok := logarithms(b0, stats.Mean(b0)); ok {
		if l1, ok := logarithms(b1, stats.Mean(b0)); ok {
			p = min(p, stats.Welch(l0, l1).P)
		}
	}
	return p < 0.001 && math.Abs(difference) > 2*alternating(b0)
}

// Limit is up to where head's mean could have risen, all its blocks alike, and
// still not be beyond noise; NaN where there are too few blocks to judge, or no
// rise that anybody would see were enough.
func Limit(base, head Series) float64 {
	before, _ := base.mean()
	after, _ := head.mean()
	b0, b1 := base.Blocks(), head.Blocks()
	if len(b0) < minBlocks || len(b1) < minBlocks || before <= 0 {
		return math.NaN()
	}
	enough := func(mean float64) bool {
		risen := make([]float64, len(b1))
		for i, v := range b1 {
			risen[i] = v + mean - after
		}
		return beyond(b0, risen, mean-before)
	}
	low, high := before, 1.1*before
	for ; !enough(high); high *= 2 {
		if low = high; high > 1000*before {
			return math.NaN()
		}
	}
	for range 30 { // halved so often it is exact to nine digits
		if mid := (low + high) / 2; enough(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// logarithms of values, those below a hundredth of normal taken for that; ok is
// false where nothing is normal or more than a quarter is nothing.
func logarithms(v []float64, normal float64) (out []float64, ok bool) {
	out = make([]float64, len(v))
	nothing := 0
	for i, x := range v {
		if x <= 0 {
			nothing++
		}
		out[i] = math.Log(max(x, normal/100))
	}
	return out, normal > 0 && 4*nothing <= len(v)
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

// Deviation is the standard deviation of values around their mean.
func Deviation(v []float64) float64 {
	mean, sum := stats.Mean(v), 0.0
	for _, x := range v {
		sum += (x - mean) * (x - mean)
	}
	return math.Sqrt(sum / float64(len(v)-1))
}

// Up says that the quantity grew beyond noise, at least by the factor.
func (s Shift) Up(factor float64) bool {
	return s.Known && s.Beyond && s.After > s.Before*factor
}

// Down says that it shrank beyond noise, at least to 1/factor.
func (s Shift) Down(factor float64) bool {
	return s.Known && s.Beyond && s.After*factor < s.Before
}

// Factor is after over before; +Inf when it came out of nothing.
func (s Shift) Factor() float64 {
	switch {
	case s.Before > 0:
		return s.After / s.Before
	case s.After > 0:
		return math.Inf(1)
	}
	return 1
}

// Dominance is how loud a signal is: its log ratio in units of its own normal
// variation. Signals of different kinds are ranked by it, never added up.
func (s Shift) Dominance() float64 {
	return min(farLog, max(0, math.Log(s.Factor()))) / s.Noise
}

// Measures are the two sides for an Evidence.
func (s Shift) Measures(u pitwall.Unit) (before, after pitwall.Measure) {
	return pitwall.Measure{Value: s.Before, Unit: u, N: s.N0}, pitwall.Measure{Value: s.After, Unit: u, N: s.N1}
}

// Sample is one observation at a moment.
type Sample struct {
	T int64 // unix nanoseconds
	V float64
}

// Median is the middle of the values; 0 of nothing.
func Median(list []Sample) float64 { return Quantile(list, 0.5) }

// Quantile is type 7; 0 of nothing, which the caller knows by the count.
func Quantile(list []Sample, q float64) float64 {
	if len(list) == 0 {
		return 0
	}
	v := make([]float64, len(list))
	for i, s := range list {
		v[i] = s.V
	}
	slices.Sort(v)
	return stats.Quantile(v, q)
}
