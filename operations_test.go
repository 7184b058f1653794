package pitwall_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

func TestBucketsTileTheLine(t *testing.T) {
	last := time.Duration(0)
	for b := 0; last < math.MaxInt64; b++ {
		low, high := pitwall.BucketBounds(b)
		if low != last || high <= low || pitwall.Bucket(low) != b || pitwall.Bucket(high-1) != b {
			t.Fatalf("bucket %d is [%d, %d) after %d; its ends fall into %d and %d", b, low, high, last, pitwall.Bucket(low), pitwall.Bucket(high-1))
		}
		if low > 16 && float64(high-low)/float64(low) > 0.0626 {
			t.Fatalf("bucket %d is %g of its value wide", b, float64(high-low)/float64(low))
		}
		last = high
	}
}

func TestHistogramQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var whole, left, right pitwall.Histogram
	var values []float64
	for i := range 20_000 {
		d := time.Duration(math.Exp(r.NormFloat64()*1.5 + 16))
		values = append(values, float64(d))
		whole.Add(pitwall.Bucket(d), 1)
		if i%3 == 0 {
			left.Add(pitwall.Bucket(d), 1)
		} else {
			right.Add(pitwall.Bucket(d), 1)
		}
	}
	left.Merge(right)
	slices.Sort(values)
	for _, q := range []float64{0, 0.5, 0.9, 0.99, 0.999, 1} {
		got, ok := whole.Quantile(q)
		again, _ := left.Quantile(q)
		want := values[min(len(values)-1, int(q*float64(len(values))))]
		if !ok || got != again || math.Abs(float64(got)/want-1) > 0.07 {
			t.Errorf("quantile %g: %v, merged %v, exactly %v", q, got, again, time.Duration(want))
		}
	}
	if _, ok := new(pitwall.Histogram).Quantile(0.5); ok {
		t.Error("nothing counted has a median")
	}
}

func TestHistogramAbove(t *testing.T) {
	var h pitwall.Histogram
	for _, ms := range []int64{10, 100, 200, 900} {
		h.Add(pitwall.Bucket(time.Duration(ms)*time.Millisecond), 2)
	}
	for ms, want := range map[int64]int64{1: 8, 50: 6, 500: 2, 2000: 0} {
		if got := h.Above(time.Duration(ms) * time.Millisecond); got != want {
			t.Errorf("above %d ms: %d, want %d", ms, got, want)
		}
	}
}
