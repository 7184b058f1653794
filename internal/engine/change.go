package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/plan"
)

// begin starts the change once it is approved.
func (e *Engine) begin(ctx context.Context, p pitwall.Plan) error {
	if e.c.Target == nil {
		return e.hold(ctx, p, "no target is configured, so nothing can be changed")
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
			return e.intend(ctx, p, step)
		case run.Done == nil:
			return e.act(ctx, p, *run)
		case run.Look != nil && run.Look.Action != pitwall.CanaryAdvance:
			return e.takeBack(ctx, p, Actor) // judged so before a restart
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

// intend writes down an effect before it happens: the key under which it will
// be asked for, however often, and what the world looked like. A target that
// cannot be looked at for the time of a whole step holds the plan.
func (e *Engine) intend(ctx context.Context, p pitwall.Plan, step pitwall.Step) error {
	fencing, err := e.lease(ctx, p)
	if err != nil {
		return err
	}
	seen, err := e.observe(ctx, p.Fix.Service)
	if waited := e.c.Now().Sub(p.Updated); err != nil && ctx.Err() == nil && waited > e.c.Settings.StepMax {
		return e.hold(ctx, p, fmt.Sprintf("step %s could not begin for %s: %v", step.ID, waited.Round(time.Second), err))
	}
	if err != nil {
		return err
	}
	for v, w := range step.Weights {
		if _, known := seen.Weights[v]; !known && w > 0 {
			return e.hold(ctx, p, fmt.Sprintf("%s %s is not known to the target any more", p.Fix.Service, v))
		}
	}
	if want := left(p); !same(seen.Weights, want) {
		why := fmt.Sprintf("%s: %s runs %s, where this plan counts on %s", meddled, p.Fix.Service, weights(seen.Weights), weights(want))
		if traffic(p) == "" { // nothing of ours to look after: if that mended it, the plan may end by itself
			return e.note(ctx, p, pitwall.EventEscalated, why)
		}
		return e.hold(ctx, p, why)
	}
	_, err = e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventStepIntended, Data: pitwall.StepData{
		StepID: step.ID, Key: key(p, step.ID), Fencing: fencing,
		Service: p.Fix.Service, Weights: step.Weights, Was: seen.Weights,
	}})
	return err
}

// meddled begins the reason why a plan stops when the world is not as it was left.
const meddled = "somebody else changes the same service"

// key names an effect for ever: the same effect has the same key however often
// it is asked for.
func key(p pitwall.Plan, step string) string { return fmt.Sprintf("%s/%d/%s", p.ID, p.Cycle, step) }

// act makes an intended effect true. It looks before it acts, so after a crash
// nothing is done twice; and it asks under the same key, so a target that did
// it without our hearing of it does nothing again.
func (e *Engine) act(ctx context.Context, p pitwall.Plan, run pitwall.StepRun) error {
	now := e.c.Now()
	if run.Failed > 0 && now.Sub(p.Updated) < e.c.Settings.Retry {
		e.wait(p.ID, e.again(run))
		return nil
	}
	fencing, err := e.lease(ctx, p)
	if err != nil {
		return err
	}
	seen, err := e.observe(ctx, run.Step.Service)
	if err != nil {
		return e.failed(ctx, p, run, err)
	}
	data := run.Step
	data.Resumed = same(seen.Weights, run.Step.Weights)
	switch {
	case data.Resumed:
	case e.plan(p.ID).Seq != p.Seq:
		return pitwall.Errorf(pitwall.Conflict, "acting on plan", "%s was moved by a person meanwhile", p.ID)
	case !run.Step.Undo && !same(seen.Weights, run.Step.Was):
		return e.hold(ctx, p, fmt.Sprintf("%s: asked for %s, the target shows %s", meddled, weights(run.Step.Weights), weights(seen.Weights)))
	default:
		seen, err = e.apply(ctx, pitwall.Effect{
			Key: run.Step.Key, Fencing: fencing, Service: run.Step.Service, Weights: run.Step.Weights,
			Reason: fmt.Sprintf("%s: %s", p.ID, p.Fix.Title), Actor: Actor,
		})
		if err != nil {
			return e.failed(ctx, p, run, err)
		}
	}
	if !same(seen.Weights, run.Step.Weights) {
		return e.failed(ctx, p, run, fmt.Errorf("%s: asked for %s, the target shows %s", meddled, weights(run.Step.Weights), weights(seen.Weights)))
	}
	e.outcome(acting, string(p.ID), nil)
	data.Seen, data.Fencing, data.Error = seen.Weights, fencing, ""
	_, err = e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventStepDone, Data: data})
	return err
}

// observe and apply ask the target. One that hangs longer than a whole step may
// take counts as one that does not answer, and so does one with a defect: it is
// not asked for ever.
func (e *Engine) observe(ctx context.Context, s pitwall.ServiceName) (pitwall.TargetState, error) {
	ctx, cancel := context.WithTimeout(ctx, e.c.Settings.StepMax)
	defer cancel()
	var state pitwall.TargetState
	err := guarded("asking the target", "", func() (err error) {
		state, err = e.c.Target.Observe(ctx, s)
		return err
	})
	if err != nil {
		return state, fmt.Errorf("observing %s: %w", s, err)
	}
	return state, nil
}

func (e *Engine) apply(ctx context.Context, effect pitwall.Effect) (pitwall.TargetState, error) {
	ctx, cancel := context.WithTimeout(ctx, e.c.Settings.StepMax)
	defer cancel()
	var state pitwall.TargetState
	err := guarded("asking the target", "", func() (err error) {
		state, err = e.c.Target.Apply(ctx, effect)
		return err
	})
	return state, err
}

// again words the pause between two tries.
func (e *Engine) again(run pitwall.StepRun) string {
	return fmt.Sprintf("trying step %s again (%d of %d tries failed: %s)", run.Step.StepID, run.Failed, e.c.Settings.MaxTries, run.Step.Error)
}

// failed records a try that failed; too many hold the plan. A try that broke off
// because this process ends is none: the next one looks before it acts.
func (e *Engine) failed(ctx context.Context, p pitwall.Plan, run pitwall.StepRun, cause error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.outcome(acting, string(p.ID), cause)
	data := run.Step
	data.Error = cause.Error()
	p, err := e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventStepFailed, Data: data})
	if err != nil {
		return err
	}
	if run.Failed+1 < e.c.Settings.MaxTries {
		return nil
	}
	return e.hold(ctx, p, fmt.Sprintf("step %s failed %d times: %v", run.Step.StepID, run.Failed+1, cause))
}

// lease takes, or renews, the exclusive right of a plan to change a service's
// weights. It is renewed for as long as the change lasts, so that no other plan
// and no other Pitwall changes the same service meanwhile.
func (e *Engine) lease(ctx context.Context, p pitwall.Plan) (uint64, error) {
	name, owner := "weights/"+string(p.Fix.Service), fmt.Sprintf("%s for %s", e.c.Instance, p.ID)
	fencing, err := e.c.Leases.Acquire(ctx, name, owner, e.c.Settings.LeaseTTL, e.c.Now())
	var taken *pitwall.Error
	switch {
	case errors.As(err, &taken) && taken.Kind == pitwall.Conflict:
		return 0, &pitwall.Error{Op: "waiting for the sole right to change " + string(p.Fix.Service), Kind: pitwall.Conflict,
			Err: fmt.Errorf("%w; a Pitwall that was killed keeps it for %s at most", taken.Err, e.c.Settings.LeaseTTL)}
	case err != nil:
		return 0, fmt.Errorf("taking the lease %s: %w", name, err)
	}
	return fencing, nil
}
