package changes

import (
	"math"

	"github.com/pitwall/pitwall/internal/stats"
)

// A trend is no step, and neither is a bend: a step needs a jump.
const (
	// A straight line must lose to one that jumps where two levels were taken for
	// a step: 2·ln(n) nats, as the place and the time of the look were chosen among
	// n, less jumpFree, as the levels chose and not the jump; at least jumpLeast.
	// Set by lines in noise of correlation 0 and 0.6, of 60 to 2,000 points, and
	// no larger than planted steps of 2 % of drifting series allow.
	jumpFree, jumpLeast = 4.0, 5.8
	// jumpBeside is what it must lose, in nats, where the longer side counts no
	// more points than the shorter or besideJump: what is a curve from afar is a
	// line there.
	jumpBeside = 1.5
	// huber cuts residuals off, in standard deviations, as Huber (1964) has it.
	huber  = 1.5
	perMAD = 1.4826 // standard deviations of normal noise by median absolute deviation

	besideJump = 16  // points on each side with which a jump is compared
	widestJump = 4   // points whose mean is taken on each side, at most
	jumpShift  = 2   // points by which the place may be off
	jumpShare  = 0.5 // least share of a step that happens at its place
	// jumpSeen is how many standard deviations of the noise from point to point
	// a step must have for its absence at the place to tell: between means of four
	// points that is more than four.
	jumpSeen = 3.0
)

// straight says why two levels are a line, or a curve, rather than a step; the
// evidence may be less by so many nats.
func (p *sums) straight(s split, less float64) (Rejected, bool) {
	if share := p.atPlace(s.left, s.right); share < jumpShare {
		return Rejected{Reason: Smooth, Value: share, Limit: jumpShare}, true
	}
	if s.second {
		return Rejected{}, false // it is held against a line already
	}
	from, at, to := s.left.from, s.right.from, s.right.to
	limit := math.Max(2*math.Log(float64(to-from))-jumpFree, jumpLeast) - less
	if gain, ok := p.jumps(from, at, to, limit); !ok {
		return Rejected{Reason: Trend, Value: gain, Limit: limit}, true
	}
	side := max(min(at-from, to-at), besideJump)
	limit = jumpBeside - less
	if gain, ok := p.jumps(max(from, at-side), at, min(to, at+side), limit); !ok {
		return Rejected{Reason: Trend, Value: gain, Limit: limit}, true
	}
	return Rejected{}, false
}

// jumps says whether the evidence for a line that jumps at a place against a
// straight one (Chow 1960, with one slope) reaches a limit, in nats: as the values
// are, the correlation of the noise at the upper end of its interval, or as it is
// estimated, with values far off the straight line pulled in. The first sees a
// jump at once, the second a small one under heavy tails.
func (p *sums) jumps(from, at, to int, limit float64) (gain float64, ok bool) {
	if gain = p.jump(from, at, to, rhoZ); gain >= limit {
		return gain, true
	}
	n, line := to-from, p.tilt(p.level(from, to))
	off := make([]float64, n)
	for i := range off {
		off[i] = math.Abs(p.y[from+i] - line.value(float64(from+i)))
	}
	most := huber * perMAD * stats.Median(off)
	q := newSums(n)
	q.unit = p.unit
	q.reset(0)
	for i := range n {
		q.add(pull(p.y[from+i], line.value(float64(from+i)), most))
	}
	gain = math.Max(gain, q.jump(0, at-from, n, 0))
	return gain, gain >= limit
}

// jump is that evidence with the correlation of the noise z standard errors up.
func (p *sums) jump(from, at, to int, z float64) float64 {
	w := p.window(from, to, 0)
	a, b := parallel(p.tilt(p.level(from, at)), p.tilt(p.level(at, to)))
	rss := a.rss + b.rss + w.floor
	n, rho := w.level.len(), p.rho(a, b, rss, z)
	return (n*(1-rho)/(1+rho) - 4) / 2 * math.Log(w.line.rss/rss)
}

// parallel gives two lines one common slope: a line that jumps.
func parallel(a, b fit) (fit, fit) {
	xx, yy := spread(a.len()), spread(b.len())
	slope := (a.slope*xx + b.slope*yy) / (xx + yy)
	a.rss += (a.slope - slope) * (a.slope - slope) * xx
	b.rss += (b.slope - slope) * (b.slope - slope) * yy
	a.slope, b.slope = slope, slope
	return a, b
}

// atPlace is the share of the jump from one fit to the next that happens between
// the points around the place, beyond what neighbouring points do nearby; 1 where
// noise would hide it.
func (p *sums) atPlace(left, right fit) float64 {
	at := right.from
	step := right.value(float64(at)-0.5) - left.value(float64(at)-0.5)
	from, to := max(left.from, at-besideJump), min(right.to, at+besideJump)
	bends := make([]float64, 0, 2*besideJump)
	for i := from + 2; i < to; i++ {
		bends = append(bends, math.Abs(p.y[i]-2*p.y[i-1]+p.y[i-2]))
	}
	if stats.Median(bends)/perSD*jumpSeen > math.Abs(step) {
		return 1
	}
	most := 0.0
	for k := 1; k <= widestJump && from+2*k <= to; k *= 2 {
		near := make([]float64, 0, 2*besideJump) // means of k points less those of the k before
		for i := from + k; i+k <= to; i++ {
			near = append(near, p.level(i, i+k).at-p.level(i-k, i).at)
		}
		usual := stats.Median(near)
		for i := max(at-jumpShift, from+k); i <= min(at+jumpShift, to-k); i++ {
			most = math.Max(most, (near[i-from-k]-usual)/step)
		}
	}
	return most
}
