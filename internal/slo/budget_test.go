package slo

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// filled is a one-hour SLO with a single page tier and the given counts spread
// evenly over the last seconds before t0.
func filled(t *testing.T, seconds int, per pitwall.Counts) (*Ledger, pitwall.SLO) {
	t.Helper()
	s := checkoutSLO("s", time.Hour)
	s.Tiers = []pitwall.BurnTier{
		{Name: "page", Factor: 14.4, Long: time.Minute, Short: 5 * time.Second, Action: pitwall.ActionPage, OpensPlan: true, MinBad: 3},
		{Name: "ticket", Factor: 1, Long: 10 * time.Minute, Short: time.Minute, Action: pitwall.ActionTicket, MinBad: 3},
	}
	l := NewLedger([]pitwall.SLO{s}, time.Second)
	steps := []pitwall.LedgerStep{{SLO: "s", Start: t0.Unix() - 600}} // known, and without a request
	for i := range seconds {
		steps = append(steps, pitwall.LedgerStep{SLO: "s", Start: t0.Unix() - int64(i) - 1, Counts: per})
	}
	if err := l.Load(steps); err != nil {
		t.Fatal(err)
	}
	return l, s
}

func TestBudgetNumbers(t *testing.T) {
	// 60 s of 100 requests of which 2 fail: 120 of 6000 bad, 0.1 % allowed.
	l, s := filled(t, 60, pitwall.Counts{Good: 98, Bad: 2})
	b := l.Budget(s, t0)
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	near("spent", float64(b.Spent), 20) // 2 % over 0.1 %, and not clamped
	near("remaining", float64(b.Remaining()), -19)
	near("coverage", float64(b.Coverage), 60.0/3600)
	near("burn rate", b.BurnRate, 20)
	if b.EndsIn != 0 {
		t.Errorf("the budget is gone, yet it ends in %s", b.EndsIn)
	}
	if m := b.Maths; m.Bad != 120 || m.Good != 5880 || m.Period.Duration() != time.Hour || !strings.Contains(m.Query, "POST /checkout") || m.Formula == "" {
		t.Errorf("the maths cannot be redone from %+v", m)
	}
	burn, ok := l.Burning(s, t0)
	if !ok || burn.State.Tier.Name != "page" || !strings.Contains(burn.State.Expr, "120 of 6000 bad") {
		t.Errorf("burn = %+v, %v", burn, ok)
	}
}

func TestEndsIn(t *testing.T) {
	// Clean for an hour, then 20 s at 1 of 50 bad: burn over the minute is
	// 20/3000/0.001 = 6.67, spent 20/180000/0.001 = 0.111.
	l, s := filled(t, 3600, pitwall.Counts{Good: 50})
	l.Feed(batch(func() (rows []pitwall.SpanRow) {
		for i := range 20 {
			rows = append(rows, span(t0.Add(-time.Duration(i+1)*time.Second), 0, true))
		}
		return rows
	}()...))
	b := l.Budget(s, t0)
	rate := 20.0 / 3020 / 0.001
	if math.Abs(b.BurnRate-rate) > 1e-9 {
		t.Errorf("burn rate %v, want %v", b.BurnRate, rate)
	}
	// Every second the window loses 50 good requests and takes in 3020/60, of
	// which 20/60 are bad: 20 + t/3 = 0.001 × (180020 + t/3).
	seconds := 160.02 / (0.999 / 3)
	if want := time.Duration(seconds * float64(time.Second)); (b.EndsIn - want).Abs() > time.Millisecond {
		t.Errorf("ends in %s, want %s", b.EndsIn, want)
	}
}

func TestNoTrafficIsNoData(t *testing.T) {
	l, s := filled(t, 0, pitwall.Counts{})
	b := l.Budget(s, t0)
	if b.Known || b.BurnKnown || b.Tiers[0].Known || b.Tiers[0].Firing {
		t.Errorf("without events nothing is known: %+v", b)
	}
	for _, v := range []float64{float64(b.Spent), b.BurnRate, float64(b.Coverage), b.Tiers[0].LongRate, b.Tiers[0].ShortRate} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("a number is %v", v)
		}
	}
	// An unknown SLO is no different.
	other := s
	other.Name = "never-heard-of"
	if l.Budget(other, t0).Known {
		t.Error("the budget of an SLO that is not in the ledger is known")
	}
	// Errors long ago and silence since: the budget is known, the tier is not.
	l, s = filled(t, 600, pitwall.Counts{Good: 1, Bad: 1})
	b = l.Budget(s, t0.Add(20*time.Minute))
	if !b.Known || b.Tiers[0].Known || b.Tiers[0].Firing || b.BurnKnown {
		t.Errorf("silence after errors: %+v", b)
	}
}

// TestLowTraffic holds fire until chance is ruled out.
func TestLowTraffic(t *testing.T) {
	f := func(good, bad uint64, want bool, why string) {
		t.Helper()
		l, s := filled(t, 1, pitwall.Counts{Good: good, Bad: bad})
		state := l.Budget(s, t0).Tiers[0]
		if state.Firing != want || !strings.Contains(state.Expr, why) {
			t.Errorf("%d of %d bad: firing %v, want %v with %q; says %q", bad, good+bad, state.Firing, want, why, state.Expr)
		}
	}
	f(2, 1, false, "fewer than 3 bad") // a third of three, 333 times the budget
	f(0, 2, false, "fewer than 3 bad")
	f(0, 3, true, "3 of 3 bad")
	f(97, 3, false, "by chance") // 3 % of 100: P[X ≥ 3] = 0.17 at 1.44 %
	f(95, 5, false, "by chance") // 0.016: enough for a ticket, not to wake somebody
	f(94, 6, true, "6 of 100 bad")
	f(9856, 144, false, "144 of 10000 bad") // exactly the limit is not above it
}

// TestShortWindowResets: what burned is over once the short window is clean.
// TestWindowMustBeKnown: three bad seconds at the start of a service's life are
// not yet a minute of bad requests.
func TestWindowMustBeKnown(t *testing.T) {
	s := checkoutSLO("s", time.Hour)
	s.Tiers = []pitwall.BurnTier{{Name: "page", Factor: 14.4, Long: time.Minute, Short: 5 * time.Second, Action: pitwall.ActionPage, OpensPlan: true, MinBad: 3}}
	l := NewLedger([]pitwall.SLO{s}, time.Second)
	for i := range 60 {
		l.Feed(batch(span(t0.Add(time.Duration(i)*time.Second), 0, true)))
		at := t0.Add(time.Duration(i+1) * time.Second)
		if _, fires := l.Burning(s, at); fires != (i == 59) {
			t.Errorf("after %d s of the minute: fires %v; %s", i+1, fires, l.Budget(s, at).Tiers[0].Expr)
		}
	}
}

func TestShortWindowResets(t *testing.T) {
	l, s := filled(t, 60, pitwall.Counts{Good: 50, Bad: 50})
	if _, ok := l.Burning(s, t0); !ok {
		t.Fatal("half of everything fails and nothing fires")
	}
	var rows []pitwall.SpanRow
	for i := range 200 {
		rows = append(rows, span(t0.Add(time.Duration(i)*50*time.Millisecond), 0, false))
	}
	l.Feed(batch(rows...))
	if burn, ok := l.Burning(s, t0.Add(6*time.Second)); ok {
		t.Errorf("the short window is clean, yet %+v fires", burn.State)
	}
}

func TestBurningOpensPlansOnly(t *testing.T) {
	l, s := filled(t, 600, pitwall.Counts{Good: 995, Bad: 5}) // burn rate 5: ticket only
	if burn, ok := l.Burning(s, t0); ok {
		t.Errorf("a ticket tier opened a plan: %+v", burn.State)
	}
	if b := l.Budget(s, t0); !b.Tiers[1].Firing || b.Tiers[0].Firing {
		t.Errorf("want the ticket tier alone: %+v", b.Tiers)
	}
}

func TestPreset(t *testing.T) {
	f := func(window time.Duration, want map[string]float64) {
		t.Helper()
		tiers, err := Preset(DefaultPreset, window)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, tier := range tiers {
			if tier.When == "" {
				got[tier.Name] = tier.Factor
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %v", window, got, want)
		}
		for name, factor := range want {
			if math.Abs(got[name]-factor) > 1e-6 {
				t.Errorf("%s: tier %s has factor %v, want %v", window, name, got[name], factor)
			}
		}
	}
	const day = 24 * time.Hour
	f(30*day, map[string]float64{"fast": 28.8, "page-fast": 14.4, "page-slow": 5, "escalate": 2, "ticket": 1})
	// The same shares of the budget in the same windows.
	f(90*day, map[string]float64{"fast": 86.4, "page-fast": 43.2, "page-slow": 15, "escalate": 6, "ticket": 3})
	// A factor under 1 never ends the budget, and a day has no three-day tier.
	f(7*day, map[string]float64{"fast": 6.72, "page-fast": 3.36, "page-slow": 1.166667, "escalate": 1, "ticket": 1})
	f(day, map[string]float64{"fast": 1, "page-fast": 1, "page-slow": 1, "escalate": 1})
	if _, err := Preset("pitwal-default", 30*day); err == nil || !strings.Contains(err.Error(), `did you mean "pitwall-default"`) {
		t.Errorf("a mistyped preset: %v", err)
	}
}

func TestScale(t *testing.T) {
	s := checkoutSLO("s", 30*24*time.Hour)
	fast := Scale(s, 60)
	if fast.Window != 12*time.Hour || fast.Tiers[0].Long != 15*time.Second || fast.Tiers[0].Short != 2*time.Second || fast.Tiers[0].Factor != 28.8 {
		t.Errorf("sixty times faster: %+v", fast)
	}
	if s.Tiers[0].Long != 15*time.Minute {
		t.Error("Scale changed its argument")
	}
	if tiny := Scale(s, 1e6); tiny.Tiers[0].Short != time.Second {
		t.Errorf("a window of %s is shorter than a second", tiny.Tiers[0].Short)
	}
	if same := Scale(s, 0); same.Window != s.Window {
		t.Error("a factor of zero changes nothing")
	}
	// A ledger with longer steps rounds up to one of them, and says so.
	l := NewLedger([]pitwall.SLO{fast}, 10*time.Second)
	if tier := l.Budget(fast, t0).Tiers[0].Tier; tier.Short != 10*time.Second || tier.Long != 20*time.Second {
		t.Errorf("tier in a ledger of 10 s: %+v", tier)
	}
}

func TestBrief(t *testing.T) {
	for d, want := range map[time.Duration]string{15 * time.Minute: "15m", time.Hour: "1h", 90 * time.Minute: "1h30m", 2 * time.Second: "2s", 70 * time.Second: "1m10s", 0: "0s"} {
		if got := brief(d); got != want {
			t.Errorf("brief(%v) = %q, want %q", d, got, want)
		}
	}
}
