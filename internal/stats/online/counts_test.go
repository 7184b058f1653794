package online_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/pitwall/pitwall/internal/stats"
	"github.com/pitwall/pitwall/internal/stats/online"
)

func binomial(rng *rand.Rand, n int64, p float64) (hits int64) {
	for range n {
		if rng.Float64() < p {
			hits++
		}
	}
	return hits
}

func counting(t testing.TB, o online.Options, b online.CountBaseline) *online.CountDetector {
	t.Helper()
	d := online.NewCounts(o)
	if err := d.Rebaseline(b); err != nil {
		t.Fatal(err)
	}
	return d
}

// The detector is the canary's evidence summed over all starts: bet on trials
// being hits as the canary bets on events lying in the treatment, give the
// canary the odds of the frozen share, and begin one test at every point.
func TestCountsAgreeWithTheCanary(t *testing.T) {
	base := online.CountBaseline{Hits: 300, Trials: 10_000}
	_, high := stats.Wilson(base.Hits, base.Trials, 0.683)
	d := counting(t, online.Options{ARL: 1e12, Direction: online.Up}, base)
	rng := random(1)
	var tests []*stats.RateTest
	for i := range 60 {
		hits := binomial(rng, 40, 0.06)
		if _, ok := d.ObserveCount(hits, 40); ok {
			t.Fatal("rang: the sum can no longer be compared")
		}
		tests = append(tests, stats.NewRateTest(1, high/(1-high)))
		want := 0.0
		for _, test := range tests {
			test.Observe([]stats.Count{{Treatment: hits, Total: 40}}, 1, 1)
			want += math.Exp(test.Up(nil))
		}
		if got, _ := d.Evidence(); math.Abs(got-max(0, math.Log(want))) > 1e-9 {
			t.Fatalf("point %d: evidence %v, the sum over starts is %v", i, got, math.Log(want))
		}
	}
}

// The mean of R grows by at most 1 a point while the share is inside the null:
// enumerated over two points, not simulated.
func TestCountsAreAnEDetector(t *testing.T) {
	for _, p := range []float64{0.005, 0.03, 0.4} {
		for _, direction := range []online.Direction{online.Up, online.Down} {
			trials := int64(12)
			base := online.CountBaseline{Hits: int64(p * 10_000), Trials: 10_000}
			low, high := stats.Wilson(base.Hits, base.Trials, 0.683)
			edge := high
			if direction == online.Down {
				edge = low
			}
			chances := make([]float64, trials+1)
			for k := range chances {
				chances[k] = stats.BinomialTail(int64(k), trials, edge) - stats.BinomialTail(int64(k)+1, trials, edge)
			}
			mean := 0.0
			for x, px := range chances {
				for y, py := range chances {
					d := counting(t, online.Options{ARL: 1e12, Direction: direction}, base)
					d.ObserveCount(int64(x), trials)
					d.ObserveCount(int64(y), trials)
					for _, r := range online.Sums(d, direction) {
						mean += px * py * r / stats.Alternatives
					}
				}
			}
			if mean > 2+1e-9 || mean < 1.9 {
				t.Errorf("share %v, direction %v: the mean of R after 2 points is %v, want 2", p, direction, mean)
			}
		}
	}
}

func TestCountsFindAndLocate(t *testing.T) {
	for _, c := range []struct {
		trials      int64
		before, now float64
		within      int // points in which nine of ten are found
	}{{200, 0.01, 0.03, 20}, {5, 0.01, 0.3, 20}, {2000, 0.001, 0.01, 5}, {200, 0.1, 0.03, 20}} {
		soon, located := 0, 0
		const runs = 50
		for seed := range uint64(runs) {
			rng := random(seed)
			d := online.NewCounts(online.Options{})
			for i := range 250 {
				p := c.before
				if i >= 200 {
					p = c.now
				}
				a, ok := d.ObserveCount(binomial(rng, c.trials, p), c.trials)
				if !ok {
					continue
				}
				if i >= 200 && i < 200+c.within && a.Up == (c.now > c.before) {
					soon++
				}
				if a.Earliest <= 200 && 200 <= a.Latest && a.EffectLow <= a.Effect && a.Effect <= a.EffectHigh {
					located++
				}
				break
			}
		}
		if soon < runs*9/10 || located < runs*9/10 {
			t.Errorf("%+v: %d found in time, %d located, of %d", c, soon, located, runs)
		}
	}
}

// A burst inside one point is one thing that happened, whatever its size, and a
// single error at low traffic is none.
func TestCountsOneBurst(t *testing.T) {
	rng := random(2)
	for _, trials := range []int64{1, 100, 1_000_000} {
		d := counting(t, online.Options{}, online.CountBaseline{Hits: 10, Trials: 2000})
		for range 50 {
			d.ObserveCount(binomial(rng, min(trials, 100), 0.005), min(trials, 100))
		}
		if a, ok := d.ObserveCount(trials, trials); ok {
			t.Errorf("one point of %d failures rang: %+v", trials, a)
		}
	}
	d := counting(t, online.Options{}, online.CountBaseline{Hits: 10, Trials: 2000})
	for i := range 3 {
		if _, ok := d.ObserveCount(1000, 1000); ok != (i == 2) {
			t.Errorf("total failure: rang %v at point %d, want the third", ok, i)
		}
	}
}

func TestCountsReturn(t *testing.T) {
	rng := random(3)
	d := online.NewCounts(online.Options{MinEffect: 0.1})
	var alarms []online.Alarm
	for i := range 600 {
		p := 0.01
		if i >= 150 && i < 250 || i >= 400 && i < 450 {
			p = 0.1
		}
		trials := int64(50)
		if i%7 == 0 {
			trials = 0
		}
		if a, ok := d.ObserveCount(binomial(rng, trials, p), trials); ok {
			alarms = append(alarms, a)
		}
	}
	row, _ := d.Returned()
	if len(alarms) != 2 || alarms[0].Onset < 145 || alarms[0].Onset > 155 || row < 445 || row > 455 {
		t.Errorf("alarms %+v, returned at %d", alarms, row)
	}
}

// Hits that come in clusters make the baseline say so and cost alarms nothing
// but time.
func TestCountsDispersion(t *testing.T) {
	rng := random(4)
	d := online.NewCounts(online.Options{})
	alarms := 0
	for range 5000 {
		hits := 5 * binomial(rng, 200, 0.002)
		if _, ok := d.ObserveCount(hits, 1000); ok {
			alarms++
			if err := d.Rebaseline(online.CountBaseline{Hits: 200, Trials: 100_000, Dispersion: 5}); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, ok := d.Baseline()
	if !ok || b.Dispersion < 2.5 || b.Dispersion > 9 || alarms > 1 {
		t.Errorf("clusters of 5: baseline %+v, %d alarms in 4,900 points", b, alarms)
	}
}
