package engine

import (
	"context"
	"errors"
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
		err := e.stage(ctx, before)
		var kind = pitwall.KindOf(err)
		switch {
		case err == nil:
		case errors.Is(err, context.Canceled):
			return
		case kind == pitwall.Conflict && e.plan(id).Seq != before.Seq:
			// A person moved the plan meanwhile; look again.
		default:
			e.wait(id, err.Error())
			e.log.Warn("Stage not finished", "plan", id, "stage", before.State, "err", err)
			return
		}
		if e.plan(id).Seq == before.Seq {
			return
		}
	}
}

// stage does the next thing in the present state. It returns nil without having
// recorded anything when it must wait.
func (e *Engine) stage(ctx context.Context, p pitwall.Plan) error {
	if e.c.Now().After(p.Opened.Deadline) && p.State != pitwall.Held && p.State != pitwall.Escalated && !e.touching(p) {
		return e.note(ctx, p, pitwall.EventEscalated, "the deadline passed; a person must decide")
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
		e.wait(p.ID, "waiting for a person: "+p.Reason)
	}
	return nil
}

// touching says whether the plan is in the middle of changing the world, where
// stopping on a deadline would leave traffic split.
func (e *Engine) touching(p pitwall.Plan) bool {
	return p.State == pitwall.Canarying || p.State == pitwall.Verifying
}

// note records an event whose payload is a reason alone.
func (e *Engine) note(ctx context.Context, p pitwall.Plan, typ pitwall.EventType, reason string) error {
	_, err := e.happen(ctx, p.ID, plan.Happening{Type: typ, Data: pitwall.ReasonData{Reason: reason}})
	return err
}

func (e *Engine) wait(id pitwall.PlanID, words string) {
	e.update(id, func(l *pitwall.Live) { l.Waiting = words })
}

// settled is the newest instant whose telemetry is taken to be complete.
func (e *Engine) settled() time.Time { return e.c.Now().Add(-e.c.Settings.Settle) }

// headline reads the spans of the operation an SLO is about.
func (e *Engine) headline(ctx context.Context, p pitwall.Plan, in pitwall.Period, whole bool) (*pitwall.SpanBatch, error) {
	sli := e.slo(p.SLO).SLI
	return e.c.Spans.Spans(ctx, pitwall.SpanQuery{Period: in, Service: sli.Service, Operation: sli.Operation, WholeTraces: whole})
}
