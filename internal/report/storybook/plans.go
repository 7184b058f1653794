package storybook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// Case is one plan of the book with what a running engine would know of it.
type Case struct {
	Name string // "canarying"
	Plan pitwall.Plan
	Live pitwall.Live
}

// writer builds a plan and the events that led to it, side by side.
type writer struct {
	p   pitwall.Plan
	now time.Time
	seq *uint64
}

// say appends an event; to is "" when the state stays.
func (w *writer) say(after time.Duration, t pitwall.EventType, to pitwall.State, actor string, data any) {
	w.now = w.now.Add(after)
	*w.seq++
	raw, err := json.Marshal(data)
	if err != nil {
		raw = []byte("null") // fixtures hold no such value
	}
	if to == "" {
		to = w.p.State
	}
	e := pitwall.Event{Seq: *w.seq, Time: w.now, Plan: w.p.ID, Type: t, Actor: actor, From: w.p.State, To: to, Data: raw}
	if n := len(w.p.Events); n > 0 {
		e.Prev = w.p.Events[n-1].Hash
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s %s", e.Seq, e.Plan, e.Type, e.Data))
	e.Hash = hex.EncodeToString(sum[:])
	w.p.Events = append(w.p.Events, e)
	w.p.Seq, w.p.Updated = e.Seq, e.Time
	if to != w.p.State {
		if to == pitwall.Held || to == pitwall.Escalated {
			w.p.Before = w.p.State
		}
		w.p.State, w.p.Since = to, e.Time
		w.p.Reached[to] = e.Time
	}
}

func (w *writer) bot(after time.Duration, t pitwall.EventType, to pitwall.State, data any) {
	w.say(after, t, to, "pitwall", data)
}

// open starts a plan.
func open(id pitwall.PlanID, seq *uint64) *writer {
	w := &writer{now: at(openedAt), seq: seq, p: pitwall.Plan{ID: id, Service: "checkout", SLO: "checkout-latency", OpenedAt: at(openedAt), Reached: map[pitwall.State]time.Time{}}}
	slo := SLOs()[0]
	w.p.Opened = pitwall.OpenedData{Trigger: "slo-burn", Burn: pitwall.Burn{SLO: slo.Name, At: w.now, State: tierState()}, Regression: regression(), Budget: Budget(slo, w.now, 0.35, 31.6),
		Owner: "team-shop", Severity: 1, Deadline: w.now.Add(48 * time.Hour),
		Impact:   pitwall.Impact{Operations: []string{"POST /checkout"}, Callers: []string{"edge"}, ShareOfTraffic: 0.748, BadPerMinute: 2140},
		Criteria: []string{"checkout-latency back inside 99 %", "the cause's own signal back at its baseline", "no neighbour worse", "a gate, an alert rule or a runbook entry left behind"}}
	w.bot(0, pitwall.EventOpened, pitwall.Opened, w.p.Opened)
	return w
}

func (w *writer) baselined() *writer {
	b := baseline()
	w.p.Baseline = &b
	w.bot(1200*time.Millisecond, pitwall.EventBaselined, pitwall.Baselined, pitwall.BaselinedData{Baseline: b})
	return w
}

func (w *writer) diagnosed(d pitwall.Diagnosis) *writer {
	w.p.Diagnosis = &d
	w.bot(7400*time.Millisecond, pitwall.EventDiagnosed, pitwall.Diagnosed, pitwall.DiagnosedData{Diagnosis: d})
	return w
}

func (w *writer) proposed() *writer {
	f := fix()
	w.p.Cycle, w.p.Fix, w.p.Hypothesis = w.p.Cycle+1, &f, &w.p.Diagnosis.Hypotheses[0]
	w.bot(300*time.Millisecond, pitwall.EventProposed, pitwall.Proposed, pitwall.ProposedData{Cycle: w.p.Cycle, Hypothesis: 1, Fix: f})
	return w
}

func (w *writer) decided(r pitwall.DecisionResult) *writer {
	d := decision(r, w.now)
	w.p.Decision = &d
	if r == pitwall.DecisionAsk {
		w.bot(40*time.Millisecond, pitwall.EventDecided, "", pitwall.DecidedData{Decision: d})
		return w
	}
	w.bot(40*time.Millisecond, pitwall.EventApproved, pitwall.Approved, pitwall.DecidedData{Decision: d})
	return w
}

func (w *writer) canarying() *writer {
	w.bot(500*time.Millisecond, pitwall.EventCanarying, pitwall.Canarying, pitwall.ReasonData{Reason: w.p.Fix.Title})
	return w
}

// step records an effect: intended, then seen to be true.
func (w *writer) step(id string, good int) *writer {
	d := pitwall.StepData{StepID: id, Key: fmt.Sprintf("%s/%d/%s", w.p.ID, w.p.Cycle, id), Fencing: 3, Service: "inventory",
		Weights: map[pitwall.Version]int{"v40": good, "v41": 100 - good}, Was: map[pitwall.Version]int{"v41": 100}, Undo: id == "undo"}
	w.bot(200*time.Millisecond, pitwall.EventStepIntended, "", d)
	run := pitwall.StepRun{Step: d, Intended: w.now}
	d.Seen = d.Weights
	w.bot(700*time.Millisecond, pitwall.EventStepDone, "", d)
	done := w.now
	run.Step, run.Done = d, &done
	w.p.Steps = append(w.p.Steps, run)
	return w
}

func (w *writer) judged(after time.Duration, weight int, a pitwall.CanaryAction) *writer {
	run := &w.p.Steps[len(w.p.Steps)-1]
	l := look(run.Step.StepID, weight, w.now.Add(after), a)
	run.Look = &l
	w.bot(after, pitwall.EventStepJudged, "", pitwall.JudgedData{Look: l})
	return w
}

func (w *writer) promoted() *writer {
	w.bot(300*time.Millisecond, pitwall.EventPromoted, "", pitwall.ReasonData{Reason: "all traffic of inventory is on v40"})
	when := w.now
	w.p.PromotedAt = &when
	return w
}

func (w *writer) verifying() *writer {
	w.bot(15*time.Second, pitwall.EventVerifying, pitwall.Verifying, pitwall.ReasonData{Reason: "0.9 % of 702 requests were bad after promotion"})
	return w
}

func (w *writer) verified() *writer {
	v := verification(w.now.Add(118 * time.Second))
	w.p.Verification = &v
	w.bot(118*time.Second, pitwall.EventVerified, pitwall.Enforcing, pitwall.VerifiedData{Verification: v})
	return w
}

func (w *writer) closed() *writer {
	e := enforcedFiles()
	w.p.Enforced = &e
	w.bot(900*time.Millisecond, pitwall.EventEnforced, "", e)
	c := pitwall.ClosedData{Reason: w.p.Verification.Reason, Verdict: pitwall.DiagnosisConfirmed, RootCause: &pitwall.RootCause{Service: "inventory", Class: pitwall.BottleneckPayload, Change: "deploy-inventory-v41"}}
	w.p.Closed, w.p.Reason = &c, c.Reason
	w.bot(100*time.Millisecond, pitwall.EventClosed, pitwall.Closed, c)
	return w
}

// side ends in a side state with a reason.
func (w *writer) side(after time.Duration, t pitwall.EventType, to pitwall.State, reason string) *writer {
	w.p.Reason = reason
	switch to {
	case pitwall.Expired, pitwall.NotWarranted, pitwall.ClosedWithoutCause:
		c := pitwall.ClosedData{Reason: reason}
		w.p.Closed = &c
		w.bot(after, t, to, c)
	default:
		w.bot(after, t, to, pitwall.ReasonData{Reason: reason})
	}
	return w
}

func (w *writer) done(name string, live pitwall.Live) Case {
	if live.At.IsZero() {
		live.At = w.now
	}
	return Case{Name: name, Plan: w.p, Live: live}
}
