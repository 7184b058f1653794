package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitwall/pitwall"
)

// running starts the engine's own loop in a synctest bubble and lets traffic
// flow beside it; the answer stops it and gives what Run returned.
func running(w *world) (stop func() error) {
	time.Sleep(time.Until(begin)) // the bubble's clock begins elsewhere
	w.clock = time.Now
	w.start()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.life.engine.Run(ctx) }()
	return func() error { cancel(); return <-ended }
}

// flow lets traffic flow until something is so.
func (w *world) flow(what string, yes func(pitwall.Plan) bool) pitwall.Plan {
	w.t.Helper()
	for range 600 {
		time.Sleep(700 * time.Millisecond)
		synctest.Wait()
		if p := w.plan(); p.ID != "" && yes(p) {
			return p
		}
		w.now = time.Now()
		w.traffic()
	}
	w.t.Fatalf("it never became so that %s: %v, %q", what, story(w.plan()), w.waiting())
	return pitwall.Plan{}
}

// hang makes the target take a call and not answer, until the caller gives up.
func hang(key string) func(context.Context, pitwall.Effect) error {
	return func(ctx context.Context, e pitwall.Effect) error {
		if e.Key != key {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
}

// Run drives the loop by itself. A target that hangs holds up neither the
// ledger nor the other work, and is given up after the time of a step.
func TestRunWithAHangingTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		stop := running(w)
		w.target.before = hang("PIP-1/1/canary-50")
		w.flow("canary-50 is intended", func(p pitwall.Plan) bool { return runOf(p, "canary-50") != nil })
		before, err := w.db.LoadLedger(context.Background(), time.Time{}, pitwall.LedgerVisit{})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		p := w.flow("the try failed", func(p pitwall.Plan) bool { return runOf(p, "canary-50").Failed == 1 })
		if took := time.Since(began); took < w.set.StepMax-3*time.Second || took > w.set.StepMax+3*time.Second {
			t.Errorf("it was given up after %s", took)
		}
		mentions(t, "the step", runOf(p, "canary-50").Step.Error, "deadline exceeded")
		if after, _ := w.db.LoadLedger(context.Background(), time.Time{}, pitwall.LedgerVisit{}); after.Position < before.Position+20 {
			t.Errorf("while the target hung the ledger went from %d to %d", before.Position, after.Position)
		}
		w.target.before = nil
		w.flow("it is closed", func(p pitwall.Plan) bool { return p.State == pitwall.Closed })
		w.effects(10, 50, 100)
		if err := stop(); err != nil {
			t.Errorf("Run ended with %v", err)
		}
		w.sound()
	})
}

// A stop in the middle of a call is no failed try, and the next process goes on.
func TestStoppedWhileTheTargetHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		stop := running(w)
		w.target.before = hang("PIP-1/1/canary-10")
		w.flow("canary-10 is intended", func(p pitwall.Plan) bool { return runOf(p, "canary-10") != nil })
		time.Sleep(3 * time.Second)
		began := time.Now()
		if err := stop(); err != nil || time.Since(began) > time.Second {
			t.Errorf("Run ended after %s with %v", time.Since(began), err)
		}
		if p := w.plan(); runOf(p, "canary-10").Failed != 0 || p.State != pitwall.Canarying {
			t.Errorf("it is %s: %+v", p.State, p.Steps)
		}
		w.target.before = nil
		stop = running(w)
		w.flow("it is closed", func(p pitwall.Plan) bool { return p.State == pitwall.Closed })
		w.effects(10, 50, 100)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// mute is a store whose answers get lost: it writes, says that it did not, and
// for once does not say what the last event is.
type mute struct {
	pitwall.EventStore
	every   int
	appends int
	silent  bool
}

func (m *mute) Append(ctx context.Context, after uint64, events []pitwall.Event) error {
	err := m.EventStore.Append(ctx, after, events)
	if m.appends++; err == nil && m.appends%m.every == 0 {
		m.silent = true
		return errors.New("connection reset")
	}
	return err
}

func (m *mute) Last(ctx context.Context) (pitwall.Event, error) {
	if m.silent {
		m.silent = false
		return pitwall.Event{}, errors.New("connection refused")
	}
	return m.EventStore.Last(ctx)
}

// An event that was written though nobody said so is read back before the next
// one, so the plan's history stays one history.
func TestRecordAnswersGetLost(t *testing.T) {
	t.Parallel()
	for every := 1; every < 5; every++ {
		w := newWorld(t)
		w.events = &mute{EventStore: w.db, every: every}
		w.start()
		w.until(pitwall.Closed)
		w.effects(10, 50, 100)
		if all := w.life.engine.all(); len(all) != 1 {
			t.Errorf("%d plans, want one", len(all))
		}
		w.events = w.db
		w.sound()
	}
}

func TestSettingsMustBePositive(t *testing.T) {
	t.Parallel()
	if err := quick().check(); err != nil {
		t.Fatal(err)
	}
	for key, spoil := range map[string]func(*Settings){
		"engine.tick": func(s *Settings) { s.Tick = 0 }, "engine.max_tries": func(s *Settings) { s.MaxTries = 0 },
		"engine.lease_ttl": func(s *Settings) { s.LeaseTTL = -1 }, "engine.verify.min_requests": func(s *Settings) { s.VerifyMin = 0 },
	} {
		s := quick()
		spoil(&s)
		if _, err := New(context.Background(), Config{Settings: s}); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%s: %v", key, err)
		} else {
			mentions(t, "the error", err.Error(), key)
		}
	}
}

// A live chart does not reach back without end, nor is it drawn at every tick of
// a plan that waits for days.
func TestLiveChartIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	p := w.until(pitwall.Opened, pitwall.Baselined)
	live := w.life.engine.Live(p.ID)
	if len(live.Charts) != 1 || live.Budget == nil || live.Charts[0].Limit == nil || *live.Charts[0].Limit != 0.5 {
		t.Fatalf("live: %+v", live)
	}
	w.now = w.now.Add(10 * time.Hour)
	reads := &countingSpans{SpanReader: w.spans}
	w.life.engine.c.Spans = reads
	for range 15 {
		if err := w.life.engine.refresh(context.Background(), p); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Second)
	}
	if reads.n != 1 || reads.last.Period.Duration() > chartSpan {
		t.Errorf("%d reads in 15 s, the last over %s", reads.n, reads.last.Period.Duration())
	}
}

type countingSpans struct {
	pitwall.SpanReader
	n    int
	last pitwall.SpanQuery
}

func (c *countingSpans) Spans(ctx context.Context, q pitwall.SpanQuery) (*pitwall.SpanBatch, error) {
	c.n, c.last = c.n+1, q
	return c.SpanReader.Spans(ctx, q)
}
