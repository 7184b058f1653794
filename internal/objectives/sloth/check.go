package sloth

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/slo"
)

// reserved are the labels that the rules themselves are told apart by. It is read-only.
var reserved = []string{"sloth_id", "sloth_service", "sloth_slo", "sloth_window", "sloth_severity"}

// check refuses what no field alone can tell.
func (r *reading) check(s Spec, line int) error {
	switch {
	case s.Service == "":
		return r.Wrong(line, "", "service is missing")
	case len(s.SLOs) == 0:
		return r.Wrong(line, "list at least one under slos", "service %q has no SLO", s.Service)
	}
	if err := r.labels(line, "labels", s.Labels); err != nil {
		return err
	}
	for i, o := range s.SLOs {
		at := r.lineOf(o)
		switch {
		case o.Name == "":
			return r.Wrong(at, "", "an SLO of service %q has no name", s.Service)
		case slices.ContainsFunc(s.SLOs[:i], func(p SLO) bool { return p.Name == o.Name }):
			return r.Wrong(at, "names are unique in a service", "SLO %q of service %q is defined twice", o.Name, s.Service)
		}
		if err := r.checkSLO(at, o); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) lineOf(o SLO) int {
	var line int
	_, _ = fmt.Sscanf(strings.TrimPrefix(o.Source, r.File+":"), "%d", &line)
	return line
}

func (r *reading) checkSLO(line int, o SLO) error {
	a := o.Alerting
	if a.Name == "" && !(a.Page.Disable && a.Ticket.Disable) {
		return r.Wrong(line, "name it, or disable page_alert and ticket_alert", "the alerts of SLO %q have no name", o.Name)
	}
	for _, m := range []struct {
		what   string
		labels map[string]string
	}{{"labels", o.Labels}, {"alerting.labels", a.Labels}, {"page alert labels", a.Page.Labels}, {"ticket alert labels", a.Ticket.Labels}} {
		if err := r.labels(line, m.what, m.labels); err != nil {
			return err
		}
	}
	dead, page := unreachable(tiers(o, Google(0)), o.Target)
	if len(dead) > 0 && !page && !a.Page.Disable {
		return r.Wrong(line, "raise the objective, or disable page_alert", "no page can ever fire for SLO %q: %s", o.Name, strings.Join(dead, "; "))
	}
	for _, d := range dead {
		r.Warn(line, "SLO %q: %s; it is left out", o.Name, d)
	}
	return nil
}

// unreachable words the tiers that can never fire, and says whether any page can.
func unreachable(list []pitwall.BurnTier, target pitwall.Ratio) (dead []string, page bool) {
	for _, t := range list {
		if slo.Reachable(t, target) {
			page = page || t.Action == pitwall.ActionPage
			continue
		}
		dead = append(dead, fmt.Sprintf("tier %s can never fire: %.6g × (1 − %.6g) ≥ 1, and no error ratio exceeds 1", t.Name, t.Factor, float64(target)))
	}
	return dead, page
}

// labels refuses names that Prometheus does not take.
func (r *reading) labels(line int, what string, labels map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		switch {
		case !promql.LabelName(name):
			return r.Wrong(line, "letters, digits and underscores", "%s: %q is no label name", what, name)
		case slices.Contains(reserved, name):
			return r.Wrong(line, "choose another name", "%s: %q is set by the rules themselves", what, name)
		}
	}
	return nil
}
