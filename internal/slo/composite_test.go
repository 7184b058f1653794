package slo

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pitwall/pitwall"
)

// compose is a composite of members a, b … with the given weights.
func compose(method pitwall.CompositeMethod, target pitwall.Ratio, weights ...float64) pitwall.SLO {
	s := month(target)
	s.Name, s.Window = "all", 10*day
	s.Tiers = []pitwall.BurnTier{{Name: "x", Factor: 10, Long: time.Hour, Short: 5 * time.Minute, Action: pitwall.ActionPage, OpensPlan: true, MinBad: 3}}
	c := &pitwall.Composite{Method: method}
	for i, w := range weights {
		c.Members = append(c.Members, pitwall.Member{SLO: pitwall.SLOName("abcdef"[i : i+1]), Weight: w})
	}
	s.SLI = pitwall.SLI{Kind: pitwall.SLIComposite, Composite: c}
	return s
}

// parts are the members' own objectives.
func parts(targets ...pitwall.Ratio) []pitwall.SLO {
	var list []pitwall.SLO
	for i, target := range targets {
		s := month(target)
		s.Name, s.Window = pitwall.SLOName("abcdef"[i:i+1]), 10*day
		list = append(list, s)
	}
	return list
}

// random fills members with traffic of their own sizes and troubles.
func random(t *testing.T, rng *rand.Rand, slos []pitwall.SLO) *Ledger {
	t.Helper()
	l := NewLedger(slos, time.Minute)
	for _, s := range slos {
		n, bad := uint64(1+rng.IntN(2000)), uint64(rng.IntN(60))
		fill(t, l, s.Name, noon, 2*day, func(at time.Time) pitwall.Counts {
			if rng.IntN(4) == 0 || bad > n || at.Before(noon.Add(-90*time.Minute)) {
				return pitwall.Counts{Good: n}
			}
			return pitwall.Counts{Good: n - bad, Bad: bad}
		})
	}
	return l
}

// TestWeightsAreRelations: all weights a hundred times larger are the same.
func TestWeightsAreRelations(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		l := random(t, rng, parts(0.999, 0.99, 0.9))
		w := []float64{rng.Float64() + 0.1, rng.Float64() * 5, rng.Float64() * 50}
		a := l.Budget(compose(pitwall.CompositeWeighted, 0.99, w...), noon)
		b := l.Budget(compose(pitwall.CompositeWeighted, 0.99, 100*w[0], 100*w[1], 100*w[2]), noon)
		near := func(what string, x, y float64) {
			if math.Abs(x-y) > 1e-9*max(1, math.Abs(x)) {
				t.Errorf("seed %d: %s is %v and %v", seed, what, x, y)
			}
		}
		near("spent", float64(a.Spent), float64(b.Spent))
		near("burn", a.BurnRate, b.BurnRate)
		near("ends", a.EndsIn.Seconds(), b.EndsIn.Seconds())
		if a.Tiers[0].Firing != b.Tiers[0].Firing || a.Counts != b.Counts {
			t.Errorf("seed %d: %+v and %+v", seed, a, b)
		}
	}
}

// TestOneMemberIsThatMember: a composite of one is the plain objective, whatever
// the method, to the last number.
func TestOneMemberIsThatMember(t *testing.T) {
	fired := 0
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 2))
		plain := parts(0.999)
		l := random(t, rng, plain)
		for _, method := range []pitwall.CompositeMethod{pitwall.CompositeWeighted, pitwall.CompositeJourney} {
			s := compose(method, 0.999, 0.1+rng.Float64())
			member := plain[0]
			member.Tiers = s.Tiers
			got, want := l.Evaluate(s, noon), l.Evaluate(member, noon)
			ignore := cmpopts.IgnoreFields(pitwall.ErrorBudget{}, "SLO", "Maths")
			about := cmpopts.EquateApprox(1e-9, 1e-12)
			ends := cmp.Comparer(func(a, b time.Duration) bool { return (a - b).Abs() < time.Millisecond })
			if diff := cmp.Diff(want, got, ignore, about, ends); diff != "" {
				t.Fatalf("seed %d, %s (-member +composite):\n%s", seed, method, diff)
			}
			if got.Tiers[0].Firing {
				fired++
			}
		}
		// Slices: a composite of one member is that member in slices.
		s, member := compose(pitwall.CompositeSlices, 0.999, 1), plain[0]
		cut := &pitwall.Slices{Length: time.Minute, Target: 0.99, Empty: pitwall.EmptyExcluded}
		s.Slices, member.Slices, member.Budgeting = cut, cut, pitwall.Timeslices
		if got, want := l.Evaluate(s, noon), l.Evaluate(member, noon); got.Spent != want.Spent || *got.Slices != *want.Slices {
			t.Errorf("seed %d: slices %+v, want %+v", seed, *got.Slices, *want.Slices)
		}
	}
	if fired == 0 {
		t.Error("nothing ever fired")
	}
}

// TestCompositeFormulas holds each method to numbers worked out by hand.
func TestCompositeFormulas(t *testing.T) {
	l := NewLedger(parts(0.99, 0.9), time.Minute)
	fill(t, l, "a", noon, 100*time.Minute, constant(1000, 5, t0)) // e = 0.005, half the budget
	fill(t, l, "b", noon, 100*time.Minute, constant(100, 2, t0))  // e = 0.02, a fifth
	f := func(s pitwall.SLO, want float64) {
		t.Helper()
		if got := float64(l.Budget(s, noon).Spent); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: spent %v, want %v", s.SLI.Composite.Method, got, want)
		}
	}
	f(compose(pitwall.CompositeWeighted, 0.99, 1, 1), (5.0+2)/(10+10))
	f(compose(pitwall.CompositeWeighted, 0.99, 1, 10), (5.0+20)/(10+100))
	f(compose(pitwall.CompositeWeighted, 0.99, 1, 0), 0.5)
	f(compose(pitwall.CompositeJourney, 0.95, 1, 1), (1-0.995*0.98)/0.05)
	// Slices: bad in every tenth minute for a, in every fifteenth for b, both in
	// every thirtieth: 10 + 6 − 3 of 100 beginning at minute 0, with 99.95 % asked.
	l = NewLedger(parts(0.99, 0.9), time.Minute)
	every := func(n int) func(time.Time) pitwall.Counts {
		return func(at time.Time) pitwall.Counts {
			if int(at.Unix()/60)%n == 0 {
				return pitwall.Counts{Bad: 1}
			}
			return pitwall.Counts{Good: 1}
		}
	}
	fill(t, l, "a", noon, 60*time.Minute, every(10))
	fill(t, l, "b", noon, 60*time.Minute, every(15))
	s := compose(pitwall.CompositeSlices, 0.9, 1, 1)
	b := l.Budget(s, noon)
	if b.Slices == nil || b.Slices.Bad != 6+4-2 || b.Slices.Good != 52 {
		t.Errorf("slices %+v, want 8 bad of 60", b.Slices)
	}
}

// TestSilentMember: a member without data is its own state, never a pass.
func TestSilentMember(t *testing.T) {
	for _, method := range []pitwall.CompositeMethod{pitwall.CompositeWeighted, pitwall.CompositeJourney} {
		l := NewLedger(parts(0.99, 0.9), time.Minute)
		fill(t, l, "a", noon, day, constant(1000, 500, noon.Add(-time.Hour)))
		s := compose(method, 0.99, 1, 1)
		b := l.Budget(s, noon)
		if b.Known || b.Coverage != 0 || !strings.Contains(b.Maths.Note, "b has no data") {
			t.Errorf("%s: %+v, note %q", method, b, b.Maths.Note)
		}
		// Silent of late only: what the others spend is seen by a weighted one; a
		// journey cannot be told.
		l = NewLedger(parts(0.99, 0.9), time.Minute)
		fill(t, l, "a", noon, 2*day, constant(1000, 500, noon.Add(-time.Hour)))
		fill(t, l, "b", noon.Add(-2*time.Hour), 2*day, constant(1000, 0, noon))
		b = l.Budget(s, noon)
		if weighted := method == pitwall.CompositeWeighted; !b.Known || b.Tiers[0].Known != weighted || b.Tiers[0].Firing != weighted {
			t.Errorf("%s: %+v", method, b.Tiers[0])
		}
	}
	// Nobody has heard of a member, or the composite is made of itself.
	l := NewLedger(parts(0.99), time.Minute)
	fill(t, l, "a", noon, day, constant(1000, 500, noon.Add(-time.Hour)))
	if b := l.Budget(compose(pitwall.CompositeWeighted, 0.99, 1, 1), noon); b.Known {
		t.Errorf("an unknown member: %+v", b)
	}
	loop := compose(pitwall.CompositeWeighted, 0.99, 1)
	loop.SLI.Composite.Members[0].SLO = "all"
	l = NewLedger([]pitwall.SLO{loop}, time.Minute)
	if b := l.Budget(loop, noon); b.Known || b.Tiers[0].Known || !strings.Contains(b.Maths.Note, "holds itself") {
		t.Errorf("a composite of itself: %+v", b)
	}
}
