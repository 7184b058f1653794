package plan

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// life is a small history under construction.
type life struct {
	t      *testing.T
	plan   pitwall.Plan
	events []pitwall.Event
}

func (l *life) do(h Happening) {
	l.t.Helper()
	h.Actor, h.At = "pitwall", start.Add(time.Duration(len(l.events))*time.Second)
	e, err := Next(l.plan, h)
	if err != nil {
		l.t.Fatalf("%s in %q: %v", h.Type, l.plan.State, err)
	}
	e.Seq = uint64(len(l.events) + 1)
	if e.Plan == "" {
		e.Plan = "PIP-1"
	}
	l.events = append(l.events, e)
	if l.plan, err = Apply(l.plan, e); err != nil {
		l.t.Fatal(err)
	}
}

func smooth(t *testing.T) *life {
	l := &life{t: t}
	l.do(Happening{Type: pitwall.EventOpened, Data: pitwall.OpenedData{
		Burn: pitwall.Burn{SLO: "checkout-latency"}, Regression: pitwall.Regression{Service: "checkout"}}})
	l.do(Happening{Type: pitwall.EventBaselined, Data: pitwall.BaselinedData{}})
	l.do(Happening{Type: pitwall.EventDiagnosed, Data: pitwall.DiagnosedData{Diagnosis: pitwall.Diagnosis{
		Verdict: pitwall.DiagnosisLikely, Hypotheses: []pitwall.Hypothesis{{Rank: 1, Service: "inventory"}, {Rank: 2, Service: "payment"}}}}})
	l.propose(1)
	l.do(Happening{Type: pitwall.EventApproved, Data: pitwall.DecidedData{Decision: pitwall.Decision{Result: pitwall.DecisionAllow}}})
	l.do(Happening{Type: pitwall.EventCanarying, Data: pitwall.ReasonData{}})
	return l
}

func (l *life) propose(rank int) {
	l.t.Helper()
	l.do(Happening{Type: pitwall.EventProposed, Data: pitwall.ProposedData{Cycle: l.plan.Cycle + 1, Hypothesis: rank,
		Fix: pitwall.Fix{Service: "inventory", Good: "v40", Bad: "v41"}}})
}

func (l *life) step(id string) {
	l.t.Helper()
	l.do(Happening{Type: pitwall.EventStepIntended, Data: pitwall.StepData{StepID: id, Key: "PIP-1/1/" + id}})
	l.do(Happening{Type: pitwall.EventStepDone, Data: pitwall.StepData{StepID: id, Key: "PIP-1/1/" + id}})
}

func TestSmoothLife(t *testing.T) {
	l := smooth(t)
	l.step("canary-10")
	l.do(Happening{Type: pitwall.EventStepJudged, Data: pitwall.JudgedData{Look: pitwall.CanaryLook{StepID: "canary-10", Action: pitwall.CanaryAdvance}}})
	l.do(Happening{Type: pitwall.EventPromoted, Data: pitwall.ReasonData{}})
	l.do(Happening{Type: pitwall.EventVerifying, Data: pitwall.ReasonData{}})
	l.do(Happening{Type: pitwall.EventVerified, To: pitwall.Enforcing, Data: pitwall.VerifiedData{Verification: pitwall.Verification{Pass: true}}})
	l.do(Happening{Type: pitwall.EventEnforced, Data: pitwall.EnforcedData{Commit: "abc"}})
	l.do(Happening{Type: pitwall.EventClosed, Data: pitwall.ClosedData{Verdict: pitwall.DiagnosisConfirmed}})

	if l.plan.State != pitwall.Closed || l.plan.Hypothesis.Service != "inventory" || l.plan.Steps[0].Look == nil {
		t.Errorf("state %s, hypothesis %+v, steps %+v", l.plan.State, l.plan.Hypothesis, l.plan.Steps)
	}
	for _, s := range pitwall.Smooth() {
		if _, ok := l.plan.Reached[s]; !ok {
			t.Errorf("state %s was never reached", s)
		}
	}
	again, err := Fold(l.events)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(l.plan, again); diff != "" {
		t.Errorf("folding the history gives another plan:\n%s", diff)
	}
}

func TestRejectedHypothesisIsNotTriedTwice(t *testing.T) {
	l := smooth(t)
	l.step("canary-10")
	l.step("undo")
	l.do(Happening{Type: pitwall.EventRolledBack, Data: pitwall.ReasonData{Reason: "worse"}})
	if !slices.Equal(l.plan.Tried, []int{1}) || l.plan.Reason != "worse" {
		t.Errorf("tried %v, reason %q", l.plan.Tried, l.plan.Reason)
	}
	l.propose(2)
	if l.plan.Cycle != 2 || len(l.plan.Steps) != 0 || l.plan.Hypothesis.Rank != 2 {
		t.Errorf("second cycle starts with %d steps, hypothesis %+v", len(l.plan.Steps), l.plan.Hypothesis)
	}
}

func TestHoldReturnsToWhereItWas(t *testing.T) {
	l := smooth(t)
	l.do(Happening{Type: pitwall.EventHeld, Data: pitwall.ReasonData{Reason: "freeze"}})
	if l.plan.State != pitwall.Held || l.plan.Reason != "freeze" {
		t.Fatalf("state %s, reason %q", l.plan.State, l.plan.Reason)
	}
	l.do(Happening{Type: pitwall.EventResumed, Data: pitwall.ReasonData{Reason: "over"}})
	if l.plan.State != pitwall.Canarying || l.plan.Reason != "" {
		t.Errorf("resumed into %s with reason %q", l.plan.State, l.plan.Reason)
	}
}

// A hold on top of an escalation does not forget where the plan was, and going
// on is not reaching the state anew.
func TestInterruptionsRememberTheWay(t *testing.T) {
	l := smooth(t)
	reached := l.plan.Reached[pitwall.Canarying]
	l.do(Happening{Type: pitwall.EventEscalated, Data: pitwall.ReasonData{Reason: "late"}})
	l.do(Happening{Type: pitwall.EventHeld, Data: pitwall.ReasonData{Reason: "freeze"}})
	if l.plan.Before != pitwall.Canarying {
		t.Fatalf("it was %s", l.plan.Before)
	}
	l.do(Happening{Type: pitwall.EventResumed, To: pitwall.Canarying, Data: pitwall.ReasonData{Reason: "over"}})
	if l.plan.State != pitwall.Canarying || !l.plan.Reached[pitwall.Canarying].Equal(reached) || !l.plan.Since.After(reached) {
		t.Errorf("resumed into %s, reached %s, since %s", l.plan.State, l.plan.Reached[pitwall.Canarying], l.plan.Since)
	}
	l.do(Happening{Type: pitwall.EventEscalated, Data: pitwall.ReasonData{Reason: "late"}})
	if _, err := Next(l.plan, Happening{Type: pitwall.EventResumed}); err == nil {
		t.Error("an escalated plan was resumed without saying where to")
	}
	l.do(Happening{Type: pitwall.EventResumed, To: pitwall.Baselined, Data: pitwall.ReasonData{Reason: "look again"}})
	if l.plan.State != pitwall.Baselined {
		t.Errorf("resumed into %s", l.plan.State)
	}
}

func TestHeldPlanIsTakenBack(t *testing.T) {
	l := smooth(t)
	l.step("canary-10")
	l.do(Happening{Type: pitwall.EventHeld, Data: pitwall.ReasonData{Reason: "wait"}})
	l.do(Happening{Type: pitwall.EventStepIntended, Data: pitwall.StepData{StepID: "undo", Undo: true}})
	if l.plan.State != pitwall.Canarying || len(l.plan.Steps) != 2 {
		t.Errorf("it is %s with %d steps", l.plan.State, len(l.plan.Steps))
	}
}

// Ranks belong to one diagnosis; a new one begins to count anew.
func TestLookingAgainForgetsRanks(t *testing.T) {
	l := smooth(t)
	l.step("canary-10")
	l.do(Happening{Type: pitwall.EventRolledBack, Data: pitwall.ReasonData{Reason: "worse"}})
	l.do(Happening{Type: pitwall.EventDiagnosed, Data: pitwall.DiagnosedData{Diagnosis: *l.plan.Diagnosis}})
	if len(l.plan.Tried) != 0 {
		t.Errorf("tried %v of a new diagnosis", l.plan.Tried)
	}
}

func TestRefusals(t *testing.T) {
	l := smooth(t)
	f := func(h Happening, want pitwall.Kind) {
		t.Helper()
		if _, err := Next(l.plan, h); pitwall.KindOf(err) != want {
			t.Errorf("%s in %s: got %v, want kind %s", h.Type, l.plan.State, err, want)
		}
	}
	f(Happening{Type: pitwall.EventClosed}, pitwall.Conflict)
	f(Happening{Type: pitwall.EventOpened}, pitwall.Conflict)
	f(Happening{Type: pitwall.EventVerified, To: pitwall.Closed}, pitwall.Conflict)

	g := func(change func(*pitwall.Event)) {
		t.Helper()
		e, err := Next(l.plan, Happening{Type: pitwall.EventNote, Data: pitwall.ReasonData{Reason: "hm"}})
		if err != nil {
			t.Fatal(err)
		}
		e.Seq = uint64(len(l.events) + 1)
		change(&e)
		if got, err := Apply(l.plan, e); err == nil || got.Seq != l.plan.Seq {
			t.Errorf("a wrong event was folded: %+v", e)
		}
	}
	g(func(e *pitwall.Event) { e.Plan = "PIP-2" })
	g(func(e *pitwall.Event) { e.Seq = 1 })
	g(func(e *pitwall.Event) { e.From = pitwall.Opened })
	g(func(e *pitwall.Event) { e.Type, e.Data = pitwall.EventStepDone, json.RawMessage(`{"step":"never"}`) })
	g(func(e *pitwall.Event) { e.Type, e.Data = pitwall.EventStepJudged, json.RawMessage(`{`) })
}

// TestFinalStatesStay walks the table at random: no event may leave a final
// state, and every state that is not final has a way on.
func TestFinalStatesStay(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	rows := Table()
	for range 2000 {
		p := pitwall.Plan{ID: "PIP-1", Reached: map[pitwall.State]time.Time{}}
		for range 40 {
			row := rows[rng.IntN(len(rows))]
			to, err := allowed(p, row.Event, "")
			if err != nil {
				continue
			}
			if p.State.Final() {
				t.Fatalf("%s left the final state %s", row.Event, p.State)
			}
			if to == pitwall.Held || to == pitwall.Escalated {
				p.Before = p.State
			}
			p.State = to
		}
	}
	for _, row := range rows {
		if row.To == Same || row.To == Back || row.To.Final() {
			continue
		}
		onward := func(next Transition) bool { return next.From == row.To && next.To != Same }
		if !slices.ContainsFunc(rows, onward) {
			t.Errorf("state %s is not final and has no way on", row.To)
		}
	}
}

// TestArchitectureShowsTheTable keeps the document equal to the code.
func TestArchitectureShowsTheTable(t *testing.T) {
	doc, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := Markdown(); !strings.Contains(string(doc), want) {
		t.Errorf("ARCHITECTURE.md does not hold the transition table; put this there:\n%s", want)
	}
}
