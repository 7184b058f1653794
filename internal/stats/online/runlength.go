package online

import (
	"math"
	"slices"
)

const (
	// overshoot is the integral of x ν(x)² with ν(x) near exp(-0.583 x), the
	// share of the evidence that is overshoot (Siegmund and Venkatraman 1995).
	overshoot = 0.735
	// shortfall is how much longer the clip and the error of the baseline make
	// the run than that formula, measured; see TestCalibration.
	shortfall = 5.0 / 3
)

// runLength is the logarithm of the mean run to a false alarm when an alarm
// takes a log likelihood ratio of gain: exp(gain) sqrt(pi/gain) / overshoot
// for both directions together, twice that for one.
func runLength(gain float64, d Direction) float64 {
	if gain < 0.5 { // where the formula has its minimum
		return 0
	}
	log := gain + math.Log(shortfall/overshoot) + math.Log(math.Pi/gain)/2
	if d != Both {
		log += math.Ln2
	}
	return log
}

// gainFor inverts runLength.
func gainFor(log float64, d Direction) float64 {
	low, high := 0.5, log+10
	for range 60 {
		if middle := (low + high) / 2; runLength(middle, d) < log {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

func sortedMedian(values []float64) float64 {
	slices.Sort(values)
	return median(values)
}
