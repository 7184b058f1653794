package monitor

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
)

// TestLowTrafficLatencyIsWatched: six requests a minute, four times as slow.
func TestLowTrafficLatencyIsWatched(t *testing.T) {
	m, w := newMonitor(t), newWorld(31)
	w.share = 0.05
	change := epoch0.Add(10 * time.Hour)
	if early := run(m, w, epoch0, change); len(early) > 0 {
		t.Fatalf("found before anything changed: %s", early[0].Why)
	}
	w.latency["inventory"] = 3
	found := run(m, w, change, change.Add(2*time.Hour))
	if len(found) != 1 || found[0].Lead.Series.Service != "inventory" || found[0].Lead.Series.Signal != pitwall.SignalLatency {
		t.Fatalf("%d findings", len(found))
	}
}

// TestGrowingUpKeepsWhatStands: a regression that stands when a series comes of
// age, in this life or the next, is not taken for normal.
func TestGrowingUpKeepsWhatStands(t *testing.T) {
	m, w := newMonitor(t), newWorld(32)
	change := epoch0.Add(youth - 2*time.Hour)
	run(m, w, change.Add(-8*time.Hour), change)
	for _, op := range m.ops { // met when the world began
		op.first = epoch0
	}
	w.latency["cart"] = 0.5
	if found := run(m, w, change, change.Add(90*time.Minute)); len(found) != 1 {
		t.Fatalf("%d findings", len(found))
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	run(m, w, change.Add(90*time.Minute), change.Add(6*time.Hour))
	if f := m.Sensed().Findings; len(f) != 1 || !f[0].Gone.IsZero() || f[0].Now.Value < 1.3*f[0].Before.Value {
		t.Errorf("after it came of age: %+v", f)
	}
	again := newMonitor(t)
	if _, err := again.Restore(data); err != nil {
		t.Fatal(err)
	}
	for at := change.Add(-4 * time.Hour); at.Before(change.Add(90 * time.Minute)); at = at.Add(Step) {
		w.latency["cart"] = 0
		if !at.Before(change) {
			w.latency["cart"] = 0.5
		}
		again.Minute(at, w.minute(at))
	}
	for k, op := range again.ops {
		if !op.first.Equal(epoch0) {
			t.Errorf("%s was met %s", k.service, op.first)
		}
	}
	run(again, w, change.Add(90*time.Minute), change.Add(6*time.Hour))
	if f := again.Sensed().Findings; len(f) != 1 || !f[0].Gone.IsZero() {
		t.Errorf("after a restart: %+v", f)
	}
}

// TestFewFailuresHaveAReason: what rings and is not enough is said.
func TestFewFailuresHaveAReason(t *testing.T) {
	m, w := newMonitor(t), newWorld(33)
	w.share, w.sound = 0.05, true
	at := epoch0.Add(6 * time.Hour)
	run(m, w, epoch0, at)
	for i := range 600 { // one failure in some fifty requests, after a baseline without any
		totals := w.minute(at)
		if i%8 == 0 {
			totals[1].Failed = 1
		}
		m.Minute(at, totals)
		at = at.Add(Step)
		m.Look(Sight{Now: at})
		for _, p := range m.Sensed().Passed {
			if p.Reason == string(detect.ReasonTooFew) && p.Series.Signal == pitwall.SignalErrors && strings.HasSuffix(p.Why, ".") {
				return
			}
		}
	}
	t.Errorf("nothing is said of the failures: %+v", m.Sensed().Passed)
}

// TestNoRoomIsSaid: operations that are not followed are counted, once each.
func TestNoRoomIsSaid(t *testing.T) {
	m, err := New(Options{Operations: 2})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(34)
	run(m, w, epoch0, epoch0.Add(5*time.Minute))
	if s := m.Sensed(); s.Operations != 2 || s.Unfollowed != 1 {
		t.Errorf("%d followed, %d not", s.Operations, s.Unfollowed)
	}
}
