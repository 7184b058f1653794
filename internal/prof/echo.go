package prof

import (
	"math"
	"slices"
)

// explains is how much of a function's change must lie in another for the
// function to be no more than an echo of it.
const explains = 0.8

// echoes says which functions' changes are another one's. A slower function
// makes everything above it slower, and everything it calls busier; only one
// name helps a person. Among functions with a change of the same direction:
//
//   - a caller is an echo when a function deeper in its stacks carries at least
//     80 % of its change, so the deepest such function remains; the descent stops
//     at the service's own code (a slow step that calls regexp is the step);
//   - a library's function is an echo when 80 % of its change happens under a
//     function of the service that is itself named.
func (c *comparison) echoes(named []*row, gone []bool) []bool {
	under, depth := c.overlaps(named, gone)
	carries := func(part, whole int) bool { // does the overlap carry whole's change?
		caller, callee := part, whole
		if depth[part] > depth[whole] {
			caller, callee = whole, part
		}
		change := named[whole].change()
		return change != 0 && under[caller][callee]/change >= explains
	}
	echo := make([]bool, len(named))
	for a := range named {
		for d := range named {
			deeper := depth[d] > depth[a]
			own := isUser(named[d].Name) || !isUser(named[a].Name)
			if deeper && own && carries(d, a) {
				echo[a] = true
			}
		}
	}
	callers := slices.Clone(echo)
	for d := range named {
		for u := range named {
			own := isUser(named[u].Name) && !isUser(named[d].Name)
			if own && !callers[u] && depth[u] < depth[d] && carries(u, d) {
				echo[d] = true
			}
		}
	}
	return echo
}

// overlaps measures for each pair of functions how much the stacks in which the
// first stands above the second changed per unit of work, and each function's
// mean depth.
func (c *comparison) overlaps(named []*row, gone []bool) (under [][]float64, depth []float64) {
	index := make(map[string]int, len(named))
	under = make([][]float64, len(named))
	for i, r := range named {
		index[r.Name] = i
		under[i] = make([]float64, len(named))
	}
	place := make([]int, len(c.functions)) // in named, + 1
	for i, name := range c.functions {
		if n, ok := index[name]; ok {
			place[i] = n + 1
		}
	}
	depth = make([]float64, len(named))
	cost := make([]float64, len(named))
	for i, s := range c.perStack() {
		if gone[i] {
			continue
		}
		path := pathOf(c.stacks[i].frames, place)
		for i, a := range path {
			depth[a.function] += float64(a.depth) * (s.before + s.after)
			cost[a.function] += s.before + s.after
			for _, d := range path[i+1:] {
				under[a.function][d.function] += s.after - s.before
			}
		}
	}
	for i := range depth {
		depth[i] /= math.Max(cost[i], math.SmallestNonzeroFloat64)
	}
	return under, depth
}

// twoSides is what something costs per unit of work.
type twoSides struct{ before, after float64 }

// perStack gives each distinct stack's two sides.
func (c *comparison) perStack() []twoSides {
	out := make([]twoSides, len(c.stacks))
	before, after := sum(c.weight[:c.base]), sum(c.weight[c.base:])
	for _, x := range c.cells {
		if int(x.window) < c.base {
			out[x.stack].before += x.cost / before
		} else {
			out[x.stack].after += x.cost / after
		}
	}
	return out
}

type step struct{ function, depth int }

// pathOf lists the functions of a stack that have a place, from the root, each
// where it first stands.
func pathOf(frames []int32, place []int) []step {
	var path []step
	for i := len(frames) - 1; i >= 0; i-- {
		f := place[frames[i]] - 1
		if f < 0 || slices.ContainsFunc(path, func(s step) bool { return s.function == f }) {
			continue
		}
		path = append(path, step{f, len(frames) - 1 - i})
	}
	return path
}
