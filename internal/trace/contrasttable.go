package trace

import (
	"math"

	"github.com/pitwall/pitwall/internal/stats"
)

// rareValues is the name under which values too rare to be told apart stand
// together.
const rareValues = "(other values)"

// table2 is one key's values, counted among slow and among typical requests.
type table2 struct {
	names         []string
	values        []cell // by level
	level         []int  // of each request
	slow, typical int
}

type cell struct {
	slow, typical int
	took          sum // seconds, all requests that have the value
}

func (t *table2) all() float64 { return float64(t.slow + t.typical) }

// expected is how many slow requests with the value there would be by chance.
func (t *table2) expected(l int) float64 {
	v := t.values[l]
	return float64(v.slow+v.typical) * float64(t.slow) / t.all()
}

// levels counts the values that are there.
func (t *table2) levels() int {
	n := 0
	for _, v := range t.values {
		if v.slow+v.typical > 0 {
			n++
		}
	}
	return n
}

// p is the chance of a table at least as uneven when slowness has nothing to do
// with the key: by the G test with Williams' correction (1976) where every
// expected count is large enough, otherwise by Fisher's exact test of each value
// against all others, times the number of values (Bonferroni). Which of the two
// depends on the margins alone, so the choice spends nothing.
func (t *table2) p() float64 {
	small := float64(min(t.slow, t.typical)) / t.all()
	sparse := false
	for _, v := range t.values {
		n := float64(v.slow + v.typical)
		sparse = sparse || n > 0 && n*small < leastExpected
	}
	if sparse {
		return t.exact()
	}
	k := float64(t.levels())
	g, inverse := 0.0, 0.0
	for l, v := range t.values {
		n := float64(v.slow + v.typical)
		if n == 0 {
			continue
		}
		e := t.expected(l)
		g += 2 * (term(float64(v.slow), e) + term(float64(v.typical), n-e))
		inverse += 1 / n
	}
	n := t.all()
	rows := n/float64(t.slow) + n/float64(t.typical) - 1
	williams := 1 + rows*(n*inverse-1)/(6*n*(k-1))
	return stats.ChiSquareTail(g/williams, int(k)-1)
}

func term(observed, expected float64) float64 {
	if observed == 0 {
		return 0
	}
	return observed * math.Log(observed/expected)
}

func (t *table2) exact() float64 {
	p := 1.0
	for _, v := range t.values {
		if n := v.slow + v.typical; n > 0 {
			p = min(p, fisher(v.slow, n, t.slow, t.slow+t.typical))
		}
	}
	return min(1, p*float64(t.levels()))
}

// fisher is the two-sided p of k marked among n drawn, when of all there are
// marked ones and the draw is blind: twice the smaller tail, at most 1.
func fisher(k, n, marked, all int) float64 {
	low, high := max(0, n-(all-marked)), min(n, marked)
	p := math.Exp(logChoose(marked, k) + logChoose(all-marked, n-k) - logChoose(all, n))
	at, below := p, p
	for i := k; i > low && at > 0; i-- { // P(i-1) from P(i)
		at *= float64(i) * float64(all-marked-n+i) / (float64(marked-i+1) * float64(n-i+1))
		below += at
	}
	at = p
	above := p
	for i := k; i < high && at > 0; i++ {
		at *= float64(marked-i) * float64(n-i) / (float64(i+1) * float64(all-marked-n+i+1))
		above += at
	}
	return min(1, 2*min(below, above))
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// effect is Cramér's V, corrected for the bias of many values in few requests
// (Bergsma 2013).
func (t *table2) effect() float64 {
	n, k := t.all(), float64(t.levels())
	phi2 := 0.0
	for l, v := range t.values {
		if c := float64(v.slow + v.typical); c > 0 {
			e := t.expected(l)
			d := float64(v.slow) - e
			phi2 += (d*d/e + d*d/(c-e)) / n
		}
	}
	phi2 = max(0, phi2-(k-1)/(n-1))
	kk := k - (k-1)*(k-1)/(n-1)
	rr := 2 - 1/(n-1)
	return min(1, math.Sqrt(phi2/min(kk-1, rr-1)))
}

// telling is by how many standard errors a value is over-represented among the
// slow; negative: under.
func (t *table2) telling(l int) float64 {
	v := t.values[l]
	n := float64(v.slow + v.typical)
	e := t.expected(l)
	variance := e * (1 - n/t.all()) * float64(t.typical) / t.all()
	if variance <= 0 {
		return 0
	}
	return (float64(v.slow) - e) / math.Sqrt(variance)
}

// over lists the values that are over-represented by two standard errors.
func (t *table2) over() []int {
	var list []int
	for l := range t.values {
		if t.telling(l) > 2 {
			list = append(list, l)
		}
	}
	return list
}
