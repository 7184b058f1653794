package anomaly

import (
	"math/rand/v2"
	"testing"

	"github.com/pitwall/pitwall/internal/stats/labelled"
)

// BenchmarkObserve is the cost of one point after the warm-up.
func BenchmarkObserve(b *testing.B) {
	for _, step := range []struct {
		name    string
		seconds float64
	}{{"hour", 3600}, {"5min", 300}, {"15s", 15}} {
		b.Run(step.name, func(b *testing.B) {
			values := labelled.Noise("ar0.6", 1<<16, rand.New(rand.NewPCG(1, 2)))
			d := New(Options{Step: step.seconds})
			for _, v := range values {
				d.Observe(v)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				d.Observe(values[i&(len(values)-1)])
				i++
			}
		})
	}
}

// BenchmarkFind is a series of 100,000 points.
func BenchmarkFind(b *testing.B) {
	values := labelled.Noise("spikes", 100_000, rand.New(rand.NewPCG(1, 2)))
	b.ReportAllocs()
	for b.Loop() {
		Find(values, Options{Step: 60})
	}
}
