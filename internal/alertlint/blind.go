package alertlint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pitwall/pitwall/internal/promql"
)

// blind finds ratios that vanish in the very outage they are for. The share of
// good requests has no numerator once nothing succeeds; PromQL then yields no
// series instead of 0, and a threshold below is never met.
func (c *corpus) blind(a alert) (list []Finding) {
	for _, t := range tests(a.tree) {
		m := c.unfold(t.measured)
		q, ok := find(m, division)
		if !ok || !falling(m, t.op) || !part(q.Args[0], q.Args[1]) || has(q.Args[0], otherwise) || !narrower(q) {
			continue
		}
		f := a.finding(RuleBlind, Fault, "when nothing succeeds, "+q.Args[0].String()+" has no series and the whole ratio none",
			"In a total outage since the start of the process the alert says nothing.", "give the numerator a zero where the denominator has traffic")
		zero := "vector(0)"
		if n := q.Args[1]; n.Kind == promql.NodeAggregate && len(n.Labels) > 0 {
			zero = n.String() + " * 0"
		}
		f.Replacement = fmt.Sprintf("(%s or %s) / %s", q.Args[0].String(), zero, q.Args[1].String())
		list = append(list, f)
	}
	return list
}

// falling says whether the alert waits for the quotient to become small: a
// threshold below, or one above 1 − x.
func falling(n promql.Node, op string) bool {
	down := op == "<" || op == "<="
	flip := false
	for m := range n.All() {
		if m.Kind == promql.NodeBinary && m.Op == "-" && has(m.Args[1], division) {
			flip = !flip
		}
	}
	return down != flip
}

func otherwise(n promql.Node) bool { return n.Kind == promql.NodeBinary && n.Op == "or" }

// narrower says whether the numerator has a condition that the denominator has
// not; without one both vanish together.
func narrower(q promql.Node) bool {
	x, _ := selector(q.Args[0])
	y, _ := selector(q.Args[1])
	return len(x.Matchers) > len(y.Matchers) || x.Metric != y.Metric
}

// unwatched notes, once for each metric, ratios whose traffic may vanish without
// any alert that asks for its absence: 0/0 is not a number and fires nothing.
func (c *corpus) unwatched() (list []Finding) {
	watched := map[string]bool{}
	for _, a := range c.alerts {
		for n := range a.tree.All() {
			if n.Kind == promql.NodeCall && strings.HasPrefix(n.Op, "absent") || n.Comparison() && emptied(n) {
				for m := range c.unfold(n).All() {
					watched[strings.TrimSuffix(strings.TrimSuffix(m.Metric, "_bucket"), "_count")] = true
				}
			}
		}
	}
	for _, a := range c.alerts {
		q, ok := find(c.unfold(a.tree), division)
		if !ok || a.excused[RuleBlind] {
			continue
		}
		s, ok := selector(q.Args[1])
		base := strings.TrimSuffix(strings.TrimSuffix(s.Metric, "_bucket"), "_count")
		if !ok || base == "" || watched[base] {
			continue
		}
		watched[base] = true
		conditions := slices.DeleteFunc(slices.Clone(s.Matchers), func(m promql.Matcher) bool { return m.Op != "=" || m.Name == "le" })
		f := a.finding(RuleBlind, Note, "no alert asks whether "+s.Metric+" is there at all",
			"Without traffic the ratio is 0/0, and when the target is gone there is none: silence that looks like health.", "add an alert for its absence")
		f.Replacement = fmt.Sprintf("absent(%s)", promql.Choose(s.Metric, conditions))
		list = append(list, f)
	}
	return list
}

// emptied is a threshold below on plain traffic, such as rate(x[5m]) == 0.
func emptied(n promql.Node) bool {
	v, ok := n.Args[1].Constant()
	return ok && !relative(n.Args[0]) && (n.Op == "<" || n.Op == "<=" || n.Op == "==" && v == 0)
}
