package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/plan"
)

// advance moves one plan as far as it can go now. A stage that has to wait says
// so in the plan's live words and is asked again at the next tick.
func (e *Engine) advance(ctx context.Context, id pitwall.PlanID) {
	for ctx.Err() == nil {
		before := e.plan(id)
		if before.State.Final() {
			return
		}
		err := e.spare(advancing, string(id), func() error { return e.stage(ctx, before) })
		var kind = pitwall.KindOf(err)
		switch {
		case err == nil:
		case errors.Is(err, context.Canceled):
			return
		case kind == pitwall.Conflict && e.plan(id).Seq != before.Seq:
			// A person moved the plan meanwhile; look again.
		default:
			if kind != pitwall.Conflict && e.Live(id).Waiting != err.Error() { // not for a lease, and not at every tick
				e.log.Warn("Stage not finished", "plan", id, "stage", before.State, "err", err)
			}
			e.wait(id, err.Error())
			e.stopBroken(ctx, id)
			return
		}
		if e.plan(id).Seq == before.Seq {
			return
		}
	}
}

// stopBroken holds a plan that a defect stands in the way of, so that a person is
// told. Until then it is tried again as after any trouble, and changes nothing
// more meanwhile: in the middle of a change for as long as a step may take, and
// otherwise until its deadline. Waiting mends no defect, so what is split is not
// left split for ever; and to undo it by the same code would be no safer.
func (e *Engine) stopBroken(ctx context.Context, id pitwall.PlanID) {
	text, since := e.broken.stands(advancing, string(id))
	p, now := e.plan(id), e.c.Now()
	late := now.After(e.deadline(p))
	if touching(p) {
		late = now.Sub(since) > e.c.Settings.StepMax
	}
	if since.IsZero() || !late || p.State == pitwall.Held || p.State == pitwall.Escalated {
		return
	}
	err := e.spare("holding plan", string(id), func() error { return e.hold(ctx, p, text) })
	if err != nil && ctx.Err() == nil {
		e.log.Warn("Plan not held", "plan", id, "err", err)
	}
}

// stage does the next thing in the present state. It returns nil without having
// recorded anything when it must wait.
func (e *Engine) stage(ctx context.Context, p pitwall.Plan) error {
	if over, err := e.overtaken(ctx, p); over || err != nil {
		return err
	}
	switch p.State {
	case pitwall.Opened:
		return e.freeze(ctx, p)
	case pitwall.Baselined:
		return e.diagnose(ctx, p)
	case pitwall.Diagnosed, pitwall.RolledBack:
		return e.propose(ctx, p)
	case pitwall.Proposed:
		return e.decide(ctx, p)
	case pitwall.Approved:
		return e.begin(ctx, p)
	case pitwall.Canarying:
		return e.change(ctx, p)
	case pitwall.Verifying:
		return e.verify(ctx, p)
	case pitwall.Enforcing:
		return e.enforce(ctx, p)
	case pitwall.Held, pitwall.Escalated, pitwall.InconclusiveState:
		words := "waiting for a person: " + p.Reason
		if left := traffic(p); left != "" && !strings.Contains(words, left) {
			words += "; " + left
		}
		e.wait(p.ID, words)
	}
	return nil
}

// overtaken ends or stops a plan that events have overtaken: the trouble is
// over though nothing was done, the objective is gone, or the time is up. A plan
// that waits for a person is not stopped twice. One in the middle of changing
// the world is not stopped on its deadline, for that would leave traffic split,
// and neither is one with a proven fix; their steps have limits of their own.
func (e *Engine) overtaken(ctx context.Context, p pitwall.Plan) (bool, error) {
	stopped := p.State == pitwall.Held || p.State == pitwall.Escalated
	switch {
	case untouched(p) && e.recovered(ctx, p):
		return true, e.notWarranted(ctx, p)
	case stopped || runOf(p, undoStep) != nil && touching(p):
		return false, nil
	case e.objective(p).Service == "":
		return true, e.hold(ctx, p, fmt.Sprintf("the objective %s is not defined any more, so nothing about it can be judged", p.SLO))
	case p.State != pitwall.Enforcing && !touching(p) && e.c.Now().After(e.deadline(p)):
		return true, e.note(ctx, p, pitwall.EventEscalated, fmt.Sprintf(
			"the deadline passed in state %s; a person must decide: pitwall plan resume %s, or pitwall plan close %s", p.State, p.ID, p.ID))
	}
	return false, nil
}

func (e *Engine) notWarranted(ctx context.Context, p pitwall.Plan) error {
	d := pitwall.ClosedData{Reason: "it recovered by itself: this plan has changed nothing, or taken it back"}
	if p.Diagnosis != nil {
		d.Verdict = p.Diagnosis.Verdict
	}
	_, err := e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventNotWarranted, Data: d})
	return err
}

// deadline is when a person is asked. One who resumes a plan gives it the whole
// time once more.
func (e *Engine) deadline(p pitwall.Plan) time.Time {
	for i := len(p.Events) - 1; i >= 0; i-- {
		if p.Events[i].Type == pitwall.EventResumed {
			return later(p.Opened.Deadline, p.Events[i].Time.Add(e.c.Settings.Deadline))
		}
	}
	return p.Opened.Deadline
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// untouched says whether a plan may still find that nothing needs to be done:
// it waits for a cause or a person, and nothing of a fix is in place.
func untouched(p pitwall.Plan) bool {
	switch p.State {
	case pitwall.Opened, pitwall.Baselined, pitwall.Diagnosed, pitwall.Escalated, pitwall.InconclusiveState:
		return traffic(p) == ""
	}
	return false
}

// touching says whether the plan is in the middle of changing the world.
func touching(p pitwall.Plan) bool {
	return (p.State == pitwall.Canarying || p.State == pitwall.Verifying) && len(p.Steps) > 0
}

// note records an event whose payload is a reason alone.
func (e *Engine) note(ctx context.Context, p pitwall.Plan, typ pitwall.EventType, reason string) error {
	_, err := e.happen(ctx, p.ID, plan.Happening{Type: typ, Data: pitwall.ReasonData{Reason: reason}})
	return err
}

// hold stops the plan and says where its traffic is left and how to undo that.
func (e *Engine) hold(ctx context.Context, p pitwall.Plan, reason string) error {
	if left := traffic(p); left != "" && touching(p) {
		reason += fmt.Sprintf("; %s (to take the fix back: pitwall plan rollback %s)", left, p.ID)
	}
	return e.note(ctx, p, pitwall.EventHeld, reason)
}

func (e *Engine) wait(id pitwall.PlanID, words string) {
	e.update(id, func(l *pitwall.Live) { l.Waiting = words })
}

// settled is the newest instant whose telemetry is taken to be complete.
func (e *Engine) settled() time.Time { return e.c.Now().Add(-e.c.Settings.Settle) }

// headline reads the spans of the operation an SLO is about.
func (e *Engine) headline(ctx context.Context, p pitwall.Plan, in pitwall.Period, whole bool) (*pitwall.SpanBatch, error) {
	sli := e.objective(p).SLI
	return e.c.Spans.Spans(ctx, pitwall.SpanQuery{Period: in, Service: sli.Service, Operation: sli.Operation, WholeTraces: whole})
}
