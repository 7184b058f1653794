package changes

import (
	"math"

	"github.com/pitwall/pitwall/internal/stats"
)

const (
	spreadBlock  = 4   // points of which the spread is one number
	spreadAlpha  = 0.1 // share of alpha for changes of spread
	spreadRatio  = 1.5 // least factor between the standard deviations
	spreadBeside = 12  // points within which a change of level speaks for both
	// perSD is the median absolute second difference of normal noise, in
	// standard deviations: sqrt(6) times the upper quartile.
	perSD = 2.4495 * 0.67449
)

// spreads adds the changes of spread: steps in the logarithm of the median
// absolute second difference of blocks of points, which no level, slope, spike
// or single step moves. A change of level confirmed before, nearby, speaks for
// its spread too. Blocks that stand still say nothing.
func (c *scan) spreads(r *Result) {
	logs := spreadLogs(c.s.raw)
	v := newScan(clean(logs), c.alpha*spreadAlpha)
	if len(v.s.raw) < 2*shortest {
		return
	}
	v.levels = true
	v.run()
	point := func(i int) int { return spreadBlock * v.s.row[i] }
	for j, f := range v.out {
		at, seen := point(f.at), point(f.seen-1)+spreadBlock
		if c.beside(at, seen) {
			continue
		}
		if math.Abs(f.step) < math.Log(spreadRatio) {
			r.Rejected = append(r.Rejected, Rejected{Index: c.s.row[at], Reason: Small, Value: math.Exp(math.Abs(f.step)), Limit: spreadRatio})
			continue
		}
		from, to := 0, len(v.s.raw)
		if j > 0 {
			from = v.out[j-1].at
		}
		if j+1 < len(v.out) {
			to = v.out[j+1].at
		}
		h := v.describe(v.stretch(from, to), f.at-from, f.sloped)
		h.Kind = Variance
		// describe's levels are logarithms here: their difference is the effect.
		half := h.halfWidth
		step := h.After - h.Before
		h.Before, h.After = math.Exp(h.Before)/perSD, math.Exp(h.After)/perSD
		h.Effect, h.EffectLow, h.EffectHigh = math.Exp(step)-1, math.Exp(step-half)-1, math.Exp(step+half)-1
		h.Index, h.Earliest = c.s.row[at], c.s.row[max(point(f.earliest)-spreadBlock+1, 0)]
		h.Latest = c.s.row[min(point(f.latest)+spreadBlock-1, seen-1)]
		h.P, h.ConfirmedAt, h.Local = f.p, c.s.row[seen-1]+1, math.NaN()
		r.Changes = append(r.Changes, h.Change)
	}
}

func spreadLogs(v []float64) []float64 {
	out := make([]float64, len(v)/spreadBlock)
	var off [spreadBlock]float64
	for j := range out {
		for k := range off {
			i := max(j*spreadBlock+k, 2)
			off[k] = math.Abs(v[i] - 2*v[i-1] + v[i-2])
		}
		if m := stats.Median(off[:]); m > 0 {
			out[j] = math.Log(m)
		} else {
			out[j] = math.NaN()
		}
	}
	return out
}

// beside says whether a change of level was confirmed nearby by then.
func (c *scan) beside(at, seen int) bool {
	for _, f := range c.out {
		if f.seen <= seen && max(f.at-at, at-f.at) <= spreadBeside {
			return true
		}
	}
	return false
}
