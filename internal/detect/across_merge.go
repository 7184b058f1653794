package detect

import (
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// graph is who calls whom.
type graph struct {
	calls map[pitwall.ServiceName]map[pitwall.ServiceName]bool
	next  map[pitwall.ServiceName][]pitwall.ServiceName // either way, each once, sorted
}

func graphOf(calls []Call) graph {
	g := graph{calls: map[pitwall.ServiceName]map[pitwall.ServiceName]bool{}, next: map[pitwall.ServiceName][]pitwall.ServiceName{}}
	for _, c := range calls {
		if c.Caller == c.Callee {
			continue
		}
		if g.calls[c.Caller] == nil {
			g.calls[c.Caller] = map[pitwall.ServiceName]bool{}
		}
		g.calls[c.Caller][c.Callee] = true
		g.next[c.Caller] = append(g.next[c.Caller], c.Callee)
		g.next[c.Callee] = append(g.next[c.Callee], c.Caller)
	}
	for s, list := range g.next {
		slices.Sort(list)
		g.next[s] = slices.Compact(list)
	}
	return g
}

// parts cuts services into those that hang together by calls among themselves,
// as a number for each.
func (g graph) parts(services map[pitwall.ServiceName]bool) map[pitwall.ServiceName]int {
	names := sortedKeys(services)
	number, parent := map[pitwall.ServiceName]int{}, make([]int, len(names))
	for i, s := range names {
		number[s], parent[i] = i, i
	}
	top := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for i, s := range names {
		for _, other := range g.next[s] {
			if j, ok := number[other]; ok {
				a, b := top(i), top(j)
				parent[max(a, b)] = min(a, b) // the first name stays on top
			}
		}
	}
	for i, s := range names {
		number[s] = top(i)
	}
	return number
}

// depth orders services for the choice of a lead: 0 for those that call none of
// the others, directly or through others of them, except ones that call them
// back; 1 for the rest. Slowness and errors travel from the called to the
// caller, so the deepest explains the others.
func (g graph) depth(services map[pitwall.ServiceName]bool) map[pitwall.ServiceName]int {
	depth := map[pitwall.ServiceName]int{}
	names := sortedKeys(services)
	if len(names) < 2 {
		return depth
	}
	reach := map[pitwall.ServiceName]int{} // Tarjan's component of each, in the order they are closed
	t := tarjan{g: g, services: services, index: map[pitwall.ServiceName]int{}, low: map[pitwall.ServiceName]int{}, component: reach}
	for _, s := range names {
		if t.index[s] == 0 {
			t.visit(s)
		}
	}
	calls := map[int]bool{} // components that call another
	for _, s := range names {
		for callee := range g.calls[s] {
			if services[callee] && reach[callee] != reach[s] {
				calls[reach[s]] = true
			}
		}
	}
	for _, s := range names {
		if calls[reach[s]] {
			depth[s] = 1
		}
	}
	return depth
}

// tarjan finds services that call each other in a circle (Tarjan 1972).
type tarjan struct {
	g          graph
	services   map[pitwall.ServiceName]bool
	index, low map[pitwall.ServiceName]int // from 1 on; 0: not visited
	component  map[pitwall.ServiceName]int // from 1 on; 0: still open
	stack      []pitwall.ServiceName
	closed     int
}

func (t *tarjan) visit(s pitwall.ServiceName) {
	t.index[s] = len(t.index) + 1
	t.low[s] = t.index[s]
	t.stack = append(t.stack, s)
	for callee := range t.g.calls[s] {
		switch {
		case !t.services[callee]:
		case t.index[callee] == 0:
			t.visit(callee)
			t.low[s] = min(t.low[s], t.low[callee])
		case t.component[callee] == 0:
			t.low[s] = min(t.low[s], t.index[callee])
		}
	}
	if t.low[s] != t.index[s] {
		return
	}
	t.closed++
	for {
		top := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.component[top] = t.closed
		if top == s {
			return
		}
	}
}

// group is changes that began together and hang together.
type group struct {
	members []*Candidate
	onset   pitwall.Onset // an instant in it lies in the onset of every member
	need    int           // findings with which its strongest member passes
}

// groups cuts candidates into groups. Within services that hang together by
// calls they are cut by time: the fewest instants such that every onset holds
// one (the earliest end first, which is optimal for intervals). So a group has
// a moment at which all of it may have begun, and a chain of vague onsets does
// not tie noon to midnight. What no longer hangs together by calls at that
// moment is cut once more.
func (l *look) groups(list []*Candidate) []group {
	part := l.graph.parts(servicesOf(list))
	by := map[int][]*Candidate{}
	for _, c := range list {
		n := part[c.Series.Service]
		by[n] = append(by[n], c)
	}
	var out []group
	for _, n := range sortedKeys(by) {
		for _, together := range stabbed(by[n]) {
			again := l.graph.parts(servicesOf(together))
			pieces := map[int][]*Candidate{}
			for _, c := range together {
				k := again[c.Series.Service]
				pieces[k] = append(pieces[k], c)
			}
			for _, k := range sortedKeys(pieces) {
				out = append(out, l.groupOf(pieces[k]))
			}
		}
	}
	return out
}

func (l *look) groupOf(members []*Candidate) group {
	slices.SortFunc(members, compareCandidates)
	g := group{members: members, onset: common(members), need: mostFindings}
	for _, c := range members {
		g.need = min(g.need, c.need(l.budgets[c.Series.Service].of(c)))
	}
	return g
}

func servicesOf(list []*Candidate) map[pitwall.ServiceName]bool {
	names := map[pitwall.ServiceName]bool{}
	for _, c := range list {
		names[c.Series.Service] = true
	}
	return names
}

// stabbed cuts onsets by the fewest instants that meet all of them.
func stabbed(list []*Candidate) (out [][]*Candidate) {
	type span struct {
		from, to time.Time
		c        *Candidate
	}
	spans := make([]span, len(list))
	for i, c := range list {
		o := widened(c.Onset, c.Step)
		spans[i] = span{o.Earliest, o.Latest, c}
	}
	slices.SortFunc(spans, func(a, b span) int {
		if n := a.to.Compare(b.to); n != 0 {
			return n
		}
		return compareCandidates(a.c, b.c)
	})
	var instants []time.Time
	for _, s := range spans {
		if n := len(instants); n == 0 || s.from.After(instants[n-1]) {
			instants, out = append(instants, s.to), append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], s.c)
	}
	return out
}

// common is the part that all onsets share, around the strongest's best guess.
func common(list []*Candidate) pitwall.Onset {
	o := widened(list[0].Onset, list[0].Step)
	for _, c := range list[1:] {
		w := widened(c.Onset, c.Step)
		o.Earliest, o.Latest = later(o.Earliest, w.Earliest), earlier(o.Latest, w.Latest)
	}
	return at(o, list[0].Onset.At)
}

// at moves the best guess of an onset to t, or as near as its ends let it.
func at(o pitwall.Onset, t time.Time) pitwall.Onset {
	o.At = earlier(later(t, o.Earliest), o.Latest)
	return o
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// chosen is how many more findings may stand: the most k of which k groups pass
// with so many, beside those of the epoch there are.
func chosen(list []group, before int) (k int) {
	needs := make([]int, len(list))
	for i, g := range list {
		needs[i] = g.need
	}
	slices.Sort(needs)
	for i, need := range needs {
		if need <= before+i+1 {
			k = i + 1
		}
	}
	return k
}
