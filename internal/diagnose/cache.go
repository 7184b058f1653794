package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// missedMore is by how much the share of lookups that a cache cannot answer
// must rise: less is what the mix of a day does.
const missedMore = 0.05

// cache asks whether a cache began to miss, so that work behind it is done more
// often.
func cache(x *inquiry) result {
	var list []*finding
	seen := 0
	for _, s := range x.onPath() {
		hit, ok := x.series(s, metricCache)
		if !ok {
			continue
		}
		seen++
		misses := pitwall.Measured{T: hit.T, V: make([]float64, len(hit.V))}
		for i, v := range hit.V {
			misses.V[i] = 1 - v
		}
		shift := x.compared(misses, func(int64) (float64, bool) { return 1, true })
		if shift.Up(timeGrew) && shift.After-shift.Before >= missedMore {
			list = append(list, x.missing(s, shift))
		}
	}
	if seen == 0 {
		return skipped(x.unmeasured("how often caches answer", "export cache hits and misses as counters"))
	}
	return hits(list, "caches of "+things(seen, "service")+" answer as often as before")
}

// missing is the finding against a cache: all that its service itself, and the
// calls it makes more often than before, added.
func (x *inquiry) missing(s pitwall.ServiceName, misses fold.Shift) *finding {
	f := &finding{check: checkCache, class: pitwall.BottleneckCache, at: fold.Operation{Service: s}, shift: misses, covers: map[int]bool{}}
	most := 0.0
	for id, c := range x.g.Calls {
		if n := x.calls(id); x.g.Ops[c.From].Service == s && n.Beyond && n.After > n.Before*1.1 {
			x.coverBelow(f.covers, id)
			f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("one run of %s calls %s %s times, was %s",
				x.g.Ops[c.From], x.g.Callee(c), plain(n.After), plain(n.Before)), n, pitwall.UnitCount, ""))
		}
	}
	for i, p := range x.places {
		if p.part == partSelf && x.g.Ops[p.id].Service == s {
			f.covers[i] = true
			if p.delta() > most || f.at.Name == "" {
				most, f.at = p.delta(), x.g.Ops[p.id]
			}
		}
	}
	f.explained = x.added(f.covers)
	if x.saturated(s) { // by the work that the cache spared it
		x.coverWays(f)
	}
	f.claim = fmt.Sprintf("caches of %s answer %s of lookups, was %s", s, percent(1-misses.After), percent(1-misses.Before))
	f.evidence = append([]pitwall.Evidence{evidence(f, f.claim, misses, pitwall.UnitRatio, metricCache)}, f.evidence...)
	total := fold.Shift{}
	if op, ok := x.g.OpID[f.at]; ok {
		total = fold.Compare(x.base.Op(op).Total, x.head.Op(op).Total)
	}
	f.signal = own("duration of "+f.at.String()+", mean", f.at, "duration", total, pitwall.UnitSeconds)
	f.disproof = fmt.Sprintf("If the caches of %s answer %s again", s, percent(1-misses.Before))
	return f
}

// added is what the covered places grew by together.
func (x *inquiry) added(covers map[int]bool) float64 {
	sum := 0.0
	for i, p := range x.places { // not over the map: sums must not depend on its order
		if covers[i] {
			sum += max(0, p.delta())
		}
	}
	return sum
}
