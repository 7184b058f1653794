package stats_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pitwall/pitwall/internal/stats"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func ExampleTailTest() {
	rng := rand.New(rand.NewPCG(1, 1))
	test := stats.NewTailTest(0.10, 1)
	for range 20 { // twenty intervals; the treatment is twice as slow
		var control, treatment []float64
		for range 40 {
			control = append(control, 0.2*math.Exp(0.5*rng.NormFloat64()))
			treatment = append(treatment, 0.4*math.Exp(0.5*rng.NormFloat64()))
		}
		test.Observe(control, treatment)
	}
	fmt.Println("worse at alpha 0.01:", stats.AnytimeP(test.Evidence().Worse) < 0.01)
	fmt.Println("better at alpha 0.01:", stats.AnytimeP(test.Evidence().Better) < 0.01)
	// Output:
	// worse at alpha 0.01: true
	// better at alpha 0.01: false
}

func TestQuantile(t *testing.T) {
	f := func(values []float64, q, want float64) {
		t.Helper()
		near(t, fmt.Sprint("Quantile ", values, " ", q), stats.Quantile(values, q), want, 1e-12)
	}
	f([]float64{1, 2, 3, 4}, 0.5, 2.5)   // R: quantile(1:4, .5)
	f([]float64{1, 2, 3, 4}, 0.25, 1.75) // R: type 7
	f([]float64{1, 2, 3, 4, 10}, 0.99, 9.76)
	f([]float64{7}, 0.99, 7)
	f([]float64{1, 2}, 1, 2)
	if !math.IsNaN(stats.Quantile(nil, 0.5)) {
		t.Error("the quantile of nothing must not be a number")
	}
}

func TestQuantileIntervalCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, q := range []float64{0.5, 0.99} {
		truth := math.Exp(0.6 * stats.NormalQuantile(q))
		covered, exact := 0, 0
		const runs = 400
		for range runs {
			values := make([]float64, 900)
			for i := range values {
				values[i] = math.Exp(0.6 * rng.NormFloat64())
			}
			slices.Sort(values)
			low, high, ok := stats.QuantileInterval(values, q, 0.95)
			if low <= truth && truth <= high {
				covered++
			}
			if ok {
				exact++
			}
		}
		if covered < runs*93/100 || exact != runs {
			t.Errorf("q %v: covered %d of %d, exact %d", q, covered, runs, exact)
		}
	}
	if _, high, exact := stats.QuantileInterval([]float64{1, 2, 3}, 0.99, 0.95); exact || high != 3 {
		t.Errorf("three values cannot bound a p99: high %v, exact %v", high, exact)
	}
}

func TestWilson(t *testing.T) {
	f := func(hits, n int64, low, high float64) {
		t.Helper()
		l, h := stats.Wilson(hits, n, 0.95)
		near(t, "low", l, low, 1e-4)
		near(t, "high", h, high, 1e-4)
	}
	f(0, 10, 0, 0.2775)
	f(1, 10, 0.0179, 0.4042)
	f(10, 10, 0.7225, 1)
	f(0, 0, 0, 1)
}

func TestBinomial(t *testing.T) {
	choose := func(n, k int64) float64 {
		r := 1.0
		for i := int64(1); i <= k; i++ {
			r *= float64(n-k+i) / float64(i)
		}
		return r
	}
	for _, p := range []float64{0.1, 0.5, 0.99} {
		for n := int64(1); n <= 12; n++ {
			for k := int64(0); k <= n+1; k++ {
				want := 0.0
				for i := k; i <= n; i++ {
					want += choose(n, i) * math.Pow(p, float64(i)) * math.Pow(1-p, float64(n-i))
				}
				near(t, fmt.Sprintf("P(Bin(%d,%v) >= %d)", n, p, k), stats.BinomialTail(k, n, p), want, 1e-12)
			}
		}
	}
	if p := stats.BinomialP(300, 1000, 0.1); p > 1e-40 {
		t.Errorf("a threefold share has p %v", p)
	}
	if p := stats.BinomialP(20, 1000, 0.1); p > 1e-20 || p <= 0 {
		t.Errorf("a fifth of the share has p %v, want tiny and positive", p)
	}
	near(t, "p of the expected count", stats.BinomialP(100, 1000, 0.1), 1, 1e-12)
}

func TestWelch(t *testing.T) {
	// Reference values: the t density integrated numerically.
	a := []float64{27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4}
	b := []float64{27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.4}
	r := stats.Welch(a, b)
	near(t, "difference", r.Diff, 2.833333, 1e-6)
	near(t, "t", r.T, 2.852955, 1e-6)
	near(t, "degrees of freedom", r.DF, 27.887303, 1e-6)
	near(t, "p", r.P, 0.008071938, 1e-8)
	if p := stats.Welch(a, a).P; p != 1 {
		t.Errorf("a sample against itself has p %v", p)
	}
	if p := stats.Welch(a[:1], b).P; p != 1 {
		t.Errorf("one value has p %v, want 1", p)
	}
	swapped := stats.Welch(b, a)
	near(t, "swapped p", swapped.P, r.P, 1e-12)
}

func TestShareRatio(t *testing.T) {
	r := stats.ShareRatio(stats.Share{Hits: 10, Trials: 10_000}, stats.Share{Hits: 40, Trials: 10_000}, 1, 0.95)
	value, low, high := r.Change()
	if !(low > 0 && low < value && value < high) || value < 2.5 || value > 3.2 {
		t.Errorf("10 to 40 of 10,000 = %v [%v, %v]", value, low, high)
	}
	r = stats.ShareRatio(stats.Share{Trials: 6000}, stats.Share{Hits: 3, Trials: 6000}, 1, 0.95)
	if r.Low > 0 || math.IsInf(r.Value, 0) {
		t.Errorf("three failures against none prove nothing, got %+v", r)
	}
}

func TestChiSquare(t *testing.T) {
	near(t, "3.841 at 1", stats.ChiSquareTail(3.841459, 1), 0.05, 1e-6)
	near(t, "11.07 at 5", stats.ChiSquareTail(11.0705, 5), 0.05, 1e-6)
	near(t, "no degrees", stats.ChiSquareTail(3, 0), 1, 0)
}

func TestFindStep(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for seed := range 50 {
		series := make([]float64, 120)
		at := 30 + seed
		for i := range series {
			series[i] = 0.1 * rng.NormFloat64()
			if i >= at {
				series[i] += 1
			}
		}
		series[10] = 25 // one outlier moves nothing
		s, ok := stats.FindStep(series, 2)
		if !ok || s.Index < at-1 || s.Index > at+1 || s.Earliest > at || s.Latest < at || s.Gain < 20 {
			t.Fatalf("step at %d found as %+v, %v", at, s, ok)
		}
	}
	falling := []float64{5, 5.1, 5, 4.9, 1, 1.1, 0.9, 1}
	if s, ok := stats.FindStep(falling, 2); ok && s.Gain > 5 {
		t.Errorf("a fall was taken for a rise: %+v", s)
	}
	if _, ok := stats.FindStep([]float64{1, 2}, 2); ok {
		t.Error("two values cannot hold a step of two against two")
	}
	if s, ok := stats.FindStep([]float64{1, 1, 1, 2, 2, 2}, 2); !ok || s.Index != 3 {
		t.Errorf("a clean step is found as %+v, %v", s, ok)
	}
}

// Noise alone must rarely reach the gain that callers hold steps against.
func TestFindStepNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	above := 0
	const runs = 200
	for range runs {
		series := make([]float64, 100)
		for i := range series {
			series[i] = rng.NormFloat64()
		}
		if s, ok := stats.FindStep(series, 3); ok && s.Gain > 8 {
			above++
		}
	}
	if above > runs*2/100 {
		t.Errorf("%d of %d pure-noise series have a gain above 8", above, runs)
	}
}

func logNormal(rng *rand.Rand, n, perBlock int, scale float64) stats.Blocks {
	values, blocks := make([]float64, n), make([]int64, n)
	for i := range values {
		values[i] = scale * math.Exp(0.6*rng.NormFloat64())
		blocks[i] = int64(i / perBlock)
	}
	return stats.NewBlocks(values, blocks)
}

func TestBootstrapRatioCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	covered := 0
	const runs, truth = 150, 0.3
	for range runs {
		r, ok := stats.BootstrapRatio(rng, stats.RatioRequest{
			Control: logNormal(rng, 3000, 100, 1), Treatment: logNormal(rng, 3000, 100, math.Exp(truth)),
			Q: 0.95, Confidence: 0.95, Rounds: 200,
		})
		if !ok {
			t.Fatal("no ratio")
		}
		if r.Low <= truth && truth <= r.High {
			covered++
		}
	}
	if covered < runs*88/100 {
		t.Errorf("the interval covers the truth in %d of %d", covered, runs)
	}
	few := logNormal(rng, 30, 100, 1)
	if _, ok := stats.BootstrapRatio(rng, stats.RatioRequest{Control: few, Treatment: few, Q: 0.5, Confidence: 0.95, Rounds: 10}); ok {
		t.Error("one block gives no interval")
	}
}

func TestSplitNoiseBoundsAA(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	sample := logNormal(rng, 6000, 130, 1)
	bound, ok := stats.SplitNoise(rng, sample, 0.99, 0.95)
	if !ok || bound < 0.02 || bound > 0.35 {
		t.Fatalf("noise of a p99 of 3000 against 3000 = %v, %v", bound, ok)
	}
	inside := 0
	const runs = 200
	for range runs {
		a, b := logNormal(rng, 3000, 130, 1), logNormal(rng, 3000, 130, 1)
		if math.Abs(math.Log(a.Quantile(0.99)/b.Quantile(0.99))) <= bound {
			inside++
		}
	}
	if inside < runs*85/100 {
		t.Errorf("only %d of %d A/A ratios stay under the bound %v", inside, runs, bound)
	}
}
