package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/slo/attribute"
)

// mostSpans is up to how many events single spans are read; beyond it what they
// add up to must do, or a sample.
const mostSpans = 300_000

// spent says which values of a dimension spent an objective's budget.
func (a *answering) spent(ctx context.Context, s pitwall.SLO, by string, p pitwall.Period) (report.SpentView, error) {
	back, err := a.turn(ctx)
	if err != nil {
		return report.SpentView{}, err
	}
	defer back()
	p = a.past(p)
	b, err := a.h.engine.Budget(ctx, s.Name)
	if err != nil {
		return report.SpentView{}, err
	}
	if through := a.ledger.Through(s.Name); s.SLI.Query != nil && through.Before(p.To) && through.After(p.From) {
		p.To = through // what is later is not in the ledger yet
	}
	scope := attribute.Scope{SLO: s, Budget: b, Period: p, Ledger: a.ledger.Sum(s.Name, p)}
	switch {
	case s.SLI.Composite != nil:
		return report.SpentView{}, &pitwall.Error{Op: "attributing budget", Kind: pitwall.Invalid, ID: string(s.Name),
			Err: fmt.Errorf("it is made of other objectives"), Hint: "pitwall slo spent " + string(s.SLI.Composite.Members[0].SLO)}
	case by == "deploy":
		return a.spentByDeploy(ctx, scope)
	case s.SLI.Query != nil:
		return a.spentOfMetrics(ctx, scope, by)
	}
	by = cmp.Or(by, "operation")
	q := pitwall.SpanQuery{Period: p, Service: s.SLI.Service, Operation: s.SLI.Operation}
	if scope.Ledger.Total() > mostSpans {
		q.Limit = mostSpans
	}
	spans, err := a.h.spans.Spans(ctx, q)
	if err != nil {
		return report.SpentView{}, err
	}
	totals, err := a.h.spans.Operations(ctx, pitwall.OperationQuery{Period: p, Service: s.SLI.Service, Operation: s.SLI.Operation})
	if err != nil {
		return report.SpentView{}, err
	}
	found, err := attribute.Best(spans, totals, scope, by)
	if err != nil {
		return report.SpentView{}, err
	}
	if len(found.Shares) == 1 && found.Shares[0].Value == attribute.None && scope.Ledger.Total() > 0 {
		return report.SpentView{}, &pitwall.Error{Op: "attributing budget", Kind: pitwall.Invalid, ID: string(s.Name),
			Err: fmt.Errorf("none of its spans carries the attribute %q", by), Hint: "pitwall slo spent " + string(s.Name) + " lists what can be asked for"}
	}
	telling, err := attribute.Dimensions(spans, scope)
	if err != nil {
		return report.SpentView{}, err
	}
	dimensions := []string{}
	for _, d := range telling {
		if !d.Outcome && len(dimensions) < 8 {
			dimensions = append(dimensions, d.Dimension)
		}
	}
	for _, d := range []string{"operation", "version", "deploy"} {
		dimensions = with(dimensions, d)
	}
	return report.Spent(found, dimensions), nil
}

func with(list []string, word string) []string {
	if slices.Contains(list, word) {
		return list
	}
	return append(list, word)
}

// spentByDeploy cuts the ledger at the deploys of the service and those it calls.
func (a *answering) spentByDeploy(ctx context.Context, scope attribute.Scope) (report.SpentView, error) {
	changes, err := a.h.db.Changes(ctx, scope.Period)
	if err != nil {
		return report.SpentView{}, err
	}
	step := max(a.ledger.Step(), scope.Period.Duration()/10_000)
	steps := a.ledger.Series(scope.SLO.Name, scope.Period, step)
	callees, err := a.callees(ctx, scope)
	if err != nil {
		return report.SpentView{}, err
	}
	return report.Spent(attribute.ByDeploy(steps, changes, callees, scope).Attribution, []string{"deploy"}), nil
}

// callees are the services that the objective's service was seen to call.
func (a *answering) callees(ctx context.Context, scope attribute.Scope) (list []pitwall.ServiceName, err error) {
	totals, err := a.h.spans.Operations(ctx, pitwall.OperationQuery{Period: scope.Period, Service: cmp.Or(scope.SLO.SLI.Service, scope.SLO.Service)})
	for _, t := range totals {
		peer := pitwall.ServiceName(t.Peer)
		if t.Kind == pitwall.SpanClient && peer != "" && !slices.Contains(list, peer) {
			list = append(list, peer)
		}
	}
	return list, err
}

// lookback is how long before a period the sample before its first one is
// looked for.
const lookback = 10 * time.Minute

// spentOfMetrics tells a metric objective apart by a label of its series.
func (a *answering) spentOfMetrics(ctx context.Context, scope attribute.Scope, by string) (report.SpentView, error) {
	plan, err := promql.Compile(*scope.SLO.SLI.Query, a.ledger.Step())
	if err != nil {
		return report.SpentView{}, err
	}
	q := attribute.Samples{Plan: plan, Step: a.ledger.Step(), Lookback: lookback, Period: scope.Period}
	if plan.Approximate == "" {
		for _, n := range q.Needs() {
			answer, err := a.samples.Samples(ctx, n.Selector, n.Period)
			if err != nil {
				return report.SpentView{}, err
			}
			q.Answers = append(q.Answers, answer)
		}
		for _, query := range q.Earlier(a.conf.Alerting.Backfill) {
			past, err := a.metrics.Query(ctx, query, scope.Period.From)
			if err != nil {
				return report.SpentView{}, err
			}
			q.Past = append(q.Past, past...)
		}
	}
	labels := attribute.Labels(q.Answers)
	if by == "" && len(labels) > 0 {
		by = labels[0]
	}
	found, err := attribute.FromSamples(q, scope, by)
	if err != nil {
		return report.SpentView{}, err
	}
	return report.Spent(found, with(labels, "deploy")), nil
}
