package slo

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// bench finds a file of the SLO bench: complete where the bench is installed,
// else the committed subset, loudly.
func bench(t *testing.T, name string) []map[string]string {
	t.Helper()
	dir := os.Getenv("PITWALL_BENCH")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "bench")
	}
	path := filepath.Join(dir, "slo", "maths", name)
	if _, err := os.Stat(path); err != nil {
		path = filepath.Join("testdata", name)
		t.Logf("SKIPPED the full table: no bench at %s (set PITWALL_BENCH); running the committed subset", dir)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			m[name] = row[i]
		}
		list = append(list, m)
	}
	if len(list) == 0 {
		t.Fatalf("%s holds no rows", path)
	}
	return list
}

func num(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatalf("bad number %q", s)
	}
	return v
}

// t0 is a midnight at which every step length in use begins.
var t0 = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// traffic builds one-minute steps: rate(hour of day) requests a second, of
// which share(minute) fail.
func traffic(days float64, rate func(hour int) uint64, bad func(minute int) float64) []pitwall.LedgerStep {
	var list []pitwall.LedgerStep
	for m := range int(days * 24 * 60) {
		at := t0.Add(time.Duration(m) * time.Minute)
		n := 60 * rate(at.Hour())
		b := uint64(math.Round(float64(n) * bad(m)))
		if n > 0 {
			list = append(list, pitwall.LedgerStep{SLO: "s", Start: at.Unix(), Counts: pitwall.Counts{Good: n - b, Bad: b}})
		}
	}
	return list
}

// TestBudgetTruth builds the scenarios whose budgets other tools get wrong and
// asks for the exact one.
func TestBudgetTruth(t *testing.T) {
	day := func(h int) uint64 {
		if h >= 8 && h < 20 {
			return 100
		}
		return 1
	}
	flat := func(int) uint64 { return 50 }
	hour := func(from int) func(int) float64 { // 5 % for one hour
		return func(m int) float64 {
			if m >= from && m < from+60 {
				return 0.05
			}
			return 0
		}
	}
	clean := func(int) float64 { return 0 }
	scenarios := map[string][]pitwall.LedgerStep{
		"night-1h-5pct":              traffic(30, day, hour(29*24*60+2*60)),
		"peak-1h-5pct":               traffic(30, day, hour(29*24*60+12*60)),
		"flat-1h-5pct":               traffic(30, flat, hour(10*24*60)),
		"error-series-appears-day29": traffic(30, flat, hour(29*24*60)),
		"idle-10min-no-errors":       traffic(30, flat, clean)[10:],
	}
	// Sixty errors that are sixty series born with the value 1: a count is a
	// count, whatever series it would have come from.
	births := traffic(0.25, func(int) uint64 { return 10 }, clean)
	for i := range 60 {
		births[100+i].Counts.Bad++
	}
	scenarios["60-new-error-series-value-1"] = births

	for _, row := range bench(t, "budget-truth.csv") {
		t.Run(row["scenario"], func(t *testing.T) {
			steps, ok := scenarios[row["scenario"]]
			if !ok {
				t.Fatal("no such scenario in this test")
			}
			window := time.Duration(num(t, row["window_days"]) * float64(24*time.Hour))
			s := pitwall.SLO{Name: "s", Target: pitwall.Ratio(num(t, row["objective"])), Window: window}
			l := NewLedger([]pitwall.SLO{s}, time.Minute)
			if err := l.Load(steps); err != nil {
				t.Fatal(err)
			}
			b := l.Budget(s, t0.Add(window))
			if got, want := float64(b.Counts.Bad), num(t, row["bad"]); got != want {
				t.Errorf("bad = %v, want %v", got, want)
			}
			if got, want := float64(b.Counts.Total()), num(t, row["total"]); got != want {
				t.Errorf("total = %v, want %v", got, want)
			}
			if got, want := float64(b.Spent), num(t, row["true_budget_spent"]); !b.Known || math.Abs(got-want) > 1e-6 {
				t.Errorf("spent = %v (known %v), want %v", got, b.Known, want)
			}
		})
	}
}

// TestDetection runs each row of the detection table through a ledger: clean
// traffic, then a constant error ratio, then clean traffic again.
func TestDetection(t *testing.T) {
	rows := bench(t, "mwmb-detection.csv")
	fired := 0
	for _, row := range rows {
		target, e := pitwall.Ratio(num(t, row["objective"])), num(t, row["error_ratio"])
		tier := pitwall.BurnTier{Name: row["tier"], Factor: num(t, row["factor"]), MinBad: 3, Action: pitwall.ActionPage, OpensPlan: true,
			Long: time.Duration(num(t, row["long_s"])) * time.Second, Short: time.Duration(num(t, row["short_s"])) * time.Second}
		name := row["preset"] + "/" + row["tier"] + "/" + row["objective"] + "/" + row["error_ratio"]
		if got, want := Reachable(tier, target), row["reachable"] == "True"; got != want {
			t.Errorf("%s: reachable = %v, want %v", name, got, want)
		}
		detect, reset, firing := simulate(t, tier, target, e)
		if want := row["fires"] == "True"; firing != want {
			t.Errorf("%s: fires = %v, want %v", name, firing, want)
			continue
		}
		if !firing {
			continue
		}
		fired++
		// One step of the ledger, and a hair for the binomial guard.
		step := tier.Short.Seconds() / 10
		if want := num(t, row["detect_s"]); math.Abs(detect-want) > 1.01*step+want*0.002 {
			t.Errorf("%s: detected after %.0f s, want %.0f ± %.0f", name, detect, want, step)
		}
		if want := num(t, row["reset_s"]); math.Abs(reset-want) > 1.01*step+want*0.002 {
			t.Errorf("%s: reset after %.0f s, want %.0f ± %.0f", name, reset, want, step)
		}
	}
	if fired == 0 {
		t.Error("no row fired; the test proves nothing")
	}
	t.Logf("%d rows, %d fired", len(rows), fired)
}

// simulate gives how long after the errors began the tier fired, and how long
// after they ended it stopped, in seconds.
func simulate(t *testing.T, tier pitwall.BurnTier, target pitwall.Ratio, e float64) (detect, reset float64, firing bool) {
	t.Helper()
	const perStep = 100_000_000
	step := tier.Short / 10
	s := pitwall.SLO{Name: "s", Target: target, Window: 3 * tier.Long, Tiers: []pitwall.BurnTier{tier}}
	l := NewLedger([]pitwall.SLO{s}, step)
	bad := uint64(math.Round(e * perStep))
	n := int(tier.Long / step)
	var steps []pitwall.LedgerStep
	for i := range 3 * n {
		c := pitwall.Counts{Good: perStep}
		if i >= n && i < 2*n {
			c = pitwall.Counts{Good: perStep - bad, Bad: bad}
		}
		steps = append(steps, pitwall.LedgerStep{SLO: "s", Start: t0.Add(time.Duration(i) * step).Unix(), Counts: c})
	}
	if err := l.Load(steps); err != nil {
		t.Fatal(err)
	}
	firesAfter := func(i int) bool { _, ok := l.Burning(s, t0.Add(time.Duration(i)*step)); return ok }
	// While the errors last both ratios only rise, and only fall after them.
	i := n + sort.Search(n+1, func(i int) bool { return firesAfter(n + i) })
	if i > 2*n {
		return 0, 0, false
	}
	j := 2*n + sort.Search(n, func(j int) bool { return !firesAfter(2*n + j) })
	if i > n && firesAfter(i-1) || j > 2*n && !firesAfter(j-1) {
		t.Errorf("tier %s at %v fires on and off", tier.Name, target)
	}
	return float64(i-n) * step.Seconds(), float64(j-2*n) * step.Seconds(), true
}

// TestGuardIsExact compares the guard with sums of exact binomial terms: the
// ticket tier fires if and only if so many bad events have a probability below
// 5 % at the limit.
func TestGuardIsExact(t *testing.T) {
	tail := func(b, n uint64, p float64) float64 { // by multiplication, no logarithms
		sum := 0.0
		for k := b; k <= n; k++ {
			term := 1.0
			for i := range k {
				term *= float64(n-i) / float64(k-i) * p
			}
			sum += term * math.Pow(1-p, float64(n-k))
		}
		return sum
	}
	if got := tail(1, 3, 0.0144); math.Abs(got-(1-math.Pow(1-0.0144, 3))) > 1e-12 {
		t.Fatalf("the oracle is wrong: %v", got)
	}
	s := checkoutSLO("s", time.Hour)
	s.Tiers = []pitwall.BurnTier{{Name: "ticket", Factor: 40, Long: time.Minute, Short: time.Minute, Action: pitwall.ActionTicket, OpensPlan: true}}
	fired, held := 0, 0
	for n := uint64(1); n <= 120; n += 7 {
		for b := uint64(0); b <= n; b++ {
			l := NewLedger([]pitwall.SLO{s}, time.Second)
			if err := l.Load([]pitwall.LedgerStep{{SLO: "s", Start: t0.Unix() - 60}, {SLO: "s", Start: t0.Unix() - 1, Counts: pitwall.Counts{Good: n - b, Bad: b}}}); err != nil {
				t.Fatal(err)
			}
			want := 25*b > n && tail(b, n, 0.04) < 0.05 // 40 × 0.001
			_, got := l.Burning(s, t0)
			if got != want {
				t.Errorf("%d of %d bad, probability %v at the limit: fires %v, want %v", b, n, tail(b, n, 0.04), got, want)
			}
			if want {
				fired++
			} else if 25*b > n {
				held++
			}
		}
	}
	if fired == 0 || held == 0 {
		t.Errorf("%d fired and %d were held back; the test needs both", fired, held)
	}
}

func TestLimitIsExact(t *testing.T) {
	f := func(factor float64, target pitwall.Ratio, bad, total uint64, want bool) {
		t.Helper()
		if got := limitOf(factor, target).exceeded(pitwall.Counts{Good: total - bad, Bad: bad}); got != want {
			t.Errorf("%d of %d above %v × (1 − %v): %v, want %v", bad, total, factor, target, got, want)
		}
	}
	f(14.4, 0.999, 144, 10_000, false) // 0.0144 exactly
	f(14.4, 0.999, 145, 10_000, true)
	f(1, 0.9, 1, 10, false)
	f(28.8, 0.9999, 288, 100_000, false)
	f(28.8, 0.9999, 289, 100_000, true)
	f(1, 0.999, 0, 0, false)
	f(14.4, 0.999, math.MaxUint64, math.MaxUint64, true) // no overflow
}
