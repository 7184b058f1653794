package slo

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pitwall/pitwall"
)

func checkoutSLO(name string, window time.Duration) pitwall.SLO {
	tiers, _ := Preset(DefaultPreset, referenceWindow)
	return pitwall.SLO{Name: pitwall.SLOName(name), Service: "checkout", Target: 0.999, Window: window, Tiers: tiers,
		SLI: pitwall.SLI{Kind: pitwall.SLIAvailability, Service: "checkout", Operation: "POST /checkout"}}
}

func span(end time.Time, took time.Duration, failed bool) pitwall.SpanRow {
	return pitwall.SpanRow{Start: end.Add(-took), Duration: took, Service: "checkout", Operation: "POST /checkout",
		Kind: pitwall.SpanServer, Failed: failed, ReqBytes: -1, RespBytes: -1}
}

func batch(rows ...pitwall.SpanRow) *pitwall.SpanBatch {
	var b pitwall.SpanBatch
	for i, r := range rows {
		r.SpanID = uint64(i + 1)
		b.Add(r)
	}
	return &b
}

func period(from, to time.Time) pitwall.Period { return pitwall.Period{From: from, To: to} }

func TestFeedCounts(t *testing.T) {
	quick := checkoutSLO("quick", time.Hour)
	quick.SLI.Kind, quick.SLI.Threshold = pitwall.SLILatency, 500*time.Millisecond
	l := NewLedger([]pitwall.SLO{checkoutSLO("up", time.Hour), quick}, time.Second)
	other, client, elsewhere := span(t0, 0, false), span(t0, 0, false), span(t0, 0, false)
	other.Operation, client.Kind, elsewhere.Service = "GET /catalog", pitwall.SpanClient, "inventory"
	l.Feed(batch(
		span(t0, 500*time.Millisecond, false),                      // exactly the threshold is good
		span(t0, 500*time.Millisecond+1, false),                    // one nanosecond more is slow
		span(t0, time.Millisecond, true),                           // failed fast is bad for both
		span(t0.Add(1500*time.Millisecond), 2*time.Second, false),  // starts before, ends in the next step
		span(t0.Add(2*time.Second), 100*time.Millisecond, false),   // outside the sums below
		span(t0.Add(-time.Nanosecond), 100*time.Millisecond, true), // one step before
		other, client, elsewhere,
	))
	f := func(slo pitwall.SLOName, from, to int, want pitwall.Counts) {
		t.Helper()
		got := l.Sum(slo, period(t0.Add(time.Duration(from)*time.Second), t0.Add(time.Duration(to)*time.Second)))
		if got != want {
			t.Errorf("%s [%d,%d): %+v, want %+v", slo, from, to, got, want)
		}
	}
	f("up", 0, 1, pitwall.Counts{Good: 2, Bad: 1})
	f("quick", 0, 1, pitwall.Counts{Good: 1, Bad: 2})
	f("up", 0, 2, pitwall.Counts{Good: 3, Bad: 1})
	f("quick", 0, 2, pitwall.Counts{Good: 1, Bad: 3})
	f("up", -1, 0, pitwall.Counts{Bad: 1})
	f("no-such-slo", -1, 9, pitwall.Counts{})
}

// TestSumsMatchBruteForce feeds random events out of order and compares random
// windows with plain addition, also after the ring has wrapped several times.
func TestSumsMatchBruteForce(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		step := []time.Duration{time.Second, 7 * time.Second, time.Minute}[rng.IntN(3)]
		s := checkoutSLO("s", time.Duration(1+rng.IntN(400))*step)
		s.Tiers = nil
		l := NewLedger([]pitwall.SLO{s}, step)
		var all []pitwall.SpanRow
		align := func(at time.Time) time.Time { return time.Unix(0, at.UnixNano()/int64(step)*int64(step)) }
		now := t0
		for range 60 {
			now = now.Add(time.Duration(rng.Int64N(int64(40 * step))))
			var rows []pitwall.SpanRow
			for range rng.IntN(30) {
				late := time.Duration(rng.Int64N(int64(min(lateness, s.Window))))
				rows = append(rows, span(now.Add(-late), time.Millisecond, rng.IntN(5) == 0))
			}
			l.Feed(batch(rows...))
			all = append(all, rows...)
			a, b := now.Add(-time.Duration(rng.Int64N(int64(s.Window)))), now.Add(time.Second)
			p := period(align(a), align(b).Add(step))
			var want pitwall.Counts
			for _, r := range all {
				switch end := r.Start.Add(r.Duration); {
				case !p.Contains(end):
				case r.Failed:
					want.Bad++
				default:
					want.Good++
				}
			}
			if got := l.Sum("s", p); got != want {
				t.Fatalf("seed %d step %s window %s: sum of %v = %+v, want %+v", seed, step, s.Window, p, got, want)
			}
			var series pitwall.Counts
			for _, pt := range l.Series("s", p, 3*step) {
				series = series.Add(pt.Counts)
			}
			if series != want {
				t.Fatalf("seed %d: the series adds up to %+v, want %+v", seed, series, want)
			}
		}
		if n := l.Refused(); n != 0 {
			t.Fatalf("seed %d: %d events within the allowed lateness were refused", seed, n)
		}
	}
}

// TestMemoryIsBounded runs a year through a one-hour window.
func TestMemoryIsBounded(t *testing.T) {
	s := checkoutSLO("s", time.Hour)
	s.Tiers = nil
	l := NewLedger([]pitwall.SLO{s}, time.Second)
	for i := range 24 * 365 {
		now := t0.Add(time.Duration(i) * time.Hour)
		l.Feed(batch(span(now, 0, i%2 == 0), span(now.Add(30*time.Minute), 0, false)))
		l.Dirty()
	}
	if g := l.Growth(); g.Chunks > 4 {
		t.Errorf("%d chunks are held for an hour with two events", g.Chunks)
	}
	end := t0.Add(24 * 365 * time.Hour)
	if got := l.Sum("s", period(end.Add(-time.Hour), end)); got.Total() != 2 {
		t.Errorf("the last hour counts %+v, want two events", got)
	}
	if got := l.Sum("s", period(t0, t0.Add(24*time.Hour))); got.Total() != 0 {
		t.Errorf("a day long gone counts %+v, want nothing", got)
	}
}

// TestBrokenClocks feeds spans from the far past and the far future; they are
// refused and counted, and the rest stays whole.
func TestBrokenClocks(t *testing.T) {
	s := checkoutSLO("s", time.Hour)
	s.Tiers = nil
	l := NewLedger([]pitwall.SLO{s}, time.Second)
	l.Feed(batch(span(t0, 0, true)))
	l.Feed(batch(span(t0.Add(-10*time.Hour), 0, false), span(t0.Add(20*365*24*time.Hour), 0, false),
		span(time.Unix(0, 0), 0, false), span(time.Unix(-5, 0), 0, false)))
	if got, want := l.Sum("s", period(t0.Add(-time.Hour), t0.Add(time.Hour))), (pitwall.Counts{Bad: 1}); got != want {
		t.Errorf("sum = %+v, want %+v", got, want)
	}
	if l.Refused() != 4 {
		t.Errorf("refused = %d, want 4", l.Refused())
	}
	// After two days without Pitwall, the present is believed as soon as a
	// caller has named it.
	back := t0.Add(48 * time.Hour)
	if b := l.Budget(s, back); b.Known || b.Coverage != 0 {
		t.Errorf("nothing was seen for two days, yet the budget says %+v", b)
	}
	l.Feed(batch(span(back, 0, false)))
	if b := l.Budget(s, back.Add(time.Second)); !b.Known || b.Spent != 0 {
		t.Errorf("after coming back: %+v, want a known, unspent budget", b)
	}
}

// TestOneWrongClockBlindsNobody: spans of the future, first or bit by bit, do not
// carry the window away from the present, and what was stored of them is dropped.
func TestOneWrongClockBlindsNobody(t *testing.T) {
	s := checkoutSLO("s", time.Hour)
	s.Tiers = nil
	l := NewLedger([]pitwall.SLO{s}, time.Second)
	l.Now(t0)
	if err := l.Load([]pitwall.LedgerStep{{SLO: "s", Start: t0.Unix() - 60, Counts: pitwall.Counts{Good: 1}},
		{SLO: "s", Start: t0.Add(70 * 365 * 24 * time.Hour).Unix(), Counts: pitwall.Counts{Bad: 1}}}); err != nil {
		t.Fatal(err)
	}
	for ahead := 20 * time.Minute; ahead < 4*time.Hour; ahead += 50 * time.Minute {
		l.Feed(batch(span(t0.Add(ahead), 0, true)))
	}
	l.Feed(batch(span(t0, 0, false), span(t0.Add(5*time.Minute), 0, false)))
	if got, want := l.Sum("s", period(t0.Add(-time.Hour), t0.Add(24*time.Hour))), (pitwall.Counts{Good: 3}); got != want {
		t.Errorf("sum = %+v, want %+v", got, want)
	}
	if l.Refused() != 5 {
		t.Errorf("refused = %d, want 5", l.Refused())
	}
}

func TestConcurrentUse(t *testing.T) {
	s := checkoutSLO("s", time.Hour)
	l := NewLedger([]pitwall.SLO{s}, time.Second)
	shared := batch(span(t0, 0, false), span(t0, 0, true))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				l.Feed(shared)
				l.Budget(s, t0.Add(time.Second))
				l.Burning(s, t0.Add(time.Second))
				l.Keep(l.Dirty())
				l.Series("s", period(t0.Add(-time.Minute), t0.Add(time.Minute)), time.Second)
			}
		})
	}
	wg.Wait()
	if got, want := l.Sum("s", period(t0, t0.Add(time.Second))), (pitwall.Counts{Good: 800, Bad: 800}); got != want {
		t.Errorf("sum = %+v, want %+v", got, want)
	}
}

func TestSeriesShowsGaps(t *testing.T) {
	l := NewLedger([]pitwall.SLO{checkoutSLO("s", time.Hour)}, time.Second)
	l.Feed(batch(span(t0, 0, false), span(t0.Add(25*time.Second), 0, true)))
	got := l.Series("s", period(t0, t0.Add(30*time.Second)), 10*time.Second)
	want := []pitwall.LedgerStep{
		{SLO: "s", Start: t0.Unix(), Counts: pitwall.Counts{Good: 1}},
		{SLO: "s", Start: t0.Unix() + 10},
		{SLO: "s", Start: t0.Unix() + 20, Counts: pitwall.Counts{Bad: 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	if n := len(l.Series("s", period(t0, t0.Add(365*24*time.Hour)), time.Nanosecond)); n > maxPoints+1 {
		t.Errorf("a year by nanoseconds gives %d points", n)
	}
	if l.Series("s", period(t0, t0), time.Second) != nil || l.Series("x", period(t0, t0.Add(time.Hour)), time.Second) != nil {
		t.Error("an empty period and an unknown SLO have no points")
	}
}
