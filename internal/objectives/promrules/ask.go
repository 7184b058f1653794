package promrules

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
)

// ask writes the queries of bad and of all events.
func (m *making) ask() error {
	q := *m.s.SLI.Query
	switch m.s.SLI.Kind {
	case pitwall.SLIEvents:
		return m.askEvents(q)
	case pitwall.SLIValue:
		return m.askValue(q)
	case pitwall.SLIRatio:
		return m.askRatio(q)
	}
	return fmt.Errorf("an indicator of kind %q has no rule", m.s.SLI.Kind)
}

// askEvents makes bad and total of any two of good, bad and total. A counter that
// does not exist counts zero as long as the other one does.
func (m *making) askEvents(q pitwall.SLIQuery) error {
	good, bad, total, err := promql.OpenEvents(q)
	if err != nil {
		return err
	}
	orZero := func(a, b string) string { return "(" + a + " or 0 * " + b + ")" }
	switch {
	case bad != "" && total != "":
		m.bad, m.total = orZero(bad, total), total
	case good != "" && total != "":
		m.bad, m.total = total+" - "+orZero(good, total), total
	default:
		m.bad, m.total = orZero(bad, good), orZero(good, bad)+" + "+orZero(bad, good)
	}
	return nil
}

// askValue counts the samples that keep to the limit, once in every evaluation;
// NaN is no sample. Windows add those counts up.
func (m *making) askValue(q pitwall.SLIQuery) error {
	if _, err := promql.Parse(q.Value); err != nil {
		return err
	}
	sign, err := promql.Sign(q.Op)
	if err != nil {
		return err
	}
	value := promql.WithWindow(q.Value, m.o.interval())
	samples := fmt.Sprintf("((%s) == (%[1]s))", value)
	m.steps = []promql.Rule{
		{Record: "pitwall:slo_samples:all", Expr: "count" + samples},
		{Record: "pitwall:slo_samples:bad", Expr: "count" + samples + " - sum(" + samples + " " + sign + " bool " + promql.Literal(q.Limit) + ")"},
	}
	m.total = "sum_over_time(pitwall:slo_samples:all" + m.selector + "[{{.window}}]) / " + windowSeconds
	m.bad = "sum_over_time(pitwall:slo_samples:bad" + m.selector + "[{{.window}}]) / " + windowSeconds
	return nil
}

// windowSeconds stands for the length of the window in a query.
const windowSeconds = "{{.seconds}}"

// askRatio takes a ratio over each window, if it has a window, else the mean of
// what it was at every evaluation.
func (m *making) askRatio(q pitwall.SLIQuery) error {
	ratio, err := promql.OpenWindows(q.Ratio)
	if err != nil {
		return err
	}
	ratio = "avg(" + ratio + ")"
	if !q.RatioOfBad {
		ratio = "1 - " + ratio
	}
	m.ratio = ratio
	if !promql.HasWindow(ratio) {
		m.steps = []promql.Rule{{Record: "pitwall:slo_errors:now", Expr: ratio}}
		m.ratio = "avg_over_time(pitwall:slo_errors:now" + m.selector + "[{{.window}}])"
	}
	return nil
}
