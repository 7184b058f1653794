package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
)

// points lives through the flagship once, unharmed, and lists every moment at
// which it could have been killed.
func points(t *testing.T) []point {
	w := newWorld(t)
	var list []point
	w.kill = func(p point) bool { list = append(list, p); return false }
	w.start()
	w.until(pitwall.Closed)
	return list
}

// survived checks that a story with kills in it ended as if there had been none.
func survived(w *world) {
	w.t.Helper()
	p := w.until(pitwall.Closed)
	w.effects(10, 50, 100)
	if n := len(w.repo.(*fakeRepository).commits); n != 1 {
		w.t.Errorf("%d deliveries, want one", n)
	}
	once := map[string]int{}
	for _, ev := range p.Events {
		switch ev.Type {
		case pitwall.EventStepDone, pitwall.EventStepJudged:
			var d struct {
				Step string
				Look struct{ Step string }
			}
			if err := decode(ev, &d); err != nil {
				w.t.Fatal(err)
			}
			once[string(ev.Type)+" "+d.Step+d.Look.Step]++
		case pitwall.EventStepFailed, pitwall.EventNote:
			w.t.Errorf("event %d is a %s, though nothing failed: %s", ev.Seq, ev.Type, ev.Data)
		default:
			if ev.From != ev.To {
				once[string(ev.Type)]++
			}
		}
	}
	for what, n := range once {
		if n != 1 {
			w.t.Errorf("%s is recorded %d times", what, n)
		}
	}
	if all := w.life.engine.all(); len(all) != 1 {
		w.t.Errorf("%d plans, want one", len(all))
	}
	w.sound()
	w.heard(p)
}

// TestKilledAtEveryPoint kills the process at every single moment before and
// after a write: each event, each effect, each delivery, each saving of the
// ledger. To save time six stories share the points; in each of them five are
// survived between two kills. The next process starts at once, while the
// dead one's lease still stands.
func TestKilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	const stories = 6
	all := points(t)
	names := map[string]bool{}
	for s := range stories {
		due := map[point]bool{}
		for i, p := range all {
			if i%stories == s {
				due[p] = true
			}
			names[p.what] = true
		}
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			w, kills := newWorld(t), 0
			w.kill = func(p point) bool {
				now := due[p]
				delete(due, p)
				if now {
					kills++
				}
				return now
			}
			w.start()
			survived(w)
			if w.starts != kills+2 { // the first, and the fresh process at the end
				t.Errorf("%d kills, but %d starts", kills, w.starts)
			}
			for p := range due {
				if !p.ledger() { // where the ledger is saved depends on how long it took
					t.Errorf("it was never killed %s", p)
				}
			}
		})
	}
	for _, what := range []string{"record 1 plan.opened", "record 9 step.judged", "record 20 plan.closed", "apply PIP-1/1/canary-10", "apply PIP-1/1/all", "deliver PIP-1"} {
		if !names[what] {
			t.Errorf("%q is no point at which anything was killed; there are %d", what, len(names))
		}
	}
}

// TestKilledAtEveryWriteInOneLife dies before each write, and after it when it
// is tried again, all in one story: no process ever lives to see two writes.
func TestKilledAtEveryWriteInOneLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tries := map[point]int{}
	w.kill = func(p point) bool {
		tries[p]++
		return tries[p] == 1 || strings.Contains(p.what, " step.") && tries[p] <= 3
	}
	w.start()
	survived(w)
	if w.starts < 60 {
		t.Errorf("only %d starts", w.starts)
	}
}

// TestKilledAtRandom kills with a small probability at every point.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		rng := rand.New(rand.NewPCG(seed, 99))
		w := newWorld(t)
		w.shop.seed = 10 + seed
		w.kill = func(p point) bool {
			if p.ledger() {
				return rng.Float64() < 0.02
			}
			return rng.Float64() < 0.3
		}
		w.start()
		survived(w)
		t.Logf("seed %d: %d starts", seed, w.starts)
	}
}

// TestKilledWhileUndoing kills at every point of a story in which the fix makes
// it worse: whatever dies, it is undone, and never advanced.
func TestKilledWhileUndoing(t *testing.T) {
	t.Parallel()
	story := func(kill func(point) bool) *world {
		w := newWorld(t)
		w.worse()
		w.kill = kill
		w.start()
		w.until(pitwall.Escalated)
		return w
	}
	var all []point
	story(func(p point) bool { all = append(all, p); return false })
	const stories = 3
	for s := range stories {
		due := map[point]bool{}
		for i, p := range all {
			if !p.ledger() && i%stories == s {
				due[p] = true
			}
		}
		w := story(func(p point) bool { now := due[p]; delete(due, p); return now })
		w.effects(10, 0)
		if len(due) > 0 {
			t.Errorf("never killed at %v", due)
		}
		w.sound()
	}
}
