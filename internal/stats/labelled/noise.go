package labelled

import (
	"math"
	"math/rand/v2"
)

// Noises are the kinds of series without any change on which false alarms are
// counted.
func Noises() []string {
	return []string{"iid", "ar0.3", "ar0.6", "ar0.9", "lognormal", "spikes", "daily"}
}

// Noise makes n points of one kind: level 100 and standard deviation 1 of the
// innovations; log-normal has sigma 0.5, spikes of 10 to 20 sigma are 2 % of
// the points, daily is a sine of 24 points and amplitude 2 sigma.
func Noise(kind string, n int, rng *rand.Rand) []float64 {
	out := make([]float64, n)
	rho := map[string]float64{"ar0.3": 0.3, "ar0.6": 0.6, "ar0.9": 0.9}[kind]
	x := rng.NormFloat64() / math.Sqrt(1-rho*rho)
	for i := range out {
		out[i] = 100 + x
		switch kind {
		case "lognormal":
			out[i] = 100 * math.Exp(0.5*rng.NormFloat64())
		case "spikes":
			if rng.Float64() < 0.02 {
				out[i] += 10 + 10*rng.Float64()
			}
		case "daily":
			out[i] += 2 * math.Sin(2*math.Pi*float64(i)/24)
		}
		x = rho*x + rng.NormFloat64()
	}
	return out
}
