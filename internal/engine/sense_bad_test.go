package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/baseline"
	"github.com/pitwall/pitwall/internal/record"
)

// fullDisk is a record that nothing can be appended to.
type fullDisk struct{ pitwall.EventStore }

func (fullDisk) Append(context.Context, uint64, []pitwall.Event) error {
	return errors.New("no space left on device")
}

// TestAFindingWaitsForTheRecord: a look gives a finding once, so one for which no
// plan could be written down must not be lost.
func TestAFindingWaitsForTheRecord(t *testing.T) {
	t.Parallel()
	w, f := sensingWorld(t)
	w.opens = true
	f.slow = []pitwall.Period{{From: begin.Add(10 * time.Minute), To: begin.Add(24 * time.Hour)}}
	w.life.engine.c.Recorder = record.New(fullDisk{w.events}, w.clock)
	got := w.found()
	w.pass(2 * time.Minute)
	if s := w.life.engine.Sensed(t.Context()); w.plan().ID != "" || !strings.Contains(s.Problem, "no space left") {
		t.Fatalf("plan %q, said %q", w.plan().ID, s.Problem)
	}
	w.life.engine.c.Recorder = record.New(w.events, w.clock)
	w.pass(2 * time.Minute)
	if p := w.plan(); p.Opened.Finding != got.ID {
		t.Errorf("with room on the disk there is still no plan: %+v", w.life.engine.Sensed(t.Context()).Findings)
	}
}

// TestSilenceIsSaid: when no minute was seen for long, nothing is said to be well.
func TestSilenceIsSaid(t *testing.T) {
	t.Parallel()
	w, _ := sensingWorld(t)
	w.pass(10 * time.Minute)
	if s := w.life.engine.Sensed(t.Context()); s.Problem != "" {
		t.Fatal(s.Problem)
	}
	w.now = w.now.Add(30 * time.Minute) // and the store does not answer
	if s := w.life.engine.Sensed(t.Context()); !strings.Contains(s.Problem, "of the last 31m0s nothing was seen") {
		t.Errorf("said %q", s.Problem)
	}
}

// TestReadersWhileItWakes: pages are asked for while the memory is restored. Only
// the race detector sees this fail.
func TestReadersWhileItWakes(t *testing.T) {
	t.Parallel()
	w, f := sensingWorld(t)
	f.slow = []pitwall.Period{{From: begin.Add(5 * time.Minute), To: begin.Add(24 * time.Hour)}}
	id := w.found().ID
	w.start()
	stop := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				w.life.engine.Sensed(t.Context())
				_, _, _ = w.life.engine.Finding(t.Context(), id)
				time.Sleep(100 * time.Microsecond)
			}
		}
	})
	w.look() // without moving the clock, which is the readers' too
	close(stop)
	readers.Wait()
}

// TestAcceptingTwice: the second is told who did it; and one that comes while the
// past is still read overwrites no baseline.
func TestAcceptingTwice(t *testing.T) {
	t.Parallel()
	w, f := sensingWorld(t)
	f.slow = []pitwall.Period{{From: begin.Add(5 * time.Minute), To: begin.Add(24 * time.Hour)}}
	got := w.found()
	w.start()
	e := w.life.engine
	if err := e.awake(t.Context(), w.now); err != nil {
		t.Fatal(err)
	}
	before, _ := w.db.Recall(t.Context(), senseName)
	a := pitwall.Accepted{Finding: got.ID, By: "kim", Reason: "meant"}
	if _, err := e.Accept(t.Context(), a, false); err != nil {
		t.Fatal(err)
	}
	if after, _ := w.db.Recall(t.Context(), senseName); string(before) != string(after) {
		t.Errorf("%d bytes of memory became %d before anything was read again", len(before), len(after))
	}
	a.By = "lee"
	if _, err := e.Accept(t.Context(), a, false); pitwall.KindOf(err) != pitwall.Conflict || !strings.Contains(err.Error(), "kim") {
		t.Errorf("the second: %v", err)
	}
	w.pass(3 * time.Minute)
	if list := w.life.engine.Sensed(t.Context()).Findings; len(list) != 1 || list[0].Accepted == nil || list[0].Accepted.By != "kim" {
		t.Errorf("%+v", list)
	}
}

// TestTheFirstMetricThatCanTellSpeaks: goroutines without enough points hide no
// leak that another metric of the same kind shows.
func TestTheFirstMetricThatCanTellSpeaks(t *testing.T) {
	t.Parallel()
	trend := func(metric, kind string, v baseline.DriftVerdict) pitwall.Trend {
		return pitwall.Trend{Service: "cart", Metric: metric, Kind: kind, Verdict: string(v)}
	}
	got := best([]pitwall.Trend{trend("a", "heap", baseline.DriftNotEnough), trend("b", "heap", baseline.DriftFound), trend("c", "heap", baseline.DriftSteady),
		trend("d", "files", baseline.DriftSteady), trend("e", "files", baseline.DriftFound)})
	names := []string{}
	for _, x := range got {
		names = append(names, x.Metric)
	}
	if !slices.Equal(names, []string{"b", "d"}) {
		t.Errorf("%v speak", names)
	}
}

// TestACorrectionOfAGoneObjectiveExcusesNothing: it names no service, and that is
// not all of them.
func TestACorrectionOfAGoneObjectiveExcusesNothing(t *testing.T) {
	t.Parallel()
	w, _ := sensingWorld(t)
	e := w.life.engine
	e.mu.Lock()
	e.corrections = append(e.corrections, pitwall.Correction{SLO: "no-longer", Period: pitwall.Period{From: begin, To: begin.Add(time.Hour)}, Reason: "x"})
	e.mu.Unlock()
	if list := e.planned(); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}
