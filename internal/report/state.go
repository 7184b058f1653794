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
		if m.undoing() {
			return "Taking the fix back"
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

// sentence is the one-sentence verdict, always current.
func (m maker) sentence() string {
	p := m.p
	switch p.State {
	case pitwall.Opened:
		return fmt.Sprintf("%s since %s; freezing the picture of normal.", upperFirst(m.moved()), clock(p.Opened.Regression.Onset.At, m.o.zone()))
	case pitwall.Baselined:
		return upperFirst(m.moved()) + "; looking for the cause."
	case pitwall.Diagnosed:
		return m.diagnosedSentence()
	case pitwall.Proposed:
		return m.proposedSentence()
	case pitwall.Approved:
		return fmt.Sprintf("Allowed by %s: %s. The change begins.", m.allowedBy(), m.fixTitle())
	case pitwall.Canarying:
		return m.canarySentence()
	case pitwall.Verifying:
		return m.verifyingSentence()
	case pitwall.Enforcing:
		return m.provenText() + " Leaving gate, alert rule and runbook behind."
	case pitwall.Closed:
		return m.closedSentence()
	}
	return m.sideSentence()
}

// moved says what moved and by how much: "p99 went 248 ms → 1.42 s (×5.7)".
func (m maker) moved() string {
	r := m.p.Opened.Regression
	if !r.Before.Known() || !r.After.Known() {
		return fmt.Sprintf("%s burns its budget %s too fast", m.p.SLO, Times(m.p.Opened.Burn.State.LongRate))
	}
	name := m.whatShort()
	if r.Signal == pitwall.SignalLatency {
		name = "p99"
	}
	return fmt.Sprintf("%s %s went %s", r.Service, name, arrow(r.Before, r.After))
}

func (m maker) diagnosedSentence() string {
	d := m.p.Diagnosis
	if h := m.hypothesis(); h != nil && d.Verdict != pitwall.DiagnosisNone {
		return fmt.Sprintf("Cause (%s): %s Looking for a fix.", h.Confidence, sentenceEnd(h.Claim))
	}
	if d != nil && d.Summary != "" {
		return sentenceEnd(upperFirst(d.Summary))
	}
	return "No cause found. What was looked at is listed."
}

func (m maker) proposedSentence() string {
	if m.asked() {
		return fmt.Sprintf("Needs a person: %s? Cause (%s): %s", m.fixTitle(), m.confidence(), sentenceEnd(m.claim()))
	}
	return fmt.Sprintf("Fix proposed: %s. Policy decides next.", m.fixTitle())
}

func (m maker) canarySentence() string {
	p := m.p
	if m.undoing() {
		return sentenceEnd("The fix is being taken back: " + m.whyUndone())
	}
	if p.PromotedAt != nil {
		return fmt.Sprintf("All traffic of %s has the fix; watching the objective before proof is asked.", m.fixService())
	}
	look := m.look()
	if look == nil {
		return fmt.Sprintf("%s: the first step is being made.", m.fixTitle())
	}
	row, ok := headline(look.Rows)
	if !ok {
		return fmt.Sprintf("%d %% of %s is on %s; no requests judged yet.", look.Weight, m.fixService(), look.Treat)
	}
	at := fmt.Sprintf("with %d %% on %s", look.Weight, look.Treat)
	switch row.Verdict {
	case pitwall.Better, pitwall.Worse:
		return fmt.Sprintf("Fix is %s on %s %s (%s, %s)%s.", row.Verdict, row.Name, at, Change(row.Change), PValue(row.P), m.whenNext(look))
	case pitwall.Same:
		return fmt.Sprintf("Fix is no different on %s %s%s.", row.Name, at, m.whenNext(look))
	}
	return fmt.Sprintf("No verdict yet on %s %s%s.", row.Name, at, m.whenNext(look))
}

// whenNext says when the decision is near: by requests still needed.
func (m maker) whenNext(look *pitwall.CanaryLook) string {
	if pr := progress(*look); pr != nil {
		return "; " + pr.Text
	}
	switch look.Action {
	case pitwall.CanaryAdvance:
		return "; next step follows"
	case pitwall.CanaryRollBack:
		return "; taking it back"
	}
	return ""
}

func (m maker) verifyingSentence() string {
	if m.undoing() {
		return sentenceEnd("The proof failed, so the fix is being taken back: " + m.whyUndone())
	}
	v := m.verification()
	if v == nil || !v.Done {
		n := "Proving the fix under the same load"
		if v != nil && v.Reason != "" {
			return sentenceEnd(n + ": " + v.Reason)
		}
		return n + "."
	}
	return m.provenText()
}

// provenText says how the proof came out: "Verified: p99 back to 249 ms (was
// 1.42 s during, 248 ms before)."
func (m maker) provenText() string {
	v := m.verification()
	if v == nil {
		return "Verified."
	}
	if !v.Pass {
		return sentenceEnd("Not verified: " + v.Reason)
	}
	return fmt.Sprintf("Verified: p99 %s after, %s during, %s before.", Measured(v.P99After), Measured(v.P99During), Measured(v.P99Before))
}

func (m maker) closedSentence() string {
	p := m.p
	s := "Closed"
	if v := p.Verification; v != nil && v.P99After.Known() {
		s = fmt.Sprintf("Fixed and proven: p99 %s → %s, was %s before", Measured(v.P99During), Measured(v.P99After), Measured(v.P99Before))
	}
	if c := m.causeShort(); c != "" {
		s += ". Cause: " + c
	}
	if p.Enforced != nil {
		s += ". " + upperFirst(plural(len(p.Enforced.Files), "file keeps", "files keep")) + " it from returning"
	}
	return s + "."
}

func (m maker) sideSentence() string {
	reason := orWord(m.p.Reason, "no reason was recorded")
	switch m.p.State {
	case pitwall.RolledBack:
		return sentenceEnd("The fix was taken back: " + reason)
	case pitwall.InconclusiveState:
		return sentenceEnd("Neither yes nor no: " + reason)
	case pitwall.NotWarranted:
		return sentenceEnd("Nothing to do: " + reason)
	case pitwall.Escalated:
		return sentenceEnd("A person must look: " + reason)
	}
	return sentenceEnd(stateName(m.p.State) + ": " + reason)
}

// whyUndone gives the reason of an undo that is still going on.
func (m maker) whyUndone() string {
	if v := m.p.Verification; v != nil && !v.Pass {
		return v.Reason
	}
	for i := len(m.p.Steps) - 1; i >= 0; i-- {
		if l := m.p.Steps[i].Look; l != nil && l.Action != pitwall.CanaryAdvance {
			return l.Reason
		}
	}
	return orWord(m.p.Reason, "a person asked for it")
}

func (m maker) fixService() string {
	if m.p.Fix == nil {
		return string(m.p.Service)
	}
	return string(m.p.Fix.Service)
}

func (m maker) fixTitle() string {
	if m.p.Fix == nil {
		return "no fix"
	}
	return lowerFirst(strings.TrimRight(m.p.Fix.Title, "."))
}

func lowerFirst(s string) string {
	if len(s) < 2 || s[1] >= 'A' && s[1] <= 'Z' {
		return s // an acronym
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func (m maker) allowedBy() string {
	d := m.p.Decision
	switch {
	case d == nil:
		return "policy"
	case d.By != "":
		return d.By
	}
	return "policy rule " + d.Rule
}

// hypothesis is the one being tried, or the best.
func (m maker) hypothesis() *pitwall.Hypothesis {
	if m.p.Hypothesis != nil {
		return m.p.Hypothesis
	}
	if d := m.p.Diagnosis; d != nil && len(d.Hypotheses) > 0 {
		return &d.Hypotheses[0]
	}
	return nil
}

func (m maker) claim() string {
	if h := m.hypothesis(); h != nil {
		return h.Claim
	}
	return "not known"
}

func (m maker) confidence() string {
	if h := m.hypothesis(); h != nil {
		return string(h.Confidence)
	}
	return "no hypothesis"
}

// next says what follows, below the story.
func (m maker) next() string {
	switch m.p.State {
	case pitwall.Closed:
		for _, h := range m.holding() {
			if h.Tone == ToneNone {
				return "next: still holding after " + h.Label + "?"
			}
		}
		return ""
	case pitwall.Proposed:
		if m.asked() {
			return "next: a person approves, or holds it"
		}
	case pitwall.Held, pitwall.Escalated:
		return "next: a person decides"
	}
	if m.p.State.Final() {
		return ""
	}
	if m.live.Waiting != "" {
		return "next: " + m.live.Waiting
	}
	return ""
}
