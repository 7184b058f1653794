package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/plan"
)

// Plans lists every plan, oldest first.
func (e *Engine) Plans(context.Context) ([]pitwall.Plan, error) { return e.all(), nil }

// Plan gives one plan.
func (e *Engine) Plan(_ context.Context, id pitwall.PlanID) (pitwall.Plan, error) {
	p := e.plan(id)
	if p.ID == "" {
		return p, &pitwall.Error{Op: "reading plan", Kind: pitwall.NotFound, ID: string(id),
			Err: fmt.Errorf("no such plan"), Hint: "pitwall plan list"}
	}
	return p, nil
}

// Live gives what is known of a plan beyond its record.
func (e *Engine) Live(id pitwall.PlanID) pitwall.Live {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.live[id]
}

// SLOs lists the objectives.
func (e *Engine) SLOs() []pitwall.SLO { return e.c.SLOs }

// wordy is up to how many objectives Budgets words all the arithmetic; beyond it
// the numbers are those of the last tick, and Budget has the words of each.
const wordy = 200

// Budgets gives the budget of every objective, in the order of SLOs.
func (e *Engine) Budgets(context.Context) ([]pitwall.ErrorBudget, error) {
	e.mu.Lock()
	last := e.budgets
	e.mu.Unlock()
	if len(e.c.SLOs) > wordy && last != nil {
		return last, nil
	}
	list := make([]pitwall.ErrorBudget, 0, len(e.c.SLOs))
	for _, s := range e.c.SLOs {
		list = append(list, e.worded(s))
	}
	return list, nil
}

// Budget gives the budget of one objective now, with all its arithmetic.
func (e *Engine) Budget(_ context.Context, name pitwall.SLOName) (pitwall.ErrorBudget, error) {
	s, err := e.known(name)
	if err != nil {
		return pitwall.ErrorBudget{}, err
	}
	return e.worded(s), nil
}

// known gives an objective, or the error that there is none of that name.
func (e *Engine) known(name pitwall.SLOName) (pitwall.SLO, error) {
	if _, there := e.index[name]; !there {
		return pitwall.SLO{}, &pitwall.Error{Op: "reading SLO", Kind: pitwall.NotFound, ID: string(name), Err: fmt.Errorf("no such SLO"), Hint: "pitwall slo list"}
	}
	return e.slo(name), nil
}

// worded is a budget as of now. Whether a tier fires, and since when, is what
// the ticks saw: a look alone does not remember.
func (e *Engine) worded(s pitwall.SLO) pitwall.ErrorBudget {
	b := e.c.Ledger.Budget(s, e.c.Now())
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.budgets == nil {
		return b // no tick yet
	}
	for i := range b.Tiers {
		t := &b.Tiers[i]
		a, fires := e.firing[firingKey{s.Name, t.Tier.Name}]
		if t.Firing && !fires {
			t.Since = cmp.Or(t.Since, b.At) // its condition holds and is not confirmed yet
		}
		if t.Firing = fires; fires {
			t.Since = a.Since
		}
	}
	return b
}

// BudgetSeries gives good and bad counts of an objective in steps.
func (e *Engine) BudgetSeries(_ context.Context, name pitwall.SLOName, p pitwall.Period, step time.Duration) ([]pitwall.LedgerStep, error) {
	if _, err := e.known(name); err != nil {
		return nil, err
	}
	return e.c.Ledger.Series(name, p, step), nil
}

// Events gives recorded events after a sequence number.
func (e *Engine) Events(ctx context.Context, after uint64, limit int) ([]pitwall.Event, error) {
	return e.c.Recorder.Events(ctx, after, limit)
}

// WaitEvents returns when the record is longer than after, or ctx ends.
func (e *Engine) WaitEvents(ctx context.Context, after uint64) error {
	return e.c.Recorder.Wait(ctx, after)
}

// VerifyRecord walks the whole hash chain and gives its length.
func (e *Engine) VerifyRecord(ctx context.Context) (uint64, error) {
	return e.c.Recorder.Verify(ctx)
}

// Health gathers what every source and store says of itself, and what the engine
// itself cannot do for a defect.
func (e *Engine) Health() []pitwall.SourceHealth {
	var list []pitwall.SourceHealth
	var odd []error
	for _, h := range e.c.Health {
		odd = append(odd, guarded("asking a source", "", func() error { list = append(list, h.Health()...); return nil }))
	}
	e.outcome("asking the sources how they are", "", errors.Join(odd...))
	return append(list, e.broken.health()...)
}

// Trace gives every span of one trace.
func (e *Engine) Trace(ctx context.Context, id pitwall.TraceID) (*pitwall.SpanBatch, error) {
	reader, ok := e.c.Spans.(interface {
		Trace(context.Context, pitwall.TraceID) (*pitwall.SpanBatch, error)
	})
	if !ok {
		return nil, pitwall.Errorf(pitwall.Unavailable, "reading trace", "this trace store cannot look up one trace")
	}
	return reader.Trace(ctx, id)
}

// Act does what a person asks of a plan. With DryRun it only says what it would do.
func (e *Engine) Act(ctx context.Context, r pitwall.ActRequest) (pitwall.ActResult, error) {
	p, err := e.Plan(ctx, r.Plan)
	if err != nil {
		return pitwall.ActResult{}, err
	}
	if strings.TrimSpace(r.By) == "" || strings.TrimSpace(r.Reason) == "" {
		return pitwall.ActResult{}, &pitwall.Error{Op: "acting on plan", Kind: pitwall.Invalid, ID: string(p.ID),
			Err: fmt.Errorf("who and why are needed"), Hint: "give by and reason"}
	}
	if r.Action == "rollback" {
		return e.actRollback(ctx, p, r)
	}
	h, did, err := e.asked(p, r)
	if err != nil {
		return pitwall.ActResult{}, err
	}
	if r.DryRun {
		ev, err := plan.Next(p, h)
		return pitwall.ActResult{Plan: p.ID, State: ev.To, Did: "would have " + did}, err
	}
	p, err = e.happen(ctx, p.ID, h)
	return pitwall.ActResult{Plan: p.ID, State: p.State, Did: did}, err
}

// asked turns a person's request into a happening.
func (e *Engine) asked(p pitwall.Plan, r pitwall.ActRequest) (plan.Happening, string, error) {
	h := plan.Happening{Actor: r.By, Data: pitwall.ReasonData{Reason: r.Reason}}
	switch r.Action {
	case "approve":
		if p.State != pitwall.Proposed || p.Decision == nil || p.Decision.Result != pitwall.DecisionAsk {
			return h, "", &pitwall.Error{Op: "approving plan", Kind: pitwall.Conflict, ID: string(p.ID),
				Err: fmt.Errorf("it does not wait for an approval; its state is %q", p.State), Hint: "pitwall plan view " + string(p.ID)}
		}
		d := *p.Decision
		d.Result, d.By, d.Reason, d.At = pitwall.DecisionAllow, r.By, r.Reason, e.c.Now()
		h.Type, h.Data = pitwall.EventApproved, pitwall.DecidedData{Decision: d}
		return h, "approved: " + p.Fix.Title, nil
	case "hold":
		h.Type = pitwall.EventHeld
		return h, "put on hold; traffic stays as it is", nil
	case "resume":
		h.Type, h.To = pitwall.EventResumed, resumed(p)
		return h, fmt.Sprintf("resumed in state %s", h.To), nil
	case "note":
		h.Type = pitwall.EventNote
		return h, "added a note", nil
	case "close":
		if split(p) {
			return h, "", &pitwall.Error{Op: "closing plan", Kind: pitwall.Conflict, ID: string(p.ID),
				Err: fmt.Errorf("it is changing the world: %s", traffic(p)), Hint: "pitwall plan rollback " + string(p.ID)}
		}
		h.Type, h.Data = pitwall.EventWithoutCause, pitwall.ClosedData{Reason: r.Reason}
		return h, "closed without a cause", nil
	}
	return h, "", &pitwall.Error{Op: "acting on plan", Kind: pitwall.Invalid, ID: string(p.ID),
		Err: fmt.Errorf("unknown action %q", r.Action), Hint: "approve, hold, resume, rollback, note or close"}
}

// resumed is where a person's word lets a plan go on. What waits for want of a
// cause or of a fix that helps is looked at again from the diagnosis on;
// everything else goes on where it was.
func resumed(p pitwall.Plan) pitwall.State {
	if p.State == pitwall.InconclusiveState {
		return pitwall.Baselined
	}
	if p.State == pitwall.Escalated {
		switch p.Before {
		case pitwall.Diagnosed, pitwall.RolledBack, pitwall.InconclusiveState:
			return pitwall.Baselined
		}
	}
	return p.Before
}

// actRollback takes the fix back at once; no policy, no freeze and no hold
// stands in its way, and neither does a target that does not answer now.
func (e *Engine) actRollback(ctx context.Context, p pitwall.Plan, r pitwall.ActRequest) (pitwall.ActResult, error) {
	in := p
	stopped := p.State == pitwall.Held || p.State == pitwall.Escalated
	if stopped {
		in.State = p.Before
	}
	if !touching(in) {
		return pitwall.ActResult{}, &pitwall.Error{Op: "rolling back", Kind: pitwall.Conflict, ID: string(p.ID),
			Err: fmt.Errorf("nothing was changed that could be taken back; its state is %q", p.State), Hint: "pitwall plan view " + string(p.ID)}
	}
	res := pitwall.ActResult{Plan: p.ID, State: in.State, Did: fmt.Sprintf("taking back: %s", p.Fix.Title)}
	undo := runOf(p, undoStep)
	if r.DryRun || undo != nil && !stopped {
		return res, nil
	}
	if undo != nil { // it was held in the middle of its undo
		_, err := e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventResumed, To: p.Before, Actor: r.By, Data: pitwall.ReasonData{Reason: r.Reason}})
		return res, err
	}
	p, err := e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventNote, Actor: r.By, Data: pitwall.ReasonData{Reason: r.Reason}})
	if err != nil {
		return res, err
	}
	return res, e.takeBack(ctx, p, r.By)
}

func decode(ev pitwall.Event, into any) error {
	if err := json.Unmarshal(ev.Data, into); err != nil {
		return pitwall.Errorf(pitwall.Internal, "reading event", "%d: %w", ev.Seq, err)
	}
	return nil
}
