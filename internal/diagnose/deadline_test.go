package diagnose

import (
	"testing"

	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// TestCutOff: calls given up alike are cut at a deadline though a few were under
// way when it came; where many are answered later, there is none.
func TestCutOff(t *testing.T) {
	even := func(n int, from, to float64) []fold.Sample {
		list := make([]fold.Sample, n)
		for i := range list {
			list[i].V = from + (to-from)*float64(i)/float64(n)
		}
		return list
	}
	for name, c := range map[string]struct {
		broke   []fold.Sample
		later   int
		cut     bool
		lowered bool
	}{
		"none later":        {even(100, 0.080, 0.083), 0, true, true},
		"a few later":       {even(100, 0.080, 0.083), 5, true, true},
		"one too many":      {even(100, 0.080, 0.083), 6, false, false},
		"a slow tail":       {even(100, 0.080, 0.083), 60, false, false},
		"as if by chance":   {even(100, 0.030, 0.300), 0, false, false},
		"where it had been": {even(100, 0.380, 0.383), 0, true, false},
		"hardly any":        {even(9, 0.080, 0.083), 0, false, false},
	} {
		x := &inquiry{g: fold.NewGraph(), base: &fold.Side{}, head: &fold.Side{}}
		x.g.Ops = []fold.Operation{{Service: "checkout"}, {Service: "payment"}}
		x.g.Calls = []fold.Call{{From: 0, To: 1, Name: "POST /charge"}}
		x.base.Call(0).Passed = even(400, 0.010, 0.200)
		x.head.Call(0).Passed, x.head.Call(0).Broke = append(even(120, 0.010, 0.079), even(c.later, 0.150, 0.250)...), c.broke
		if got := x.cutOff(0); got.at > 0 != c.cut || got.lowered != c.lowered {
			t.Errorf("%s: cut at %v, lowered %v", name, got.at, got.lowered)
		}
	}
}
