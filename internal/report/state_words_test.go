package report

import (
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// TestStateOfFiringTiers: what informs that a share of the day is gone does not
// make an objective burn, and what goes on firing after a burn does not either.
func TestStateOfFiringTiers(t *testing.T) {
	day := pitwall.BurnTier{Name: "day-25", When: pitwall.WhenSpent, Of: pitwall.OfDay, Percent: 25, Action: pitwall.ActionInform}
	half := pitwall.BurnTier{Name: "day-50", When: pitwall.WhenSpent, Of: pitwall.OfDay, Percent: 50, Action: pitwall.ActionEscalate}
	member := pitwall.BurnTier{Name: "fast", Factor: 14.4, Long: time.Hour, Short: 5 * time.Minute, Action: pitwall.ActionInform}
	for _, c := range []struct {
		tier pitwall.BurnTier
		burn float64
		want string
		tone Tone
	}{
		{day, 0.6, "calm", ToneOK}, {day, 3, "spending", ToneWarn},
		{half, 0.6, "alerting (day-50)", ToneBad}, {half, 3, "burning (day-50)", ToneBad},
		{member, 20, "burning (fast)", ToneBad},
	} {
		b := pitwall.ErrorBudget{SLO: "a", Target: 0.99, Known: true, Spent: 0.4, BurnKnown: true, BurnRate: c.burn, Counts: pitwall.Counts{Good: 990, Bad: 4},
			Tiers: []pitwall.TierState{{Tier: c.tier, Known: true, Firing: true}}}
		r := briefRow(pitwall.SLO{Name: "a", Target: 0.99}, b)
		if r.State != c.want || r.Tone != c.tone {
			t.Errorf("%s firing at a burn of %g: %q (%s), want %q (%s)", c.tier.Name, c.burn, r.State, r.Tone, c.want, c.tone)
		}
	}
}

// TestMathsOfNothing: without data nothing is divided.
func TestMathsOfNothing(t *testing.T) {
	for _, l := range BudgetMaths(pitwall.ErrorBudget{SLO: "a", Target: 0.99}).Lines {
		if l.Label == "allowed bad" || l.Label == "spent" && l.Value != noData {
			t.Errorf("no data, and yet %s: %s", l.Label, l.Value)
		}
	}
}

// TestLeftTextOfAYoungObjective: what is left of the little that was seen stands
// beside what is left of a whole window, which is what alarms speak of.
func TestLeftTextOfAYoungObjective(t *testing.T) {
	b := pitwall.ErrorBudget{Known: true, Spent: 23, Coverage: 0.0125, LeftOfWhole: 0.89, Maths: pitwall.Maths{Period: pitwall.Period{From: time.Unix(0, 0), To: time.Unix(0, 0).Add(240 * time.Hour)}}}
	if got, want := LeftText(b), "overspent by 2,200 % of the 3 h seen (window 10 d, 89 % of a whole one's left)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if b.Coverage = 1; LeftText(b) != "overspent by 2,200 %" {
		t.Errorf("%q", LeftText(b))
	}
}
