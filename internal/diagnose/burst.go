package diagnose

import (
	"math"

	"github.com/pitwall/pitwall/internal/diagnose/fold"
	"github.com/pitwall/pitwall/internal/stats"
)

// placeBound is how much log likelihood a place of a step may lose against the
// best one and still be possible: exp(-3) is one twentieth.
const placeBound = 3

// shareStep places one rise of the share of bad requests among stretches of
// time: two levels, binomial counts, and as much more variation than chance as
// the stretches themselves show (the quasi-likelihood of McCullagh and Nelder),
// for bad requests come in bursts. Unlike a step of means it sees trouble that
// comes and goes, and failures of a few requests in a hundred. Both levels hold
// at least shortest stretches.
func shareStep(bad, count []float64, shortest int) (s stats.Step, ok bool) {
	n := len(count)
	if n < 2*shortest {
		return stats.Step{}, false
	}
	allBad, all := sumOf(bad), sumOf(count)
	likely := make([]float64, n)
	best := math.Inf(-1)
	b, c := 0.0, 0.0
	for k := range n {
		if k >= shortest && k <= n-shortest && b/c < (allBad-b)/(all-c) {
			likely[k] = binomial(b, c) + binomial(allBad-b, all-c)
			if likely[k] > best {
				best, s.Index = likely[k], k
				s.Before, s.After = b/c, (allBad-b)/(all-c)
			}
		} else {
			likely[k] = math.Inf(-1)
		}
		b, c = b+bad[k], c+count[k]
	}
	if s.Index == 0 {
		return stats.Step{}, false
	}
	more := dispersion(bad, count, s)
	s.Gain = (best - binomial(allBad, all)) / more
	s.Earliest, s.Latest = s.Index, s.Index
	for k, l := range likely {
		if best-l <= placeBound*more {
			s.Earliest, s.Latest = min(s.Earliest, k), max(s.Latest, k)
		}
	}
	return s, true
}

// binomial is the log likelihood of k of n at the share that fits best.
func binomial(k, n float64) float64 {
	l := 0.0
	if k > 0 {
		l += k * math.Log(k/n)
	}
	if k < n {
		l += (n - k) * math.Log(1-k/n)
	}
	return l
}

// dispersion is by what factor counts vary more around the two levels of a step
// than chance would have it (Pearson), at least 1.
func dispersion(bad, count []float64, s stats.Step) float64 {
	sum, n := 0.0, 0.0
	for i := range count {
		p := s.Before
		if i >= s.Index {
			p = s.After
		}
		if v := count[i] * p * (1 - p); v > 0 {
			sum, n = sum+(bad[i]-count[i]*p)*(bad[i]-count[i]*p)/v, n+1
		}
	}
	return max(1, ratio(sum, n-1))
}

func sumOf(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum
}

// manyBursts is how many blocks of a side must lie where those of the baseline
// never are: three such blocks are no single hiccup.
const manyBursts = 3

// bursts says whether the headline is slow again and again while it is normal
// in between: the mean then varies too much among blocks for a test of means,
// but several blocks lie where those of the baseline never are. Six deviations
// and a tenth beyond the highest are far outside of what sixteen blocks of one
// kind do.
func (x *inquiry) bursts() bool {
	return x.latency.After >= 1.25*x.latency.Before && farther(x.base.Latency, x.head.Latency, 0) >= manyBursts
}

// failsInBursts says likewise that requests fail again and again, so many that
// it matters.
func (x *inquiry) failsInBursts() bool {
	return x.failed.After-x.failed.Before > failuresMatter && farther(x.base.Failed, x.head.Failed, failuresMatter) >= manyBursts
}

// farther counts the blocks that lie where those of the baseline never are, and
// by least at least above its mean.
func farther(base, head fold.Series, least float64) int {
	normal, far := base.Blocks(), 0
	if len(normal) < 8 {
		return 0
	}
	line := max(farOut(base), stats.Mean(normal)+least)
	for _, v := range head.Blocks() {
		if v > line {
			far++
		}
	}
	return far
}

// muchLate is the share of requests that must be late, where one in twenty was,
// for users to notice when the mean alone proves nothing.
const muchLate = 0.1

// late says that many more requests take longer than nearly all did, while most
// are as fast as ever: a mean of both varies too much to tell.
func (x *inquiry) late() bool {
	line := fold.Quantile(x.base.Duration, 0.95)
	s := fold.Compare(beyond(x.base, line), beyond(x.head, line))
	return s.Up(2) && s.After >= muchLate && x.latency.After >= 1.1*x.latency.Before
}

// beyond is the share of requests that took longer than line, in the blocks of
// a side.
func beyond(side *fold.Side, line float64) fold.Series {
	n := len(side.Latency.Num)
	s := fold.NewSeries(n)
	if n == 0 || len(side.Duration) == 0 {
		return s
	}
	first, last := side.Duration[0].T, side.Duration[len(side.Duration)-1].T
	for _, d := range side.Duration {
		at := int(float64(n) * float64(d.T-first) / float64(max(1, last-first)))
		v := 0.0
		if d.V > line {
			v = 1
		}
		s.Add(min(n-1, at), v)
	}
	return s
}
