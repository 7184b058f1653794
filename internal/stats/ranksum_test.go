package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestRankSum: 16 values and 9 with U = 2 of 144, and the like; the wanted are
// reckoned by hand from the formula, the exact ones are in the comments.
func TestRankSum(t *testing.T) {
	for _, c := range []struct {
		a, b []float64
		want float64
	}{
		{[]float64{1, 2, 3, 4, 5}, []float64{6, 7, 8, 9, 10}, 0.01219}, // exact: 0.0079
		{[]float64{6, 7, 8, 9, 10}, []float64{1, 2, 3, 4, 5}, 0.01219},
		{[]float64{1, 2, 3}, []float64{4, 5, 6}, 0.08086}, // exact: 0.1
		{[]float64{1, 1, 2}, []float64{2, 3, 3}, 0.1101},
		{[]float64{1, 4}, []float64{2, 3}, 1},
		{[]float64{1, 1}, []float64{1, 1}, 1},
		{[]float64{1}, nil, 1},
		{nil, nil, 1},
	} {
		if got := RankSum(c.a, c.b); math.Abs(got-c.want) > 1e-4 {
			t.Errorf("RankSum(%v, %v) = %.5f, want %v", c.a, c.b, got, c.want)
		}
	}
}

// TestRankSumLevel: under the null, p is below a level no more often than that.
func TestRankSumLevel(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	hit := 0
	const runs = 4000
	for range runs {
		a, b := make([]float64, 16), make([]float64, 9)
		for i := range a {
			a[i] = r.ExpFloat64()
		}
		for i := range b {
			b[i] = r.ExpFloat64()
		}
		if RankSum(a, b) < 0.05 {
			hit++
		}
	}
	if hit > runs*6/100 || hit < runs*3/100 {
		t.Errorf("%d of %d null samples below 0.05", hit, runs)
	}
}
