package promrules

import (
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
)

// scrape is how far apart the samples of a proof are, rps how many events a
// second it has.
const (
	scrape = 15 * time.Second
	rps    = 100
)

// Proof is a file for "promtool test rules" that shows an objective's rules at
// work: an hour without a failure and without an alert, then an outage; just
// before the arithmetic allows it the fastest alert is silent, just after it
// fires. rules names the file with the rules.
//
// It needs counters of which series can be made up: one selector for each of two
// of good, bad and total.
func Proof(s pitwall.SLO, o Options, rules string) ([]byte, error) {
	m, err := newMaking(s, o)
	if err != nil {
		return nil, err
	}
	t, ok := fastest(s)
	if !ok {
		return nil, wrong(s, "", fmt.Errorf("it has no tier that burns"))
	}
	if s.SLI.Kind != pitwall.SLIEvents {
		return nil, wrong(s, "", fmt.Errorf("a proof needs counters of events"))
	}
	// Twice the limit is well above it, and well below everything failing.
	limit := t.Factor * m.budget
	errors := math.Round(min(1, 2*limit)*rps*scrape.Seconds()) / (rps * scrape.Seconds())
	if errors <= limit*1.2 {
		return nil, wrong(s, "", fmt.Errorf("tier %s is too near to everything failing for a proof", t.Name))
	}
	begin := max(time.Hour, t.Long+10*time.Minute)
	detect := time.Duration(float64(t.Long)*limit/errors) + t.For
	end := begin + detect + m.guarded(t, limit, errors) + 4*m.every(t)
	series, err := m.world(begin, end, errors)
	if err != nil {
		return nil, wrong(s, "", err)
	}
	alerts := func(state string) string {
		return fmt.Sprintf("count(ALERTS{alertname=%q,slo=%q,tier=%q%s}) or vector(0)", o.alert(), string(s.Name), t.Name, state)
	}
	silent, firing := begin+detect-2*m.every(t), end-m.every(t)
	p := &proof{}
	p.line("# An outage of %s of all events, for which tier %s fires after %s.", percent(errors), t.Name, detect.Round(time.Second))
	p.line("rule_files: [%s]", strconv.Quote(rules))
	p.line("evaluation_interval: %s", promql.Duration(m.every(t)))
	p.line("group_eval_order: [%s]", strings.Join(m.order(), ", "))
	p.line("tests:")
	p.line("- interval: %s", promql.Duration(scrape))
	p.line("  input_series:")
	for _, x := range series {
		p.line("  - series: %s", strconv.Quote(x.selector))
		p.line("    values: %s", strconv.Quote(x.values))
	}
	p.line("  promql_expr_test:")
	p.expect(alerts(""), begin, 0)
	p.expect(alerts(`,alertstate="firing"`), silent, 0)
	p.expect(alerts(`,alertstate="firing"`), firing, 1)
	return []byte(p.String()), nil
}

// order names the groups as they must be evaluated: promtool takes one pace for
// all of them and any order, and what an alert reads from a group that comes later
// may by then be older than the five minutes that PromQL looks back.
func (m making) order() []string {
	var names []string
	for _, g := range m.groups() {
		names = append(names, strconv.Quote(g.Name))
	}
	return names
}

// proof is the text of a test.
type proof struct{ strings.Builder }

func (p *proof) line(format string, args ...any) {
	fmt.Fprintf(&p.Builder, format+"\n", args...)
}

func (p *proof) expect(expr string, at time.Duration, value float64) {
	p.line("  - expr: %s", strconv.Quote(expr))
	p.line("    eval_time: %s", promql.Duration(at.Round(time.Second)))
	p.line("    exp_samples: [{labels: '{}', value: %s}]", promql.Literal(value))
}

func percent(v float64) string { return promql.Literal(promql.Clean(v*100)) + " %" }

// every is how often the alert of a tier is evaluated.
func (m making) every(t pitwall.BurnTier) time.Duration {
	if t.Long <= time.Hour {
		return m.o.interval()
	}
	return 4 * m.o.interval()
}

// guarded is how much longer the guard against chance takes.
func (m making) guarded(t pitwall.BurnTier, limit, errors float64) time.Duration {
	n := rps * t.Long.Seconds()
	more := quantile(t) * math.Sqrt(n*limit*(1-limit)) / (rps * errors)
	return time.Duration(more*float64(time.Second)) + time.Second
}

// fastest is the tier that fires first on an outage: the shortest long window.
func fastest(s pitwall.SLO) (best pitwall.BurnTier, ok bool) {
	for _, t := range s.Tiers {
		if burns(t) && (!ok || t.Long < best.Long) {
			best, ok = t, true
		}
	}
	return best, ok
}

// counter is a series of a proof.
type counter struct{ selector, values string }

// world makes up series of which the objective's queries see an outage.
func (m making) world(begin, end time.Duration, errors float64) ([]counter, error) {
	q := m.s.SLI.Query
	one := func(query string) (promql.Selector, error) {
		e, err := promql.Parse(query)
		if err != nil {
			return promql.Selector{}, err
		}
		if list := promql.Selectors(e); len(list) == 1 && list[0].Metric != "" && list[0].Offset == 0 && promql.Scale(e) == 1 {
			return list[0], nil
		}
		return promql.Selector{}, fmt.Errorf("a proof needs queries of one counter each, not %s", query)
	}
	step := int(rps * scrape.Seconds())
	bad := int(math.Round(errors * float64(step)))
	before, after := int(begin/scrape), int((end-begin)/scrape)+8
	rising := func(s string, first, then int) counter {
		return counter{s, fmt.Sprintf("0+%dx%d %d+%dx%d", first, before, first*before+then, then, after)}
	}
	switch {
	case q.Bad != "" && q.Total != "":
		b, err := one(q.Bad)
		if err != nil {
			return nil, err
		}
		all, err := one(q.Total)
		if err != nil {
			return nil, err
		}
		return apart(b, all, func(bs, rest string, inside bool) []counter {
			if inside {
				return []counter{rising(bs, 0, bad), rising(rest, step, step-bad)}
			}
			return []counter{rising(bs, 0, bad), rising(rest, step, step)}
		})
	case q.Good != "" && q.Total != "":
		g, err := one(q.Good)
		if err != nil {
			return nil, err
		}
		all, err := one(q.Total)
		if err != nil {
			return nil, err
		}
		return apart(g, all, func(gs, rest string, inside bool) []counter {
			if inside {
				return []counter{rising(gs, step, step-bad), rising(rest, 0, bad)}
			}
			return []counter{rising(gs, step, step-bad), rising(rest, step, step)}
		})
	}
	return nil, fmt.Errorf("a proof needs total and one of good and bad")
}

// apart makes a series for a part of all and one for the rest: of one metric the
// rest is what the part leaves out, of two metrics each has its own.
func apart(part, all promql.Selector, make func(part, rest string, inside bool) []counter) ([]counter, error) {
	labels := map[string]string{}
	for _, m := range slices.Concat(all.Matchers, part.Matchers) {
		v, err := matching(m)
		if err != nil {
			return nil, err
		}
		labels[m.Name] = v
	}
	if part.Metric != all.Metric {
		rest := map[string]string{}
		for _, m := range all.Matchers {
			rest[m.Name] = labels[m.Name]
		}
		return make(seriesOf(part.Metric, labels), seriesOf(all.Metric, rest), false), nil
	}
	rest := map[string]string{}
	for name, v := range labels {
		rest[name] = v
	}
	for _, m := range part.Matchers {
		if slices.Contains(all.Matchers, m) {
			continue
		}
		v, err := failing(m)
		if err != nil {
			return nil, err
		}
		rest[m.Name] = v
		return make(seriesOf(part.Metric, labels), seriesOf(all.Metric, rest), true), nil
	}
	return nil, fmt.Errorf("%s and %s select the same", part.Text, all.Text)
}

func seriesOf(metric string, labels map[string]string) string {
	var list []string
	for _, l := range promql.LabelsOf(labels) {
		if l.Value != "" {
			list = append(list, l.Name+"="+strconv.Quote(l.Value))
		}
	}
	return metric + "{" + strings.Join(list, ",") + "}"
}

// matching is a value that a condition takes, failing one that it does not.
func matching(m promql.Matcher) (string, error) { return value(m, true) }

func failing(m promql.Matcher) (string, error) { return value(m, false) }

func value(m promql.Matcher, want bool) (string, error) {
	if m.Op == "!=" || m.Op == "!~" {
		want = !want
	}
	literal := m.Op == "=" || m.Op == "!="
	if literal && want {
		return m.Value, nil
	}
	pattern := "^(?:" + m.Value + ")$"
	if literal {
		pattern = "^(?:" + regexp.QuoteMeta(m.Value) + ")$"
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return "", err
	}
	for _, v := range []string{sample(pattern), "ok", "200", "other", "0", "GET", m.Value} {
		if re.MatchString(v) == want && v != "" {
			return v, nil
		}
	}
	return "", fmt.Errorf("no value is found for %s", m)
}

// sample is a short text that a regular expression matches, "" if none is found.
func sample(pattern string) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	return walk(re.Simplify())
}

func walk(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		if len(re.Rune) > 0 {
			return string(re.Rune[0])
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "0"
	case syntax.OpCapture, syntax.OpPlus, syntax.OpAlternate:
		return walk(re.Sub[0])
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(walk(sub))
		}
		return b.String()
	}
	return ""
}
