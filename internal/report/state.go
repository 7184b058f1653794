package report

import (
	"fmt"
	"strings"

	"github.com/pitwall/pitwall"
)

// stateName is the word for a state.
func stateName(s pitwall.State) string {
	switch s {
	case pitwall.RolledBack:
		return "Rolled back"
	case pitwall.NotWarranted:
		return "Not warranted"
	case pitwall.ClosedWithoutCause:
		return "Closed without cause"
	}
	return upperFirst(string(s))
}

// stateWord is the state with where it is in it: "Canarying — step 2 of 3".
func (m maker) stateWord() string {
	name := stateName(m.p.State)
	switch m.p.State {
	case pitwall.Proposed:
		if m.asked() {
			return "Waiting for approval"
		}
	case pitwall.Canarying:
		if m.undoing() {
			return "Taking the fix back"
		}
		if m.p.PromotedAt != nil {
			return "Promoted — watching"
		}
		if n, of := m.stepAt(); of > 0 {
			return fmt.Sprintf("%s — step %d of %d", name, n, of)
		}
	case pitwall.Verifying:
		switch {
		case m.undoing():
			return "Taking the fix back"
		case m.proofFailed():
			return "Proof failed"
		}
	case pitwall.Held, pitwall.Escalated:
		if m.p.Before != "" {
			return name + " — was " + strings.ToLower(stateName(m.p.Before))
		}
	}
	return name
}

func (m maker) tone() Tone {
	switch m.p.State {
	case pitwall.Closed:
		return ToneOK
	case pitwall.Proposed:
		if m.asked() {
			return ToneWait
		}
	case pitwall.Canarying, pitwall.Verifying:
		if m.undoing() || m.proofFailed() {
			return ToneBad
		}
	case pitwall.Held:
		return ToneWait
	case pitwall.Escalated, pitwall.RolledBack, pitwall.Expired:
		return ToneBad
	case pitwall.InconclusiveState:
		return ToneWarn
	case pitwall.NotWarranted, pitwall.ClosedWithoutCause:
		return ToneNone
	}
	return ToneActive
}

// asked says whether policy waits for a person.
func (m maker) asked() bool {
	return m.p.State == pitwall.Proposed && m.p.Decision != nil && m.p.Decision.Result == pitwall.DecisionAsk
}

// proofFailed says whether the recorded proof did not pass; the undo follows.
func (m maker) proofFailed() bool {
	return m.p.Verification != nil && !m.p.Verification.Pass
}

// undoing says whether the fix is being taken back, or was.
func (m maker) undoing() bool {
	for _, run := range m.p.Steps {
		if run.Step.Undo {
			return true
		}
	}
	return false
}

// stepAt gives the number of the present step, from 1, and how many there are.
func (m maker) stepAt() (n, of int) {
	if m.p.Fix == nil {
		return 0, 0
	}
	for _, run := range m.p.Steps {
		for i, s := range m.p.Fix.Steps {
			if s.ID == run.Step.StepID {
				n = max(n, i+1)
			}
		}
	}
	return max(n, 1), len(m.p.Fix.Steps)
}

// loud words the banner of a side state.
func (m maker) loud() *Loud {
	reason := sentenceEnd(upperFirst(orWord(m.p.Reason, "no reason was recorded")))
	l := &Loud{Title: stateName(m.p.State), Text: reason, Tone: m.tone()}
	switch m.p.State {
	case pitwall.Held:
		l.Next = "Nothing moves until somebody resumes it. " + m.traffic()
	case pitwall.Escalated:
		l.Next = "Read the evidence, then act by hand, or close it with a reason."
	case pitwall.RolledBack:
		l.Next = "The fix was taken back. " + m.traffic() + "The next hypothesis follows, or a person is asked."
	case pitwall.InconclusiveState:
		l.Next = "Neither yes nor no can be said from what was seen. " + m.traffic() + "More data, or a person, must decide."
	case pitwall.Expired:
		l.Next = "The deadline passed without a proof. Whatever still burns opens a new plan."
	case pitwall.NotWarranted:
		l.Next = "Nothing was changed. It opens again if the objective burns again."
	case pitwall.ClosedWithoutCause:
		l.Next = "No cause was proven, so nothing keeps it from returning."
	default:
		return nil
	}
	l.Next = strings.TrimSpace(l.Next)
	return l
}

// traffic says where the requests go now, as last seen; it ends in a space.
func (m maker) traffic() string {
	for i := len(m.p.Steps) - 1; i >= 0; i-- {
		if run := m.p.Steps[i]; len(run.Step.Seen) > 0 {
			return fmt.Sprintf("Traffic of %s: %s. ", run.Step.Service, weights(run.Step.Seen))
		}
	}
	return ""
}
