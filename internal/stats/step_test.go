package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestStepIntervalHolds: the place of a step of two deviations lies in its
// interval about as often as promised, also where neighbours go together.
func TestStepIntervalHolds(t *testing.T) {
	const runs, n, at = 300, 120, 90
	for rho, least := range map[float64]float64{0: 0.95, 0.5: 0.92} {
		held := 0
		for seed := range uint64(runs) {
			rng := rand.New(rand.NewPCG(seed, 21))
			x, series := 0.0, make([]float64, n)
			for i := range series {
				x = rho*x + rng.NormFloat64()*math.Sqrt(1-rho*rho)
				if series[i] = x; i >= at {
					series[i] += 2
				}
			}
			if s, ok := FindStep(series, 2); ok && s.Earliest-1 <= at && at <= s.Latest {
				held++
			}
		}
		if got := float64(held) / runs; got < least {
			t.Errorf("with a correlation of %g the interval holds the step in %.2f of the series, want %g", rho, got, least)
		}
	}
}
