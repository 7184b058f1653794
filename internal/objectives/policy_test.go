package objectives

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

const burnPolicy = `apiVersion: pitwall.dev/v1
kind: BurnPolicy
metadata: {name: night-shift}
spec:
  description: pages late, tickets early
  tiers:
    - {name: slow, factor: 1.5, long: 3d, short: 6h, action: ticket, minBad: 5}
    - {name: fast, when: burn, factor: 10, long: 1h, for: 90s, action: page, openPlan: true, haltDeploys: all, minEvents: 100, alpha: 0.001}
    - {name: eaten, when: spent, percent: 10, of: window, long: 1d12h, action: escalate}
    - {name: day-half, when: spent, percent: 50, of: day, action: inform}
    - {name: ends, when: exhaustion, within: 24h, long: 1h, factor: 1, action: page, haltDeploys: risky}
    - {name: low, when: remaining, percent: 25, action: ticket}
    - {name: doomed, when: projected, percent: 100, of: period, action: escalate}
    - {name: silent, when: traffic-lost, short: 5m, minEvents: 20, action: page}
`

func TestBurnPolicy(t *testing.T) {
	o := objective{annotations: "pitwall.dev/preset: night-shift"}
	set, err := Parse(Options{}, File{"x.yaml", []byte(o.text())}, File{"tiers.yaml", []byte(burnPolicy)})
	if err != nil {
		t.Fatal(err)
	}
	want := []pitwall.BurnTier{
		{Name: "fast", When: pitwall.WhenBurn, Factor: 10, Long: time.Hour, Short: 5 * time.Minute, For: 90 * time.Second, Action: "page", OpensPlan: true, Halt: pitwall.HaltAll, MinEvents: 100, Alpha: 0.001},
		{Name: "ends", When: pitwall.WhenExhaustion, Factor: 1, Long: time.Hour, Within: 24 * time.Hour, Action: "page", Halt: pitwall.HaltRisky},
		{Name: "silent", When: pitwall.WhenTrafficLost, Short: 5 * time.Minute, MinEvents: 20, Action: "page"},
		{Name: "eaten", When: pitwall.WhenSpent, Percent: 10, Of: pitwall.OfWindow, Long: 36 * time.Hour, Action: "escalate"},
		{Name: "doomed", When: pitwall.WhenProjected, Percent: 100, Of: pitwall.OfPeriod, Action: "escalate"},
		{Name: "slow", Factor: 1.5, Long: 72 * time.Hour, Short: 6 * time.Hour, Action: "ticket", MinBad: 5},
		{Name: "low", When: pitwall.WhenRemaining, Percent: 25, Action: "ticket"},
		{Name: "day-half", When: pitwall.WhenSpent, Percent: 50, Of: pitwall.OfDay, Action: "inform"},
	}
	if diff := cmp.Diff(want, set.SLOs[0].Tiers); diff != "" || set.SLOs[0].Preset != "night-shift" {
		t.Error(diff)
	}
	if len(set.Presets) != 1 || set.Presets[0].Source != "tiers.yaml:1" {
		t.Errorf("%+v", set.Presets)
	}
}

func TestBurnPolicyRefusals(t *testing.T) {
	f := func(old, new, line, words string) {
		t.Helper()
		refuses(t, burnPolicy, old, new, "x.yaml:"+line, words)
	}
	f("BurnPolicy", "BurnPolcy", "1", `did you mean "BurnPolicy"?`)
	f("night-shift", "Night Shift", "1", "is no name")
	f("night-shift", "pitwall-default", "1", "comes with Pitwall")
	f("factor: 1.5, ", "", "7", `tier "slow": factor is missing, a condition on burn needs it`)
	f("factor: 1.5", "factor: 0", "7", "factor 0 is out of range")
	f("factor: 1.5", "factor: .nan", "7", "out of range")
	f("factor: 1.5", "fcator: 1.5", "7", `did you mean "factor"?`)
	f("long: 3d", "long: 3x", "7", "such as 90s, 15m, 6h, 3d or 1d12h")
	f("long: 3d", "long: 9000d", "7", "not a duration")
	f("short: 6h", "short: 4d", "7", "longer than long")
	f("action: ticket, minBad", "action: tickle, minBad", "7", `did you mean "ticket"?`)
	f("action: ticket, minBad", "minBad", "7", `action "" is not known`)
	f("when: burn", "when: brun", "8", `did you mean "burn"?`)
	f("haltDeploys: all", "haltDeploys: some", "8", "one of risky, all")
	f("alpha: 0.001", "alpha: 2", "8", "alpha 2 is out of range")
	f("percent: 10, ", "", "9", "percent is missing")
	f("percent: 10", "percent: 10, factor: 2", "9", "factor means nothing for a condition on spent")
	f(", long: 1d12h", "", "9", "only of: day knows by itself since when")
	f("of: window", "of: month", "9", "one of window, day, period, remaining")
	f("name: low", "name: ends", "12", `tier "ends" is defined twice`)
	f("spec:", "spec:\n  tears: 1", "5", `did you mean "tiers"?`)
	if _, err := parseText(burnPolicy + "---\n" + burnPolicy); err == nil || !strings.Contains(err.Error(), "defined twice") {
		t.Errorf("%v", err)
	}
}

// TestLengths: what is written reads back.
func TestLengths(t *testing.T) {
	for _, d := range []time.Duration{time.Second, 90 * time.Second, 36 * time.Hour, 400 * 24 * time.Hour, 24*time.Hour + time.Second} {
		if got, ok := readLength(writeLength(d)); !ok || got != d {
			t.Errorf("%v: %q, %v", d, writeLength(d), got)
		}
	}
	for _, s := range []string{"", "1", "h", "-1h", "1.5h", "0s", "1h 2m", "99999999999d", "401d", "300d101d", "1µs"} {
		if got, ok := readLength(s); ok {
			t.Errorf("%q is taken as %v", s, got)
		}
	}
}

// TestDocumentedExamples: every example of the documentation reads, and what it
// calls wrong is refused.
func TestDocumentedExamples(t *testing.T) {
	fence := regexp.MustCompile("(?s)```yaml(?: ([a-z]+))?\n(.*?)```")
	n := 0
	for _, name := range []string{"objectives.md", "openslo.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllSubmatch(text, -1) {
			n++
			set, err := Parse(Options{}, File{name, m[2]})
			switch {
			case string(m[1]) == "refused":
				if err == nil {
					t.Errorf("%s: not refused:\n%s", name, m[2])
				}
			case err != nil:
				t.Errorf("%s: %v in\n%s", name, err, m[2])
			case len(set.SLOs)+len(set.Presets) == 0:
				t.Errorf("%s: nothing in\n%s", name, m[2])
			}
		}
		for _, key := range annotations() {
			if name == "objectives.md" && !strings.Contains(string(text), "`"+key+"`") {
				t.Errorf("%s does not explain %s", name, key)
			}
		}
	}
	if n < 5 {
		t.Errorf("%d examples", n)
	}
}

// TestEdge: documents that other tools take and should not.
func TestEdge(t *testing.T) {
	dir := os.Getenv("PITWALL_BENCH")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "bench")
	}
	dir = filepath.Join(dir, "slo", "edge")
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		t.Skipf("SKIPPED: no bench at %s; set PITWALL_BENCH", dir)
	}
	f := func(name, expect string, words ...string) {
		t.Helper()
		set, err := Read(Options{}, filepath.Join(dir, name))
		said := strings.Join(set.Texts(), "\n")
		for _, fault := range Faults(err) {
			said += "\n" + fault.Error() + " | " + pitwall.HintOf(fault)
		}
		if expect == "accept" && (err != nil || len(set.SLOs) != 1) || expect == "refuse" && err == nil || expect == "warn" && said == "" {
			t.Errorf("%s: want %s, got %d objectives, %v", name, expect, len(set.SLOs), err)
		}
		for _, w := range words {
			if !strings.Contains(said, w) {
				t.Errorf("%s: %q is not named in %s", name, w, said)
			}
		}
	}
	f("pyrra/t0.999.yaml", "warn", "99.9")
	f("pyrra/t100.yaml", "refuse", "budget")
	f("pyrra/t50.yaml", "refuse", "14")
	f("pyrra/w12h.yaml", "refuse", "12h")
	f("pyrra/w1h.yaml", "refuse", "1h")
	f("pyrra/w30d.yaml", "accept")
	f("sloth/hundred.yaml", "refuse", "budget")
	f("sloth/mismatch.yaml", "warn", "5m")
	f("sloth/openslo.yaml", "refuse", "spec.objectives[0].target")
	f("sloth/openslov1.yaml", "refuse", "ratioMetrics", "indicator", "target", "timeWindow")
}
