package diagnose

import (
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// fullMemory is the share of its limit at which a process counts as out of
// memory: a reading every few seconds hardly ever meets the last moment.
const fullMemory = 0.9

// memory asks whether a service is started again and again because it runs out
// of memory: then what calls it fails or waits in bursts, and nothing else in
// it is slow.
func memory(x *inquiry) result {
	var list []*finding
	seen := 0
	for _, s := range x.onPath() {
		if _, ok := x.series(s, metricMemory); !ok {
			continue
		}
		seen++
		if f := x.outOfMemory(s); f != nil {
			list = append(list, f)
		}
	}
	if seen == 0 {
		return skipped(x.unmeasured("the memory of services", "export process.memory.usage, its limit, and process.uptime"))
	}
	return hits(list, "of "+things(seen, "service")+" none was started again with its memory full")
}

// outOfMemory is the finding against a service that dies of its memory, or nil.
func (x *inquiry) outOfMemory(s pitwall.ServiceName) *finding {
	starts, were := x.startsIn(s, x.q.Window), x.startsIn(s, x.q.Baseline)
	m, _ := x.series(s, metricMemory)
	before, after := peak(m, x.q.Baseline), peak(m, x.q.Window)
	limit := x.measured(s, metricMemoryMax)
	often := float64(starts)*x.q.Baseline.Duration().Seconds() > 2*float64(were)*x.q.Window.Duration().Seconds()
	least := 2 // one start is what a rollout does
	if before >= fullMemory*limit.Before {
		least = 3 // it lives on nearly all of it: a rollout and one start more prove nothing
	}
	if starts < least || !often || !limit.Known || limit.After <= 0 || after < fullMemory*limit.After {
		return nil
	}
	shift := fold.Shift{Before: before, After: after, N0: int64(len(m.T)), N1: int64(starts), Known: true, Beyond: true, Noise: fold.MinNoise}
	f := &finding{check: checkMemory, class: pitwall.BottleneckAllocation, at: fold.Operation{Service: s}, shift: shift, covers: map[int]bool{}}
	if limit.Down(1.1) {
		f.class = pitwall.BottleneckCapacity
	}
	for i, p := range x.places {
		if x.where(p).Service == s {
			f.covers[i] = true
			if p.part == partSelf && f.at.Name == "" {
				f.at = x.g.Ops[p.id]
			}
		}
	}
	f.explained = x.added(f.covers)
	if x.errors {
		f.failures, f.explained = true, x.failuresOf(s)
	}
	f.claim = fmt.Sprintf("%s runs out of memory and was started %s: %s in use at most, were %s, of a limit of %s",
		s, things(starts, "time"), size(after), size(before), size(limit.After))
	f.evidence = append(f.evidence, evidence(f, f.claim, shift, pitwall.UnitBytes, metricMemory))
	if gc := x.measured(s, metricGC); gc.Up(timeGrew) {
		f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("the collector of %s takes %s of its CPU, was %s", s, percent(gc.After), percent(gc.Before)),
			gc, pitwall.UnitRatio, metricGC))
	}
	f.signal = own("failed share of "+f.at.String(), f.at, "errors", x.failed, pitwall.UnitRatio)
	f.disproof = fmt.Sprintf("If the change is undone and %s still needs more than %s", s, size(fullMemory*limit.After))
	return f
}

// startsIn is how often a service was started in a period: by a counter of it,
// or by its uptime.
func (x *inquiry) startsIn(s pitwall.ServiceName, p pitwall.Period) int {
	n := len(x.uptimeStarts(s, p))
	m, ok := x.series(s, metricRestarts)
	if !ok {
		return n
	}
	var in []float64
	for i, t := range m.T {
		if t >= p.From.UnixMilli() && t < p.To.UnixMilli() {
			in = append(in, m.V[i])
		}
	}
	if len(in) == 0 {
		return n
	}
	return max(n, int(slices.Max(in)-slices.Min(in)))
}

// peak is the highest value of a series in a period; 0: none.
func peak(m pitwall.Measured, p pitwall.Period) float64 {
	highest := 0.0
	for i, t := range m.T {
		if t >= p.From.UnixMilli() && t < p.To.UnixMilli() {
			highest = max(highest, m.V[i])
		}
	}
	return highest
}
