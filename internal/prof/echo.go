package prof

import (
	"math"
	"slices"
)

// explains is how much of a function's change must lie in another for the
// function to be no more than an echo of it.
const explains = 0.8

// silenceEchoes unmarks functions whose change is another one's. A slower
// function makes everything above it slower, and everything it calls busier;
// only one name helps a person. For significant functions with a change of the
// same direction:
//
//   - a caller is an echo when a function deeper in its stacks carries at least
//     80 % of its change, so the deepest such function remains; the descent stops
//     at the service's own code (a slow step that calls regexp is the step);
//   - a library's function is an echo when 80 % of its change happens under a
//     function of the service that is itself named.
//
// The P of an echo stays as it was.
func (c *comparison) silenceEchoes(rows []row) {
	var named []*row
	for i := range rows {
		if rows[i].Significant {
			named = append(named, &rows[i])
		}
	}
	if len(named) < 2 {
		return
	}
	under, depth := c.overlaps(named)
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
	for i, r := range named {
		r.Significant = !echo[i]
	}
}

// overlaps measures for each pair of functions how much the stacks in which the
// first stands above the second changed per unit of work, and each function's
// mean depth.
func (c *comparison) overlaps(named []*row) (under [][]float64, depth []float64) {
	index := make(map[string]int, len(named))
	under = make([][]float64, len(named))
	for i, r := range named {
		index[r.Name] = i
		under[i] = make([]float64, len(named))
	}
	depth = make([]float64, len(named))
	cost := make([]float64, len(named))
	before, after := sum(c.weight[:c.base]), sum(c.weight[c.base:])
	for w, p := range c.profiles {
		scale := 1 / after
		if w < c.base {
			scale = -1 / before
		}
		for _, s := range p.Stacks {
			path := pathOf(s.Frames, index)
			for i, a := range path {
				depth[a.function] += float64(a.depth) * s.Value
				cost[a.function] += s.Value
				for _, d := range path[i+1:] {
					under[a.function][d.function] += s.Value * scale
				}
			}
		}
	}
	for i := range depth {
		depth[i] /= math.Max(cost[i], math.SmallestNonzeroFloat64)
	}
	return under, depth
}

type step struct{ function, depth int }

// pathOf lists the indexed functions of a stack from the root, each where it
// first stands.
func pathOf(frames []string, index map[string]int) []step {
	var path []step
	for i := len(frames) - 1; i >= 0; i-- {
		f, ok := index[frames[i]]
		if !ok || slices.ContainsFunc(path, func(s step) bool { return s.function == f }) {
			continue
		}
		path = append(path, step{f, len(frames) - 1 - i})
	}
	return path
}
