package prof

import (
	"cmp"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
)

// mostNamed bounds the functions named: ten are more than a person follows up.
const mostNamed = 10

// judge tests families, functions and the whole, and marks those to be named.
//
// A node is a discovery when it costs more (or less) per request than before,
// by the procedure of Benjamini and Hochberg over families, functions and the
// whole together, so that anything is named by chance in at most 5 % of
// comparisons of a service with itself. CPU must also be more (or less) of the
// whole: a busy machine makes everything dearer alike, and no function is to
// blame for it.
//
// Functions contain each other, so discoveries come in chains. The one that
// explains most is named, its stacks are taken out, and what is left is
// compared again, until nothing of the first discoveries stands out any more.
func (c *comparison) judge(families, functions []row) {
	c.learn(functions)
	c.whole.outcome = prior{}.test(c.halves(c.total, c.weight))
	c.whole.P = c.whole.p
	c.test(functions, c.total)
	c.test(families, c.total)
	limit := c.limit(families, functions)
	c.whole.Significant = c.whole.P <= limit
	for _, i := range c.discoveries(families, limit) {
		families[i].Significant = true
	}
	at := make(map[string]int, len(functions))
	for i, r := range functions {
		functions[i].Significant = false
		at[r.Name] = i
	}
	gone := make([]bool, len(c.stacks))
	first := map[string]bool{}
	for _, i := range c.discoveries(functions, limit) {
		first[functions[i].Name] = true
	}
	left := functions
	for round := range mostNamed {
		found := slices.DeleteFunc(c.discoveries(left, c.limit(families, left)), func(i int) bool { return !first[left[i].Name] })
		if len(found) == 0 {
			return
		}
		named := c.deepest(left, found, gone)
		r := &functions[at[named]]
		r.Significant, r.order = true, round
		total := c.takeOut(named, gone)
		left = c.rows(c.byFunction(gone))
		c.test(left, total)
	}
}

// learn fits the prior to the variances of the functions' rates.
func (c *comparison) learn(functions []row) {
	before, after := c.halves(c.total, c.weight)
	var halves []half
	for _, r := range functions {
		if r.tested {
			halves = append(halves, r.before, r.after)
		}
	}
	common := ((before.n-1)*before.variance + (after.n-1)*after.variance) / (before.n + after.n - 2)
	c.prior = learn(halves, common)
}

// test compares rows per unit of weight, and as shares of a total.
func (c *comparison) test(rows []row, total []float64) {
	alone := c.prior
	alone.common = 0 // what all functions share cancels in a share
	for i := range rows {
		if r := &rows[i]; r.tested {
			r.outcome = c.prior.test(r.before, r.after)
			r.P = r.p
			r.share = alone.test(c.halves(r.cost, total))
		}
	}
}

// limit is the largest p that counts as a discovery among the whole and these rows.
func (c *comparison) limit(lists ...[]row) float64 {
	ps := []float64{c.whole.P}
	for _, rows := range lists {
		for _, r := range rows {
			if r.tested {
				ps = append(ps, r.P)
			}
		}
	}
	return discoveries(ps, alpha)
}

// discoveries lists the rows within the limit; of CPU, those whose share of the
// whole moved the same way.
func (c *comparison) discoveries(rows []row, limit float64) (list []int) {
	var ps []float64
	for i, r := range rows {
		if r.tested && r.P <= limit {
			list = append(list, i)
			ps = append(ps, r.share.p)
		}
	}
	if c.kind != pitwall.ProfileCPU {
		return list
	}
	share := discoveries(ps, alpha)
	return slices.DeleteFunc(list, func(i int) bool {
		return rows[i].share.p > share || rows[i].share.effect*rows[i].effect <= 0
	})
}

// takeOut marks the stacks a function stands in and gives what the rest costs
// in each window.
func (c *comparison) takeOut(function string, gone []bool) []float64 {
	f := int32(slices.Index(c.functions, function))
	for i, s := range c.stacks {
		gone[i] = gone[i] || slices.Contains(s.frames, f)
	}
	total := make([]float64, len(c.total))
	for _, x := range c.cells {
		if !gone[x.stack] {
			total[x.window] += x.cost
		}
	}
	return total
}

// deepest picks the function to be named of those found: of those that are no
// echo, the one whose share moved most surely.
func (c *comparison) deepest(rows []row, found []int, gone []bool) string {
	var named []*row
	for _, i := range found {
		named = append(named, &rows[i])
	}
	echo := c.echoes(named, gone)
	best := -1
	for i := range named {
		if !echo[i] && (best < 0 || sure(named[i], named[best]) < 0) {
			best = i
		}
	}
	return named[best].Name
}

// sure orders rows by strength of evidence.
func sure(a, b *row) int {
	return cmp.Or(cmp.Compare(math.Abs(b.share.t), math.Abs(a.share.t)), cmp.Compare(a.Name, b.Name))
}

// halves are a column's rates by weight, before and after.
func (c *comparison) halves(cost, weight []float64) (before, after half) {
	one := func(from, to int) half {
		return halfOf(cost[from:to], weight[from:to], c.quantum, float64(share(sum(cost[from:to]), sum(c.total[from:to]))))
	}
	return one(0, c.base), one(c.base, len(cost))
}
