package engine

import (
	"context"
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/canary"
	"github.com/pitwall/pitwall/internal/plan"
)

// judge looks at the canary. The look is computed from the spans since the step
// began, so it is the same after a restart, and looking often costs no error.
// A plan that was held gets the step's whole time once more.
func (e *Engine) judge(ctx context.Context, p pitwall.Plan, step pitwall.Step, run pitwall.StepRun) error {
	if _, err := e.lease(ctx, p); err != nil {
		return err
	}
	in := pitwall.Period{From: *run.Done, To: e.settled()}
	if in.Duration() <= 0 {
		e.wait(p.ID, fmt.Sprintf("waiting for the first requests of step %s", step.ID))
		return nil
	}
	spans, err := e.c.Spans.Spans(ctx, pitwall.SpanQuery{Period: in, WholeTraces: true})
	if err != nil {
		return fmt.Errorf("reading the canary's spans: %w", err)
	}
	look := canary.Judge(canary.Input{
		StepID: step.ID, Weight: step.Weights[p.Fix.Good], Service: p.Fix.Service,
		Control: p.Fix.Bad, Treatment: p.Fix.Good, Guardrails: p.Fix.Guardrails,
		Spans: spans, Period: in, Now: e.c.Now(), Deadline: later(*run.Done, p.Since).Add(e.c.Settings.StepMax),
		Settings: canary.Settings{Alpha: e.c.Settings.Alpha, MinRequests: e.c.Settings.MinRequests, Steps: judged(p.Fix.Steps)},
	})
	next := e.c.Now().Add(e.c.Settings.Tick)
	e.update(p.ID, func(l *pitwall.Live) { l.Look, l.NextLook, l.Waiting = &look, &next, look.Reason })
	if look.Action == pitwall.CanaryWait {
		return nil
	}
	p, err = e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventStepJudged, Data: pitwall.JudgedData{Look: look}})
	if err != nil || look.Action == pitwall.CanaryAdvance {
		return err
	}
	return e.takeBack(ctx, p, Actor)
}

// watch keeps an eye on the objective after promotion. If it is still bad when
// the watch is over, the fix did not help and is taken back.
func (e *Engine) watch(ctx context.Context, p pitwall.Plan) error {
	if _, err := e.lease(ctx, p); err != nil {
		return err
	}
	from := p.PromotedAt.Add(e.c.Settings.Settle)
	now := e.settled()
	if now.Sub(from) < e.c.Settings.Watch {
		e.wait(p.ID, fmt.Sprintf("watching %s after promotion for %s", p.Service, e.c.Settings.Watch))
		return nil
	}
	s := e.objective(p)
	counts := e.c.Ledger.Sum(s.Name, pitwall.Period{From: from, To: now})
	ratio, known := counts.ErrorRatio()
	if !known {
		e.wait(p.ID, "no requests since promotion; nothing can be said yet")
		if now.Sub(later(from, p.Since)) < e.c.Settings.StepMax {
			return nil
		}
		return e.hold(ctx, p, "no requests arrived after promotion, so nothing can be verified")
	}
	factor := max(1, p.Opened.Burn.State.Tier.Factor) // a tier that is no burn rate has none
	if float64(ratio) <= factor*float64(1-s.Target) {
		_, err := e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventVerifying, Data: pitwall.ReasonData{
			Reason: fmt.Sprintf("%s of %d requests were bad after promotion", ratio, counts.Total())}})
		return err
	}
	reason := fmt.Sprintf("the change did not help: %s of %d requests are still bad after promotion; a stateful cause is possible", ratio, counts.Total())
	if err := e.note(ctx, p, pitwall.EventNote, reason); err != nil {
		return err
	}
	return e.takeBack(ctx, e.plan(p.ID), Actor)
}

// judged counts the steps that share the release's error bound.
func judged(steps []pitwall.Step) int {
	n := 0
	for _, s := range steps {
		if s.Judged {
			n++
		}
	}
	return n
}
