package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
	"github.com/pitwall/pitwall/internal/prof"
)

// refineCPU says whether the CPU went into memory or locks rather than into the
// service's own code.
func (x *inquiry) refineCPU(f *finding, words string, w work) {
	d, missing := x.profile(f.at.Service, pitwall.ProfileCPU)
	gc, alloc := x.measured(f.at.Service, metricGC), x.measuredPer(f.at.Service, metricAlloc)
	if missing != "" {
		// Without profiles the collector's share of the CPU has to do.
		if gc.Known && gc.After*w.after-gc.Before*w.before > 0.5*w.delta() {
			f.class, f.claim = pitwall.BottleneckAllocation, words+", mostly in garbage collection"
		}
	} else {
		garbage := growth(d, prof.FamilyGC, prof.FamilyAllocation)
		switch burnt := w.delta(); {
		case garbage > 0.5*burnt, garbage > burnt/3 && alloc.Known && alloc.After > muchGarbage*alloc.Before:
			f.class, f.claim = pitwall.BottleneckAllocation, words+", mostly in allocation and garbage collection"
		case growth(d, prof.FamilyLock, prof.FamilyScheduler) > 0.5*burnt:
			f.class, f.claim = pitwall.BottleneckLock, words+", mostly in locks and the scheduler"
		case growth(d, prof.FamilyDatabase) > 0.5*burnt:
			x.refineDatabase(f, words)
		}
		x.tellFrames(f, d)
	}
	if f.class != pitwall.BottleneckAllocation {
		return
	}
	if alloc.Up(1.1) {
		f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("%s allocates %s per request", f.at.Service, arrow(alloc, size)), alloc, pitwall.UnitBytesPerReq, metricAlloc))
	}
	if heap := x.measured(f.at.Service, metricHeap); heap.Up(timeGrew) {
		claim := fmt.Sprintf("the heap of %s grew: %s", f.at.Service, arrow(heap, size))
		if limit := x.measured(f.at.Service, metricMemoryMax); limit.Known && limit.After > 0 {
			claim += fmt.Sprintf(", of a limit of %s", size(limit.After))
		}
		f.evidence = append(f.evidence, evidence(f, claim, heap, pitwall.UnitBytes, metricHeap))
	}
}

// refineDatabase blames a statement for work that a database in the process does:
// the one of the service whose time grew most, where one at least doubled. What
// it keeps busy, connection and processor, everything else there waits for.
func (x *inquiry) refineDatabase(f *finding, words string) {
	slowest, most := fold.Shift{}, 0.0
	name, statement := "", ""
	for id, c := range x.g.Calls {
		if !c.DB || x.g.Ops[c.From].Service != f.at.Service {
			continue
		}
		took := fold.Compare(x.base.Call(id).Took, x.head.Call(id).Took)
		if more := took.After - took.Before; took.Up(muchCPU) && more > most {
			slowest, most, name, statement = took, more, c.Name, c.Statement
		}
	}
	if most == 0 {
		return
	}
	f.class, f.claim = pitwall.BottleneckIODB, words+", mostly in its database"
	f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("%s of %s takes %s", name, f.at.Service, arrow(slowest, duration)), slowest, pitwall.UnitSeconds, ""))
	if statement != "" {
		f.evidence = append(f.evidence, evidence(f, "the statement is "+clip(statement, 160), slowest, pitwall.UnitSeconds, ""))
	}
}

// tellFrames adds the families and the function that grew.
func (x *inquiry) tellFrames(f *finding, d pitwall.FlameDiff) {
	for _, row := range d.Families {
		if grew(row) && row.ShareAfter > 0.05 {
			f.evidence = append(f.evidence, familyEvidence(f.at.Service, row, d.Unit))
		}
	}
	for _, row := range d.Frames {
		if row.Significant && row.After > row.Before {
			f.evidence = append(f.evidence, familyEvidence(f.at.Service, row, d.Unit))
			return
		}
	}
}
