package engine

import (
	"context"
	"fmt"
	"maps"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/plan"
)

// undoStep is the id of the step that takes a fix back.
const undoStep = "undo"

// begin starts the change once it is approved.
func (e *Engine) begin(ctx context.Context, p pitwall.Plan) error {
	if e.c.Target == nil {
		return e.note(ctx, p, pitwall.EventHeld, "no target is configured, so nothing can be changed")
	}
	_, err := e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventCanarying, Data: pitwall.ReasonData{Reason: p.Fix.Title}})
	return err
}

// change drives the fix through its steps: intend, act, judge, next.
func (e *Engine) change(ctx context.Context, p pitwall.Plan) error {
	if run := runOf(p, undoStep); run != nil {
		return e.finishUndo(ctx, p, *run)
	}
	for _, step := range p.Fix.Steps {
		run := runOf(p, step.ID)
		switch {
		case run == nil:
			return e.intend(ctx, p, step.ID, step.Weights)
		case run.Done == nil:
			return e.act(ctx, p, *run)
		case step.Judged && run.Look == nil:
			return e.judge(ctx, p, step, *run)
		}
	}
	if p.PromotedAt == nil {
		_, err := e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventPromoted, Data: pitwall.ReasonData{
			Reason: fmt.Sprintf("all traffic of %s is on %s", p.Fix.Service, p.Fix.Good)}})
		return err
	}
	return e.watch(ctx, p)
}

func runOf(p pitwall.Plan, step string) *pitwall.StepRun {
	for i := range p.Steps {
		if p.Steps[i].Step.StepID == step {
			return &p.Steps[i]
		}
	}
	return nil
}

// intend writes down an effect before it happens: the key under which it will
// be asked for, however often, and what the world looked like.
func (e *Engine) intend(ctx context.Context, p pitwall.Plan, step string, weights map[pitwall.Version]int) error {
	fencing, err := e.lease(ctx, p)
	if err != nil {
		return err
	}
	seen, err := e.c.Target.Observe(ctx, p.Fix.Service)
	if err != nil {
		return fmt.Errorf("observing %s: %w", p.Fix.Service, err)
	}
	for v, w := range weights {
		if _, known := seen.Weights[v]; !known && w > 0 {
			return e.note(ctx, p, pitwall.EventHeld, fmt.Sprintf("%s %s is not known to the target any more", p.Fix.Service, v))
		}
	}
	_, err = e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventStepIntended, Data: pitwall.StepData{
		StepID: step, Key: fmt.Sprintf("%s/%d/%s", p.ID, p.Cycle, step), Fencing: fencing,
		Service: p.Fix.Service, Weights: weights, Was: seen.Weights, Undo: step == undoStep,
	}})
	return err
}

// act makes an intended effect true. It looks before it acts, so after a crash
// nothing is done twice; and it asks under the same key, so a target that did
// it without our hearing of it does nothing again.
func (e *Engine) act(ctx context.Context, p pitwall.Plan, run pitwall.StepRun) error {
	now := e.c.Now()
	if run.Failed > 0 && now.Sub(p.Updated) < e.c.Settings.Retry {
		e.wait(p.ID, fmt.Sprintf("trying step %s again (%d of %d tries failed: %s)", run.Step.StepID, run.Failed, e.c.Settings.MaxTries, run.Step.Error))
		return nil
	}
	fencing, err := e.lease(ctx, p)
	if err != nil {
		return err
	}
	seen, err := e.c.Target.Observe(ctx, run.Step.Service)
	if err != nil {
		return e.failed(ctx, p, run, err)
	}
	data := run.Step
	data.Resumed = maps.Equal(nonZero(seen.Weights), nonZero(run.Step.Weights))
	if !data.Resumed {
		seen, err = e.c.Target.Apply(ctx, pitwall.Effect{
			Key: run.Step.Key, Fencing: fencing, Service: run.Step.Service, Weights: run.Step.Weights,
			Reason: fmt.Sprintf("%s: %s", p.ID, p.Fix.Title), Actor: Actor,
		})
		if err != nil {
			return e.failed(ctx, p, run, err)
		}
	}
	if !maps.Equal(nonZero(seen.Weights), nonZero(run.Step.Weights)) {
		return e.failed(ctx, p, run, fmt.Errorf("asked for %v, the target shows %v: somebody else changes it too", run.Step.Weights, seen.Weights))
	}
	data.Seen, data.Fencing = seen.Weights, fencing
	_, err = e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventStepDone, Data: data})
	return err
}

func nonZero(weights map[pitwall.Version]int) map[pitwall.Version]int {
	out := map[pitwall.Version]int{}
	for v, w := range weights {
		if w != 0 {
			out[v] = w
		}
	}
	return out
}

// failed records a try that failed; too many hold the plan.
func (e *Engine) failed(ctx context.Context, p pitwall.Plan, run pitwall.StepRun, cause error) error {
	data := run.Step
	data.Error = cause.Error()
	p, err := e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventStepFailed, Data: data})
	if err != nil {
		return err
	}
	if run.Failed+1 < e.c.Settings.MaxTries {
		return nil
	}
	return e.note(ctx, p, pitwall.EventHeld, fmt.Sprintf("step %s failed %d times: %v", run.Step.StepID, run.Failed+1, cause))
}

// lease takes the exclusive right to change a service's weights.
func (e *Engine) lease(ctx context.Context, p pitwall.Plan) (uint64, error) {
	name := "weights/" + string(p.Fix.Service)
	fencing, err := e.c.Leases.Acquire(ctx, name, e.c.Instance, e.c.Settings.LeaseTTL, e.c.Now())
	if err != nil {
		return 0, fmt.Errorf("taking the lease %s: %w", name, err)
	}
	return fencing, nil
}

// takeBack starts the undo of a fix; why is recorded when it is finished.
func (e *Engine) takeBack(ctx context.Context, p pitwall.Plan) error {
	return e.intend(ctx, p, undoStep, p.Fix.Steps[0].Undo)
}

// finishUndo completes an undo and says how the change ended.
func (e *Engine) finishUndo(ctx context.Context, p pitwall.Plan, run pitwall.StepRun) error {
	if run.Done == nil {
		return e.act(ctx, p, run)
	}
	typ, reason := whyUndone(p)
	return e.note(ctx, p, typ, reason)
}

// whyUndone reads from the record why the fix was taken back, so that the
// answer is the same after a restart.
func whyUndone(p pitwall.Plan) (pitwall.EventType, string) {
	if v := p.Verification; v != nil && !v.Pass {
		if v.Verdict == pitwall.Undecided {
			return pitwall.EventInconclusive, v.Reason
		}
		return pitwall.EventRolledBack, v.Reason
	}
	for _, run := range p.Steps {
		if run.Look == nil {
			continue
		}
		switch run.Look.Action {
		case pitwall.CanaryRollBack:
			return pitwall.EventRolledBack, run.Look.Reason
		case pitwall.CanaryGiveUp:
			return pitwall.EventInconclusive, run.Look.Reason
		}
	}
	for i := len(p.Events) - 1; i >= 0; i-- {
		if ev := p.Events[i]; ev.Type == pitwall.EventNote {
			var d pitwall.ReasonData
			if decode(ev, &d) == nil {
				return pitwall.EventRolledBack, d.Reason
			}
		}
	}
	return pitwall.EventRolledBack, "the fix was taken back"
}
