package pyrra

import (
	"fmt"
	"maps"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// Preset is the preset that Pyrra's tiers are equal to over 28 days.
const Preset = "pyrra-28d"

// Parse reads one manifest as an objective of Pitwall, with the tiers of its
// alerts. The service is the label pyrra.dev/service, else the job or service
// that the metric is selected by, else the manifest's name. Groups are counted
// together: an objective has one budget.
func Parse(doc strict.Doc, n *yaml.Node) (slos []pitwall.SLO, warnings []string, err error) {
	spec, warnings, err := Read(doc, n)
	if err != nil {
		return nil, warnings, err
	}
	if len(spec.Grouping) > 0 {
		warnings = append(warnings, fmt.Sprintf("%s: grouping by %s: its groups share one budget here; attribution tells them apart", spec.Source, strings.Join(spec.Grouping, ", ")))
	}
	return []pitwall.SLO{toSLO(spec)}, warnings, nil
}

func toSLO(spec Spec) pitwall.SLO {
	s := pitwall.SLO{
		Name: pitwall.SLOName(spec.Name), Description: spec.Description, Service: spec.service(), Target: spec.Target, Window: spec.Window,
		Budgeting: pitwall.Occurrences, Preset: Preset, Owner: spec.Labels["pyrra.dev/team"], Source: spec.Source, YAML: spec.YAML,
		Runbook: spec.Annotations["pyrra.dev/runbook_url"], Labels: maps.Clone(spec.Labels), Tiers: []pitwall.BurnTier{},
	}
	s.SLI = pitwall.SLI{Kind: pitwall.SLIEvents, Service: s.Service}
	rate := func(m Metric) string { return "sum(rate(" + m.String() + "[{{.window}}]))" }
	switch spec.Kind {
	case Ratio:
		s.SLI.Query = &pitwall.SLIQuery{Bad: rate(spec.Part), Total: rate(spec.Total)}
	case Latency:
		s.SLI.Query = &pitwall.SLIQuery{Good: rate(spec.Part), Total: rate(spec.Total)}
	case LatencyNative:
		h := rate(spec.Total)
		s.SLI.Query = &pitwall.SLIQuery{Good: fmt.Sprintf("histogram_fraction(0, %s, %s) * histogram_count(%s)", promql.Literal(spec.MaxLatency.Seconds()), h, h), Total: "histogram_count(" + h + ")"}
	case BoolGauge:
		s.SLI.Kind, s.SLI.Query = pitwall.SLIValue, &pitwall.SLIQuery{Value: spec.Total.String(), Op: pitwall.GreaterEqual, Limit: 1}
	}
	if !spec.Alerting.Burnrates {
		return s
	}
	for i, w := range Windows(spec.Window) {
		t := pitwall.BurnTier{Name: w.Name, When: pitwall.WhenBurn, Factor: w.Factor, Long: w.Long, Short: w.Short, For: w.For, MinBad: 3, Action: pitwall.ActionTicket}
		if spec.severity(i, w) == "critical" {
			t.Action, t.OpensPlan = pitwall.ActionPage, true
		}
		if slo.Reachable(t, s.Target) {
			s.Tiers = append(s.Tiers, t)
		}
	}
	return s
}

func (s Spec) severity(i int, w Window) string {
	if s.Alerting.Severities[i] != "" {
		return s.Alerting.Severities[i]
	}
	return w.Severity
}

func (s Spec) service() pitwall.ServiceName {
	if name := s.Labels["pyrra.dev/service"]; name != "" {
		return pitwall.ServiceName(name)
	}
	for _, want := range []string{"service_name", "service", "job"} {
		for _, m := range s.Total.Matchers {
			if m.Name == want && m.Op == "=" && m.Value != "" {
				return pitwall.ServiceName(m.Value)
			}
		}
	}
	return pitwall.ServiceName(s.Name)
}
