package slo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// Describe words what an indicator counts, for "show the maths".
func Describe(i pitwall.SLI) string {
	good := "not failed"
	if i.Kind == pitwall.SLILatency {
		good += fmt.Sprintf(" and duration <= %s", i.Threshold)
	}
	return fmt.Sprintf("server spans of %s %q by end time; good: %s", i.Service, i.Operation, good)
}

// indicator resolves the inline indicator or the reference of an SLO.
func (r *reading) indicator(o object, spec sloSpec) (pitwall.SLI, error) {
	switch {
	case spec.Indicator != nil && spec.IndicatorRef != "":
		return pitwall.SLI{}, o.doc.Wrong(o.head.Spec.Line, "keep one of them", "both indicator and indicatorRef are given")
	case spec.Indicator != nil:
		return sli(o, spec.Indicator.Spec)
	case spec.IndicatorRef == "":
		return pitwall.SLI{}, o.doc.Wrong(o.head.Spec.Line, "", "indicator or indicatorRef is missing")
	}
	ref, ok := r.slis[spec.IndicatorRef]
	if !ok {
		var names []string
		for name := range r.slis {
			names = append(names, name)
		}
		return pitwall.SLI{}, o.doc.Wrong(o.head.Spec.Line, "define a kind: SLI of that name in one of the files", "no SLI is called %q%s", spec.IndicatorRef, strict.Nearest(spec.IndicatorRef, names))
	}
	var body sliSpec
	if ref.head.Spec.Kind != yaml.MappingNode {
		return pitwall.SLI{}, ref.doc.Wrong(ref.line, "", "spec is missing")
	}
	if err := ref.doc.Decode(&ref.head.Spec, &body); err != nil {
		return pitwall.SLI{}, err
	}
	return sli(ref, body)
}

// sli reads good over total of server spans.
func sli(o object, spec sliSpec) (pitwall.SLI, error) {
	line, hint := o.head.Spec.Line, "give ratioMetric.good and ratioMetric.total"
	m := spec.RatioMetric
	switch {
	case !spec.ThresholdMetric.IsZero():
		return pitwall.SLI{}, o.doc.Wrong(spec.ThresholdMetric.Line, hint, "thresholdMetric is not read yet")
	case m == nil:
		return pitwall.SLI{}, o.doc.Wrong(line, hint, "ratioMetric is missing")
	case !m.Bad.IsZero():
		return pitwall.SLI{}, o.doc.Wrong(m.Bad.Line, hint, "ratioMetric.bad is not read yet")
	case !m.Raw.IsZero() || m.RawType != "":
		return pitwall.SLI{}, o.doc.Wrong(line, hint, "ratioMetric.raw is not read yet")
	case m.Good == nil || m.Total == nil:
		return pitwall.SLI{}, o.doc.Wrong(line, hint, "ratioMetric needs both good and total")
	}
	total, err := spans(o, m.Total)
	if err != nil {
		return pitwall.SLI{}, err
	}
	good, err := spans(o, m.Good)
	if err != nil {
		return pitwall.SLI{}, err
	}
	totalLine, goodLine := m.Total.MetricSource.Spec.Line, m.Good.MetricSource.Spec.Line
	switch {
	case total.Service == "" || total.Operation == "":
		return pitwall.SLI{}, o.doc.Wrong(totalLine, "", "total needs service and operation")
	case total.MaxDuration != "":
		return pitwall.SLI{}, o.doc.Wrong(totalLine, "move maxDuration to good", "total counts all requests, slow ones too")
	case good.Service != "" && good.Service != total.Service, good.Operation != "" && good.Operation != total.Operation:
		return pitwall.SLI{}, o.doc.Wrong(goodLine, "", "good counts %s %q but total counts %s %q; good must be a part of total", good.Service, good.Operation, total.Service, total.Operation)
	}
	out := pitwall.SLI{Kind: pitwall.SLIAvailability, Service: pitwall.ServiceName(total.Service), Operation: total.Operation}
	if good.MaxDuration == "" {
		return out, nil
	}
	out.Kind = pitwall.SLILatency
	if out.Threshold, err = time.ParseDuration(good.MaxDuration); err != nil || out.Threshold <= 0 {
		return pitwall.SLI{}, o.doc.Wrong(goodLine, "", "maxDuration %q is not a duration such as 500ms", good.MaxDuration)
	}
	return out, nil
}

func spans(o object, m *metric) (spanSpec, error) {
	src := m.MetricSource
	var spec spanSpec
	switch {
	case src.Ref != "":
		return spec, o.doc.Wrong(o.head.Spec.Line, "give type and spec in place", "metricSourceRef is not read yet")
	case src.Type != SpanSource:
		return spec, o.doc.Wrong(max(src.Spec.Line, o.line), "use type: "+SpanSource, "metricSource type %q is not read yet", src.Type)
	case src.Spec.Kind != yaml.MappingNode:
		return spec, o.doc.Wrong(o.head.Spec.Line, "", "metricSource.spec is missing")
	}
	return spec, o.doc.Decode(&src.Spec, &spec)
}

func window(o object, spec sloSpec) (time.Duration, error) {
	line := o.head.Spec.Line
	if len(spec.TimeWindow) != 1 {
		return 0, o.doc.Wrong(line, "timeWindow: [{duration: 30d, isRolling: true}]", "timeWindow needs exactly one entry, got %d", len(spec.TimeWindow))
	}
	w := spec.TimeWindow[0]
	if !w.Calendar.IsZero() || !w.IsRolling {
		return 0, o.doc.Wrong(line, "use isRolling: true", "calendar windows are not read yet")
	}
	d, err := rolling(w.Duration)
	if err != nil {
		return 0, o.doc.Wrong(line, "use days: 30d", "timeWindow: %w", err)
	}
	return d, nil
}

func target(o object, spec sloSpec) (pitwall.Ratio, error) {
	line := o.head.Spec.Line
	if len(spec.Objectives) != 1 {
		return 0, o.doc.Wrong(line, "write one SLO for each objective", "objectives needs exactly one entry, got %d", len(spec.Objectives))
	}
	ob := spec.Objectives[0]
	for _, field := range []struct {
		name string
		node yaml.Node
	}{
		{"op", ob.Op}, {"value", ob.Value}, {"timeSliceTarget", ob.TimeSliceTarget}, {"timeSliceWindow", ob.TimeSliceWindow},
		{"compositeWeight", ob.CompositeWeight}, {"indicator", ob.Indicator}, {"indicatorRef", ob.IndicatorRef},
	} {
		if !field.node.IsZero() {
			return 0, o.doc.Wrong(field.node.Line, "a ratio needs only target", "objectives[0].%s is not read here", field.name)
		}
	}
	node, scale := ob.Target, ""
	switch {
	case ob.Target.IsZero() && ob.TargetPercent.IsZero():
		return 0, o.doc.Wrong(line, "target: 0.999", "objectives[0].target is missing")
	case !ob.Target.IsZero() && !ob.TargetPercent.IsZero():
		return 0, o.doc.Wrong(ob.Target.Line, "keep one of them", "both target and targetPercent are given")
	case ob.Target.IsZero():
		node, scale = ob.TargetPercent, "e-2"
	}
	v, err := number(node, scale)
	switch {
	case err != nil:
		return 0, o.doc.Wrong(node.Line, "", "target: %w", err)
	case v > 1 && v < 100 && scale == "":
		better := strconv.FormatFloat(v, 'f', -1, 64)
		return 0, o.doc.Wrong(node.Line, "target is a ratio; write targetPercent: "+better+" for a percentage", "target %s is above 1", better)
	case !(v > 0 && v < 1):
		return 0, o.doc.Wrong(node.Line, "a target of 1 leaves no budget to spend", "target %s must lie between 0 and 1", node.Value)
	}
	return pitwall.Ratio(v), nil
}

// number reads a scalar number; scale is a decimal exponent, so that 99.9 % is
// the float nearest to 0.999 and not 99.9/100.
func number(n yaml.Node, scale string) (float64, error) {
	if n.Kind != yaml.ScalarNode || (n.ShortTag() != "!!float" && n.ShortTag() != "!!int") {
		return 0, fmt.Errorf("expected a number")
	}
	v, err := strconv.ParseFloat(n.Value+scale, 64)
	if err != nil {
		return 0, fmt.Errorf("expected a decimal number, got %q", n.Value)
	}
	return v, nil
}

// rolling reads OpenSLO's duration shorthand for a window.
func rolling(s string) (time.Duration, error) {
	units := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	if s == "" {
		return 0, fmt.Errorf("duration is missing")
	}
	unit, known := units[s[len(s)-1]]
	n, err := strconv.Atoi(s[:len(s)-1])
	switch {
	case strings.ContainsAny(s[len(s)-1:], "MQY"):
		return 0, fmt.Errorf("%q has no fixed length", s)
	case err != nil || !known || n <= 0:
		return 0, fmt.Errorf("%q is not a window such as 30d, 4w or 12h", s)
	case n > int(10*365*24*time.Hour/unit):
		return 0, fmt.Errorf("%q is longer than ten years", s)
	}
	return time.Duration(n) * unit, nil
}
