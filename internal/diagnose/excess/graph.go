package excess

import (
	"slices"

	"github.com/pitwall/pitwall"
)

// graph is who calls whom among components, from the one in question down,
// without cycles: a call back to a component that is waiting explains nothing.
type graph struct {
	order   []string // callers before callees; the root first
	callees map[string][]string
	callers map[string][]string
	depth   map[string]int
	names   map[string][]pitwall.ServiceName // views of each component
	kind    map[pitwall.ServiceName]pitwall.ComponentKind
	inner   map[pitwall.ServiceName]bool // views that call another view of the same component
}

func newGraph(m *material, topo pitwall.Topology) *graph {
	root := m.component(m.q.Service)
	g := &graph{
		callees: map[string][]string{}, callers: map[string][]string{}, depth: map[string]int{root: 0},
		names: map[string][]pitwall.ServiceName{}, kind: map[pitwall.ServiceName]pitwall.ComponentKind{}, inner: map[pitwall.ServiceName]bool{},
	}
	for _, s := range topo.Services {
		g.kind[s.Name] = s.Kind
	}
	all := map[string][]string{}
	for _, c := range topo.Calls {
		from, to := m.component(c.From), m.component(c.To)
		g.view(from, c.From)
		g.view(to, c.To)
		switch {
		case from == to && c.From != c.To:
			g.inner[c.From] = true
		case from != to && !slices.Contains(all[from], to):
			all[from] = append(all[from], to)
		}
	}
	for s := range m.by {
		g.view(m.component(s), s)
	}
	for _, list := range all {
		slices.Sort(list)
	}
	for _, list := range g.names {
		slices.Sort(list)
	}
	g.walk(root, all, map[string]int{})
	slices.Reverse(g.order)
	for _, c := range g.order {
		for _, to := range g.callees[c] {
			g.callers[to] = append(g.callers[to], c)
			g.depth[to] = max(g.depth[to], g.depth[c]+1)
		}
	}
	return g
}

func (g *graph) view(component string, name pitwall.ServiceName) {
	if !slices.Contains(g.names[component], name) {
		g.names[component] = append(g.names[component], name)
	}
}

// walk goes down from a component; g.order gets callees before callers. state
// is 1 while a component waits for what is below it and 2 when that is done.
func (g *graph) walk(c string, all map[string][]string, state map[string]int) {
	state[c] = 1
	for _, to := range all[c] {
		if state[to] == 1 {
			continue
		}
		g.callees[c] = append(g.callees[c], to)
		if state[to] == 0 {
			g.walk(to, all, state)
		}
	}
	state[c] = 2
	g.order = append(g.order, c)
}
