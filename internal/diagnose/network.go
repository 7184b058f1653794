package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// network asks whether the way between a caller and its callee takes longer
// although it carries the same bytes.
func network(x *inquiry) result {
	var list []*finding
	hops := 0
	for id, c := range x.g.Calls {
		if c.To == fold.Leaf {
			continue
		}
		hops++
		s := fold.Compare(x.base.Call(id).Way, x.head.Call(id).Way)
		fat := fatter(x.callResponse(id), bytesGrew) || fatter(x.callRequest(id), bytesGrew)
		if !s.Up(timeGrew) || fat {
			continue
		}
		list = append(list, x.slowHop(id, s))
	}
	if hops == 0 {
		return skipped("no call is seen from both ends: instrument callers and callees")
	}
	return hits(mergeHops(x, list), things(hops, "way")+" between services took as long as before for the bytes carried")
}

func (x *inquiry) slowHop(id int, s fold.Shift) *finding {
	c := x.g.Calls[id]
	callee := x.g.Callee(c)
	f := &finding{check: checkNetwork, class: pitwall.BottleneckNetwork, at: callee, shift: s}
	f.covers, f.explained = x.cover(partHop, id)
	f.explained *= slowPart(fold.Compare(x.base.PerRequest(x.base.Call(id).N), x.head.PerRequest(x.head.Call(id).N)), s)
	f.claim = fmt.Sprintf("the way %s takes longer for the same bytes: %s", x.g.Edge(c), movedPer(s, duration, " per call"))
	took := fold.Compare(x.base.Call(id).Took, x.head.Call(id).Took)
	f.signal = x.ownOfCall(id, "duration of %s as %s sees it, median", "duration", took, pitwall.UnitSeconds)
	f.evidence = append(f.evidence, evidence(f, f.claim, s, pitwall.UnitSeconds, ""))
	if b := x.callResponse(id); b.Known {
		f.evidence = append(f.evidence, evidence(f, "the responses on it are as large as before: "+arrow(b, size), b, pitwall.UnitBytes, ""))
	}
	if way, lost := x.loudestOf(x.measuring(metricRetransmit), metricRetransmit, 1.5); way != "" {
		f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("segments sent again, by %s: %s a second", way, arrow(lost, plain)), lost, pitwall.UnitPerSecond, metricRetransmit))
	}
	f.against = append(f.against, pitwall.Evidence{
		Check: checkNetwork, Service: callee.Service,
		Claim: "a queue in front of the handler (connections, accept backlog, proxy) would look the same from outside",
	})
	f.disproof = fmt.Sprintf("If the change is undone and the way %s stays above %s", x.g.Edge(c), duration(s.Before*1.3))
	return f
}

// mergeHops makes one finding of several slow hops: all out of one caller
// point at the caller's side of the network, all into one callee at that.
func mergeHops(x *inquiry, list []*finding) []*finding {
	if len(list) < 2 {
		return list
	}
	callers, callees := map[pitwall.ServiceName]bool{}, map[pitwall.ServiceName]bool{}
	for _, f := range list {
		callees[f.at.Service] = true
		callers[f.signal.Service] = true
	}
	if len(callees) > 1 && len(callers) > 1 || oneCarries(list) {
		return list
	}
	loudest := slices.MaxFunc(list, func(a, b *finding) int { return cmp.Compare(a.shift.Dominance(), b.shift.Dominance()) })
	merged := *loudest
	merged.covers, merged.explained, merged.evidence = map[int]bool{}, 0, nil
	for _, f := range list {
		merged.explained += f.explained
		merged.evidence = append(merged.evidence, f.evidence...)
		for id := range f.covers {
			merged.covers[id] = true
		}
	}
	if len(callees) > 1 {
		merged.at = fold.Operation{Service: loudest.signal.Service}
		merged.claim = fmt.Sprintf("%d ways out of %s take longer for the same bytes; loudest: %s", len(list), loudest.signal.Service, loudest.claim)
	}
	return []*finding{&merged}
}

// oneCarries says that one way alone takes nearly all of what several ways take
// longer: then it is not what they have in common.
func oneCarries(list []*finding) bool {
	most, whole := 0.0, 0.0
	for _, f := range list {
		most, whole = max(most, f.explained), whole+f.explained
	}
	return most > 0.8*whole
}
