package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/pitwall/pitwall/internal/stats"
)

func binomialPMF(n int, p float64) []float64 {
	out := make([]float64, n+1)
	for k := range out {
		out[k] = stats.BinomialTail(int64(k), int64(n), p) - stats.BinomialTail(int64(k+1), int64(n), p)
	}
	return out
}

// expectation is the exact mean of the e-value after one interval.
func expectation(null float64, nc, nt int, pc, pt float64) (up, down float64) {
	control, treatment := binomialPMF(nc, pc), binomialPMF(nt, pt)
	for y, py := range control {
		for x, px := range treatment {
			test := stats.NewRateTest(1, null)
			test.Observe([]stats.Count{{Treatment: int64(x), Total: int64(x + y)}}, nc, nt)
			up += py * px * math.Exp(test.Up(nil))
			down += py * px * math.Exp(test.Down(nil))
		}
	}
	return up, down
}

// The factor of one interval must have a mean of at most 1 under the null, for
// every null ratio, weight and base rate; enumerated, not simulated.
func TestRateTestIsAnEValue(t *testing.T) {
	for _, null := range []float64{1 / 1.5, 1, 1.2, 2} {
		for _, arms := range [][2]int{{30, 30}, {45, 5}, {5, 45}, {60, 1}} {
			for _, pc := range []float64{0.01, 0.2, 0.45} {
				up, _ := expectation(null, arms[0], arms[1], pc, pc*null)
				inside, _ := expectation(null, arms[0], arms[1], pc, pc*null*0.7)
				_, down := expectation(null, arms[0], arms[1], pc, pc*null)
				if up > 1+1e-9 || inside > up+1e-9 || down > 1+1e-9 {
					t.Errorf("null %v, arms %v, rate %v: means %v, %v inside, %v down", null, arms, pc, up, inside, down)
				}
				if more, _ := expectation(null, arms[0], arms[1], pc, min(1, pc*null*2)); more <= up {
					t.Errorf("null %v, arms %v, rate %v: twice the rate brings no evidence (%v)", null, arms, pc, more)
				}
			}
		}
	}
}

func feed(test *stats.TailTest, rng *rand.Rand, intervals int, scale float64, arms func(i int) (control, treatment []float64)) {
	for i := range intervals {
		control, treatment := arms(i)
		for j := range control {
			control[j] *= scale
		}
		for j := range treatment {
			treatment[j] *= scale
		}
		rng.Shuffle(len(control), func(a, b int) { control[a], control[b] = control[b], control[a] })
		test.Observe(control, treatment)
	}
}

func shifted(seed uint64, shift, shock float64) func(int) ([]float64, []float64) {
	rng := rand.New(rand.NewPCG(seed, 9))
	return func(i int) (control, treatment []float64) {
		factor := math.Exp(shock * math.Sin(float64(i)))
		for range 40 {
			control = append(control, factor*math.Exp(0.6*rng.NormFloat64()))
			treatment = append(treatment, factor*shift*math.Exp(0.6*rng.NormFloat64()))
		}
		return control, treatment
	}
}

// Neither the unit nor the order of requests inside an interval may matter.
func TestTailTestIgnoresUnitAndOrder(t *testing.T) {
	var want stats.Evidence
	for i, scale := range []float64{1, 1.0 / (1 << 30), 1 << 30} {
		test := stats.NewTailTest(0.1, 1)
		feed(test, rand.New(rand.NewPCG(uint64(i), 1)), 30, scale, shifted(1, 1.3, 0))
		got := test.Evidence()
		if i == 0 {
			want = got
			continue
		}
		near(t, "worse", got.Worse, want.Worse, 1e-6)
		near(t, "better", got.Better, want.Better, 1e-6)
	}
}

// Swapping the arms turns worse into better.
func TestTailTestSwaps(t *testing.T) {
	one, other := stats.NewTailTest(0.1, 1), stats.NewTailTest(0.1, 1)
	arms := shifted(2, 1.5, 0)
	for i := range 30 {
		control, treatment := arms(i)
		one.Observe(control, treatment)
		other.Observe(treatment, control)
	}
	near(t, "worse against swapped better", one.Evidence().Worse, other.Evidence().Better, 1e-6)
	near(t, "not better against swapped not worse", one.Evidence().NotBetter, other.Evidence().NotWorse, 1e-6)
	if one.Evidence().Worse < 5 {
		t.Errorf("+50 %% brings only %v nats", one.Evidence().Worse)
	}
}

// A shift below the margin must not count, however small the noise.
func TestTailTestMargin(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, c := range []struct{ shift, margin float64 }{{1.001, 0.05}, {1.04, 0.05}, {0.97, 0.05}} {
		test := stats.NewTailTest(c.margin, 1)
		for range 60 {
			var control, treatment []float64
			for range 50 {
				control = append(control, 100*(1+0.0002*rng.NormFloat64()))
				treatment = append(treatment, 100*c.shift*(1+0.0002*rng.NormFloat64()))
			}
			test.Observe(control, treatment)
		}
		e := test.Evidence()
		if e.Worse > 0.01 || e.Better > 0.01 {
			t.Errorf("shift %v inside margin %v gives %+v", c.shift, c.margin, e)
		}
		if !e.Same(0.01) {
			t.Errorf("shift %v inside margin %v is not said to be the same: %+v", c.shift, c.margin, e)
		}
	}
}

// Shocks that hit both arms at once never make a difference between them.
func TestTailTestSharedShocks(t *testing.T) {
	alarms := 0
	for seed := range uint64(100) {
		test := stats.NewTailTest(0, 1)
		feed(test, rand.New(rand.NewPCG(seed, 1)), 60, 1, shifted(seed+100, 1, 0.5))
		if e := test.Evidence(); e.Worse > math.Log(100) || e.Better > math.Log(100) {
			alarms++
		}
	}
	if alarms > 3 {
		t.Errorf("%d of 100 runs with shared shocks alarm", alarms)
	}
}

func TestShareTestBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	covered := 0
	const runs = 60
	for range runs {
		test := stats.NewShareTest(0.1, 1)
		for range 40 {
			var control, treatment stats.Share
			for range 50 {
				control.Trials++
				treatment.Trials++
				if rng.Float64() < 0.02 {
					control.Hits++
				}
				if rng.Float64() < 0.06 {
					treatment.Hits++
				}
			}
			test.Observe(control, treatment)
		}
		low, high := test.Bounds(0.05)
		if low <= 3 && 3 <= high {
			covered++
		}
		if low > high {
			t.Fatalf("bounds [%v, %v]", low, high)
		}
	}
	if covered < runs*95/100 {
		t.Errorf("the sequence covers 3 in %d of %d", covered, runs)
	}
	if low, high := stats.NewShareTest(0, 1).Bounds(0.05); low > 0.0011 || high < 999 {
		t.Errorf("nothing seen bounds the ratio to [%v, %v]", low, high)
	}
}

func TestPower(t *testing.T) {
	// Log-normal with sigma 0.6 and +20 % at the p99 edge: about 93 events and
	// 2,950 requests an arm for one edge and six alternatives.
	p1 := 1 - 0.5*math.Erfc(-(stats.NormalQuantile(0.99)-math.Log(1.2)/0.6)/math.Sqrt2)
	got := stats.Power{Control: 0.01, Treatment: p1, Weight: 0.5, Alpha: 0.01, Single: true}.TreatmentRequests()
	near(t, "requests", got, 2950, 300)
	if !math.IsInf(stats.Power{Control: 0.01, Treatment: 0.01, Weight: 0.5, Alpha: 0.01}.TreatmentRequests(), 1) {
		t.Error("no effect must never be decided")
	}
	if !math.IsInf(stats.Power{Control: 0.01, Treatment: 0.02, Weight: 1, Alpha: 0.01}.TreatmentRequests(), 1) {
		t.Error("no control must never decide")
	}
}
