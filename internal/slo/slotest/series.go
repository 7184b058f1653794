package slotest

import (
	"fmt"
	"regexp"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
)

// world is the series of a test: what a metrics store would hold.
type world struct {
	series []pitwall.Series
	at     map[string][]int // indices by selector
}

// newSeries reads one series: its name and labels, and its samples, the first at
// the start and then one for each step.
func newSeries(name, text string, start time.Time, step time.Duration) (pitwall.Series, error) {
	var s pitwall.Series
	e, err := promql.Parse(name)
	if err != nil {
		return s, err
	}
	n, _ := promql.Tree(e)
	if n.Kind != promql.NodeSelector || n.Window > 0 || n.Metric == "" {
		return s, fmt.Errorf("%q is no series such as x_total{code=\"200\"}", name)
	}
	s.Labels = map[string]string{"__name__": n.Metric}
	for _, m := range n.Matchers {
		if m.Op != "=" {
			return s, fmt.Errorf("%s%s%q: a series has labels with =", m.Name, m.Op, m.Value)
		}
		s.Labels[m.Name] = m.Value
	}
	list, err := values(text)
	if err != nil {
		return s, err
	}
	for i, v := range list {
		if v.there {
			s.T = append(s.T, start.Add(time.Duration(i)*step).UnixMilli())
			s.V = append(s.V, v.v)
		}
	}
	return s, nil
}

// answer gives the samples of the series that a selector chooses, with
// from < time ≤ to.
func (w *world) answer(selector string, p pitwall.Period) ([]pitwall.Series, error) {
	if w.at == nil {
		w.at = map[string][]int{}
	}
	list, known := w.at[selector]
	if !known {
		match, err := matcher(selector)
		if err != nil {
			return nil, err
		}
		for i, s := range w.series {
			if match(s.Labels) {
				list = append(list, i)
			}
		}
		w.at[selector] = list
	}
	var out []pitwall.Series
	for _, at := range list {
		s := w.series[at]
		cut := pitwall.Series{Labels: s.Labels}
		for i, t := range s.T {
			if t > p.From.UnixMilli() && t <= p.To.UnixMilli() {
				cut.T, cut.V = append(cut.T, t), append(cut.V, s.V[i])
			}
		}
		if len(cut.T) > 0 {
			out = append(out, cut)
		}
	}
	return out, nil
}

// matcher reads a selector as a condition on labels.
func matcher(selector string) (func(labels map[string]string) bool, error) {
	e, err := promql.Parse(selector)
	if err != nil {
		return nil, err
	}
	n, _ := promql.Tree(e)
	if n.Kind != promql.NodeSelector {
		return nil, fmt.Errorf("%q is no selector", selector)
	}
	type condition struct {
		name, value string
		pattern     *regexp.Regexp // nil: equality
		not         bool
	}
	var all []condition
	if n.Metric != "" {
		all = append(all, condition{name: "__name__", value: n.Metric})
	}
	for _, m := range n.Matchers {
		c := condition{name: m.Name, value: m.Value, not: m.Op == "!=" || m.Op == "!~"}
		if m.Op == "=~" || m.Op == "!~" {
			if c.pattern, err = regexp.Compile("^(?s:" + m.Value + ")$"); err != nil {
				return nil, fmt.Errorf("%q: %w", m.Value, err)
			}
		}
		all = append(all, c)
	}
	return func(labels map[string]string) bool {
		for _, c := range all {
			hit := labels[c.name] == c.value
			if c.pattern != nil {
				hit = c.pattern.MatchString(labels[c.name])
			}
			if hit == c.not {
				return false
			}
		}
		return true
	}, nil
}

// counted turns the series into the steps of an objective, as the collector does.
func (w *world) counted(s pitwall.SLO, p pitwall.Period, step time.Duration) ([]pitwall.LedgerStep, error) {
	plan, err := promql.Compile(*s.SLI.Query, step)
	if err != nil {
		return nil, fmt.Errorf("objective %s: %w", s.Name, err)
	}
	meter := promql.NewMeter(plan, step, 10*time.Minute)
	var answers [][]pitwall.Series
	for _, need := range meter.Needs(p) {
		if need.Query != "" {
			return nil, fmt.Errorf("objective %s evaluates %s as PromQL, which a test cannot: give its counts instead of series", s.Name, need.Query)
		}
		list, err := w.answer(need.Selector, need.Period)
		if err != nil {
			return nil, err
		}
		answers = append(answers, list)
	}
	// Nothing lies before a test: series that seem to be born are.
	return meter.Look(p, answers).Counts(s.Name), nil
}
