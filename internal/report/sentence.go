package report

import (
	"fmt"
	"strings"

	"github.com/pitwall/pitwall"
)

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

// found says that a finding opened the plan, not a burning objective.
func (m maker) found() bool { return m.p.Opened.Finding != "" }

// moved says what moved and by how much: "p99 went 248 ms → 1.42 s (×5.7)".
func (m maker) moved() string {
	r := m.p.Opened.Regression
	if r.Signal == pitwall.SignalTraffic {
		return fmt.Sprintf("%s gets no requests of %s", r.Service, orWord(r.Operation, string(m.p.SLO)))
	}
	if !r.Before.Known() || !r.After.Known() {
		return fmt.Sprintf("%s burns its budget %s too fast", m.p.SLO, Times(m.p.Opened.Burn.State.LongRate))
	}
	name := m.whatShort()
	if r.Signal == pitwall.SignalLatency {
		name = orWord(r.Metric, "p99")
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
