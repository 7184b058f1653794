package promql

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// StepWeight is how many events a step weighs whose indicator is a mere ratio:
// how much happened in it is not known, so every step weighs the same.
const StepWeight = 1000

// openWindow fills in [{{.window}}] where an expression is evaluated.
const openWindow = 5 * time.Minute

// Source is something that is read for an indicator, and what it counts for.
type Source struct {
	Selector string // whose raw samples are read; empty: Query is evaluated
	Query    string // evaluated at the end of each step
	Reading  Reading
	// Bad and Total are how many bad events, and how many events, one unit read
	// stands for.
	Bad, Total float64

	inside, wrap string // of counters: how to ask for their past
}

// Plan says how an indicator is counted.
type Plan struct {
	Sources []Source
	Op      pitwall.Compare // of readings with a limit
	Limit   float64
	// Approximate says why not each event is counted by itself; empty: each is.
	Approximate string
}

// Compile reads the queries of an indicator for a ledger of the given step. What
// is no sum of counters is evaluated as PromQL at the end of each step, and
// Approximate says so. A query that cannot be read is an error with its place.
func Compile(q pitwall.SLIQuery, step time.Duration) (Plan, error) {
	given := 0
	for _, text := range []string{q.Good, q.Bad, q.Total} {
		if text != "" {
			given++
		}
	}
	switch {
	case q.Value != "" && q.Ratio == "" && given == 0:
		return compileValue(q)
	case q.Ratio != "" && q.Value == "" && given == 0:
		return compileRatio(q, step)
	case q.Ratio == "" && q.Value == "" && given == 2:
		return compileEvents(q, step)
	}
	return Plan{}, &pitwall.Error{Op: "reading PromQL", Kind: pitwall.Invalid,
		Err:  errors.New("an indicator is two of good, bad and total, or a ratio, or a value"),
		Hint: "give good and total, for example"}
}

// compileEvents counts two of good, bad and total.
func compileEvents(q pitwall.SLIQuery, step time.Duration) (Plan, error) {
	var counts [3]Count
	for i, text := range []string{q.Good, q.Bad, q.Total} {
		if text == "" {
			continue
		}
		var err error
		if counts[i], err = CompileCount(text); err != nil {
			return evaluateEvents(q, step, err)
		}
	}
	good, bad, total := counts[0], counts[1], counts[2]
	switch {
	case q.Bad == "":
		bad.Terms = total.plus(good, -1)
	case q.Total == "":
		total.Terms = good.plus(bad, 1)
	}
	return exact(bad.Terms, total.Terms), nil
}

// evaluateEvents reads the values of the expressions at each step instead.
func evaluateEvents(q pitwall.SLIQuery, step time.Duration, why error) (Plan, error) {
	var p Plan
	open := max(openWindow, step)
	for _, side := range []struct {
		text       string
		bad, total float64
	}{{q.Good, 0, 1}, {q.Bad, 1, 1}, {q.Total, 0, 1}} {
		if side.text == "" {
			continue
		}
		pace, err := paceOf(side.text, open)
		if err != nil {
			return Plan{}, err
		}
		n := pace.events(step)
		p.Sources = append(p.Sources, Source{Query: WithWindow(side.text, open), Reading: Sum, Bad: side.bad * n, Total: side.total * n})
	}
	switch {
	case q.Bad == "": // bad = total − good
		p.Sources[0].Bad, p.Sources[0].Total, p.Sources[1].Bad = -p.Sources[0].Total, 0, p.Sources[1].Total
	case q.Good == "":
		p.Sources[0].Total = 0
	}
	p.Approximate = "it is evaluated at each step, not counted: " + reason(why)
	return p, nil
}

func compileRatio(q pitwall.SLIQuery, step time.Duration) (Plan, error) {
	part, whole, err := CompileRatio(q.Ratio)
	if err != nil {
		if _, perr := Parse(q.Ratio); perr != nil {
			return Plan{}, perr
		}
		s := Source{Query: WithWindow(q.Ratio, max(openWindow, step)), Reading: Share, Bad: 1, Total: 1}
		if !q.RatioOfBad {
			s.Bad = -1
		}
		return Plan{Sources: []Source{s}, Approximate: fmt.Sprintf("every step weighs the same, %d events: %s", StepWeight, reason(err))}, nil
	}
	if !q.RatioOfBad {
		part.Terms = whole.plus(part, -1)
	}
	return exact(part.Terms, whole.Terms), nil
}

func compileValue(q pitwall.SLIQuery) (Plan, error) {
	e, err := Parse(q.Value)
	if err != nil {
		return Plan{}, err
	}
	if !known(q.Op) || math.IsNaN(q.Limit) {
		return Plan{}, &pitwall.Error{Op: "reading PromQL", Kind: pitwall.Invalid,
			Err: fmt.Errorf("a value is compared with lt, lte, gt or gte and a number, not with %q and %v", q.Op, q.Limit), Hint: "give op and value"}
	}
	p := Plan{Op: q.Op, Limit: q.Limit}
	c := compiling{query: q.Value}
	if _, one := OneSelector(e); one && c.add(e.node, 1) == nil {
		p.Sources = []Source{{Selector: c.Terms[0].Selector, Reading: Limit, Bad: 1, Total: 1}}
		return p, nil
	}
	p.Sources = []Source{{Query: WithWindow(q.Value, openWindow), Reading: Limit, Bad: 1, Total: 1}}
	p.Approximate = "the expression is evaluated at each step; what it was in between is not seen"
	return p, nil
}

// exact is the plan of two sums of terms.
func exact(bad, total []Term) Plan {
	var p Plan
	put := func(t Term, b, n float64) {
		i := slices.IndexFunc(p.Sources, func(s Source) bool { return s.inside == t.inside && s.wrap == t.Wrap && s.Reading == t.Reading })
		if i < 0 {
			i = len(p.Sources)
			s := Source{Selector: t.Selector, Reading: t.Reading, inside: t.inside, wrap: t.Wrap}
			if t.Wrap != "" {
				s.Selector, s.Query = "", fmt.Sprintf(t.Wrap, t.Selector)
			}
			p.Sources = append(p.Sources, s)
		}
		p.Sources[i].Bad += b
		p.Sources[i].Total += n
		switch {
		case strings.HasPrefix(t.Wrap, "histogram_fraction"):
			p.Approximate = "native histograms are read every 15 s by PromQL; within a bucket observations are taken to lie evenly"
		case t.Wrap != "" && p.Approximate == "":
			p.Approximate = "native histograms are read every 15 s by PromQL"
		}
	}
	for _, t := range total {
		put(t, 0, t.Coefficient)
	}
	for _, t := range bad {
		put(t, t.Coefficient, 0)
	}
	return p
}

// reason is a refusal without what was being done.
func reason(err error) string {
	var at *SyntaxError
	if errors.As(err, &at) {
		return at.Error()
	}
	return err.Error()
}

// String words how it is counted, for "show the maths".
func (p Plan) String() string {
	var bad, total []string
	for _, s := range p.Sources {
		what := s.words()
		if s.Bad != 0 {
			bad = append(bad, signed(s.Bad, what, len(bad) == 0))
		}
		if s.Total != 0 {
			total = append(total, signed(s.Total, what, len(total) == 0))
		}
	}
	text := "bad = " + strings.Join(bad, " ") + "; total = " + strings.Join(total, " ")
	if len(p.Sources) == 1 && p.Sources[0].Reading == Limit {
		text = "events = " + p.Sources[0].what() + "; good: " + sign(p.Op) + " " + strconv.FormatFloat(p.Limit, 'g', -1, 64)
	}
	if len(p.Sources) == 1 && p.Sources[0].Reading == Share {
		text = "share of good events = " + p.Sources[0].Query
		if p.Sources[0].Bad > 0 {
			text = "share of bad events = " + p.Sources[0].Query
		}
	}
	if p.Approximate != "" {
		return text + " (" + p.Approximate + ")"
	}
	return text + " (sample by sample; nothing is extrapolated)"
}

func (s Source) words() string { return string(s.Reading) + " of " + s.what() }

func (s Source) what() string {
	if s.Query != "" {
		return s.Query
	}
	return s.Selector
}

func signed(factor float64, what string, first bool) string {
	sign := "+ "
	switch {
	case factor < 0:
		sign, factor = "− ", -factor
	case first:
		sign = ""
	}
	if factor != 1 {
		return sign + strconv.FormatFloat(factor, 'g', 6, 64) + " × " + what
	}
	return sign + what
}

// sign is a comparison as people write it.
func sign(c pitwall.Compare) string {
	return map[pitwall.Compare]string{pitwall.Less: "<", pitwall.LessEqual: "<=", pitwall.Greater: ">", pitwall.GreaterEqual: ">="}[c]
}

func known(c pitwall.Compare) bool { return sign(c) != "" }
