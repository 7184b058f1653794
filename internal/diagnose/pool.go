package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// poolMetrics are the names that one kind of pool goes by.
type poolMetrics struct {
	wait, inUse, limit string
	database           bool
	what               string
}

func databasePool() poolMetrics {
	return poolMetrics{metricPoolWait, metricPoolInUse, metricPoolMax, true, "a database connection"}
}

func poolKinds() []poolMetrics {
	return []poolMetrics{
		databasePool(),
		{"http_pool_wait_seconds", "http_pool_in_use", "http_pool_max_conns", false, "a connection to a callee"},
	}
}

// exhausted is the share of a pool in use from which it counts as empty: a
// reading every few seconds hardly ever meets it with all connections taken.
const exhausted = 0.85

// pool asks whether requests wait for a connection of a limited pool.
func pool(x *inquiry) result {
	var list []*finding
	seen := 0
	for _, kind := range poolKinds() {
		for _, s := range x.onPath() {
			wait := x.measured(s, kind.wait)
			if !wait.Known {
				continue
			}
			seen++
			if f := x.drained(s, kind, wait); f != nil {
				list = append(list, f)
			}
		}
	}
	if seen == 0 {
		return skipped(x.unmeasured("waiting for a connection or a worker", "export db.client.connection.wait_time, .count and .max"))
	}
	return hits(list, "connections are given out as fast as before, by "+things(seen, "pool"))
}

// drained is the finding against a pool whose wait grew, or nil.
func (x *inquiry) drained(s pitwall.ServiceName, kind poolMetrics, wait fold.Shift) *finding {
	used, limit := x.measured(s, kind.inUse), x.measured(s, kind.limit)
	full := !used.Known || !limit.Known || used.After >= exhausted*limit.After
	if !wait.Up(1.5) || wait.After-wait.Before < 0.0005 || !full && !limit.Down(1.1) {
		return nil
	}
	f := &finding{check: checkPool, class: pitwall.BottleneckPool, at: fold.Operation{Service: s}, shift: wait, covers: map[int]bool{}}
	takes := x.waiters(f, kind)
	f.explained = min(f.explained, takes*(wait.After-wait.Before))
	f.claim = fmt.Sprintf("%s waits longer for %s: %s", s, kind.what, movedPer(wait, duration, " each"))
	f.evidence = append(f.evidence, evidence(f, f.claim, wait, pitwall.UnitSeconds, kind.wait))
	switch {
	case limit.Down(1.1):
		f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("the pool became smaller: %s connections", arrow(limit, plain)), limit, pitwall.UnitCount, kind.limit))
	case used.Known && limit.Known:
		f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("%s of %s connections are taken, were %s", plain(used.After), plain(limit.After), plain(used.Before)),
			used, pitwall.UnitCount, kind.inUse))
	}
	if each, longer := x.held(s, kind); longer {
		f.yields = true
		f.against = append(f.against, evidence(f, fmt.Sprintf("a request holds its connections longer: %s each; whatever takes that time empties the pool",
			arrow(each, duration)), each, pitwall.UnitSeconds, ""))
	}
	f.signal = own("own time of "+f.at.String()+", mean", f.at, "self_time", wait, pitwall.UnitSeconds)
	f.disproof = fmt.Sprintf("If the pool of %s is as large as before and the wait stays above %s", s, duration(max(0.001, wait.Before*1.5)))
	return f
}

// waiters finds the operation whose requests wait, covers the places the wait
// can lie in (own time before a call, the span of a statement, the way to a
// callee), and gives how many connections one headline request takes there.
func (x *inquiry) waiters(f *finding, kind poolMetrics) float64 {
	takes, most := 0.0, 0.0
	callers := map[int]bool{}
	for id, c := range x.g.Calls {
		if x.g.Ops[c.From].Service != f.at.Service || c.DB != kind.database {
			continue
		}
		callers[c.From] = true
		takes += fold.Compare(x.base.PerRequest(x.base.Call(id).N), x.head.PerRequest(x.head.Call(id).N)).After
	}
	service := f.at.Service
	for i, p := range x.places {
		op := p.id
		if p.part != partSelf {
			c := x.g.Calls[p.id]
			if op = c.From; c.DB != kind.database {
				continue
			}
		}
		if x.g.Ops[op].Service != service || !callers[op] || p.delta() <= 0 {
			continue
		}
		f.covers[i] = true
		f.explained += p.delta()
		if p.delta() > most {
			most, f.at = p.delta(), x.g.Ops[op]
		}
	}
	return max(1, takes)
}
