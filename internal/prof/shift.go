package prof

import (
	"fmt"
	"slices"
)

// Shift is cost that moved from one function to another without more or less of
// it in all: a function renamed, split, or taken out of another one. Neither is
// named.
type Shift struct {
	From   string  `json:"from"`  // "" : the own work of Under
	To     string  `json:"to"`    // likewise
	Under  string  `json:"under"` // the function both stand under; "": the whole
	Before float64 `json:"before"`
	After  float64 `json:"after"` // of the one that moved most, per request
}

const (
	// A function's home is the deepest caller under which so much of it happens.
	homes = 0.8
	// What its home lost, over what the function gained, when it only moved.
	movedLeast, movedMost = 0.8, 1.25
	// A loss by chance that fits a gain in size as well is rarer still.
	movedP = 0.01
)

// text says what moved where.
func (s Shift) text() string {
	name := func(f string) string {
		switch {
		case f != "":
			return f
		case s.Under == "":
			return "other functions"
		}
		return "the rest of " + s.Under
	}
	return fmt.Sprintf("moved, not grown: %s does what %s did before, at the same cost together", name(s.To), name(s.From))
}

// shifts unmarks named functions whose change is made up for by the rest of
// their home, and says what moved where.
func (c *comparison) shifts(functions []row) []Shift {
	var named []*row
	for i := range functions {
		if functions[i].Significant {
			named = append(named, &functions[i])
		}
	}
	var out []Shift
	done := map[string]bool{}
	for _, r := range named {
		home, rest := c.home(r.Name)
		if !c.madeUp(r, rest) {
			continue
		}
		s := Shift{To: r.Name, Under: home, Before: r.Before, After: r.After}
		for _, other := range named {
			if ratio := -other.change() / r.change(); ratio >= movedLeast && ratio <= movedMost {
				s.From = other.Name
			}
		}
		if r.change() < 0 {
			s.From, s.To = s.To, s.From
		}
		if !done[s.From+"\n"+s.To] {
			out = append(out, s)
		}
		done[s.From+"\n"+s.To] = true
	}
	for _, s := range out {
		for _, r := range named {
			if r.Name == s.From || r.Name == s.To {
				r.Significant = false
			}
		}
	}
	return out
}

// madeUp says whether the rest of a function's home changed the other way by as
// much, beyond chance.
func (c *comparison) madeUp(r *row, rest []float64) bool {
	before, after := c.sides(rest)
	ratio := -(after - before) / r.change()
	if ratio < movedLeast || ratio > movedMost {
		return false
	}
	a, b := c.halves(rest, c.weight)
	return c.prior.test(a, b).p < movedP
}

// home finds the deepest caller under which nearly all of a function happens,
// before and after, and what else happens there, per window.
func (c *comparison) home(function string) (name string, rest []float64) {
	f := int32(slices.Index(c.functions, function))
	under := make([]twoSides, len(c.functions))
	depth := make([]float64, len(c.functions))
	var all twoSides
	seen := make([]int, len(c.functions)) // in which stack + 1
	for i, s := range c.perStack() {
		frames := c.stacks[i].frames
		top := len(frames) - 1 // where the function stands nearest to the root
		for top >= 0 && frames[top] != f {
			top--
		}
		if top < 0 {
			continue
		}
		all = all.plus(s)
		for d := len(frames) - 1; d > top; d-- {
			if g := frames[d]; seen[g] != i+1 {
				seen[g] = i + 1
				under[g] = under[g].plus(s)
				depth[g] += float64(len(frames)-d) * (s.before + s.after)
			}
		}
	}
	home, deepest := int32(-1), 0.0
	for g, u := range under {
		if u.before < homes*all.before || u.after < homes*all.after || u.before+u.after == 0 {
			continue
		}
		if d := depth[g] / (u.before + u.after); d > deepest {
			home, deepest = int32(g), d
		}
	}
	rest = c.where(func(frames []int32) bool {
		return !slices.Contains(frames, f) && (home < 0 || slices.Contains(frames, home))
	})
	if home < 0 {
		return "", rest
	}
	return c.functions[home], rest
}

func (t twoSides) plus(o twoSides) twoSides {
	return twoSides{t.before + o.before, t.after + o.after}
}
