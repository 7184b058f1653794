package replay

import (
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

// track is one policy on its way through the history.
type track struct {
	world *world
	s     pitwall.SLO
	gates gates
	watch *slo.Watcher
	busy  bool           // a tier holds, or did until just now
	open  map[string]int // firing of a tier, by its place in the result
	out   Result
}

func (w *world) track(s pitwall.SLO) *track {
	return &track{world: w, s: s, gates: newGates(&w.history, s), watch: slo.NewWatcher(slo.Patience{}), open: map[string]int{},
		out: Result{SLO: s.Name, Target: s.Target, Period: w.in.Period, Every: w.in.Every, Firings: []Firing{}}}
}

// tick looks at one instant. Where no tier holds and none can begin to, the sums
// say what is spent, and the watcher would have nothing to do.
func (t *track) tick(now time.Time) error {
	at := now.Unix() / t.world.history.step
	t.out.Instants++
	if !t.busy && !t.gates.open(now, at) {
		c, _ := t.gates.window(now, at)
		if e, ok := c.ErrorRatio(); ok {
			t.spent(now, pitwall.Ratio(float64(e)/t.gates.share))
		}
		return nil
	}
	if err := t.world.count(now); err != nil {
		return err
	}
	t.out.Evaluated++
	b := t.world.ledger.Evaluate(t.s, now)
	if b.Known {
		t.spent(now, b.Spent)
	}
	for _, m := range t.watch.Observe(now, t.s, b) {
		t.move(now, m, b)
	}
	for _, st := range b.Tiers {
		if i, fires := t.open[st.Tier.Name]; fires && st.Firing && slo.Opens(st) {
			t.out.Firings[i].Plan = true
		}
	}
	t.busy = len(t.watch.State()) > 0
	return nil
}

func (t *track) spent(now time.Time, spent pitwall.Ratio) {
	t.out.Known = true
	if spent > t.out.Worst {
		t.out.Worst, t.out.WorstAt = spent, now
	}
	if spent >= 1 && t.out.Exhausted.IsZero() {
		t.out.Exhausted = now
	}
}

// move notes the beginning or the end of a firing. One that begins while a worse
// one fires is inhibited at once, without having fired.
func (t *track) move(now time.Time, m slo.Transition, b pitwall.ErrorBudget) {
	st := m.Alarm.State
	i, known := t.open[st.Tier.Name]
	switch {
	case m.Move == slo.Resolved:
		if known {
			t.out.Firings[i].To = now
			delete(t.open, st.Tier.Name)
		}
	case !known && (m.Move == slo.Fired || m.Move == slo.Inhibited):
		t.open[st.Tier.Name] = len(t.out.Firings)
		t.out.Firings = append(t.out.Firings, Firing{Tier: st.Tier.Name, Action: st.Tier.Action, From: now, Spent: b.Spent,
			Long: st.Long, Short: st.Short, Inhibited: m.Move == slo.Inhibited, long: max(st.Tier.Long, st.Tier.Short)})
	}
}

func (t *track) result(in Input) Result {
	r := t.out
	r.Table = slo.Table(t.s)
	r.sum(in.Incidents)
	return r
}
