package baseline_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/baseline"
)

func counts(bad, total uint64) pitwall.Counts { return pitwall.Counts{Good: total - bad, Bad: bad} }

func ExampleTestShare() {
	v := baseline.TestShare(counts(0, 1000), counts(1, 3), baseline.CountOptions{})
	fmt.Println(v.State, v.Needs() > 0)
	v = baseline.TestShare(counts(2, 1000), counts(30, 1000), baseline.CountOptions{Margin: 0.5})
	fmt.Println(v.State)
	// Output:
	// not-enough true
	// more
}

func TestShareStates(t *testing.T) {
	f := func(before, after pitwall.Counts, o baseline.CountOptions, want baseline.CountState) {
		t.Helper()
		v := baseline.TestShare(before, after, o)
		if v.State != want {
			t.Errorf("%v then %v: %s (%s), want %s", before, after, v.State, v.Reason, want)
		}
		if (v.State == baseline.CountNotEnough) != (v.Needs() > 0) {
			t.Errorf("%v then %v: %s needs %d", before, after, v.State, v.Needs())
		}
		if v.Reason == "" {
			t.Errorf("%v then %v: no reason", before, after)
		}
	}
	none := baseline.CountOptions{}
	f(counts(0, 0), counts(0, 0), none, baseline.CountNoData)
	f(counts(0, 0), counts(5, 9), none, baseline.CountNoData)
	f(counts(5, 9), counts(0, 0), none, baseline.CountNoData)
	f(counts(0, 1000000), counts(1, 3), none, baseline.CountNotEnough) // one of three is never a verdict
	f(counts(0, 1000000), counts(2, 3), none, baseline.CountNotEnough)
	f(counts(0, 1000000), counts(3, 3), none, baseline.CountMore)
	f(counts(0, 100), counts(0, 100), none, baseline.CountNotEnough)
	f(counts(0, 100000), counts(0, 100000), baseline.CountOptions{Negligible: 0.001}, baseline.CountSame)
	f(counts(10, 1000), counts(60, 1000), none, baseline.CountMore)
	f(counts(60, 1000), counts(10, 1000), none, baseline.CountLess)
	f(counts(10, 1000), counts(13, 1000), none, baseline.CountNotEnough)
	f(counts(1000, 100000), counts(1010, 100000), none, baseline.CountSame)
	f(counts(10000, 100000), counts(10600, 100000), none, baseline.CountMore)
	f(counts(10000, 100000), counts(10600, 100000), baseline.CountOptions{Margin: 0.1}, baseline.CountSame)
	f(counts(10000, 100000), counts(10600, 100000), baseline.CountOptions{Dispersion: 10}, baseline.CountSame)
	f(counts(10, 100000), counts(60, 100000), baseline.CountOptions{Negligible: 0.001}, baseline.CountSame)
	f(counts(1, 1), counts(1, 1), none, baseline.CountNotEnough)
}

func TestRateStates(t *testing.T) {
	f := func(before, after baseline.RateCount, o baseline.CountOptions, want baseline.CountState) {
		t.Helper()
		if v := baseline.TestRate(before, after, o); v.State != want {
			t.Errorf("%v then %v: %s (%s), want %s", before, after, v.State, v.Reason, want)
		}
	}
	over := func(n uint64, d time.Duration) baseline.RateCount { return baseline.RateCount{Events: n, Over: d} }
	none := baseline.CountOptions{}
	f(over(10, 0), over(10, time.Hour), none, baseline.CountNoData)
	f(over(0, time.Hour), over(0, time.Hour), none, baseline.CountNotEnough)
	f(over(1000, time.Hour), over(0, 10*time.Minute), none, baseline.CountLess) // traffic lost
	f(over(4, time.Hour), over(0, 10*time.Minute), none, baseline.CountNotEnough)
	f(over(1000, time.Hour), over(170, 10*time.Minute), none, baseline.CountSame)
	f(over(1000, time.Hour), over(340, 10*time.Minute), none, baseline.CountMore)
	f(over(0, time.Hour), over(9, time.Hour), none, baseline.CountMore)
}

// TestCountIntervals checks the arithmetic against published tables.
func TestCountIntervals(t *testing.T) {
	o := baseline.CountOptions{Alpha: 0.05}
	near := func(what string, got, want, tolerance float64) {
		t.Helper()
		if !(math.Abs(got-want) <= tolerance) {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	v := baseline.TestShare(counts(0, 10), counts(3, 10), o)
	near("Clopper-Pearson upper 0/10", v.Before.High, 0.3085, 1e-4) // R: binom.test(0, 10)
	near("Clopper-Pearson lower 3/10", v.After.Low, 0.0667, 1e-4)   // R: binom.test(3, 10)
	near("Clopper-Pearson upper 3/10", v.After.High, 0.6525, 1e-4)
	r := baseline.TestRate(baseline.RateCount{Events: 0, Over: time.Second}, baseline.RateCount{Events: 10, Over: time.Second}, o)
	near("Garwood upper 0", r.Before.High, 3.6889, 1e-4) // R: poisson.test(0)
	near("Garwood lower 10", r.After.Low, 4.7954, 1e-4)  // R: poisson.test(10)
	near("Garwood upper 10", r.After.High, 18.3904, 1e-4)
	near("p of 0 against 10", r.P, math.Pow(2, -9), 1e-12) // 2 * 2^-10
	// 30 of 40 events fall after: the limits of that share, b/(1-b) with the beta
	// quantiles of 30, 11 and 31, 10.
	r = baseline.TestRate(baseline.RateCount{Events: 10, Over: time.Second}, baseline.RateCount{Events: 30, Over: time.Second}, o)
	near("ratio", r.Ratio.Value, 3, 1e-12)
	near("ratio low", r.Ratio.Low, 1.4275, 1e-4)
	near("ratio high", r.Ratio.High, 6.8793, 1e-4)
}

// TestShareLevel counts all outcomes of two binomial sides: under the null, at
// the edge of the margin, the chance of any verdict stays below alpha.
func TestShareLevel(t *testing.T) {
	worst := 0.0
	for _, n := range [][2]int{{3, 3}, {20, 5}, {5, 20}, {30, 30}, {60, 15}, {15, 60}, {50, 50}} {
		verdicts := map[[2]int]baseline.CountState{}
		for _, margin := range []float64{0, 0.5} {
			o := baseline.CountOptions{Alpha: 0.05, Margin: margin, MinEvents: 1}
			clear(verdicts)
			for x := range n[0] + 1 {
				for y := range n[1] + 1 {
					verdicts[[2]int{x, y}] = baseline.TestShare(counts(uint64(x), uint64(n[0])), counts(uint64(y), uint64(n[1])), o).State
				}
			}
			for _, p := range []float64{0.005, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.8} {
				q := min(1, p*(1+margin))
				level := 0.0
				for k, state := range verdicts {
					if state == baseline.CountMore || margin == 0 && state == baseline.CountLess {
						level += binomial(k[0], n[0], p) * binomial(k[1], n[1], q)
					}
				}
				if level > 0.05 {
					t.Errorf("n %v, share %v, margin %v: %.4f of outcomes are a verdict", n, p, margin, level)
				}
				worst = max(worst, level)
			}
		}
	}
	t.Logf("worst level %.4f at nominal 0.05", worst)
	if worst < 0.005 {
		t.Error("the test never decides anything")
	}
}

func binomial(k, n int, p float64) float64 {
	if p >= 1 {
		if k == n {
			return 1
		}
		return 0
	}
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return math.Exp(a - b - c + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

// TestNeeds: with as many events as were asked for, the change is found about
// four times out of five.
func TestNeeds(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	v := baseline.TestShare(counts(20, 2000), counts(2, 100), baseline.CountOptions{})
	if v.State != baseline.CountNotEnough {
		t.Fatalf("%s: %s", v.State, v.Reason)
	}
	found := 0
	const runs = 200
	for range runs {
		draw := func(n uint64, p float64) (bad uint64) {
			for range n {
				if rng.Float64() < p {
					bad++
				}
			}
			return bad
		}
		b, a := 2000+v.MoreBefore, 100+v.MoreAfter
		if baseline.TestShare(counts(draw(b, 0.01), b), counts(draw(a, 0.02), a), baseline.CountOptions{}).State == baseline.CountMore {
			found++
		}
	}
	t.Logf("%s; then found %d of %d", v.Reason, found, runs)
	if found < runs*65/100 {
		t.Errorf("with the events asked for, a doubling was found %d times of %d", found, runs)
	}
}

func FuzzCounts(f *testing.F) {
	f.Add(uint64(0), uint64(0), uint64(0), uint64(0), 0.01, 0.0, 2.0, 1.0)
	f.Add(uint64(1), uint64(3), uint64(0), uint64(1000), 0.01, 0.2, 2.0, 1.0)
	f.Add(uint64(1<<40), uint64(1<<62), uint64(7), uint64(1<<63), math.NaN(), math.Inf(1), -1.0, 1e300)
	f.Fuzz(func(t *testing.T, bad1, good1, bad2, good2 uint64, alpha, margin, detect, dispersion float64) {
		o := baseline.CountOptions{Alpha: alpha, Margin: margin, Detect: detect, Dispersion: dispersion}
		for _, v := range []baseline.CountVerdict{
			baseline.TestShare(pitwall.Counts{Good: good1, Bad: bad1}, pitwall.Counts{Good: good2, Bad: bad2}, o),
			baseline.TestRate(baseline.RateCount{Events: bad1, Over: time.Duration(good1)}, baseline.RateCount{Events: bad2, Over: time.Duration(good2)}, o),
		} {
			for _, m := range []pitwall.Measure{v.Before, v.After, v.Ratio, v.Difference} {
				if math.IsNaN(m.Value+m.Low+m.High) || math.IsInf(m.Value, 0) || math.IsInf(m.Low, 0) || math.IsInf(m.High, 0) {
					t.Fatalf("not a number a person may act on: %+v", v)
				}
			}
			if !(v.P >= 0 && v.P <= 1) || v.State == "" || v.Reason == "" {
				t.Fatalf("%+v", v)
			}
		}
	})
}
