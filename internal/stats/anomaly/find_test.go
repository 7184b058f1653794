package anomaly

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/pitwall/pitwall/internal/stats/labelled"
)

// noise is a month of hourly points at level 100 with deviation 1.
func noise(seed uint64) []float64 {
	return labelled.Noise("ar0.3", 30*24, rand.New(rand.NewPCG(seed, 11)))
}

// covers says whether one of the anomalies touches the rows from..to.
func covers(found []Anomaly, from, to int) bool {
	for _, a := range found {
		if a.Start <= to && a.End >= from {
			return true
		}
	}
	return false
}

// TestFindIsObserve holds that Find says what Observe said row by row, and that
// what was said does not depend on what came later.
func TestFindIsObserve(t *testing.T) {
	values := noise(1)
	for i := 400; i < 410; i++ {
		values[i] += 30
	}
	values[500], values[600] = math.NaN(), 20
	d := New(Options{Step: 3600})
	rows := map[int]bool{}
	for row, v := range values {
		w := d.Observe(v)
		if w.Anomalous {
			rows[row] = true
			if w.Start > row || !rows[w.Start] {
				t.Errorf("row %d began in row %d", row, w.Start)
			}
		}
	}
	found := Find(values, Options{Step: 3600})
	if !covers(found, 400, 401) || !covers(found, 600, 600) {
		t.Errorf("%+v", found)
	}
	for _, a := range found {
		if !rows[a.Start] || !rows[a.End] || !rows[a.Peak] || a.Peak < a.Start || a.Peak > a.End || a.Score <= 1 {
			t.Errorf("%+v", a)
		}
	}
	for _, cut := range []int{100, 401, 405, 450, 601, 700} {
		past := Find(values[:cut], Options{Step: 3600})
		for i, a := range past {
			b := found[i]
			if a.Start != b.Start || (i < len(past)-1 && !cmp.Equal(a, b)) {
				t.Errorf("at row %d: %+v, later %+v", cut, a, b)
			}
		}
	}
	if again := Find(values, Options{Step: 3600}); !cmp.Equal(found, again) {
		t.Error(cmp.Diff(found, again))
	}
}

// TestTroubles are things that must be found, with the band around them.
func TestTroubles(t *testing.T) {
	for name, c := range map[string]struct {
		from, to int
		change   func(v []float64)
		up       bool
	}{
		"spike":      {500, 500, func(v []float64) { v[500] += 12 }, true},
		"dip":        {500, 500, func(v []float64) { v[500] -= 12 }, false},
		"to zero":    {500, 504, func(v []float64) { clear(v[500:505]) }, false},
		"new level":  {500, 506, func(v []float64) { add(v[500:], 12) }, true},
		"four hours": {500, 504, func(v []float64) { add(v[500:504], 7) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			v := noise(2)
			c.change(v)
			found := Find(v, Options{Step: 3600})
			if len(found) != 1 || !covers(found, c.from, c.to) || found[0].Up != c.up {
				t.Fatalf("%+v", found)
			}
			a := found[0]
			if a.Start < c.from || !(a.Low < a.Expected && a.Expected < a.High) || math.Abs(a.Expected-100) > 3 {
				t.Errorf("%+v", a)
			}
		})
	}
}

func add(v []float64, by float64) {
	for i := range v {
		v[i] += by
	}
}

// TestHabits are no news: a batch every night, a spike every other day, a sawtooth.
func TestHabits(t *testing.T) {
	for name, habit := range map[string]func(i int) float64{
		"nightly batch":  func(i int) float64 { return 50 * one(i%24 == 3) },
		"every 50 hours": func(i int) float64 { return 50 * one(i%50 == 7) },
		"office hours":   func(i int) float64 { return 50 * one(i%24 > 8 && i%24 < 17) },
		"sawtooth":       func(i int) float64 { return float64(i % 36) },
	} {
		v := noise(4)
		for i := range v {
			v[i] += habit(i)
		}
		for _, a := range Find(v, Options{Step: 3600}) {
			if a.Start > 10*24 {
				t.Errorf("%s: %+v", name, a)
			}
		}
	}
}

func one(x bool) float64 {
	if x {
		return 1
	}
	return 0
}

// TestMissingHabit: office hours that do not come, and work on the usual level
// at night, lie well inside the range of the values and are seen all the same.
func TestMissingHabit(t *testing.T) {
	for _, step := range []float64{3600, 300} {
		day := int(86400 / step)
		rng := rand.New(rand.NewPCG(5, 5))
		v := make([]float64, 20*day)
		for i := range v {
			v[i] = 20 + rng.NormFloat64()
			if hour := i % day * 24 / day; hour >= 9 && hour < 17 && i/day != 15 {
				v[i] += 60
			}
		}
		found := Find(v, Options{Step: step})
		if !covers(found, 15*day+9*day/24, 15*day+17*day/24) {
			t.Errorf("step %g: %+v", step, found)
		}
		others := 0
		for _, a := range found {
			if a.Start > 7*day && a.Start/day != 15 {
				others++
			}
		}
		if others > 1 {
			t.Errorf("step %g: %+v", step, found)
		}
	}
}

// TestFirstWeekend: the first day of rest is no missing work, although five days
// of work look like a habit by then.
func TestFirstWeekend(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 13))
	v := make([]float64, 21*24)
	for i := range v {
		v[i] = 20 + rng.NormFloat64()
		if day, hour := i/24%7, i%24; day > 0 && day < 6 && hour >= 9 && hour < 17 {
			v[i] += 60
		}
	}
	if found := Find(v, Options{Step: 3600}); covers(found, 6*24, 9*24-1) {
		t.Errorf("%+v", found)
	}
}

// TestFrozen: a noisy series that stops moving inside its usual range is found,
// a count that is mostly 0 may stay there.
func TestFrozen(t *testing.T) {
	v, count := noise(6), noise(7)
	for i := 400; i < 430; i++ {
		v[i] = 100
	}
	for i := range count {
		count[i] = one(i%9 == 0)
		if i > 300 {
			count[i] = 0
		}
	}
	found := Find(v, Options{Step: 3600})
	if len(found) != 1 || !found[0].Frozen || found[0].Start != 400+frozen {
		t.Errorf("%+v", found)
	}
	for _, a := range Find(count, Options{Step: 3600}) {
		if a.Frozen {
			t.Errorf("%+v", a)
		}
	}
}

// TestConstant: the first change of a constant is as far off as can be said,
// rounding is none.
func TestConstant(t *testing.T) {
	v, tenth := make([]float64, 500), 0.1
	for i := range v {
		v[i] = 0.3
		if i%2 == 0 {
			v[i] = tenth + 2*tenth // 0.30000000000000004
		}
	}
	v[400] = 0.31
	found := Find(v, Options{Step: 3600})
	if len(found) != 1 || found[0].Start != 400 || found[0].Score < 100 {
		t.Errorf("%+v", found)
	}
}

// TestGaps: missing points keep their rows; a long gap is not an anomaly here.
func TestGaps(t *testing.T) {
	v := noise(8)
	for i := 100; i < 200; i++ {
		v[i] = math.NaN()
	}
	v[250], v[251] = math.Inf(1), math.Inf(-1)
	v[500] += 15
	if found := Find(v, Options{Step: 3600}); !covers(found, 500, 500) || covers(found, 100, 260) {
		t.Errorf("%+v", found)
	}
	d := New(Options{})
	for range 1000 {
		if w := d.Observe(math.NaN()); w.Ready || w.Anomalous {
			t.Fatalf("%+v", w)
		}
	}
}

// TestWarmup: nothing is judged before Warmup rows, and something soon after.
func TestWarmup(t *testing.T) {
	for _, step := range []float64{0, 15, 60, 300, 3600, 7200, 86400} {
		o := Options{Step: step}
		rng := rand.New(rand.NewPCG(9, 9))
		d, first := New(o), -1
		for row := 0; row < 2*Warmup(o) && first < 0; row++ {
			if d.Observe(rng.NormFloat64()).Ready {
				first = row
			}
		}
		if first < 0 || first > Warmup(o) {
			t.Errorf("step %g: first judged row %d, warm-up %d rows", step, first, Warmup(o))
		}
	}
}

// TestState: the state is of fixed size, and a point costs no allocation.
func TestState(t *testing.T) {
	for _, step := range []float64{1, 60, 3600, 86400} {
		d := New(Options{Step: step})
		views := 2 + len(d.level) + len(d.portion)
		bytes := int(unsafe.Sizeof(*d)) + 16*(len(d.week.ring)+len(d.recent.ring)+len(d.three.ring)+len(d.hours.ring)) +
			views*(int(unsafe.Sizeof(view{}))+2*16*memory)
		if bytes > 32<<10 {
			t.Errorf("step %g: %d bytes", step, bytes)
		}
		rng := rand.New(rand.NewPCG(10, 10))
		for range 2000 {
			d.Observe(rng.NormFloat64())
		}
		if n := testing.AllocsPerRun(2000, func() { d.Observe(rng.NormFloat64()) }); n > 0 {
			t.Errorf("step %g: %g allocations a point", step, n)
		}
	}
}
