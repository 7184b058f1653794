package promql

import (
	"cmp"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// tolerance is how far numbers of equal queries may lie apart: of their size,
// and at least this much, for 1−0.99999 carries the noise of 1.
const tolerance = 1e-12

// Equal says whether two queries mean the same: spacing, parentheses, the order
// of label matchers and of grouping labels do not count, numbers are equal
// within 1e-12, and arithmetic on numbers is done first. Operands keep their
// order, so a+b and b+a are told apart.
func Equal(a, b Expr) bool {
	if a.node == nil || b.node == nil {
		return a.node == nil && b.node == nil
	}
	return a.windowed == b.windowed && equal(a.node, b.node)
}

// equal compares two nodes. Both were bounded in depth when they were parsed.
func equal(a, b parser.Expr) bool {
	a, b = bare(a), bare(b)
	if x, ok := constant(a); ok {
		y, also := constant(b)
		return also && near(x, y)
	}
	switch x := a.(type) {
	case *parser.VectorSelector:
		y, ok := b.(*parser.VectorSelector)
		return ok && sameSelector(x, y)
	case *parser.MatrixSelector:
		y, ok := b.(*parser.MatrixSelector)
		return ok && x.Range == y.Range && equal(x.VectorSelector, y.VectorSelector)
	case *parser.SubqueryExpr:
		y, ok := b.(*parser.SubqueryExpr)
		return ok && x.Range == y.Range && x.Step == y.Step && x.OriginalOffset == y.OriginalOffset &&
			x.StartOrEnd == y.StartOrEnd && sameTime(x.Timestamp, y.Timestamp) && equal(x.Expr, y.Expr)
	case *parser.AggregateExpr:
		y, ok := b.(*parser.AggregateExpr)
		return ok && x.Op == y.Op && x.Without == y.Without && sameSet(x.Grouping, y.Grouping) && sameParam(x.Param, y.Param) && equal(x.Expr, y.Expr)
	case *parser.BinaryExpr:
		y, ok := b.(*parser.BinaryExpr)
		return ok && x.Op == y.Op && x.ReturnBool == y.ReturnBool && sameMatching(x.VectorMatching, y.VectorMatching) && equal(x.LHS, y.LHS) && equal(x.RHS, y.RHS)
	case *parser.UnaryExpr:
		y, ok := b.(*parser.UnaryExpr)
		return ok && x.Op == y.Op && equal(x.Expr, y.Expr)
	case *parser.Call:
		y, ok := b.(*parser.Call)
		return ok && x.Func.Name == y.Func.Name && slices.EqualFunc(x.Args, y.Args, equal)
	case *parser.StringLiteral:
		y, ok := b.(*parser.StringLiteral)
		return ok && x.Val == y.Val
	}
	return false
}

// bare takes off parentheses and a leading plus.
func bare(e parser.Expr) parser.Expr {
	for {
		switch v := e.(type) {
		case *parser.ParenExpr:
			e = v.Expr
		case *parser.UnaryExpr:
			if v.Op != parser.ADD {
				return e
			}
			e = v.Expr
		default:
			return e
		}
	}
}

// constant does the arithmetic of an expression that reads no series.
func constant(e parser.Expr) (float64, bool) {
	switch v := bare(e).(type) {
	case *parser.NumberLiteral:
		return v.Val, true
	case *parser.UnaryExpr:
		x, ok := constant(v.Expr)
		return -x, ok
	case *parser.BinaryExpr:
		x, ok := constant(v.LHS)
		if !ok {
			return 0, false
		}
		y, ok := constant(v.RHS)
		if !ok {
			return 0, false
		}
		return calculate(v.Op, x, y)
	}
	return 0, false
}

func calculate(op parser.ItemType, x, y float64) (float64, bool) {
	switch op {
	case parser.ADD:
		return x + y, true
	case parser.SUB:
		return x - y, true
	case parser.MUL:
		return x * y, true
	case parser.DIV:
		return x / y, true
	case parser.MOD:
		return math.Mod(x, y), true
	case parser.POW:
		return math.Pow(x, y), true
	}
	return 0, false
}

func near(x, y float64) bool {
	if x == y || math.IsNaN(x) && math.IsNaN(y) {
		return true
	}
	return math.Abs(x-y) <= tolerance*max(1, math.Abs(x), math.Abs(y)) && !math.IsInf(x, 0) && !math.IsInf(y, 0)
}

func sameSelector(x, y *parser.VectorSelector) bool {
	return x.OriginalOffset == y.OriginalOffset && x.StartOrEnd == y.StartOrEnd && sameTime(x.Timestamp, y.Timestamp) &&
		slices.Equal(matchersOf(x), matchersOf(y))
}

// matchersOf sorts the matchers and leaves out doubles; the metric's name is one of them.
func matchersOf(v *parser.VectorSelector) []Matcher {
	list := make([]Matcher, 0, len(v.LabelMatchers)+1)
	for _, m := range v.LabelMatchers {
		list = append(list, Matcher{Name: m.Name, Op: m.Type.String(), Value: m.Value})
	}
	if v.Name != "" {
		list = append(list, Matcher{Name: labels.MetricName, Op: "=", Value: v.Name})
	}
	slices.SortFunc(list, compareMatchers)
	return slices.Compact(list)
}

func compareMatchers(a, b Matcher) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Op, b.Op), cmp.Compare(a.Value, b.Value))
}

func sameParam(x, y parser.Expr) bool {
	if x == nil || y == nil {
		return x == nil && y == nil
	}
	return equal(x, y)
}

func sameTime(x, y *int64) bool {
	if x == nil || y == nil {
		return x == nil && y == nil
	}
	return *x == *y
}

func sameSet(x, y []string) bool {
	x, y = slices.Clone(x), slices.Clone(y)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(slices.Compact(x), slices.Compact(y))
}

func sameMatching(x, y *parser.VectorMatching) bool {
	if x == nil || y == nil {
		return x == nil && y == nil
	}
	return x.Card == y.Card && x.On == y.On && sameSet(x.MatchingLabels, y.MatchingLabels) && sameSet(x.Include, y.Include)
}
