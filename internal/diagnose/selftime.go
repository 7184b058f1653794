package diagnose

import (
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

const (
	// onCPU is the part of an operation's growth that must show up as CPU, as
	// waiting for a lock or for a pool for that to be what it does longer.
	onCPU = 0.3
	// muchCPU is the growth of the CPU of one request that makes it the cause even
	// where it is a small part of the time, but at least littleCPU of it: a
	// processor that is asked for more makes everybody wait for it, and that wait
	// grows faster than the work. Waiting follows work, never the other way round.
	muchCPU   = 1.5
	littleCPU = 0.05
	// muchGarbage is by what factor a request must allocate more for a third of the
	// added work to be enough: what fills memory also copies and hashes, and that
	// counts as the service's own.
	muchGarbage = 3
	// mostWays is how many times the work may be what all ways around it grew by
	// together: beyond that they are no queue for it.
	mostWays = 3
)

// ownTime asks which operations work longer themselves, and lets the profiles
// and measurements of their service say at what: computing (cpu), allocating
// and collecting (allocation), or not running at all (lock). Which one is
// decided by the part that grew most, so one operation is never blamed twice.
func ownTime(x *inquiry) result {
	var list []*finding
	for op, at := range x.g.Ops {
		s := fold.Compare(x.base.Op(op).Self, x.head.Op(op).Self)
		covers, explained := x.cover(partSelf, op)
		explained *= slowPart(x.runs(op), s)
		queue := x.saturated(at.Service) // what stands in it varies without end and may be little
		if !s.Up(timeGrew) && !(queue && s.After > s.Before*timeGrew) || explained < 0.05*x.increase() && !queue {
			continue
		}
		f := &finding{check: checkOwnTime, at: at, shift: s, covers: covers, explained: explained}
		f.signal = own("own time of "+at.String()+", mean", at, "self_time", s, pitwall.UnitSeconds)
		f.disproof = fmt.Sprintf("If the change is undone and own time of %s stays above %s", at, duration(s.Before*1.3))
		x.classifyOwn(f, op)
		f.evidence = append([]pitwall.Evidence{evidence(f, f.claim, s, pitwall.UnitSeconds, "")}, f.evidence...)
		list = append(list, f)
	}
	list = mergeOwn(list)
	for _, f := range list {
		x.coverWays(f)
	}
	return hits(list, "no operation's own work explains a noticeable part of the increase")
}

// runs is how often one headline request runs an operation.
func (x *inquiry) runs(op int) fold.Shift {
	return fold.Compare(x.base.PerRequest(x.base.Op(op).Total.Den), x.head.PerRequest(x.head.Op(op).Total.Den))
}

// mergeOwn makes one finding of several operations of one service that grew in
// the same way: what they have in common is the service.
func mergeOwn(list []*finding) []*finding {
	var merged []*finding
	for _, f := range list {
		at := slices.IndexFunc(merged, func(m *finding) bool { return m.class == f.class && m.at.Service == f.at.Service })
		if at < 0 {
			merged = append(merged, f)
			continue
		}
		m := merged[at]
		if f.explained > m.explained {
			m, f = f, m
			merged[at] = m
		}
		m.explained += f.explained
		m.starves = m.starves || f.starves
		m.evidence = append(m.evidence, f.evidence[0])
		for id := range f.covers {
			m.covers[id] = true
		}
	}
	return merged
}

// coverWays adds to a finding about a busy processor what the ways into and out
// of its service grew by, and its calls to others: requests and answers wait for
// the same processor, each as long as another's work takes. A way that grew more
// than the work is a matter of its own, unless the service is known to wait for
// its processor.
func (x *inquiry) coverWays(f *finding) {
	busy := []pitwall.Bottleneck{pitwall.BottleneckCPU, pitwall.BottleneckAllocation, pitwall.BottleneckCache, pitwall.BottleneckIODB} // a database in the process
	if !slices.Contains(busy, f.class) || f.weak != "" {
		return
	}
	around := map[int]bool{}
	queue := x.saturated(f.at.Service) // of which everything around is a part, however it varies
	for i, p := range x.places {
		if p.part == partSelf || f.covers[i] || p.delta() <= 0 || !p.shift.Beyond && !queue {
			continue
		}
		c := x.g.Calls[p.id]
		if p.part == partLeaf && x.g.Callee(c).Service != f.at.Service && queue && f.explained > 0 && p.delta() > f.explained {
			continue // who is called outside may be slow of himself
		}
		// A call to it that nobody answered waited for it as well.
		if x.g.Ops[c.From].Service == f.at.Service || x.g.Callee(c).Service == f.at.Service {
			around[i] = true
		}
	}
	most, more := 0.0, x.added(around)
	for i := range around {
		most = max(most, x.places[i].delta())
	}
	if (most > f.explained || more > mostWays*f.explained) && !f.starves && !queue && !x.measured(f.at.Service, metricSched).Up(waited) {
		return
	}
	f.explained += more
	for i := range around {
		f.covers[i] = true
	}
}

// work is what one request of a service does or waits for, in seconds.
type work struct {
	class         pitwall.Bottleneck
	before, after float64
	claim         string // what the own time did, to follow "own time … grew …"
	proof         pitwall.Evidence
	yields        bool // it is an effect of whatever keeps others waiting
}

func (w work) delta() float64 { return w.after - w.before }

// classifyOwn names the class of an operation's own growth: of all that the
// service is seen to do longer per request, what grew most.
func (x *inquiry) classifyOwn(f *finding, op int) {
	words := fmt.Sprintf("own time of %s grew %s", f.at, movedPer(f.shift, duration, " per call"))
	grewBy := f.shift.After - f.shift.Before
	var best work
	for _, w := range x.works(f.at.Service) {
		f.evidence = append(f.evidence, w.proof)
		enough := w.delta() >= onCPU*grewBy && w.after >= w.before*1.15
		if w.class == pitwall.BottleneckCPU && w.after >= w.before*muchCPU && (w.delta() >= littleCPU*grewBy || x.saturated(f.at.Service)) {
			best, f.starves = w, w.delta() < onCPU*grewBy
			break
		}
		if enough && w.delta() > best.delta() {
			best = w
		}
	}
	switch best.class {
	case pitwall.BottleneckCPU:
		f.class, f.claim = pitwall.BottleneckCPU, words+best.claim
		x.refineCPU(f, words, best)
	case "":
		x.classifyWait(f, words, op)
	default:
		f.class, f.claim, f.yields = best.class, words+best.claim, best.yields
	}
}

// works lists what is known of a service's requests, CPU first.
func (x *inquiry) works(s pitwall.ServiceName) []work {
	var list []work
	proof := func(claim string, before, after float64) pitwall.Evidence {
		return pitwall.Evidence{
			Check: checkProfile, Service: s, Claim: claim,
			Before: pitwall.Measure{Value: before, Unit: pitwall.UnitCPUPerReq, N: 1}, After: pitwall.Measure{Value: after, Unit: pitwall.UnitCPUPerReq, N: 1},
		}
	}
	if before, after, source, known := x.costs(s); known {
		list = append(list, work{pitwall.BottleneckCPU, before, after, ", and so did its CPU",
			proof(fmt.Sprintf("CPU of %s per request, by %s: %s → %s", s, source, duration(before), duration(after)), before, after), false})
	}
	if before, after, source, known := x.lockWait(s); known {
		list = append(list, work{pitwall.BottleneckLock, before, after, ", waiting for a lock",
			proof(fmt.Sprintf("%s of %s: %s → %s of waiting per request", source, s, duration(before), duration(after)), before, after), false})
	}
	for _, kind := range poolKinds() {
		if m := x.measured(s, kind.wait); m.Known && m.Beyond {
			_, longer := x.held(s, kind)
			list = append(list, work{pitwall.BottleneckPool, m.Before, m.After, ", waiting for " + kind.what,
				proof(fmt.Sprintf("%s waits for %s: %s each", s, kind.what, arrow(m, duration)), m.Before, m.After), longer})
		}
	}
	return list
}

// lockWait is what one request of a service waits for locks: by the runtime's
// own clock or its mutex profile, or by its block profile where that is all
// there is, for that counts idling as well.
func (x *inquiry) lockWait(s pitwall.ServiceName) (before, after float64, source string, known bool) {
	if m := x.measuredPer(s, metricMutex); m.Known {
		before, after, source, known = m.Before, m.After, "mutex wait", true
	}
	for _, kind := range []pitwall.ProfileType{pitwall.ProfileMutex, pitwall.ProfileBlock} {
		d, missing := x.profile(s, kind)
		if missing != "" || kind == pitwall.ProfileBlock && known {
			continue
		}
		if was, is := total(d); !known || is > was*2 && is-was > after-before {
			before, after, source, known = was, is, string(kind)+" profile", true
		}
	}
	return before, after, source, known
}

// classifyWait names what an operation waits for when nothing that is measured
// grew enough.
func (x *inquiry) classifyWait(f *finding, words string, op int) {
	guess := func(class pitwall.Bottleneck, claim, weak string) {
		f.class, f.claim, f.weak = class, words+claim, weak
		f.against = append(f.against, pitwall.Evidence{Check: checkProfile, Service: f.at.Service, Claim: weak})
	}
	_, _, _, known := x.costs(f.at.Service)
	_, missing := x.profile(f.at.Service, pitwall.ProfileCPU)
	lead := fold.Compare(x.base.Op(op).Lead, x.head.Op(op).Lead)
	switch {
	case !known && missing != "":
		guess(pitwall.BottleneckCPU, "", "no CPU profile tells computing from waiting: "+missing)
	case lead.Up(timeGrew) && lead.After-lead.Before > 0.7*(f.shift.After-f.shift.Before) && x.beginsWithDatabase(op):
		guess(pitwall.BottleneckPool, ", waiting before its first statement", "no measurement of its pool says that connections are short")
	default:
		guess(pitwall.BottleneckObservabilityGap, ", waiting off the CPU",
			"its CPU did not grow and no lock profile did: a pool, a limit or a busy machine would look like this")
	}
}

// beginsWithDatabase says whether an operation calls nothing but databases.
func (x *inquiry) beginsWithDatabase(op int) bool {
	calls := x.g.CallsOf(op)
	return len(calls) > 0 && !slices.ContainsFunc(calls, func(id int) bool { return !x.g.Calls[id].DB })
}
