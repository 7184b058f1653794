package engine

import (
	"cmp"
	"context"
	"slices"

	"github.com/pitwall/pitwall"
)

// sources are the stores as a diagnosis asks them.
func (e *Engine) sources() Sources {
	s := Sources{
		Spans: e.c.Spans, Profiles: e.c.Profiles, Metrics: e.c.Metrics, Measured: e.c.Measured, Changes: e.c.Changes, PageLoads: e.c.PageLoads,
	}
	if e.c.Logs != nil {
		s.Logs = lines{e.c.Logs}
	}
	if e.c.Operations != nil {
		s.Topology = edges{e.c.Operations}
	}
	return s
}

// lines compares log lines of two periods by the store's own patterns.
type lines struct{ store pitwall.LogReader }

// mostPatterns is how many patterns of a period are compared.
const mostPatterns = 500

// LogMoves counts each pattern in both periods; the counts of the baseline are
// scaled to the length of the window.
func (l lines) LogMoves(ctx context.Context, baseline, window pitwall.Period) ([]pitwall.LogMove, error) {
	before, err := l.store.LogPatterns(ctx, pitwall.LogQuery{Period: baseline, Limit: mostPatterns})
	if err != nil {
		return nil, err
	}
	after, err := l.store.LogPatterns(ctx, pitwall.LogQuery{Period: window, Limit: mostPatterns})
	if err != nil {
		return nil, err
	}
	type key struct {
		service  pitwall.ServiceName
		template string
	}
	at := map[key]int{}
	var list []pitwall.LogMove
	find := func(p pitwall.LogPattern) *pitwall.LogMove {
		k := key{p.Service, p.Template}
		i, ok := at[k]
		if !ok {
			i = len(list)
			at[k] = i
			list = append(list, pitwall.LogMove{Service: p.Service, Template: p.Template, Example: p.Example})
		}
		m := &list[i]
		m.Severity = max(m.Severity, p.Severity)
		m.Bad = m.Severity >= pitwall.SeverityWarn
		return m
	}
	scale := window.Duration().Seconds() / baseline.Duration().Seconds()
	for _, p := range before {
		find(p).Before += float64(p.Count) * scale
	}
	for _, p := range after {
		find(p).After += float64(p.Count)
	}
	return list, nil
}

// edges is the topology that client spans tell: who calls which peer.
type edges struct{ store pitwall.OperationReader }

// Topology gives every service that was seen and whom it called.
func (c edges) Topology(ctx context.Context, p pitwall.Period) (pitwall.Topology, error) {
	totals, err := c.store.Operations(ctx, pitwall.OperationQuery{Period: p})
	if err != nil {
		return pitwall.Topology{}, err
	}
	var t pitwall.Topology
	own, called := map[pitwall.ServiceName]bool{}, map[pitwall.Call]bool{}
	for _, o := range totals {
		own[o.Service] = true
		if peer := pitwall.ServiceName(o.Peer); o.Kind == pitwall.SpanClient && peer != "" {
			called[pitwall.Call{From: o.Service, To: peer}] = true
		}
	}
	kinds := map[pitwall.ServiceName]pitwall.ComponentKind{}
	for call := range called {
		t.Calls = append(t.Calls, call)
		kinds[call.To] = pitwall.ComponentExternal // unless it sends spans of its own
	}
	for s := range own {
		kinds[s] = pitwall.ComponentService
	}
	for name, kind := range kinds {
		t.Services = append(t.Services, pitwall.Component{Name: name, Kind: kind})
	}
	slices.SortFunc(t.Services, func(a, b pitwall.Component) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(t.Calls, func(a, b pitwall.Call) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return t, nil
}
