package slo

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// history fills a ledger of one-minute steps with what per says of each minute
// before now, the last one minute ago.
func history(t *testing.T, s pitwall.SLO, now time.Time, back time.Duration, per func(at time.Time) pitwall.Counts) *Ledger {
	t.Helper()
	l := NewLedger([]pitwall.SLO{s}, time.Minute)
	fill(t, l, s.Name, now, back, per)
	return l
}

func fill(t *testing.T, l *Ledger, name pitwall.SLOName, now time.Time, back time.Duration, per func(at time.Time) pitwall.Counts) {
	t.Helper()
	var steps []pitwall.LedgerStep
	for at := now.Add(-back); at.Before(now); at = at.Add(l.Step()) {
		steps = append(steps, pitwall.LedgerStep{SLO: name, Start: at.Unix(), Counts: per(at)})
	}
	if err := l.Load(steps); err != nil {
		t.Fatal(err)
	}
}

// constant is n events a minute of which bad are bad from an instant on.
func constant(n, bad uint64, from time.Time) func(time.Time) pitwall.Counts {
	return func(at time.Time) pitwall.Counts {
		if at.Before(from) {
			return pitwall.Counts{Good: n}
		}
		return pitwall.Counts{Good: n - bad, Bad: bad}
	}
}

// one evaluates a single tier.
func one(l *Ledger, s pitwall.SLO, now time.Time, tier pitwall.BurnTier) pitwall.TierState {
	s.Tiers = []pitwall.BurnTier{tier}
	return l.Budget(s, now).Tiers[0]
}

// noon is in the middle of a day of UTC.
var noon = t0.Add(40*24*time.Hour + 12*time.Hour)

func month(target pitwall.Ratio) pitwall.SLO {
	return pitwall.SLO{Name: "s", Service: "checkout", Target: target, Window: 30 * day,
		SLI: pitwall.SLI{Kind: pitwall.SLIAvailability, Service: "checkout", Operation: "POST /checkout"}}
}

// TestSpentIsABurnRate: 2 % of the budget within an hour is 14.4 over the hour.
func TestSpentIsABurnRate(t *testing.T) {
	s := month(0.999)
	tier := pitwall.BurnTier{Name: "x", When: pitwall.WhenSpent, Percent: 2, Long: time.Hour, Short: 5 * time.Minute, Action: pitwall.ActionPage, MinBad: 3}
	if got := SpentFactor(tier, s.Window); got != 14.4 {
		t.Fatalf("factor %v, want 14.4", got)
	}
	for bad, want := range map[uint64]bool{144: false, 148: true} { // of 10,000 a minute: 1.44 % exactly, and above
		l := history(t, s, noon, 30*day, constant(10_000, bad, noon.Add(-time.Hour)))
		st := one(l, s, noon, tier)
		burn := one(l, s, noon, pitwall.BurnTier{Name: "x", Factor: 14.4, Long: time.Hour, Short: 5 * time.Minute, Action: pitwall.ActionPage, MinBad: 3})
		if st.Firing != want || burn.Firing != want || st.Limit != 2 || math.Abs(st.Value-float64(bad)/72) > 1e-9 {
			t.Errorf("%d bad of 10000: fires %v and %v, value %v; %s", bad, st.Firing, burn.Firing, st.Value, st.Expr)
		}
	}
	// All that was spent, without a while: 30 days at 0.05 % are half the budget.
	l := history(t, s, noon, 30*day, constant(10_000, 5, t0))
	for percent, want := range map[float64]bool{50: true, 50.5: false} {
		st := one(l, s, noon, pitwall.BurnTier{Name: "x", When: pitwall.WhenSpent, Percent: percent, Of: pitwall.OfWindow, Action: pitwall.ActionTicket})
		if st.Firing != want || math.Abs(st.Value-50) > 1e-6 {
			t.Errorf("%v %%: %+v", percent, st)
		}
	}
}

// TestDayBudget spends a share of a day's allowance since local midnight.
func TestDayBudget(t *testing.T) {
	s := month(0.999)
	tiers, err := Preset("daily-budget", s.Window)
	if err != nil {
		t.Fatal(err)
	}
	// 10,000 a minute: a day allows 14,400. Bad ones since midnight only.
	f := func(perMinute uint64, zone string, want ...string) {
		t.Helper()
		midnight := DayAt(zoneNamed(t, zone), noon).From
		l := history(t, s, noon, 30*day, constant(10_000, perMinute, midnight))
		s := s
		s.Tiers = tiers
		var firing []string
		for _, st := range l.Budget(s, noon.In(zoneNamed(t, zone))).Tiers {
			if st.Firing {
				firing = append(firing, st.Tier.Name)
			}
		}
		if strings.Join(firing, " ") != strings.Join(want, " ") {
			t.Errorf("%d a minute since midnight in %s: %v fire, want %v", perMinute, zone, firing, want)
		}
	}
	f(4, "UTC")                                 // 720 minutes: 20 %
	f(6, "UTC", "day-25")                       // 30 %, 60 % by the end
	f(9, "UTC", "day-25")                       // 45 %
	f(12, "UTC", "day-100", "day-50", "day-25") // 60 %, 120 % by the end
	f(6, "Asia/Tokyo", "day-50", "day-25")      // 21 hours since midnight there: 52 %
	f(6, "America/New_York")                    // 8 hours: 20 %

	// The default pages on a day only if the window fails too and soon.
	st := one(history(t, s, noon, 30*day, constant(10_000, 12, noon.Add(-12*time.Hour))), s, noon,
		aboutDay("d", pitwall.BurnTier{When: pitwall.WhenProjected, Percent: 100, Factor: 1, Within: day, Action: pitwall.ActionPage}))
	if st.Firing || math.Abs(st.Value-120) > 0.5 {
		t.Errorf("1.2 times the allowance does not end a fresh month's budget within a day: %+v", st)
	}
	// Six hours after a ledger began nothing of the day is held against it.
	fresh := history(t, s, noon, 5*time.Hour, constant(10_000, 100, t0))
	if st := one(fresh, s, noon, tiers[2]); st.Firing || !strings.Contains(st.Held, "5h") {
		t.Errorf("a ledger of five hours: %+v", st)
	}
}

func zoneNamed(t *testing.T, name string) *time.Location { return zone(t, name) }

// TestScaledDay: under a time scale a day is a slot of the day.
func TestScaledDay(t *testing.T) {
	s := month(0.999)
	s.Tiers = []pitwall.BurnTier{aboutDay("d", pitwall.BurnTier{When: pitwall.WhenSpent, Percent: 25, Action: pitwall.ActionInform})}
	s = Scale(s, 60)
	if s.Day != 24*time.Minute || s.Tiers[0].Long != 6*time.Minute {
		t.Fatalf("scaled: day %s, %+v", s.Day, s.Tiers[0])
	}
	now := noon.Add(18 * time.Minute) // a slot begins at noon: 12 h are 30 slots
	for from, want := range map[time.Time]bool{noon: true, noon.Add(-24 * time.Minute): false} {
		per := func(at time.Time) pitwall.Counts { // 30 % of the slot's allowance, in this slot or in the last
			if !at.Before(from) && at.Before(from.Add(18*time.Minute)) {
				return pitwall.Counts{Good: 99_960, Bad: 40}
			}
			return pitwall.Counts{Good: 100_000}
		}
		if st := one(history(t, s, now, 12*time.Hour, per), s, now, s.Tiers[0]); st.Firing != want {
			t.Errorf("bad from %s on: fires %v; %s", from, st.Firing, st.Expr)
		}
	}
}

// TestExhaustion: the rest of a half-spent budget ends within a day at a high
// pace, not at a low one.
func TestExhaustion(t *testing.T) {
	s := month(0.999)
	tier := pitwall.BurnTier{Name: "x", When: pitwall.WhenExhaustion, Of: pitwall.OfRemaining, Within: day, Factor: 1, Long: time.Hour, Short: 5 * time.Minute, Action: pitwall.ActionPage, MinBad: 3}
	per := func(now uint64) func(time.Time) pitwall.Counts {
		return func(at time.Time) pitwall.Counts {
			switch {
			case !at.Before(noon.Add(-time.Hour)):
				return pitwall.Counts{Good: 10_000 - now, Bad: now}
			case at.Before(noon.Add(-28 * day)):
				return pitwall.Counts{Good: 10_000}
			}
			return pitwall.Counts{Good: 9_995, Bad: 5}
		}
	}
	f := func(bad uint64, fires bool, of pitwall.BudgetOf, low, high time.Duration) {
		t.Helper()
		tier := tier
		tier.Of = of
		st := one(history(t, s, noon, 30*day, per(bad)), s, noon, tier)
		if st.Firing != fires || st.Value < low.Seconds() || st.Value > high.Seconds() {
			t.Errorf("%d bad a minute: fires %v, value %s; %s", bad, st.Firing, time.Duration(st.Value)*time.Second, st.Expr)
		}
	}
	// 232,320 of 432,000 are left: at 200 a minute 19 hours, at 100 38.
	f(200, true, pitwall.OfRemaining, 18*time.Hour, 20*time.Hour)
	f(100, false, pitwall.OfRemaining, 37*time.Hour, 41*time.Hour)
	f(200, false, pitwall.OfWindow, 36*time.Hour, 36*time.Hour) // a whole budget would last 36 hours
	f(400, true, pitwall.OfWindow, 18*time.Hour, 18*time.Hour)
	f(5, false, pitwall.OfRemaining, 5*day, 30*day) // below the allowance
}

func TestRemaining(t *testing.T) {
	s := month(0.999)
	l := history(t, s, noon, 30*day, constant(10_000, 8, t0)) // 80 % spent
	f := func(percent float64, want bool) {
		t.Helper()
		if st := one(l, s, noon, pitwall.BurnTier{Name: "x", When: pitwall.WhenRemaining, Percent: percent, Action: pitwall.ActionTicket}); st.Firing != want || math.Abs(st.Value-20) > 1e-6 {
			t.Errorf("less than %v %%: %+v", percent, st)
		}
	}
	f(25, true)
	f(20.1, true)
	f(19.9, false)
	f(0, false)
	// A fresh ledger with one bad hour has not spent a month's budget.
	fresh := history(t, s, noon, 10*time.Hour, constant(10_000, 100, noon.Add(-time.Hour)))
	b := fresh.Budget(s, noon)
	if b.Spent != 1 {
		t.Fatalf("spent %v of what was seen, want all of it", b.Spent)
	}
	st := one(fresh, s, noon, pitwall.BurnTier{Name: "x", When: pitwall.WhenRemaining, Percent: 25, Long: 6 * time.Hour, Action: pitwall.ActionTicket})
	if st.Firing || math.Abs(st.Value-100*(1-10.0/720)) > 1e-6 {
		t.Errorf("a fresh ledger: %+v", st)
	}
}

// TestOpens: a tier about what was spent opens a plan only while it burns.
func TestOpens(t *testing.T) {
	s := month(0.999)
	s.Tiers = []pitwall.BurnTier{{Name: "x", When: pitwall.WhenRemaining, Percent: 25, Factor: 1, Long: 6 * time.Hour, Short: 30 * time.Minute, Action: pitwall.ActionTicket, OpensPlan: true, MinBad: 3}}
	spent := func(recent uint64) *Ledger {
		return history(t, s, noon, 30*day, func(at time.Time) pitwall.Counts {
			if at.Before(noon.Add(-day)) {
				return pitwall.Counts{Good: 9_991, Bad: 9}
			}
			return pitwall.Counts{Good: 10_000 - recent, Bad: recent}
		})
	}
	if _, ok := spent(0).Burning(s, noon); ok || !spent(0).Budget(s, noon).Tiers[0].Firing {
		t.Error("a spent budget that burns no more must fire and open nothing")
	}
	if burn, ok := spent(20).Burning(s, noon); !ok || burn.State.LongRate != 2 || burn.State.Short.Bad == 0 {
		t.Errorf("a spent budget that burns on must open a plan: %+v", burn)
	}
	// A tier that must hold for a while is left to a Watcher.
	s.Tiers = []pitwall.BurnTier{{Name: "y", Factor: 2, Long: time.Hour, Short: 5 * time.Minute, For: 2 * time.Minute, Action: pitwall.ActionPage, OpensPlan: true}}
	if _, ok := spent(50).Burning(s, noon); ok {
		t.Error("a tier with For fired without a memory")
	}
}

// TestLooksFurther: with two requests in a quarter of an hour nothing could fire;
// the window of the next slower tier says more.
func TestLooksFurther(t *testing.T) {
	s := month(0.999)
	s.Tiers = []pitwall.BurnTier{
		{Name: "fast", Factor: 28.8, Long: 15 * time.Minute, Short: 10 * time.Minute, Action: pitwall.ActionPage, MinBad: 3},
		{Name: "page-fast", Factor: 14.4, Long: time.Hour, Short: 10 * time.Minute, Action: pitwall.ActionPage, MinBad: 3},
	}
	sparse := func(bad bool) func(time.Time) pitwall.Counts {
		return func(at time.Time) pitwall.Counts {
			if at.Minute()%9 != 4 {
				return pitwall.Counts{}
			}
			if bad && !at.Before(noon.Add(-time.Hour)) {
				return pitwall.Counts{Bad: 1}
			}
			return pitwall.Counts{Good: 1}
		}
	}
	st := history(t, s, noon, day, sparse(true)).Budget(s, noon).Tiers[0]
	if !st.Firing || st.Tier.Long != time.Hour || st.Long.Total() < 3 || !strings.Contains(st.Expr, "as far as tier page-fast") {
		t.Errorf("all bad for an hour: %+v", st)
	}
	if st := history(t, s, noon, day, sparse(false)).Budget(s, noon).Tiers[0]; st.Firing {
		t.Errorf("all good: %+v", st)
	}
	// With enough traffic the window is the tier's own.
	if st := history(t, s, noon, day, constant(100, 50, noon.Add(-time.Hour))).Budget(s, noon).Tiers[0]; !st.Firing || st.Tier.Long != 15*time.Minute {
		t.Errorf("much traffic: %+v", st)
	}
}

// TestGuardsOfATier: fewest events, and an alpha of one's own.
func TestGuardsOfATier(t *testing.T) {
	s := month(0.999)
	l := history(t, s, noon, day, constant(10, 1, noon.Add(-time.Hour))) // 60 of 600
	tier := pitwall.BurnTier{Name: "x", Factor: 14.4, Long: time.Hour, Short: 5 * time.Minute, Action: pitwall.ActionPage}
	if st := one(l, s, noon, tier); !st.Firing || st.P == nil || *st.P > 1e-9 {
		t.Errorf("60 of 600: %+v", st)
	}
	tier.MinEvents = 1000
	if st := one(l, s, noon, tier); st.Firing || !strings.Contains(st.Held, "fewer than 1000") {
		t.Errorf("a tier that needs 1000: %+v", st)
	}
	tier.MinEvents, tier.Alpha = 0, 1e-80
	if st := one(l, s, noon, tier); st.Firing || !strings.Contains(st.Held, "by chance") {
		t.Errorf("a tier that believes nothing: %+v", st)
	}
}

// TestTrafficLost: silence where there is traffic every day at this time.
func TestTrafficLost(t *testing.T) {
	s := month(0.999)
	tier := pitwall.BurnTier{Name: "lost", When: pitwall.WhenTrafficLost, Short: 5 * time.Minute, Long: time.Hour, Action: pitwall.ActionPage}
	look := func(l *Ledger, at time.Time, blind bool) pitwall.TierState {
		s := s
		s.Tiers = []pitwall.BurnTier{tier}
		b := l.Judge(s, Look{Now: at, Blind: blind, Words: true})
		if math.IsNaN(b.Tiers[0].Value) || math.IsInf(b.Tiers[0].Value, 0) {
			t.Fatalf("a number is %v", b.Tiers[0].Value)
		}
		return b.Tiers[0]
	}
	until := func(per func(time.Time) uint64, end time.Time) func(time.Time) pitwall.Counts {
		return func(at time.Time) pitwall.Counts {
			if !at.Before(end) {
				return pitwall.Counts{}
			}
			return pitwall.Counts{Good: per(at)}
		}
	}
	office := func(at time.Time) uint64 { // 8 to 18 on working days
		if h := at.Hour(); at.Weekday() == time.Saturday || at.Weekday() == time.Sunday || h < 8 || h >= 18 {
			return 0
		}
		return 50
	}
	busy := func(time.Time) uint64 { return 50 }
	rare := func(at time.Time) uint64 { return uint64(1 - at.Minute()%2) } // one every two minutes
	f := func(name string, l *Ledger, at time.Time, blind, want bool, says string) {
		t.Helper()
		if st := look(l, at, blind); st.Firing != want || !strings.Contains(st.Expr, says) {
			t.Errorf("%s: fires %v, want %v: %s", name, st.Firing, want, st.Expr)
		}
	}
	friday := time.Date(2026, 4, 10, 12, 0, 0, 0, time.UTC)
	f("there is traffic", history(t, s, friday, 10*day, until(busy, friday)), friday, false, false, "came")
	f("silence at noon", history(t, s, friday, 10*day, until(busy, friday.Add(-5*time.Minute))), friday, false, true, "250 are usual")
	f("telemetry is down", history(t, s, friday, 10*day, until(busy, friday.Add(-5*time.Minute))), friday, true, false, "telemetry is down")
	f("office hours", history(t, s, friday, 10*day, until(office, friday.Add(-5*time.Minute))), friday, false, true, "250 are usual")
	night := friday.Add(11 * time.Hour)
	f("after work", history(t, s, night, 10*day, until(office, night)), night, false, false, "came")
	saturday := friday.Add(day)
	f("a weekend seen before", history(t, s, saturday, 10*day, until(office, saturday)), saturday, false, false, "0 are usual")
	f("by the last hours", history(t, s, friday, 8*time.Hour, until(busy, friday.Add(-5*time.Minute))), friday, false, true, "250 are usual")
	tuesday := time.Date(2026, 4, 7, 18, 6, 0, 0, time.UTC)
	f("the second evening of a new ledger", history(t, s, tuesday, 34*time.Hour, until(office, tuesday)), tuesday, false, false, "")
	f("too young", history(t, s, friday, 2*time.Hour, until(busy, friday.Add(-5*time.Minute))), friday, false, false, "too little is known")
	f("nothing ever", history(t, s, friday, 10*day, func(time.Time) pitwall.Counts { return pitwall.Counts{} }), friday, false, false, "")
	maintained := history(t, s, friday, 10*day, until(busy, friday))
	maintained.Correct([]pitwall.Correction{{ID: "COR-1", Period: pitwall.Period{From: friday.Add(-6 * time.Minute), To: friday.Add(time.Hour)}}})
	f("what a correction leaves out is no silence", maintained, friday, false, false, "")
	silent := history(t, s, friday, 10*day, until(busy, friday.Add(-10*time.Minute)))
	for since, want := range map[time.Duration]bool{4 * time.Minute: false, 6 * time.Minute: true} {
		own := s
		own.Tiers = []pitwall.BurnTier{tier}
		if st := silent.Judge(own, Look{Now: friday, Since: friday.Add(-since)}).Tiers[0]; st.Firing != want || st.Known != want {
			t.Errorf("listened for %s: %+v", since, st)
		}
	}
	// Rare traffic is waited for longer: two or three are usual in five minutes.
	f("rare, five minutes", history(t, s, friday, 10*day, until(rare, friday.Add(-5*time.Minute))), friday, false, false, "came")
	f("rare, an hour", history(t, s, friday, 10*day, until(rare, friday.Add(-80*time.Minute))), friday, false, true, "over 40m")
}

// TestPoissonTrafficIsNotLost: traffic that is only rare pages less than once in
// a thousand days, at any rate.
func TestPoissonTrafficIsNotLost(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 4))
	s := month(0.999)
	s.Window = 8 * day
	s.Tiers = []pitwall.BurnTier{{Name: "lost", When: pitwall.WhenTrafficLost, Short: 5 * time.Minute, Long: time.Hour, Action: pitwall.ActionPage}}
	days, false1 := 0.0, 0
	for _, perFive := range []float64{0.5, 2, 5, 8, 10, 12, 14, 16, 20, 25} {
		const span = 30
		at, end := t0, t0.Add(span*day)
		per := map[int64]uint64{}
		for at.Before(end) {
			per[at.Unix()/60]++
			at = at.Add(time.Duration(rng.ExpFloat64() / perFive * float64(5*time.Minute)))
		}
		l := NewLedger([]pitwall.SLO{s}, time.Minute)
		firing := false
		for m := int64(0); m < span*24*60; m++ {
			start := t0.Unix() + m*60
			if n := per[start/60]; n > 0 {
				if err := l.Load([]pitwall.LedgerStep{{SLO: "s", Start: start, Counts: pitwall.Counts{Good: n}}}); err != nil {
					t.Fatal(err)
				}
				firing = false
				continue // there is traffic
			}
			if m < 8*24*60 {
				continue
			}
			if st := l.Evaluate(s, time.Unix(start+60, 0).UTC()).Tiers[0]; st.Firing && !firing {
				firing = true
				false1++
			}
		}
		days += span - 8
	}
	if false1 > 0 {
		t.Errorf("%d false pages in %v days of Poisson traffic", false1, days)
	}
}

// TestExpectedLostIsEnough works the same bound out on paper: silences of a
// Poisson stream of any rate, times the chance that the median of only three
// earlier counts expects enough.
func TestExpectedLostIsEnough(t *testing.T) {
	atLeast := func(n int, mean float64) float64 {
		below, term := 0.0, math.Exp(-mean)
		for k := range n {
			below += term
			term *= mean / float64(k+1)
		}
		return max(0, 1-below)
	}
	worst := 0.0
	for rate := 0.05; rate < 60; rate += 0.05 { // events in five minutes
		perDay := 0.0
		for width := 1.0; width <= 64; width *= 2 {
			mean := rate * width
			p := atLeast(expectedLost, mean)
			silences := 288 * rate * math.Exp(-mean) // gaps that long, of all gaps of a day
			perDay += silences * (3*p*p - 2*p*p*p)
		}
		worst = max(worst, perDay)
	}
	if worst >= 1e-3 {
		t.Errorf("%v false pages a day at the worst rate", worst)
	}
	t.Logf("%.2g false pages a day at the worst rate", worst)
}
