package changes

import "math"

// sums are running sums over one segment, so that the fit of a level or a line
// to any piece of it costs the same, however long it is.
type sums struct {
	base   float64   // taken off every value, for precision
	levels bool      // no lines
	unit   float64   // resolution: smallest difference of neighbours so far, 0 while unknown
	y      []float64 // values less base
	upto   []total   // sums before each row
	per    []inverse // by the number of points
}

// total is what the rows before one add up to.
type total struct{ s, ss, st, lag float64 } // of y, y², i·y and y[i-1]·y[i]

func (a total) less(b total) total { return total{a.s - b.s, a.ss - b.ss, a.st - b.st, a.lag - b.lag} }

// newSums has room for n rows.
func newSums(n int) sums {
	p := sums{y: make([]float64, 0, n), upto: make([]total, 0, n+1), per: make([]inverse, n+1)}
	for i := 2; i <= n; i++ {
		k := float64(i)
		p.per[i] = inverse{1 / k, 12 / (k * (k*k - 1))}
	}
	return p
}

// inverse saves divisions: 1/n and 12/(n(n²-1)).
type inverse struct{ n, xx float64 }

func (p *sums) reset(base float64) {
	p.base = base
	p.y, p.upto = p.y[:0], append(p.upto[:0], total{})
}

func (p *sums) add(v float64) {
	v -= p.base
	n := len(p.y)
	before := 0.0
	if n > 0 {
		before = p.y[n-1]
	}
	p.y = append(p.y, v)
	a := p.upto[n]
	p.upto = append(p.upto, total{a.s + v, a.ss + v*v, a.st + float64(n)*v, a.lag + before*v})
}

// drop takes the newest k values back.
func (p *sums) drop(k int) {
	p.y = p.y[:len(p.y)-k]
	p.upto = p.upto[:len(p.y)+1]
}

// residuals are the sums of squares that a level and a line leave of k rows from
// row from on, given what the rows add up to.
func (p *sums) residuals(a total, from, k int) (level, line float64) {
	q := p.per[k]
	level = a.ss - a.s*a.s*q.n
	xy := a.st - (float64(from)+float64(k-1)/2)*a.s
	return level, level - xy*xy*q.xx
}

// fit is a level or a line through y[from:to): at row i it is at+slope·(i-mid).
type fit struct {
	from, to       int
	at, slope, mid float64
	rss            float64 // what it leaves: sum of squared residuals
}

func (f fit) len() float64            { return float64(f.to - f.from) }
func (f fit) value(i float64) float64 { return f.at + f.slope*(i-f.mid) }

func (p *sums) level(from, to int) fit {
	n := float64(to - from)
	a := p.upto[to].less(p.upto[from])
	return fit{from: from, to: to, at: a.s / n, mid: float64(from+to-1) / 2, rss: max(a.ss-a.s*a.s/n, 0)}
}

// tilt gives a level the slope of least squares.
func (p *sums) tilt(f fit) fit {
	a := p.upto[f.to].less(p.upto[f.from])
	xy, xx := a.st-f.mid*a.s, spread(f.len())
	f.slope = xy / xx
	f.rss = max(f.rss-xy*xy/xx, 0)
	return f
}

// piece is the level and the line of y[from:to); short pieces have a level only.
func (p *sums) piece(from, to int) (both [2]fit) {
	both[0] = p.level(from, to)
	both[1] = both[0]
	if to-from >= shortestLine && !p.levels {
		both[1] = p.tilt(both[0])
	}
	return both
}

// spread is the sum of squares of n row numbers around their mean.
func spread(n float64) float64 { return n * (n*n - 1) / 12 }

// neighbours is the sum of the products of neighbouring residuals of a fit.
func (p *sums) neighbours(f fit) float64 {
	a, b := f.from, f.to
	if b-a < 2 {
		return 0
	}
	zero := f.at - f.slope*f.mid // the fit at row 0
	last, next := p.upto[b-1].less(p.upto[a]), p.upto[b].less(p.upto[a+1])
	cross := next.lag
	cross -= (zero+f.slope)*last.s + f.slope*last.st
	cross -= (zero-f.slope)*next.s + f.slope*next.st
	n := float64(b - a - 1)
	return cross + n*(f.at*f.at-f.slope*f.slope/4) + f.slope*f.slope*n*(n*n-1)/12
}

// floor is the residual that rounding leaves in y[from:to) even where a fit is
// exact: a twelfth of the squared resolution a value, and the error of the sums.
func (p *sums) floor(from, to int) float64 {
	return float64(to-from)*p.unit*p.unit/12 + 1e-12*(p.upto[to].ss-p.upto[from].ss) + math.SmallestNonzeroFloat64
}
