package sloth

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/strict"
)

const makeOp = "making Sloth's rules"

// Options are what Sloth takes on its command line. The zero value is Sloth's
// own default.
type Options struct {
	Period            time.Duration     // of objectives that name none; zero: 30 days
	Windows           []Windows         // a catalogue; Google's 30 and 28 days are always in it
	Labels            map[string]string // on every recorded series
	DisableAlerts     bool
	DisableRecordings bool
	Version           string // of sloth_slo_info; empty: "pitwall"
}

// Generate makes the rules of Sloth v0.16: of each objective the error ratio over
// every window, the period's as the mean of the shortest window's, seven series
// about the objective, and its two alerts. Plain documents become one file,
// every Kubernetes object one of its own.
//
// That mean weighs a quiet hour like a busy one; promrules makes rules that do
// not.
func Generate(o Options, specs ...Spec) ([]promql.Rules, error) {
	const comment = "Rules in the form of Sloth v0.16, made by Pitwall. Do not edit."
	plain := promql.Rules{Comment: comment}
	var files []promql.Rules
	seen := map[string]string{}
	for _, s := range specs {
		var groups []promql.Group
		for _, objective := range s.SLOs {
			id := s.ID(objective)
			if first, twice := seen[id]; twice {
				return nil, &pitwall.Error{Op: makeOp, Kind: pitwall.Invalid, ID: objective.Source, Err: fmt.Errorf("SLO %q is defined twice, first at %s", id, first), Hint: "names are unique in a service"}
			}
			seen[id] = objective.Source
			g, err := groupsOf(o, s, objective)
			if err != nil {
				return nil, &pitwall.Error{Op: makeOp, Kind: pitwall.Invalid, ID: cmp.Or(objective.Source, id), Err: err}
			}
			groups = append(groups, g...)
		}
		if s.Kube != nil {
			files = append(files, promql.Rules{Comment: comment, Kube: s.Kube, Groups: groups})
			continue
		}
		plain.Groups = append(plain.Groups, groups...)
	}
	if len(plain.Groups) > 0 || len(files) == 0 {
		files = append([]promql.Rules{plain}, files...)
	}
	return files, nil
}

// making is one objective while its rules are made.
type making struct {
	o       Options
	s       Spec
	slo     SLO
	windows Windows
	id      string
	labels  promql.Labels // of every recorded series
	filter  string        // {sloth_id=…} of this objective
}

func groupsOf(o Options, s Spec, objective SLO) ([]promql.Group, error) {
	period := cmp.Or(objective.Period, o.Period, 30*day)
	w, err := o.windows(period)
	if err != nil {
		return nil, err
	}
	if dead, page := unreachable(tiers(objective, w), objective.Target); len(dead) > 0 && !page && !objective.Alerting.Page.Disable && !o.DisableAlerts {
		return nil, fmt.Errorf("no page can ever fire: %s", strings.Join(dead, "; "))
	}
	m := making{o: o, s: s, slo: objective, windows: w, id: s.ID(objective)}
	m.filter = fmt.Sprintf(`{sloth_id=%s, sloth_service=%s, sloth_slo=%s}`, strconv.Quote(m.id), strconv.Quote(s.Service), strconv.Quote(objective.Name))
	m.labels = promql.LabelsOf(map[string]string{"sloth_id": m.id, "sloth_service": s.Service, "sloth_slo": objective.Name}, s.Labels, o.Labels, objective.Labels)
	var groups []promql.Group
	if !o.DisableRecordings {
		groups = append(groups,
			promql.Group{Name: "sloth-slo-sli-recordings-" + m.id, Rules: m.indicators()},
			promql.Group{Name: "sloth-slo-meta-recordings-" + m.id, Rules: m.about()})
	}
	if alerts := m.alerts(); !o.DisableAlerts && len(alerts) > 0 {
		groups = append(groups, promql.Group{Name: "sloth-slo-alerts-" + m.id, Rules: alerts})
	}
	return groups, nil
}

// windows finds the conditions for a period.
func (o Options) windows(period time.Duration) (Windows, error) {
	for _, w := range o.Windows {
		if w.Period == period {
			return w, nil
		}
	}
	if period == 30*day || period == 28*day {
		return Google(period), nil
	}
	return Windows{}, fmt.Errorf("there are no alert windows for a period of %s; give a catalogue with kind: AlertWindows and sloPeriod: %[1]s", promql.Duration(period))
}

// indicators record the error ratio over every window and over the period.
func (m making) indicators() []promql.Rule {
	list := make([]promql.Rule, 0, 9)
	all := m.windows.windowsOf()
	for _, w := range all {
		list = append(list, m.indicator(w, m.ratio(w)))
	}
	if slices.Contains(all, m.windows.Period) {
		return list
	}
	short := series(m.windows.PageQuick.Short) + m.filter + "[" + promql.Duration(m.windows.Period) + "]"
	return append(list, m.indicator(m.windows.Period, "sum_over_time("+short+")\n/ ignoring (sloth_window)\ncount_over_time("+short+")"))
}

func (m making) indicator(w time.Duration, expr string) promql.Rule {
	return promql.Rule{Record: series(w), Expr: expr, Labels: m.labels.With("sloth_window", promql.Duration(w))}
}

func series(w time.Duration) string { return "slo:sli_error:ratio_rate" + promql.Duration(w) }

// ratio is the error ratio over a window.
func (m making) ratio(w time.Duration) string {
	fill := func(q string) string { return promql.WithWindow(strings.TrimSpace(q), w) }
	switch {
	case m.slo.ErrorRatio != "":
		return "(" + fill(m.slo.ErrorRatio) + ")"
	case m.slo.GoodQuery != "":
		return "1 - (\n  (" + fill(m.slo.GoodQuery) + ")\n  /\n  (" + fill(m.slo.TotalQuery) + ")\n)"
	default:
		return "(" + fill(m.slo.ErrorQuery) + ")\n/\n(" + fill(m.slo.TotalQuery) + ")"
	}
}

// about records what dashboards join with.
func (m making) about() []promql.Rule {
	rule := func(name, expr string) promql.Rule { return promql.Rule{Record: name, Expr: expr, Labels: m.labels} }
	burn := func(w time.Duration) string {
		return series(w) + m.filter + "\n/ on(sloth_id, sloth_slo, sloth_service) group_left\nslo:error_budget:ratio" + m.filter
	}
	target := promql.Literal(float64(m.slo.Target))
	info := m.labels.With("sloth_mode", m.mode()).With("sloth_objective", strict.Percentage(float64(m.slo.Target))).
		With("sloth_spec", m.s.Dialect).With("sloth_version", cmp.Or(m.o.Version, "pitwall"))
	return []promql.Rule{
		rule("slo:objective:ratio", "vector("+target+")"),
		rule("slo:error_budget:ratio", "vector(1-"+target+")"),
		rule("slo:time_period:days", "vector("+promql.Literal(m.windows.Period.Hours()/24)+")"),
		rule("slo:current_burn_rate:ratio", burn(m.windows.PageQuick.Short)),
		rule("slo:period_burn_rate:ratio", burn(m.windows.Period)),
		rule("slo:period_error_budget_remaining:ratio", "1 - slo:period_burn_rate:ratio"+m.filter),
		{Record: "sloth_slo_info", Expr: "vector(1)", Labels: info},
	}
}

// mode is what Sloth's command calls each dialect.
func (m making) mode() string {
	switch m.s.Dialect {
	case KubernetesV1:
		return "cli-gen-k8s"
	case OpenSLOV1Alpha:
		return "cli-gen-openslo"
	}
	return "cli-gen-prom"
}

func (m making) alerts() []promql.Rule {
	var list []promql.Rule
	a, w := m.slo.Alerting, m.windows
	if !a.Page.Disable {
		list = append(list, m.alert("page", a.Page, w.PageQuick, w.PageSlow))
	}
	if !a.Ticket.Disable {
		list = append(list, m.alert("ticket", a.Ticket, w.TicketQuick, w.TicketSlow))
	}
	return list
}

func (m making) alert(severity string, a Alert, quick, slow Window) promql.Rule {
	const who = "{{$labels.sloth_service}} {{$labels.sloth_slo}} SLO error budget burn rate is "
	common := map[string]string{"title": "(" + severity + ") " + who + "too fast.", "summary": who + "over expected."}
	return promql.Rule{Alert: m.slo.Alerting.Name, Expr: m.burning(quick) + "\nor\n" + m.burning(slow),
		Labels:      promql.LabelsOf(m.slo.Alerting.Labels, a.Labels, map[string]string{"sloth_severity": severity}),
		Annotations: promql.LabelsOf(common, m.slo.Alerting.Annotations, a.Annotations)}
}

// burning is true while both windows of a condition burn too fast.
func (m making) burning(w Window) string {
	limit := " > (" + promql.Literal(w.factor(m.windows.Period)) + " * " + promql.Literal(slo.BudgetShare(m.slo.Target)) + ")) without (sloth_window)"
	return "(\n    max(" + series(w.Short) + m.filter + limit + "\n    and\n    max(" + series(w.Long) + m.filter + limit + "\n)"
}

func sortedOnce(list []time.Duration) []time.Duration {
	slices.Sort(list)
	return slices.Compact(list)
}
