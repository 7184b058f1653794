package slo

import (
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

func TestCheckTiers(t *testing.T) {
	page := func(name string, factor float64, long, short time.Duration) pitwall.BurnTier {
		return pitwall.BurnTier{Name: name, Factor: factor, Long: long, Short: short, Action: pitwall.ActionPage, MinBad: 3}
	}
	f := func(target pitwall.Ratio, faults, warnings string, tiers ...pitwall.BurnTier) {
		t.Helper()
		got, warned := CheckTiers(pitwall.SLO{Target: target, Window: 30 * day, Tiers: tiers})
		for _, c := range []struct {
			what, want string
			got        []string
		}{{"faults", faults, got}, {"warnings", warnings, warned}} {
			all := strings.Join(c.got, "\n")
			if (c.want == "") != (all == "") || !strings.Contains(all, c.want) {
				t.Errorf("at %v: %s are %q, want %q", target, c.what, all, c.want)
			}
		}
	}
	hour, five := time.Hour, 5*time.Minute
	f(0.999, "", "", page("a", 14.4, hour, five))
	// Unreachable, with the arithmetic; 0.93056 is where 14.4 becomes reachable.
	f(0.9, "14.4 × (1 − 0.9) = 1.44 ≥ 1", "", page("a", 14.4, hour, five))
	f(0.5, "2 × (1 − 0.5) = 1 ≥ 1", "", page("a", 2, hour, five)) // equality never fires
	f(0.931, "", "", page("a", 14.4, hour, five))
	f(0.95, "30 % within 15m", "", pitwall.BurnTier{Name: "s", When: pitwall.WhenSpent, Percent: 30, Long: 15 * time.Minute, Action: pitwall.ActionPage})
	f(0.9, "a burn rate of 30", "", pitwall.BurnTier{Name: "e", When: pitwall.WhenExhaustion, Of: pitwall.OfWindow, Within: day, Long: hour, Action: pitwall.ActionPage})
	f(0.5, "-100 % are left", "", pitwall.BurnTier{Name: "r", When: pitwall.WhenRemaining, Percent: -120, Action: pitwall.ActionPage})
	// Contradictions.
	f(0.999, "longer than the long one", "", page("a", 2, five, hour))
	f(0.999, "exceeded by any bad event", "", page("a", 0, hour, five))
	f(0.999, "150 % of a budget that is gone at 100 %", "", pitwall.BurnTier{Name: "s", When: pitwall.WhenSpent, Percent: 150, Long: day, Action: pitwall.ActionPage})
	f(0.999, "unknown condition", "", pitwall.BurnTier{Name: "s", When: "sometimes"})
	f(0.999, "is there twice", "", page("a", 2, hour, five), page("a", 5, hour, five))
	// Dominated: slower, later, and asking for no more.
	f(0.999, "", "tier b says nothing that a does not: it fires no later (10 × 1h = 10h against 14.4 × 1h = 14h24m", page("a", 10, hour, five), page("b", 14.4, hour, five))
	f(0.999, "", "tier b says nothing", page("a", 14.4, hour, five), page("b", 14.4, hour, five))                                                          // a duplicate, once
	f(0.999, "", "", page("a", 14.4, hour, five), page("b", 6, 6*hour, 6*five))                                                                            // the workbook's
	f(0.999, "", "tier a says nothing", page("a", 14.4, hour, time.Minute), page("b", 14.4, hour, five))                                                   // b stays longer
	f(0.999, "", "", func() pitwall.BurnTier { x := page("a", 10, hour, five); x.Action = pitwall.ActionTicket; return x }(), page("b", 14.4, hour, five)) // b wakes somebody
	f(0.999, "", "tier b", pitwall.BurnTier{Name: "a", When: pitwall.WhenRemaining, Percent: 30, Action: pitwall.ActionTicket},
		pitwall.BurnTier{Name: "b", When: pitwall.WhenRemaining, Percent: 20, Action: pitwall.ActionInform})
}

// TestPresetsAreSound: no preset contradicts itself or holds a tier that another
// speaks for, at the windows and targets people use.
func TestPresetsAreSound(t *testing.T) {
	for _, name := range Presets() {
		for _, window := range []time.Duration{7 * day, 28 * day, 30 * day, 90 * day} {
			tiers, err := Preset(name, window)
			if err != nil {
				t.Fatal(err)
			}
			faults, warnings := CheckTiers(pitwall.SLO{Target: 0.9999, Window: window, Tiers: tiers})
			if len(tiers) == 0 || len(faults) > 0 || window >= 28*day && len(warnings) > 0 {
				t.Errorf("%s over %s: %q %q", name, window, faults, warnings)
			}
			for i := 1; i < len(tiers); i++ {
				if tiers[i-1].Action.Rank() > tiers[i].Action.Rank() {
					t.Errorf("%s: %s stands after %s and is worse", name, tiers[i].Name, tiers[i-1].Name)
				}
			}
		}
	}
}

func TestClamp(t *testing.T) {
	tier := pitwall.BurnTier{Name: "a", Factor: 14.4, Long: time.Hour, Short: 5 * time.Minute}
	if got := Clamp(tier, 0.9); got.Factor != 8 || !Reachable(got, 0.9) {
		t.Errorf("14.4 at 90 %% is clamped to %v, want 8", got.Factor)
	}
	if got := Clamp(tier, 0.999); got.Factor != 14.4 {
		t.Errorf("14.4 at 99.9 %% is clamped to %v", got.Factor)
	}
}

// TestPresetShares: each preset keeps the share of the budget that a tier spends,
// whatever the window.
func TestPresetShares(t *testing.T) {
	f := func(name string, window time.Duration, want map[string]float64) {
		t.Helper()
		tiers, err := Preset(name, window)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, tier := range tiers {
			got[tier.Name] = tier.Factor
		}
		for tier, factor := range want {
			if got[tier] != factor {
				t.Errorf("%s over %s: tier %s has factor %v, want %v", name, window, tier, got[tier], factor)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s over %s has %d tiers, want %d", name, window, len(got), len(want))
		}
	}
	f("sre-workbook", 30*day, map[string]float64{"page-fast": 14.4, "page-slow": 6, "ticket-fast": 3, "ticket-slow": 1})
	f("sre-workbook", 60*day, map[string]float64{"page-fast": 28.8, "page-slow": 12, "ticket-fast": 6, "ticket-slow": 2})
	f("pyrra-28d", 28*day, map[string]float64{"fast": 14, "medium": 7, "slow": 2, "longterm": 1})
	f("pyrra-28d", 56*day, map[string]float64{"fast": 28, "medium": 14, "slow": 4, "longterm": 2})
	f("slo-generator", 28*day, map[string]float64{"1h": 9, "12h": 3, "7d": 1.5, "28d": 1})
	f("slo-generator", 7*day, map[string]float64{"1h": 2.25, "12h": 1, "7d": 1})
	f("daily-budget", 30*day, map[string]float64{"day-100": 0, "day-50": 0, "day-25": 0})
	f("daily-budget", 2*day, map[string]float64{}) // a day is half of it
	f("pitwall-default", 30*day, map[string]float64{"fast": 28.8, "page-fast": 14.4, "page-slow": 5, "exhaustion": 1, "traffic-lost": 0, "day-100-soon": 1,
		"escalate": 2, "day-100": 1, "day-50": 0, "ticket": 1, "remaining-25": 1, "overspent": 1, "day-25": 0})
	f("pitwall-default", 12*time.Hour, map[string]float64{"fast": 1, "page-fast": 1, "page-slow": 1, "traffic-lost": 0, "remaining-25": 1, "overspent": 1})
}
