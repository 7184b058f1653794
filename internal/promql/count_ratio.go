package promql

import (
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// CompileRatio reads a quotient of two counts, or one minus it, such as
// sum(rate(errors[5m])) / sum(rate(requests[5m])), and gives the events above
// and below the stroke. histogram_fraction and avg_over_time are such quotients
// too. Parts in different units, and bare selectors, which may be gauges, are
// refused: what they give is not known to be a share of events.
func CompileRatio(query string) (part, whole Count, err error) {
	e, err := Parse(query)
	if err != nil {
		return Count{}, Count{}, err
	}
	q := quotient{compiling: compiling{query: query}, scale: 1}
	if err := q.read(e.node); err != nil {
		return Count{}, Count{}, err
	}
	if !(q.offset == 0 && q.scale == 1 || q.offset == 1 && q.scale == -1) {
		return Count{}, Count{}, q.refuse(e.node, "it is a quotient times or plus a number, no share from 0 to 1", "write a / b or 1 - a / b")
	}
	if !q.comparable() {
		return Count{}, Count{}, q.refuse(e.node, "the parts of the quotient come in different units or are not known to be counters", "write both as rate over the same window")
	}
	if q.above.largest() > q.below.largest() || q.below.largest() > maxFactor {
		return Count{}, Count{}, q.refuse(e.node, "what is above the stroke weighs more than what is below, as in a percentage", "leave out the factor")
	}
	part = Count{Terms: q.above.plus(Count{}, 1)}
	if q.scale < 0 {
		part.Terms = q.below.plus(q.above, -1)
	}
	whole = Count{Terms: merge(q.below.Terms)}
	if len(whole.Terms) == 0 {
		return Count{}, Count{}, q.refuse(e.node, "there is nothing below the stroke", "name a counter such as http_requests_total")
	}
	return part, whole, nil
}

// quotient is offset + scale × above / below.
type quotient struct {
	compiling
	offset, scale float64
	above, below  Count
}

func (q *quotient) read(n parser.Expr) error {
	switch n := n.(type) {
	case *parser.ParenExpr:
		return q.read(n.Expr)
	case *parser.StepInvariantExpr:
		return q.read(n.Expr)
	case *parser.UnaryExpr:
		if n.Op == parser.SUB {
			q.scale = -q.scale
		}
		return q.read(n.Expr)
	case *parser.BinaryExpr:
		return q.binary(n)
	case *parser.Call:
		return q.call(n)
	}
	return q.refuse(n, "it is no quotient of two counts", notACount)
}

func (q *quotient) binary(n *parser.BinaryExpr) error {
	left, isLeft := constant(n.LHS)
	right, isRight := constant(n.RHS)
	switch {
	case n.Op == parser.ADD && isLeft:
		q.offset += q.scale * left
		return q.read(n.RHS)
	case n.Op == parser.ADD && isRight:
		q.offset += q.scale * right
		return q.read(n.LHS)
	case n.Op == parser.SUB && isLeft:
		q.offset += q.scale * left
		q.scale = -q.scale
		return q.read(n.RHS)
	case n.Op == parser.SUB && isRight:
		q.offset -= q.scale * right
		return q.read(n.LHS)
	case n.Op == parser.MUL && isLeft:
		q.scale *= left
		return q.read(n.RHS)
	case n.Op == parser.MUL && isRight:
		q.scale *= right
		return q.read(n.LHS)
	case n.Op == parser.LOR: // where there is no traffic, there is no ratio: nothing stands in for it
		if !q.zero(n.RHS) {
			return q.refuse(n, "\"or\" chooses between two ratios", "only a zero may stand on its right: or vector(0)")
		}
		return q.read(n.LHS)
	case n.Op == parser.DIV && !isLeft && !isRight:
		return q.divide(n)
	}
	return q.refuse(n, "it is no quotient of two counts", notACount)
}

func (q *quotient) divide(n *parser.BinaryExpr) error {
	if multiplies(n) {
		return q.refuse(n, "group_left and group_right count series more than once", notACount)
	}
	above, below := compiling{query: q.query}, compiling{query: q.query}
	if err := above.add(n.LHS, 1); err != nil {
		return err
	}
	if err := below.add(n.RHS, 1); err != nil {
		return err
	}
	q.above, q.below = above.Count, below.Count
	return nil
}

func (q *quotient) call(n *parser.Call) error {
	switch n.Func.Name {
	case "label_replace", "label_join":
		return q.read(n.Args[0])
	case "clamp_min", "clamp_max", "clamp":
		if q.clampsToShare(n) {
			return q.read(n.Args[0])
		}
	case "histogram_fraction":
		above, below := compiling{query: q.query}, compiling{query: q.query}
		if err := above.native(n.Args[2], Term{Coefficient: 1, Reading: Increase, Wrap: wrapFraction(n)}); err != nil {
			return err
		}
		if err := below.native(n.Args[2], Term{Coefficient: 1, Reading: Increase, Wrap: "histogram_count(%[1]s)"}); err != nil {
			return err
		}
		q.above, q.below = above.Count, below.Count
		return nil
	case "avg_over_time":
		above, below := compiling{query: q.query}, compiling{query: q.query}
		if err := above.over(n, Term{Coefficient: 1, Reading: Sum}); err != nil {
			return err
		}
		if err := below.over(n, Term{Coefficient: 1, Reading: Number}); err != nil {
			return err
		}
		q.above, q.below = above.Count, below.Count
		return nil
	}
	return q.refuse(n, n.Func.Name+" is no quotient of two counts", notACount)
}

// clampsToShare says whether a clamp only keeps a share between 0 and 1.
func (q *quotient) clampsToShare(n *parser.Call) bool {
	limits := make([]float64, 0, 2)
	for _, arg := range n.Args[1:] {
		v, ok := constant(arg)
		if !ok {
			return false
		}
		limits = append(limits, v)
	}
	switch n.Func.Name {
	case "clamp_min":
		return limits[0] == 0
	case "clamp_max":
		return limits[0] == 1
	}
	return limits[0] == 0 && limits[1] == 1
}

// comparable says whether both parts are events of the same stretch of time.
func (q *quotient) comparable() bool {
	a, b := q.above, q.below
	if a.plain || b.plain || a.perSecond && a.amount || b.perSecond && b.amount || a.perSecond != b.perSecond {
		return false
	}
	return len(slices.Compact(sorted(append(slices.Clone(a.windows), b.windows...)))) <= 1
}

func sorted(list []time.Duration) []time.Duration {
	slices.Sort(list)
	return list
}

// pace is what one value of an evaluated expression stands for: so many events
// for each second, events of a window, or just events.
type pace struct {
	perSecond bool
	window    time.Duration
}

// events gives how many events a value stands for when it is read once each step.
func (p pace) events(step time.Duration) float64 {
	switch {
	case p.perSecond:
		return step.Seconds()
	case p.window > 0:
		return float64(step) / float64(p.window)
	}
	return 1
}

// paceOf looks at the functions of an expression. An open window is filled in
// with the given one.
func paceOf(query string, open time.Duration) (pace, error) {
	e, err := Parse(WithWindow(query, open))
	if err != nil {
		return pace{}, err
	}
	var found []pace
	walk(e.node, func(n parser.Node, _ time.Duration) {
		call, ok := n.(*parser.Call)
		if !ok {
			return
		}
		switch call.Func.Name {
		case "rate", "irate", "deriv":
			found = append(found, pace{perSecond: true})
		case "increase", "delta", "sum_over_time", "count_over_time":
			switch m := bare(call.Args[0]).(type) {
			case *parser.MatrixSelector:
				found = append(found, pace{window: m.Range})
			case *parser.SubqueryExpr:
				found = append(found, pace{window: m.Range})
			}
		}
	})
	for _, p := range found {
		if p != found[0] {
			return pace{}, Wrong(query, 0, "use one function and one window throughout", "it mixes rates and increases, or increases over several windows, so its values are in no one unit")
		}
	}
	if len(found) == 0 {
		return pace{}, nil
	}
	return found[0], nil
}
