package baseline

import "math"

// studentTail is P(T >= t) of Student's distribution with df >= 1 degrees of
// freedom, by the finite series for whole degrees (Abramowitz and Stegun 26.7.3,
// 26.7.4). It is never below 1e-15, where its digits end.
func studentTail(t float64, df int) float64 {
	if math.IsNaN(t) {
		return 1
	}
	theta := math.Atan(math.Abs(t) / math.Sqrt(float64(df)))
	sin, cos := math.Sincos(theta)
	sum, term := 0.0, 1.0
	first := df % 2
	if first == 1 {
		term = cos
	}
	for k := first; k <= df-2; k += 2 {
		sum += term
		term *= cos * cos * float64(k+1) / float64(k+2)
	}
	within := sin * sum
	if first == 1 {
		within = 2 / math.Pi * (theta + sin*sum)
	}
	tail := max(1e-15, (1-within)/2)
	if t < 0 {
		return 1 - tail
	}
	return tail
}

// studentQuantile is the t that a share q in (0.5, 1) stays below.
func studentQuantile(q float64, df int) float64 {
	low, high := 0.0, 1.0
	for studentTail(high, df) > 1-q && high < 1e9 {
		high *= 2
	}
	for range 60 {
		middle := (low + high) / 2
		if studentTail(middle, df) > 1-q {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

func sq(v float64) float64 { return v * v }
