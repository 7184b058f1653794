package slo

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pitwall/pitwall"
)

// TestEndsAsForetold compares EndsIn with what then happens: the pace goes on,
// the window rolls, and the budget is looked at again and again.
func TestEndsAsForetold(t *testing.T) {
	compared := 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 9))
		s := month(0.99)
		s.Window = 24 * time.Hour
		s.Tiers = []pitwall.BurnTier{{Name: "x", Factor: 2, Long: time.Hour, Short: 5 * time.Minute, Action: pitwall.ActionPage}}
		shape, night := rng.IntN(3), uint64(20+rng.IntN(1000))
		old, now := uint64(rng.IntN(12)), uint64(rng.IntN(60))
		per := func(at time.Time) pitwall.Counts {
			n, bad := uint64(1000), old
			if shape > 0 && at.Hour() < 8 {
				n = night
			}
			if shape == 2 && at.Hour() == 3 {
				bad = 4 * old // a clump that ages
			}
			if !at.Before(noon.Add(-time.Hour)) {
				n, bad = 1000, now
			}
			bad = min(bad, n)
			return pitwall.Counts{Good: n - bad, Bad: bad}
		}
		l := history(t, s, noon, 24*time.Hour, per)
		b := l.Budget(s, noon)
		if b.Spent >= 1 {
			continue
		}
		var truth time.Duration
		for m := 1; m <= 24*60 && truth == 0; m++ {
			at := noon.Add(time.Duration(m) * time.Minute)
			fill(t, l, "s", at, time.Minute, constant(1000, now, t0))
			if l.Evaluate(s, at).Spent >= 1 {
				truth = at.Sub(noon)
			}
		}
		if diff := (b.EndsIn - truth).Abs(); (b.EndsIn > 0) != (truth > 0) || diff > 20*time.Minute {
			t.Errorf("seed %d (shape %d, %d then %d bad of 1000): ends in %s, was gone after %s", seed, shape, old, now, b.EndsIn, truth)
		}
		if truth > 0 {
			compared++
		}
	}
	if compared < 10 {
		t.Errorf("only %d budgets ended; the test proves little", compared)
	}
}

// TestCalendarBudget: counts begin with the period, EndsIn lies in it, and the
// projection holds a bad first day against the whole month.
func TestCalendarBudget(t *testing.T) {
	s := month(0.999)
	s.Calendar = &pitwall.Calendar{Unit: pitwall.Month, Count: 1, Zone: "UTC", Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	begin := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	week := func(at time.Time) uint64 { // weekends are quiet
		if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
			return 1000
		}
		return 10_000
	}
	outage := func(at time.Time) pitwall.Counts { // one hour at 5 % on the first morning, a bad March
		n := week(at)
		if at.Before(begin) || !at.Before(begin.Add(2*time.Hour)) && at.Before(begin.Add(3*time.Hour)) {
			return pitwall.Counts{Good: n - n/20, Bad: n / 20}
		}
		return pitwall.Counts{Good: n}
	}
	truth := 0.0 // events of April
	for at := begin; at.Before(begin.AddDate(0, 1, 0)); at = at.Add(time.Minute) {
		truth += float64(week(at))
	}
	f := func(name string, back time.Duration, tolerance float64) {
		t.Helper()
		now := begin.Add(12 * time.Hour)
		l := history(t, s, now, back, outage)
		b := l.Budget(s, now)
		if b.Counts.Bad != 30_000 || b.Counts.Total() != 7_200_000 || b.Window.Duration() != 30*24*time.Hour || b.Coverage != 1 {
			t.Fatalf("%s: %+v over %v, coverage %v", name, b.Counts, b.Window, b.Coverage)
		}
		if spent := float64(b.Spent); math.Abs(spent-30_000/7200.0) > 1e-9 {
			t.Errorf("%s: spent %v of what was seen", name, spent)
		}
		if b.Projected == nil {
			t.Fatalf("%s: nothing is projected", name)
		}
		// The pace of the last day goes on in what is read of it; without the old
		// month that is the half day, whose ratio is that of the period.
		bad, ahead := 30_000.0, truth-7_200_000
		recent := l.Sum("s", pitwall.Period{From: now.Add(-day), To: now})
		e, _ := recent.ErrorRatio()
		want := (bad + float64(e)*ahead) / (0.001 * truth)
		if got := float64(*b.Projected); math.Abs(got/want-1) > tolerance {
			t.Errorf("%s: projected %v, want %v; %+v", name, got, want, b.Maths.More)
		}
	}
	f("a month before", 32*day, 0.03)         // the same hours of the last period
	f("two weeks before", 14*day, 0.03)       // the mean of each weekday
	f("only this morning", 12*time.Hour, 0.5) // a Wednesday stands for every day
	now := begin.Add(20 * day)
	clean := history(t, s, now, 50*day, constant(10_000, 0, t0))
	if b := clean.Budget(s, now); b.EndsIn != 0 || b.Spent != 0 || *b.Projected != 0 {
		t.Errorf("a clean month: %+v", b)
	}
	// Ten days are left of a month whose budget is nearly whole: at a burn rate of 1
	// it lasts to the end, at 5 six days.
	for bad, want := range map[uint64]time.Duration{10: 0, 50: 6 * day} {
		l := history(t, s, now, 20*day, constant(10_000, bad, now.Add(-time.Hour)))
		b := l.Budget(s, now)
		if bad == 50 && (b.EndsIn < want-2*time.Hour || b.EndsIn > want) || bad == 10 && b.EndsIn != 0 {
			t.Errorf("%d bad a minute: ends in %s, want about %s", bad, b.EndsIn, want)
		}
	}
}

// TestTimeslices: bad slices over all slices of the full period, those to come
// too; empty ones are what the objective says.
func TestTimeslices(t *testing.T) {
	begin := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	now := begin.Add(10 * time.Hour)
	per := func(at time.Time) pitwall.Counts {
		switch m := int(at.Sub(begin) / time.Minute); {
		case m >= 60 && m < 120: // an hour without traffic
			return pitwall.Counts{}
		case m >= 300 && m < 306: // six bad minutes
			return pitwall.Counts{Good: 94, Bad: 6}
		case m%2 == 0: // exactly the target is good
			return pitwall.Counts{Good: 95, Bad: 5}
		}
		return pitwall.Counts{Good: 100}
	}
	f := func(method pitwall.Budgeting, empty pitwall.EmptySlice, calendar bool, want float64) {
		t.Helper()
		s := month(0.99)
		s.Window, s.Budgeting = day, method
		s.Slices = &pitwall.Slices{Length: time.Minute, Target: 0.95, Empty: empty}
		if calendar {
			s.Calendar = &pitwall.Calendar{Unit: pitwall.Day, Count: 1, Zone: "UTC", Start: begin}
		}
		l := history(t, s, now, now.Sub(begin), per)
		b := l.Budget(s, now)
		if !b.Known || b.Slices == nil || math.Abs(float64(b.Spent)-want) > 1e-9 {
			t.Errorf("%s, empty %s, calendar %v: spent %v of %+v, want %v", method, empty, calendar, b.Spent, b.Slices, want)
		}
		// Another target for the slices is a what-if: they are cut anew.
		whatIf := s
		whatIf.Slices = &pitwall.Slices{Length: time.Minute, Target: 0.9, Empty: pitwall.EmptyExcluded}
		if b := l.Budget(whatIf, now); method == pitwall.Timeslices && b.Spent != 0 {
			t.Errorf("at a slice target of 90 %% nothing was bad, yet %v is spent", b.Spent)
		}
		same := s
		cut := *s.Slices
		same.Name, same.Slices = "s", &cut
		if diff := math.Abs(float64(l.Budget(same, now).Spent - b.Spent)); diff != 0 {
			t.Errorf("the same slices give %v more", diff)
		}
	}
	f(pitwall.Timeslices, pitwall.EmptyExcluded, false, 6/(0.01*540))
	f(pitwall.Timeslices, pitwall.EmptyGood, false, 6/(0.01*1440)) // unknown slices are good as well
	f(pitwall.Timeslices, pitwall.EmptyBad, false, 66/(0.01*600))
	f(pitwall.Timeslices, pitwall.EmptyExcluded, true, 6/(0.01*(540+840)))
	f(pitwall.Timeslices, pitwall.EmptyGood, true, 6/(0.01*1440))
	f(pitwall.Timeslices, pitwall.EmptyBad, true, 66/(0.01*1440))
	ratios := 6*0.06 + (270-3)*0.05 // every second minute of 540, three of them among the bad
	f(pitwall.RatioTimeslices, pitwall.EmptyExcluded, false, ratios/(0.01*540))
	f(pitwall.RatioTimeslices, pitwall.EmptyBad, true, (ratios+60)/(0.01*1440))
}

// TestCorrectedBudget: what is left out counts neither as good nor as bad.
func TestCorrectedBudget(t *testing.T) {
	s := month(0.999)
	l := history(t, s, noon, 10*day, constant(1000, 100, noon.Add(-2*time.Hour)))
	before := l.Budget(s, noon)
	l.Correct([]pitwall.Correction{{ID: "c", SLO: "s", Period: pitwall.Period{From: noon.Add(-2 * time.Hour), To: noon.Add(-time.Hour)}}})
	b := l.Budget(s, noon)
	if b.Corrected != time.Hour || b.Counts.Bad != before.Counts.Bad/2 || b.Counts.Total() != before.Counts.Total()-60_000 {
		t.Errorf("half of it is corrected: %+v, %s", b.Counts, b.Corrected)
	}
	if before.Corrected != 0 || !strings.Contains(b.Maths.Note, "1h") {
		t.Errorf("the maths say %q", b.Maths.Note)
	}
	if math.Abs(float64(b.Coverage)-(240-1)/719.0) > 1e-9 {
		t.Errorf("coverage %v, want 239 of 719 hours", float64(b.Coverage))
	}
}

// TestWhatIf asks the same ledger for another target and another window.
func TestWhatIf(t *testing.T) {
	s := month(0.999)
	l := history(t, s, noon, 30*day, constant(10_000, 8, noon.Add(-7*day)))
	f := func(target pitwall.Ratio, window time.Duration, want float64) {
		t.Helper()
		other := s
		other.Target, other.Window = target, window
		if got := float64(l.Budget(other, noon).Spent); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v over %s: spent %v, want %v", target, window, got, want)
		}
	}
	f(0.999, 30*day, 0.8*7/30)
	f(0.9999, 30*day, 8*7.0/30)
	f(0.99, 30*day, 0.08*7/30)
	f(0.999, 7*day, 0.8)
	f(0.999, 14*day, 0.4)
}

// TestQueriesLagBehind: windows of the last minutes end where counting does.
func TestQueriesLagBehind(t *testing.T) {
	s := month(0.999)
	s.SLI = pitwall.SLI{Kind: pitwall.SLIEvents, Service: "checkout", Query: &pitwall.SLIQuery{Bad: "b", Total: "t"}}
	s.Tiers = []pitwall.BurnTier{{Name: "x", Factor: 14.4, Long: 15 * time.Minute, Short: 2 * time.Minute, Action: pitwall.ActionPage}}
	l := NewLedger([]pitwall.SLO{s}, time.Minute)
	var steps []pitwall.LedgerStep
	for at := noon.Add(-time.Hour); at.Before(noon); at = at.Add(time.Minute) {
		steps = append(steps, pitwall.LedgerStep{SLO: "s", Start: at.Unix(), Counts: pitwall.Counts{Good: 90, Bad: 10}})
	}
	if err := l.Count("s", steps, noon); err != nil {
		t.Fatal(err)
	}
	for late, want := range map[time.Duration]uint64{0: 200, 90 * time.Second: 200, 5 * time.Minute: 200, 20 * time.Minute: 0} {
		if st := l.Evaluate(s, noon.Add(late)).Tiers[0]; st.Short.Total() != want || st.Firing != (want > 0) {
			t.Errorf("%s after the last count: %+v", late, st)
		}
	}
}

// TestRatioIsOneObservation: a ratio written in a thousand parts is one
// observation for each step, not a thousand.
func TestRatioIsOneObservation(t *testing.T) {
	s := month(0.9)
	tier := pitwall.BurnTier{Name: "x", Factor: 2, Long: 15 * time.Minute, Short: 5 * time.Minute, Action: pitwall.ActionPage, MinBad: 3}
	per := constant(1000, 230, noon.Add(-15*time.Minute))
	events := one(history(t, s, noon, day, per), s, noon, tier)
	s.SLI.Kind = pitwall.SLIRatio
	ratios := one(history(t, s, noon, day, per), s, noon, tier)
	if !events.Firing || ratios.Firing || !strings.Contains(ratios.Held, "by chance") || math.Abs(ratios.LongRate-2.3) > 1e-9 {
		t.Errorf("230 of 1000 in 15 minutes fires %v; a ratio of 0.23 in 15 steps %v, %q at %v", events.Firing, ratios.Firing, ratios.Held, ratios.LongRate)
	}
}

// everySLO are objectives of every kind over one ledger, with the default's tiers.
func everySLO() []pitwall.SLO {
	tiers, _ := Preset(DefaultPreset, 30*day)
	plain := month(0.999)
	plain.Tiers = tiers
	calendar, slices, ratio, cut := plain, plain, plain, pitwall.Slices{Length: time.Minute, Target: 0.99, Empty: pitwall.EmptyExcluded}
	calendar.Name, calendar.Calendar = "calendar", &pitwall.Calendar{Unit: pitwall.Month, Count: 1, Zone: "UTC", Start: t0}
	slices.Name, slices.Budgeting, slices.Slices = "slices", pitwall.Timeslices, &cut
	ratio.Name, ratio.Budgeting, ratio.Slices = "ratio", pitwall.RatioTimeslices, &cut
	list := []pitwall.SLO{plain, calendar, slices, ratio}
	for _, m := range []pitwall.CompositeMethod{pitwall.CompositeWeighted, pitwall.CompositeJourney, pitwall.CompositeSlices} {
		s := plain
		s.Name = pitwall.SLOName(m)
		s.SLI = pitwall.SLI{Kind: pitwall.SLIComposite, Composite: &pitwall.Composite{Method: m, Members: []pitwall.Member{{SLO: "s", Weight: 1}, {SLO: "calendar", Weight: 3}}}}
		list = append(list, s)
	}
	return list
}

// TestEveryNumberIsANumber: random histories, gaps, outages and young ledgers, in
// every kind of objective: all numbers are finite, the budget goes through JSON,
// and evaluating without words gives the same.
func TestEveryNumberIsANumber(t *testing.T) {
	fired := map[pitwall.ConditionKind]int{}
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 77))
		slos := everySLO()
		l := NewLedger(slos, time.Minute)
		back := time.Duration(rng.IntN(40*24)) * time.Hour
		broken, silent := rng.IntN(3) > 0, rng.IntN(3) == 0
		for _, s := range slos[:4] {
			fill(t, l, s.Name, noon, min(back, 20*day), func(at time.Time) pitwall.Counts {
				n := uint64(rng.IntN(30))
				switch {
				case rng.IntN(10) == 0, silent && at.After(noon.Add(-20*time.Minute)):
					return pitwall.Counts{}
				case broken && at.After(noon.Add(-8*time.Hour)):
					return pitwall.Counts{Good: n / 2, Bad: n - n/2}
				}
				return pitwall.Counts{Good: n}
			})
		}
		for _, s := range slos {
			b, quick := l.Budget(s, noon), l.Evaluate(s, noon)
			for _, v := range numbers(b) {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("seed %d: %s has the number %v: %+v", seed, s.Name, v, b)
				}
			}
			if _, err := json.Marshal(b); err != nil {
				t.Fatalf("seed %d: %s: %v", seed, s.Name, err)
			}
			for _, st := range b.Tiers {
				if st.Firing {
					fired[st.Tier.When]++
				}
			}
			if diff := cmp.Diff(b, quick, cmpopts.IgnoreFields(pitwall.ErrorBudget{}, "Maths"), cmpopts.IgnoreFields(pitwall.TierState{}, "Expr")); diff != "" {
				t.Fatalf("seed %d: %s differs without words:\n%s", seed, s.Name, diff)
			}
		}
	}
	if len(fired) < 5 {
		t.Errorf("only these conditions fired: %v", fired)
	}
}

func numbers(b pitwall.ErrorBudget) (list []float64) {
	list = []float64{float64(b.Spent), float64(b.Coverage), b.BurnRate, b.EndsIn.Seconds()}
	if b.Projected != nil {
		list = append(list, float64(*b.Projected))
	}
	for _, t := range b.Tiers {
		list = append(list, t.LongRate, t.ShortRate, t.Value, t.Limit)
	}
	for _, m := range append(b.Maths.More, b.Maths) {
		for _, term := range m.Terms {
			list = append(list, term.Value)
		}
	}
	return list
}

// TestTheMathsCanBeRedone recomputes every number from nothing but its Maths.
func TestTheMathsCanBeRedone(t *testing.T) {
	slos := everySLO()
	l := NewLedger(slos, time.Minute)
	for i, s := range slos[:4] {
		fill(t, l, s.Name, noon, 33*day, func(at time.Time) pitwall.Counts {
			bad := uint64(0)
			if at.After(noon.Add(-3*time.Hour)) && at.Minute()%3 == i%3 {
				bad = 40
			}
			return pitwall.Counts{Good: 1000 - bad, Bad: bad}
		})
	}
	for _, s := range slos {
		b := l.Budget(s, noon)
		near := func(what string, got, want float64) {
			t.Helper()
			if math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
				t.Errorf("%s: %s by its maths is %v, says %v; %+v", s.Name, what, got, want, b.Maths)
			}
		}
		near("spent", spentAgain(t, s, b.Maths), float64(b.Spent))
		more := map[string]pitwall.Maths{}
		for _, m := range b.Maths.More {
			more[m.Of] = m
			if m.Query == "" || m.Formula == "" || m.At.IsZero() || m.Period.IsZero() {
				t.Errorf("%s: the maths of %s lack something: %+v", s.Name, m.Of, m)
			}
		}
		v := func(of, term string) float64 { return termOf(t, more[of], term) }
		near("burn rate", v("burn_rate", "bad")/v("burn_rate", "allowed"), b.BurnRate)
		if p := b.Projected; p != nil {
			ahead := v("projected", "allowed ahead")
			near("projected", (v("projected", "bad")+v("projected", "recent burn rate")*ahead)/(v("projected", "allowed so far")+ahead), float64(*p))
		}
		if e := b.EndsIn.Seconds(); e > 0 && s.Calendar != nil {
			near("ends in", (v("ends_in", "allowed in the full period")-v("ends_in", "bad"))/v("ends_in", "pace of bad"), e)
		} else if e > 0 {
			bad := v("ends_in", "bad still in the window") + v("ends_in", "pace of bad")*e
			allowed := v("ends_in", "allowed still in the window") + v("ends_in", "pace of allowed")*e
			if math.Abs(bad/allowed-1) > 0.01 {
				t.Errorf("%s: after %v s %v of %v are spent", s.Name, e, bad, allowed)
			}
		}
		for _, st := range b.Tiers {
			m, ok := more["tier "+st.Tier.Name]
			if !ok || st.Known && termOf(t, m, "value") != st.Value || m.Formula != st.Expr {
				t.Errorf("%s: tier %s: %+v", s.Name, st.Tier.Name, m)
			}
			if (st.Tier.When == "") && s.SLI.Composite == nil && s.Budgeting != pitwall.RatioTimeslices && st.Known {
				near("tier "+st.Tier.Name, float64(m.Bad)/float64(m.Good+m.Bad)/0.001, st.LongRate)
			}
		}
	}
}

func termOf(t *testing.T, m pitwall.Maths, name string) float64 {
	t.Helper()
	for _, term := range m.Terms {
		if term.Name == name {
			return term.Value
		}
	}
	t.Errorf("the maths of %q have no term %q: %+v", m.Of, name, m.Terms)
	return 0
}

// spentAgain computes a budget as its formula says.
func spentAgain(t *testing.T, s pitwall.SLO, m pitwall.Maths) float64 {
	t.Helper()
	v := func(name string) float64 { return termOf(t, m, name) }
	part := func(name, of string) float64 { return v(name + ": " + of) }
	switch m.Formula {
	case spentFormula:
		return float64(m.Bad) / ((1 - v("target")) * float64(m.Good+m.Bad))
	case slicesFormula:
		return v("bad slices") / ((1 - v("target")) * (v("bad slices") + v("good slices") + v("slices to come")))
	case ratiosFormula:
		return v("Σ error ratio") / ((1 - v("target")) * (v("bad slices") + v("good slices") + v("slices to come")))
	}
	bad, allowed, success := 0.0, 0.0, 1.0
	for _, member := range s.SLI.Composite.Members {
		n := string(member.SLO)
		total := part(n, "good") + part(n, "bad")
		bad += part(n, "weight") * part(n, "bad")
		allowed += part(n, "weight") * (1 - part(n, "target")) * total
		success *= part(n, "good") / total
	}
	switch m.Formula {
	case weightedFormula:
		return bad / allowed
	case journeyFormula:
		return (1 - success) / (1 - v("target"))
	}
	t.Fatalf("unknown formula %q", m.Formula)
	return 0
}

// BenchmarkEvaluateTiers evaluates budget and all tiers of the default for one
// objective in three moods.
func BenchmarkEvaluateTiers(b *testing.B) {
	tiers, _ := Preset(DefaultPreset, 30*day)
	s := month(0.999)
	s.Tiers = tiers
	for name, bad := range map[string]uint64{"clean": 0, "some": 1, "burning": 900} {
		b.Run(name, func(b *testing.B) {
			l := NewLedger([]pitwall.SLO{s}, time.Minute)
			var steps []pitwall.LedgerStep
			for m := range 30 * 24 * 60 {
				c := pitwall.Counts{Good: 3000}
				if m > 30*24*60-90 || m%500 == 0 {
					c.Bad = bad
				}
				steps = append(steps, pitwall.LedgerStep{SLO: "s", Start: t0.Unix() + int64(m*60), Counts: c})
			}
			if err := l.Load(steps); err != nil {
				b.Fatal(err)
			}
			now := t0.Add(30 * day)
			for _, words := range []bool{false, true} {
				b.Run(fmt.Sprintf("words=%v", words), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						l.Judge(s, Look{Now: now, Words: words})
					}
				})
			}
		})
	}
}

// TestWhileHistoryIsCounted: a bad first day of a month is not ten budgets only
// because the other days are still on their way from the store.
func TestWhileHistoryIsCounted(t *testing.T) {
	s := month(0.999)
	tiers, err := Preset("", s.Window)
	if err != nil {
		t.Fatal(err)
	}
	s.Tiers = tiers
	now, at := t0.Add(30*day), t0
	l := NewLedger([]pitwall.SLO{s}, time.Minute)
	for round := range 120 {
		var steps []pitwall.LedgerStep
		for end := at.Add(6 * time.Hour); at.Before(end); at = at.Add(time.Minute) {
			c := pitwall.Counts{Good: 100}
			if round < 4 {
				c = pitwall.Counts{Good: 99, Bad: 1}
			}
			steps = append(steps, pitwall.LedgerStep{SLO: s.Name, Start: at.Unix(), Counts: c})
		}
		if err := l.Count(s.Name, steps, at); err != nil {
			t.Fatal(err)
		}
		for _, st := range l.Budget(s, now).Tiers {
			if st.Firing {
				t.Fatalf("after %d quarters of a day %s fires: %s", round+1, st.Tier.Name, st.Expr)
			}
		}
	}
	if b := l.Budget(s, now); b.Spent < 0.3 || b.Spent > 0.4 {
		t.Errorf("%v spent, want a third", b.Spent)
	}
}
