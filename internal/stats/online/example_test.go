package online_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/pitwall/pitwall/internal/stats/online"
)

// A latency of 200 ms with 5 % noise rises by a tenth at row 300.
func Example() {
	rng := rand.New(rand.NewPCG(1, 2))
	d := online.New(online.Options{MinEffect: 0.02})
	for row := range 400 {
		latency := 200 + 10*rng.NormFloat64()
		if row >= 300 {
			latency += 20
		}
		if a, ok := d.Observe(latency); ok {
			fmt.Printf("rang at %d: since %d (%d to %d), %+.0f %% (%+.0f to %+.0f %%)\n",
				a.Index, a.Onset, a.Earliest, a.Latest, 100*a.Effect, 100*a.EffectLow, 100*a.EffectHigh)
		}
	}
	fmt.Println(d.Phase())
	// Output:
	// rang at 304: since 300 (296 to 304), +12 % (+6 to +17 %)
	// ringing
}
