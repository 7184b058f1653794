package monitor

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// slow is a factor on all latencies of the cart from an instant on.
func slow(m *Monitor, w *world, by float64, from, to time.Time) int {
	w.latency["cart"] = by
	return len(run(m, w, from, to))
}

// standing are the findings that are not over.
func standing(m *Monitor) (ids []string) {
	for _, f := range m.Sensed().Findings {
		if f.Gone.IsZero() {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// again is the monitor of the next process.
func again(t *testing.T, m *Monitor) *Monitor {
	t.Helper()
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	next := newMonitor(t)
	if _, err := next.Restore(data); err != nil {
		t.Fatal(err)
	}
	return next
}

// TestWhatComesAndGoesEnds: 20 slow minutes of every 25 are one finding that
// flaps, and it does not stand when they are over.
func TestWhatComesAndGoesEnds(t *testing.T) {
	start := epoch0.Add(5 * time.Hour)
	shop := traffic{always(60), func(at time.Time) float64 {
		if d := int(at.Sub(start).Minutes()); d >= 0 && d < 4*25 && d%25 < 20 {
			return 0.09
		}
		return 0.05
	}, always(0.004)}
	for seed := range uint64(10) {
		m, rng := newMonitor(t), rand.New(rand.NewPCG(seed, 4))
		m.Hour(epoch0.Add(-20*24*time.Hour), []pitwall.OperationTotals{counted("s", "GET /", 3600, 0)}) // it is no longer young
		for at := epoch0; at.Before(start.Add(5 * time.Hour)); at = at.Add(Step) {
			m.Minute(at, []pitwall.OperationTotals{shop.minute(rng, "s", at)})
			m.Look(Sight{Now: at.Add(Step)})
		}
		if all := m.Sensed().Findings; len(all) != 1 || all[0].Flaps < 2 || all[0].Flaps > 3 || len(standing(m)) > 0 {
			t.Errorf("seed %d: %d findings, %d standing, flaps %d", seed, len(all), len(standing(m)), all[0].Flaps)
		}
	}
}

// TestWhatEndedWhileNobodyWatched is over in the next process.
func TestWhatEndedWhileNobodyWatched(t *testing.T) {
	m, w := newMonitor(t), newWorld(6)
	change := epoch0.Add(4 * time.Hour)
	run(m, w, epoch0, change)
	if slow(m, w, 0.5, change, change.Add(time.Hour)) != 1 {
		t.Fatal("not found")
	}
	next := again(t, m)
	back := change.Add(7 * time.Hour)
	slow(next, w, 0, back, back.Add(3*time.Hour))
	if len(standing(next)) > 0 {
		t.Errorf("still standing: %+v", next.Sensed().Findings)
	}
}

// TestAcceptedSurvivesARestartWhileItIsLearnt: the level before it is not learnt
// again, so what is worse than the accepted level is found.
func TestAcceptedSurvivesARestartWhileItIsLearnt(t *testing.T) {
	m, w := newMonitor(t), newWorld(6)
	change := epoch0.Add(4 * time.Hour)
	run(m, w, epoch0, change)
	slow(m, w, 0.5, change, change.Add(time.Hour))
	now := change.Add(time.Hour)
	if !m.Accept(standing(m)[0], "meant", now, time.Time{}) {
		t.Fatal("not accepted")
	}
	next := again(t, m)
	for at := change.Add(-3 * time.Hour); at.Before(now); at = at.Add(Step) { // read again
		w.latency["cart"] = 0
		if !at.Before(change) {
			w.latency["cart"] = 0.5
		}
		next.Minute(at, w.minute(at))
	}
	slow(next, w, 0.5, now, now.Add(4*time.Hour))
	if n := slow(next, w, 2, now.Add(4*time.Hour), now.Add(5*time.Hour)); n != 1 {
		t.Errorf("%d findings of twice the accepted level", n)
	}
}

// TestAPlanEndsItsOwnTrouble: a plan on a service that ends leaves what is still
// worse in the service where it is.
func TestAPlanEndsItsOwnTrouble(t *testing.T) {
	m, w := newMonitor(t), newWorld(6)
	change := epoch0.Add(4 * time.Hour)
	run(m, w, epoch0, change)
	slow(m, w, 0.5, change, change.Add(time.Hour))
	m.Closed("cart", pitwall.Period{})
	run(m, w, change.Add(time.Hour), change.Add(4*time.Hour))
	if len(standing(m)) != 1 {
		t.Errorf("it was slow all the time: %+v", m.Sensed().Findings)
	}
	m.Closed("cart", pitwall.Period{From: change, To: change.Add(4 * time.Hour)}) // and people let it go
	run(m, w, change.Add(4*time.Hour), change.Add(8*time.Hour))
	if len(standing(m)) > 0 {
		t.Errorf("what people let go still stands: %+v", m.Sensed().Findings)
	}
}

// TestALongSilenceMovesNoOnset: half a day without a span, and the same finding.
func TestALongSilenceMovesNoOnset(t *testing.T) {
	m, w := newMonitor(t), newWorld(6)
	change := epoch0.Add(4 * time.Hour)
	run(m, w, epoch0, change)
	slow(m, w, 0.5, change, change.Add(time.Hour))
	for at := change.Add(time.Hour); at.Before(change.Add(15 * time.Hour)); at = at.Add(Step) {
		m.Minute(at, nil)
		m.Look(Sight{Now: at.Add(Step)})
	}
	if n := slow(m, w, 0.5, change.Add(15*time.Hour), change.Add(17*time.Hour)); n != 0 || len(standing(m)) != 1 {
		t.Errorf("%d more findings, %+v", n, m.Sensed().Findings)
	}
}

// TestANormalDayOutlivesTheProcess: what was normal is not learnt anew because
// the new process learns of the day only now.
func TestANormalDayOutlivesTheProcess(t *testing.T) {
	day := func(m *Monitor, until time.Time) {
		for at := until.Add(-20 * 24 * time.Hour); at.Before(until); at = at.Add(time.Hour) {
			n := int64(3600)
			if at.Hour() < 12 {
				n = 7200
			}
			m.Hour(at, []pitwall.OperationTotals{counted("s", "GET /", n, 0)})
		}
	}
	m := newMonitor(t)
	day(m, epoch0)
	for i := range 200 {
		at := epoch0.Add(time.Duration(i) * Step)
		m.Minute(at, []pitwall.OperationTotals{counted("s", "GET /", 118+int64(i%5), 0)})
	}
	learning := func(m *Monitor) bool { return m.ops[key{"s", "GET /"}].rate.learning() }
	if learning(m) {
		t.Fatal("not learnt in 200 minutes")
	}
	next := again(t, m)
	now := epoch0.Add(200 * Step)
	day(next, now.Add(-time.Hour))
	next.Minute(now, []pitwall.OperationTotals{counted("s", "GET /", 120, 0)})
	if learning(next) {
		t.Error("it learns what is normal anew")
	}
}
