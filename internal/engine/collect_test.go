package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/store/metrics"
	"github.com/pitwall/pitwall/internal/store/sqlite"
)

// asking is a real store, or none, that counts and spoils questions.
type asking struct {
	store *metrics.Store
	spoil func(question string) error

	mu    sync.Mutex
	asked map[string]int
	spans []time.Duration
}

func (a *asking) note(question string, p pitwall.Period) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked == nil {
		a.asked = map[string]int{}
	}
	a.asked[question]++
	a.spans = append(a.spans, p.Duration())
	if a.spoil != nil {
		return a.spoil(question)
	}
	return nil
}

func (a *asking) questions() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.spans)
}

func (a *asking) Samples(ctx context.Context, selector string, p pitwall.Period) ([]pitwall.Series, error) {
	if err := a.note(selector, p); err != nil || a.store == nil {
		return nil, err
	}
	return a.store.Samples(ctx, selector, p)
}

func (a *asking) Query(ctx context.Context, query string, at time.Time) ([]pitwall.Series, error) {
	if err := a.note(query, pitwall.Period{}); err != nil || a.store == nil {
		return nil, err
	}
	return a.store.Query(ctx, query, at)
}

func (a *asking) QueryRange(ctx context.Context, query string, p pitwall.Period, step time.Duration) ([]pitwall.Series, error) {
	if err := a.note(query, p); err != nil || a.store == nil {
		return nil, err
	}
	return a.store.QueryRange(ctx, query, p, step)
}

// events is an objective of two counters.
func events(name, bad, total string) pitwall.SLO {
	return pitwall.SLO{Name: pitwall.SLOName(name), Target: 0.99, Window: time.Hour, SLI: pitwall.SLI{Query: &pitwall.SLIQuery{Bad: bad, Total: total}}}
}

// steady is two counters over some time: 30 requests every 30 s, one fails.
func steady(begin time.Time, d time.Duration) []pitwall.Series {
	n := pitwall.Series{Labels: map[string]string{"__name__": "n", "job": "j"}}
	e := pitwall.Series{Labels: map[string]string{"__name__": "e", "job": "j"}}
	for at := time.Duration(0); at <= d; at += 30 * time.Second {
		i, t := float64(at/(30*time.Second)), begin.Add(at).UnixMilli()
		n.T, n.V, e.T, e.V = append(n.T, t), append(n.V, 30*i), append(e.T, t), append(e.V, i)
	}
	return []pitwall.Series{n, e}
}

var dawn = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

// TestNothingIsCountedTwiceAfterACrash kills the process between counting and
// saving: what was not saved is counted again, what was saved is not.
func TestNothingIsCountedTwiceAfterACrash(t *testing.T) {
	store := openMetrics(t, dawn.Add(3*time.Hour))
	appendInOrder(t, store, steady(dawn, 3*time.Hour))
	db, err := sqlite.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	slos := []pitwall.SLO{events("o", "e", "n")}
	slos[0].Window = 3 * time.Hour
	now := dawn.Add(time.Hour)
	start := func() (*slo.Ledger, *Collector) {
		ledger := slo.NewLedger(slos, time.Minute)
		if _, err := ledger.Open(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		return ledger, NewCollector(CollectConfig{SLOs: slos, Ledger: ledger, Samples: store, Metrics: store, Settle: time.Minute, Now: func() time.Time { return now }})
	}
	save := func(l *slo.Ledger) {
		dirty := l.Dirty()
		if err := db.SaveLedger(t.Context(), dirty); err != nil {
			t.Fatal(err)
		}
		l.Saved(dirty)
	}
	ledger, k := start()
	k.Round(t.Context())
	save(ledger)
	for _, saved := range []bool{false, true, false, false, true} {
		now = now.Add(17 * time.Minute)
		ledger, k = start() // the one before is gone
		k.Round(t.Context())
		if saved {
			save(ledger)
		}
	}
	through := now.Add(-time.Minute).Truncate(time.Minute)
	if got := ledger.Through("o"); !got.Equal(through) {
		t.Errorf("counted through %s, want %s", got, through)
	}
	minutes := uint64(through.Sub(dawn) / time.Minute)
	if got := ledger.Sum("o", pitwall.Period{From: dawn.Add(-time.Hour), To: now}); got.Bad != 2*minutes || got.Total() != 60*minutes {
		t.Errorf("%d bad of %d after five crashes, want %d of %d", got.Bad, got.Total(), 2*minutes, 60*minutes)
	}
}

func TestOnlyWhatHasSettledIsCounted(t *testing.T) {
	store := openMetrics(t, dawn.Add(time.Hour))
	appendInOrder(t, store, steady(dawn, time.Hour))
	slos := []pitwall.SLO{events("o", "e", "n"), {Name: "spans"}}
	ledger := slo.NewLedger(slos, time.Minute)
	now := dawn.Add(30*time.Minute + 29*time.Second)
	k := NewCollector(CollectConfig{SLOs: slos, Ledger: ledger, Samples: store, Metrics: store, Settle: 30 * time.Second, Now: func() time.Time { return now }})
	f := func(through time.Duration) {
		t.Helper()
		k.Round(t.Context())
		if got := ledger.Through("o"); !got.Equal(dawn.Add(through)) {
			t.Errorf("at %s: through %s, want %s", now, got, dawn.Add(through))
		}
		if got := ledger.Sum("o", pitwall.Period{From: dawn, To: dawn.Add(time.Hour)}).Total(); got != uint64(60*through/time.Minute) {
			t.Errorf("at %s: %d events", now, got)
		}
	}
	f(29 * time.Minute)
	now = now.Add(time.Second)
	f(30 * time.Minute)
	f(30 * time.Minute)
	if got := ledger.Through("spans"); !got.IsZero() {
		t.Errorf("an objective of spans was counted through %s", got)
	}
}

// TestLateSamples: what a counter grew by is not lost when a sample comes late;
// it is found with the next one.
func TestLateSamples(t *testing.T) {
	store := openMetrics(t, dawn.Add(time.Hour))
	all := steady(dawn, time.Hour)
	part := func(from, to int) []pitwall.Series {
		var list []pitwall.Series
		for _, s := range all {
			list = append(list, pitwall.Series{Labels: s.Labels, T: s.T[from:to], V: s.V[from:to]})
		}
		return list
	}
	appendInOrder(t, store, part(0, 21)) // 10 minutes
	slos := []pitwall.SLO{events("o", "e", "n")}
	ledger := slo.NewLedger(slos, time.Minute)
	now := dawn.Add(14*time.Minute + 30*time.Second)
	k := NewCollector(CollectConfig{SLOs: slos, Ledger: ledger, Samples: store, Metrics: store, Settle: 30 * time.Second, Now: func() time.Time { return now }})
	k.Round(t.Context())
	appendInOrder(t, store, part(21, 41)) // four of these minutes come too late
	now = dawn.Add(20*time.Minute + 30*time.Second)
	k.Round(t.Context())
	if got := ledger.Sum("o", pitwall.Period{From: dawn, To: now}); got.Bad != 40 || got.Total() != 1200 {
		t.Errorf("%d bad of %d, want 40 of 1200", got.Bad, got.Total())
	}
	if got := ledger.Sum("o", pitwall.Period{From: dawn.Add(10 * time.Minute), To: dawn.Add(14 * time.Minute)}); got.Total() != 0 {
		t.Errorf("%d events in steps that were counted before their samples came", got.Total())
	}
}

// TestAFailureIsItsOwn: one objective's trouble holds up no other, is told with
// what to do, and is over when it is.
func TestAFailureIsItsOwn(t *testing.T) {
	store := openMetrics(t, dawn.Add(time.Hour))
	appendInOrder(t, store, steady(dawn, time.Hour))
	spoilt := true
	a := &asking{store: store, spoil: func(q string) error {
		if spoilt && strings.HasPrefix(q, "bad_") {
			return &pitwall.Error{Op: "reading samples", Kind: pitwall.Internal, Err: errors.New("a broken block"), Hint: "see the log"}
		}
		return nil
	}}
	slos := []pitwall.SLO{events("wrong", "max(e)", "e +"), events("b1", "bad_e", "n"), events("fine", "e", "n"), events("b2", "bad_e", "n"), events("hist", "e", "n or e")}
	ledger := slo.NewLedger(slos, time.Minute)
	now := dawn.Add(time.Hour)
	k := NewCollector(CollectConfig{SLOs: slos, Ledger: ledger, Samples: a, Metrics: a, Settle: time.Minute, Now: func() time.Time { return now },
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	k.Round(t.Context())
	if got := ledger.Through("fine"); !got.Equal(dawn.Add(59 * time.Minute)) {
		t.Errorf("the fine one is counted through %s", got)
	}
	if got := ledger.Through("b1"); !got.IsZero() {
		t.Errorf("what failed is counted through %s", got)
	}
	h := k.Health()
	if len(h) != 3 || h[0].Name != "objectives" || h[0].Up || !strings.Contains(h[0].Message, "3 of 5") {
		t.Fatalf("%+v", h)
	}
	if h[1].Name != "objectives/b1" || !strings.Contains(h[1].Message, "a broken block; see the log") || !strings.Contains(h[1].Blind, "b1, b2") {
		t.Errorf("%+v", h[1])
	}
	if h[2].Name != "objectives/wrong" || !strings.Contains(h[2].Message, "line 1, column 4") {
		t.Errorf("%+v", h[2])
	}
	spoilt = false
	k.Round(t.Context())
	if got := ledger.Through("b1"); !got.Equal(dawn.Add(59 * time.Minute)) {
		t.Errorf("after the trouble it is counted through %s", got)
	}
	if h := k.Health(); len(h) != 2 || h[1].Name != "objectives/wrong" {
		t.Errorf("%+v", h)
	}
}

func TestAStoreThatIsDownIsNotAskedByAll(t *testing.T) {
	a := &asking{spoil: func(string) error {
		return &pitwall.Error{Op: "reading samples", Kind: pitwall.Unavailable, Err: errors.New("connection refused")}
	}}
	var slos []pitwall.SLO
	for i := range 200 {
		slos = append(slos, events(fmt.Sprint("o", i), "e", fmt.Sprint("n", i)))
	}
	k := NewCollector(CollectConfig{SLOs: slos, Ledger: slo.NewLedger(slos, time.Minute), Samples: a, Metrics: a, Settle: time.Minute, Now: func() time.Time { return dawn }})
	if k.Round(t.Context()) {
		t.Error("another round at once, of a store that is down")
	}
	if n := a.questions(); n < giveUp || n > giveUp+4 {
		t.Errorf("%d questions", n)
	}
	if h := k.Health(); !strings.Contains(h[0].Message, "200 of 200") || len(h) != 3 || !strings.Contains(h[1].Blind, "more") {
		t.Errorf("%+v", h)
	}
}

func TestWhatSeveralNeedIsAskedOnce(t *testing.T) {
	a := &asking{}
	slos := []pitwall.SLO{events("a", "e1", "n"), events("b", "e2", "n"), events("c", "sum(rate(e1[5m]))", "sum by (x) (n)")}
	k := NewCollector(CollectConfig{SLOs: slos, Ledger: slo.NewLedger(slos, time.Minute), Samples: a, Metrics: a, Settle: time.Minute, Now: func() time.Time { return dawn }})
	k.Round(t.Context())
	if len(a.asked) != 3 || a.asked["n"] != 1 || a.asked["e1"] != 1 || a.asked["e2"] != 1 {
		t.Errorf("asked %v", a.asked)
	}
}

// TestHistoryIsCountedInSlices: at most six hours in a round, and less when the
// store finds that too much.
func TestHistoryIsCountedInSlices(t *testing.T) {
	most := 48 * time.Hour
	a := &asking{}
	a.spoil = func(string) error {
		if last := a.spans[len(a.spans)-1]; last > most {
			return pitwall.Errorf(pitwall.Invalid, "reading samples", "too many samples")
		}
		return nil
	}
	s := events("o", "e", "n")
	s.Window = 24 * time.Hour
	ledger := slo.NewLedger([]pitwall.SLO{s}, time.Minute)
	k := NewCollector(CollectConfig{SLOs: []pitwall.SLO{s}, Ledger: ledger, Samples: a, Metrics: a, Settle: time.Minute, Now: func() time.Time { return dawn.Add(time.Minute) }})
	f := func(behind bool, left time.Duration) {
		t.Helper()
		if got := k.Round(t.Context()); got != behind || !ledger.Through("o").Equal(dawn.Add(-left)) {
			t.Errorf("through %s, behind %v; want %s, %v", ledger.Through("o"), got, dawn.Add(-left), behind)
		}
	}
	const h = time.Hour
	f(true, 18*h-time.Minute)
	if msg := k.Health()[0].Message; !strings.Contains(msg, "history") {
		t.Errorf("%q", msg)
	}
	most = 4 * h
	f(false, 18*h-time.Minute) // too much
	f(true, 15*h-time.Minute)  // half of it
	most = 100 * h
	f(true, 9*h-time.Minute)
	f(true, 3*h-time.Minute)
	f(false, 0)
	f(false, 0)
	if got := k.Health(); len(got) != 1 || got[0].Message != "" {
		t.Errorf("%+v", got)
	}
}

func TestBadThatIsNoPartOfTotal(t *testing.T) {
	store := openMetrics(t, dawn.Add(time.Hour))
	all := steady(dawn, time.Hour)
	for i := range all[1].V {
		all[1].V[i] = 1e6 * float64(i)
	}
	appendInOrder(t, store, all)
	slos := []pitwall.SLO{events("o", "e", "n")}
	ledger := slo.NewLedger(slos, time.Minute)
	k := NewCollector(CollectConfig{SLOs: slos, Ledger: ledger, Samples: store, Metrics: store, Settle: time.Minute, Now: func() time.Time { return dawn.Add(time.Hour) }})
	k.Round(t.Context())
	if c := ledger.Sum("o", pitwall.Period{From: dawn, To: dawn.Add(time.Hour)}); c.Good != 0 || c.Bad != 59*60 {
		t.Errorf("%+v: bad must not exceed the total", c)
	}
	if h := k.Health(); len(h) != 2 || !strings.Contains(h[1].Message, "must be a part of what total counts") {
		t.Errorf("%+v", h)
	}
}

// TestRunFollowsItsRhythm: history without pause, then a round each 10 s, and an
// end that is waited for.
func TestRunFollowsItsRhythm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asking{}
		s := events("o", "e", "n")
		s.Window = 24 * time.Hour
		ledger := slo.NewLedger([]pitwall.SLO{s}, time.Minute)
		k := NewCollector(CollectConfig{SLOs: []pitwall.SLO{s}, Ledger: ledger, Samples: a, Metrics: a, Settle: time.Minute, Now: time.Now})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- k.Run(ctx) }()
		time.Sleep(time.Second)
		synctest.Wait()
		if got := time.Since(ledger.Through("o")); got > 3*time.Minute {
			t.Errorf("%s behind after a second", got)
		}
		before := a.questions()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := a.questions() - before; got != 20 {
			t.Errorf("%d questions in ten minutes, want two each minute", got)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestAReturningSeriesIsNotBorn: an error series that was silent for hours goes
// on from where it was, also for a process that has just started; one that never
// was counts from zero.
func TestAReturningSeriesIsNotBorn(t *testing.T) {
	store := openMetrics(t, dawn.Add(3*time.Hour))
	all := steady(dawn, 3*time.Hour)[:1]
	for code, samples := range map[string]map[time.Duration]float64{"500": {0: 56, 170 * time.Minute: 58}, "502": {171 * time.Minute: 3}} {
		s := pitwall.Series{Labels: map[string]string{"__name__": "e", "job": "j", "code": code}}
		for _, at := range []time.Duration{0, 170 * time.Minute, 171 * time.Minute} {
			if v, ok := samples[at]; ok {
				s.T, s.V = append(s.T, dawn.Add(at).UnixMilli()), append(s.V, v)
			}
		}
		all = append(all, s)
	}
	appendInOrder(t, store, all)
	slos := []pitwall.SLO{events("o", `sum(rate(e{code=~"5.."}[5m]))`, "n")}
	ledger := slo.NewLedger(slos, time.Minute)
	k := NewCollector(CollectConfig{SLOs: slos, Ledger: ledger, Samples: store, Metrics: store, Settle: time.Minute, Now: func() time.Time { return dawn.Add(3 * time.Hour) }})
	k.Round(t.Context())
	if got := ledger.Sum("o", pitwall.Period{From: dawn, To: dawn.Add(3 * time.Hour)}); got.Bad != 2+3 {
		t.Errorf("%d bad, want 2 that are new of 58, and 3 of a new series", got.Bad)
	}
}
