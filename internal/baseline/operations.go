package baseline

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
	"github.com/pitwall/pitwall/internal/trace"
)

// opKey is a service and an operation by their dictionary numbers.
type opKey struct{ service, operation uint32 }

// gathered is what is known of one operation before it is summed up.
type gathered struct {
	durations, request, response, self []float64
	failed                             int64
	children                           int
	callers                            map[string]bool
}

// Stats gives RED, payload sizes, self time and callers of every server
// operation that began in the period. The batch must hold whole traces for self
// times, children and callers to be right. Operations come in the order of
// service, then name.
func Stats(b *pitwall.SpanBatch, p pitwall.Period) []pitwall.OperationStats {
	if b == nil {
		return nil
	}
	f := trace.Build(b)
	self := trace.SelfTimes(b, f)
	ops := map[opKey]*gathered{}
	for i := range b.Len() {
		if !server(b, i, p) {
			continue
		}
		k := opKey{b.Service[i], b.Operation[i]}
		g := ops[k]
		if g == nil {
			g = &gathered{callers: map[string]bool{}}
			ops[k] = g
		}
		g.add(b, i)
		g.self = append(g.self, seconds(self[i]))
		g.children += len(f.Children(i))
		if parent := f.Parent[i]; parent >= 0 {
			g.callers[b.Strings[b.Service[parent]]] = true
		}
	}
	out := make([]pitwall.OperationStats, 0, len(ops))
	for k, g := range ops {
		s := g.sum(p)
		s.Service, s.Operation = pitwall.ServiceName(b.Strings[k.service]), b.Strings[k.operation]
		out = append(out, s)
	}
	slices.SortFunc(out, func(x, y pitwall.OperationStats) int {
		return cmp.Or(cmp.Compare(x.Service, y.Service), cmp.Compare(x.Operation, y.Operation))
	})
	return out
}

func (g *gathered) add(b *pitwall.SpanBatch, i int) {
	g.durations = append(g.durations, seconds(b.Duration[i]))
	if b.Failed[i] {
		g.failed++
	}
	if b.ReqBytes[i] >= 0 {
		g.request = append(g.request, float64(b.ReqBytes[i]))
	}
	if b.RespBytes[i] >= 0 {
		g.response = append(g.response, float64(b.RespBytes[i]))
	}
}

func (g *gathered) sum(p pitwall.Period) pitwall.OperationStats {
	n := int64(len(g.durations))
	s := pitwall.OperationStats{
		Requests: n, Callers: slices.Sorted(maps.Keys(g.callers)),
		ErrorRatio:     pitwall.Measure{Value: float64(g.failed) / float64(n), Unit: pitwall.UnitRatio, N: n},
		ResponseMedian: quantile(g.response, 0.5, pitwall.UnitBytes), RequestMedian: quantile(g.request, 0.5, pitwall.UnitBytes),
		SelfTimeMean:    pitwall.Measure{Unit: pitwall.UnitSeconds, N: n},
		ChildrenPerCall: float64(g.children) / float64(n),
	}
	if length := p.Duration().Seconds(); length > 0 {
		s.PerSecond = float64(n) / length
	}
	s.ErrorRatio.Low, s.ErrorRatio.High = stats.Wilson(g.failed, n, 0.95)
	s.SelfTimeMean.Value, s.SelfTimeMean.Low, s.SelfTimeMean.High = stats.MeanInterval(g.self, 0.95)
	s.P50 = quantile(g.durations, 0.5, pitwall.UnitSeconds)
	s.P95 = quantile(g.durations, 0.95, pitwall.UnitSeconds)
	s.P99 = quantile(g.durations, 0.99, pitwall.UnitSeconds)
	return s
}

// quantile sorts values and measures one quantile with its interval; of no
// values it is no data.
func quantile(values []float64, q float64, unit pitwall.Unit) pitwall.Measure {
	m := pitwall.Measure{Unit: unit, N: int64(len(values))}
	if m.N == 0 {
		return m
	}
	slices.Sort(values)
	m.Value = stats.Quantile(values, q)
	m.Low, m.High, _ = stats.QuantileInterval(values, q, 0.95)
	return m
}

// Load is the load shape: how often each operation was called from outside,
// busiest first. A trace counts once, for its first server span that nobody in
// the batch called.
func Load(b *pitwall.SpanBatch, p pitwall.Period) []pitwall.RouteLoad {
	if b == nil {
		return nil
	}
	count := map[opKey]int64{}
	for _, entry := range trace.Entries(b, trace.Build(b)) {
		i := int(entry)
		if server(b, i, p) {
			count[opKey{b.Service[i], b.Operation[i]}]++
		}
	}
	out := make([]pitwall.RouteLoad, 0, len(count))
	for k, n := range count {
		r := pitwall.RouteLoad{Service: pitwall.ServiceName(b.Strings[k.service]), Operation: b.Strings[k.operation], Count: n}
		if length := p.Duration().Seconds(); length > 0 {
			r.PerSecond = float64(n) / length
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(x, y pitwall.RouteLoad) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Service, y.Service), cmp.Compare(x.Operation, y.Operation))
	})
	return out
}
