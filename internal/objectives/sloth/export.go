package sloth

import (
	"fmt"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
)

// FromSLO turns an objective into one of Sloth's, for people who alert with
// Sloth's rules. What rules over metrics cannot count is refused: spans,
// composites, slices and calendar windows.
func FromSLO(s pitwall.SLO) (Spec, error) {
	wrong := func(hint, format string, args ...any) (Spec, error) {
		return Spec{}, &pitwall.Error{Op: "exporting to Sloth", Kind: pitwall.Invalid, ID: string(s.Name), Err: fmt.Errorf(format, args...), Hint: hint}
	}
	switch {
	case s.SLI.Kind == pitwall.SLIComposite:
		return wrong("export its members", "a composite has no rule")
	case s.SLI.Query == nil:
		return wrong("give it an indicator of metrics, such as a histogram of the same requests", "it is counted from spans, which Prometheus does not have")
	case s.Calendar != nil:
		return wrong("give it a rolling window", "rules cannot count a calendar window")
	case s.Budgeting != "" && s.Budgeting != pitwall.Occurrences:
		return wrong("", "rules of Sloth cannot count %s", s.Budgeting)
	case s.Service == "" || s.Name == "":
		return wrong("", "it has no service or no name")
	}
	o := SLO{Name: strings.TrimPrefix(string(s.Name), string(s.Service)+"-"), Description: s.Description, Target: s.Target, Period: s.Window, Source: s.Source,
		Alerting: Alerting{Name: "ErrorBudgetBurn", Annotations: map[string]string{}, Page: Alert{Disable: true}, Ticket: Alert{Disable: true}}}
	for _, t := range s.Tiers {
		switch t.Action {
		case pitwall.ActionPage:
			o.Alerting.Page = Alert{Labels: map[string]string{"severity": "page"}}
		case pitwall.ActionEscalate, pitwall.ActionTicket:
			o.Alerting.Ticket = Alert{Labels: map[string]string{"severity": "ticket"}}
		}
	}
	if s.Runbook != "" {
		o.Alerting.Annotations["runbook_url"] = s.Runbook
	}
	if err := o.ask(s.SLI); err != nil {
		return wrong(pitwall.HintOf(err), "%w", err)
	}
	return Spec{Dialect: PrometheusV1, Service: string(s.Service), Labels: promql.TakenLabels(s.Labels), SLOs: []SLO{o}}, nil
}

// ask writes the queries of an indicator the way Sloth wants them.
func (o *SLO) ask(sli pitwall.SLI) error {
	q := *sli.Query
	switch sli.Kind {
	case pitwall.SLIEvents:
		return o.askEvents(q)
	case pitwall.SLIRatio:
		ratio, err := promql.OpenWindows(q.Ratio)
		if !q.RatioOfBad {
			ratio = "1 - (" + ratio + ")"
		}
		o.ErrorRatio = ratio
		return err
	case pitwall.SLIValue:
		value, err := promql.OpenWindows(q.Value)
		if err != nil {
			return err
		}
		sign, err := promql.Sign(q.Op)
		if err != nil {
			return err
		}
		good := fmt.Sprintf("((%s) %s bool %s)[{{.window}}:]", value, sign, promql.Literal(q.Limit))
		o.ErrorRatio = "1 - sum(sum_over_time(" + good + ")) / sum(count_over_time(" + good + "))"
		return nil
	}
	return fmt.Errorf("an indicator of kind %q has no rule", sli.Kind)
}

// askEvents makes bad and total of any two of good, bad and total.
func (o *SLO) askEvents(q pitwall.SLIQuery) error {
	good, bad, total, err := promql.OpenEvents(q)
	switch {
	case err != nil:
		return err
	case bad == "":
		bad = "(" + total + ") - (" + good + ")"
	case total == "":
		total = "(" + good + ") + (" + bad + ")"
	}
	o.ErrorQuery, o.TotalQuery = bad, total
	return nil
}
