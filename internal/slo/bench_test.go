package slo

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// thousands are SLOs with the default tiers and a week of every minute, saved.
func thousands(b *testing.B, n int) (*Ledger, []pitwall.SLO, time.Time) {
	b.Helper()
	d, now := newDisk(), time.Unix(t0.Unix()/60*60, 0)
	slos := make([]pitwall.SLO, n)
	for i := range slos {
		slos[i] = checkoutSLO(fmt.Sprintf("slo-%d", i), 30*24*time.Hour)
		slos[i].SLI.Operation = fmt.Sprintf("GET /%d", i)
	}
	l := NewLedger(slos, time.Minute)
	l.Now(now)
	if _, err := l.Open(b.Context(), d); err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 5))
	list := make([]pitwall.LedgerStep, 0, 3*24*60)
	for _, s := range slos {
		list = list[:0]
		for at := now.Add(-3 * 24 * time.Hour); at.Before(now); at = at.Add(time.Minute) {
			list = append(list, pitwall.LedgerStep{Start: at.Unix(), Counts: pitwall.Counts{Good: 2000 + rng.Uint64N(500), Bad: rng.Uint64N(4)}})
		}
		if err := l.Count(s.Name, list, now); err != nil {
			b.Fatal(err)
		}
		for save := l.Dirty(); len(save.Chunks) > 0; save = l.Dirty() {
			if err := d.SaveLedger(b.Context(), save); err != nil {
				b.Fatal(err)
			}
			l.Saved(save)
		}
	}
	return l, slos, now
}

// BenchmarkEvaluate evaluates the window and every tier of each SLO once.
func BenchmarkEvaluate(b *testing.B) {
	for _, n := range []int{1000, 10_000, 50_000} {
		b.Run(fmt.Sprintf("%dk", n/1000), func(b *testing.B) {
			if n > 1000 && testing.Short() {
				b.Skip("SKIPPED: many SLOs are for long runs")
			}
			l, slos, now := thousands(b, n)
			if err := l.Prefetch(b.Context(), now, 20*n); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				for _, s := range slos {
					l.Evaluate(s, now)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/SLO")
		})
	}
}

// BenchmarkTally sums the windows of one SLO: two edges in memory or read back.
func BenchmarkTally(b *testing.B) {
	l, _, now := thousands(b, 1)
	for b.Loop() {
		for _, w := range l.books["slo-0"].edges {
			l.tally("slo-0", pitwall.Period{From: now.Add(-time.Duration(w) * time.Minute), To: now})
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(l.books["slo-0"].edges)), "ns/window")
}

func BenchmarkFeed(b *testing.B) {
	l := NewLedger([]pitwall.SLO{checkoutSLO("s", time.Hour)}, time.Second)
	var rows []pitwall.SpanRow
	for i := range 1000 {
		rows = append(rows, span(t0.Add(time.Duration(i)*time.Millisecond), time.Millisecond, false))
	}
	spans := batch(rows...)
	for b.Loop() {
		l.Feed(spans)
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "spans/s")
}

// BenchmarkSave packs and gives out a chunk of each of a thousand SLOs.
func BenchmarkSave(b *testing.B) {
	l, slos, now := thousands(b, 1000)
	at := now
	for b.Loop() {
		b.StopTimer()
		at = at.Add(chunkSteps * time.Minute)
		l.Now(at.Add(time.Hour))
		for _, s := range slos {
			var list []pitwall.LedgerStep
			for m := range int64(chunkSteps) {
				list = append(list, pitwall.LedgerStep{Start: at.Unix() - 3840 + m*60, Counts: pitwall.Counts{Good: 2000 + uint64(m), Bad: 1}})
			}
			if err := l.Count(s.Name, list, at); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		l.Saved(l.Dirty())
	}
}
