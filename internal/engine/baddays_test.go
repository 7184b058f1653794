package engine

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// worse lets the version to go back to be slower still than the bad one.
func (w *world) worse() {
	w.deploys = append(w.deploys, deployment{w.deploys[1].at, func(w *world) { w.shop.traits["v40"] = trait{reply: 8100, extra: 3 * time.Second} }})
}

// wholly slows a share of all checkouts once every request is on v40.
func (w *world) wholly(share float64, by time.Duration) {
	w.shop.slow = func(rng *rand.Rand) time.Duration {
		if w.plan().Fix != nil && w.target.weights()["v40"] == 100 && rng.Float64() < share {
			return by
		}
		return 0
	}
}

func mentions(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s does not say %q: %s", what, word, text)
		}
	}
}

func unavailable(context.Context, pitwall.Effect) error {
	return pitwall.Errorf(pitwall.Unavailable, "applying weights", "no route to host")
}

func TestTargetDownForAWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.until(pitwall.Baselined)
	w.target.observe = func(ctx context.Context) error { return unavailable(ctx, pitwall.Effect{}) }
	w.until(pitwall.Diagnosed)
	w.pass(20 * time.Second)
	if p := w.plan(); p.State != pitwall.Diagnosed {
		t.Fatalf("without a target it is %s", p.State)
	}
	mentions(t, "live", w.waiting(), "observing inventory", "no route to host")
	w.target.observe = nil
	w.step("canary-10")
	w.target.observe = func(ctx context.Context) error { return unavailable(ctx, pitwall.Effect{}) }
	w.pass(35 * time.Second) // shorter than a step's time
	w.target.observe = nil
	w.until(pitwall.Closed)
	w.effects(10, 50, 100)
	w.sound()
}

func TestTargetDownForTooLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.step("canary-10")
	w.target.observe = func(ctx context.Context) error { return unavailable(ctx, pitwall.Effect{}) }
	p := w.until(pitwall.Held)
	mentions(t, "the reason", p.Reason, "step canary-50", "no route to host", "traffic of inventory is on v40 10 %, v41 90 %", "pitwall plan rollback PIP-1")
	w.target.observe = nil
	w.act("resume")
	w.until(pitwall.Closed)
	w.effects(10, 50, 100)
}

// An effect whose request is lost twice, or whose answer is always lost, happens
// once.
func TestAnswersGetLost(t *testing.T) {
	t.Parallel()
	tries := map[string]int{}
	for name, trouble := range map[string]func(*fakeTarget){
		"request": func(f *fakeTarget) {
			f.before = func(ctx context.Context, e pitwall.Effect) error {
				if tries[e.Key]++; tries[e.Key] < 3 {
					return unavailable(ctx, e)
				}
				return nil
			}
		},
		"answer": func(f *fakeTarget) { f.after = unavailable },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			trouble(w.target)
			w.start()
			p := w.until(pitwall.Closed)
			w.effects(10, 50, 100)
			if r := runOf(p, "canary-10"); r.Failed == 0 || r.Step.Error != "" || r.Step.Resumed != (name == "answer") {
				t.Errorf("step %+v", r)
			}
			w.sound()
		})
	}
}

func TestTargetRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.target.before = func(context.Context, pitwall.Effect) error {
		return pitwall.Errorf(pitwall.Invalid, "applying weights", "v40 is not ready")
	}
	w.start()
	p := w.until(pitwall.Held)
	mentions(t, "the reason", p.Reason, "failed 3 times", "v40 is not ready", "pitwall plan rollback PIP-1")
	if n := runOf(p, "canary-10").Failed; n != w.set.MaxTries {
		t.Errorf("%d tries", n)
	}
	w.pass(time.Minute)
	mentions(t, "live", w.waiting(), "waiting for a person", "v40 is not ready")
	w.effects()
	w.target.before = nil
	w.act("resume")
	w.until(pitwall.Closed)
	w.effects(10, 50, 100)
}

func TestStaleFencing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.target.state.Fencing = 99 // somebody newer has been here
	w.start()
	p := w.until(pitwall.Held)
	mentions(t, "the reason", p.Reason, "fencing token 1 is older than 99")
	w.effects()
}

func TestFixMakesItWorse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.worse()
	w.start()
	p := w.until(pitwall.Escalated)
	w.effects(10, 0)
	mentions(t, "the reason", p.Reason, "is worse", "nothing else to try")
	if !slices.Contains(story(p), "plan.rolled-back > rolled-back") || !slices.Equal(p.Tried, []int{1}) {
		t.Errorf("tried %v, story %v", p.Tried, story(p))
	}
	if got := w.target.weights(); !same(got, map[pitwall.Version]int{"v41": 100}) {
		t.Errorf("traffic is left on %v", got)
	}
	// A second look finds the same cause; the same rollback is not tried again.
	w.act("resume")
	w.until(pitwall.Baselined)
	p = w.until(pitwall.Escalated)
	mentions(t, "the reason", p.Reason, "rolling inventory back to v40 was tried already")
	w.effects(10, 0)
	w.sound()
}

func TestFixHarmsANeighbour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploys = append(w.deploys, deployment{w.deploys[1].at, func(w *world) { w.shop.traits["v40"] = trait{reply: 8100, shelf: 400 * time.Millisecond} }})
	w.start()
	p := w.until(pitwall.Escalated)
	mentions(t, "the reason", p.Reason, "neighbour", "GET /catalog")
	if got := w.target.weights(); !same(got, map[pitwall.Version]int{"v41": 100}) {
		t.Errorf("traffic is left on %v", got)
	}
}

func TestFixDoesNotHelp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wholly(1, 900*time.Millisecond)
	w.start()
	p := w.until(pitwall.Escalated)
	w.effects(10, 50, 100, 0)
	mentions(t, "the reason", p.Reason, "the change did not help", "stateful cause")
	w.sound()
}

// A fix that harms a neighbour once it has all the traffic is undone.
func TestVerificationFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.step("all")
	w.shop.traits["v40"] = trait{reply: 8100, shelf: 400 * time.Millisecond}
	w.target.before = unavailable // the undo does not work at first
	p := w.until(pitwall.Held)
	mentions(t, "the reason", p.Reason, "step undo failed 3 times", "is on v40 100 %, or on v41 100 %")
	w.target.before = nil
	w.act("resume")
	p = w.until(pitwall.Escalated)
	w.effects(10, 50, 100, 0)
	if v := p.Verification; v == nil || v.Pass || v.Verdict != pitwall.Worse || !slices.Contains(story(p), "plan.verifying > verifying") {
		t.Errorf("verification %+v, story %v", v, story(p))
	}
	mentions(t, "the reason", p.Reason, "neighbour", "GET /catalog", "nothing else to try")
	w.sound()
}

// A fix that helped much, but not enough, stays; to bring back what is worse
// would help nobody. A person decides: prove it anew, or take it back.
func TestFixHelpsButIsNotProven(t *testing.T) {
	t.Parallel()
	for _, decision := range []string{"resume", "rollback"} {
		w := newWorld(t)
		w.wholly(0.1, 900*time.Millisecond) // few enough for the watch
		w.start()
		p := w.until(pitwall.Escalated)
		w.effects(10, 50, 100)
		if v := p.Verification; v == nil || v.Pass || v.Verdict != pitwall.Worse {
			t.Errorf("verification %+v", v)
		}
		mentions(t, "the reason", p.Reason, "p99 POST /checkout", "the fix helped and stays", "pitwall plan resume PIP-1")
		w.shop.slow = nil
		w.pass(20 * time.Second)
		if p := w.plan(); p.State != pitwall.Escalated {
			t.Errorf("it is %s, though the fix is in place and nobody decided", p.State)
		}
		w.act(decision)
		if decision == "resume" {
			w.until(pitwall.Closed)
			w.effects(10, 50, 100)
		} else {
			p := w.when("it is rolled back", func(p pitwall.Plan) bool { return !p.Reached[pitwall.RolledBack].IsZero() })
			mentions(t, "the reason", p.Reason, "taken back by kim: because of rollback")
			w.effects(10, 50, 100, 0)
		}
		w.sound()
	}
}

// Whenever telemetry stops, nothing is promoted on it, and what was begun is
// undone or waits for a person.
func TestTelemetryStops(t *testing.T) {
	t.Parallel()
	f := func(name string, until func(*world), ends pitwall.State, effects ...int) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			until(w)
			w.shop.silent = true
			p := w.until(ends)
			w.effects(effects...)
			w.pass(2 * time.Minute)
			if now := w.plan(); now.State != ends {
				t.Errorf("from %s it went on to %s", ends, now.State)
			}
			w.effects(effects...)
			if p.Reason == "" {
				t.Error("no reason is given")
			}
			w.sound()
		})
	}
	f("when it opens", func(w *world) { w.until(pitwall.Opened, pitwall.Baselined) }, pitwall.InconclusiveState, 10, 0)
	f("at 10 %", func(w *world) { w.step("canary-10") }, pitwall.InconclusiveState, 10, 0)
	f("at 50 %", func(w *world) { w.step("canary-50") }, pitwall.InconclusiveState, 10, 50, 0)
	f("when promoted", func(w *world) { w.step("all") }, pitwall.Held, 10, 50, 100)
	f("in verification", func(w *world) { w.until(pitwall.Verifying) }, pitwall.InconclusiveState, 10, 50, 100, 0)
}

func TestSpansCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.step("canary-10")
	w.spans.broken = errors.New("disk on fire")
	w.pass(20 * time.Second)
	mentions(t, "live", w.waiting(), "disk on fire")
	w.effects(10)
	w.spans.broken = nil
	w.until(pitwall.Closed)
	w.effects(10, 50, 100)
}

func TestRecoversByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.until(pitwall.Opened, pitwall.Baselined)
	w.target.meddle(map[pitwall.Version]int{"v40": 100, "v41": 0})
	p := w.until(pitwall.NotWarranted)
	mentions(t, "the reason", p.Closed.Reason, "recovered by itself")
	w.effects()
	w.pass(3 * time.Minute)
	if all := w.life.engine.all(); len(all) != 1 {
		t.Errorf("%d plans, want one", len(all))
	}
	w.sound()
}

// An escalated plan that changed nothing ends when the trouble does; were it
// left open it would swallow the next burn.
func TestRecoversWhileEscalated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.books = nil // no playbook fits
	w.start()
	p := w.until(pitwall.Escalated)
	mentions(t, "the reason", p.Reason, "no playbook fits payload in inventory")
	w.shop.silent = true
	w.pass(2 * time.Minute)
	if p := w.plan(); p.State != pitwall.Escalated {
		t.Fatalf("no requests are no recovery, but it is %s", p.State)
	}
	w.shop.silent = false
	w.target.meddle(map[pitwall.Version]int{"v40": 100, "v41": 0})
	w.until(pitwall.NotWarranted)
	w.effects()
}

func TestSomebodyElseChangesWeights(t *testing.T) {
	t.Parallel()
	for name, hurry := range map[string]func(w *world){
		"before the first step": func(w *world) {
			w.until(pitwall.Proposed)
			w.target.meddle(map[pitwall.Version]int{"v40": 0, "v41": 70, "v42": 30})
			w.act("approve")
		},
		"at the moment of acting": func(w *world) {
			w.target.before = func(ctx context.Context, e pitwall.Effect) error {
				w.target.before = nil
				w.target.meddle(map[pitwall.Version]int{"v40": 0, "v41": 70, "v42": 30})
				return unavailable(ctx, e)
			}
			w.until(pitwall.Proposed)
			w.act("approve")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.policy = askPolicy(t)
			w.start()
			hurry(w)
			p := w.until(pitwall.Held, pitwall.Escalated)
			mentions(t, "the reason", p.Reason, meddled, "v41 70 %, v42 30 %")
			w.effects()
			if got := w.target.weights()["v42"]; got != 30 {
				t.Errorf("v42 was overwritten: %d", got)
			}
		})
	}
	t.Run("during the canary", func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.step("canary-10")
		w.target.meddle(map[pitwall.Version]int{"v40": 60, "v41": 40})
		w.until(pitwall.InconclusiveState)
		if got, err := w.target.shares(); err != nil || !slices.Equal(got, []int{10, 0}) {
			t.Errorf("%v %v", got, err)
		}
	})
}

// Two objectives of one service burn in the same moment: one plan.
func TestTwoObjectivesOnePlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.slos = append(w.slos, w.objective("checkout-availability", pitwall.SLI{Kind: pitwall.SLIAvailability, Service: "checkout", Operation: "POST /checkout"}))
	w.shop.traits["v41"] = trait{reply: 85e3, fails: 0.4}
	w.start()
	w.until(pitwall.Closed)
	w.pass(time.Minute)
	if all := w.life.engine.all(); len(all) != 1 {
		t.Errorf("%d plans, want one", len(all))
	}
	w.effects(10, 50, 100)
}

// Two services suffer from one change: two plans, but only one at a time may
// change inventory, and the world sees the rollback once.
func TestTwoPlansOneCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy = askPolicy(t)
	w.slos = append(w.slos, w.objective("catalog-latency", pitwall.SLI{Kind: pitwall.SLILatency, Service: "edge", Operation: "GET /catalog", Threshold: 300 * time.Millisecond}))
	w.shop.pages, w.shop.traits["v41"] = 0.5, trait{reply: 85e3, page: 120e3}
	w.start()
	proposed := func(pitwall.Plan) bool {
		all := w.life.engine.all()
		return len(all) == 2 && all[0].State == pitwall.Proposed && all[1].State == pitwall.Proposed
	}
	w.when("both plans are proposed", proposed)
	for _, p := range w.life.engine.all() {
		if _, err := w.life.engine.Act(context.Background(), pitwall.ActRequest{Plan: p.ID, Action: "approve", By: "kim", Reason: "go"}); err != nil {
			t.Fatal(err)
		}
		w.tick()
	}
	waited := ""
	w.when("no plan is at work", func(pitwall.Plan) bool {
		idle := true
		for _, p := range w.life.engine.all() {
			if live := w.life.engine.Live(p.ID).Waiting; strings.Contains(live, "sole right") {
				waited = live
			}
			idle = idle && p.State.Final()
		}
		return idle
	})
	w.effects(10, 50, 100)
	var states []pitwall.State
	for _, p := range w.life.engine.all() {
		states = append(states, p.State)
		t.Logf("%s: %s: %s", p.ID, p.State, p.Reason)
	}
	if !slices.Contains(states, pitwall.Closed) || !slices.Contains(states, pitwall.NotWarranted) {
		t.Errorf("the plans are %v", states)
	}
	mentions(t, "live", waited, "waiting for the sole right to change inventory", "pitwall-1 for PIP-1", "for 5s at most")
	w.sound()
}

func TestNoRepository(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.repo = nil
	w.start()
	p := w.until(pitwall.Held)
	mentions(t, "the reason", p.Reason, "verified", "no repository is configured")
	if p.Verification == nil || !p.Verification.Pass {
		t.Errorf("verification %+v", p.Verification)
	}
	w.repo = &fakeRepository{}
	w.start()
	w.act("resume")
	w.until(pitwall.Closed)
	w.effects(10, 50, 100)
}

func TestRepositoryRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	repo := w.repo.(*fakeRepository)
	repo.broken = errors.New("read-only file system")
	w.start()
	w.until(pitwall.Enforcing)
	asked := w.now
	p := w.until(pitwall.Held)
	mentions(t, "the reason", p.Reason, "step enforce failed 3 times", "read-only file system")
	if waited := w.now.Sub(asked); waited < 2*w.set.Retry {
		t.Errorf("it gave up after %s", waited)
	}
	repo.broken = nil
	w.act("resume")
	w.until(pitwall.Closed)
	if len(repo.commits) != 1 {
		t.Errorf("%d deliveries", len(repo.commits))
	}
}

// A restart without the objective stops the plan instead of judging nothing.
func TestObjectiveIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.step("canary-50")
	w.slos[0].Name = "another"
	w.start()
	w.tick()
	p := w.life.engine.plan("PIP-1")
	if p.State != pitwall.Held {
		t.Fatalf("it is %s", p.State)
	}
	mentions(t, "the reason", p.Reason, "checkout-latency is not defined any more", "v40 50 %, v41 50 %")
}

// TestNothingToUndoWantsMoreData: what no change explains goes to a person, who
// is asked on twice the least data.
func TestNothingToUndoWantsMoreData(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploys = []deployment{{broken, func(w *world) { w.target.deploy("v41") }}}
	w.start()
	d := w.until(pitwall.Escalated).Diagnosis
	if d.Verdict != pitwall.DiagnosisLikely || d.Hypotheses[0].Change != nil {
		t.Fatalf("%s: %s; want a likely cause without a change", d.Verdict, d.Summary)
	}
	if got, want := d.Window.Duration(), 2*w.set.DiagnoseMin; got < want {
		t.Errorf("decided on %s, want at least %s", got, want)
	}
}
