package replay

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/stats"
)

const day = 24 * time.Hour

// monday is where the histories of these tests begin.
func monday() time.Time { return time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC) }

func objective(t testing.TB, preset string, target pitwall.Ratio, window time.Duration) pitwall.SLO {
	t.Helper()
	tiers, err := slo.Preset(preset, window)
	if err != nil {
		t.Fatal(err)
	}
	return pitwall.SLO{Name: "up", Service: "shop", Target: target, Window: window, Tiers: tiers, SLI: pitwall.SLI{Kind: pitwall.SLIAvailability, Service: "shop"}}
}

// past makes a history of whole steps.
func past(name pitwall.SLOName, from time.Time, length, step time.Duration, each func(at time.Duration) pitwall.Counts) []pitwall.LedgerStep {
	var list []pitwall.LedgerStep
	for at := time.Duration(0); at < length; at += step {
		list = append(list, pitwall.LedgerStep{SLO: name, Start: from.Add(at).Unix(), Counts: each(at)})
	}
	return list
}

// live is the plain way: at every instant the ledger is told what is over, all is
// evaluated, and the watcher observes it. A gate must be open for every tier that
// fires; that another one was open, or fires already, must not hide it.
func live(t *testing.T, in Input) (firings []Firing, worst pitwall.Ratio, exhausted time.Time) {
	t.Helper()
	l := slo.NewLedger(append(slices.Clone(in.Members), in.SLO), in.Step)
	l.Correct(in.Corrections)
	h := newHistory(ofSLO(in), in.SLO, in.Step, in.Corrections)
	g := newGates(&h, in.SLO)
	w := slo.NewWatcher(slo.Patience{})
	open := map[string]int{}
	by := map[pitwall.SLOName][]pitwall.LedgerStep{}
	for _, st := range in.Steps {
		by[st.SLO] = append(by[st.SLO], st)
	}
	for now := in.Period.From; !now.After(in.Period.To); now = now.Add(in.Every) {
		for name, list := range by {
			n := 0
			for n < len(list) && list[n].Start < now.Unix() {
				n++
			}
			if err := l.Count(name, list[:n], now); err != nil {
				t.Fatal(err)
			}
			by[name] = list[n:]
		}
		b := l.Evaluate(in.SLO, now)
		for i, st := range b.Tiers {
			if st.Firing && plain(in.SLO) && !g.may(in.SLO.Tiers[i], now, now.Unix()/h.step) {
				t.Fatalf("the gate of %s is closed at %s, yet it fires: %s", st.Tier.Name, now, st.Expr)
			}
		}
		if b.Known {
			worst = max(worst, b.Spent)
			if b.Spent >= 1 && exhausted.IsZero() {
				exhausted = now
			}
		}
		for _, m := range w.Observe(now, in.SLO, b) {
			name := m.Alarm.State.Tier.Name
			i, known := open[name]
			switch {
			case m.Move == slo.Resolved:
				firings[i].To = now
				delete(open, name)
			case !known:
				open[name] = len(firings)
				st := m.Alarm.State
				firings = append(firings, Firing{Tier: name, Action: st.Tier.Action, From: now, Spent: b.Spent, Long: st.Long, Short: st.Short, Inhibited: m.Move == slo.Inhibited})
			}
		}
	}
	return firings, worst, exhausted
}

func ofSLO(in Input) []pitwall.LedgerStep {
	return slices.DeleteFunc(slices.Clone(in.Steps), func(s pitwall.LedgerStep) bool { return s.SLO != in.SLO.Name })
}

// random makes a history with bursts, gaps, quiet nights and corrections, and an
// objective with some preset.
func random(t *testing.T, seed uint64) Input {
	rng := rand.New(rand.NewPCG(seed, 77))
	names := slo.Presets()
	window := []time.Duration{day, 5 * day, 7 * day, 8 * day}[rng.IntN(4)]
	in := Input{SLO: objective(t, names[int(seed)%len(names)], []pitwall.Ratio{0.9, 0.99, 0.995, 0.999}[rng.IntN(4)], window), Step: 5 * time.Minute}
	in.Every = in.Step * time.Duration(1+rng.IntN(2))
	length := window + 2*day
	rate := []float64{0.2, 3, 40, 2000}[rng.IntN(4)]
	background := []float64{0, 0.0002, 0.02}[rng.IntN(3)]
	type burst struct {
		from, to time.Duration
		share    float64
	}
	var bursts []burst
	for range rng.IntN(8) {
		from := time.Duration(rng.Int64N(int64(length)))
		bursts = append(bursts, burst{from, from + time.Duration(rng.Int64N(int64(day))), math.Pow(10, -3*rng.Float64())})
	}
	hole := time.Duration(rng.Int64N(int64(length)))
	in.Steps = past("up", monday(), length, in.Step, func(at time.Duration) pitwall.Counts {
		if rng.IntN(3) == 0 && rate < 1 || at > hole && at < hole+3*time.Hour {
			return pitwall.Counts{}
		}
		n := uint64(rate * (1 + math.Sin(2*math.Pi*at.Hours()/24)) * (0.5 + rng.Float64()))
		share := background
		for _, b := range bursts {
			if at >= b.from && at < b.to {
				share = b.share
			}
		}
		var c pitwall.Counts
		if n > 200 {
			c.Bad = uint64(float64(n)*share + rng.Float64())
			c.Good = n - min(n, c.Bad)
			return c
		}
		for range n {
			if rng.Float64() < share {
				c.Bad++
			} else {
				c.Good++
			}
		}
		return c
	})
	if rng.IntN(3) == 0 { // a store keeps only what saw something
		in.Steps = slices.DeleteFunc(in.Steps, func(s pitwall.LedgerStep) bool { return s.Counts.Total() == 0 })
	}
	in.Period = pitwall.Period{From: monday().Add(time.Duration(rng.Int64N(int64(window))).Truncate(in.Step)), To: monday().Add(length)}
	if rng.IntN(2) == 0 && len(bursts) > 0 {
		b := bursts[0]
		in.Corrections = []pitwall.Correction{{SLO: "up", Period: pitwall.Period{From: monday().Add(b.from + 7*time.Minute), To: monday().Add(b.to)}}}
	}
	switch rng.IntN(4) {
	case 0:
		in.SLO.Calendar = &pitwall.Calendar{Unit: pitwall.Week, Count: 1, Zone: "UTC", Start: monday()}
		in.SLO.Window = 7 * day
	case 1:
		in.SLO.Tiers = append(in.SLO.Tiers,
			pitwall.BurnTier{Name: "spent-5-in-6h", When: pitwall.WhenSpent, Percent: 5, Of: pitwall.OfWindow, Long: 6 * time.Hour, Short: 30 * time.Minute, Action: pitwall.ActionTicket},
			pitwall.BurnTier{Name: "half", When: pitwall.WhenSpent, Percent: 50, Of: pitwall.OfWindow, Action: pitwall.ActionInform},
			pitwall.BurnTier{Name: "single", When: pitwall.WhenSpent, Percent: 2, Of: pitwall.OfWindow, Long: time.Hour, Action: pitwall.ActionTicket},
			pitwall.BurnTier{Name: "ends", When: pitwall.WhenExhaustion, Within: 2 * day, Long: time.Hour, Action: pitwall.ActionPage})
	}
	return in
}

// TestReplayIsWhatLiveDoes is the promise of the package: leaving out instants
// changes nothing, whatever the history, the preset and the window.
func TestReplayIsWhatLiveDoes(t *testing.T) {
	fired, skipped, instants := map[string]int{}, 0, 0
	for seed := range uint64(40) {
		in := random(t, seed)
		want, worst, exhausted := live(t, in)
		got, err := Replay(in)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortStableFunc(want, func(a, b Firing) int {
			if c := a.From.Compare(b.From); c != 0 {
				return c
			}
			return strings.Compare(a.Tier, b.Tier)
		})
		if diff := cmp.Diff(want, got.Firings, cmpopts.IgnoreUnexported(Firing{}), cmpopts.IgnoreFields(Firing{}, "Plan"), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d (-live +replay):\n%s", seed, diff)
		}
		if math.Abs(float64(got.Worst-worst)) > 1e-12*max(1, float64(worst)) || !got.Exhausted.Equal(exhausted) {
			t.Fatalf("seed %d: worst %v at %s, live %v at %s", seed, got.Worst, got.Exhausted, worst, exhausted)
		}
		for _, f := range got.Firings {
			fired[f.Tier]++
		}
		skipped, instants = skipped+got.Instants-got.Evaluated, instants+got.Instants
	}
	// The promise is empty if nothing fires, or nothing is left out.
	for _, tier := range []string{"fast", "page-fast", "page-slow", "ticket", "1h", "7d", "day-25", "remaining-25", "traffic-lost", "spent-5-in-6h", "half", "exhaustion", "ends"} {
		if fired[tier] == 0 {
			t.Errorf("no history fires %s; they are %v", tier, fired)
		}
	}
	if skipped < instants/10 {
		t.Errorf("only %d of %d instants were left out", skipped, instants)
	}
	t.Logf("%d of %d instants were left out; %v", skipped, instants, fired)
}

// TestGatesAtTheEdge are histories in which a tier fires that a careless gate
// would have held back: close to its limit, and in a calendar period whose
// predecessor was calm. live checks the gates.
func TestGatesAtTheEdge(t *testing.T) {
	f := func(name, preset string, tier string, change func(*Input), each func(at time.Duration) pitwall.Counts) {
		t.Helper()
		in := Input{SLO: objective(t, preset, 0.99, 7*day), Step: 30 * time.Minute, Every: 30 * time.Minute}
		in.Steps = past("up", monday(), 14*day, in.Step, each)
		in.Period = pitwall.Period{From: monday().Add(7 * day), To: monday().Add(14 * day)}
		change(&in)
		want, _, _ := live(t, in)
		got, err := Replay(in)
		if err != nil || len(got.Firings) != len(want) {
			t.Errorf("%s: %d firings, live %d; %v", name, len(got.Firings), len(want), err)
		}
		if !slices.ContainsFunc(got.Firings, func(f Firing) bool { return f.Tier == tier }) {
			t.Errorf("%s: %s never fires: %+v", name, tier, got.Firings)
		}
	}
	f("nine tenths are spent", slo.DefaultPreset, "remaining-25", func(*Input) {}, func(time.Duration) pitwall.Counts { return pitwall.Counts{Good: 9910, Bad: 90} })
	f("a new week", slo.DefaultPreset, "remaining-25", func(in *Input) {
		in.SLO.Calendar = &pitwall.Calendar{Unit: pitwall.Week, Count: 1, Zone: "UTC", Start: monday()}
		in.Period.From = monday().Add(6 * day)
	}, func(at time.Duration) pitwall.Counts {
		if at < 7*day {
			return pitwall.Counts{Good: 10000}
		}
		return pitwall.Counts{Good: 9910, Bad: 90}
	})
}

// TestSlicesAndJourneys are evaluated at every instant; they, too, are what live
// does.
func TestSlicesAndJourneys(t *testing.T) {
	for seed := range uint64(2) {
		in := random(t, seed)
		in.SLO.Calendar = nil
		sliced := in
		sliced.SLO.Budgeting, sliced.SLO.Slices = pitwall.Timeslices, &pitwall.Slices{Length: 10 * time.Minute, Target: 0.95, Empty: pitwall.EmptyGood}
		journey := in
		journey.Members = []pitwall.SLO{in.SLO}
		journey.SLO.Name = "journey"
		journey.SLO.SLI = pitwall.SLI{Kind: pitwall.SLIComposite, Composite: &pitwall.Composite{Method: pitwall.CompositeWeighted, Members: []pitwall.Member{{SLO: "up", Weight: 2}}}}
		for _, in := range []Input{sliced, journey} {
			in.Period.From = in.Period.To.Add(-2 * day)
			want, worst, _ := live(t, in)
			got, err := Replay(in)
			if err != nil {
				t.Fatal(err)
			}
			if len(want) != len(got.Firings) || got.Worst != worst {
				t.Errorf("seed %d: %d firings, live %d; worst %v, live %v", seed, len(got.Firings), len(want), got.Worst, worst)
			}
		}
	}
}

// outage is 28 days at 100 requests a minute with half an hour of total outage
// in the last week, and two hours of a slow burn.
func outage(t testing.TB) (Input, []pitwall.Period) {
	step := time.Minute
	in := Input{SLO: objective(t, "sre-workbook", 0.999, 30*day), Step: step, Every: step}
	hard, slow := 24*day+10*time.Hour, 26*day
	in.Steps = past("up", monday(), 28*day, step, func(at time.Duration) pitwall.Counts {
		switch {
		case at >= hard && at < hard+30*time.Minute:
			return pitwall.Counts{Bad: 1000}
		case at >= slow && at < slow+2*time.Hour:
			return pitwall.Counts{Good: 980, Bad: 20}
		}
		return pitwall.Counts{Good: 1000}
	})
	in.Period = pitwall.Period{From: monday().Add(21 * day), To: monday().Add(28 * day)}
	begin := func(at, lasts time.Duration) pitwall.Period {
		return pitwall.Period{From: monday().Add(at), To: monday().Add(at + lasts)}
	}
	return in, []pitwall.Period{begin(hard, 30*time.Minute), begin(22*day, time.Hour), begin(slow, 2*time.Hour)}
}

// certain is how many minutes of so many bad ones among a thousand it takes until
// they are above the factor of 0.001 over a window of minutes, and so many would
// be seen by chance less than once in a hundred times.
func certain(bad, window int64, factor float64) time.Duration {
	for m := int64(1); ; m++ {
		if float64(bad*m) > factor*float64(window) && stats.BinomialTail(bad*m, window*1000, factor*0.001) < 0.01 {
			return time.Duration(m) * time.Minute
		}
	}
}

// TestIncidents: how late each was noticed is what the arithmetic of burn rates
// says, an incident that burned nothing is missed, and no page is false.
func TestIncidents(t *testing.T) {
	in, incidents := outage(t)
	in.Incidents = incidents
	r, err := Replay(in)
	if err != nil {
		t.Fatal(err)
	}
	// At 1000 times the budget, 14.4 over an hour is passed after 0.864 minutes:
	// within the first evaluation. At 20 times it takes 43.2 minutes, and a few
	// more until chance is ruled out.
	hard, none, slow := r.Incidents[0], r.Incidents[1], r.Incidents[2]
	if !hard.Paged || hard.Delay != time.Minute || hard.Tier != "page-fast" {
		t.Errorf("the outage: %+v", hard)
	}
	if none.Paged || none.Ticket || r.Missed != 1 {
		t.Errorf("nothing burned: %+v, missed %d", none, r.Missed)
	}
	if !slow.Paged || slow.Delay != certain(20, 60, 14.4) || slow.Tier != "page-fast" {
		t.Errorf("the slow burn: %+v", slow)
	}
	if r.False != 0 || len(r.Pages) != 2 || r.PerWeek != 2 || !r.Known {
		t.Errorf("pages %+v, false %d, %g a week", r.Pages, r.False, r.PerWeek)
	}
	// The most is spent when the slow burn ends, after 26 days and two hours.
	if want := (30*1000 + 120*20) / (0.001 * 1000 * (26*24 + 2) * 60); math.Abs(float64(r.Worst)-want) > 1e-9 || !r.Exhausted.IsZero() || !r.WorstAt.Equal(incidents[2].To) {
		t.Errorf("worst %v at %s, want %v; exhausted %s", float64(r.Worst), r.WorstAt, want, r.Exhausted)
	}
	in.Incidents = incidents[1:2]
	if r, err = Replay(in); err != nil || r.False != 2 || r.Missed != 1 {
		t.Errorf("without labels both pages are false: %+v, %v", r.False, err)
	}
	if len(r.Table) == 0 {
		t.Error("no detection table")
	}
}

func TestCompare(t *testing.T) {
	in, incidents := outage(t)
	in.Incidents = incidents
	before, err := Replay(in)
	if err != nil {
		t.Fatal(err)
	}
	// Only the slow page is left.
	in.SLO.Tiers = in.SLO.Tiers[1:]
	after, err := Replay(in)
	if err != nil {
		t.Fatal(err)
	}
	d := Compare(before, after)
	if len(d.New) != 0 || len(d.Lost) != 0 || len(d.Moved) != 2 {
		t.Fatalf("%+v", d)
	}
	for i, m := range d.Moved {
		// 6 h × 6 / burn rate: 2.16 minutes instead of 0.86, and 108 instead of 43.2.
		bad := []int64{1000, 20}[i]
		if want := certain(bad, 360, 6) - certain(bad, 60, 14.4); m.Later != want || want <= 0 {
			t.Errorf("%d is %s later, want %s", i, m.Later, want)
		}
	}
	in.SLO.Tiers = in.SLO.Tiers[1:] // no page at all
	none, err := Replay(in)
	if err != nil {
		t.Fatal(err)
	}
	if d = Compare(before, none); len(d.Lost) != 2 || d.Missed != 2 || d.PerWeek != -2 {
		t.Errorf("%+v", d)
	}
	if d.Text != "0 pages a week instead of 2, 2 gone, 2 more incidents missed" {
		t.Error(d.Text)
	}
	if d = Compare(none, before); len(d.New) != 2 || d.Missed != -2 {
		t.Errorf("%+v", d)
	}
}

// TestWhatIf: one pass over several targets says what a replay of each says.
func TestWhatIf(t *testing.T) {
	in, incidents := outage(t)
	in.Incidents = incidents
	targets := []pitwall.Ratio{0.95, 0.999, 0.9999}
	w, err := WhatIf(in, targets)
	if err != nil {
		t.Fatal(err)
	}
	bad := 30.0*1000 + 120*20
	if want := 1 - bad/(28*24*60*1000); math.Abs(float64(w.Measured)-want) > 1e-9 || w.Counts.Bad != uint64(bad) {
		t.Errorf("measured %v, want %v", float64(w.Measured), want)
	}
	for i, c := range w.Choices {
		in.SLO.Target = targets[i]
		r, err := Replay(in)
		if err != nil {
			t.Fatal(err)
		}
		if c.Pages != len(r.Pages) || c.Missed != r.Missed || c.False != r.False || c.Tickets != len(r.Tickets) || c.PerWeek != r.PerWeek {
			t.Errorf("target %v: %+v, replayed %d pages, %d missed", targets[i], c, len(r.Pages), r.Missed)
		}
		if want := bad / (28 * 24 * 60 * 1000) / (1 - float64(targets[i])); math.Abs(float64(c.Spent)-want) > 1e-6*want {
			t.Errorf("target %v: spent %v, want %v", targets[i], float64(c.Spent), want)
		}
	}
	if w.Choices[0].Pages >= w.Choices[2].Pages {
		t.Errorf("a laxer target pages less: %+v", w.Choices)
	}
}

// TestMeasuredIsOfWhatIsOver: three days into a calendar month, what is still to
// come was neither good nor bad.
func TestMeasuredIsOfWhatIsOver(t *testing.T) {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	s := pitwall.SLO{Name: "c", Target: 0.99, Window: 30 * 24 * time.Hour, SLI: pitwall.SLI{Kind: pitwall.SLIEvents, Query: &pitwall.SLIQuery{Total: "x"}},
		Calendar: &pitwall.Calendar{Unit: pitwall.Month, Count: 1, Start: from, Zone: "UTC"}, Slices: &pitwall.Slices{Length: time.Minute, Target: 0.95}}
	var steps []pitwall.LedgerStep
	for i := range int64(3 * 24 * 60) { // every tenth minute a tenth fails
		c := pitwall.Counts{Good: 100}
		if i%10 == 0 {
			c = pitwall.Counts{Good: 90, Bad: 10}
		}
		steps = append(steps, pitwall.LedgerStep{SLO: s.Name, Start: from.Unix() + 60*i, Counts: c})
	}
	for method, want := range map[pitwall.Budgeting]float64{pitwall.Occurrences: 0.99, pitwall.Timeslices: 0.9, pitwall.RatioTimeslices: 0.99} {
		s.Budgeting = method
		w, err := WhatIf(Input{SLO: s, Steps: steps, Period: pitwall.Period{From: from, To: from.Add(3 * 24 * time.Hour)}, Every: time.Hour}, []pitwall.Ratio{0.99})
		if err != nil || !w.Known || math.Abs(float64(w.Measured)-want) > 1e-9 {
			t.Errorf("%s: measured %v, want %v; %v", method, float64(w.Measured), want, err)
		}
	}
}

func TestNothingKnown(t *testing.T) {
	in, incidents := outage(t)
	in.Steps, in.Incidents = nil, incidents
	r, err := Replay(in)
	if err != nil || r.Known || len(r.Firings) != 0 || r.Missed != 3 || r.Worst != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	w, err := WhatIf(in, []pitwall.Ratio{0.99})
	if err != nil || w.Known || w.Choices[0].Known {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestRefusals(t *testing.T) {
	f := func(change func(*Input)) {
		t.Helper()
		in, _ := outage(t)
		change(&in)
		if _, err := Replay(in); pitwall.KindOf(err) != pitwall.Invalid || pitwall.HintOf(err) == "" {
			t.Errorf("%v", err)
		}
	}
	f(func(in *Input) { in.Step = 1500 * time.Millisecond })
	f(func(in *Input) { in.Every = 90 * time.Second })
	f(func(in *Input) { in.Period.To = in.Period.From })
	f(func(in *Input) { in.Period.From = in.Period.From.Add(time.Second) })
	f(func(in *Input) { in.Steps[5].Start++ })
	f(func(in *Input) { in.Steps[5].Start = -60 })
	f(func(in *Input) { in.Steps[0].Start = 0 })
	in, _ := outage(t)
	if _, err := WhatIf(in, []pitwall.Ratio{1}); pitwall.KindOf(err) != pitwall.Invalid {
		t.Error(err)
	}
	if _, err := WhatIf(in, make([]pitwall.Ratio, 51)); pitwall.KindOf(err) != pitwall.Invalid {
		t.Error(err)
	}
}

// BenchmarkReplay90Days is 90 days of minutes, after 30 that fill the windows, by
// the default preset: a service that loses one request in 5,000 and has an hour
// of trouble each week.
func BenchmarkReplay90Days(b *testing.B) {
	for _, preset := range slo.Presets() {
		b.Run(preset, func(b *testing.B) {
			in := Input{SLO: objective(b, preset, 0.999, 30*day), Step: time.Minute, Every: time.Minute}
			rng := rand.New(rand.NewPCG(1, 1))
			in.Steps = past("up", monday(), 120*day, in.Step, func(at time.Duration) pitwall.Counts {
				share := 0.0002
				if at%(7*day) > 3*day && at%(7*day) < 3*day+time.Hour {
					share = 0.05
				}
				return pitwall.Counts{Good: 1000, Bad: uint64(1000*share + rng.Float64())}
			})
			in.Period = pitwall.Period{From: monday().Add(30 * day), To: monday().Add(120 * day)}
			var r Result
			for b.Loop() {
				var err error
				if r, err = Replay(in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(r.Evaluated), "evaluated")
			b.ReportMetric(float64(r.Instants), "instants")
			b.ReportMetric(float64(len(r.Pages)), "pages")
		})
	}
}

func ExampleCompare() {
	day := monday()
	at := func(h int) time.Time { return day.Add(time.Duration(h) * time.Hour) }
	a := Result{Pages: []Episode{{From: at(1), To: at(2)}, {From: at(9), To: at(10)}}, PerWeek: 2}
	b := Result{Pages: []Episode{{From: at(0), To: at(2)}}, PerWeek: 1}
	fmt.Println(Compare(a, b).Text)
	// Output: 1 pages a week instead of 2, 1 gone, 1 earlier
}

// TestNobodyWaits: a replay ends when nobody waits for it any more.
func TestNobodyWaits(t *testing.T) {
	stop := make(chan struct{})
	close(stop)
	from := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	s := pitwall.SLO{Name: "x", Service: "x", Target: 0.999, Window: 30 * 24 * time.Hour}
	in := Input{SLO: s, Period: pitwall.Period{From: from, To: from.AddDate(1, 0, 0)}, Stop: stop}
	if _, err := Replay(in); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("got %v", err)
	}
}
