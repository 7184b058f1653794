package promql

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Matcher is one condition on a label.
type Matcher struct {
	Name  string
	Op    string // =, !=, =~ or !~
	Value string
}

// Selector is a choice of series in a query.
type Selector struct {
	Metric   string        // empty when the name is not one fixed word
	Matchers []Matcher     // without the metric's name, sorted
	Range    time.Duration // of x[5m]; zero: none, or left open
	Offset   time.Duration
	Text     string // without range and offset
	At       int    // byte of the query where it starts
}

// Selectors lists the series a query reads, in the order they are written.
func Selectors(e Expr) []Selector {
	var list []Selector
	walk(e.node, func(n parser.Node, ranges time.Duration) {
		v, ok := n.(*parser.VectorSelector)
		if !ok {
			return
		}
		s := Selector{Metric: v.Name, Range: ranges, Offset: v.OriginalOffset, Text: selectorText(v), At: int(v.PosRange.Start)}
		if e.windowed {
			s.Range = 0
		}
		for _, m := range matchersOf(v) {
			if m.Name == labels.MetricName && m.Op == "=" {
				s.Metric = m.Value
				continue
			}
			s.Matchers = append(s.Matchers, m)
		}
		list = append(list, s)
	})
	return list
}

// selectorText is the selector without what says when.
func selectorText(v *parser.VectorSelector) string {
	bare := *v
	bare.OriginalOffset, bare.OriginalOffsetExpr, bare.Timestamp, bare.StartOrEnd = 0, nil, nil, 0
	bare.Anchored, bare.Smoothed = false, false
	return bare.String()
}

// walk visits every node, parents first; ranges is the window around a selector.
func walk(n parser.Node, visit func(n parser.Node, ranges time.Duration)) {
	if n == nil {
		return
	}
	var down func(n parser.Node, ranges time.Duration)
	down = func(n parser.Node, ranges time.Duration) {
		visit(n, ranges)
		inner := time.Duration(0)
		if m, ok := n.(*parser.MatrixSelector); ok {
			inner = m.Range
		}
		for child := range parser.ChildrenIter(n) {
			down(child, inner)
		}
	}
	down(n, 0)
}

// Scale is the number a query multiplies its series with: 1e9 for x*1e9, 0.5 for
// x/2, 1 where nothing is multiplied.
func Scale(e Expr) float64 {
	scale, node := 1.0, e.node
	for {
		node = bare(node)
		b, ok := node.(*parser.BinaryExpr)
		if !ok || b.Op != parser.MUL && b.Op != parser.DIV {
			return scale
		}
		if right, ok := constant(b.RHS); ok {
			if b.Op == parser.DIV {
				right = 1 / right
			}
			scale, node = scale*right, b.LHS
			continue
		}
		left, ok := constant(b.LHS)
		if !ok || b.Op == parser.DIV {
			return scale
		}
		scale, node = scale*left, b.RHS
	}
}

// OneSelector is the selector of a query that is nothing else.
func OneSelector(e Expr) (Selector, bool) {
	if e.node == nil {
		return Selector{}, false
	}
	if _, ok := bare(e.node).(*parser.VectorSelector); !ok {
		return Selector{}, false
	}
	return Selectors(e)[0], true
}

// String is the condition as PromQL.
func (m Matcher) String() string { return m.Name + m.Op + strconv.Quote(m.Value) }

// Choose writes a selector: a metric, "" for none, and conditions.
func Choose(metric string, list []Matcher) string {
	if len(list) == 0 {
		return metric
	}
	words := make([]string, len(list))
	for i, m := range list {
		words[i] = m.String()
	}
	return metric + "{" + strings.Join(words, ",") + "}"
}

// SortMatchers sorts conditions by name, in place, and gives them back.
func SortMatchers(list []Matcher) []Matcher {
	slices.SortFunc(list, compareMatchers)
	return list
}
