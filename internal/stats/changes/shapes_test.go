package changes

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/pitwall/pitwall/internal/stats/labelled"
)

// correlated is noise of standard deviation 1 whose neighbours correlate by rho.
func correlated(n int, rho float64, r *rand.Rand) []float64 {
	v, x := make([]float64, n), r.NormFloat64()
	for i := range v {
		v[i] = x
		x = rho*x + math.Sqrt(1-rho*rho)*r.NormFloat64()
	}
	return v
}

// TestTrendIsNoChange: a straight line with noise has no change, however steep.
func TestTrendIsNoChange(t *testing.T) {
	series, lengths := 40, []int{200}
	if calibrating() {
		series, lengths = 500, []int{60, 200, 400, 600, 2000}
	}
	for _, rho := range []float64{0, 0.6} {
		for _, n := range lengths {
			all := 0.0
			slopes := []float64{0.2, 0.5, 1, 2, 3, 5, 10, 20}
			for _, slope := range slopes {
				called := 0.0
				for seed := range uint64(series) {
					v := correlated(n, rho, rand.New(rand.NewPCG(seed, uint64(n)+77)))
					for i := range v {
						v[i] += 100 + slope*float64(i)/float64(n)
					}
					if len(Find(v, Options{}).Changes) > 0 {
						called++
					}
				}
				all += called
				t.Logf("rho %.1f n %4d, %4.1f deviations: %.1f %% have a change", rho, n, slope, 100*called/float64(series))
			}
			// At the worst slopes it is up to 4 %, over all of them about 1.5 %.
			if share := all / float64(series*len(slopes)); share > 0.025 {
				t.Errorf("rho %.1f, %d points: %.1f %% of trends have a change", rho, n, 100*share)
			}
		}
	}
}

// TestStepOnTrend: a trend hides no clear step.
func TestStepOnTrend(t *testing.T) {
	found := 0
	for seed := range uint64(50) {
		v := correlated(200, 0, rand.New(rand.NewPCG(seed, 177)))
		for i := range v {
			if v[i] += 10 * float64(i) / 200; i >= 100 {
				v[i] += 5
			}
		}
		for _, c := range Find(v, Options{}).Changes {
			if max(c.Index-100, 100-c.Index) <= 2 && c.Kind == Step {
				found++
			}
		}
	}
	if found < 46 {
		t.Errorf("%d of 50 steps on a trend are found", found)
	}
}

// TestCurveIsNoStaircase: smooth curves have no step, and few bends.
func TestCurveIsNoStaircase(t *testing.T) {
	curves := map[string]struct {
		of    func(x float64) float64
		bends int // most that one may call
	}{
		"exponential": {func(x float64) float64 { return math.Exp(3*x) / 20 }, 3},
		"logistic":    {func(x float64) float64 { return 1 / (1 + math.Exp(-10*(x-0.5))) }, 3},
		"arc":         {func(x float64) float64 { return math.Sin(math.Pi * x) }, 5},
		"root":        {math.Sqrt, 1},
		"square":      {func(x float64) float64 { return x * x }, 3},
		"waves":       {func(x float64) float64 { return math.Sin(6 * math.Pi * x) }, 12},
	}
	for name, c := range curves {
		for _, n := range []int{60, 200, 600} {
			for _, sd := range []float64{0, 0.002, 0.01, 0.05} {
				steps, ramps := 0, 0
				const series = 6
				for seed := range uint64(series) {
					v := correlated(n, 0, rand.New(rand.NewPCG(seed, uint64(n)+79)))
					for i := range v {
						v[i] = 100 + 100*(c.of(float64(i)/float64(n))+sd*v[i])
						if n < 600 {
							v[i] = math.Round(v[i])
						}
					}
					for _, h := range Find(v, Options{}).Changes {
						if h.Kind == Step {
							steps++
						} else {
							ramps++
						}
					}
				}
				t.Logf("%s of %d points, noise %g: %.1f steps, %.1f bends", name, n, sd, float64(steps)/series, float64(ramps)/series)
				if steps > 1 || ramps > c.bends*series {
					t.Errorf("%s of %d points, noise %g: %d steps and %d bends in %d series", name, n, sd, steps, ramps, series)
				}
			}
		}
	}
}

// TestOneStepIsOneChange: after a true change hardly ever a false one.
func TestOneStepIsOneChange(t *testing.T) {
	series := 50
	if calibrating() {
		series = 1000
	}
	for _, rho := range []float64{0, 0.3, 0.6} {
		for _, n := range []int{100, 400} {
			for _, part := range []float64{0.2, 0.5, 0.8} {
				for _, size := range []float64{3, 5} {
					found, second, near := 0, 0, 0
					for seed := range uint64(series) {
						v, at := correlated(n, rho, rand.New(rand.NewPCG(seed, uint64(n)+78))), int(part*float64(n))
						for i := range v {
							if v[i] += 100; i >= at {
								v[i] += size
							}
						}
						c := Find(v, Options{}).Changes
						if len(c) > 1 {
							second++
						}
						if len(c) > 0 {
							found++
							if max(c[0].Index-at, at-c[0].Index) <= 2 {
								near++
							}
						}
					}
					share := 100 / float64(series)
					t.Logf("rho %.1f n %d at %.1f, %g deviations: found %.1f %%, a second one %.1f %%, of those found within 2 rows %.1f %%", rho, n, part, size, share*float64(found), share*float64(second), 100*float64(near)/math.Max(float64(found), 1))
					if limit := 0.02 + 3*math.Sqrt(0.02/float64(series)); float64(second) > limit*float64(series) {
						t.Errorf("rho %.1f n %d at %.1f, %g deviations: a second change in %d of %d", rho, n, part, size, second, series)
					}
					if rho == 0 && (found < series*98/100 || near < found*94/100) {
						t.Errorf("n %d at %.1f, %g deviations: %d of %d found, %d near", n, part, size, found, series, near)
					}
				}
			}
		}
	}
}

// TestFewPoints: of so few only what is plain is told.
func TestFewPoints(t *testing.T) {
	for _, n := range []int{8, 12, 16, 20, 25} {
		called, found := 0, 0
		for seed := range uint64(200) {
			r := rand.New(rand.NewPCG(seed, uint64(n)+79))
			v := labelled.Noise("iid", n, r)
			called += min(len(Find(v, Options{}).Changes), 1)
			for i := n / 2; i < n; i++ {
				v[i] += 12
			}
			found += min(len(Find(v, Options{}).Changes), 1)
		}
		t.Logf("%d points: %.1f %% without a step have a change, %.1f %% with one", n, float64(called)/2, float64(found)/2)
		if called > 4 || n >= 12 && found < 190 {
			t.Errorf("%d points: %d of 200 without a change have one, %d of 200 with a large step", n, called, found)
		}
	}
}
