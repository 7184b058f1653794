package changes

import (
	"cmp"
	"math"
	"slices"
)

// mostRanked is how many points of each side are ranked.
const mostRanked = 512

// apart is the evidence, in nats, that the right piece lies off the left one (or
// off its line, drawn on) by ranks alone: exact bounds that no tail of the noise
// can break. Both sides count at most the points next to the split.
func (p *sums) apart(left, right fit) float64 {
	n, m := min(left.to-left.from, mostRanked), min(right.to-right.from, mostRanked)
	type ranked struct {
		v     float64
		right bool
	}
	all := make([]ranked, 0, n+m)
	for i := right.from - n; i < right.from+m; i++ {
		all = append(all, ranked{p.y[i] - left.slope*(float64(i)-left.mid), i >= right.from})
	}
	slices.SortFunc(all, func(a, b ranked) int { return cmp.Compare(a.v, b.v) })
	u := -float64(m*(m-1)) / 2
	for i := 0; i < len(all); {
		j, ties := i, 0.0
		for ; j < len(all) && all[j].v == all[i].v; j++ {
			if all[j].right {
				ties++
			}
		}
		u += ties * float64(i+j-1) / 2 // middle rank
		i = j
	}
	return rankTail(n, m, math.Abs(u-float64(n*m)/2)) - math.Ln2
}

// rankTail is -ln of a bound on the chance that the rank sum of m among n+m goes
// off its mean by u to one side. The rank sum has the Gaussian binomial as its
// generating function (Mann & Whitney 1947), so Chernoff's bound is exact at both
// ends and needs no table.
func rankTail(n, m int, u float64) float64 {
	if m > n {
		n, m = m, n
	}
	sd := math.Sqrt(float64(n) * float64(m) * float64(n+m+1) / 12)
	bound := func(g float64) float64 {
		s, sum := g/sd, 0.0
		for j := 1; j <= m; j++ {
			sum += logSinh(float64(n+j)*s/2) - logSinh(float64(j)*s/2) + math.Log(float64(j)/float64(n+j))
		}
		return s*u - sum
	}
	// The bound is concave in g; its best is sought between 0 and far out.
	low, high := 0.0, 200.0
	for range 24 {
		a, b := low+(high-low)*0.382, low+(high-low)*0.618
		if bound(a) < bound(b) {
			low = a
		} else {
			high = b
		}
	}
	return math.Max(bound((low+high)/2), 0)
}

// logSinh is ln(sinh(x)) of x > 0.
func logSinh(x float64) float64 { return x + math.Log(-math.Expm1(-2*x)) - math.Ln2 }
