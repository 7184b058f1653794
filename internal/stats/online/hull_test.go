package online

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The corners must hold the best of all starts, at every point and for every
// kind of walk.
func TestHullHoldsTheBestStart(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		drift := []float64{0, 0.3, -0.3, 1}[seed%4]
		var h hull
		h.reset(0)
		sums := []float64{0}
		most := 0
		for i := 1; i <= 2000; i++ {
			step := drift + rng.NormFloat64()
			if seed >= 10 {
				step = math.Round(step) // ties and straight lines
			}
			h.add(1, step)
			sums = append(sums, sums[i-1]+step)
			want, got := 0.0, 0.0
			for k := range i {
				if s := sums[i] - sums[k]; s > 0 {
					want = max(want, s*s/float64(i-k))
				}
			}
			for k := range h.n {
				if s := h.y - h.corner[k].Y; s > 0 {
					got = max(got, s*s/(h.x-h.corner[k].X))
				}
			}
			if math.Abs(got-want) > 1e-9*(1+want) {
				t.Fatalf("seed %d, point %d: best start %v, corners give %v", seed, i, want, got)
			}
			h.push(i)
			most = max(most, h.n)
		}
		if most == hullSize {
			t.Logf("seed %d filled the hull", seed)
		}
	}
}

// A sum that bends upwards for ever is the worst case: every start is a corner.
// The bound then costs little.
func TestHullIsBounded(t *testing.T) {
	var h hull
	h.reset(0)
	sums := []float64{0}
	for i := 1; i <= 5000; i++ {
		step := float64(i) / 5000
		h.add(1, step)
		sums = append(sums, sums[i-1]+step)
		want, got := 0.0, 0.0
		for k := range i {
			want = max(want, (sums[i]-sums[k])*(sums[i]-sums[k])/float64(i-k))
		}
		for k := range h.n {
			got = max(got, (h.y-h.corner[k].Y)*(h.y-h.corner[k].Y)/(h.x-h.corner[k].X))
		}
		if got < 0.97*want {
			t.Fatalf("point %d: best start %v, corners give %v", i, want, got)
		}
		h.push(i)
		if h.n > hullSize {
			t.Fatalf("%d corners", h.n)
		}
	}
}

func TestRunLengthInverts(t *testing.T) {
	for _, d := range []Direction{Both, Up} {
		for _, arl := range []float64{100, 10_000, 1e12} {
			if got := math.Exp(runLength(gainFor(math.Log(arl), d), d)); math.Abs(got/arl-1) > 1e-6 {
				t.Errorf("direction %v: run length %v, want %v", d, got, arl)
			}
		}
	}
}
