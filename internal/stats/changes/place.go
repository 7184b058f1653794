package changes

import "math"

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
// tails, the right piece's own spread, slow noise, and that a step jumps. It gives
// the reason why not. What each demands may be less by so many nats.
func (p *sums) doubt(s split, less float64) (no Rejected, ok bool) {
	if !s.second {
		if no, ok = p.frail(s, less); ok {
			return no, true
		}
	}
	if s.sloped() == [2]bool{} && !p.levels {
		return p.straight(s, less)
	}
	return Rejected{}, false
}

// frail says which assumption the evidence of the first yardstick hangs on.
func (p *sums) frail(s split, less float64) (no Rejected, ok bool) {
	need := s.need - less
	if r := p.apart(s.left, s.right); r < need {
		return Rejected{Reason: Outliers, Value: r, Limit: need}, true
	}
	// A mean of few points is as sure as their spread says; ten points of the
	// left side's are added to it.
	n, m := s.left.len(), s.right.len()
	all := (s.left.rss + s.right.rss) / (n + m)
	own := (s.right.rss + 10*s.left.rss/n) / (m + 10)
	if g := s.gain * math.Min(1, all/own); g < need {
		return Rejected{Reason: Spread, Value: g, Limit: need}, true
	}
	if g := s.gain / p.slow(s); g < need {
		return Rejected{Reason: SlowNoise, Value: g, Limit: need}, true
	}
	return Rejected{}, false
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
