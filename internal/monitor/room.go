package monitor

import (
	"cmp"
	"slices"
	"time"

	"github.com/pitwall/pitwall/internal/detect"
)

// admit begins to follow operations that were not met before, the busiest first.
func (m *Monitor) admit(at time.Time, seen map[key]*tally) {
	var fresh []key
	for k := range seen {
		if m.ops[k] == nil {
			fresh = append(fresh, k)
		}
	}
	slices.SortFunc(fresh, func(a, b key) int {
		return cmp.Or(cmp.Compare(seen[b].count, seen[a].count), cmp.Compare(a.service, b.service), cmp.Compare(a.operation, b.operation))
	})
	for _, k := range fresh {
		if len(m.ops) >= m.o.Operations && !m.evict(at) {
			m.beyond[k] = at
			continue
		}
		delete(m.beyond, k)
		m.ops[k] = newOperation(m.o, k, at, m.kept)
	}
}

// idle is after how long without a request an operation makes room for another.
const idle = 24 * time.Hour

// evict drops the operation that has been silent longest, if any has been for long.
func (m *Monitor) evict(at time.Time) bool {
	var worst key
	var since time.Time
	for k, op := range m.ops {
		if at.Sub(op.seen) >= idle && (since.IsZero() || op.seen.Before(since) || op.seen.Equal(since) && k.before(worst)) {
			worst, since = k, op.seen
		}
	}
	delete(m.ops, worst)
	return !since.IsZero()
}

// excuse takes stretches in which something was planned out of what is normal.
func (m *Monitor) excuse(planned []detect.Planned) {
	for _, p := range planned {
		if m.excused[p] || p.Period.To.After(m.through) {
			continue
		}
		m.excused[p] = true
		for k, op := range m.ops {
			if p.Service == "" || p.Service == k.service {
				op.latency.Exclude(p.Period)
				op.traffic.Exclude(p.Period)
			}
		}
	}
}
