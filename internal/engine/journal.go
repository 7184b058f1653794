package engine

import (
	"context"
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/plan"
)

// catchUp folds in what the record holds beyond what was folded already: all of
// it at the start; later, events whose writing broke off without an answer, so
// that it was not known whether they are in the record. The caller holds
// e.record, or is alone.
func (e *Engine) catchUp(ctx context.Context) error {
	for {
		events, err := e.c.Recorder.Events(ctx, e.folded, 1000)
		if err != nil {
			return fmt.Errorf("reading the record: %w", err)
		}
		for _, ev := range events {
			take := e.fold
			if ev.Plan == "" {
				take = e.foldWorld
			}
			if err := take(ev); err != nil {
				return fmt.Errorf("reading the record: %w", err)
			}
			e.folded = ev.Seq
		}
		if len(events) == 0 {
			return nil
		}
	}
}

// current makes sure that nothing in the record is unknown here; the caller
// holds e.record.
func (e *Engine) current(ctx context.Context) error {
	last, err := e.c.Recorder.Last(ctx)
	if err != nil || last.Seq == e.folded {
		return err
	}
	return e.catchUp(ctx)
}

// fold takes a recorded event into the plans in memory.
func (e *Engine) fold(ev pitwall.Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	old, known := e.plans[ev.Plan]
	next, err := plan.Apply(old, ev)
	if err != nil {
		return err
	}
	if !known {
		e.order = append(e.order, ev.Plan)
	}
	e.plans[ev.Plan], e.listed = next, nil
	return nil
}

// happen records one happening of a plan and folds it in. It is the only way
// in which a plan moves. Without an id it is the first of a new plan, which gets
// the next number.
func (e *Engine) happen(ctx context.Context, id pitwall.PlanID, h plan.Happening) (pitwall.Plan, error) {
	e.record.Lock()
	defer e.record.Unlock()
	if err := e.current(ctx); err != nil {
		return pitwall.Plan{ID: id}, err
	}
	if id == "" {
		id = pitwall.PlanID(fmt.Sprintf("PIP-%d", len(e.all())+1))
	}
	p := e.plan(id)
	p.ID = id // unknown so far: the first event of a new plan
	if h.At.IsZero() {
		h.At = e.c.Now()
	}
	if h.Actor == "" {
		h.Actor = Actor
	}
	ev, err := plan.Next(p, h)
	if err != nil {
		return p, err
	}
	sealed, err := e.c.Recorder.Append(ctx, ev)
	if err != nil {
		return p, err
	}
	if err := e.fold(sealed[0]); err != nil {
		return p, err
	}
	e.folded = sealed[0].Seq
	next := e.plan(id)
	if next.State != p.State {
		e.log.Info("Plan moved", "plan", id, "service", next.Service, "from", p.State, "stage", next.State)
	}
	return next, nil
}
