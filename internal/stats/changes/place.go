package changes

import (
	"math"

	"github.com/pitwall/pitwall/internal/stats"
)

// placeLoss is how much log likelihood a place may lose against the best one and
// still be possible: simulated steps of one, two and three standard deviations lie
// inside in 95, 97 and 98 % of cases.
const placeLoss = 3.0

// place is the interval of places that are nearly as likely as the split's.
func (p *sums) place(s split, w window) (early, late int) {
	rss := s.left.rss + s.right.rss + w.floor
	rho := p.rho(s.left, s.right, rss, 0)
	n := w.level.len()
	limit := rss * math.Exp(2*placeLoss*(1+rho)/(1-rho)/n)
	at := s.right.from
	early, late = at, at
	// Beyond twice the age no place was tried.
	for k := max(w.level.from+shortest, w.level.to-2*(w.level.to-at)); k <= w.level.to-shortest; k++ {
		a, b := p.level(w.level.from, k), p.level(k, w.level.to)
		if s.left.slope != 0 {
			a = p.tilt(a)
		}
		if s.right.slope != 0 {
			b = p.tilt(b)
		}
		if a.rss+b.rss+w.floor <= limit {
			early, late = min(early, k), max(late, k)
		}
	}
	return early, late
}

// doubt checks a split by what it does not assume: ranks, for noise with heavy
// tails, and the right piece's own spread. It gives the reason why not.
func (p *sums) doubt(s split) (reason string, value float64) {
	if s.second {
		return "", 0
	}
	if j := p.jump(s); j < againstLine+math.Log(s.left.len()+s.right.len()) {
		return Trend, j
	}
	if r := p.apart(s.left, s.right); r < s.need {
		return Outliers, r
	}
	// A mean of few points is as sure as their spread says; ten points of the
	// left side's are added to it.
	n, m := s.left.len(), s.right.len()
	all := (s.left.rss + s.right.rss) / (n + m)
	own := (s.right.rss + 10*s.left.rss/n) / (m + 10)
	if g := s.gain * math.Min(1, all/own); g < s.need {
		return Spread, g
	}
	if slow := p.slow(s); s.gain/slow < s.need {
		return SlowNoise, s.gain / slow
	}
	return "", 0
}

// jump is the evidence of two levels for a line that jumps, beyond a straight one.
func (p *sums) jump(s split) float64 {
	if s.left.slope != 0 || s.right.slope != 0 || p.levels {
		return math.Inf(1)
	}
	from, n := s.left.from, s.right.to-s.left.from
	line := p.tilt(p.level(from, s.right.to))
	off := make([]float64, n)
	for i := range off {
		off[i] = math.Abs(p.y[from+i] - line.value(float64(from+i)))
	}
	limit := jumpFar * 1.4826 * stats.Median(off)
	q := newSums(n)
	q.unit = p.unit
	q.reset(0)
	for i := range off {
		q.add(pull(p.y[from+i], line.value(float64(from+i)), limit))
	}
	return q.jumpAt(0, s.right.from-from, n)
}

const jumpFar = 2.5

func (p *sums) jumpAt(from, at, to int) float64 {
	w := p.window(from, to, 0)
	a, b := p.parallel(p.level(from, at), p.level(at, to))
	rss := a.rss + b.rss + w.floor
	rho := p.rho(a, b, rss, 0)
	n := w.level.len()
	return (n*(1-rho)/(1+rho) - 4) / 2 * math.Log(w.line.rss/rss)
}

// slowest is the decay a point of the slowest noise that is allowed for: a memory
// of six points. A level that wanders more slowly is reported to change.
const slowest = 0.85

// slow is by how much the long-run variance of the residuals exceeds what the
// correlation of neighbours explains, at least 1: a level may wander slowly under
// quick noise, so that neighbours differ and distant points do not. Correlations
// at lags 1 to 4 give the decay of such noise (ARMA(1,1)).
func (p *sums) slow(s split) float64 {
	n := s.left.len() + s.right.len()
	var lag [5]float64
	var last [4]float64 // residuals, newest first
	for _, f := range []fit{s.left, s.right} {
		for i := f.from; i < f.to; i++ {
			e := p.y[i] - f.value(float64(i))
			lag[0] += e * e
			for k, before := range last {
				lag[k+1] += e * before
			}
			last = [4]float64{e, last[0], last[1], last[2]}
		}
	}
	var r [5]float64
	for k := 1; k <= 4; k++ {
		r[k] = lag[k]/lag[0] + 2*float64(k)/n // two fits take so much off
	}
	near, far := r[1]+r[2], r[3]+r[4]
	if near < 3*math.Sqrt2/math.Sqrt(n) || far <= 0 {
		return 1
	}
	decay := math.Min(math.Sqrt(far/near), slowest)
	rho := p.rho(s.left, s.right, s.left.rss+s.right.rss+p.floor(s.left.from, s.right.to), rhoZ)
	// near is r1(1+decay), and the sum of all lags r1/(1-decay).
	return math.Max(1, (1+2*near/((1+decay)*(1-decay)))*(1-rho)/(1+rho))
}
