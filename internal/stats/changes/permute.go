package changes

import (
	"math"
	"math/rand/v2"
)

const (
	localSide  = 32 // rows on each side that are permuted
	localMost  = 99 // permutations at most
	localCount = 10 // permutations as extreme after which no more are needed
)

// shuffle is the chance behind local p values.
type shuffle struct{ seed uint64 }

// p is a permutation p of one place: how often blocks of the rows around it, in
// random order, split as well into two levels anywhere. Besag & Clifford (1991):
// it stops as soon as ten orders did. Blocks are as long as the noise has memory.
// The generator starts from the seed and the place, so that the answer for one
// change hangs on no other.
func (s *shuffle) p(p *sums, at, place int) float64 {
	from, to := max(0, at-localSide), min(len(p.y), at+localSide)
	y := p.y[from:to]
	a, b := p.level(from, at), p.level(at, to)
	rho := p.rho(a, b, a.rss+b.rss+p.floor(from, to), 0)
	size := max(min(int(math.Ceil((1+rho)/(1-rho))), len(y)/4), 1)
	rng := rand.New(rand.NewPCG(s.seed, uint64(place)))
	observed := levelSplit(y)
	cut := make([]int, (len(y)+size-1)/size)
	order, drawn := make([]float64, 0, len(y)), 0
	hits := 0
	for drawn < localMost && hits < localCount {
		drawn++
		order = blocks(order[:0], y, cut, rng)
		if levelSplit(order) >= observed*(1-1e-12) {
			hits++
		}
	}
	if hits == localCount {
		return float64(hits) / float64(drawn)
	}
	return float64(hits+1) / float64(drawn+1)
}

// blocks appends y cut into blocks, in random order; cut is room for their numbers.
func blocks(out, y []float64, cut []int, rng *rand.Rand) []float64 {
	size := (len(y) + len(cut) - 1) / len(cut)
	for i := range cut {
		j := rng.IntN(i + 1)
		cut[i], cut[j] = cut[j], i
	}
	for _, k := range cut {
		out = append(out, y[min(k*size, len(y)):min((k+1)*size, len(y))]...)
	}
	return out
}

// levelSplit is the most that two levels explain beyond one, each of at least
// shortest points.
func levelSplit(y []float64) float64 {
	sum := 0.0
	for _, v := range y {
		sum += v
	}
	n, left, best := float64(len(y)), 0.0, 0.0
	for i, v := range y {
		left += v
		if k := float64(i + 1); i+1 >= shortest && len(y)-i-1 >= shortest {
			off := left - k*sum/n
			best = math.Max(best, off*off*n/(k*(n-k)))
		}
	}
	return best
}
