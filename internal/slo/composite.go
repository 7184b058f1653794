package slo

import (
	"math"

	"github.com/pitwall/pitwall"
)

// readComposite adds members up to one reading. b, N and T are a member's bad
// events, events and target, w its weight:
//
//	weighted  spent = Σwb / Σw(1−T)N
//	journey   e = 1 − Π(1 − b/N), spent = e / (1 − target of the composite)
//	slices    a slice is bad if it is bad for any member
//
// Only the relation of weights matters, and a composite of one member is that
// member. A weighted composite leaves out members without events; a journey has
// no reading while any stage has none.
func (g *gauge) readComposite(p pitwall.Period) measure {
	method := g.s.SLI.Composite.Method
	if method == pitwall.CompositeSlices {
		return g.readSlices(p)
	}
	parts := make([]measure, len(g.members))
	out := measure{seen: math.MaxUint64}
	for i := range g.members {
		parts[i] = g.members[i].read(p)
		out.seen = min(out.seen, parts[i].seen)
		out.blind = out.blind || parts[i].blind
		if !parts[i].known() {
			out.silent = append(out.silent, g.members[i].s.Name)
		}
	}
	switch {
	case len(parts) == 0:
		return measure{}
	case method == pitwall.CompositeJourney:
		return g.journey(parts, out)
	case len(parts) == 1:
		return parts[0]
	}
	return g.weighted(parts, out)
}

// weighted sums what members spent and may spend, each times its weight. The
// guard against chance counts as many trials as independent events of the same
// variance would be: (ΣwN)² / Σw²N (Kish 1965).
func (g *gauge) weighted(parts []measure, out measure) measure {
	var wn, wwn, wb float64
	for i, m := range parts {
		w := g.members[i].weight
		if !m.known() || !(w > 0) {
			continue
		}
		n := float64(m.trials.Total())
		out.counts = out.counts.Add(m.counts)
		out.bad += w * m.bad
		out.allowed += w * m.allowed
		wn, wwn, wb = wn+w*n, wwn+w*w*n, wb+w*float64(m.trials.Bad)
	}
	if wn > 0 && wwn > 0 {
		out.trials = trialsOf(wb/wn, wn*wn/wwn)
		out.null = out.allowed / wn
	}
	return out
}

// journey multiplies the shares of good events of every stage: that many of the
// journeys succeed if stages fail independently. There are at most as many whole
// journeys as the rarest stage has events.
func (g *gauge) journey(parts []measure, out measure) measure {
	if len(out.silent) > 0 {
		return measure{seen: out.seen, blind: out.blind, silent: out.silent}
	}
	success, rarest := 0.0, math.Inf(1) // success as a logarithm, so that tiny ratios are not lost
	for _, m := range parts {
		n := float64(m.trials.Total())
		success += math.Log1p(-min(1, m.bad*m.null/m.allowed))
		rarest = min(rarest, n)
	}
	e := -math.Expm1(success)
	if len(parts) == 1 && parts[0].exact != nil { // to the last event
		out.exact, out.trials = &g.s.Target, parts[0].trials
		e = float64(out.trials.Bad) / rarest
	} else {
		out.trials = trialsOf(e, rarest)
	}
	out.counts, out.null = out.trials, g.share
	out.bad, out.allowed = e*rarest, g.share*rarest
	return out
}

// trialsOf is a ratio as whole trials; a part of a bad one is none.
func trialsOf(ratio, n float64) pitwall.Counts {
	total := uint64(n)
	bad := min(total, uint64(ratio*n+1e-9))
	return pitwall.Counts{Good: total - bad, Bad: bad}
}
