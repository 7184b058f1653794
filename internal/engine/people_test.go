package engine

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/policy"
)

func askPolicy(t *testing.T) *policy.Policy {
	t.Helper()
	p, err := policy.Ask()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPolicyDenies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var err error
	w.policy, err = policy.Load("deny.yaml", []byte("rules:\n  - {name: never, when: 'true', decide: deny, reason: nothing may change on Mondays}\n"))
	if err != nil {
		t.Fatal(err)
	}
	w.start()
	p := w.until(pitwall.Held)
	mentions(t, "the reason", p.Reason, "policy never denies it", "nothing may change on Mondays")
	if _, err := w.try("approve"); pitwall.KindOf(err) != pitwall.Conflict {
		t.Errorf("what policy denies was approved: %v", err)
	}
	w.act("resume") // asks policy again
	w.tick()
	if p := w.plan(); p.State != pitwall.Held {
		t.Errorf("resumed, it is %s", p.State)
	}
	w.effects()
}

func TestApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy = askPolicy(t)
	w.start()
	w.until(pitwall.Proposed)
	w.pass(time.Minute)
	w.start() // it waits in the next process, too
	w.pass(time.Minute)
	p := w.plan()
	if p.State != pitwall.Proposed || p.Decision.Result != pitwall.DecisionAsk {
		t.Fatalf("it is %s, decided %+v", p.State, p.Decision)
	}
	mentions(t, "live", w.waiting(), "waiting for a person to approve", "Roll inventory back from v41 to v40")
	w.effects()
	w.act("approve")
	p = w.plan()
	if d := p.Decision; d.By != "kim" || d.Result != pitwall.DecisionAllow || d.Rule != "every-change" || d.Reason != "because of approve" {
		t.Errorf("decided %+v", d)
	}
	if _, err := w.try("approve"); pitwall.KindOf(err) != pitwall.Conflict {
		t.Errorf("approved twice: %v", err)
	}
	w.until(pitwall.Closed)
	w.effects(10, 50, 100)
	w.sound()
}

func TestUnansweredApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy, w.set.Deadline = askPolicy(t), 90*time.Second
	w.start()
	p := w.until(pitwall.Escalated)
	mentions(t, "the reason", p.Reason, "deadline passed in state proposed", "pitwall plan resume PIP-1")
	w.pass(2 * time.Minute)
	w.effects()
	if p := w.plan(); p.State != pitwall.Escalated {
		t.Fatalf("it is %s", p.State)
	}
	w.act("resume")
	w.pass(time.Minute) // a new deadline
	if p := w.plan(); p.State != pitwall.Proposed {
		t.Fatalf("resumed, it is %s: %s", p.State, p.Reason)
	}
	w.effects()
	w.act("approve")
	w.until(pitwall.Closed)
	w.effects(10, 50, 100)
}

// The deadline stops neither a change half way nor the locking of a proven fix.
func TestDeadlineDuringChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set.Deadline = 25 * time.Second
	w.start()
	p := w.step("canary-10")
	if w.until(pitwall.Closed); !w.now.After(p.Opened.Deadline) {
		t.Errorf("the deadline %s did not pass", p.Opened.Deadline)
	}
	w.effects(10, 50, 100)
}

func TestHoldDuringCanary(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		w := newWorld(t)
		w.start()
		w.step("canary-10")
		w.act("hold")
		w.pass(3 * w.set.StepMax) // longer than a step may take
		if restart {
			w.start()
			w.tick()
		}
		mentions(t, "live", w.waiting(), "waiting for a person: because of hold", "v40 10 %, v41 90 %")
		w.effects(10)
		if _, err := w.try("close"); pitwall.KindOf(err) != pitwall.Conflict {
			t.Errorf("closed with traffic split: %v", err)
		}
		w.act("resume")
		w.until(pitwall.Closed)
		w.effects(10, 50, 100)
		w.sound()
	}
}

// A held step gets its whole time once more: being held is no lack of data.
func TestHoldDoesNotUseUpTheStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.step("canary-10")
	w.shop.silent = true
	w.act("hold")
	w.pass(3 * w.set.StepMax)
	w.shop.silent = false
	w.act("resume")
	w.until(pitwall.Closed)
	w.effects(10, 50, 100)
}

func TestRollbackByAPerson(t *testing.T) {
	t.Parallel()
	f := func(name string, effects []int, prepare func(*world)) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			prepare(w)
			before := w.plan().Seq
			dry, err := w.life.engine.Act(context.Background(), pitwall.ActRequest{Plan: "PIP-1", Action: "rollback", By: "kim", Reason: "no", DryRun: true})
			if err != nil || w.plan().Seq != before {
				t.Errorf("a dry run recorded something, or failed: %+v %v", dry, err)
			}
			res := w.act("rollback")
			mentions(t, "the answer", res.Did, "taking back: Roll inventory back")
			w.act("rollback") // asking twice is asking once
			p := w.when("it is rolled back", func(p pitwall.Plan) bool { return !p.Reached[pitwall.RolledBack].IsZero() })
			mentions(t, "the reason", p.Reason, "taken back by kim: because of rollback")
			w.until(pitwall.Escalated)
			w.effects(effects...)
			w.sound()
		})
	}
	f("in the canary", []int{10, 0}, func(w *world) { w.step("canary-10") })
	f("in the watch", []int{10, 50, 100, 0}, func(w *world) { w.step("all") })
	f("in verification", []int{10, 50, 100, 0}, func(w *world) { w.until(pitwall.Verifying) })
	f("from a hold", []int{10, 50, 0}, func(w *world) { w.step("canary-50"); w.act("hold"); w.pass(time.Minute) })
	f("after failed steps", []int{10, 0}, func(w *world) {
		w.step("canary-10")
		w.target.before = unavailable
		w.until(pitwall.Held)
		w.target.before = nil
	})
	f("while the target is down", []int{10, 0}, func(w *world) {
		w.step("canary-10")
		tries := 0
		w.target.observe = func(ctx context.Context) error {
			if tries++; tries > 2 {
				return nil
			}
			return unavailable(ctx, pitwall.Effect{})
		}
	})
	f("with the undo failing first", []int{10, 0}, func(w *world) {
		w.step("canary-10")
		w.target.before = unavailable
		w.act("rollback")
		p := w.until(pitwall.Held)
		mentions(t, "the reason", p.Reason, "step undo failed 3 times", "v40 10 %, v41 90 %")
		w.target.before = nil
	})
}

// In every state, an action either is refused with a reason and a way on, or
// does what it says; a dry run never changes anything.
func TestDryRunsChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy = askPolicy(t)
	w.start()
	try := func() {
		t.Helper()
		for _, action := range []string{"approve", "hold", "resume", "rollback", "note", "close", "explode"} {
			before, log := w.plan(), len(w.target.log)
			res, err := w.life.engine.Act(context.Background(), pitwall.ActRequest{Plan: before.ID, Action: action, By: "kim", Reason: "a try", DryRun: true})
			if err == nil && (res.Did == "" || res.State == "") || err != nil && pitwall.HintOf(err) == "" {
				t.Errorf("%s in %s: %+v, %v (hint %q)", action, before.State, res, err, pitwall.HintOf(err))
			}
			if diff := cmp.Diff(before.Seq, w.plan().Seq); diff != "" || len(w.target.log) != log {
				t.Errorf("a dry run of %s in %s left something:\n%s", action, before.State, diff)
			}
		}
	}
	w.until(pitwall.Baselined)
	try()
	w.until(pitwall.Proposed)
	try()
	w.act("approve")
	w.step("canary-10")
	try()
	w.act("hold")
	try()
	w.act("resume")
	w.until(pitwall.Closed)
	try()
	w.effects(10, 50, 100)
}

func TestRefusedActions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	p := w.until(pitwall.Baselined)
	f := func(r pitwall.ActRequest, want pitwall.Kind) {
		t.Helper()
		if _, err := w.life.engine.Act(context.Background(), r); pitwall.KindOf(err) != want || pitwall.HintOf(err) == "" {
			t.Errorf("%+v: %v (%s)", r, err, pitwall.KindOf(err))
		}
	}
	f(pitwall.ActRequest{Plan: "PIP-9", Action: "hold", By: "kim", Reason: "x"}, pitwall.NotFound)
	f(pitwall.ActRequest{Plan: p.ID, Action: "hold", By: " ", Reason: "x"}, pitwall.Invalid)
	f(pitwall.ActRequest{Plan: p.ID, Action: "hold", By: "kim"}, pitwall.Invalid)
	f(pitwall.ActRequest{Plan: p.ID, Action: "explode", By: "kim", Reason: "x"}, pitwall.Invalid)
	f(pitwall.ActRequest{Plan: p.ID, Action: "approve", By: "kim", Reason: "x"}, pitwall.Conflict)
	f(pitwall.ActRequest{Plan: p.ID, Action: "rollback", By: "kim", Reason: "x"}, pitwall.Conflict)
	f(pitwall.ActRequest{Plan: p.ID, Action: "resume", By: "kim", Reason: "x"}, pitwall.Conflict)
}

// Inconclusive and escalated plans can be looked at again, and closed.
func TestLookAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.step("canary-10")
	w.shop.silent = true
	w.until(pitwall.InconclusiveState)
	w.shop.silent = false
	w.pass(20 * time.Second) // it burns on
	w.act("resume")
	p := w.until(pitwall.Closed)
	if p.Cycle != 2 {
		t.Errorf("closed in cycle %d", p.Cycle)
	}
	w.effects(10, 0, 10, 50, 100)
	w.sound()
}

func TestCloseByAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.books = nil
	w.start()
	w.until(pitwall.Escalated)
	w.act("hold")
	w.act("close")
	p := w.plan()
	if p.State != pitwall.ClosedWithoutCause || p.Closed.Reason != "because of close" {
		t.Errorf("it is %s: %+v", p.State, p.Closed)
	}
	w.pass(30 * time.Second)
	w.effects()
}
