package excess

import (
	"cmp"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
)

// flow shares the increase out, from the service in question down: a component
// passes on what its callees' calls became dearer by and keeps the rest.
type flow struct {
	m     *material
	g     *graph
	k     grid
	gains map[string]gain // of the view that gained most
	shown map[string]pitwall.ServiceName
	given map[string]float64 // what callers passed on to a component
	own   map[string]float64 // what it kept
}

func newFlow(m *material, g *graph, k grid, cost costOf) *flow {
	f := &flow{
		m: m, g: g, k: k, gains: map[string]gain{}, shown: map[string]pitwall.ServiceName{},
		given: map[string]float64{}, own: map[string]float64{},
	}
	requests := m.find(m.q.Service, "requests", "sum")
	if requests == nil {
		requests = m.find(m.q.Service, "requests", "rate")
	}
	root := k.on(requests)
	for _, c := range g.order {
		names := g.names[c]
		if c == m.component(m.q.Service) {
			names = []pitwall.ServiceName{m.q.Service}
		}
		f.read(c, names, cost, root)
	}
	return f
}

// read takes the views of one component: they are views of the same work, so
// the one that gained most stands for it, and the one that serves is named.
func (f *flow) read(c string, names []pitwall.ServiceName, cost costOf, root []float64) {
	best := gain{unknown: true}
	all := make([]gain, len(names))
	for i, name := range names {
		v := f.k.viewOf(f.m, name, cost(name), root)
		all[i] = v.gains(f.k)
		if all[i].unknown {
			continue
		}
		all[i].noise = max(all[i].noise, f.chance(v, all[i]))
		if best.unknown || keep(all[i].all, all[i].noise) > keep(best.all, best.noise) {
			best = all[i]
		}
	}
	f.gains[c] = best
	f.shown[c] = f.serving(names, all, best)
}

// chance is the least standard deviation that a count of failures has: that of
// a Poisson count, which is not zero where none was seen before.
func (f *flow) chance(v view, g gain) float64 {
	if !f.k.failures {
		return 0
	}
	asked, of := 0.0, 0.0
	for _, i := range f.k.bad {
		if !math.IsNaN(v.count[i]) && v.calls[i] > 0 {
			asked, of = asked+v.count[i], of+v.calls[i]
		}
	}
	if asked == 0 {
		return 0
	}
	requests := asked / of * float64(len(f.k.bad)) // of the root, in the bad rows
	return math.Sqrt(max(0, g.all)*requests+1) / requests
}

// serving picks the name to tell: among the views that show a third of what the
// component gained, one that calls no other view (it does the work), no load
// balancer, and then the one that gained most.
func (f *flow) serving(names []pitwall.ServiceName, all []gain, best gain) pitwall.ServiceName {
	order := make([]int, len(names))
	for i := range order {
		order[i] = i
	}
	shows := func(i int) bool { return !all[i].unknown && all[i].all >= best.all/3 }
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(
			cmpBool(shows(b), shows(a)),
			cmpBool(f.g.kind[names[a]] == pitwall.ComponentBalancer, f.g.kind[names[b]] == pitwall.ComponentBalancer),
			cmpBool(f.g.inner[names[a]], f.g.inner[names[b]]),
			cmp.Compare(all[b].all, all[a].all),
			cmp.Compare(names[a], names[b]),
		)
	})
	return names[order[0]]
}

// share runs the flow and writes the account.
func (f *flow) share(a *Account, moves []Move) {
	root := f.g.order[0]
	a.Increase, a.Gate.Chance = max(0, f.gains[root].all), 2*f.gains[root].noise
	proven := a.Gate.State == Worse && a.Increase > a.Gate.Chance
	a.Gate.State = Still // so few failures or so little time that chance does it, until a component speaks against that
	if a.Increase <= 0 {
		return
	}
	f.given[root] = a.Increase
	for _, c := range f.g.order {
		f.pass(c, root)
	}
	if !proven {
		a.Gate.Witness = f.witness(root, a.Increase)
		if a.Gate.Witness == "" {
			return
		}
	}
	a.Gate.State = Worse
	f.inherit(moves)
	a.Unexplained = a.Increase
	for _, c := range f.g.order {
		own := f.own[c]
		if own <= 0 {
			continue
		}
		g := f.gains[c]
		s := Share{
			Component: c, Service: f.shown[c], Views: f.g.names[c], Root: c == root, Explained: own, Share: own / a.Increase,
			Before: g.before, After: g.after, Calls0: g.calls0, Calls1: g.calls1, Noise: 2 * g.noise, Moved: f.moved(c, moves),
		}
		a.Shares = append(a.Shares, s)
		a.Unexplained -= own
	}
	slices.SortStableFunc(a.Shares, func(x, y Share) int {
		return cmp.Or(cmp.Compare(y.Explained, x.Explained), cmp.Compare(f.g.depth[y.Component], f.g.depth[x.Component]), cmp.Compare(x.Component, y.Component))
	})
}

// witness is a component, other than the one in question, that proves by itself
// that something happened in the bad rows, and explains half of it.
func (f *flow) witness(root string, increase float64) pitwall.ServiceName {
	for _, c := range f.g.order {
		if c != root && f.own[c] >= increase/2 && f.gains[c].all > witness*f.gains[c].most {
			return f.shown[c]
		}
	}
	return ""
}

// pass gives what a component got on to its callees, by what their calls became
// dearer by, and leaves it what they do not account for. Of a callee's gain
// only what stands out of its noise is passed on; the rest is nobody's and
// stays unexplained. Together they never claim more than the component got:
// callees that work side by side, or that nobody waits for, share it.
func (f *flow) pass(c, root string) {
	got := f.given[c]
	if got <= 0 {
		return
	}
	wants := map[string]float64{}
	passed, claimed := 0.0, 0.0
	for _, to := range f.g.callees[c] {
		g := f.gains[to]
		if g.unknown {
			continue
		}
		part := f.part(c, to)
		wants[to] = part * keep(g.dearer, g.noise)
		passed += wants[to]
		claimed += part * max(0, g.dearer)
	}
	own := f.gains[c].all
	if c != root {
		own = keep(own, f.gains[c].noise)
	}
	own = max(0, own-claimed)
	scale := got / max(got, passed+own)
	if c != root {
		scale = got / max(passed+own, 1e-300) // what came this far has to be somewhere
	}
	f.own[c] = own * scale
	for _, to := range f.g.callees[c] {
		f.given[to] += wants[to] * scale
	}
}

// part is the caller's part of a callee's gain: all of it for the only caller,
// otherwise by what the callers gained themselves.
func (f *flow) part(from, to string) float64 {
	callers := f.g.callers[to]
	if len(callers) < 2 {
		return 1
	}
	all := 0.0
	for _, c := range callers {
		all += f.weight(c)
	}
	if all <= 0 {
		return 1 / float64(len(callers))
	}
	return f.weight(from) / all
}

func (f *flow) weight(c string) float64 {
	g := f.gains[c]
	return keep(g.all, g.noise)
}

// inherit hands what a component kept to a callee whose cost nobody measured
// but of which something moved: it is the better explanation of the two.
func (f *flow) inherit(moves []Move) {
	for _, c := range f.g.order {
		if f.own[c] <= 0 {
			continue
		}
		heir, strongest := "", 0.0
		for _, to := range f.g.callees[c] {
			if !f.gains[to].unknown {
				continue
			}
			for _, mv := range f.moved(to, moves) {
				if force := mv.force(); mv.Kind != Appeared && force > strongest {
					heir, strongest = to, force
				}
			}
		}
		if heir != "" {
			f.own[heir] += f.own[c]
			f.own[c] = 0
		}
	}
}

// force is how telling a move is; a component that fell silent tells most.
func (m Move) force() float64 {
	if m.Kind == Gone {
		return math.Inf(1)
	}
	return m.Score
}

func (f *flow) moved(c string, moves []Move) []Move {
	var list []Move
	for _, mv := range moves {
		if f.m.component(mv.Service) == c {
			list = append(list, mv)
		}
	}
	return list
}
