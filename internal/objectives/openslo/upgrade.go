package openslo

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Upgrade writes an object of v1alpha or v2alpha in the words of v1; lines stay
// those of the file. An objective of v1alpha may bring its own ratio, which v1
// does not know outside of a composite, so one object may become several,
// numbered as Sloth does. The warnings say what was assumed.
func Upgrade(o Object) ([]Object, []string) {
	switch o.Version {
	case V1alpha:
		if o.Kind == KindSLO {
			return upgradeV1alpha(o)
		}
		return []Object{o.as(clone(o.root.node))}, nil
	case V2alpha:
		n := clone(o.root.node)
		renameV2alpha(n)
		return []Object{o.as(n)}, nil
	}
	return []Object{o}, nil
}

// as is the object as one of v1.
func (o Object) as(n *yaml.Node) Object {
	o.Version = V1
	return o.with(n)
}

func upgradeV1alpha(o Object) ([]Object, []string) {
	spec := o.Spec()
	var warnings []string
	for _, w := range spec.Get("timeWindows").Items() {
		if !w.Get("isRolling").Flag() && !w.Get("calendar").Has() {
			warnings = append(warnings, fmt.Sprintf("%s:%d: isRolling is not set and there is no calendar; the window is taken to roll", o.File, w.line))
		}
	}
	goals := spec.Get("objectives").Items()
	var list []Object
	for i, goal := range goals {
		n := mapping(goal.line)
		name := o.Name
		if len(goals) > 1 {
			name = fmt.Sprintf("%s-%d", o.Name, i)
		}
		metadata := clone(o.root.Get("metadata").node)
		drop(metadata, "name")
		set(metadata, "name", scalar(name))
		set(n, "apiVersion", scalar(V1))
		set(n, "kind", scalar(KindSLO))
		set(n, "metadata", metadata)
		set(n, "spec", specV1alpha(spec, goal, name))
		one := o
		one.Name = name
		list = append(list, one.as(n))
	}
	return list, warnings
}

func specV1alpha(spec, goal Field, name string) *yaml.Node {
	n := mapping(goal.line)
	for _, key := range []string{"description", "service", "budgetingMethod"} {
		set(n, key, spec.Get(key).node)
	}
	sli := mapping(goal.line)
	if ratio := goal.Get("ratioMetrics"); ratio.Has() {
		parts := mapping(ratio.line)
		set(parts, "good", sourceV1alpha(ratio.Get("good")))
		set(parts, "total", sourceV1alpha(ratio.Get("total")))
		set(sli, "ratioMetric", parts)
	} else {
		set(sli, "thresholdMetric", sourceV1alpha(spec.Get("indicator", "thresholdMetric")))
	}
	indicator, metadata := mapping(goal.line), mapping(goal.line)
	set(metadata, "name", scalar(name))
	set(indicator, "metadata", metadata)
	set(indicator, "spec", sli)
	set(n, "indicator", indicator)
	set(n, "timeWindow", windowsV1alpha(spec.Get("timeWindows"), goal))
	v1 := mapping(goal.line)
	for _, key := range []string{"target", "timeSliceTarget", "op", "value"} {
		if goal.Get("ratioMetrics").Has() && (key == "op" || key == "value") {
			continue
		}
		set(v1, key, goal.Get(key).node)
	}
	if goal.Get("timeSliceTarget").Has() {
		set(v1, "timeSliceWindow", scalar("1m")) // v1alpha has no length of slices; it means minutes
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: goal.line, Content: []*yaml.Node{v1}}
	set(n, "objectives", list)
	return n
}

func mapping(line int) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: line}
}

// sourceV1alpha takes the query language for the type, as "prometheus" is often
// the name of one particular server.
func sourceV1alpha(f Field) *yaml.Node {
	if !f.Has() {
		return nil
	}
	metric, source, spec := mapping(f.line), mapping(f.line), mapping(f.line)
	set(source, "type", f.Get("queryType").node)
	set(spec, "query", f.Get("query").node)
	set(source, "spec", spec)
	set(metric, "metricSource", source)
	return metric
}

func windowsV1alpha(windows, goal Field) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: goal.line}
	units := map[string]string{"Day": "d", "Week": "w", "Month": "M", "Quarter": "Q"}
	for _, w := range windows.Items() {
		n := mapping(w.line)
		duration := scalar(w.Get("count").Text() + units[w.Get("unit").Text()])
		if count, ok := w.Get("count").Number(); ok && w.Get("unit").Text() == "Second" && int64(count)%60 == 0 {
			duration = scalar(fmt.Sprintf("%dm", int64(count)/60))
		}
		duration.Line = w.line
		set(n, "duration", duration)
		set(n, "calendar", w.Get("calendar").node)
		if !w.Get("calendar").Has() {
			set(n, "isRolling", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true", Line: w.line})
		}
		list.Content = append(list.Content, n)
	}
	return list
}

// renameV2alpha turns the words of v2alpha into those of v1, in place.
func renameV2alpha(n *yaml.Node) {
	f := Field{node: n, line: n.Line}
	spec := f.Get("spec")
	if spec.node == nil || spec.node.Kind != yaml.MappingNode {
		return
	}
	rename(spec.node, map[string]string{"serviceRef": "service", "sli": "indicator", "sliRef": "indicatorRef"})
	for _, goal := range spec.Get("objectives").Items() {
		rename(goal.node, map[string]string{"sli": "indicator", "sliRef": "indicatorRef"})
		metricsV2alpha(goal.Get("indicator", "spec"))
	}
	metricsV2alpha(spec.Get("indicator", "spec"))
	metricsV2alpha(spec)
}

func metricsV2alpha(sli Field) {
	for _, f := range []Field{sli.Get("thresholdMetric"), sli.Get("ratioMetric", "good"), sli.Get("ratioMetric", "bad"), sli.Get("ratioMetric", "total"), sli.Get("ratioMetric", "raw")} {
		if !f.Has() || f.node.Kind != yaml.MappingNode {
			continue
		}
		source := mapping(f.line)
		set(source, "metricSourceRef", f.Get("dataSourceRef").node)
		set(source, "type", f.Get("dataSourceSpec", "type").node)
		set(source, "spec", f.Get("spec").node)
		f.node.Content = nil
		set(f.node, "metricSource", source)
	}
}

func rename(n *yaml.Node, words map[string]string) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if to, ok := words[n.Content[i].Value]; ok {
			n.Content[i] = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: to, Line: n.Content[i].Line}
		}
	}
}
