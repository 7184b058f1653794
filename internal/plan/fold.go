package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// Happening is something that happened to a plan, not yet recorded.
type Happening struct {
	Type  pitwall.EventType
	To    pitwall.State // only where the table leaves a choice
	Actor string        // "pitwall", or a person
	At    time.Time
	Data  any // the payload type of Type
}

// Next checks a happening against the table and gives the event that records
// it. The plan itself does not move until the event is folded in.
func Next(p pitwall.Plan, h Happening) (pitwall.Event, error) {
	to, err := allowed(p, h.Type, h.To)
	if err != nil {
		return pitwall.Event{}, err
	}
	data, err := json.Marshal(h.Data)
	if err != nil {
		return pitwall.Event{}, pitwall.Errorf(pitwall.Internal, "encoding event", "%s %s: %w", p.ID, h.Type, err)
	}
	return pitwall.Event{Time: h.At.UTC(), Plan: p.ID, Type: h.Type, Actor: h.Actor, From: p.State, To: to, Data: data}, nil
}

// Fold gives the plan that a history leads to.
func Fold(events []pitwall.Event) (pitwall.Plan, error) {
	var p pitwall.Plan
	for _, e := range events {
		next, err := Apply(p, e)
		if err != nil {
			return p, err
		}
		p = next
	}
	return p, nil
}

// Apply folds one event into a plan and gives the new one; the old one stays
// as it was. An event of another plan, out of order, or against the table is
// refused.
func Apply(p pitwall.Plan, e pitwall.Event) (pitwall.Plan, error) {
	if p.ID != "" && e.Plan != p.ID {
		return p, pitwall.Errorf(pitwall.Internal, "folding plan", "event %d belongs to %s, not to %s", e.Seq, e.Plan, p.ID)
	}
	if e.Seq != 0 && e.Seq <= p.Seq {
		return p, pitwall.Errorf(pitwall.Internal, "folding plan", "%s: event %d comes after %d", p.ID, e.Seq, p.Seq)
	}
	if e.From != p.State {
		return p, pitwall.Errorf(pitwall.Conflict, "folding plan", "%s: event %d starts in %q, the plan is in %q", e.Plan, e.Seq, e.From, p.State)
	}
	to, err := allowed(p, e.Type, e.To)
	if err != nil {
		return p, err
	}
	n := copyOf(p)
	n.ID, n.Seq, n.Updated = e.Plan, e.Seq, e.Time
	n.Events = append(p.Events[:len(p.Events):len(p.Events)], e)
	if err := take(&n, e); err != nil {
		return p, fmt.Errorf("folding event %d (%s) of %s: %w", e.Seq, e.Type, e.Plan, err)
	}
	if to != n.State {
		if interrupts(to) && !interrupts(n.State) {
			n.Before = n.State
		}
		if _, again := n.Reached[to]; !again || interrupts(to) || !interrupts(n.State) {
			n.Reached[to] = e.Time // going on after an interruption is not reaching it anew
		}
		n.State, n.Since = to, e.Time
	}
	return n, nil
}

// interrupts says whether a plan returns from this state to where it was.
func interrupts(s pitwall.State) bool { return s == pitwall.Held || s == pitwall.Escalated }

func copyOf(p pitwall.Plan) pitwall.Plan {
	p.Reached = maps.Clone(p.Reached)
	if p.Reached == nil {
		p.Reached = map[pitwall.State]time.Time{}
	}
	p.Steps = append([]pitwall.StepRun(nil), p.Steps...)
	p.Tried = append([]int(nil), p.Tried...)
	return p
}

// take copies an event's payload into the plan.
func take(p *pitwall.Plan, e pitwall.Event) error {
	switch e.Type {
	case pitwall.EventOpened:
		if err := decode(e, &p.Opened); err != nil {
			return err
		}
		p.OpenedAt, p.Service, p.SLO = e.Time, p.Opened.Regression.Service, p.Opened.Burn.SLO
	case pitwall.EventBaselined:
		var d pitwall.BaselinedData
		if err := decode(e, &d); err != nil {
			return err
		}
		p.Baseline = &d.Baseline
	case pitwall.EventDiagnosed:
		var d pitwall.DiagnosedData
		if err := decode(e, &d); err != nil {
			return err
		}
		p.Diagnosis, p.Tried = &d.Diagnosis, nil // the ranks of an older diagnosis mean nothing in this one
	case pitwall.EventProposed:
		return takeProposed(p, e)
	case pitwall.EventDecided, pitwall.EventApproved:
		var d pitwall.DecidedData
		if err := decode(e, &d); err != nil {
			return err
		}
		p.Decision = &d.Decision
	case pitwall.EventStepIntended, pitwall.EventStepDone, pitwall.EventStepFailed, pitwall.EventStepJudged:
		return takeStep(p, e)
	case pitwall.EventPromoted:
		at := e.Time
		p.PromotedAt = &at
	case pitwall.EventVerified:
		var d pitwall.VerifiedData
		if err := decode(e, &d); err != nil {
			return err
		}
		p.Verification = &d.Verification
	case pitwall.EventEnforced:
		p.Enforced = new(pitwall.EnforcedData)
		return decode(e, p.Enforced)
	case pitwall.EventClosed, pitwall.EventNotWarranted, pitwall.EventWithoutCause, pitwall.EventExpired:
		p.Closed = new(pitwall.ClosedData)
		if err := decode(e, p.Closed); err != nil {
			return err
		}
		p.Reason = p.Closed.Reason
	case pitwall.EventHeld, pitwall.EventEscalated, pitwall.EventInconclusive, pitwall.EventRolledBack, pitwall.EventResumed:
		return takeReason(p, e)
	}
	return nil
}

func takeProposed(p *pitwall.Plan, e pitwall.Event) error {
	var d pitwall.ProposedData
	if err := decode(e, &d); err != nil {
		return err
	}
	if p.Diagnosis == nil {
		return fmt.Errorf("a fix was proposed without a diagnosis")
	}
	p.Cycle, p.Fix = d.Cycle, &d.Fix
	p.Hypothesis, p.Decision, p.PromotedAt, p.Verification, p.Steps = nil, nil, nil, nil, nil
	for _, h := range p.Diagnosis.Hypotheses {
		if h.Rank == d.Hypothesis {
			p.Hypothesis = &h
		}
	}
	if p.Hypothesis == nil {
		return fmt.Errorf("no hypothesis of rank %d", d.Hypothesis)
	}
	return nil
}

func takeReason(p *pitwall.Plan, e pitwall.Event) error {
	var d pitwall.ReasonData
	if err := decode(e, &d); err != nil {
		return err
	}
	p.Reason = d.Reason
	if e.Type == pitwall.EventResumed {
		p.Reason = ""
		undoing := slices.ContainsFunc(p.Steps, func(r pitwall.StepRun) bool { return r.Step.Undo })
		if v := p.Verification; v != nil && !v.Pass && !undoing {
			p.Verification = nil // to be proven anew; an undo keeps its reason
		}
	}
	if e.Type == pitwall.EventRolledBack && p.Hypothesis != nil {
		p.Tried = append(p.Tried, p.Hypothesis.Rank)
	}
	return nil
}

func takeStep(p *pitwall.Plan, e pitwall.Event) error {
	if e.Type == pitwall.EventStepJudged {
		var d pitwall.JudgedData
		if err := decode(e, &d); err != nil {
			return err
		}
		if run := find(p, d.Look.StepID); run != nil {
			run.Look = &d.Look
			return nil
		}
		return fmt.Errorf("a verdict on step %q, which was never taken", d.Look.StepID)
	}
	var d pitwall.StepData
	if err := decode(e, &d); err != nil {
		return err
	}
	run := find(p, d.StepID)
	if run == nil {
		if e.Type != pitwall.EventStepIntended {
			return fmt.Errorf("step %q was never intended", d.StepID)
		}
		p.Steps = append(p.Steps, pitwall.StepRun{Step: d, Intended: e.Time})
		return nil
	}
	switch e.Type {
	case pitwall.EventStepDone:
		at := e.Time
		run.Done, run.Step.Seen, run.Step.Resumed, run.Step.Error = &at, d.Seen, d.Resumed, ""
	case pitwall.EventStepFailed:
		run.Failed++
		run.Step.Error = d.Error
	}
	return nil
}

func find(p *pitwall.Plan, step string) *pitwall.StepRun {
	for i := range p.Steps {
		if p.Steps[i].Step.StepID == step {
			return &p.Steps[i]
		}
	}
	return nil
}

func decode(e pitwall.Event, into any) error {
	if err := json.Unmarshal(e.Data, into); err != nil {
		return fmt.Errorf("decoding payload: %w", err)
	}
	return nil
}
