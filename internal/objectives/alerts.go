package objectives

import (
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/objectives/openslo"
)

// severities are words for how bad an alert is, and what Pitwall does then.
func severities() map[string]pitwall.Action {
	return map[string]pitwall.Action{
		"page": pitwall.ActionPage, "critical": pitwall.ActionPage, "emergency": pitwall.ActionPage, "high": pitwall.ActionPage, "sev1": pitwall.ActionPage, "p1": pitwall.ActionPage,
		"escalate": pitwall.ActionEscalate, "error": pitwall.ActionEscalate, "major": pitwall.ActionEscalate, "sev2": pitwall.ActionEscalate, "p2": pitwall.ActionEscalate,
		"ticket": pitwall.ActionTicket, "warning": pitwall.ActionTicket, "warn": pitwall.ActionTicket, "medium": pitwall.ActionTicket, "minor": pitwall.ActionTicket, "sev3": pitwall.ActionTicket, "p3": pitwall.ActionTicket,
		"inform": pitwall.ActionInform, "info": pitwall.ActionInform, "low": pitwall.ActionInform, "notice": pitwall.ActionInform, "sev4": pitwall.ActionInform, "p4": pitwall.ActionInform,
	}
}

// alerts turns the alert policies of an objective into tiers; the names of the
// notification targets become a label.
func (r *reader) alerts(it item, s *pitwall.SLO, policies openslo.Field) []pitwall.BurnTier {
	var tiers []pitwall.BurnTier
	var targets []string
	for _, f := range policies.Items() {
		o, policy := it.Object, f
		if ref := f.Get("alertPolicyRef"); ref.Has() {
			named, ok := r.refer(it.Object, openslo.KindPolicy, ref)
			if !ok {
				continue
			}
			o, policy = named, named.Root()
		}
		tiers = append(tiers, r.policy(o, policy, s)...)
		for _, t := range policy.Get("spec", "notificationTargets").Items() {
			name := t.Get("targetRef").Text()
			if name == "" {
				name = t.Get("metadata", "name").Text()
			}
			if name != "" && !slices.Contains(targets, name) {
				targets = append(targets, name)
			}
		}
	}
	if len(targets) > 0 {
		labels := map[string]string{NotifyLabel: strings.Join(targets, ",")}
		for key, v := range s.Labels {
			labels[key] = v
		}
		s.Labels = labels
	}
	return tiers
}

// policy reads the conditions of one alert policy.
func (r *reader) policy(o openslo.Object, f openslo.Field, s *pitwall.SLO) []pitwall.BurnTier {
	spec := f.Get("spec")
	breaching := spec.Get("alertWhenBreaching")
	var tiers []pitwall.BurnTier
	for _, c := range spec.Get("conditions").Items() {
		owner, body := o, c
		if ref := c.Get("conditionRef"); ref.Has() {
			named, ok := r.refer(o, openslo.KindCondition, ref)
			if !ok {
				continue
			}
			owner, body = named, named.Root()
		}
		t, ok := r.condition(owner, body, s)
		if !ok {
			continue
		}
		if breaching.Has() && !breaching.Flag() {
			r.warn(o, breaching, "alertWhenBreaching is false: condition %s is not used", t.Name)
		} else {
			tiers = append(tiers, t)
		}
		if spec.Get("alertWhenNoData").Flag() {
			tiers = append(tiers, pitwall.BurnTier{Name: t.Name + "-no-data", When: pitwall.WhenTrafficLost, Short: t.Short, Action: t.Action, For: t.For})
		}
	}
	return tiers
}

// condition reads a burn rate over one window as a tier whose long and short
// windows are the same.
func (r *reader) condition(o openslo.Object, f openslo.Field, s *pitwall.SLO) (pitwall.BurnTier, bool) {
	burn := f.Get("spec", "condition")
	if op := burn.Get("op").Text(); op == "lt" || op == "lte" {
		r.wrong(o, burn.Get("op"), "write op: gt", "op %s would alert while the budget is not burning", op)
		return pitwall.BurnTier{}, false
	}
	factor, _ := burn.Get("threshold").Number()
	look := burn.Get("lookbackWindow")
	_, _, length := span(look.Text())
	switch {
	case !(factor > 0):
		r.wrong(o, burn.Get("threshold"), "1 ends the budget exactly with the window", "a threshold of %v is always exceeded", factor)
		return pitwall.BurnTier{}, false
	case length <= 0 || length > s.Window && s.Window > 0:
		r.wrong(o, look, "", "a look-back of %s does not fit into the window of %v", look.Text(), s.Window)
		return pitwall.BurnTier{}, false
	}
	t := pitwall.BurnTier{Name: f.Get("metadata", "name").Text(), Factor: factor, Long: length, Short: length}
	if after := burn.Get("alertAfter"); after.Has() {
		_, _, t.For = span(after.Text())
	}
	severity := f.Get("spec", "severity")
	action, known := severities()[strings.ToLower(severity.Text())]
	if !known {
		action = pitwall.ActionTicket
		r.warn(o, severity, "severity %q is no word that is known; it is taken as a ticket", severity.Text())
	}
	t.Action = action
	t.OpensPlan = action == pitwall.ActionPage || action == pitwall.ActionEscalate
	return t, true
}
