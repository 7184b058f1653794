package changes

import "math"

// A split is suspected with evidence for twenty times alpha, and listed as
// rejected with evidence for a hundred times alpha; in nats below what is needed.
const (
	suspected = -3.0
	weakest   = -4.6
)

// suspects looks at the end of a series once more, at every age and with less
// demanded.
func (c *scan) suspects(r *Result) {
	n := len(c.s.raw)
	if c.newest(r); n-c.from < 2*shortest {
		return
	}
	c.fill(n - reach)
	c.peek(n)
	best, w, need, ok := c.seek(0, max(n, c.confirmed), weakest)
	if !ok {
		return
	}
	best = c.refine(best, w, need)
	if best.over() < suspected {
		c.reject(best, Rejected{Reason: TooWeak, Value: best.gain, Limit: best.need})
		return
	}
	if no, ok := c.p.doubt(best, -suspected); ok {
		c.reject(best, no)
		return
	}
	early, late := c.p.place(best, w)
	k := best.right.from
	h := c.describe(&c.p, k, best.sloped())
	h.Index, h.Earliest, h.Latest = c.s.row[c.from+k], c.s.row[c.from+early], c.s.row[c.from+late]
	h.Local = math.NaN()
	h.P = c.chance(best)
	// Evidence grows with the points on the right; a pending one waits for its place.
	age := float64(len(c.p.y) - k)
	more := int(math.Ceil(age * (best.need/math.Max(best.gain, 1) - 1)))
	if c.first > 0 {
		more = max(more, c.first+1-n, c.first+c.age/2-n)
	}
	if c.period > 1 && c.season.period() == 0 { // it may be the season
		more = max(more, 2*c.period-len(c.s.rows))
	}
	r.Suspects = append(r.Suspects, Suspect{Change: h.Change, Needs: max(more, 1)})
}

// newest suspects the last one to three values if they are far off: whether
// they are a spike, the next ones tell.
func (c *scan) newest(r *Result) {
	n := len(c.s.raw)
	k := n
	for k > 0 && n-k < reach && c.s.spike[k-1] {
		k--
	}
	if k == n || k == 0 {
		return
	}
	step := c.season.at(c.s.row[k]) - c.season.at(c.s.row[k-1])
	if c.season.period() > 0 && math.Abs(c.s.raw[k]-c.s.mid[k-1]-step) <= c.s.limit[k-1] {
		return // the season explains it
	}
	h := Change{Index: c.s.row[k], Earliest: c.s.row[k], Latest: c.s.row[k], Kind: Spike, Before: c.s.mid[k-1], After: c.s.raw[k], P: 1, Local: math.NaN()}
	h.Effect, h.EffectLow, h.EffectHigh = math.NaN(), math.NaN(), math.NaN()
	if h.Before*h.After > 0 {
		h.Effect = h.After/h.Before - 1
	}
	r.Suspects = append(r.Suspects, Suspect{Change: h, Needs: shortest - (n - k)})
}
