package alertlint

import (
	"slices"
	"strings"

	"github.com/pitwall/pitwall/internal/promql"
)

// test is one comparison of an alert: what is measured, and the threshold.
type test struct {
	measured promql.Node
	op       string
	limit    float64
	fixed    bool // the threshold is a number
}

// tests lists the comparisons that decide whether an alert fires, with the
// measured side on the left.
func tests(n promql.Node) []test {
	var list []test
	for m := range n.All() {
		if !m.Comparison() || m.Bool {
			continue
		}
		t := test{measured: m.Args[0], op: m.Op}
		if t.limit, t.fixed = m.Args[1].Constant(); !t.fixed {
			if v, ok := m.Args[0].Constant(); ok {
				t = test{measured: m.Args[1], op: turned(m.Op), limit: v, fixed: true}
			}
		}
		list = append(list, t)
	}
	return list
}

// turned is the operator with its sides exchanged.
func turned(op string) string {
	switch op {
	case ">":
		return "<"
	case ">=":
		return "<="
	case "<":
		return ">"
	case "<=":
		return ">="
	}
	return op
}

// never says whether no value within the bounds passes the test.
func (t test) never(b bounds) bool {
	switch {
	case !t.fixed:
		return false
	case t.op == ">":
		return b.high <= t.limit
	case t.op == ">=":
		return b.high < t.limit
	case t.op == "<":
		return b.low >= t.limit
	case t.op == "<=":
		return b.low > t.limit
	case t.op == "==":
		return t.limit < b.low || t.limit > b.high
	}
	return b.low == b.high && b.low == t.limit // !=
}

// always says whether every value passes.
func (t test) always(b bounds) bool {
	switch {
	case !t.fixed || b.low == b.high: // absent() == 1 and vector(1) > 0 mean it
		return false
	case t.op == ">":
		return b.low > t.limit
	case t.op == ">=":
		return b.low >= t.limit
	case t.op == "<":
		return b.high < t.limit
	case t.op == "<=":
		return b.high <= t.limit
	}
	return false
}

// empty says whether an expression can never yield a series.
func (c *corpus) empty(n promql.Node) bool {
	switch {
	case n.Comparison() && !n.Bool:
		t := tests(promql.Node{Kind: n.Kind, Op: n.Op, Args: n.Args})[0]
		return t.never(c.of(t.measured)) || c.empty(n.Args[0]) || c.empty(n.Args[1])
	case n.Kind == promql.NodeBinary && n.Op == "or":
		return c.empty(n.Args[0]) && c.empty(n.Args[1])
	case n.Kind == promql.NodeBinary && n.Op == "unless":
		return c.empty(n.Args[0])
	case n.Kind == promql.NodeBinary:
		return c.empty(n.Args[0]) || c.empty(n.Args[1])
	case n.Kind == promql.NodeAggregate || n.Kind == promql.NodeUnary || n.Kind == promql.NodeSubquery:
		return c.empty(n.Args[0])
	case n.Kind == promql.NodeCall && len(n.Args) > 0 && !strings.HasPrefix(n.Op, "absent"):
		return slices.ContainsFunc(n.Args, c.empty)
	}
	return false
}

// unfold replaces recorded metrics by what they are made of, so that an alert on
// a recorded ratio is seen to be one. What would grow beyond reason stays folded.
func (c *corpus) unfold(n promql.Node) promql.Node {
	left := maxUnfolded
	return c.unfolded(n, 0, &left)
}

const maxUnfolded = 4000

func (c *corpus) unfolded(n promql.Node, depth int, left *int) promql.Node {
	*left--
	if made := c.records[n.Metric]; n.Kind == promql.NodeSelector && n.Metric != "" && len(made) > 0 && depth < deepest && *left > 0 {
		return c.unfolded(made[0], depth+1, left)
	}
	if len(n.Args) > 0 && *left > 0 {
		args := make([]promql.Node, len(n.Args))
		for i, a := range n.Args {
			args[i] = c.unfolded(a, depth, left)
		}
		n.Args = args
	}
	return n
}

// find gives the first node below n, or n itself, of which f is true.
func find(n promql.Node, f func(promql.Node) bool) (promql.Node, bool) {
	for m := range n.All() {
		if f(m) {
			return m, true
		}
	}
	return promql.Node{}, false
}

func has(n promql.Node, f func(promql.Node) bool) bool {
	_, ok := find(n, f)
	return ok
}

// division is a quotient of series, not one by a number.
func division(n promql.Node) bool {
	if n.Kind != promql.NodeBinary || n.Op != "/" {
		return false
	}
	_, constant := n.Args[1].Constant()
	return !constant
}

// relative says whether a measured side is a ratio, by shape or by name.
func relative(n promql.Node) bool {
	return has(n, func(m promql.Node) bool {
		return division(m) || m.Kind == promql.NodeCall && m.Op == "histogram_fraction" || m.Kind == promql.NodeSelector && ratioByName(m.Metric)
	})
}

// selector gives the first choice of series of a node.
func selector(n promql.Node) (promql.Node, bool) {
	return find(n, func(m promql.Node) bool { return m.Kind == promql.NodeSelector })
}
