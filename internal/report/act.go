package report

import (
	"fmt"
	"strings"

	"github.com/pitwall/pitwall"
)

// actions lists everything a person could do, each with its effect, its undo
// and the policy behind it; what is not possible now says why.
func (m maker) actions() []ActionView {
	list := []ActionView{m.approveAction(), m.holdAction(), m.resumeAction(), m.rollbackAction(), m.noteAction(), m.closeAction()}
	for i := range list {
		a := &list[i]
		switch {
		case m.o.ReadOnly:
			a.WhyNot = "this server is read-only"
		case m.p.State.Final():
			a.WhyNot = "the plan is over; its state is " + stateName(m.p.State)
		}
		a.Enabled = a.WhyNot == ""
		a.Primary = a.Primary && a.Enabled
	}
	return list
}

// stopped says whether the plan waits for a person in the middle of its life.
func (m maker) stopped() bool {
	return m.p.State == pitwall.Held || m.p.State == pitwall.Escalated
}

// touching says whether the plan is changing the world, or was when it stopped.
func (m maker) touching() bool {
	state := m.p.State
	if m.stopped() {
		state = m.p.Before
	}
	return (state == pitwall.Canarying || state == pitwall.Verifying) && len(m.p.Steps) > 0
}

func (m maker) policyLine() string {
	d := m.p.Decision
	switch {
	case d == nil:
		return "Policy was not asked yet."
	case d.By != "":
		return fmt.Sprintf("Rule %s asked; %s answered: %s", d.Rule, d.By, sentenceEnd(d.Reason))
	}
	return fmt.Sprintf("Rule %s says %s: %s", d.Rule, d.Result, sentenceEnd(d.Reason))
}

func (m maker) approveAction() ActionView {
	a := ActionView{Name: "approve", Label: "Approve", Primary: true, Policy: m.policyLine(),
		Effect: "The proposed fix may begin.", Undo: "Roll back at any time: traffic returns to where it was."}
	if f := m.p.Fix; f != nil {
		a.Effect = upperFirst(lowerFirst(f.Title)) + "."
		if len(f.Steps) > 0 {
			a.Effect += fmt.Sprintf(" It begins with %s, and is judged before the next step.", weights(f.Steps[0].Weights))
			a.Undo = "Traffic returns to " + weights(f.Steps[0].Undo) + ", by itself when a guardrail fails, or when you roll back."
		}
	}
	if !m.asked() {
		a.WhyNot = "it does not wait for an approval"
		if d := m.p.Decision; d != nil && d.Result == pitwall.DecisionAllow {
			a.WhyNot = "it is allowed already, by " + m.allowedBy()
		}
	}
	return a
}

func (m maker) holdAction() ActionView {
	a := ActionView{Name: "hold", Label: "Hold", Policy: "Anybody who may act can hold a plan.",
		Effect: "Nothing more is done until somebody resumes it. " + strings.TrimSpace(orWord(m.traffic(), "Traffic stays as it is.")), Undo: "Resume."}
	if m.p.State == pitwall.Held {
		a.WhyNot = "it is held already"
	}
	return a
}

func (m maker) resumeAction() ActionView {
	a := ActionView{Name: "resume", Label: "Resume", Primary: true, Policy: "Anybody who may act can let a stopped plan go on.",
		Effect: "It goes on where it was stopped.", Undo: "Hold it again."}
	switch {
	case m.p.State == pitwall.InconclusiveState, m.p.State == pitwall.Escalated && !m.touching():
		a.Effect = "It is looked at again with new data."
	case m.p.Before != "":
		a.Effect = "It goes on as " + stateName(m.p.Before) + "."
	}
	if !m.stopped() && m.p.State != pitwall.InconclusiveState {
		a.WhyNot = "it is not stopped"
	}
	return a
}

func (m maker) rollbackAction() ActionView {
	a := ActionView{Name: "rollback", Label: "Roll back", Danger: true, Policy: "Never blocked: no rule and no freeze stands in the way of undoing.",
		Effect: "The fix is taken back at once.", Undo: "Approve a new proposal."}
	if f := m.p.Fix; f != nil && len(f.Steps) > 0 {
		a.Effect = fmt.Sprintf("The fix is taken back at once: %s returns to %s.", f.Service, weights(f.Steps[0].Undo))
	}
	switch {
	case !m.touching():
		a.WhyNot = "nothing was changed that could be taken back"
	case m.undoing() && !m.stopped():
		a.WhyNot = "it is being taken back already"
	}
	return a
}

func (m maker) noteAction() ActionView {
	return ActionView{Name: "note", Label: "Add note", Policy: "Notes are part of the record and stay.",
		Effect: "Your words stand in the story, with your name and the time.", Undo: "None; add another note."}
}

func (m maker) closeAction() ActionView {
	a := ActionView{Name: "close", Label: "Close without cause", Danger: true, Policy: "A plan with a proven fix closes by itself.",
		Effect: "The plan ends without a proven cause; nothing is left behind to keep it from returning.", Undo: "None; it opens again when the objective burns again."}
	if m.touching() && (m.p.PromotedAt == nil || m.undoing()) {
		a.WhyNot = "it is changing the world; roll it back first"
	}
	return a
}
