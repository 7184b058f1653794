package anomaly

import "math"

const (
	// memory is four weeks of blocks: what came up within a month is known.
	memory = 4 * 7 * blocksADay
	// fewest blocks before a limit is given: a day and a half, for the long view
	// four days, because the mean of hours follows the wave of the day.
	fewest, fewestLong = 6, 16
	// tailPercent of the blocks carry the tail, at least tailLeast of them.
	tailPercent, tailLeast = 12, 3
	// tailPrior is the tail index before anything was seen, between that of a
	// normal tail (about 0.1 here) and of a spiky one (0.5); it weighs as much
	// as tailWeight blocks.
	tailPrior, tailWeight = 0.25, 4
	// What came up in four blocks of a month is not news until it is twice as
	// bad.
	repeats, repeated = 4, 2
	// surprise is the share (of the logarithm) of an excess that is learnt, so
	// that one disaster does not hide the next smaller one.
	surprise = 0.5
)

// side is one direction of one view: how far it went in each past block, and
// the limit that follows.
type side struct {
	worst  window
	now    float64 // the worst of the block at hand
	any    bool
	fewest int     // blocks before a limit is given
	limit  float64 // +Inf before
}

func newSide(fewest int) side {
	return side{worst: newWindow(memory), fewest: fewest, limit: math.Inf(1)}
}

func (s *side) see(distance float64) {
	if !s.any || distance > s.now {
		s.now, s.any = distance, true
	}
}

// close ends the block at hand and sets the limit for the next. A block exceeds
// the limit with about probability p.
func (s *side) close(p float64) {
	if !s.any {
		return
	}
	w := s.now
	if s.limit > 0 && w > s.limit {
		w = s.limit * math.Pow(w/s.limit, surprise)
	}
	s.worst.push(w)
	s.any = false
	if len(s.worst.sorted) >= s.fewest {
		s.limit = limit(s.worst.sorted, p)
	}
}

// limit is the 1-p quantile of block maxima in ascending order. With k blocks
// above u it is u (k/np)^g, the estimate of Weissman (1978); g is Hill's index
// of those k, shrunk to tailPrior. Without positive blocks it is 0.
func limit(sorted []float64, p float64) float64 {
	n := len(sorted)
	k := min(max(n*tailPercent/100, tailLeast), n-1)
	for k > 1 && sorted[n-1-k] <= 0 {
		k--
	}
	u := sorted[n-1-k]
	if u <= 0 {
		u = sorted[n-1]
	}
	if u <= 0 {
		return 0
	}
	sum := 0.0
	for product, i := 1.0, n-k; i < n; i++ {
		// One logarithm of the product, as long as it is a number.
		if product *= sorted[i] / u; product > 1e100 || i == n-1 {
			sum, product = sum+math.Log(product), 1
		}
	}
	g := (sum + tailPrior*tailWeight) / float64(k+tailWeight)
	tail := u * math.Pow(float64(k)/(float64(n)*p), g)
	if math.IsInf(tail, 1) { // of ratios beyond all numbers
		tail = sorted[n-1]
	}
	if n >= repeats {
		tail = math.Max(tail, repeated*sorted[n-repeats])
	}
	return tail
}
