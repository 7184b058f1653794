package changes

import (
	"math"

	"github.com/pitwall/pitwall/internal/stats"
)

// report words the confirmed places of a scan: what the series was like on both
// sides, up to the neighbouring changes or the end. These figures get better as
// points are appended; place, p and ConfirmedAt stay.
func (c *scan) report(r *Result, rounds *shuffle) {
	n := len(c.s.raw)
	for j, f := range c.out {
		from, to := 0, n
		if j > 0 {
			from = c.out[j-1].at
		}
		if j+1 < len(c.out) {
			to = c.out[j+1].at
		}
		p := c.stretch(from, to)
		h := c.describe(p, f.at-from, f.sloped)
		h.Index, h.Earliest, h.Latest = c.s.row[f.at], c.s.row[f.earliest], c.s.row[f.latest]
		h.P, h.ConfirmedAt = f.p, c.s.row[f.seen-1]+1
		h.Local = rounds.p(p, f.at-from, f.at)
		r.Changes = append(r.Changes, h.Change)
	}
	last := 0
	if k := len(c.out); k > 0 {
		last = c.out[k-1].at
	}
	if p := c.stretch(last, n); len(p.y) > shortest {
		f := p.piece(0, len(p.y))[1]
		r.Noise.SD = math.Sqrt(f.rss / f.len())
		if f.rss > p.floor(0, f.to) {
			r.Noise.Rho = p.rho(f, fit{}, f.rss, 0)
		}
	}
	r.Season = c.season.period()
	r.Rejected = append(r.Rejected, c.rejected...)
}

// stretch is the sums of the points [from, to), spikes pulled in, season off.
func (c *scan) stretch(from, to int) *sums {
	p := &sums{unit: c.p.unit, levels: c.levels, y: make([]float64, 0, to-from), upto: make([]total, 0, to-from+1)}
	p.reset(middle(c.s.raw[from:min(from+2*reach+1, to)], min(reach, to-from-1)))
	for i := from; i < to; i++ {
		p.add(c.s.value[i] - c.season.at(c.s.row[i]))
	}
	return p
}

// described is a change with half the width of the interval of After-Before.
type described struct {
	Change
	halfWidth float64
}

// describe says of which kind a change at one place is and how large.
func (c *scan) describe(p *sums, at int, sloped [2]bool) described {
	n := len(p.y)
	left, right := p.piece(0, at), p.piece(at, n)
	a, b := p.sloped(left, sloped[0]), p.sloped(right, sloped[1])
	h := described{Change: Change{Kind: Step, SlopeBefore: a.slope, SlopeAfter: b.slope}}
	before, after := float64(at-1), float64(at)
	// Without a jump it bends, even where correlation leaves the slopes in doubt.
	smooth := !p.levels && p.atPlace(a, b) < jumpShare
	if smooth {
		a, b = left[1], right[1]
		h.SlopeBefore, h.SlopeAfter = a.slope, b.slope
	}
	if smooth || (a.slope != 0 || b.slope != 0) && p.bends(at) {
		h.Kind = Ramp
		after = float64(n - 1)
	}
	h.Before, h.After = a.value(before)+p.base, b.value(after)+p.base
	rss := a.rss + b.rss + p.floor(0, n)
	rho := p.rho(a, b, rss, 0)
	h.effect(rss/float64(n)*(1+rho)/(1-rho), a.weight(before), b.weight(after))
	return h
}

// sloped is the line of a piece where its slope is clear, or was known to be when
// the change was confirmed; else the level.
func (p *sums) sloped(both [2]fit, known bool) fit {
	if known {
		return both[1]
	}
	f := both[0]
	least := p.floor(f.from, f.to)
	rho := p.rho(both[1], fit{}, both[1].rss+least, 0)
	free := f.len()*(1-rho)/(1+rho) - 3
	if free/2*math.Log((f.rss+least)/(both[1].rss+least)) > 2*perSlope {
		return both[1]
	}
	return f
}

// weight is the variance of a fit at row i, in variances of one value.
func (f fit) weight(i float64) float64 {
	n := f.len()
	if f.slope == 0 {
		return 1 / n
	}
	return 1/n + 12*(i-f.mid)*(i-f.mid)/(n*(n*n-1))
}

// effect sets the relative change by the delta method; v is the variance of one
// value, inflated for correlation, before and after are the weights of the fits.
func (h *described) effect(v, before, after float64) {
	normal := stats.NormalQuantile(0.975)
	h.halfWidth = normal * math.Sqrt(v*(before+after))
	if h.Before*h.After <= 0 {
		h.Effect, h.EffectLow, h.EffectHigh = math.NaN(), math.NaN(), math.NaN()
		return
	}
	ratio := h.After / h.Before
	half := normal * math.Sqrt(v*(after+before*ratio*ratio)) / math.Abs(h.Before)
	h.Effect, h.EffectLow, h.EffectHigh = ratio-1, ratio-1-half, ratio-1+half
}

// bends says whether one line that bends at a place explains the rows better
// than one that jumps there.
func (p *sums) bends(at int) bool {
	bend := p.explained(at, func(i int) float64 { return math.Max(float64(i-at), 0) })
	jump := p.explained(at, func(i int) float64 {
		if i < at {
			return 0
		}
		return 1
	})
	return bend > jump
}

// explained is what a shape explains beyond one line, of the sum of squares.
func (p *sums) explained(at int, shape func(int) float64) float64 {
	n := len(p.y)
	line := p.tilt(p.level(0, n))
	// the shape less its own line, by the same fit
	q := &sums{}
	q.reset(0)
	for i := range n {
		q.add(shape(i))
	}
	own := q.tilt(q.level(0, n))
	dot, square := 0.0, 0.0
	for i := range n {
		e := q.y[i] - own.value(float64(i))
		dot += e * (p.y[i] - line.value(float64(i)))
		square += e * e
	}
	if square == 0 {
		return 0
	}
	return dot * dot / square
}
