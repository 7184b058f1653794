package diagnose

import (
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// dependency asks whether something we call and cannot see into (a provider, a
// service without traces) became slow or began to fail.
func dependency(x *inquiry) result {
	var list []*finding
	seen := 0
	for id, c := range x.g.Calls {
		if c.To != fold.Leaf {
			continue
		}
		if !c.DB {
			seen++
		}
		if f := x.failingLeaf(id); f != nil {
			list = append(list, f)
			continue
		}
		if f := x.slowLeaf(id); f != nil && !c.DB {
			list = append(list, f)
		}
	}
	if seen == 0 && len(list) == 0 {
		return clear("everything on the path sends spans of its own: there is no outside dependency to blame")
	}
	return hits(list, things(seen, "outside dependency call")+" answered as fast and as well as before")
}

func (x *inquiry) failingLeaf(id int) *finding {
	c := x.g.Calls[id]
	s := fold.Compare(x.base.Call(id).Failed, x.head.Call(id).Failed)
	if s.N1 == 0 || s.After < failuresMatter || s.N0 > 0 && !s.Up(1.5) || x.cutOff(id).lowered {
		return nil
	}
	callee := x.g.Callee(c)
	f := x.leafFinding(id, s)
	f.claim = fmt.Sprintf("calls of %s to %s fail: %s → %s of them (n=%s → %s)", x.g.Ops[c.From].Service, callee,
		percent(s.Before), percent(s.After), count(s.N0), count(s.N1))
	f.signal = x.ownOfCall(id, "failed share of %s in %s", "errors", s, pitwall.UnitRatio)
	f.evidence = append(f.evidence, evidence(f, f.claim, s, pitwall.UnitRatio, ""))
	if !x.errors { // tried again: users see the time it takes
		f.covers, f.explained = x.cover(partLeaf, id)
		return f
	}
	began := fold.Compare(x.base.PerRequest(x.base.Call(id).Origin), x.head.PerRequest(x.head.Call(id).Origin))
	f.failures, f.explained = true, began.After-began.Before
	f.evidence = append(f.evidence,
		evidence(f, fmt.Sprintf("%s of all requests fail because of it, was %s", percent(began.After), percent(began.Before)),
			began, pitwall.UnitRatio, ""))
	return f
}

func (x *inquiry) slowLeaf(id int) *finding {
	c := x.g.Calls[id]
	s := fold.Compare(x.base.Call(id).Took, x.head.Call(id).Took)
	if !s.Up(timeGrew) || fatter(x.callRequest(id), bytesGrew) || fatter(x.callResponse(id), bytesGrew) {
		return nil
	}
	f := x.leafFinding(id, s)
	f.covers, f.explained = x.cover(partLeaf, id)
	f.explained *= x.slower(id)
	f.claim = fmt.Sprintf("%s, called by %s, takes longer: %s", x.g.Callee(c), x.g.Ops[c.From].Service, movedPer(s, duration, " per call"))
	f.signal = x.ownOfCall(id, "duration of %s in %s, median", "duration", s, pitwall.UnitSeconds)
	f.evidence = append(f.evidence, evidence(f, f.claim, s, pitwall.UnitSeconds, ""))
	return f
}

// leafFinding is about something that sends no spans: a provider outside, or a
// service or database of ours that cannot be seen.
func (x *inquiry) leafFinding(id int, s fold.Shift) *finding {
	callee := x.g.Callee(x.g.Calls[id])
	f := &finding{
		check: checkDependency, class: pitwall.BottleneckUpstream, at: callee, shift: s, external: true,
		disproof: fmt.Sprintf("If %s recovers by its own account and the calls do not", callee.Service),
	}
	if x.g.Calls[id].DB || x.ours(callee.Service) {
		f.class, f.external = pitwall.BottleneckDependency, false
	}
	return f
}

// ours says whether a callee without spans is a component we run: it answers
// other calls with spans, reports its processor, or the topology has it as
// anything but external.
func (x *inquiry) ours(s pitwall.ServiceName) bool {
	if slices.ContainsFunc(x.g.Ops, func(o fold.Operation) bool { return o.Service == s }) {
		return true
	}
	if _, ok := x.series(s, metricCPU); ok {
		return true
	}
	for _, c := range x.answers[idTopology].Topology.Services {
		if c.Name == s {
			return c.Kind != pitwall.ComponentExternal && c.Kind != pitwall.ComponentService && c.Kind != ""
		}
	}
	return false
}
