package promql

import (
	"iter"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// NodeKind is what a piece of a query is.
type NodeKind string

// The kinds of nodes.
const (
	NodeNumber    NodeKind = "number"
	NodeString    NodeKind = "string"
	NodeSelector  NodeKind = "selector"
	NodeSubquery  NodeKind = "subquery"
	NodeCall      NodeKind = "call"      // of a function
	NodeAggregate NodeKind = "aggregate" // sum, avg …
	NodeBinary    NodeKind = "binary"
	NodeUnary     NodeKind = "unary" // a minus
)

// Node is a piece of a query in plain words, for those who look at its shape.
// Parentheses and leading plus signs are taken off.
type Node struct {
	Kind     NodeKind
	Op       string        // operator, function or aggregation: ">", "rate", "sum"
	Number   float64       // of a number
	Metric   string        // of a selector
	Matchers []Matcher     // of a selector, without the metric's name, sorted
	Window   time.Duration // of x[5m] and of a subquery
	Bool     bool          // a comparison that gives 0 or 1 instead of choosing series
	Labels   []string      // that an aggregation keeps, or drops if Without
	Without  bool
	At       int    // byte of the query where it starts
	Args     []Node // in the order written; a parameter of an aggregation last

	expr parser.Expr
}

// String is the piece of the query in Prometheus' own spacing.
func (n Node) String() string {
	if n.expr == nil {
		return ""
	}
	return n.expr.String()
}

// Tree is the query as nodes; ok is false for the zero Expr.
func Tree(e Expr) (n Node, ok bool) {
	if e.node == nil {
		return Node{}, false
	}
	return nodeOf(e.node), true
}

// All visits a node and everything below it, parents first.
func (n Node) All() iter.Seq[Node] {
	return func(yield func(Node) bool) { n.visit(yield) }
}

func (n Node) visit(yield func(Node) bool) bool {
	if !yield(n) {
		return false
	}
	for _, a := range n.Args {
		if !a.visit(yield) {
			return false
		}
	}
	return true
}

// Comparison says whether a node compares two sides.
func (n Node) Comparison() bool {
	if n.Kind != NodeBinary {
		return false
	}
	switch n.Op {
	case ">", ">=", "<", "<=", "==", "!=":
		return true
	}
	return false
}

// Constant is the value of a node that reads no series, such as 14.4 * (1-0.999).
func (n Node) Constant() (float64, bool) {
	switch {
	case n.Kind == NodeNumber:
		return n.Number, true
	case n.Kind == NodeUnary:
		v, ok := n.Args[0].Constant()
		return -v, ok
	case n.Kind == NodeCall && n.Op == "vector":
		return n.Args[0].Constant()
	case n.Kind != NodeBinary:
		return 0, false
	}
	x, ok := n.Args[0].Constant()
	if !ok {
		return 0, false
	}
	y, ok := n.Args[1].Constant()
	if !ok {
		return 0, false
	}
	return calculate(operator(n.Op), x, y)
}

// operator finds an operator's number by its sign.
func operator(op string) parser.ItemType {
	for _, t := range []parser.ItemType{parser.ADD, parser.SUB, parser.MUL, parser.DIV, parser.MOD, parser.POW} {
		if t.String() == op {
			return t
		}
	}
	return 0
}

// nodeOf copies the parser's tree, whose depth Parse has bounded.
func nodeOf(e parser.Expr) Node {
	e = bare(e)
	n := Node{At: int(e.PositionRange().Start), expr: e}
	switch v := e.(type) {
	case *parser.NumberLiteral:
		n.Kind, n.Number = NodeNumber, v.Val
	case *parser.StringLiteral:
		n.Kind = NodeString
	case *parser.VectorSelector:
		n.choose(v)
	case *parser.MatrixSelector:
		if s, ok := v.VectorSelector.(*parser.VectorSelector); ok {
			n.choose(s)
		}
		n.Window = v.Range
	case *parser.SubqueryExpr:
		n.Kind, n.Window, n.Args = NodeSubquery, v.Range, []Node{nodeOf(v.Expr)}
	case *parser.StepInvariantExpr:
		return nodeOf(v.Expr)
	case *parser.UnaryExpr:
		n.Kind, n.Op, n.Args = NodeUnary, v.Op.String(), []Node{nodeOf(v.Expr)}
	case *parser.BinaryExpr:
		n.Kind, n.Op, n.Bool, n.Args = NodeBinary, v.Op.String(), v.ReturnBool, []Node{nodeOf(v.LHS), nodeOf(v.RHS)}
	case *parser.AggregateExpr:
		n.Kind, n.Op, n.Labels, n.Without, n.Args = NodeAggregate, v.Op.String(), v.Grouping, v.Without, []Node{nodeOf(v.Expr)}
		if v.Param != nil {
			n.Args = append(n.Args, nodeOf(v.Param))
		}
	case *parser.Call:
		n.Kind, n.Op = NodeCall, v.Func.Name
		for _, a := range v.Args {
			n.Args = append(n.Args, nodeOf(a))
		}
	}
	return n
}

// choose fills in a selector.
func (n *Node) choose(v *parser.VectorSelector) {
	n.Kind, n.Metric = NodeSelector, v.Name
	for _, m := range matchersOf(v) {
		switch {
		case m.Name != labels.MetricName:
			n.Matchers = append(n.Matchers, m)
		case m.Op == "=":
			n.Metric = m.Value
		}
	}
}
