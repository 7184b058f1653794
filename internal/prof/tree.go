package prof

import (
	"cmp"
	"slices"

	"github.com/pitwall/pitwall"
)

// The flame graph leaves out what is below half a percent of both sides, and
// holds so many nodes at most: more are too small to be seen on a screen.
const (
	leastNode = 0.005
	mostNodes = 400
	mostDepth = 200
	// Whole is the name of the root, the whole profile.
	Whole = "(whole)"
)

// tree is the merged call tree of both sides, parents before children, the
// dearest child first. A node's cost less its children's is its own work, and
// what is too small to be shown.
func (c *comparison) tree() []pitwall.FlameNode {
	t := tree{c: c, perStack: c.perStack(), sums: make([]twoSides, len(c.functions))}
	var all []int32
	for i, s := range t.perStack {
		t.whole = t.whole.plus(s)
		t.paths = append(t.paths, fromRoot(c.stacks[i].frames))
		all = append(all, int32(i))
	}
	if t.whole.before+t.whole.after == 0 {
		return nil
	}
	t.grow(Whole, t.whole, all, 0)
	return t.pruned()
}

// tree is a call tree while it grows.
type tree struct {
	c        *comparison
	perStack []twoSides
	paths    [][]int32
	whole    twoSides
	sums     []twoSides // by function; all zero between uses
	nodes    []pitwall.FlameNode
}

// share is a node's greater part of a side.
func (t *tree) share(s twoSides) float64 {
	part := func(v, whole float64) float64 {
		if whole == 0 {
			return 0
		}
		return v / whole
	}
	return max(part(s.before, t.whole.before), part(s.after, t.whole.after))
}

// grow adds a node for the stacks that share their first depth frames, and its
// children. A function that calls itself is one node.
func (t *tree) grow(name string, cost twoSides, stacks []int32, depth int) {
	t.nodes = append(t.nodes, pitwall.FlameNode{Name: name, Depth: depth, Before: cost.before, After: cost.after})
	next := func(stack int32) (int32, bool) {
		if p := t.paths[stack]; depth < len(p) {
			return p[depth], true
		}
		return 0, false
	}
	var found []int32
	for _, s := range stacks {
		f, ok := next(s)
		if !ok {
			continue
		}
		if t.sums[f] == (twoSides{}) {
			found = append(found, f)
		}
		t.sums[f] = t.sums[f].plus(t.perStack[s])
	}
	type child struct {
		function int32
		cost     twoSides
		stacks   []int32
	}
	var children []child
	at := map[int32]int{}
	for _, f := range found {
		if t.share(t.sums[f]) >= leastNode {
			at[f] = len(children)
			children = append(children, child{function: f, cost: t.sums[f]})
		}
		t.sums[f] = twoSides{}
	}
	for _, s := range stacks {
		if f, ok := next(s); ok {
			if i, kept := at[f]; kept {
				children[i].stacks = append(children[i].stacks, s)
			}
		}
	}
	slices.SortFunc(children, func(a, b child) int {
		return cmp.Or(cmp.Compare(b.cost.before+b.cost.after, a.cost.before+a.cost.after), cmp.Compare(t.c.functions[a.function], t.c.functions[b.function]))
	})
	for _, k := range children {
		t.grow(t.c.functions[k.function], k.cost, k.stacks, depth+1)
	}
}

// fromRoot is a stack from the root, so deep as can be shown; a function that calls
// itself directly stands in it once.
func fromRoot(frames []int32) []int32 {
	var out []int32
	for _, f := range slices.Backward(frames) {
		if n := len(out); n == 0 || out[n-1] != f {
			out = append(out, f)
		}
		if len(out) == mostDepth {
			break
		}
	}
	return out
}

// pruned keeps the dearest nodes. A parent is never cheaper than its child, and
// stands before it, so what is kept is a tree.
func (t *tree) pruned() []pitwall.FlameNode {
	if len(t.nodes) <= mostNodes {
		return t.nodes
	}
	order := make([]int, len(t.nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := t.nodes[a], t.nodes[b]
		return cmp.Compare(t.share(twoSides{y.Before, y.After}), t.share(twoSides{x.Before, x.After}))
	})
	keep := order[:mostNodes]
	slices.Sort(keep)
	out := make([]pitwall.FlameNode, 0, mostNodes)
	for _, i := range keep {
		out = append(out, t.nodes[i])
	}
	return out
}
