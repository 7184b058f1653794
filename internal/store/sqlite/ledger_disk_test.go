package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

// TestLedgerGoesOnFromTheDisk counts for days, saving now and then, and compares
// a ledger opened from the file with one that never closed.
func TestLedgerGoesOnFromTheDisk(t *testing.T) {
	const window = 7 * 24 * time.Hour
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	tiers := []pitwall.BurnTier{{Name: "page", Factor: 14.4, Long: time.Hour, Short: 5 * time.Minute, Action: pitwall.ActionPage, MinBad: 3}}
	var slos []pitwall.SLO
	for i := range 5 {
		slos = append(slos, pitwall.SLO{Name: pitwall.SLOName(fmt.Sprint("slo-", i)), Service: "shop", Target: 0.99, Window: window, Tiers: tiers,
			SLI: pitwall.SLI{Kind: pitwall.SLIEvents, Query: &pitwall.SLIQuery{Total: "x"}}})
	}
	dir := t.TempDir()
	db := open(t, dir)
	rng := rand.New(rand.NewPCG(4, 4))
	whole, l := slo.NewLedger(slos, time.Minute), slo.NewLedger(slos, time.Minute)
	if _, err := l.Open(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	now := begin
	for round := range 100 {
		next := now.Add(time.Duration(1+rng.IntN(3*60)) * time.Minute)
		l.Now(next)
		for _, s := range slos {
			var steps []pitwall.LedgerStep
			for at := now; at.Before(next); at = at.Add(time.Minute) {
				if rng.IntN(4) > 0 {
					steps = append(steps, pitwall.LedgerStep{Start: at.Unix(), Counts: pitwall.Counts{Good: rng.Uint64N(1000), Bad: rng.Uint64N(9)}})
				}
			}
			for _, one := range []*slo.Ledger{whole, l} {
				if err := one.Count(s.Name, steps, next); err != nil {
					t.Fatal(err)
				}
			}
		}
		now = next
		save := l.Dirty()
		save.Position = uint64(round + 1)
		if err := db.SaveLedger(t.Context(), save); err != nil {
			t.Fatal(err)
		}
		l.Saved(save)
		if round%20 != 19 {
			continue
		}
		if err := db.Close(); err != nil { // whoever still has the old file open reads nothing of the new
			t.Fatal(err)
		}
		db = open(t, dir)
		l = slo.NewLedger(slos, time.Minute)
		l.Now(now)
		if position, err := l.Open(t.Context(), db); err != nil || position != save.Position {
			t.Fatalf("position %d, %v; want %d", position, err, save.Position)
		}
		for _, s := range slos {
			if diff := cmp.Diff(whole.Budget(s, now), l.Budget(s, now)); diff != "" {
				t.Fatalf("round %d: %s (-never closed +from the disk):\n%s", round, s.Name, diff)
			}
			all := pitwall.Period{From: begin, To: now}
			got, err := l.History(s.Name, all)
			want, _ := whole.History(s.Name, pitwall.Period{From: now.Add(-window), To: now})
			if err != nil || len(got) < len(want) || !cmp.Equal(got[len(got)-len(want):], want) {
				t.Fatalf("round %d: %d steps of history, %v; the last %d differ", round, len(got), err, len(want))
			}
			if !l.Through(s.Name).Equal(now) {
				t.Errorf("through %s", l.Through(s.Name))
			}
		}
	}
}
