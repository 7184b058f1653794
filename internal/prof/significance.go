package prof

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	alpha = 0.05 // false discovery rate, and the level of MDE
	power = 0.80 // of MDE
)

// discoveries applies Benjamini and Hochberg's step-up procedure: of what it
// accepts, at most a share q is false on average. It returns the largest
// accepted p, or -1 when nothing is accepted.
func discoveries(ps []float64, q float64) float64 {
	sorted := slices.Clone(ps)
	slices.Sort(sorted)
	for i := len(sorted) - 1; i >= 0; i-- {
		if sorted[i] <= q*float64(i+1)/float64(len(sorted)) {
			return sorted[i]
		}
	}
	return -1
}

// MDE is the smallest change of a share of the profile that would be seen with
// probability 0.8 at level 0.05:
//
//	(z(1-α/2m) + z(power)) · sqrt(2·φ·p·(1-p)/N)
//
// with p the share of the function, N samples on each side, φ the dispersion (1
// when samples fall independently; never taken below 1) and m functions tested.
// A share of 5 % with 10,000 samples, φ 2 and 50 tests gives 0.018: 1.8 points.
// It is +Inf without samples.
func MDE(share, samples, dispersion float64, tests int) float64 {
	if samples <= 0 {
		return math.Inf(1)
	}
	variance := 2 * max(1, dispersion) * share * (1 - share) / samples
	return detectable(tests) * math.Sqrt(variance)
}

// detectable is how many standard errors a change must have to be seen with the
// wanted power when it is one of so many tests.
func detectable(tests int) float64 {
	normal := distuv.UnitNormal
	return normal.Quantile(1-alpha/2/float64(max(1, tests))) + normal.Quantile(power)
}

// sizeFactors are median-of-ratios factors of windows: by how much a typical
// function was dearer in a window than in the average one. counts[f][w] are
// observations of function f in window w; only functions with at least five a
// window on average speak. All factors are 1 when none does.
func sizeFactors(counts [][]float64, windows int) []float64 {
	ratios := make([][]float64, windows)
	for _, c := range counts {
		total, logs := 0.0, 0.0
		for _, v := range c {
			total += v
			logs += math.Log(v + 0.5)
		}
		if total < 5*float64(windows) {
			continue
		}
		for w, v := range c {
			ratios[w] = append(ratios[w], math.Log(v+0.5)-logs/float64(windows))
		}
	}
	out := make([]float64, windows)
	for w := range out {
		out[w] = math.Exp(median(ratios[w]))
	}
	return out
}

// median is 0 for no values; it sorts its argument.
func median(vs []float64) float64 {
	n := len(vs)
	if n == 0 {
		return 0
	}
	slices.Sort(vs)
	return (vs[(n-1)/2] + vs[n/2]) / 2
}
