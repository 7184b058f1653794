package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
)

// network asks whether the way between a caller and its callee takes longer
// although it carries the same bytes.
func network(x *inquiry) result {
	var list []*finding
	hops := 0
	for id, c := range x.g.calls {
		if c.to == leaf {
			continue
		}
		hops++
		s := compare(x.base.call(id).way, x.head.call(id).way)
		fat := fatter(x.callResponse(id), bytesGrew) || fatter(x.callRequest(id), bytesGrew)
		if !s.up(timeGrew) || fat {
			continue
		}
		list = append(list, x.slowHop(id, s))
	}
	if hops == 0 {
		return skipped("no call is seen from both ends: instrument callers and callees")
	}
	return hits(mergeHops(x, list), things(hops, "way")+" between services took as long as before for the bytes carried")
}

func (x *inquiry) slowHop(id int, s shift) *finding {
	c := x.g.calls[id]
	callee := x.g.callee(c)
	f := &finding{check: checkNetwork, class: pitwall.BottleneckNetwork, at: callee, shift: s}
	f.covers, f.explained = x.cover(partHop, id)
	f.claim = fmt.Sprintf("the way %s takes longer for the same bytes: %s", x.g.edge(c), movedPer(s, duration, " per call"))
	caller := operation{x.g.ops[c.from].service, c.name}
	took := compare(x.base.call(id).took, x.head.call(id).took)
	f.signal = own(fmt.Sprintf("duration of %s as %s sees it, median", c.name, caller.service), caller, "duration", took, pitwall.UnitSeconds)
	f.evidence = append(f.evidence, evidence(f, f.claim, s, pitwall.UnitSeconds, ""))
	if b := x.callResponse(id); b.known {
		f.evidence = append(f.evidence, evidence(f, "the responses on it are as large as before: "+arrow(b, size), b, pitwall.UnitBytes, ""))
	}
	f.against = append(f.against, pitwall.Evidence{
		Check: checkNetwork, Service: callee.service,
		Claim: "a queue in front of the handler (connections, accept backlog, proxy) would look the same from outside",
	})
	f.disproof = fmt.Sprintf("If the change is undone and the way %s stays above %s", x.g.edge(c), duration(s.before*1.3))
	return f
}

// mergeHops makes one finding of several slow hops: all out of one caller
// point at the caller's side of the network, all into one callee at that.
func mergeHops(x *inquiry, list []*finding) []*finding {
	if len(list) < 2 {
		return list
	}
	first := list[0]
	callers, callees := map[pitwall.ServiceName]bool{}, map[pitwall.ServiceName]bool{}
	for _, f := range list {
		callees[f.at.service] = true
		callers[f.signal.Service] = true
	}
	if len(callees) > 1 && len(callers) > 1 {
		return list
	}
	merged := *first
	merged.covers = map[int]bool{}
	merged.explained = 0
	merged.evidence = nil
	for _, f := range list {
		merged.explained += f.explained
		merged.evidence = append(merged.evidence, f.evidence...)
		for id := range f.covers {
			merged.covers[id] = true
		}
		if f.shift.dominance() > merged.shift.dominance() {
			merged.shift, merged.signal, merged.disproof = f.shift, f.signal, f.disproof
		}
	}
	if len(callees) > 1 {
		merged.at = operation{service: first.signal.Service}
		merged.claim = fmt.Sprintf("%d ways out of %s take longer for the same bytes; loudest: %s", len(list), first.signal.Service, first.claim)
	}
	return []*finding{&merged}
}
