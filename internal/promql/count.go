package promql

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// Reading says how the samples of a series add up to events.
type Reading string

// The readings.
const (
	Increase Reading = "increase" // a counter: what it grew by
	Sum      Reading = "sum"      // each sample is a number of events
	Number   Reading = "number"   // each sample is one event
	Limit    Reading = "limit"    // each sample is one event, good while it keeps to the limit
	Share    Reading = "share"    // each sample is the share of bad events of its step
)

// Term is one kind of series in a sum: so many events for each that is read.
type Term struct {
	Coefficient float64
	Selector    string // of the series; raw samples are read unless Wrap is set
	// Wrap turns a native histogram into a number, such as histogram_count(%[1]s), by
	// evaluating PromQL.
	Wrap    string
	Reading Reading

	inside string // the selector's matchers, without braces
}

// Count is a sum of terms. Events are counted sample by sample, so the windows
// of rate and increase do not matter.
type Count struct {
	Terms []Term

	perSecond, amount bool            // in which unit the expression gave its values
	windows           []time.Duration // of amounts
	plain             bool            // a selector without a function, which may be a gauge
}

// maxFactor bounds what one event may stand for, so that sums stay exact.
const maxFactor = 1e9

// CompileCount reads an expression that adds up counters: selectors under rate,
// increase or irate or bare, sum, + and −, × and ÷ by numbers, "or vector(0)",
// sum_over_time and count_over_time, histogram_count and its product with
// histogram_fraction. Anything else is refused with its place and the reason.
func CompileCount(query string) (Count, error) {
	e, err := Parse(query)
	if err != nil {
		return Count{}, err
	}
	c := compiling{query: query}
	if err := c.add(e.node, 1); err != nil {
		return Count{}, err
	}
	if c.perSecond && c.amount {
		return Count{}, c.refuse(e.node, "it adds rates, which are per second, to numbers of events", "use rate throughout, or increase")
	}
	c.Terms = merge(c.Terms)
	for _, t := range c.Terms {
		if math.Abs(t.Coefficient) > maxFactor {
			return Count{}, c.refuse(e.node, fmt.Sprintf("it counts %g events for each", t.Coefficient), "count each event once")
		}
	}
	if len(c.Terms) == 0 {
		return Count{}, c.refuse(e.node, "it counts nothing", "name a counter such as http_requests_total")
	}
	return c.Count, nil
}

// compiling is an expression on its way to a Count.
type compiling struct {
	query string
	Count
}

func (c *compiling) refuse(n parser.Node, text, hint string) error {
	return Wrong(c.query, int(n.PositionRange().Start), hint, text)
}

// notACount is the hint of most refusals.
const notACount = "only sums and differences of counters are counted exactly; this one can be evaluated at each step instead"

// add adds factor times n.
func (c *compiling) add(n parser.Expr, factor float64) error {
	if v, ok := constant(n); ok {
		if v == 0 {
			return nil
		}
		return c.refuse(n, "a number is no count of events", notACount)
	}
	switch n := n.(type) {
	case *parser.ParenExpr:
		return c.add(n.Expr, factor)
	case *parser.StepInvariantExpr:
		return c.add(n.Expr, factor)
	case *parser.UnaryExpr:
		if n.Op == parser.SUB {
			factor = -factor
		}
		return c.add(n.Expr, factor)
	case *parser.AggregateExpr:
		if n.Op != parser.SUM {
			return c.refuse(n, fmt.Sprintf("%s keeps less than all events of its series", n.Op), notACount)
		}
		return c.add(n.Expr, factor)
	case *parser.BinaryExpr:
		return c.binary(n, factor)
	case *parser.Call:
		return c.call(n, factor)
	case *parser.VectorSelector:
		c.plain, c.amount = true, true
		return c.term(n, Term{Coefficient: factor, Reading: Increase})
	}
	return c.refuse(n, fmt.Sprintf("a %s is no sum of counters", n.Type()), notACount)
}

func (c *compiling) binary(n *parser.BinaryExpr, factor float64) error {
	right, isNumber := constant(n.RHS)
	left, alsoLeft := constant(n.LHS)
	if multiplies(n) {
		return c.refuse(n, "group_left and group_right count series more than once", notACount)
	}
	switch n.Op {
	case parser.ADD, parser.SUB:
		if err := c.add(n.LHS, factor); err != nil {
			return err
		}
		if n.Op == parser.SUB {
			factor = -factor
		}
		return c.add(n.RHS, factor)
	case parser.MUL:
		switch {
		case isNumber && finite(right):
			return c.add(n.LHS, factor*right)
		case alsoLeft && finite(left):
			return c.add(n.RHS, factor*left)
		}
		return c.fraction(n, factor)
	case parser.DIV:
		if isNumber && right != 0 && finite(right) {
			return c.add(n.LHS, factor/right)
		}
		return c.refuse(n, "a quotient is a ratio, no count", "give its two parts as good or bad and as total, or use it as a ratio")
	case parser.LOR:
		return c.or(n, factor)
	case parser.GTR, parser.GTE, parser.NEQ:
		if isNumber && right == 0 && !n.ReturnBool { // drops what counts nothing
			return c.add(n.LHS, factor)
		}
	}
	return c.refuse(n, fmt.Sprintf("%q keeps some values and drops others", n.Op), notACount)
}

// multiplies says whether one series meets many.
func multiplies(n *parser.BinaryExpr) bool {
	m := n.VectorMatching
	return m != nil && (m.Card == parser.CardManyToOne || m.Card == parser.CardOneToMany)
}

// or takes the left side, if the right is zero wherever it stands in.
func (c *compiling) or(n *parser.BinaryExpr, factor float64) error {
	if !c.zero(n.RHS) {
		return c.refuse(n, "\"or\" chooses between two counts", "only a zero may stand on its right: or vector(0)")
	}
	return c.add(n.LHS, factor)
}

// zero says whether an expression counts nothing, whatever its series say.
func (c *compiling) zero(n parser.Expr) bool {
	rest := compiling{query: c.query}
	return rest.add(n, 1) == nil && len(merge(rest.Terms)) == 0
}

func (c *compiling) call(n *parser.Call, factor float64) error {
	switch n.Func.Name {
	case "rate", "irate":
		c.perSecond = true
		return c.over(n, Term{Coefficient: factor, Reading: Increase})
	case "increase":
		return c.amounts(n, Term{Coefficient: factor, Reading: Increase})
	case "sum_over_time":
		return c.amounts(n, Term{Coefficient: factor, Reading: Sum})
	case "count_over_time":
		return c.amounts(n, Term{Coefficient: factor, Reading: Number})
	case "histogram_count", "histogram_sum":
		return c.native(n.Args[0], Term{Coefficient: factor, Reading: Increase, Wrap: n.Func.Name + "(%[1]s)"})
	case "vector":
		return c.add(n.Args[0], factor)
	case "label_replace", "label_join":
		return c.add(n.Args[0], factor)
	case "clamp_min": // what a counter loses is made up for, never negative
		if v, ok := constant(n.Args[1]); ok && v == 0 {
			return c.add(n.Args[0], factor)
		}
	}
	return c.refuse(n, n.Func.Name+" is no sum of counters", notACount)
}

// over reads the one selector under a function of a range.
func (c *compiling) over(n *parser.Call, t Term) error {
	m, ok := bare(n.Args[0]).(*parser.MatrixSelector)
	if !ok {
		return c.refuse(n.Args[0], n.Func.Name+" of a subquery sees values at some moments only", notACount)
	}
	v, ok := m.VectorSelector.(*parser.VectorSelector)
	if !ok {
		return c.refuse(m, "it selects no series", notACount)
	}
	return c.term(v, t)
}

func (c *compiling) amounts(n *parser.Call, t Term) error {
	c.amount = true
	if m, ok := bare(n.Args[0]).(*parser.MatrixSelector); ok {
		c.windows = append(c.windows, m.Range)
	}
	return c.over(n, t)
}

// fraction reads histogram_fraction(a, b, h) * histogram_count(h).
func (c *compiling) fraction(n *parser.BinaryExpr, factor float64) error {
	share, count := named(n.LHS, "histogram_fraction"), named(n.RHS, "histogram_count")
	if share == nil {
		share, count = named(n.RHS, "histogram_fraction"), named(n.LHS, "histogram_count")
	}
	if share == nil || count == nil || !equal(share.Args[2], count.Args[0]) {
		return c.refuse(n, "a product of two series is no count", "of products only histogram_fraction(a, b, h) * histogram_count(h) is counted")
	}
	return c.native(share.Args[2], Term{Coefficient: factor, Reading: Increase, Wrap: wrapFraction(share)})
}

// wrapFraction is how many observations of a histogram lie between two bounds.
func wrapFraction(share *parser.Call) string {
	return fmt.Sprintf("histogram_fraction(%s, %s, %%[1]s) * histogram_count(%%[1]s)", share.Args[0], share.Args[1])
}

// native reads the selector of a native histogram, through sums and rates.
func (c *compiling) native(n parser.Expr, t Term) error {
	switch n := bare(n).(type) {
	case *parser.AggregateExpr:
		if n.Op == parser.SUM {
			return c.native(n.Expr, t)
		}
	case *parser.Call:
		switch n.Func.Name {
		case "rate", "irate":
			c.perSecond = true
			return c.over(n, t)
		case "increase":
			return c.amounts(n, t)
		}
	case *parser.VectorSelector:
		c.plain, c.amount = true, true
		return c.term(n, t)
	}
	return c.refuse(n, "it is no native histogram, or sum of native histograms", notACount)
}

// named gives a call of a function.
func named(n parser.Expr, function string) *parser.Call {
	if call, ok := bare(n).(*parser.Call); ok && call.Func.Name == function {
		return call
	}
	return nil
}

// term takes a selector in.
func (c *compiling) term(v *parser.VectorSelector, t Term) error {
	switch {
	case v.OriginalOffset != 0 || v.OriginalOffsetExpr != nil:
		return c.refuse(v, "offset looks at another time than the one that is counted", "leave offset out")
	case v.Timestamp != nil || v.StartOrEnd != 0:
		return c.refuse(v, "@ looks at another time than the one that is counted", "leave @ out")
	case t.Wrap != "" && strings.HasSuffix(v.Name, "_bucket"):
		return c.refuse(v, "the buckets of a classic histogram are counters, no native histogram", "select the bucket of your limit: "+v.Name+`{le="0.5"}`)
	}
	t.Selector, t.inside = canonical(v)
	c.Terms = append(c.Terms, t)
	return nil
}
