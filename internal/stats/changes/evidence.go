package changes

import "math"

const (
	shortest     = 4 // points a piece needs at least: more than a run of spikes
	shortestLine = 6 // points a line needs at least
	// What the second yardstick needs of both pieces, in a whole segment and in
	// one of the many stretches of it: a few points in a row may well sit in
	// another mode of the noise.
	fewestWhole, fewestPart = 5, 8
)

// Two yardsticks measure the evidence for a split, in nats (4.6 is a factor of
// 100). Either suffices.
//
// The first estimates the correlation of the noise. It is the log likelihood
// ratio of normal noise, taken to the number of points that would say as much if
// they were independent: n(1-rho)/(1+rho) for correlation rho (long-run variance
// of an AR(1)), rho being corrected for the bias of the fit (Marriott & Pope
// 1954; Kendall 1954) and taken at the upper end of its interval.
//
// The second believes no estimate: it asks what noise of correlation 0.9 would
// do. A few dozen points of such noise show levels and trends of their own; what
// goes beyond them is a change whatever the noise, and correlation that lasts
// longer counts as a change. So short and trending series can be judged.
const (
	rhoZ    = 1.3  // one-sided 90 % bound on rho
	rhoMost = 0.95 // the first yardstick takes no noise to be more correlated
	// perSlope is what a slope costs beyond a level: BIC at 55 points.
	perSlope = 2.0
	// fewestSloped is the number of independent points below which a slope is
	// left to the second yardstick: the bias of rho is too large there.
	fewestSloped = 20
)

// Critical values of the second yardstick: the log of the ratio of the sum of
// squares around one line to that of the best split goes beyond
// critical/(1+n/scale) with probability 0.002, for AR(1) noise of correlation
// 0.9, n points, and a split that leaves at least an eighth on each side. From
// 2,000 simulated series for n of 10 to 1,800; the log of the probability is
// near to linear in the ratio with tailSlope.
const (
	criticalStep, scaleStep = 1.4, 170.0
	criticalRamp, scaleRamp = 3.2, 120.0
	criticalHalf            = 0.8 // a level and a line, against two lines
	criticalNats            = 6.2 // -ln 0.002
	tailSlope               = 8.5
)

// faintest is the least share of the sum of squares around the segment's mean
// that a split by the second yardstick, or one with a slope, must explain beyond
// one line: what cannot be seen in a chart of the segment is the curve of a
// trend, not a change of it.
const faintest = 0.1

// bar is the evidence that each yardstick must reach.
type bar struct{ one, two float64 }

// window is the stretch in which a split is sought, with its fits undivided.
type window struct {
	level, line fit
	floor       float64
	fewest      int // points a piece needs for the second yardstick
}

func (p *sums) window(from, to, fewest int) window {
	w := window{fewest: fewest, level: p.level(from, to), floor: p.floor(from, to)}
	w.line = p.tilt(w.level)
	w.level.rss += w.floor
	w.line.rss += w.floor
	return w
}

// split is one way to see a window as two pieces.
type split struct {
	left, right fit
	gain, need  float64
	second      bool // by the second yardstick
}

func (s split) over() float64 { return s.gain - s.need }

// sloped says which pieces are lines.
func (s split) sloped() [2]bool { return [2]bool{s.left.slope != 0, s.right.slope != 0} }

// weigh is the best split of a window at one place if it goes beyond what is
// needed by more than over.
func (p *sums) weigh(w window, at int, need bar, over float64) (best split, ok bool) {
	n := w.level.len()
	left, right := p.piece(w.level.from, at), p.piece(at, w.level.to)
	second := balanced(w.level.from, at, w.level.to, w.fewest)
	for i, a := range left {
		for j, b := range right {
			if i > 0 && a.slope == 0 || j > 0 && b.slope == 0 {
				continue
			}
			rss := a.rss + b.rss + w.floor
			faint := math.Min(w.level.rss, w.line.rss)-rss < faintest*w.level.rss
			if i+j > 0 && faint {
				continue
			}
			if second && !faint {
				if g := beyondAR9(n, i+j, w.line.rss/rss); g-need.two > over {
					best, ok, over = split{a, b, g, need.two, true}, true, g-need.two
				}
			}
			if g := p.estimated(w, a, b, need.one+over); g-need.one > over {
				best, ok, over = split{a, b, g, need.one, false}, true, g-need.one
			}
		}
	}
	return best, ok
}

// balanced says whether the second yardstick knows such a split.
func balanced(from, at, to, fewest int) bool {
	return min(at-from, to-at) >= max(fewest, (to-from+7)/8)
}

// least is the smallest log ratio that can satisfy the second yardstick.
func least(n, need float64) float64 {
	return criticalStep / (1 + n/scaleStep) * ((need-criticalNats)/tailSlope + 1)
}

// hopeless says at little cost that no split of a window at one place can reach
// what is needed: even two lines leave too much. one is what the first yardstick
// needs, smallest what least says.
func (p *sums) hopeless(w window, at int, one, smallest float64) bool {
	from, to := w.level.from, w.level.to
	_, a := p.residuals(p.upto[at].less(p.upto[from]), from, at-from)
	_, b := p.residuals(p.upto[to].less(p.upto[at]), at, to-at)
	left := max(a+b, 0) + w.floor
	if float64(to-from)*(w.level.rss-left) >= 2*one*left {
		return false
	}
	return !balanced(from, at, to, w.fewest) || unlikely(w.level.rss, w.line.rss, left, smallest)
}

// hopelessPart is hopeless for a stretch that only the second yardstick weighs.
func (p *sums) hopelessPart(from, at, to int, smallest float64) bool {
	x, y := p.upto[at].less(p.upto[from]), p.upto[to].less(p.upto[at])
	_, a := p.residuals(x, from, at-from)
	_, b := p.residuals(y, at, to-at)
	level, line := p.residuals(total{x.s + y.s, x.ss + y.ss, x.st + y.st, 0}, from, to-from)
	return unlikely(level, line, max(a+b, 0), smallest)
}

// unlikely says that two lines which leave so much of a level's and a line's sum
// of squares satisfy the second yardstick in no case: ln r <= (r²-1)/2r.
func unlikely(level, line, left, smallest float64) bool {
	return line*line-left*left <= 2*smallest*line*left || min(level, line)-left < faintest*level
}

// beyondAR9 is the evidence by the second yardstick.
func beyondAR9(n float64, slopes int, ratio float64) float64 {
	critical := criticalRamp / (1 + n/scaleRamp)
	switch slopes {
	case 0:
		critical = criticalStep / (1 + n/scaleStep)
	case 1:
		critical *= criticalHalf
	}
	return criticalNats + tailSlope*(math.Log(ratio)/critical-1)
}

// estimated is the evidence by the first yardstick, -Inf where it is surely
// below enough. Two levels are held against one here, and against a line once
// their place is known.
func (p *sums) estimated(w window, a, b fit, enough float64) float64 {
	n, rss := w.level.len(), a.rss+b.rss+w.floor
	slopes := 0.0
	for _, sloped := range (split{left: a, right: b}).sloped() {
		if sloped {
			slopes++
		}
	}
	if n/2*(w.level.rss/rss-1) < enough {
		return math.Inf(-1)
	}
	rho := p.rho(a, b, rss, rhoZ)
	free := n*(1-rho)/(1+rho) - 3 - slopes
	if free <= 0 || slopes > 0 && free < fewestSloped {
		return math.Inf(-1)
	}
	gain := free / 2 * math.Log(w.level.rss/rss)
	if slopes == 0 {
		return gain
	}
	return math.Min(gain, free/2*math.Log(w.line.rss/rss)+perSlope) - perSlope*slopes
}

// rho is the correlation of neighbours around two fits, z standard errors up.
func (p *sums) rho(a, b fit, rss, z float64) float64 {
	n, lost := a.len()+b.len(), 2.0
	for _, f := range []fit{a, b} {
		if f.slope != 0 {
			lost++
		}
	}
	keep := math.Max(1-(4+lost)/n, 0.2)
	rho := ((p.neighbours(a)+p.neighbours(b))/rss + lost/n) / keep
	rho = math.Max(0, math.Min(rho, 0.99))
	return math.Min(rho+z*math.Sqrt((1-rho*rho)/n)/keep, rhoMost)
}
