package changes

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pitwall/pitwall/internal/stats/labelled"
)

// grows checks one promise: what a prefix confirms, the whole shows, at the same
// row, confirmed at the same length. Every length is looked at when step is 1.
func grows(t *testing.T, name string, values []float64, step int) {
	t.Helper()
	type key struct {
		index, at int
		variance  bool
	}
	seen := map[key]bool{}
	for n := 1; n <= len(values); n += step {
		now := map[key]bool{}
		for _, c := range Find(values[:n], Options{}).Changes {
			now[key{c.Index, c.ConfirmedAt, c.Kind == Variance}] = true
			if c.ConfirmedAt > n {
				t.Fatalf("%s: confirmed at %d of %d rows", name, c.ConfirmedAt, n)
			}
		}
		for k := range seen {
			if !now[k] {
				t.Fatalf("%s: the change %v was confirmed and is gone with %d rows", name, k, n)
			}
		}
		seen = now
	}
}

func TestConfirmedNeverVanishes(t *testing.T) {
	for _, set := range []string{"unlabelled", "tcpd", "tcpd-extra", "graded", "planted", "microsoft"} {
		for i, s := range labelled.Load(t, set) {
			if !s.Tuning() || i%6 != 0 && !calibrating() {
				continue
			}
			step := 1
			if len(s.Value) > 300 && !calibrating() {
				step = 1 + len(s.Value)/30
			}
			if len(s.Value) > 2000 {
				step = 1 + len(s.Value)/60
			}
			grows(t, s.Name, s.Value, step)
		}
	}
	for seed := range uint64(7) {
		kind := labelled.Noises()[seed]
		v := labelled.Noise(kind, 300, rand.New(rand.NewPCG(seed, 1)))
		for i := range v {
			if i%7 == 3 {
				v[i] = math.NaN()
			}
			v[i] += 4 * float64(i/90%2)
		}
		grows(t, kind, v, 3)
	}
}

func TestSameAnswerTwice(t *testing.T) {
	for _, s := range labelled.Load(t, "graded") {
		a, b := Find(s.Value, Options{Seed: 3}), Find(s.Value, Options{Seed: 3})
		if d := cmp.Diff(a, b, cmpopts.EquateNaNs()); d != "" {
			t.Errorf("%s: two answers for the same values:\n%s", s.Name, d)
		}
	}
}
