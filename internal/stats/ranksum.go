package stats

import (
	"math"
	"slices"
)

// RankSum is the two-sided p-value of the rank-sum test of Mann and Whitney
// (1947): whether values of one sample tend to be larger than those of another,
// whatever their distribution. It uses the normal approximation with the
// corrections for continuity and for ties, which errs towards no difference in
// the tails. p is 1 where a sample is empty or all values are equal.
func RankSum(a, b []float64) (p float64) {
	n, m := float64(len(a)), float64(len(b))
	all := slices.Concat(a, b)
	slices.Sort(all)
	sorted := slices.Sorted(slices.Values(a))
	u := 0.0 // pairs in which b is the larger; equal ones count half
	for _, v := range b {
		below, _ := slices.BinarySearch(sorted, v)
		upTo, _ := slices.BinarySearchFunc(sorted, v, func(x, v float64) int {
			if x <= v {
				return -1
			}
			return 1
		})
		u += float64(below+upTo) / 2
	}
	ties := 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j] == all[i] {
			j++
		}
		t := float64(j - i)
		ties += t * (t*t - 1)
		i = j
	}
	whole := n + m
	variance := n * m / 12 * (whole + 1 - ties/(whole*(whole-1)))
	if !(variance > 0) {
		return 1
	}
	z := max(0, math.Abs(u-n*m/2)-0.5) / math.Sqrt(variance)
	return math.Erfc(z / math.Sqrt2)
}
