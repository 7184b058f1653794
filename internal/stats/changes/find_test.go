package changes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/pitwall/pitwall/internal/stats/labelled"
)

// TestKinds tells the kinds apart: each series holds one change of one kind.
func TestKinds(t *testing.T) {
	shapes := map[Kind]func(i int, e float64) float64{
		Step: func(i int, e float64) float64 {
			if i >= 200 {
				return 103 + e
			}
			return 100 + e
		},
		Ramp:     func(i int, e float64) float64 { return 100 + e + 0.2*math.Max(float64(i-200), 0) },
		Variance: func(i int, e float64) float64 { return 100 + e*(1+2*float64(i/200)) },
	}
	for kind, shape := range shapes {
		right := 0
		for seed := range uint64(20) {
			rng := rand.New(rand.NewPCG(seed, 5))
			v := make([]float64, 400)
			for i := range v {
				v[i] = shape(i, rng.NormFloat64())
			}
			c := Find(v, Options{}).Changes
			if len(c) > 0 && c[0].Kind == kind && max(c[0].Index-200, 200-c[0].Index) <= 15 {
				right++
			}
		}
		t.Logf("%s: %d of 20", kind, right)
		if right < 17 {
			t.Errorf("%s: only %d of 20 are told as such", kind, right)
		}
	}
}

func TestSpikesAreNoChanges(t *testing.T) {
	v := labelled.Noise("iid", 300, rand.New(rand.NewPCG(1, 1)))
	for _, i := range []int{50, 120, 121, 200, 201, 202} {
		v[i] = 112
	}
	r := Find(v, Options{})
	if len(r.Changes) > 0 {
		t.Errorf("spikes are called changes: %+v", r.Changes)
	}
	if len(r.Spikes) < 6 {
		t.Errorf("six spikes, told are %v", r.Spikes)
	}
}

// TestIntervals: place and effect lie in their intervals about as often as said.
func TestIntervals(t *testing.T) {
	series := 60
	if calibrating() {
		series = 1000
	}
	for _, sigma := range []float64{1, 2, 3} {
		place, effect, found, width := 0.0, 0.0, 0.0, 0.0
		for seed := range uint64(series) {
			rng := rand.New(rand.NewPCG(seed, 8))
			v := labelled.Noise("iid", 400, rng)
			at := 150 + rng.IntN(100)
			for i := at; i < len(v); i++ {
				v[i] += sigma
			}
			c := Find(v, Options{}).Changes
			if len(c) != 1 {
				continue
			}
			found++
			width += float64(c[0].Latest - c[0].Earliest)
			if c[0].Earliest <= at && at <= c[0].Latest {
				place++
			}
			if e := sigma / 100; c[0].EffectLow <= e && e <= c[0].EffectHigh {
				effect++
			}
		}
		t.Logf("%.0f sigma: found %.0f of %d, place in its interval %.1f %%, %.1f rows wide, effect %.1f %%", sigma, found, series, 100*place/found, width/found, 100*effect/found)
		if place/found < 0.88 || effect/found < 0.85 {
			t.Errorf("%.0f sigma: intervals hold the place in %.0f %% and the effect in %.0f %%", sigma, 100*place/found, 100*effect/found)
		}
	}
}

func TestSuspectIsConfirmedByMorePoints(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	v := labelled.Noise("iid", 220, rng)
	for i := 200; i < len(v); i++ {
		v[i] += 2.5
	}
	suspected := false
	for n := 201; n <= 220; n++ {
		r := Find(v[:n], Options{})
		for _, s := range r.Suspects {
			suspected = suspected || s.Kind == Step && s.Needs > 0 && max(s.Index-200, 200-s.Index) <= 5
		}
		if len(r.Changes) > 0 {
			if !suspected {
				t.Errorf("confirmed with %d points and never suspected", n)
			}
			return
		}
	}
	t.Error("a step of 2.5 standard deviations is not confirmed by 20 points")
}

func TestGapsAndOddValues(t *testing.T) {
	v := labelled.Noise("iid", 300, rand.New(rand.NewPCG(2, 2)))
	for i := range v {
		if i >= 150 {
			v[i] += 5
		}
		if i%5 == 0 {
			v[i] = math.NaN()
		}
	}
	v[17] = math.Inf(1)
	r := Find(v, Options{})
	if len(r.Changes) != 1 || max(r.Changes[0].Index-151, 151-r.Changes[0].Index) > 2 {
		t.Errorf("a step at row 151 among gaps: %+v", r.Changes)
	}
	for _, v := range [][]float64{nil, {1}, {1, 2}, {math.NaN(), math.NaN()}, make([]float64, 500)} {
		if r := Find(v, Options{}); len(r.Changes)+len(r.Suspects) > 0 {
			t.Errorf("%d values without a change: %+v", len(v), r)
		}
	}
}

// TestSeasonKeepsStepAcrossGaps: gaps do not shift the phase of a season.
func TestSeasonKeepsStepAcrossGaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	v := make([]float64, 600)
	for i := range v {
		v[i] = 100 + rng.NormFloat64() + 10*math.Sin(2*math.Pi*float64(i)/24)
		if i >= 400 {
			v[i] += 4
		}
		if i%50 < 7 {
			v[i] = math.NaN()
		}
	}
	r := Find(v, Options{Season: 24})
	if len(r.Changes) != 1 || max(r.Changes[0].Index-407, 407-r.Changes[0].Index) > 9 {
		t.Errorf("a step at row 400, the first seen at 407: %+v", r.Changes)
	}
}

// TestScaleDoesNotMatter: units are the caller's business.
func TestScaleDoesNotMatter(t *testing.T) {
	v := labelled.Noise("ar0.3", 300, rand.New(rand.NewPCG(6, 6)))
	for i := 170; i < len(v); i++ {
		v[i] += 4
	}
	want := fmt.Sprint(rows(v))
	for _, k := range []float64{1.0 / 1024, 1 << 40, -4, math.Ldexp(1, 300), math.Ldexp(1, -300)} {
		w := make([]float64, len(v))
		for i := range v {
			w[i] = v[i] * k
		}
		if got := fmt.Sprint(rows(w)); got != want {
			t.Errorf("times %v: %v, not %v", k, got, want)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte{0, 1, 2, 255, 254, 3, 3, 3, 3, 3, 3, 200, 200, 200, 200, 200, 200, 200}, uint8(0))
	f.Add([]byte{9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}, uint8(3))
	odd := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 0, 1e308}
	f.Fuzz(func(t *testing.T, raw []byte, season uint8) {
		v := make([]float64, len(raw))
		for i, b := range raw {
			if v[i] = float64(b); b >= 248 {
				v[i] = odd[b-248]
			}
		}
		r := Find(v, Options{Season: int(season)})
		for _, c := range r.Changes {
			if c.Earliest > c.Index || c.Latest < c.Index || c.ConfirmedAt <= c.Index || c.ConfirmedAt > len(v) || !(c.P > 0 && c.P <= 1) {
				t.Fatalf("%+v of %d rows", c, len(v))
			}
		}
		at := map[[2]int]bool{}
		for _, c := range r.Changes {
			at[[2]int{c.Index, c.ConfirmedAt}] = true
		}
		for _, c := range Find(v[:len(v)*2/3], Options{Season: int(season)}).Changes {
			if !at[[2]int{c.Index, c.ConfirmedAt}] {
				t.Fatalf("%+v of a prefix is gone", c)
			}
		}
		for _, s := range r.Suspects {
			if s.Needs < 1 || s.Index >= len(v) {
				t.Fatalf("%+v of %d rows", s, len(v))
			}
		}
	})
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		for _, steps := range []int{0, 20, 200} {
			rng := rand.New(rand.NewPCG(1, 2))
			v, level, next := labelled.Noise("iid", n, rng), 0.0, n
			if steps > 0 {
				next = n / (steps + 1)
			}
			for i := range v {
				if steps > 0 && i == next {
					level += 5 * float64(1-2*rng.IntN(2))
					next += n/(steps+1)/2 + rng.IntN(n/(steps+1))
				}
				v[i] += level
			}
			b.Run(fmt.Sprintf("%d points %d steps", n, steps), func(b *testing.B) {
				b.ReportAllocs()
				found := 0
				for b.Loop() {
					found = len(Find(v, Options{}).Changes)
				}
				b.ReportMetric(float64(found), "changes")
			})
		}
	}
	v := labelled.Noise("daily", 10_000, rand.New(rand.NewPCG(1, 3)))
	b.Run("10000 points daily", func(b *testing.B) {
		for b.Loop() {
			Find(v, Options{})
		}
	})
}
