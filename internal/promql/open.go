package promql

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// marker is a window nobody writes; it stands for [{{.window}}] while a query is
// an expression.
const (
	marker     = 987_654_321 * time.Millisecond
	markerText = "11d10h20m54s321ms"
	openText   = "{{.window}}"
)

// OpenWindows gives a query with every window in it left open, so that it can
// be asked over any: sum(rate(x[5m])) becomes sum(rate(x[{{.window}}])).
func OpenWindows(query string) (string, error) {
	return open(query, false)
}

// OpenCounter gives the sum over all series of what counters grew by in a
// second, with the window left open. Counters without rate or increase get rate:
// x - y becomes sum(rate(x[{{.window}}]) - rate(y[{{.window}}])). A comparison is
// refused: it leaves no counter.
func OpenCounter(query string) (string, error) {
	return open(query, true)
}

func open(query string, counter bool) (string, error) {
	e, err := Parse(query)
	if err != nil {
		return "", err
	}
	// Parsed anew, for what is rewritten here must not be the caller's.
	again, err := Parse(e.Text())
	if err != nil {
		return "", err
	}
	if strings.Contains(again.String(), markerText) {
		return "", Wrong(query, 0, "", "a window of "+markerText+" is not taken")
	}
	o := opening{query: query, counter: counter}
	node := o.rewrite(again.node)
	if o.err != nil {
		return "", o.err
	}
	if counter && !isSum(node) {
		node = &parser.AggregateExpr{Op: parser.SUM, Expr: bare(node)}
	}
	return strings.ReplaceAll(strings.ReplaceAll(node.String(), "["+markerText+"]", "["+openText+"]"), "["+markerText+":", "["+openText+":"), nil
}

// opening rewrites one query.
type opening struct {
	query   string
	counter bool
	err     error
}

// rewrite opens every window below a node; the depth was bounded by Parse.
func (o *opening) rewrite(e parser.Expr) parser.Expr {
	switch v := e.(type) {
	case *parser.ParenExpr:
		v.Expr = o.rewrite(v.Expr)
	case *parser.UnaryExpr:
		v.Expr = o.rewrite(v.Expr)
	case *parser.AggregateExpr:
		v.Expr = o.rewrite(v.Expr)
	case *parser.BinaryExpr:
		if o.counter && v.Op.IsComparisonOperator() {
			o.err = Wrong(o.query, int(v.PositionRange().Start), "count it as values, with op and value", fmt.Sprintf("a comparison (%s) leaves no counter", v.Op))
		}
		v.LHS, v.RHS = o.rewrite(v.LHS), o.rewrite(v.RHS)
	case *parser.Call:
		for i := range v.Args {
			v.Args[i] = o.rewrite(v.Args[i])
		}
	case *parser.MatrixSelector:
		v.Range, v.RangeExpr = marker, nil
	case *parser.SubqueryExpr:
		v.Range, v.RangeExpr = marker, nil
	case *parser.VectorSelector:
		if o.counter {
			return &parser.Call{Func: parser.Functions["rate"], Args: parser.Expressions{&parser.MatrixSelector{VectorSelector: v, Range: marker}}}
		}
	}
	return e
}

// isSum says whether a query already is one sum over everything.
func isSum(e parser.Expr) bool {
	a, ok := bare(e).(*parser.AggregateExpr)
	return ok && a.Op == parser.SUM && !a.Without && len(a.Grouping) == 0
}
