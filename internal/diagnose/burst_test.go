package diagnose

import (
	"math/rand/v2"
	"testing"

	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// stretch draws how many of some requests are bad.
func stretch(r *rand.Rand, n int, p float64) float64 {
	bad := 0.0
	for range n {
		if r.Float64() < p {
			bad++
		}
	}
	return bad
}

// TestShareStepPlacesBursts: trouble that is there in two of three stretches
// only is placed where it began, and the interval holds the truth.
func TestShareStepPlacesBursts(t *testing.T) {
	const begin, n = 60, 120
	missed := 0
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		var bad, count []float64
		for i := range n {
			p := 0.05
			if i >= begin && i%3 != 2 {
				p = 0.6
			}
			bad, count = append(bad, stretch(r, 5, p)), append(count, 5)
		}
		s, ok := shareStep(bad, count, 3)
		if !ok || s.Gain < onsetGain || s.Earliest > begin || s.Latest < begin || s.Latest-s.Earliest > 12 {
			missed++
			t.Logf("seed %d: %+v", seed, s)
		}
	}
	if missed > 10 {
		t.Errorf("%d of 100 onsets were not placed", missed)
	}
}

// TestShareStepIsCalm: bad requests that come in clumps all the time, and none
// at all, are no step.
func TestShareStepIsCalm(t *testing.T) {
	said := 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 5))
		var bad, count []float64
		for range 120 {
			p := 0.02
			if r.Float64() < 0.1 {
				p = 0.4
			}
			bad, count = append(bad, stretch(r, 5, p)), append(count, 5)
		}
		if s, ok := shareStep(bad, count, 3); ok && s.Gain > onsetGain {
			said++
		}
	}
	if said > 4 {
		t.Errorf("%d of 200 steps out of nothing", said)
	}
	if s, ok := shareStep(make([]float64, 50), slicesOf(50, 5), 3); ok {
		t.Errorf("a step of nothing: %+v", s)
	}
}

func slicesOf(n int, v float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

// TestFartherNeedsBursts: one block of failures is a hiccup, three are not.
func TestFartherNeedsBursts(t *testing.T) {
	base := fold.Series{Num: make([]float64, 16), Den: slicesOf(16, 30)}
	for _, bursts := range []int{1, 2, 3, 5} {
		head := fold.Series{Num: make([]float64, 16), Den: slicesOf(16, 30)}
		for i := range bursts {
			head.Num[3*i] = 8
		}
		if got := farther(base, head, failuresMatter); got != bursts {
			t.Errorf("%d bursts are counted as %d", bursts, got)
		}
	}
}
