package pyrra

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
)

// Options are what Pyrra takes on its command line.
type Options struct {
	Generic bool // also the series that are named alike for every objective
	Kube    bool // as a PrometheusRule
}

// Generate makes the rules of Pyrra: what was seen over the window, the burn rate
// over each burn window, an alert for a metric that is gone and the four burn
// alerts.
func Generate(s Spec, o Options) (promql.Rules, error) {
	if dead, page := unreachable(s); len(dead) > 0 && !page && s.Alerting.Burnrates {
		return promql.Rules{}, &pitwall.Error{Op: "making Pyrra's rules", Kind: pitwall.Invalid, ID: s.Name, Err: fmt.Errorf("no page can ever fire: %s", strings.Join(dead, "; ")), Hint: "raise the target"}
	}
	m := making{s: s, target: promql.Literal(float64(s.Target))}
	files := promql.Rules{Comment: "Rules in the form of Pyrra, made by Pitwall. Do not edit.", Groups: []promql.Group{
		{Name: s.Name + "-increase", Interval: increaseInterval(s.Window), Rules: m.increases()},
		{Name: s.Name, Interval: 30 * time.Second, Rules: append(m.burnrates(), m.alerts()...)},
	}}
	if o.Generic && (len(s.Grouping) == 0 || s.Kind == LatencyNative) {
		files.Groups = append(files.Groups, promql.Group{Name: s.Name + "-generic", Interval: 30 * time.Second, Rules: m.generic()})
	}
	if o.Kube {
		files.Kube = &promql.KubeObject{Name: s.Name, Namespace: s.Namespace, Labels: promql.LabelsOf(s.Labels)}
	}
	return files, nil
}

// making is one objective while its rules are made.
type making struct {
	s      Spec
	target string
}

// labels are those of every rule: the objective's name, and labels of the
// manifest that are meant to be passed on.
func (m making) labels() map[string]string {
	l := passedOn(m.s.Labels)
	l["slo"] = m.s.Name
	return l
}

func passedOn(from map[string]string) map[string]string {
	l := map[string]string{}
	for name, value := range from {
		if short, ok := strings.CutPrefix(name, "pyrra.dev/"); ok {
			l[short] = value
		}
	}
	return l
}

// fixed are the labels that a selector holds to one value, without those grouped
// by: they are on every series anyway.
func (m making) fixed(grouping []string) map[string]string {
	l := m.labels()
	for _, c := range m.s.Total.Matchers {
		if c.Op == "=" {
			l[c.Name] = c.Value
		}
	}
	for _, g := range grouping {
		delete(l, g)
	}
	return l
}

// regex says whether a condition allows several values.
func regex(c promql.Matcher) bool { return c.Op == "=~" || c.Op == "!~" }

// kept are the labels that the sums over the window keep apart, so that groups
// and errors can still be told.
func (m making) kept() []string {
	list := slices.Clone(m.s.Grouping)
	for _, c := range m.s.Part.Matchers {
		if c.Name != "le" && !slices.ContainsFunc(m.s.Total.Matchers, func(t promql.Matcher) bool { return t.Name == c.Name }) {
			list = append(list, c.Name)
		}
	}
	for _, c := range m.s.Total.Matchers {
		if regex(c) || m.s.Kind == BoolGauge {
			list = append(list, c.Name)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// sumBy is "sum by (a, b) (", or "sum(" for no labels.
func sumBy(labels []string) string {
	if len(labels) == 0 {
		return "sum("
	}
	return "sum by (" + strings.Join(labels, ", ") + ") ("
}

// increases are the rules over the whole window.
func (m making) increases() []promql.Rule {
	s := m.s
	if s.Kind == LatencyNative {
		return m.nativeIncreases()
	}
	kept := m.kept()
	labels := m.fixed(kept)
	list := m.increase(s.Total, kept, labels, labels, "increase")
	partLabels := labels
	switch s.Kind {
	case Ratio:
		if s.Part.Name == s.Total.Name {
			return list
		}
	case Latency:
		partLabels = maps.Clone(labels)
		partLabels["le"] = s.bucket()
	case BoolGauge:
		return append(list, m.overTime(s.Total, kept, labels, "sum")...)
	}
	return append(list, m.increase(s.Part, kept, partLabels, partLabels, "increase")...)
}

// increase is the sum over the window of one metric, and the alert for its absence.
func (m making) increase(x Metric, kept []string, labels, alertLabels map[string]string, function string) []promql.Rule {
	var list []promql.Rule
	if m.s.Kind == BoolGauge {
		list = m.overTime(x, kept, labels, "count")
	} else {
		list = m.sums(x, kept, labels, function, increaseName)
	}
	if !m.s.Alerting.Absent {
		return list
	}
	alert := maps.Clone(alertLabels)
	alert["severity"] = m.s.Alerting.AbsentSeverity
	return append(list, promql.Rule{Alert: m.s.Alerting.AbsentName, Expr: "absent(" + x.String() + ") == 1", For: m.absentFor(),
		Labels: promql.LabelsOf(alert), Annotations: promql.LabelsOf(passedOn(m.s.Annotations))})
}

func (m making) overTime(x Metric, kept []string, labels map[string]string, what string) []promql.Rule {
	return m.sums(x, kept, labels, what+"_over_time", func(metric string, w time.Duration) string { return metric + ":" + what + promql.Duration(w) })
}

// sums records a metric summed up over the window; of a fast objective the sums
// of five minutes are summed up.
func (m making) sums(x Metric, kept []string, labels map[string]string, function string, name func(string, time.Duration) string) []promql.Rule {
	w := m.s.Window
	by := promql.LabelsOf(labels)
	direct := func(w time.Duration) promql.Rule {
		return promql.Rule{Record: name(x.Name, w), Labels: by, Expr: sumBy(kept) + function + "(" + x.String() + "[" + promql.Duration(w) + "]))"}
	}
	if !m.s.Fast {
		return []promql.Rule{direct(w)}
	}
	short := direct(5 * time.Minute)
	from := x.named(short.Record)
	if m.s.Kind == Latency && x.Name == m.s.Total.Name {
		from = x.named(short.Record, equal("le", "")) // the bucket is recorded under the same name
	}
	return []promql.Rule{short, {Record: name(x.Name, w), Labels: by, Expr: sumBy(kept) + "sum_over_time(" + from.String() + "[" + promql.Duration(w) + ":5m]))"}}
}

func (m making) nativeIncreases() []promql.Rule {
	labels, name := m.fixed(nil), increaseName(m.s.Total.Name, m.s.Window)
	h := sumBy(m.s.Grouping) + "increase(" + m.s.Total.String() + "[" + promql.Duration(m.s.Window) + "]))"
	fast := maps.Clone(labels)
	fast["le"] = m.s.bucket()
	return []promql.Rule{
		{Record: name, Expr: "histogram_count(" + h + ")", Labels: promql.LabelsOf(labels)},
		{Record: name, Expr: "histogram_fraction(0, " + promql.Literal(m.s.MaxLatency.Seconds()) + ", " + h + ") * histogram_count(" + h + ")", Labels: promql.LabelsOf(fast)},
	}
}

// bucket is the upper bound of the fast requests.
func (s Spec) bucket() string {
	if s.Kind == LatencyNative {
		return strconv.FormatFloat(s.MaxLatency.Seconds(), 'g', -1, 64)
	}
	for _, c := range s.Part.Matchers {
		if c.Name == "le" {
			return c.Value
		}
	}
	return ""
}

func increaseName(metric string, w time.Duration) string {
	for _, end := range []string{"_total", "_count", "_bucket"} {
		metric = strings.TrimSuffix(metric, end)
	}
	return metric + ":increase" + promql.Duration(w)
}

// increaseInterval: the longer the window, the less often it is summed up.
func increaseInterval(w time.Duration) time.Duration {
	weeks := min(int(w/(7*24*time.Hour)), 7)
	return time.Duration(weeks+1) * 30 * time.Second
}

// absentFor is how long a metric may be gone: as long as an outage with errors
// only would take to raise the fastest alert.
func (m making) absentFor() time.Duration {
	w := Windows(m.s.Window)[0]
	share := w.Factor * (1 - float64(m.s.Target))
	return (w.For + time.Duration(share*float64(w.Long))).Round(time.Minute)
}

// burnrates record the error ratio over each burn window once.
func (m making) burnrates() []promql.Rule {
	grouping := slices.Sorted(slices.Values(m.s.Grouping))
	by := sumBy(slices.Compact(grouping))
	labels := promql.LabelsOf(m.fixed(m.s.Grouping))
	var list []promql.Rule
	for _, w := range m.lookBacks() {
		list = append(list, promql.Rule{Record: m.burnName(w), Expr: m.burnrate(by, "["+promql.Duration(w)+"]"), Labels: labels})
	}
	return list
}

func (m making) lookBacks() []time.Duration {
	var list []time.Duration
	for _, w := range Windows(m.s.Window) {
		list = append(list, w.Short, w.Long)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (m making) burnName(w time.Duration) string {
	return m.s.Total.base() + ":burnrate" + promql.Duration(w)
}

func (m making) burnrate(by, window string) string {
	total := m.s.Total.String() + window
	rate := by + "rate(" + total + "))"
	switch m.s.Kind {
	case Ratio:
		return by + "rate(" + m.s.Part.String() + window + ")) / " + rate
	case Latency:
		return "(" + rate + " - " + by + "rate(" + m.s.Part.String() + window + "))) / " + rate
	case LatencyNative:
		return "1 - histogram_fraction(0, " + promql.Literal(m.s.MaxLatency.Seconds()) + ", " + rate + ")"
	default:
		count := by + "count_over_time(" + total + "))"
		return "(" + count + " - " + by + "sum_over_time(" + total + "))) / " + count
	}
}

// alerts are the four burn alerts.
func (m making) alerts() []promql.Rule {
	if !m.s.Alerting.Burnrates {
		return nil
	}
	var where []promql.Matcher
	for _, c := range m.s.Total.Matchers {
		if !regex(c) || slices.Contains(m.s.Grouping, c.Name) {
			where = append(where, c)
		}
	}
	where = append(where, equal("slo", m.s.Name))
	selector := promql.Choose("", promql.SortMatchers(where))
	var list []promql.Rule
	for i, w := range Windows(m.s.Window) {
		limit := fmt.Sprintf(" > (%g * (1-%s))", w.Factor, m.target)
		labels := m.fixed(m.s.Grouping)
		labels["short"], labels["long"] = promql.Duration(w.Short), promql.Duration(w.Long)
		labels["severity"] = m.s.severity(i, w)
		labels["exhaustion"] = promql.Duration(time.Duration(m.s.Window.Seconds()/w.Factor) * time.Second)
		list = append(list, promql.Rule{Alert: m.s.Alerting.Name, For: w.For,
			Expr:   m.burnName(w.Short) + selector + limit + " and " + m.burnName(w.Long) + selector + limit,
			Labels: promql.LabelsOf(labels), Annotations: promql.LabelsOf(passedOn(m.s.Annotations))})
	}
	return list
}
