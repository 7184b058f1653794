package online

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestRetestIsAnEValue: over quiet points its mean stays at or below 1 at every
// number of points, and it tells a change of one deviation soon.
func TestRetestIsAnEValue(t *testing.T) {
	base := Baseline{Level: 100, Scale: 1, N: 100}
	at := []int{3, 10, 30, 100}
	const runs = 4000
	mean := map[int]float64{}
	crossed := 0
	for seed := range uint64(runs) {
		rng := rand.New(rand.NewPCG(seed, 7))
		b := base
		b.Level += rng.NormFloat64() / 10 // a level learned from 100 points
		r := NewRetest(b, true, 0)
		over := false
		for i := 1; i <= 100; i++ {
			r.Observe(100 + rng.NormFloat64())
			over = over || r.LogE() >= math.Log(100)
			for _, n := range at {
				if i == n {
					mean[n] += math.Exp(r.LogE()) / runs
				}
			}
		}
		if over {
			crossed++
		}
	}
	for _, n := range at {
		if mean[n] > 1.5 { // the mean of a heavy tail
			t.Errorf("mean e-value after %d points is %.2f", n, mean[n])
		}
	}
	if share := float64(crossed) / runs; share > 0.01 {
		t.Errorf("%.2f %% ever reached 100", 100*share)
	}
	r, n := NewRetest(base, true, 0), 0
	rng := rand.New(rand.NewPCG(1, 1))
	for ; r.LogE() < math.Log(1000) && n < 1000; n++ {
		r.Observe(101 + rng.NormFloat64())
	}
	if n > 40 {
		t.Errorf("a change of one deviation took %d points", n)
	}
	down := NewRetest(base, false, 0)
	for range 50 {
		down.Observe(101)
	}
	if down.LogE() > 0 {
		t.Errorf("a rise is evidence for a fall: %g", down.LogE())
	}
}

// TestRetestMinimumEffect: what is inside the smallest effect is no evidence.
func TestRetestMinimumEffect(t *testing.T) {
	base := Baseline{Level: 100, Scale: 1, N: 10_000}
	r := NewRetest(base, true, 0.02)
	for range 200 {
		r.Observe(101)
	}
	if r.LogE() > 0 {
		t.Errorf("1 %% is evidence against at most 2 %%: %g", r.LogE())
	}
	r = NewRetest(base, true, 0.02)
	for range 200 {
		r.Observe(103)
	}
	if r.LogE() < 5 {
		t.Errorf("3 %% is none: %g", r.LogE())
	}
}

// TestCountRetest: at the frozen share the evidence falls, at twice it grows.
func TestCountRetest(t *testing.T) {
	base := CountBaseline{Hits: 1000, Trials: 100_000, Dispersion: 1}
	same, twice := NewCountRetest(base, true, 0), NewCountRetest(base, true, 0)
	for range 20 {
		same.ObserveCount(10, 1000)
		twice.ObserveCount(20, 1000)
		twice.ObserveCount(0, 0)
	}
	if same.LogE() > 0 || twice.LogE() < 20 {
		t.Errorf("%g %g", same.LogE(), twice.LogE())
	}
}
