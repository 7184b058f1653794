package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// Quantile is the type 7 quantile (linear between order statistics, as in R,
// NumPy and spreadsheets) of values sorted in ascending order; q lies in
// [0,1]. It is NaN for no values.
func Quantile(sorted []float64, q float64) float64 {
	n := len(sorted)
	if n == 0 || math.IsNaN(q) {
		return math.NaN()
	}
	at := float64(n-1) * min(1, max(0, q))
	low := int(at)
	if low >= n-1 {
		return sorted[n-1]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

// QuantileInterval bounds the q quantile by two order statistics with at least
// the given confidence, whatever the distribution: the number of values below
// the true quantile is binomial. When there are too few values for a bound on
// one side, the outermost value stands there and exact is false.
func QuantileInterval(sorted []float64, q, confidence float64) (low, high float64, exact bool) {
	n := len(sorted)
	if n == 0 {
		return math.NaN(), math.NaN(), false
	}
	tail := (1 - confidence) / 2
	// lo is the largest rank with P(Binomial(n,q) < lo) <= tail, hi the smallest
	// with P(Binomial(n,q) >= hi) <= tail; ranks count from 1.
	lo := largestTrue(0, n, func(k int) bool { return 1-BinomialTail(int64(k), int64(n), q) <= tail })
	hi := largestTrue(0, n, func(k int) bool { return BinomialTail(int64(k), int64(n), q) > tail }) + 1
	exact = lo >= 1 && hi <= n
	return sorted[max(lo, 1)-1], sorted[min(hi, n)-1], exact
}

// largestTrue finds the largest k in [low, high] for which ok holds; ok must
// hold at low and, once false, stay false.
func largestTrue(low, high int, ok func(int) bool) int {
	for low < high {
		middle := (low + high + 1) / 2
		if ok(middle) {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low
}

// Median is the middle of values in any order; NaN for none.
func Median(values []float64) float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return Quantile(sorted, 0.5)
}

// Mean is the arithmetic mean; NaN for none.
func Mean(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// MeanInterval is the mean with its interval of normal theory: fair for many
// values, too narrow for a handful from a long tail.
func MeanInterval(values []float64, confidence float64) (mean, low, high float64) {
	mean = Mean(values)
	if len(values) < 2 {
		return mean, mean, mean
	}
	squares := 0.0
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	n := float64(len(values))
	half := NormalQuantile(1-(1-confidence)/2) * math.Sqrt(squares/(n-1)/n)
	return mean, mean - half, mean + half
}

// NormalQuantile is the standard normal quantile: 1.96 at 0.975.
func NormalQuantile(p float64) float64 { return mathext.NormalQuantile(p) }
