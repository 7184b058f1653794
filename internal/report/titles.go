package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// eventTitle words any event in one line.
func (m maker) eventTitle(e pitwall.Event) string {
	switch e.Type {
	case pitwall.EventOpened:
		if m.found() {
			return fmt.Sprintf("%s opened: %s", e.Plan, m.moved())
		}
		return fmt.Sprintf("%s opened: %s burns %s", e.Plan, m.p.SLO, Times(m.p.Opened.Burn.State.LongRate))
	case pitwall.EventBaselined:
		if b := m.p.Baseline; b != nil {
			return "baseline frozen (" + Span(b.Period.Duration()) + " before it began)"
		}
	case pitwall.EventDiagnosed:
		return diagnosedTitle(e)
	case pitwall.EventProposed:
		var d pitwall.ProposedData
		if json.Unmarshal(e.Data, &d) == nil {
			return "fix proposed: " + lowerFirst(d.Fix.Title)
		}
	case pitwall.EventDecided, pitwall.EventApproved:
		return decisionTitle(e)
	case pitwall.EventStepIntended, pitwall.EventStepDone, pitwall.EventStepFailed:
		return stepTitle(e)
	case pitwall.EventStepJudged:
		var d pitwall.JudgedData
		if json.Unmarshal(e.Data, &d) == nil {
			return fmt.Sprintf("canary %d %% %s", d.Look.Weight, lookWords(d.Look))
		}
	case pitwall.EventPromoted:
		return orWord(reasonOf(e), "all traffic has the fix")
	case pitwall.EventVerified:
		var d pitwall.VerifiedData
		if json.Unmarshal(e.Data, &d) == nil && d.Verification.Pass {
			return "proven under the same load: p99 " + arrowPlain(d.Verification.P99During, d.Verification.P99After)
		}
		return "the proof failed"
	case pitwall.EventEnforced:
		var d pitwall.EnforcedData
		if json.Unmarshal(e.Data, &d) == nil {
			return plural(len(d.Files), "file", "files") + " left behind: " + kinds(d.Files)
		}
	}
	return m.plainTitle(e)
}

func (m maker) plainTitle(e pitwall.Event) string {
	switch e.Type {
	case pitwall.EventCanarying:
		return "the change begins"
	case pitwall.EventVerifying:
		return "the watch saw nothing wrong; proof begins"
	case pitwall.EventClosed:
		return "closed: the cause is confirmed, the door is locked"
	case pitwall.EventNote:
		return "note: " + reasonOf(e)
	case pitwall.EventHeld:
		return "held by " + orWord(e.Actor, "somebody")
	case pitwall.EventResumed:
		return "resumed by " + orWord(e.Actor, "somebody") + ": " + reasonOf(e)
	case pitwall.EventRolledBack:
		return "rolled back"
	case pitwall.EventEscalated:
		return "escalated: a person must look"
	case pitwall.EventInconclusive:
		return "inconclusive"
	case pitwall.EventExpired:
		return "expired: the deadline passed"
	case pitwall.EventNotWarranted:
		return "not warranted: it recovered by itself"
	case pitwall.EventWithoutCause:
		return "closed without a cause"
	}
	return string(e.Type)
}

func arrowPlain(before, after pitwall.Measure) string {
	return Measured(before) + " → " + Measured(after)
}

func diagnosedTitle(e pitwall.Event) string {
	var d pitwall.DiagnosedData
	if json.Unmarshal(e.Data, &d) != nil {
		return "looked for the cause"
	}
	switch {
	case d.Diagnosis.Verdict == pitwall.DiagnosisInconclusive:
		return "no answer: a needed signal is missing"
	case d.Diagnosis.Verdict == pitwall.DiagnosisNone || len(d.Diagnosis.Hypotheses) == 0:
		return "no cause found"
	}
	h := d.Diagnosis.Hypotheses[0]
	return fmt.Sprintf("cause found: %s in %s (%s)", h.Class, h.Service, h.Confidence)
}

func decisionTitle(e pitwall.Event) string {
	var d pitwall.DecidedData
	if json.Unmarshal(e.Data, &d) != nil {
		return "policy answered"
	}
	switch {
	case e.Type == pitwall.EventDecided && d.Decision.Result == pitwall.DecisionAsk:
		return "policy " + d.Decision.Rule + " asks a person"
	case d.Decision.By != "":
		return "approved by " + d.Decision.By
	}
	return "allowed by policy " + d.Decision.Rule
}

func stepTitle(e pitwall.Event) string {
	var d pitwall.StepData
	if json.Unmarshal(e.Data, &d) != nil {
		return string(e.Type)
	}
	to := d.StepID
	if len(d.Weights) > 0 {
		to = fmt.Sprintf("%s to %s", d.Service, weights(d.Weights))
	}
	switch {
	case e.Type == pitwall.EventStepIntended:
		return "will set " + to
	case e.Type == pitwall.EventStepFailed:
		return "could not set " + to + ": " + orWord(d.Error, "no reason given")
	case d.Undo:
		return "fix taken back: " + to
	case d.Resumed:
		return to + " (seen to be done already after a restart)"
	}
	return to
}

func kinds(files []pitwall.EnforcedFile) string {
	var words []string
	for _, f := range files {
		if w := strings.ToLower(kindWord(f.Kind)); !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return strings.Join(words, ", ")
}

// reasonOf reads the reason out of any payload that carries one.
func reasonOf(e pitwall.Event) string {
	var d pitwall.ReasonData
	if json.Unmarshal(e.Data, &d) != nil {
		return ""
	}
	return strings.TrimSpace(d.Reason)
}

func (m maker) stepOf(e pitwall.Event) (pitwall.StepData, *pitwall.StepRun) {
	var d pitwall.StepData
	if json.Unmarshal(e.Data, &d) != nil {
		return d, nil
	}
	return d, m.run(d.StepID)
}

// since is a duration between two instants, or false when one is unknown.
func since(from, to time.Time) (time.Duration, bool) {
	if from.IsZero() || to.IsZero() {
		return 0, false
	}
	return to.Sub(from), true
}
