package alertlint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pitwall/pitwall/internal/promql"
)

func short(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// reach finds thresholds that nothing or everything meets. Where only one branch
// of an alert is dead, the rest still works: a warning.
func (c *corpus) reach(a alert) (list []Finding) {
	whole := c.empty(a.tree)
	for _, t := range tests(a.tree) {
		b := c.of(t.measured)
		switch {
		case t.never(b):
			level, part := Fault, "the alert never fires"
			if !whole {
				level, part = Warning, "this branch of it never fires"
			}
			f := a.finding(RuleCannotFire, level, fmt.Sprintf("%s %s %s: the left side lies between %s and %s", t.measured.String(), t.op, short(t.limit), short(b.low), short(b.high)),
				"It looks like cover, and there is none: "+part+".", "choose a threshold the value can reach; of a burn rate, factor × (1 − objective) must stay below 1")
			if b.high == 1 && t.limit > 1 && t.limit <= 100 && (t.op == ">" || t.op == ">=") {
				f.Instead = "a ratio lies between 0 and 1; for per cent write the hundredth part"
				f.Replacement = fmt.Sprintf("%s %s %s", t.measured.String(), t.op, short(t.limit/100))
			}
			list = append(list, f)
		case t.always(b):
			list = append(list, a.finding(RuleAlwaysFires, Fault, fmt.Sprintf("%s %s %s: the left side lies between %s and %s", t.measured.String(), t.op, short(t.limit), short(b.low), short(b.high)),
				"It fires as long as there are series, whatever they say; people learn to look away.", "choose a threshold that a healthy value does not meet"))
		}
	}
	return list
}

// counts finds thresholds on numbers of events. One comparison with a ratio is
// enough: the others then only guard it, such as a least traffic.
func (c *corpus) counts(a alert) (list []Finding) {
	all := tests(a.tree)
	if slices.ContainsFunc(all, func(t test) bool { return relative(c.unfold(t.measured)) }) {
		return nil
	}
	for _, t := range all {
		m := c.unfold(t.measured)
		if !t.fixed || t.op != ">" && t.op != ">=" {
			continue
		}
		s, ok := selector(m)
		if !ok {
			continue
		}
		grown := has(m, func(n promql.Node) bool {
			return n.Kind == promql.NodeCall && (n.Op == "increase" || n.Op == "delta" && counterByName(s.Metric))
		})
		raw := counterByName(s.Metric) && !has(m, func(n promql.Node) bool { return n.Kind == promql.NodeCall && n.Op != "label_replace" }) &&
			!has(m, func(n promql.Node) bool { return n.Kind == promql.NodeAggregate && strings.HasPrefix(n.Op, "count") })
		switch {
		case raw:
			list = append(list, c.counted(a, s, fmt.Sprintf("%s is a counter since the process began, and the threshold is %s", s.Metric, short(t.limit)),
				"A counter only grows: once past the threshold the alert fires until the process restarts, and then forgets."))
		case grown && t.limit <= 1 && t.op == ">":
			f := c.counted(a, s, fmt.Sprintf("more than %s event fires", short(t.limit)), "One failure among a million requests wakes somebody.")
			f.Level, f.Instead = Note, "right only of what must never happen at all, such as lost data; else a share of the traffic"
			list = append(list, f)
		case grown:
			list = append(list, c.counted(a, s, fmt.Sprintf("the threshold is %s events", short(t.limit)),
				"Traffic that doubles doubles the errors of a healthy service and fires; at night an outage stays below the threshold."))
		}
	}
	return list
}

// counted words a count-based finding, with a ratio to write instead if a
// condition of the selector tells errors from the rest.
func (c *corpus) counted(a alert, s promql.Node, what, why string) Finding {
	f := a.finding(RuleCount, Warning, what, why, "alert on the share of requests that fail, over a long and a short window, as a burn rate")
	i := slices.IndexFunc(s.Matchers, outcome)
	if i < 0 || s.Metric == "" {
		return f
	}
	rest := slices.Delete(slices.Clone(s.Matchers), i, i+1)
	ratio := func(w string) string {
		return fmt.Sprintf("sum(rate(%s[%s])) / sum(rate(%s[%s])) > 14.4 * (1 - 0.999)", promql.Choose(s.Metric, s.Matchers), w, promql.Choose(s.Metric, rest), w)
	}
	f.Replacement = ratio("1h") + "\nand\n" + ratio("5m")
	return f
}

// outcome says whether a condition chooses bad events.
func outcome(m promql.Matcher) bool {
	switch strings.ToLower(m.Name) {
	case "code", "status", "status_code", "http_status_code", "http_response_status_code", "grpc_code", "grpc_status", "result", "outcome", "error", "success", "state":
		return true
	}
	return false
}

// means finds alerts on mean latency where nothing looks at a quantile of the
// same measurements.
func (c *corpus) means(a alert, quantiled map[string]bool) (list []Finding) {
	for _, t := range tests(a.tree) {
		m := c.unfold(t.measured)
		base, how := mean(m)
		if base == "" || quantiled[base] {
			continue
		}
		f := a.finding(RuleMean, Warning, fmt.Sprintf("%s is watched by %s alone", base, how),
			"One request in twenty can take ten times as long before the mean moves by half.", "alert on the share of requests slower than the limit, or on a high quantile")
		if t.fixed && strings.HasPrefix(how, "its sum") {
			f.Replacement = fmt.Sprintf("histogram_quantile(0.99, sum by (le) (rate(%s_bucket[5m]))) %s %s", base, t.op, short(t.limit))
		}
		list = append(list, f)
	}
	return list
}

// mean finds what an expression takes the mean of: _sum over _count, or an
// average of something that is called a duration.
func mean(n promql.Node) (base, how string) {
	for m := range n.All() {
		if division(m) {
			x, ok1 := selector(m.Args[0])
			y, ok2 := selector(m.Args[1])
			if b, ok := strings.CutSuffix(x.Metric, "_sum"); ok1 && ok2 && ok && y.Metric == b+"_count" && slow(b) {
				return b, "its sum over its count, the mean,"
			}
		}
		averages := m.Kind == promql.NodeAggregate && m.Op == "avg" || m.Kind == promql.NodeCall && m.Op == "avg_over_time"
		inner, ok := selector(m)
		if !averages || !ok || !slow(inner.Metric) || has(m, quantile) {
			continue
		}
		if slices.ContainsFunc(inner.Matchers, func(l promql.Matcher) bool { return l.Name == "quantile" }) {
			return inner.Metric, "an average of quantiles, which is no quantile,"
		}
		return inner.Metric, "its average"
	}
	return "", ""
}

// quantile says whether a node looks at the distribution rather than the mean.
func quantile(n promql.Node) bool {
	switch {
	case n.Kind == promql.NodeCall:
		return n.Op == "histogram_quantile" || n.Op == "histogram_fraction" || n.Op == "quantile_over_time"
	case n.Kind == promql.NodeAggregate:
		return n.Op == "quantile"
	}
	return n.Kind == promql.NodeSelector && strings.HasSuffix(n.Metric, "_bucket")
}

// slow says whether a metric's name is that of a duration.
func slow(metric string) bool {
	for _, word := range []string{"duration", "latency", "response_time", "elapsed", "_seconds", "_milliseconds", "_ms"} {
		if strings.Contains(metric, word) {
			return !strings.Contains(metric, "cpu_seconds") && !strings.Contains(metric, "timestamp") && !strings.Contains(metric, "start_time")
		}
	}
	return false
}

// quantiled lists the measurements whose distribution some alert looks at.
func (c *corpus) quantiled() map[string]bool {
	seen := map[string]bool{}
	for _, a := range c.alerts {
		for n := range c.unfold(a.tree).All() {
			if s, ok := selector(n); ok && quantile(n) {
				seen[strings.TrimSuffix(s.Metric, "_bucket")] = true
			}
		}
	}
	return seen
}
