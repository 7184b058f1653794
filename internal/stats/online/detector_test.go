package online_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/pitwall/pitwall/internal/stats/online"
)

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 5)) }

// normal is n points of level 100 and deviation 1, with a step from a row on.
func normal(rng *rand.Rand, n, from int, step float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 100 + rng.NormFloat64()
		if i >= from {
			out[i] += step
		}
	}
	return out
}

// first is the first alarm of a series.
func first(d *online.Detector, values []float64) (online.Alarm, bool) {
	for _, v := range values {
		if a, ok := d.Observe(v); ok {
			return a, true
		}
	}
	return online.Alarm{}, false
}

func TestStepIsFound(t *testing.T) {
	for _, step := range []float64{-3, -2, 2, 3, 8} {
		located, sized := 0, 0
		const runs = 100
		for seed := range uint64(runs) {
			d := online.New(online.Options{})
			a, ok := first(d, normal(random(seed), 400, 200, step))
			if !ok || a.Index < 200 || a.Up != (step > 0) {
				continue
			}
			if a.Earliest <= 200 && 200 <= a.Latest && a.Earliest <= a.Onset && a.Onset <= a.Latest && a.Latest <= a.Index {
				located++
			}
			if a.EffectLow <= step/100 && step/100 <= a.EffectHigh {
				sized++
			}
			logE, need := d.Evidence()
			if a.LogE < math.Log(10_000) || a.P <= 0 || a.P > 0.02 || logE != a.LogE || need > a.LogE {
				t.Fatalf("step %v, seed %d: evidence %v of %v in %+v", step, seed, logE, need, a)
			}
		}
		if located < 95 || sized < 88 {
			t.Errorf("step %v: the interval holds the onset in %d and the effect in %d of %d", step, located, sized, runs)
		}
	}
}

// One point of any size must not ring, whatever the series did before, and
// must not hide a step that follows it.
func TestOneOutlier(t *testing.T) {
	for _, size := range []float64{4, 6, 20, -6, 1e9} {
		rang, late := 0, 0
		const runs = 500
		for seed := range uint64(runs) {
			values := normal(random(seed), 200, 101, 3)
			values[100] += size
			d := online.New(online.Options{})
			if _, ok := first(d, values[:101]); ok {
				rang++
			}
			if a, ok := first(d, values[101:]); !ok || a.Index > 106 {
				late++
			}
		}
		if rang > 0 {
			t.Errorf("an outlier of %v rang in %d of %d", size, rang, runs)
		}
		if late > runs/20 {
			t.Errorf("after an outlier of %v a step of 3 took more than 6 points in %d of %d", size, late, runs)
		}
	}
}

func TestMinEffect(t *testing.T) {
	for _, rho := range []float64{0, 0.6} {
		base := online.Baseline{Level: 100, Scale: 0.1, Rho: rho, N: 1000}
		for _, c := range []struct {
			step float64
			want bool
		}{{0.9, false}, {-0.9, false}, {1.3, true}, {-1.3, true}} {
			d := online.New(online.Options{MinEffect: 0.01})
			if err := d.Rebaseline(base); err != nil {
				t.Fatal(err)
			}
			rng, rang, x := random(1), false, 0.0
			for range 2000 {
				x = rho*x + 0.1*rng.NormFloat64()
				_, ok := d.Observe(100 + c.step + x)
				rang = rang || ok
			}
			if rang != c.want {
				t.Errorf("a change of %v with 1 not worth an alarm, correlation %v: rang %v", c.step, rho, rang)
			}
		}
	}
}

// Whitening must not swallow a large step in slow noise: only its first point
// is news, but the series cannot have come that far by itself.
func TestLargeStepInSlowNoise(t *testing.T) {
	base := online.Baseline{Level: 100, Scale: 1, Rho: 0.9, N: 1000}
	for seed := range uint64(50) {
		d := online.New(online.Options{})
		if err := d.Rebaseline(base); err != nil {
			t.Fatal(err)
		}
		rng, x := random(seed), 0.0
		var values []float64
		for i := range 60 {
			x = 0.9*x + rng.NormFloat64()
			values = append(values, 100+x)
			if i >= 50 {
				values[i] += 20
			}
		}
		if a, ok := first(d, values); !ok || a.Index > 53 {
			t.Errorf("seed %d: a step of 20 rang %v, %+v", seed, ok, a)
		}
	}
}

func TestDirection(t *testing.T) {
	for _, c := range []struct {
		direction online.Direction
		up, down  bool
	}{{online.Both, true, true}, {online.Up, true, false}, {online.Down, false, true}} {
		_, up := first(online.New(online.Options{Direction: c.direction}), normal(random(3), 300, 150, 4))
		_, down := first(online.New(online.Options{Direction: c.direction}), normal(random(3), 300, 150, -4))
		if up != c.up || down != c.down {
			t.Errorf("direction %v rang up %v, down %v", c.direction, up, down)
		}
	}
}

// A change that goes away re-arms the detector, which then finds the next one;
// one that stays rings once, until the new level is accepted.
func TestReturnAndRebaseline(t *testing.T) {
	rng := random(4)
	d := online.New(online.Options{})
	var alarms []int
	feed := func(n int, level float64) {
		for range n {
			if a, ok := d.Observe(level + rng.NormFloat64()); ok {
				alarms = append(alarms, a.Onset)
			}
		}
	}
	feed(150, 100)
	feed(50, 103)
	if row, ok := d.Returned(); ok || d.Phase() != online.Ringing {
		t.Fatalf("returned at %d while the level is up; phase %v", row, d.Phase())
	}
	feed(50, 100)
	if row, ok := d.Returned(); !ok || row < 195 || row > 205 || d.Phase() != online.Watching {
		t.Errorf("returned %v at %d, want about 200; phase %v", ok, row, d.Phase())
	}
	feed(100, 103)
	if len(alarms) != 2 || alarms[0] < 148 || alarms[0] > 152 || alarms[1] < 248 || alarms[1] > 252 {
		t.Errorf("onsets %v, want 150 and 250", alarms)
	}
	base, _ := d.Baseline()
	base.Level = 103
	if err := d.Rebaseline(base); err != nil {
		t.Fatal(err)
	}
	feed(200, 103)
	feed(30, 100)
	if len(alarms) != 3 || alarms[2] < 548 || alarms[2] > 552 {
		t.Errorf("onsets %v, want a third at 550", alarms)
	}
	d.Relearn()
	feed(120, 50)
	if base, ok := d.Baseline(); !ok || math.Abs(base.Level-50) > 0.5 || len(alarms) != 3 {
		t.Errorf("learned anew %+v, %v; onsets %v", base, ok, alarms)
	}
}

// Missing points count as rows and as nothing else.
func TestGaps(t *testing.T) {
	rng := random(6)
	d := online.New(online.Options{})
	row := 0
	for i := range 400 {
		for range i % 3 {
			d.Observe(math.NaN())
			row++
		}
		v := 100 + rng.NormFloat64()
		if i >= 200 {
			v += 5
		}
		if a, ok := d.Observe(v); ok {
			if a.Index != row || a.Points != i-199 || a.Onset != onsetRow(200) {
				t.Errorf("alarm %+v at row %d, want the onset %d", a, row, onsetRow(200))
			}
			return
		}
		row++
	}
	t.Error("no alarm")
}

// onsetRow is the row of the i-th point when i%3 gaps stand before each.
func onsetRow(i int) int {
	row := 0
	for k := range i + 1 {
		row += k % 3
	}
	return row + i
}

// The same series in another unit or mirrored rings at the same row.
func TestUnitAndMirror(t *testing.T) {
	values := normal(random(8), 300, 180, 2)
	want, ok := first(online.New(online.Options{}), values)
	if !ok {
		t.Fatal("no alarm")
	}
	for _, scale := range []float64{1 << 20, 1.0 / (1 << 20), -1} {
		scaled := make([]float64, len(values))
		for i, v := range values {
			scaled[i] = v * scale
		}
		got, _ := first(online.New(online.Options{}), scaled)
		if got.Index != want.Index || got.Onset != want.Onset || got.Up != (scale > 0) ||
			math.Abs(math.Abs(got.Effect)-want.Effect) > 1e-9 {
			t.Errorf("times %v: %+v, want %+v", scale, got, want)
		}
	}
}

// Constant series have no noise to compare with: they take three points.
func TestConstant(t *testing.T) {
	for _, level := range []float64{0, 5, -1e9} {
		d := online.New(online.Options{})
		values := make([]float64, 203)
		for i := range values {
			values[i] = level
			if i >= 200 {
				values[i] = level + 1 + math.Abs(level)
			}
		}
		if a, ok := first(d, values); !ok || a.Index != 202 || a.Onset != 200 {
			t.Errorf("constant %v: %+v, %v", level, a, ok)
		}
	}
}

func TestBaselineRefuses(t *testing.T) {
	if _, err := online.Learn(make([]float64, 7)); err == nil {
		t.Error("7 points made a baseline")
	}
	d := online.New(online.Options{})
	for _, b := range []online.Baseline{
		{}, {Scale: 1}, {N: 9}, {Scale: 1, N: 9, Rho: 1}, {Scale: math.NaN(), N: 9}, {Level: math.Inf(1), Scale: 1, N: 9},
	} {
		if d.Rebaseline(b) == nil {
			t.Errorf("%+v was taken", b)
		}
	}
	if d.Phase() != online.Learning {
		t.Error("a refused baseline ended learning")
	}
}

// A level learned while 5 % of the points are outliers is that of the rest.
func TestLearn(t *testing.T) {
	rng := random(9)
	values := make([]float64, 4000)
	x := 0.0
	for i := range values {
		x = 0.6*x + rng.NormFloat64()
		values[i] = 100 + x
		if i%20 == 7 {
			values[i] += 50
		}
	}
	clean := make([]float64, 0, len(values))
	for i, v := range values {
		if i%20 == 7 {
			v = math.NaN()
		}
		clean = append(clean, v)
	}
	b, err := online.Learn(clean)
	if err != nil || math.Abs(b.Level-100) > 0.2 || math.Abs(b.Scale-1) > 0.05 || math.Abs(b.Rho-0.6) > 0.05 || b.N != 3800 {
		t.Errorf("baseline of clean points %+v, %v", b, err)
	}
	dirty, err := online.Learn(values)
	if err != nil || math.Abs(dirty.Level-100) > 0.5 || dirty.Scale > 2 {
		t.Errorf("baseline with outliers %+v, %v", dirty, err)
	}
}

func TestNoAllocationAndSmall(t *testing.T) {
	d := online.New(online.Options{})
	rng := random(10)
	for range 100 {
		d.Observe(rng.NormFloat64())
	}
	if n := testing.AllocsPerRun(2000, func() { d.Observe(rng.NormFloat64()) }); n != 0 {
		t.Errorf("%v allocations a point", n)
	}
	c := online.NewCounts(online.Options{})
	if n := testing.AllocsPerRun(2000, func() { c.ObserveCount(rng.Int64N(3), 100) }); n != 0 {
		t.Errorf("%v allocations a point of counts", n)
	}
	learning := unsafe.Sizeof(*d) + 3*100*8 // room to learn from 100 points
	if learning > 4096 || unsafe.Sizeof(*c) > 4096 {
		t.Errorf("%d bytes while learning, %d for counts, want at most 4,096", learning, unsafe.Sizeof(*c))
	}
}

func BenchmarkObserve(b *testing.B) {
	d := online.New(online.Options{ARL: 1e12})
	rng := random(11)
	values := make([]float64, 1<<16)
	for i := range values {
		values[i] = rng.NormFloat64()
	}
	for _, v := range values[:100] {
		d.Observe(v)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		d.Observe(values[i&(len(values)-1)])
		i++
	}
	b.ReportMetric(float64(unsafe.Sizeof(*d)), "state-bytes")
}

// One tick of a fleet: 100,000 series, one point each.
func BenchmarkFleet(b *testing.B) {
	const series = 100_000
	fleet := make([]*online.Detector, series)
	base := online.Baseline{Scale: 1, N: 100}
	for i := range fleet {
		fleet[i] = online.New(online.Options{ARL: 1e12})
		if err := fleet[i].Rebaseline(base); err != nil {
			b.Fatal(err)
		}
	}
	rng := random(12)
	b.ReportAllocs()
	for b.Loop() {
		for _, d := range fleet {
			d.Observe(rng.NormFloat64())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/series, "µs/point")
}

func BenchmarkObserveCount(b *testing.B) {
	d := online.NewCounts(online.Options{ARL: 1e12})
	if err := d.Rebaseline(online.CountBaseline{Hits: 100, Trials: 10_000}); err != nil {
		b.Fatal(err)
	}
	rng := random(13)
	hits := make([]int64, 1<<12)
	for i := range hits {
		for range 100 {
			if rng.Float64() < 0.01 {
				hits[i]++
			}
		}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		d.ObserveCount(hits[i&(len(hits)-1)], 100)
		i++
	}
	b.ReportMetric(float64(unsafe.Sizeof(*d)), "state-bytes")
}
