package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/baseline"
	"github.com/pitwall/pitwall/internal/diagnose"
	"github.com/pitwall/pitwall/internal/plan"
	"github.com/pitwall/pitwall/internal/prof"
)

// before is the stretch of normal that a plan is measured against: it ends a
// little ahead of the earliest possible beginning of the trouble.
func (e *Engine) before(p pitwall.Plan) pitwall.Period {
	to := p.Opened.Regression.Onset.Earliest.Add(-time.Second)
	return pitwall.Period{From: to.Add(-e.c.Settings.Baseline), To: to}
}

// freeze takes the picture of normal and copies it into the record.
func (e *Engine) freeze(ctx context.Context, p pitwall.Plan) error {
	in := e.before(p)
	spans, err := e.c.Spans.Spans(ctx, pitwall.SpanQuery{Period: in, WholeTraces: true})
	if err != nil {
		return fmt.Errorf("reading spans of the baseline: %w", err)
	}
	s := e.objective(p)
	b := baseline.Freeze(baseline.Input{
		Service: s.SLI.Service, Operation: s.SLI.Operation, Period: in, Spans: spans,
		Budget: p.Opened.Budget, Families: e.families(ctx, s.SLI.Service, in), Now: e.c.Now(), Rand: e.dice(),
	})
	_, err = e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventBaselined, Data: pitwall.BaselinedData{Baseline: b}})
	return err
}

// families is the CPU per request by frame family; without profiles there is none.
func (e *Engine) families(ctx context.Context, s pitwall.ServiceName, in pitwall.Period) []pitwall.FrameDelta {
	if e.c.Profiles == nil {
		return nil
	}
	windows, err := e.c.Profiles.Profiles(ctx, pitwall.ProfileQuery{Period: in, Service: s, Type: pitwall.ProfileCPU})
	if err != nil || len(windows) == 0 {
		return nil
	}
	families, err := prof.PerRequest(windows)
	if err != nil {
		return nil
	}
	return families
}

// diagnose asks why, as often as new data comes in, until there is a cause, the
// trouble is over, or its time is up.
func (e *Engine) diagnose(ctx context.Context, p pitwall.Plan) error {
	window := e.trouble(p, e.settled())
	if window.Duration() < e.c.Settings.DiagnoseMin {
		e.wait(p.ID, fmt.Sprintf("gathering %s of the slow period before diagnosing", e.c.Settings.DiagnoseMin))
		return nil
	}
	d, err := e.ask(ctx, p, window)
	if err != nil {
		return err
	}
	likely := d.Verdict == pitwall.DiagnosisLikely
	early := likely && !undoable(d) && window.Duration() < 2*e.c.Settings.DiagnoseMin
	if (!likely || early) && e.c.Now().Sub(p.Since) <= e.c.Settings.DiagnoseMax {
		e.wait(p.ID, "no clear cause yet: "+d.Summary+"; looking again with more data")
		return nil
	}
	_, err = e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventDiagnosed, Data: pitwall.DiagnosedData{Diagnosis: d}})
	return err
}

// undoable says that a change is blamed. A cause that nothing of ours can undo
// hands the plan to a person: that is worth twice the least data, for what a
// change did to others is seen before what it did itself.
func undoable(d pitwall.Diagnosis) bool {
	return len(d.Hypotheses) > 0 && d.Hypotheses[0].Change != nil
}

// ask runs the diagnosis against the stores. A defect of ours is no cause, and
// no reason to stop: it is logged, and a person is asked when the time is up.
func (e *Engine) ask(ctx context.Context, p pitwall.Plan, window pitwall.Period) (pitwall.Diagnosis, error) {
	d, err := e.sources().Diagnose(ctx, diagnose.Question{
		Regression: p.Opened.Regression, SLO: e.objective(p), Baseline: p.Baseline.Period, Window: window,
	})
	e.outcome(diagnosing, string(p.ID), err)
	var defect *Defect
	if !errors.As(err, &defect) {
		return d, err
	}
	summary := "the diagnosis failed: " + defect.Error()
	return pitwall.Diagnosis{
		Verdict: pitwall.DiagnosisInconclusive, Summary: summary, Regression: p.Opened.Regression, Baseline: p.Baseline.Period, Window: window,
		Checks: []pitwall.Check{{Name: "diagnosis", Question: "Can it be diagnosed at all?", Outcome: pitwall.OutcomeError, Reason: summary + "; the log says where"}},
	}, nil
}

// recovered says whether the objective stopped burning though nothing of this
// plan is in place: for a whole watch, and long enough to have been looked at
// twice, no tier that opens a plan fires and requests, enough of them to have
// shown the trouble had it gone on, are inside the objective. No requests are no
// recovery, and what comes in bursts is not over with the first.
func (e *Engine) recovered(ctx context.Context, p pitwall.Plan) bool {
	if p.Opened.Trigger == triggerFinding {
		return e.wentAway(ctx, p)
	}
	s, now, since := e.objective(p), e.c.Now(), p.OpenedAt
	if undo := runOf(p, undoStep); undo != nil && undo.Done != nil {
		since = undo.Done.Add(e.c.Settings.Settle) // what was good until then was the fix's doing
	}
	calm := max(e.c.Settings.Watch, 2*e.c.Settings.DiagnoseMin)
	watch := pitwall.Period{From: now.Add(-calm), To: now}
	if _, firing := e.c.Ledger.Burning(s, now); firing || watch.From.Before(since) {
		return false
	}
	recent, burn := e.c.Ledger.Sum(s.Name, watch), p.Opened.Burn.State
	ratio, known := recent.ErrorRatio()
	trouble, _ := burn.Short.ErrorRatio()
	expected := float64(recent.Total()) * float64(trouble)
	return known && ratio <= 1-s.Target && expected >= float64(max(3, burn.Tier.MinBad))
}
