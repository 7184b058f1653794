package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
	"github.com/pitwall/pitwall/internal/plan"
)

// triggers opens a plan for every objective that burns and has none.
func (e *Engine) triggers(ctx context.Context) error {
	now := e.c.Now()
	for _, s := range e.c.SLOs {
		burn, firing := e.c.Ledger.Burning(s, now)
		if !firing {
			continue
		}
		decision := detect.ShouldOpen(detect.OpenInput{Burn: burn, SLO: s, Plans: e.all(), Since: e.since(s), Now: now})
		if !decision.Open {
			continue
		}
		if err := e.openPlan(ctx, s, burn); err != nil {
			return fmt.Errorf("opening a plan for %s: %w", s.Name, err)
		}
	}
	return nil
}

// since counts good and bad events of an objective from an instant on, so that
// what burned before a plan's fix does not open the next plan.
func (e *Engine) since(s pitwall.SLO) func(time.Time) pitwall.Counts {
	return func(from time.Time) pitwall.Counts {
		return e.c.Ledger.Sum(s.Name, pitwall.Period{From: from, To: e.c.Now()})
	}
}

func (e *Engine) openPlan(ctx context.Context, s pitwall.SLO, burn pitwall.Burn) error {
	now := e.c.Now()
	in := pitwall.Period{From: now.Add(-e.c.Settings.OnsetLookback), To: now}
	spans, err := e.c.Spans.Spans(ctx, pitwall.SpanQuery{Period: in, Service: s.SLI.Service, Operation: s.SLI.Operation})
	if err != nil {
		return fmt.Errorf("reading spans: %w", err)
	}
	regression := detect.Describe(detect.Input{SLO: s, Burn: burn, Spans: spans, Period: in, Now: now})
	data := pitwall.OpenedData{
		Trigger: "slo-burn", Burn: burn, Regression: regression,
		Budget: e.c.Ledger.Budget(s, now), Owner: e.c.Owner(s.Service),
		Severity: severity(burn), Deadline: now.Add(e.c.Settings.Deadline),
		Impact: e.impact(ctx, s, burn, regression.Onset.At),
		Criteria: []string{
			fmt.Sprintf("%s back inside %s", s.Name, s.Target),
			"the cause's own signal back at its baseline",
			"no neighbour worse",
			"a gate, an alert rule or a runbook entry left behind",
		},
	}
	_, err = e.happen(ctx, "", plan.Happening{Type: pitwall.EventOpened, Data: data})
	return err
}

func severity(b pitwall.Burn) pitwall.Severity {
	switch b.State.Tier.Action {
	case pitwall.ActionPage:
		return 1
	case pitwall.ActionEscalate:
		return 2
	default:
		return 3
	}
}

func (e *Engine) impact(ctx context.Context, s pitwall.SLO, b pitwall.Burn, onset time.Time) pitwall.Impact {
	share, _ := b.State.Short.ErrorRatio()
	minutes := b.State.Tier.Short.Minutes()
	perMinute := 0.0
	if minutes > 0 {
		perMinute = float64(b.State.Short.Bad) / minutes
	}
	return pitwall.Impact{Operations: []string{s.SLI.Operation}, ShareOfTraffic: share, BadPerMinute: perMinute,
		KPIs: e.impactOnKPIs(ctx, s.Service, onset)}
}
