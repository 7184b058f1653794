package promrules

import (
	"cmp"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/slo"
)

const makeOp = "making Prometheus rules"

// Options say how rules are named, how often they run and where they point.
type Options struct {
	Interval  time.Duration     // of windows up to an hour; zero: 30 s. Longer ones take four times as long.
	AlertName string            // empty: ErrorBudgetBurn
	Dashboard string            // where Pitwall answers, such as https://pitwall.example.com; empty: no link
	Labels    map[string]string // on every series and alert
	Kube      *promql.KubeObject
}

func (o Options) interval() time.Duration { return cmp.Or(o.Interval, 30*time.Second) }

func (o Options) alert() string { return cmp.Or(o.AlertName, "ErrorBudgetBurn") }

// Generate makes the rules of objectives over metrics. One that rules cannot
// count is refused by name: spans, composites, slices, calendar windows.
//
// Of the tiers only those on burn rates become alerts; the file's comment names
// the others. The guard against few events is part of an alert: at least MinBad
// bad events, and more of them than the limit explains by chance (the normal
// approximation of the binomial test that Pitwall does exactly).
func Generate(slos []pitwall.SLO, o Options) (promql.Rules, error) {
	file := promql.Rules{Kube: o.Kube}
	comment := []string{"Error budgets of Pitwall as Prometheus rules. Do not edit."}
	seen := map[pitwall.SLOName]bool{}
	for _, s := range slos {
		if seen[s.Name] {
			return promql.Rules{}, wrong(s, "names are unique in one Pitwall", fmt.Errorf("it is there twice"))
		}
		seen[s.Name] = true
		m, err := newMaking(s, o)
		if err != nil {
			return promql.Rules{}, err
		}
		file.Groups = append(file.Groups, m.groups()...)
		for _, t := range s.Tiers {
			switch {
			case !burns(t):
				comment = append(comment, fmt.Sprintf("Not in here: tier %s of %s, which looks at %q.", t.Name, s.Name, t.When))
			case !slo.Reachable(t, s.Target):
				comment = append(comment, fmt.Sprintf("Not in here: tier %s of %s, which can never fire.", t.Name, s.Name))
			}
		}
	}
	file.Comment = strings.Join(comment, "\n")
	return file, nil
}

func wrong(s pitwall.SLO, hint string, err error) error {
	return &pitwall.Error{Op: makeOp, Kind: pitwall.Invalid, ID: string(s.Name), Err: err, Hint: hint}
}

func burns(t pitwall.BurnTier) bool { return t.When == pitwall.WhenBurn || t.When == "" }

// making is one objective while its rules are made.
type making struct {
	s        pitwall.SLO
	o        Options
	bad      string // how fast, with the window left open; empty for a ratio
	total    string
	ratio    string        // of bad events, when nothing is counted
	steps    []promql.Rule // what the windows are made of, when that is no counter
	labels   promql.Labels
	selector string // {slo="…"}
	budget   float64
}

func newMaking(s pitwall.SLO, o Options) (making, error) {
	m := making{s: s, o: o, selector: "{slo=" + strconv.Quote(string(s.Name)) + "}", budget: slo.BudgetShare(s.Target)}
	switch {
	case s.SLI.Kind == pitwall.SLIComposite:
		return m, wrong(s, "export its members", fmt.Errorf("a composite has no rule"))
	case s.SLI.Query == nil:
		return m, wrong(s, "give it an indicator of metrics, such as a histogram of the same requests", fmt.Errorf("it is counted from spans, which Prometheus does not have"))
	case s.Calendar != nil:
		return m, wrong(s, "give it a rolling window, or alert from Pitwall", fmt.Errorf("rules cannot count a calendar window"))
	case s.Budgeting != "" && s.Budgeting != pitwall.Occurrences:
		return m, wrong(s, "alert from Pitwall", fmt.Errorf("rules cannot count %s", s.Budgeting))
	case s.Name == "" || !(m.budget > 0 && m.budget < 1) || s.Window < time.Minute:
		return m, wrong(s, "", fmt.Errorf("it has no name, no target between 0 and 1, or no window"))
	}
	for _, t := range s.Tiers {
		if burns(t) && (t.Long < time.Second || t.Short < time.Second || !(t.Factor > 0)) {
			return m, wrong(s, "", fmt.Errorf("tier %s has no windows or no factor", t.Name))
		}
	}
	if err := m.ask(); err != nil {
		return m, wrong(s, pitwall.HintOf(err), err)
	}
	own := map[string]string{"slo": string(s.Name), "service": string(s.Service)}
	if s.Owner != "" {
		own["owner"] = s.Owner
	}
	m.labels = promql.LabelsOf(promql.TakenLabels(s.Labels), o.Labels, own)
	return m, nil
}

// groups are up to three: short windows, long ones with their alerts, and the
// budget, which looks back furthest and is wanted least often.
func (m making) groups() []promql.Group {
	short := promql.Group{Name: "pitwall-" + string(m.s.Name) + "-short", Interval: m.o.interval()}
	long := promql.Group{Name: "pitwall-" + string(m.s.Name) + "-long", Interval: 4 * m.o.interval()}
	budget := promql.Group{Name: "pitwall-" + string(m.s.Name) + "-budget", Interval: max(5*time.Minute, m.o.interval())}
	of := func(w time.Duration) *promql.Group {
		if w <= time.Hour {
			return &short
		}
		return &long
	}
	for _, r := range m.steps {
		short.Rules = append(short.Rules, m.record(r.Record, r.Expr))
	}
	for _, w := range m.windows() {
		g := of(w)
		g.Rules = append(g.Rules, m.records(w)...)
	}
	for _, t := range m.s.Tiers {
		if burns(t) && slo.Reachable(t, m.s.Target) {
			g := of(t.Long)
			g.Rules = append(g.Rules, m.alert(t))
		}
	}
	budget.Rules = append(m.records(m.s.Window), m.record("pitwall:slo_target:ratio", "vector("+promql.Literal(float64(m.s.Target))+")"),
		m.record("pitwall:slo_budget_remaining:ratio", "1 - "+m.ratioSeries(m.s.Window)+" / "+promql.Literal(m.budget)))
	var out []promql.Group
	for _, g := range []promql.Group{short, long, budget} {
		if len(g.Rules) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// windows are those of the burn tiers, each once, without the objective's own.
func (m making) windows() []time.Duration {
	var list []time.Duration
	for _, t := range m.s.Tiers {
		if burns(t) {
			list = append(list, t.Long, t.Short)
		}
	}
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(w time.Duration) bool { return w == m.s.Window })
}

func (m making) record(name, expr string) promql.Rule {
	return promql.Rule{Record: name, Expr: expr, Labels: m.labels}
}

// records are the counts and the error ratio over a window.
func (m making) records(w time.Duration) []promql.Rule {
	name := promql.Duration(w)
	if m.ratio != "" {
		return []promql.Rule{m.record("pitwall:slo_errors:ratio"+name, promql.WithWindow(m.ratio, w))}
	}
	fill := func(q string) string {
		return strings.ReplaceAll(promql.WithWindow(q, w), windowSeconds, promql.Literal(w.Seconds()))
	}
	return []promql.Rule{
		m.record("pitwall:slo_bad:rate"+name, fill(m.bad)),
		m.record("pitwall:slo_total:rate"+name, fill(m.total)),
		m.record("pitwall:slo_errors:ratio"+name, m.badSeries(w)+" / ("+m.totalSeries(w)+" > 0)"),
	}
}

func (m making) ratioSeries(w time.Duration) string {
	return "pitwall:slo_errors:ratio" + promql.Duration(w) + m.selector
}

func (m making) badSeries(w time.Duration) string {
	return "pitwall:slo_bad:rate" + promql.Duration(w) + m.selector
}

func (m making) totalSeries(w time.Duration) string {
	return "pitwall:slo_total:rate" + promql.Duration(w) + m.selector
}

// alert is one burn tier.
func (m making) alert(t pitwall.BurnTier) promql.Rule {
	limit := t.Factor * m.budget
	threshold := " > (" + promql.Literal(t.Factor) + " * " + promql.Literal(m.budget) + ")"
	parts := []string{m.ratioSeries(t.Long) + threshold, m.ratioSeries(t.Short) + threshold}
	if m.ratio == "" {
		parts = append(parts, m.guard(t, limit)...)
	}
	labels := literal(m.labels).With("tier", escape(t.Name)).With("action", string(t.Action)).With("severity", severity(t.Action))
	if t.Halt != pitwall.HaltNone {
		labels = labels.With("halt", string(t.Halt))
	}
	return promql.Rule{Alert: m.o.alert(), Expr: strings.Join(parts, "\nand\n"), For: t.For, Labels: labels, Annotations: m.annotations(t, limit)}
}

// guard keeps a few failures of a few requests from alerting.
func (m making) guard(t pitwall.BurnTier, limit float64) []string {
	seconds := promql.Literal(t.Long.Seconds())
	bad, total := m.badSeries(t.Long)+" * "+seconds, m.totalSeries(t.Long)+" * "+seconds
	var list []string
	if t.MinBad > 0 {
		list = append(list, bad+" > "+promql.Literal(float64(t.MinBad)-0.5)) // increases are extrapolated, so seldom whole
	}
	if t.MinEvents > 0 {
		list = append(list, total+" > "+promql.Literal(float64(t.MinEvents)-0.5))
	}
	z := quantile(t)
	return append(list, "("+bad+" - "+total+" * "+promql.Literal(limit)+") > ("+promql.Literal(z)+" * sqrt("+total+" * "+promql.Literal(promql.Clean(limit*(1-limit)))+"))")
}

// quantile is that of the normal distribution which a tier's alpha leaves above:
// 2.326 for 1 %, 1.645 for 5 %.
func quantile(t pitwall.BurnTier) float64 {
	alpha := t.Alpha
	if alpha <= 0 || alpha >= 1 {
		alpha = 0.05
		if t.Action == pitwall.ActionPage {
			alpha = 0.01
		}
	}
	return math.Round(math.Sqrt2*math.Erfinv(1-2*alpha)*1000) / 1000
}

func severity(a pitwall.Action) string {
	switch a {
	case pitwall.ActionPage:
		return "critical"
	case pitwall.ActionInform:
		return "info"
	}
	return "warning"
}

// annotations say what fires, by which arithmetic, and where to go.
func (m making) annotations(t pitwall.BurnTier, limit float64) promql.Labels {
	who, long, short := escape(string(m.s.Name)), promql.Duration(t.Long), promql.Duration(t.Short)
	a := map[string]string{
		"summary": fmt.Sprintf("%s burns its error budget more than %s times too fast", who, promql.Literal(t.Factor)),
		"description": fmt.Sprintf("The error ratio over %s is {{ $value | humanizePercentage }}. It fires above %s × (1 − %s) = %s over %s and over %s: %s %% of the budget of %s is then spent, and at that pace all of it in %s.",
			long, promql.Literal(t.Factor), promql.Literal(float64(m.s.Target)), promql.Literal(promql.Clean(limit)), long, short,
			promql.Literal(promql.Clean(100*t.Factor*t.Long.Seconds()/m.s.Window.Seconds())), promql.Duration(m.s.Window), promql.Duration(time.Duration(float64(m.s.Window)/t.Factor).Round(time.Minute))),
	}
	if m.s.Runbook != "" {
		a["runbook_url"] = escape(m.s.Runbook)
	}
	if m.o.Dashboard != "" {
		a["dashboard"] = escape(strings.TrimSuffix(m.o.Dashboard, "/") + "/slos/" + url.PathEscape(string(m.s.Name)))
	}
	return promql.LabelsOf(a)
}

// literal keeps labels what they are: those of an alert, unlike those of a record,
// are templates.
func literal(labels promql.Labels) promql.Labels {
	out := slices.Clone(labels)
	for i := range out {
		out[i].Value = escape(out[i].Value)
	}
	return out
}

// escape keeps Prometheus' templates from reading braces that a person wrote.
func escape(s string) string { return strings.ReplaceAll(s, "{{", `{{ "{{" }}`) }
