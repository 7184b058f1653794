package engine

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/record"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/store/sqlite"
)

// alarmed is an engine of objectives alone: what fires, and what is remembered.
type alarmed struct {
	*Engine
	now    time.Time
	health []pitwall.SourceHealth
	db     *sqlite.DB
}

// Health is of what feeds the objectives.
func (a *alarmed) Health() []pitwall.SourceHealth { return a.health }

func (a *alarmed) start(t *testing.T, l *slo.Ledger, slos ...pitwall.SLO) {
	t.Helper()
	if a.db == nil {
		var err error
		if a.db, err = sqlite.Open(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = a.db.Close() })
	}
	clock := func() time.Time { return a.now }
	var err error
	a.Engine, err = New(t.Context(), Config{SLOs: slos, Ledger: l, Recorder: record.New(a.db, clock), Changes: a.db, Ledgers: a.db, Leases: a.db, Outbox: a.db,
		Settings: quick(), Now: clock, Rand: rand.New(rand.NewPCG(1, 1)), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Owner: func(pitwall.ServiceName) string { return "" }, Health: []pitwall.Health{a}})
	if err != nil {
		t.Fatal(err)
	}
}

func (a *alarmed) look(t *testing.T) []pitwall.Alarm {
	t.Helper()
	if err := a.Engine.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.tell(context.Background()); err != nil {
		t.Fatal(err)
	}
	return a.Alarms()
}

func counted(t *testing.T, l *slo.Ledger, name pitwall.SLOName, from, to time.Time, each pitwall.Counts) {
	t.Helper()
	var steps []pitwall.LedgerStep
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		steps = append(steps, pitwall.LedgerStep{SLO: name, Start: at.Unix(), Counts: each})
	}
	if err := l.Count(name, steps, to); err != nil {
		t.Fatal(err)
	}
}

// TestObjectiveIsRemovedWhileItFires: a restart without the objective ends its
// alarm; were it kept, somebody would be reminded of it for ever.
func TestObjectiveIsRemovedWhileItFires(t *testing.T) {
	s := pitwall.SLO{Name: "gone", Service: "a", Target: 0.999, Window: 30 * 24 * time.Hour, SLI: pitwall.SLI{Kind: pitwall.SLIEvents, Query: &pitwall.SLIQuery{}},
		Tiers: []pitwall.BurnTier{{Name: "page", Factor: 14.4, Long: time.Hour, Short: 5 * time.Minute, Action: pitwall.ActionPage}}}
	a := &alarmed{now: begin}
	l := slo.NewLedger([]pitwall.SLO{s}, time.Minute)
	counted(t, l, s.Name, begin.Add(-2*time.Hour), begin, pitwall.Counts{Good: 50, Bad: 50})
	a.start(t, l, s)
	if got := a.look(t); len(got) != 1 || !got[0].Firing() {
		t.Fatalf("%+v", got)
	}
	other := s
	other.Name = "other"
	a.now = a.now.Add(time.Minute)
	a.start(t, slo.NewLedger([]pitwall.SLO{other}, time.Minute), other)
	for range 3 {
		a.now = a.now.Add(time.Minute)
		if got := a.look(t); len(got) != 1 || got[0].SLO != "gone" || got[0].Firing() {
			t.Fatalf("it goes on for an objective that is no more: %+v", got)
		}
	}
	a.start(t, slo.NewLedger([]pitwall.SLO{other}, time.Minute), other)
	if got := a.look(t); len(got) != 0 {
		t.Errorf("it is back after the next start: %+v", got)
	}
}

// TestWhatMakesSilenceTelemetry: lost traffic pages although one target of many
// is down, another objective cannot be counted, or a way in was never used; not
// while everything that feeds the signal is down.
func TestWhatMakesSilenceTelemetry(t *testing.T) {
	metrics := func(name string, up, used bool) pitwall.SourceHealth {
		h := pitwall.SourceHealth{Name: name, Signal: pitwall.SignalMetrics, Up: up}
		if used {
			h.LastSeen = begin
		}
		return h
	}
	store := metrics("store/metrics", true, true)
	f := func(what string, pages bool, health ...pitwall.SourceHealth) {
		t.Helper()
		s := pitwall.SLO{Name: "lost", Service: "a", Target: 0.999, Window: 30 * 24 * time.Hour, SLI: pitwall.SLI{Kind: pitwall.SLIEvents, Query: &pitwall.SLIQuery{}},
			Tiers: []pitwall.BurnTier{{Name: "lost", When: pitwall.WhenTrafficLost, Long: time.Hour, Short: 5 * time.Minute, Action: pitwall.ActionPage}}}
		l := slo.NewLedger([]pitwall.SLO{s}, time.Minute)
		counted(t, l, s.Name, begin.Add(-8*time.Hour), begin.Add(-6*time.Minute), pitwall.Counts{Good: 50})
		if err := l.Count(s.Name, nil, begin); err != nil {
			t.Fatal(err)
		}
		a := &alarmed{now: begin.Add(-time.Hour), health: health}
		a.start(t, l, s)
		a.now = begin
		if got := a.look(t); (len(got) == 1) != pages {
			t.Errorf("%s: %+v, want a page: %v", what, got, pages)
		}
	}
	f("all is well", true, store, metrics("scrape shop a:1", true, true))
	f("nobody sends metrics by OTLP", true, store, metrics("otlp/metrics", false, false), metrics("scrape shop a:1", true, true))
	f("one target of two is down", true, store, metrics("scrape shop a:1", true, true), metrics("scrape shop b:1", false, true))
	f("another objective cannot be counted", true, store, metrics("objectives", false, true), metrics("objectives/other", false, false), metrics("otlp/metrics", true, true))
	f("every target is down", false, store, metrics("remote-write", true, false), metrics("scrape shop a:1", false, true), metrics("scrape shop b:1", false, true))
	f("the store is down", false, metrics("store/metrics", false, true), metrics("scrape shop a:1", true, true))
	f("the spans' store is down", true, pitwall.SourceHealth{Name: "store/spans", Signal: pitwall.SignalTraces}, metrics("otlp/metrics", true, true))
}

// slowSpans takes a while to find that there are none.
type slowSpans struct{ read func() }

func (s slowSpans) Spans(context.Context, pitwall.SpanQuery) (*pitwall.SpanBatch, error) {
	s.read()
	return &pitwall.SpanBatch{}, nil
}

// TestPeopleHearBeforePlansAreOpen: when many objectives burn at once, opening
// plans does not hold up what people are told.
func TestPeopleHearBeforePlansAreOpen(t *testing.T) {
	a := &alarmed{now: begin}
	var slos []pitwall.SLO
	for _, name := range []string{"a", "b", "c"} {
		slos = append(slos, pitwall.SLO{Name: pitwall.SLOName(name), Service: pitwall.ServiceName(name), Target: 0.999, Window: 30 * 24 * time.Hour,
			SLI:   pitwall.SLI{Kind: pitwall.SLIEvents, Query: &pitwall.SLIQuery{}},
			Tiers: []pitwall.BurnTier{{Name: "page", Factor: 14.4, Long: time.Hour, Short: 5 * time.Minute, Action: pitwall.ActionPage, OpensPlan: true}}})
	}
	l := slo.NewLedger(slos, time.Minute)
	for _, s := range slos {
		counted(t, l, s.Name, begin.Add(-2*time.Hour), begin, pitwall.Counts{Good: 50, Bad: 50})
	}
	a.start(t, l, slos...)
	a.c.Spans = slowSpans{func() { a.now = a.now.Add(a.c.Settings.Tick) }}
	for plans := 1; plans <= 3; plans++ {
		if alarms, open := a.look(t), a.all(); len(alarms) != 3 || len(open) != plans {
			t.Fatalf("%d alarms and %d plans at the %d. look", len(alarms), len(open), plans)
		}
	}
}
