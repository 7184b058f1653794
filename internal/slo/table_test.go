package slo

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// TestTimingIsTheTable holds the closed form to every row of the detection table,
// digit by digit.
func TestTimingIsTheTable(t *testing.T) {
	rows := bench(t, "mwmb-detection.csv")
	print := func(r *big.Rat, fires bool) string {
		if !fires || r == nil {
			return ""
		}
		return r.FloatString(6)
	}
	for _, row := range rows {
		s := pitwall.SLO{Target: pitwall.Ratio(num(t, row["objective"])), Window: 30 * day}
		if strings.HasSuffix(row["preset"], "28d") {
			s.Window = 28 * day
		}
		tier := pitwall.BurnTier{Name: row["tier"], Factor: num(t, row["factor"]),
			Long: time.Duration(num(t, row["long_s"])) * time.Second, Short: time.Duration(num(t, row["short_s"])) * time.Second}
		got := TimingOf(tier, s, num(t, row["error_ratio"]))
		ends := "inf"
		if got.EndsIn != nil {
			ends = got.EndsIn.FloatString(6)
		}
		for _, c := range []struct{ name, got string }{
			{"reachable", map[bool]string{true: "True", false: "False"}[got.Reachable]},
			{"fires", map[bool]string{true: "True", false: "False"}[got.Fires]},
			{"burn_rate", got.BurnRate.FloatString(6)},
			{"detect_s", print(got.Detect, got.Fires)},
			{"reset_s", print(got.Reset, got.Fires)},
			{"reset_long_only_s", print(got.ResetLong, got.Fires)},
			{"budget_spent_at_detect", print(got.Spent, got.Fires)},
			{"tte_from_full_s", ends},
		} {
			if c.got != row[c.name] {
				t.Errorf("%s/%s at %s, error ratio %s: %s = %q, want %q", row["preset"], row["tier"], row["objective"], row["error_ratio"], c.name, c.got, row[c.name])
			}
		}
	}
	t.Logf("%d rows", len(rows))
}

// TestTable: the flagship's fast tier has its row, and the workbook's tiers give
// the workbook's table.
func TestTable(t *testing.T) {
	f := func(preset string, burn float64, tier string, detect, reset time.Duration, spent float64, ends time.Duration) {
		t.Helper()
		tiers, err := Preset(preset, 30*day)
		if err != nil {
			t.Fatal(err)
		}
		rows := Table(pitwall.SLO{Target: 0.999, Window: 30 * day, Tiers: tiers}, burn)
		if len(rows) != 1 {
			t.Fatalf("%s at %v: %d rows", preset, burn, len(rows))
		}
		r := rows[0]
		if r.Tier != tier || r.Detect != detect || r.Reset != reset || float64(r.Spent) != spent || r.EndsIn != ends {
			t.Errorf("%s at %v×: %+v", preset, burn, r)
		}
	}
	// A total outage at 99.9 %: noticed after 25.92 s, 1 % of the budget.
	f(DefaultPreset, 1000, "fast", 25920*time.Millisecond, 116544*time.Millisecond, 0.01, 43*time.Minute+12*time.Second)
	f(DefaultPreset, 50, "fast", 518400*time.Millisecond, 50880*time.Millisecond, 0.01, 14*time.Hour+24*time.Minute)
	f(DefaultPreset, 28.8, "page-fast", 30*time.Minute, 150*time.Second, 0.02, 25*time.Hour) // at the limit, not above it
	f(DefaultPreset, 1, "", 0, 0, 0, 30*day)
	f("sre-workbook", 1.5, "ticket-slow", 48*time.Hour, 2*time.Hour, 0.1, 20*day)
	f("sre-workbook", 10, "page-slow", 3*time.Hour+36*time.Minute, 12*time.Minute, 0.05, 3*day)
	f("sre-workbook", 20, "page-fast", 43*time.Minute+12*time.Second, 84*time.Second, 0.02, 36*time.Hour)
	f("sre-workbook", 100, "page-fast", 518400*time.Millisecond, 256800*time.Millisecond, 0.02, 7*time.Hour+12*time.Minute)
	// Pyrra's factor of 14 is 15 over 30 days, and it waits two minutes in addition.
	f("pyrra-28d", 100, "fast", 11*time.Minute, 255*time.Second, 660.0/25920, 7*time.Hour+12*time.Minute)
	// At 95 % no burn rate above 20 exists.
	tiers, _ := Preset("sre-workbook", 30*day)
	rows := Table(pitwall.SLO{Target: 0.95, Window: 30 * day, Tiers: tiers})
	if last := rows[len(rows)-1]; last.BurnRate != 20 || last.Tier != "page-fast" {
		t.Errorf("at 95 %% the table ends with %+v", last)
	}
}
