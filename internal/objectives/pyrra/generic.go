package pyrra

import (
	"strconv"
	"time"

	"github.com/pitwall/pitwall/internal/promql"
)

// generic are the series that have the same name for every objective, for
// dashboards over all of them.
func (m making) generic() []promql.Rule {
	labels := promql.LabelsOf(m.labels())
	rule := func(name, expr string) promql.Rule {
		return promql.Rule{Record: "pyrra_" + name, Expr: expr, Labels: labels}
	}
	list := []promql.Rule{
		rule("objective", m.target),
		rule("window", strconv.FormatInt(int64(m.s.Window/time.Second), 10)),
		rule("availability", m.availability()),
	}
	total, part := "sum(rate("+m.s.Total.String()+"[5m]))", "sum(rate("+m.s.Part.String()+"[5m]))"
	switch m.s.Kind {
	case Ratio:
		return append(list, rule("requests:rate5m", total), rule("errors:rate5m", part+" or vector(0)"))
	case Latency:
		return append(list, rule("requests:rate5m", total), rule("errors:rate5m", total+" - "+part))
	case BoolGauge:
		good, all := m.gauge()
		return append(list, rule("requests:rate5m", all), rule("errors:rate5m", all+" - "+good))
	}
	return list // a native histogram has no more
}

// gauge are the sums of good and of all samples over the window.
func (m making) gauge() (good, all string) {
	w, slo := promql.Duration(m.s.Window), equal("slo", m.s.Name)
	return "sum(" + m.s.Total.named(m.s.Total.Name+":sum"+w, slo).String() + ")", "sum(" + m.s.Total.named(m.s.Total.Name+":count"+w, slo).String() + ")"
}

// availability is the share of good events over the window.
func (m making) availability() string {
	slo := equal("slo", m.s.Name)
	name := func(x Metric) string { return increaseName(x.Name, m.s.Window) }
	total := m.s.Total.named(name(m.s.Total), slo)
	switch m.s.Kind {
	case Ratio:
		return "1 - sum(" + m.s.Part.named(name(m.s.Part), slo).String() + " or vector(0)) / sum(" + total.String() + ")"
	case BoolGauge:
		good, all := m.gauge()
		return good + " / " + all
	}
	part := m.s.Part.named(name(m.s.Part), slo)
	if m.s.Kind == LatencyNative {
		part = total.named(total.Name, equal("le", m.s.bucket()))
	}
	return "sum(" + part.String() + " or vector(0)) / sum(" + total.named(total.Name, equal("le", "")).String() + ")"
}
