package sloth

import (
	"cmp"
	"maps"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// Preset is the preset that Sloth's tiers are equal to.
const Preset = "sre-workbook"

// Parse reads one document as objectives of Pitwall. Each is named as Sloth
// identifies it, service-name, and brings the tiers of its alerts; an alert that
// is disabled brings none. OpenSLO's have no alerts in Sloth because its format
// names none, so they leave the choice of tiers open: Tiers is nil.
func Parse(doc strict.Doc, n *yaml.Node) (slos []pitwall.SLO, warnings []string, err error) {
	spec, warnings, err := Read(doc, n)
	if err != nil {
		return nil, warnings, err
	}
	for _, o := range spec.SLOs {
		slos = append(slos, toSLO(spec, o))
	}
	return slos, warnings, nil
}

func toSLO(spec Spec, o SLO) pitwall.SLO {
	s := pitwall.SLO{
		Name: pitwall.SLOName(spec.ID(o)), DisplayName: o.Name, Description: o.Description, Service: pitwall.ServiceName(spec.Service),
		Target: o.Target, Window: cmp.Or(o.Period, 30*day), Budgeting: pitwall.Occurrences, Preset: Preset, Source: o.Source, YAML: o.YAML,
		Labels: map[string]string{}, Tiers: []pitwall.BurnTier{},
		Runbook: firstOf(o.Alerting.Page.Annotations, o.Alerting.Annotations, "runbook_url", "runbook"),
	}
	maps.Copy(s.Labels, spec.Labels)
	maps.Copy(s.Labels, o.Labels)
	s.Owner = firstOf(s.Labels, nil, "owner", "team")
	s.SLI = pitwall.SLI{Kind: pitwall.SLIEvents, Service: s.Service, Query: &pitwall.SLIQuery{Good: o.GoodQuery, Bad: o.ErrorQuery, Total: o.TotalQuery}}
	if o.ErrorRatio != "" {
		s.SLI.Kind, s.SLI.Query = pitwall.SLIRatio, &pitwall.SLIQuery{Ratio: o.ErrorRatio, RatioOfBad: true}
	}
	if spec.Dialect == OpenSLOV1Alpha {
		s.Tiers, s.Preset = nil, ""
		return s
	}
	for _, t := range tiers(o, Google(s.Window)) {
		if slo.Reachable(t, s.Target) && t.Long <= s.Window {
			s.Tiers = append(s.Tiers, t)
		}
	}
	return s
}

func firstOf(a, b map[string]string, names ...string) string {
	for _, m := range []map[string]string{a, b} {
		for _, name := range names {
			if m[name] != "" {
				return m[name]
			}
		}
	}
	return ""
}

// tiers are an objective's alerts as burn tiers, those that are not disabled,
// worst first.
func tiers(o SLO, w Windows) []pitwall.BurnTier {
	var list []pitwall.BurnTier
	tier := func(name string, win Window, action pitwall.Action) {
		list = append(list, pitwall.BurnTier{Name: name, When: pitwall.WhenBurn, Factor: win.factor(w.Period), Long: win.Long, Short: win.Short,
			Action: action, OpensPlan: action == pitwall.ActionPage, MinBad: 3})
	}
	if !o.Alerting.Page.Disable {
		tier("page-quick", w.PageQuick, pitwall.ActionPage)
		tier("page-slow", w.PageSlow, pitwall.ActionPage)
	}
	if !o.Alerting.Ticket.Disable {
		tier("ticket-quick", w.TicketQuick, pitwall.ActionTicket)
		tier("ticket-slow", w.TicketSlow, pitwall.ActionTicket)
	}
	return list
}

// windowsOf lists every window once, shortest first.
func (w Windows) windowsOf() []time.Duration {
	all := []time.Duration{}
	for _, x := range []Window{w.PageQuick, w.PageSlow, w.TicketQuick, w.TicketSlow} {
		all = append(all, x.Short, x.Long)
	}
	return sortedOnce(all)
}
