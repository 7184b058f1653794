package engine

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

// said lets a world's engine log into a text.
func (w *world) said() *strings.Builder {
	var b strings.Builder
	w.life.engine.log = slog.New(slog.NewTextHandler(&b, nil))
	return &b
}

// own is what the engine's health says of itself, and whether it says anything.
func (w *world) own() (pitwall.SourceHealth, bool) {
	list := w.life.engine.Health()
	i := slices.IndexFunc(list, func(h pitwall.SourceHealth) bool { return h.Name == "engine" })
	if i < 0 {
		return pitwall.SourceHealth{}, false
	}
	return list[i], true
}

// TestADefectIsOneObjectivesTrouble: a reader that panics for one objective leaves
// the other's plan alone, is said, and is forgotten when it does so no more.
func TestADefectIsOneObjectivesTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.slos = append(w.slos, w.objective("catalog-latency", pitwall.SLI{Kind: pitwall.SLILatency, Service: "edge", Operation: "GET /catalog", Threshold: 300 * time.Millisecond}))
	w.shop.pages, w.shop.traits["v41"] = 0.5, trait{reply: 85e3, page: 120e3}
	w.start()
	said, e := w.said(), w.life.engine
	if _, any := w.own(); any {
		t.Error("the engine tells of defects before there is one")
	}
	w.spans.odd = func(q pitwall.SpanQuery) bool { return q.Service == "checkout" && !q.WholeTraces }
	p := w.until(pitwall.Baselined)
	w.pass(5 * w.set.Tick)
	if all := e.all(); len(all) != 1 || p.SLO != "catalog-latency" {
		t.Fatalf("%d plans, the newest of %s: want one, of the objective that can be read", len(all), p.SLO)
	}
	mentions(t, "the objective's trouble", e.Problem("checkout-latency"), "checkout-latency", "slice bounds out of range")
	if e.Problem("catalog-latency") != "" || len(e.Alarms()) == 0 {
		t.Errorf("the other has trouble %q, alarms %d", e.Problem("catalog-latency"), len(e.Alarms()))
	}
	h, _ := w.own()
	mentions(t, "health", h.Message, "judging objective checkout-latency", "slice bounds out of range")
	if h.Up || h.Rejected < 2 {
		t.Errorf("health is %+v", h)
	}
	if n := strings.Count(said.String(), "stack="); n != 1 || !strings.Contains(said.String(), "fakeSpans") {
		t.Errorf("the stack was logged %d times", n)
	}
	budgets, err := e.Budgets(t.Context())
	if err != nil || len(budgets) != 2 || !budgets[0].Known || !budgets[1].Known {
		t.Errorf("budgets %+v, %v", budgets, err)
	}
	w.spans.odd = nil
	w.when("the other plan is opened, too", func(pitwall.Plan) bool { return len(e.all()) == 2 })
	if h, _ := w.own(); !h.Up || h.Message != "" || e.Problem("checkout-latency") != "" {
		t.Errorf("it is well again, and health is %+v, the objective's trouble %q", h, e.Problem("checkout-latency"))
	}
}

// TestADefectInTheCanary: for a while it is what a reader that fails is; nothing
// more is changed. One that stands for the time of a step asks a person.
func TestADefectInTheCanary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.step("canary-10")
	w.spans.odd = func(q pitwall.SpanQuery) bool { return q.WholeTraces }
	w.pass(20 * time.Second)
	mentions(t, "live", w.waiting(), "a defect of Pitwall", "slice bounds out of range")
	w.effects(10)
	p := w.until(pitwall.Held)
	mentions(t, "the reason", p.Reason, "a defect of Pitwall", "traffic of inventory is on v40 10 %, v41 90 %", "pitwall plan rollback PIP-1")
	w.pass(time.Minute)
	w.effects(10)
	w.spans.odd = nil
	w.act("resume")
	w.until(pitwall.Closed)
	w.effects(10, 50, 100)
	if h, any := w.own(); !any || !h.Up {
		t.Errorf("afterwards health is %+v", h)
	}
	w.sound()
}

// TestADefectThatPasses: what passes within the time of a step stops nobody.
func TestADefectThatPasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.step("canary-10")
	w.spans.odd = func(pitwall.SpanQuery) bool { return true }
	w.pass(20 * time.Second)
	w.spans.odd = nil
	p := w.until(pitwall.Closed)
	if slices.Contains(story(p), "plan.held > held") {
		t.Error("it was held")
	}
	w.effects(10, 50, 100)
	w.sound()
}

// TestADefectInATarget: a target that panics is asked as often as one that
// refuses, and then no more.
func TestADefectInATarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.until(pitwall.Baselined)
	asked := 0
	w.target.before = func(context.Context, pitwall.Effect) error {
		asked++
		panic("nil map")
	}
	p := w.until(pitwall.Held)
	mentions(t, "the reason", p.Reason, "failed 3 times", "nil map")
	w.pass(time.Minute)
	if asked != w.set.MaxTries {
		t.Errorf("asked %d times, want %d", asked, w.set.MaxTries)
	}
	if h, _ := w.own(); h.Up || !strings.Contains(h.Message, "changing the world for plan PIP-1") {
		t.Errorf("health is %+v", h)
	}
	w.effects()
	w.target.before = nil
	w.act("resume")
	w.until(pitwall.Closed)
	w.effects(10, 50, 100)
}

// TestADefectBeforeAnyChange: nothing is split, so it waits for its deadline as
// after any other trouble.
func TestADefectBeforeAnyChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set.Deadline = 3 * time.Minute
	w.start()
	w.spans.odd = func(q pitwall.SpanQuery) bool { return q.WholeTraces }
	w.until(pitwall.Opened)
	p := w.until(pitwall.Held, pitwall.Escalated)
	if w.now.Before(p.Opened.Deadline) {
		t.Errorf("it was stopped at %s, before its deadline %s", w.now, p.Opened.Deadline)
	}
	w.effects()
}

// oddTotals panics over odd periods.
type oddTotals struct {
	pitwall.OperationReader
	odd func(pitwall.Period) bool
}

func (o oddTotals) Operations(ctx context.Context, q pitwall.OperationQuery) ([]pitwall.OperationTotals, error) {
	if o.odd(q.Period) {
		panic("index out of range")
	}
	return o.OperationReader.Operations(ctx, q)
}

// TestADefectInTheWatch: operations are not watched while it lasts, which is
// said, and watched again after it; objectives and people are not touched by it.
func TestADefectInTheWatch(t *testing.T) {
	t.Parallel()
	w, f := sensingWorld(t)
	f.slow = []pitwall.Period{{From: begin.Add(10 * time.Minute), To: begin.Add(24 * time.Hour)}}
	bad := true
	w.life.engine.c.Operations = oddTotals{f, func(pitwall.Period) bool { return bad }}
	w.pass(5 * time.Minute)
	mentions(t, "what is said", w.life.engine.Sensed(t.Context()).Problem, "index out of range")
	if h, _ := w.own(); h.Up || !strings.Contains(h.Message, "watching operations") {
		t.Errorf("health is %+v", h)
	}
	bad = false
	w.found()
	if h, _ := w.own(); !h.Up {
		t.Errorf("health is %+v", h)
	}
}

// deafHealth panics when it is asked how it is.
type deafHealth struct{}

func (deafHealth) Health() []pitwall.SourceHealth { panic("concurrent map read") }

// TestADefectInASource: the others still say how they are.
func TestADefectInASource(t *testing.T) {
	e := &Engine{c: Config{Health: []pitwall.Health{deafHealth{}, &alarmed{health: []pitwall.SourceHealth{{Name: "otlp/traces", Up: true}}}}, Now: time.Now},
		log: slog.New(slog.DiscardHandler)}
	list := e.Health()
	if len(list) != 2 || list[0].Name != "otlp/traces" || list[1].Up || !strings.Contains(list[1].Message, "concurrent map read") {
		t.Errorf("got %+v", list)
	}
}

// TestADefectInCounting: it is one objective's trouble, and what was counted
// after it is what would have been counted without it.
func TestADefectInCounting(t *testing.T) {
	store := openMetrics(t, dawn.Add(time.Hour))
	appendInOrder(t, store, steady(dawn, time.Hour))
	spoilt := true
	a := &asking{store: store, spoil: func(q string) error {
		if spoilt && strings.HasPrefix(q, "bad_") {
			panic("index out of range")
		}
		return nil
	}}
	slos := []pitwall.SLO{events("b1", "bad_e", "n"), events("b2", "bad_e", "n"), events("fine", "e", "n")}
	ledger := slo.NewLedger(slos, time.Minute)
	now := dawn.Add(time.Hour)
	k := NewCollector(CollectConfig{SLOs: slos, Ledger: ledger, Samples: a, Metrics: a, Settle: time.Minute, Now: func() time.Time { return now },
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	done := make(chan struct{})
	go func() { k.Round(t.Context()); close(done) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("who waits for the same answer waits for ever")
	}
	if got := ledger.Through("fine"); !got.Equal(dawn.Add(59 * time.Minute)) {
		t.Errorf("the fine one is counted through %s", got)
	}
	for _, name := range []pitwall.SLOName{"b1", "b2"} {
		if got := ledger.Through(name); !got.IsZero() || !strings.Contains(k.Problem(name), "index out of range") {
			t.Errorf("%s is counted through %s, its trouble is %q", name, got, k.Problem(name))
		}
	}
	spoilt = false
	k.Round(t.Context())
	in := pitwall.Period{From: dawn, To: dawn.Add(59 * time.Minute)}
	undisturbed := slo.NewLedger(slos, time.Minute)
	NewCollector(CollectConfig{SLOs: slos, Ledger: undisturbed, Samples: a, Metrics: a, Settle: time.Minute, Now: func() time.Time { return now }}).Round(t.Context())
	if got, want := ledger.Sum("b1", in), undisturbed.Sum("b1", in); got != want || got.Total() == 0 || k.Problem("b1") != "" {
		t.Errorf("counted %+v, want %+v; trouble %q", got, want, k.Problem("b1"))
	}
}

// TestADefectWhileLooking: a source that panics when what can be seen is looked
// at is one that does not answer.
func TestADefectWhileLooking(t *testing.T) {
	now := func() time.Time { return dawn }
	e := &Engine{c: Config{Now: now, Volumes: func(context.Context) []pitwall.SignalVolume { panic("index out of range") }}, log: slog.New(slog.DiscardHandler)}
	got, err := e.Telemetry(t.Context())
	if err != nil || !slices.ContainsFunc(got.Blind, func(b pitwall.BlindSpot) bool { return strings.Contains(b.Means, "index out of range") }) {
		t.Errorf("%v, blind spots %+v", err, got.Blind)
	}
}
