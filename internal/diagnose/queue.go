package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// held is how long one request holds connections of a pool: by Little's law
// those in use over requests a second. longer says that it grew while the pool
// is as large as before: something else keeps connections busy, and waiting for
// one is an effect of that.
func (x *inquiry) held(s pitwall.ServiceName, kind poolMetrics) (each fold.Shift, longer bool) {
	each = x.measuredPer(s, kind.inUse)
	return each, each.Up(1.5) && !x.measured(s, kind.limit).Down(1.1)
}

// coverWaits adds to the slowest statement of a service what requests wait for
// that database besides: for a connection or the begin of a transaction, and in
// its other statements. What serves one after another makes everybody wait when
// one thing takes longer, and that wait grows faster than the work (the pool
// held longer says that it is this queue they stand in).
func (x *inquiry) coverWaits(list []*finding) {
	worst := map[pitwall.ServiceName]*finding{}
	for _, f := range list {
		if w := worst[f.at.Service]; f.shift.Up(muchCPU) && (w == nil || f.explained > w.explained) {
			worst[f.at.Service] = f
		}
	}
	for _, f := range list {
		each, longer := x.held(f.at.Service, databasePool())
		if worst[f.at.Service] != f || !longer {
			continue
		}
		x.coverLead(f)
		for i, p := range x.places {
			if p.part == partLeaf && !f.covers[i] && p.delta() > 0 && p.shift.Beyond && x.g.Calls[p.id].DB && x.g.Ops[x.g.Calls[p.id].From].Service == f.at.Service {
				f.covers[i] = true
				f.explained += p.delta()
			}
		}
		f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("a request holds its connections %s, was %s, while the pool is as large as before: the others wait for them",
			duration(each.After), duration(each.Before)), each, pitwall.UnitSeconds, metricPoolInUse))
	}
}

// coverLead adds the time before the first statement of operations that call
// nothing but databases.
func (x *inquiry) coverLead(f *finding) {
	for i, p := range x.places {
		if p.part != partSelf || f.covers[i] || p.delta() <= 0 || x.g.Ops[p.id].Service != f.at.Service || !x.beginsWithDatabase(p.id) {
			continue
		}
		lead := fold.Compare(x.base.Op(p.id).Lead, x.head.Op(p.id).Lead)
		if !lead.Up(timeGrew) {
			continue
		}
		f.covers[i] = true
		f.explained += min(p.delta(), (lead.After-lead.Before)*x.runs(p.id).After)
		f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("%s waits %s before its first statement, was %s", x.g.Ops[p.id], duration(lead.After), duration(lead.Before)),
			lead, pitwall.UnitSeconds, ""))
	}
}
