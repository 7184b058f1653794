package pyrra

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
)

func (r *reading) indicator(s *Spec, m manifest) error {
	line := r.LineOf("indicator")
	i := m.Spec.Indicator
	var list []string
	var err error
	metric := func(to *Metric, what, text string) {
		if err == nil {
			*to, err = r.metric(what, text)
		}
	}
	if x := i.Ratio; x != nil {
		list, s.Kind, s.Grouping = append(list, "ratio"), Ratio, x.Grouping
		metric(&s.Part, "errors", x.Errors.Metric)
		metric(&s.Total, "total", x.Total.Metric)
	}
	if x := i.Latency; x != nil {
		list, s.Kind, s.Grouping = append(list, "latency"), Latency, x.Grouping
		metric(&s.Part, "success", x.Success.Metric)
		metric(&s.Total, "total", x.Total.Metric)
	}
	if x := i.Native; x != nil {
		list, s.Kind, s.Grouping = append(list, "latencyNative"), LatencyNative, x.Grouping
		metric(&s.Total, "total", x.Total.Metric)
		if s.MaxLatency, _ = promql.ParseDuration(x.Latency); s.MaxLatency <= 0 && err == nil {
			err = r.Wrong(r.LineOf("latency"), "latency: 200ms", "latency %q is not a length of time", x.Latency)
		}
	}
	if x := i.BoolGauge; x != nil {
		list, s.Kind, s.Grouping = append(list, "bool_gauge"), BoolGauge, x.Grouping
		metric(&s.Total, "metric", x.Metric)
	}
	switch {
	case len(list) == 0:
		return r.Wrong(line, "give one of ratio, latency, latencyNative and bool_gauge", "the indicator is missing")
	case len(list) > 1:
		return r.Wrong(line, "keep one of them", "there are several indicators: %s", strings.Join(list, ", "))
	case err != nil:
		return err
	}
	return r.sensible(*s, line)
}

// sensible refuses indicators whose halves do not belong together.
func (r *reading) sensible(s Spec, line int) error {
	for _, g := range s.Grouping {
		if !promql.LabelName(g) {
			return r.Wrong(line, "", "grouping: %q is no label name", g)
		}
	}
	switch {
	case s.Kind == Ratio && s.Part.String() == s.Total.String():
		return r.Wrong(line, "errors is a part of total", "errors and total select the same series")
	case s.Kind == Latency:
		i := slices.IndexFunc(s.Part.Matchers, func(m promql.Matcher) bool { return m.Name == "le" && m.Op == "=" })
		if i < 0 {
			return r.Wrong(line, `success is a bucket: x_bucket{le="0.2"}`, "success has no condition le=")
		}
		if _, err := strconv.ParseFloat(s.Part.Matchers[i].Value, 64); err != nil {
			return r.Wrong(line, `success is a bucket: x_bucket{le="0.2"}`, "le=%q is not a number", s.Part.Matchers[i].Value)
		}
	}
	return nil
}

// metric reads one selector; Pyrra takes nothing else.
func (r *reading) metric(what, text string) (Metric, error) {
	line := r.LineOf(what)
	if strings.TrimSpace(text) == "" {
		return Metric{}, r.Wrong(line, `metric: http_requests_total{job="a"}`, "%s has no metric", what)
	}
	e, err := promql.Parse(text)
	if err != nil {
		return Metric{}, r.Wrong(line, pitwall.HintOf(err), "%s: %w", what, err)
	}
	s, ok := promql.OneSelector(e)
	if !ok || s.Metric == "" || s.Range != 0 || s.Offset != 0 {
		return Metric{}, r.Wrong(line, `metric: http_requests_total{job="a"}`, "%s must be one metric with conditions on its labels, without functions and windows", what)
	}
	return Metric{Name: s.Metric, Matchers: s.Matchers}, nil
}
