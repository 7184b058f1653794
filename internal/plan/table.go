package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

// Transition is one row of the table: in state From, an event of this type
// leads to To. An empty From is a plan that does not exist yet.
type Transition struct {
	From  pitwall.State
	Event pitwall.EventType
	To    pitwall.State
	// Why says in a few words when this row is taken.
	Why string
}

// Any stands in a row for every state that is not final.
const Any pitwall.State = "*"

// Same stands in a row for "the state stays".
const Same pitwall.State = "="

// Back stands in a row for the state that a hold or an escalation interrupted.
const Back pitwall.State = "<"

// Table lists every allowed transition, in the order of a plan's life. What is
// not in the table cannot happen.
func Table() []Transition {
	return []Transition{
		{"", pitwall.EventOpened, pitwall.Opened, "an objective burns"},
		{pitwall.Opened, pitwall.EventBaselined, pitwall.Baselined, "the picture of normal is frozen"},
		{pitwall.Opened, pitwall.EventNotWarranted, pitwall.NotWarranted, "it recovered by itself before anything was done"},
		{pitwall.Baselined, pitwall.EventDiagnosed, pitwall.Diagnosed, "a cause is named, or honestly not"},
		{pitwall.Baselined, pitwall.EventNotWarranted, pitwall.NotWarranted, "it recovered by itself before anything was done"},
		{pitwall.Baselined, pitwall.EventInconclusive, pitwall.InconclusiveState, "a needed signal is missing"},
		{pitwall.Diagnosed, pitwall.EventProposed, pitwall.Proposed, "a playbook fits the hypothesis"},
		{pitwall.Diagnosed, pitwall.EventNotWarranted, pitwall.NotWarranted, "it recovered by itself before anything was done"},
		{pitwall.Diagnosed, pitwall.EventWithoutCause, pitwall.ClosedWithoutCause, "nothing differs beyond noise and nothing burns any more"},
		{pitwall.Proposed, pitwall.EventDecided, Same, "policy asks a person"},
		{pitwall.Proposed, pitwall.EventApproved, pitwall.Approved, "policy allowed it, or a person did"},
		{pitwall.Approved, pitwall.EventCanarying, pitwall.Canarying, "the change begins"},
		{pitwall.Canarying, pitwall.EventStepIntended, Same, "written down before the world is touched"},
		{pitwall.Canarying, pitwall.EventStepDone, Same, "the world was seen to be as intended"},
		{pitwall.Canarying, pitwall.EventStepFailed, Same, "the target refused or did not answer"},
		{pitwall.Canarying, pitwall.EventStepJudged, Same, "the canary's verdict on a step"},
		{pitwall.Canarying, pitwall.EventPromoted, Same, "all traffic has the fix; the watch begins"},
		{pitwall.Canarying, pitwall.EventVerifying, pitwall.Verifying, "the watch saw nothing wrong"},
		{pitwall.Canarying, pitwall.EventRolledBack, pitwall.RolledBack, "the fix was worse, did not help, or was taken back"},
		{pitwall.Canarying, pitwall.EventInconclusive, pitwall.InconclusiveState, "no verdict in the time of the step; the fix was undone"},
		{pitwall.Verifying, pitwall.EventStepIntended, Same, "an undo, written down first"},
		{pitwall.Verifying, pitwall.EventStepDone, Same, "the undo was seen to hold"},
		{pitwall.Verifying, pitwall.EventStepFailed, Same, "the target refused or did not answer"},
		{pitwall.Verifying, pitwall.EventVerified, pitwall.Enforcing, "proof passed"},
		{pitwall.Verifying, pitwall.EventVerified, Same, "proof failed; the fix is undone next"},
		{pitwall.Verifying, pitwall.EventRolledBack, pitwall.RolledBack, "verification failed"},
		{pitwall.Verifying, pitwall.EventInconclusive, pitwall.InconclusiveState, "not enough of the same load to prove anything"},
		{pitwall.Enforcing, pitwall.EventStepIntended, Same, "the delivery, written down first"},
		{pitwall.Enforcing, pitwall.EventStepFailed, Same, "the repository refused"},
		{pitwall.Enforcing, pitwall.EventEnforced, Same, "gate, alert and runbook are delivered"},
		{pitwall.Enforcing, pitwall.EventClosed, pitwall.Closed, "the door is locked"},
		{pitwall.RolledBack, pitwall.EventProposed, pitwall.Proposed, "the next hypothesis is tried"},
		{pitwall.RolledBack, pitwall.EventDiagnosed, pitwall.Diagnosed, "looked again"},
		{pitwall.InconclusiveState, pitwall.EventDiagnosed, pitwall.Diagnosed, "more data came"},
		{pitwall.InconclusiveState, pitwall.EventResumed, pitwall.Baselined, "a person wants it looked at again"},
		{pitwall.InconclusiveState, pitwall.EventNotWarranted, pitwall.NotWarranted, "it recovered by itself"},
		{pitwall.Escalated, pitwall.EventDiagnosed, pitwall.Diagnosed, "looked again"},
		{pitwall.Escalated, pitwall.EventResumed, Back, "a person lets it go on"},
		{pitwall.Escalated, pitwall.EventResumed, pitwall.Baselined, "a person wants it looked at again"},
		{pitwall.Escalated, pitwall.EventNotWarranted, pitwall.NotWarranted, "it recovered by itself"},
		{pitwall.Escalated, pitwall.EventStepIntended, Back, "a person takes the fix back"},
		{pitwall.Held, pitwall.EventResumed, Back, "a person lets it go on"},
		{pitwall.Held, pitwall.EventStepIntended, Back, "a person takes the fix back"},
		{Any, pitwall.EventHeld, pitwall.Held, "a person or policy stops it"},
		{Any, pitwall.EventEscalated, pitwall.Escalated, "a person must look"},
		{Any, pitwall.EventExpired, pitwall.Expired, "the deadline passed"},
		{Any, pitwall.EventWithoutCause, pitwall.ClosedWithoutCause, "a person closes it without a cause"},
		{Any, pitwall.EventNote, Same, "somebody adds a note"},
	}
}

// allowed finds the state that an event leads to. When several rows fit (a
// proof may pass or fail) want chooses; an empty want takes the only fit.
func allowed(p pitwall.Plan, typ pitwall.EventType, want pitwall.State) (pitwall.State, error) {
	var fits []pitwall.State
	for _, row := range Table() {
		if row.Event != typ || !from(row.From, p.State) {
			continue
		}
		switch row.To {
		case Same:
			fits = append(fits, p.State)
		case Back:
			fits = append(fits, p.Before)
		default:
			fits = append(fits, row.To)
		}
	}
	switch {
	case len(fits) == 0:
		return "", &pitwall.Error{
			Op: "moving plan", Kind: pitwall.Conflict, ID: string(p.ID),
			Err:  fmt.Errorf("%s is not possible in state %q", typ, p.State),
			Hint: "see the transition table in ARCHITECTURE.md",
		}
	case want == "" && len(fits) == 1:
		return fits[0], nil
	case slices.Contains(fits, want):
		return want, nil
	default:
		return "", pitwall.Errorf(pitwall.Internal, "moving plan", "%s: %s may lead to %v, not to %q", p.ID, typ, fits, want)
	}
}

func from(row, state pitwall.State) bool {
	if row == Any {
		return state != "" && !state.Final()
	}
	return row == state
}

// Markdown writes the table for a document.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| in state | event | to | when |\n|---|---|---|---|\n")
	words := map[pitwall.State]string{"": "–", Any: "any open", Same: "stays", Back: "where it was"}
	word := func(s pitwall.State) string {
		if w, ok := words[s]; ok {
			return w
		}
		return string(s)
	}
	for _, row := range Table() {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", word(row.From), row.Event, word(row.To), row.Why)
	}
	return b.String()
}
