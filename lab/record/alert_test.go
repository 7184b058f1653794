package record

import (
	"math"
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	calm := func(float64) ask { return ask{took: .1} }
	for _, c := range []struct {
		name  string
		shape func(at float64) ask
		sli   string  // "" wants silence
		onset float64 // seconds after t0, within a step
	}{
		{"nothing happens", calm, "", 0},
		{"one step up", func(at float64) ask { return ask{took: pick(at < 70, .1, .2)} }, "latency", 70},
		{"a slow climb", func(at float64) ask { return ask{took: .1 + .01*math.Max(0, at-60)} }, "latency", 60},
		{"failures", func(at float64) ask { return ask{took: .1, failed: at >= 65 && math.Mod(at*1000, 10) < 1} }, "errors", 65},
		{"fast failures", func(at float64) ask {
			return ask{took: pick(at < 65, .1, .05), failed: at >= 65 && math.Mod(at*1000, 10) < 3}
		}, "errors", 65},
		{"a scare of two steps", func(at float64) ask { return ask{took: pick(at >= 60 && at < 70, .3, .1)} }, "", 0},
		{"faster", func(at float64) ask { return ask{took: pick(at < 60, .1, .05)} }, "", 0},
		{"slow from the beginning", func(float64) ask { return ask{took: 2} }, "", 0},
		{"failing from the beginning", func(at float64) ask { return ask{took: .1, failed: math.Mod(at*1000, 10) < 1} }, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := watch(ticks(requests(7, 120, c.shape), stretch(0, 120)))
			if a.fired != (c.sli != "") || a.sli != c.sli {
				t.Fatalf("got %+v, want %q", a, c.sli)
			}
			if !a.fired {
				return
			}
			if off := a.onset.Sub(from(c.onset)).Seconds(); math.Abs(off) > 10 {
				t.Errorf("the onset is %.0f s off", off)
			}
			if late := a.at.Sub(from(c.onset)); late < 10*time.Second || late > 40*time.Second {
				t.Errorf("told after %s", late)
			}
		})
	}
}

func pick(first bool, a, b float64) float64 {
	if first {
		return a
	}
	return b
}

// A rule that cries wolf makes quiet cases into loud ones.
func TestWatchKeepsStillOnNoise(t *testing.T) {
	fired := 0
	const runs = 200
	for seed := range uint64(runs) {
		if watch(ticks(requests(seed, 120, func(float64) ask { return ask{took: .1} }), stretch(0, 120))).fired {
			fired++
		}
	}
	if fired > runs/50 {
		t.Errorf("the alert fired in %d of %d runs in which nothing happened", fired, runs)
	}
}

func TestTicks(t *testing.T) {
	at := func(s float64) int64 { return from(s).UnixNano() }
	rs := []request{{at(-1), at(0), true}, {at(0), at(1), false}, {at(4.9), at(7.9), true}, {at(5), at(5.5), false}, {at(10), at(11), true}}
	ts := ticks(rs, stretch(0, 12))
	if len(ts) != 2 || ts[0].n != 2 || ts[0].failed != 1 || ts[0].mean != 2 || ts[1].n != 1 || ts[1].failed != 0 || ts[1].mean != .5 {
		t.Errorf("got %+v", ts)
	}
	if got := ticks(rs, stretch(5, 5)); got != nil {
		t.Errorf("an empty period has %+v", got)
	}
}

// The choice of periods knows the indicator, and nothing that an alerting
// system would not know.
func TestSplit(t *testing.T) {
	run := stretch(0, 120)
	f := func(name string, a alarm, wantCut float64) {
		t.Helper()
		ps := split(run, a)
		if !ps.baseline.to.Equal(from(wantCut)) || !ps.window.from.Equal(from(wantCut)) || ps.baseline.from != run.from || ps.window.to != run.to {
			t.Errorf("%s: got %+v, want the cut at %g s", name, ps, wantCut)
		}
	}
	f("an alarm", alarm{fired: true, onset: from(70)}, 65)
	f("an early alarm", alarm{fired: true, onset: from(32)}, 30)
	f("no alarm", alarm{}, 65)
}

func TestBadFor(t *testing.T) {
	f := func(name string, end, low, high float64, shape func(float64) ask) {
		t.Helper()
		got := badFor(requests(7, end, shape), stretch(0, end)).Seconds()
		if got < low || got > high {
			t.Errorf("%s: bad for %g s, want %g to %g", name, got, low, high)
		}
	}
	f("still bad", 110, 40, 55, func(at float64) ask { return ask{took: pick(at < 60, .1, .3)} })
	f("failing", 110, 40, 55, func(at float64) ask { return ask{took: .1, failed: at > 60} })
	f("it passed", 120, 0, 0, func(at float64) ask { return ask{took: pick(at >= 60 && at < 80, .3, .1)} })
	f("quiet", 110, 0, 0, func(float64) ask { return ask{took: .1} })
}

func TestEffect(t *testing.T) {
	f := func(name string, want bool, shape func(float64) ask) {
		t.Helper()
		rs := requests(7, 120, shape)
		a := watch(ticks(rs, stretch(0, 120)))
		if e := effect(rs, split(stretch(0, 120), a), a); e.Proven != want || e.Before.N == 0 || e.After.N == 0 {
			t.Errorf("%s: got %+v", name, e)
		}
	}
	f("twice as slow", true, func(at float64) ask { return ask{took: pick(at < 60, .1, .2)} })
	f("a third slower", false, func(at float64) ask { return ask{took: pick(at < 60, .1, .133)} })
	f("failing", true, func(at float64) ask { return ask{took: .1, failed: at > 60 && math.Mod(at*1000, 10) < 1} })
	f("quiet", false, func(float64) ask { return ask{took: .1} })
	if e := effect(nil, split(stretch(0, 120), alarm{}), alarm{}); e.Proven || e.Before.N != 0 {
		t.Errorf("no requests prove %+v", e)
	}
}
