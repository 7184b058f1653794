package prof

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// TestLearn: variances drawn as the model says give back its parameters.
func TestLearn(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	const d, df, scale, common = 11, 8, 1.7, 0.01
	var halves []half
	for range 4000 {
		h := half{n: d + 1, counting: 0.01 + 0.2*rng.Float64()}
		truth := scale * (h.counting + common) * df / distuv.ChiSquared{K: df, Src: rng}.Rand()
		h.variance = truth * distuv.ChiSquared{K: d, Src: rng}.Rand() / d
		halves = append(halves, h)
	}
	p := learn(halves, common)
	if math.Abs(p.scale-scale) > 0.1 || math.Abs(p.df-df) > 1.5 {
		t.Errorf("learned %+v, want scale %v and df %v", p, scale, df)
	}
	if got := learn(halves[:2], common); got.df != 0 {
		t.Errorf("two variances teach nothing: %+v", got)
	}
	if got := learn(nil, math.NaN()); got.df != 0 {
		t.Errorf("no variances: %+v", got)
	}
}

func TestTrigamma(t *testing.T) {
	if got := trigamma(1); math.Abs(got-math.Pi*math.Pi/6) > 1e-12 {
		t.Errorf("trigamma(1) is %v", got)
	}
	for _, x := range []float64{0.01, 0.3, 1, 4.5, 60, 2000} {
		if got := inverseTrigamma(trigamma(x)); math.Abs(got-x) > 1e-6*x {
			t.Errorf("inverse of trigamma(%v) is %v", x, got)
		}
	}
}

// TestHalfOf: windows of unequal weight give the ratio of sums, and a variance
// as wide as repetition shows.
func TestHalfOf(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	weight := []float64{500, 1500, 900, 1100, 1000, 700, 1300, 1000}
	var means, variances []float64
	for range 4000 {
		cost := make([]float64, len(weight))
		for w := range cost {
			cost[w] = 0.01 * distuv.Poisson{Lambda: 0.02 * weight[w], Src: rng}.Rand()
		}
		h := halfOf(cost, weight, 0.01, 0)
		means, variances = append(means, h.mean), append(variances, h.variance/h.n)
	}
	mean, variance := stat.MeanVariance(means, nil)
	if math.Abs(mean-math.Log(0.0002)) > 0.01 {
		t.Errorf("mean log rate %v, want %v", mean, math.Log(0.0002))
	}
	if ratio := stat.Mean(variances, nil) / variance; ratio < 0.9 || ratio > 1.1 {
		t.Errorf("variance is thought %v of what it is", ratio)
	}
}
