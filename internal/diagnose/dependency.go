package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
)

// dependency asks whether something we call and cannot see into (a provider, a
// service without traces) became slow or began to fail.
func dependency(x *inquiry) result {
	var list []*finding
	seen := 0
	for id, c := range x.g.calls {
		if c.to != leaf || c.db {
			continue
		}
		seen++
		if f := x.failingLeaf(id); f != nil {
			list = append(list, f)
			continue
		}
		if f := x.slowLeaf(id); f != nil {
			list = append(list, f)
		}
	}
	if seen == 0 {
		return clear("everything on the path sends spans of its own: there is no outside dependency to blame")
	}
	return hits(list, things(seen, "outside dependency call")+" answered as fast and as well as before")
}

func (x *inquiry) failingLeaf(id int) *finding {
	c := x.g.calls[id]
	s := compare(x.base.call(id).failed, x.head.call(id).failed)
	if s.n1 == 0 || s.after < 0.02 || s.n0 > 0 && !s.up(1.5) || !x.errors {
		return nil
	}
	callee := x.g.callee(c)
	f := x.leafFinding(id, s)
	began := compare(x.base.perRequest(x.base.call(id).origin), x.head.perRequest(x.head.call(id).origin))
	f.failures, f.explained = true, began.after-began.before
	f.claim = fmt.Sprintf("calls of %s to %s fail: %s → %s of them (n=%s → %s)", x.g.ops[c.from].service, callee,
		percent(s.before), percent(s.after), count(s.n0), count(s.n1))
	f.signal = own(fmt.Sprintf("failed share of %s in %s", c.name, x.g.ops[c.from].service),
		operation{x.g.ops[c.from].service, c.name}, "errors", s, pitwall.UnitRatio)
	f.evidence = append(f.evidence, evidence(f, f.claim, s, pitwall.UnitRatio, ""),
		evidence(f, fmt.Sprintf("%s of all requests fail because of it, was %s", percent(began.after), percent(began.before)),
			began, pitwall.UnitRatio, ""))
	return f
}

func (x *inquiry) slowLeaf(id int) *finding {
	c := x.g.calls[id]
	s := compare(x.base.call(id).took, x.head.call(id).took)
	if !s.up(timeGrew) || fatter(x.callRequest(id), bytesGrew) || fatter(x.callResponse(id), bytesGrew) {
		return nil
	}
	f := x.leafFinding(id, s)
	f.covers, f.explained = x.cover(partLeaf, id)
	f.explained *= x.slower(id)
	f.claim = fmt.Sprintf("%s, called by %s, takes longer: %s", x.g.callee(c), x.g.ops[c.from].service, movedPer(s, duration, " per call"))
	f.signal = own(fmt.Sprintf("duration of %s in %s, median", c.name, x.g.ops[c.from].service),
		operation{x.g.ops[c.from].service, c.name}, "duration", s, pitwall.UnitSeconds)
	f.evidence = append(f.evidence, evidence(f, f.claim, s, pitwall.UnitSeconds, ""))
	return f
}

func (x *inquiry) leafFinding(id int, s shift) *finding {
	callee := x.g.callee(x.g.calls[id])
	return &finding{
		check: checkDependency, class: pitwall.BottleneckDependency, at: callee, shift: s, external: true,
		disproof: fmt.Sprintf("If %s recovers by its own account and the calls do not", callee.service),
	}
}
