package detect_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
)

// Each filter has a change that it holds back and the nearest one that it must
// not.
func TestFilters(t *testing.T) {
	maintenance := detect.Planned{Period: pitwall.Period{From: noon.Add(-time.Hour), To: noon.Add(time.Hour)}, Why: "node upgrade"}
	shop := func(c detect.Candidate) detect.Candidate {
		c.Series.Metric, c.Series.Signal, c.Series.Unit, c.Split = "main.render", "", pitwall.UnitCPUPerReq, "cpu of shop"
		c.Before = pitwall.Measure{Value: 0.010, Low: 0.0099, High: 0.0101, N: 50}
		c.After = pitwall.Measure{Value: 0.014, Low: 0.0139, High: 0.0141, N: 50}
		return c
	}
	// Another part fell by what the first rose, or did not; noise is that of the rest.
	split := func(fell, noise float64) func(*detect.Sight) {
		return func(in *detect.Sight) {
			c := in.Candidates[0]
			in.Splits = map[string]detect.Split{"cpu of shop": {Whole: "the CPU of shop for each request", Parts: []detect.SplitPart{
				{Name: "main.render", Before: c.Before, After: c.After},
				{Name: "main.old", Before: pitwall.Measure{Value: 0.008, Low: 0.008 - noise, High: 0.008 + noise, N: 50},
					After: pitwall.Measure{Value: 0.008 - fell, Low: 0.008 - fell - noise, High: 0.008 - fell + noise, N: 50}},
			}}}
		}
	}
	share := func(before, after float64) func(*detect.Candidate) {
		return func(c *detect.Candidate) {
			c.Series.Signal, c.Series.Unit = pitwall.SignalErrors, pitwall.UnitRatio
			c.Before.Value, c.After.Value, c.Effect = before, after, after/before-1
		}
	}
	requests := func(effect, missing float64) func(*detect.Candidate) {
		return func(c *detect.Candidate) {
			c.Series.Signal, c.Series.Unit, c.Up = pitwall.SignalTraffic, pitwall.UnitPerSecond, false
			c.Effect, c.EffectLow, c.EffectHigh = -effect, -effect-0.05, -effect+0.05
			c.Telemetry = detect.Telemetry{SeriesBefore: 100, SeriesAfter: int(100 * (1 - missing))}
		}
	}
	tests := []struct {
		name  string
		want  detect.ReasonCode
		make  func(*detect.Candidate)
		sight func(*detect.Sight)
	}{
		{"plain", "found", func(*detect.Candidate) {}, nil},
		{"effect without a number, but levels", "found", func(c *detect.Candidate) { c.Effect, c.Before.Value = math.NaN(), 0 }, nil},
		{"no number at all", detect.ReasonNoData, func(c *detect.Candidate) { c.Effect, c.After.Value, c.Before.Value = math.NaN(), 0, 0 }, nil},
		{"no evidence", detect.ReasonNoData, func(c *detect.Candidate) { c.LogE, c.P = 0, math.NaN() }, nil},
		{"no onset", detect.ReasonNoData, func(c *detect.Candidate) { c.Onset = pitwall.Onset{} }, nil},

		{"half the points of a quantile are missing", detect.ReasonDataGap, func(c *detect.Candidate) { c.Telemetry = detect.Telemetry{Before: 1, After: 0.5} }, nil},
		{"some of them", "found", func(c *detect.Candidate) { c.Telemetry = detect.Telemetry{Before: 1, After: 0.6} }, nil},
		{"exporter began anew at the onset", detect.ReasonDataGap, func(c *detect.Candidate) { c.Telemetry.Restart = noon.Add(30 * time.Second) }, nil},
		{"exporter began anew long before", "found", func(c *detect.Candidate) { c.Telemetry.Restart = noon.Add(-time.Hour) }, nil},
		{"a fifth of the instances silent, a fifth less traffic", detect.ReasonDataGap, requests(0.2, 0.2), nil},
		{"a fifth of the instances silent, half the traffic", "found", requests(0.5, 0.2), nil},

		{"spike", detect.ReasonOutlier, func(c *detect.Candidate) { c.Kind = pitwall.ShapeSpike }, nil},
		{"ramp", "found", func(c *detect.Candidate) { c.Kind = pitwall.ShapeRamp }, nil},
		{"29 requests", detect.ReasonTooFew, func(c *detect.Candidate) { c.Requests = 29 }, nil},
		{"30 requests", "found", func(c *detect.Candidate) { c.Requests = 30 }, nil},
		{"1.9 percent", detect.ReasonTooSmall, func(c *detect.Candidate) { c.Effect, c.EffectLow, c.EffectHigh = 0.019, 0.018, 0.020 }, nil},
		{"2 percent", "found", func(c *detect.Candidate) { c.Effect, c.EffectLow, c.EffectHigh = 0.02, 0.019, 0.021 }, nil},
		{"three times almost no errors", detect.ReasonTooSmall, share(0.0002, 0.0006), nil},
		{"three times few errors", "found", share(0.002, 0.006), nil},

		{"in maintenance", detect.ReasonPlanned, func(*detect.Candidate) {}, func(in *detect.Sight) {
			in.Planned, in.Now = []detect.Planned{maintenance}, noon.Add(30*time.Minute)
		}},
		{"left behind by maintenance", "found", func(*detect.Candidate) {}, func(in *detect.Sight) {
			in.Planned, in.Now = []detect.Planned{maintenance}, noon.Add(2*time.Hour)
		}},
		{"meant by a migration", detect.ReasonPlanned, func(*detect.Candidate) {}, func(in *detect.Sight) {
			meant := maintenance
			meant.Meant = true
			in.Planned, in.Now = []detect.Planned{meant}, noon.Add(2*time.Hour)
		}},
		{"maintenance of another", "found", func(*detect.Candidate) {}, func(in *detect.Sight) {
			other := maintenance
			other.Service = "search"
			in.Planned, in.Now = []detect.Planned{other}, noon.Add(30*time.Minute)
		}},
		{"maintenance before", "found", func(c *detect.Candidate) { c.Onset = around(noon.Add(61*time.Minute + 30*time.Second)) }, func(in *detect.Sight) {
			in.Planned, in.Now = []detect.Planned{maintenance}, noon.Add(61*time.Minute)
		}},

		{"the season expects it", detect.ReasonSeason, func(c *detect.Candidate) { c.Season = 0.35 }, nil},
		{"the season expects half, which is less than surely moved", "found", func(c *detect.Candidate) { c.Season = 0.2 }, nil},
		{"the season expects the opposite", "found", func(c *detect.Candidate) { c.Season = -0.5 }, nil},

		{"work moved between functions", detect.ReasonCostShift, func(c *detect.Candidate) { *c = shop(*c) }, split(0.004, 0.0002)},
		{"work grew", "found", func(c *detect.Candidate) { *c = shop(*c) }, split(0, 0.0002)},
		{"work half moved, half grew", "found", func(c *detect.Candidate) { *c = shop(*c) }, split(0.002, 0.0002)},
		{"the whole is too noisy to tell", "found", func(c *detect.Candidate) { *c = shop(*c) }, split(0, 0.02)},

		{"known three points ago", detect.ReasonUnsettled, func(c *detect.Candidate) { c.Points, c.Needed = 12, 10 }, nil},
		{"known long enough", "found", func(c *detect.Candidate) { c.Points, c.Needed = 13, 10 }, nil},
		{"gone", detect.ReasonWentAway, func(c *detect.Candidate) { c.Recent, c.RecentN = 0.19, 3 }, nil},
		{"less, but there", "found", func(c *detect.Candidate) { c.Recent, c.RecentN = 0.21, 3 }, nil},
		{"two points do not say that it is gone", detect.ReasonUnsettled, func(c *detect.Candidate) { c.Recent, c.RecentN = 0.01, 2 }, nil},

		{"thirty points where 97 are asked for", detect.ReasonUnsettled, func(c *detect.Candidate) {
			c.EffectLow, c.EffectHigh, c.Needed, c.Points, c.Recent, c.RecentN = 0.1, 0.7, 60, 160, 0.05, 30
		}, nil},
		{"thirty points, twice as many have come", detect.ReasonWentAway, func(c *detect.Candidate) {
			c.EffectLow, c.EffectHigh, c.Needed, c.Points, c.Recent, c.RecentN = 0.1, 0.7, 60, 260, 0.05, 30
		}, nil},
		{"the same, and it stayed", "found", func(c *detect.Candidate) {
			c.EffectLow, c.EffectHigh, c.Needed, c.Points, c.Recent, c.RecentN = 0.1, 0.7, 60, 260, 0.35, 30
		}, nil},

		{"weak evidence", detect.ReasonNotSignificant, func(c *detect.Candidate) { c.LogE = 5 }, nil},
		{"the same, had it been the only question of the epoch", "found", func(c *detect.Candidate) { c.LogE, c.Anytime = 5, true }, nil},
		{"one of a thousand questions", detect.ReasonNotSignificant, func(c *detect.Candidate) { c.LogE, c.Anytime = 5, true }, func(in *detect.Sight) {
			in.Tests = map[pitwall.ServiceName]int{"checkout": 1000}
		}},

		{"better", detect.ReasonImprovement, func(c *detect.Candidate) { *c = faster("checkout", "") }, nil},
		{"nobody knows", "found", func(c *detect.Candidate) {
			*c = faster("checkout", "")
			c.Series.Signal, c.Series.Metric = "", "widgets"
		}, nil},
		{"in an open plan", detect.ReasonDuplicate, func(*detect.Candidate) {}, func(in *detect.Sight) {
			in.Troubles = []detect.Trouble{{Plan: "PIP-7", Regression: pitwall.Regression{Service: "checkout", Signal: pitwall.SignalLatency, Onset: around(noon)}}}
		}},
		{"a plan on an earlier change", "found", func(*detect.Candidate) {}, func(in *detect.Sight) {
			in.Troubles = []detect.Trouble{{Plan: "PIP-7", Regression: pitwall.Regression{Service: "checkout", Signal: pitwall.SignalLatency, Onset: around(noon.Add(-time.Hour))}}}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := slower("checkout", "POST /checkout")
			tt.make(&c)
			if got := one(t, c, tt.sight); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTrafficIsALabel(t *testing.T) {
	c := slower("checkout", "")
	c.Load = 0.38
	out := lookAt(t, detect.Sight{Candidates: []detect.Candidate{c}})
	if len(out.Findings) != 1 || len(out.Findings[0].Labels) != 1 || out.Findings[0].Labels[0] != detect.ReasonTraffic {
		t.Errorf("explained by load: %+v", out)
	}
	c.Load = 0.1
	if out = lookAt(t, detect.Sight{Candidates: []detect.Candidate{c}}); len(out.Findings[0].Labels) != 0 {
		t.Errorf("a quarter of it is load: %v", out.Findings[0].Labels)
	}
}

func TestDuplicateInOneLook(t *testing.T) {
	weaker := slower("checkout", "")
	weaker.LogE = 30
	out := lookAt(t, detect.Sight{Candidates: []detect.Candidate{weaker, slower("checkout", "")}})
	if len(out.Findings) != 1 || out.Findings[0].Lead.LogE != 60 || len(out.NotReported) != 1 || out.NotReported[0].Reason != detect.ReasonDuplicate {
		t.Errorf("two detectors, one change: %+v", out)
	}
}

func TestAccepted(t *testing.T) {
	out, s := screen(t).Look(detect.Sight{Now: noon.Add(time.Hour), Candidates: []detect.Candidate{slower("checkout", "")}})
	if _, ok := s.Accept("F-none", "", noon, time.Time{}); ok {
		t.Error("a finding that is not there was accepted")
	}
	s, ok := s.Accept(out.Findings[0].ID, "new encryption, agreed", noon.Add(2*time.Hour), noon.Add(48*time.Hour))
	if !ok {
		t.Fatal("not accepted")
	}
	s.Found = nil // as after two epochs
	again := slower("checkout", "")
	again.Onset = around(noon.Add(10 * time.Hour)) // a restart, and the accepted level once more
	reason := func(c detect.Candidate, now time.Time) detect.ReasonCode {
		out, _ := s.Look(detect.Sight{Now: now, Candidates: []detect.Candidate{c}})
		if len(out.NotReported) == 0 {
			return "found"
		}
		return out.NotReported[0].Reason
	}
	if got := reason(again, noon.Add(11*time.Hour)); got != detect.ReasonPlanned {
		t.Errorf("an accepted level is %s", got)
	}
	if got := reason(again, noon.Add(49*time.Hour)); got != "found" {
		t.Errorf("after its end it is %s", got)
	}
	again.After.Value = 0.2
	if got := reason(again, noon.Add(11*time.Hour)); got != "found" {
		t.Errorf("a level beyond the accepted one is %s", got)
	}
}

// A change waits for as many points as the evidence asks for, over looks and a
// restart; then it is found, or it went away.
func TestWaitThenConfirm(t *testing.T) {
	young := slower("checkout", "")
	young.EffectLow, young.EffectHigh = 0.1, 0.7 // 2.6 standard errors over 10 points: 16 more
	young.Points, young.Needed, young.Recent = 10, 0, 0
	if got := young.Confirm(); got != 16 {
		t.Fatalf("it asks for %d points", got)
	}
	look := func(s detect.Screen, now time.Duration, c ...detect.Candidate) (detect.Screened, detect.Screen) {
		return s.Look(detect.Sight{Now: noon.Add(now), Candidates: c, Tests: map[pitwall.ServiceName]int{"checkout": 1}})
	}
	out, s := look(screen(t), time.Hour, young)
	if n := out.NotReported[0]; n.Reason != detect.ReasonUnsettled || n.Value != 0 || n.Limit != 16 {
		t.Fatalf("first look: %+v", n)
	}
	if len(s.Waiting) != 1 {
		t.Fatalf("%d wait", len(s.Waiting))
	}
	s = restarted(t, s)
	more := young
	more.Points, more.EffectLow, more.EffectHigh = 20, 0.3, 0.5 // more points, and a better interval: the promise stands
	more.Onset = around(noon.Add(2 * time.Minute))
	out, s = look(s, 61*time.Minute, more)
	if n := out.NotReported[0]; n.Reason != detect.ReasonUnsettled || n.Value != 10 || n.Limit != 16 {
		t.Fatalf("second look: %+v", n)
	}
	stays, gone := more, more
	stays.Points, stays.Recent, stays.RecentN = 26, 0.35, 16
	gone.Points, gone.Recent, gone.RecentN = 26, 0.05, 16
	if out, _ := look(s, 62*time.Minute, stays); len(out.Findings) != 1 {
		t.Errorf("it stayed: %+v", out)
	}
	if out, _ := look(s, 62*time.Minute, gone); len(out.NotReported) != 1 || out.NotReported[0].Reason != detect.ReasonWentAway {
		t.Errorf("it is gone: %+v", out)
	}
	if out, after := look(s, 62*time.Minute); len(out.NotReported) != 1 || out.NotReported[0].Reason != detect.ReasonWentAway || !out.NotReported[0].Waited || len(after.Waiting) != 0 {
		t.Errorf("the detector took it back: %+v", out)
	}
	// Nobody looked at the service: that is no evidence of anything.
	out, after := s.Look(detect.Sight{Now: noon.Add(62 * time.Minute), Tests: map[pitwall.ServiceName]int{"search": 1}})
	if len(out.NotReported) != 0 || len(after.Waiting) != 1 {
		t.Errorf("not looked at: %+v", out)
	}
}

// The rule of Confirm: the mean of so many points is on the right side of half
// the effect at least 19 times in 20, whether the change stays or is gone.
func TestConfirmTellsStayingFromGone(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, sigmas := range []float64{0.5, 1, 2, 4} {
		const n, runs = 60, 4000
		c := detect.Candidate{Effect: sigmas, Needed: n, Points: n}
		c.EffectLow, c.EffectHigh = sigmas-1.96/math.Sqrt(n), sigmas+1.96/math.Sqrt(n)
		k := c.Confirm()
		wrong := [2]int{}
		for i, level := range []float64{sigmas, 0} {
			for range runs {
				sum := 0.0
				for range k {
					sum += level + rng.NormFloat64()
				}
				if (sum/float64(k) >= sigmas/2) != (level > 0) {
					wrong[i]++
				}
			}
		}
		t.Logf("%.1f sigma: %d points; dropped though it stayed %.3f, kept though gone %.3f", sigmas, k, float64(wrong[0])/runs, float64(wrong[1])/runs)
		for _, w := range wrong {
			if float64(w)/runs > 0.06 {
				t.Errorf("%.1f sigma: wrong in %d of %d", sigmas, w, runs)
			}
		}
	}
	for _, c := range []detect.Candidate{{}, {P: 1e-300, Points: 5}, {P: 1, Points: 5}, {LogE: 1e300, Points: 3}, {LogE: math.Inf(1)}, {Effect: math.NaN(), EffectHigh: 1, Points: 10}, {Effect: 1, EffectLow: math.Inf(-1), EffectHigh: math.Inf(1), Points: 10}} {
		if k := c.Confirm(); k < 3 || k > 1000 {
			t.Errorf("%+v asks for %d points", c, k)
		}
	}
}

func FuzzLook(f *testing.F) {
	f.Add(0.4, 0.3, 0.5, 10.0, 1e-6, int64(100), 10, 100)
	f.Add(math.NaN(), math.Inf(1), math.Inf(-1), math.NaN(), math.NaN(), int64(-1), -1, -1)
	f.Add(0.0, 0.0, 0.0, 0.0, 0.0, int64(0), 0, 0)
	f.Add(-1e308, 1e308, -1e308, 1e308, 5e-324, int64(math.MaxInt64), math.MaxInt, math.MaxInt)
	f.Fuzz(func(t *testing.T, effect, low, high, logE, p float64, at int64, needed, points int) {
		c := slower("a", "x")
		c.Effect, c.EffectLow, c.EffectHigh, c.LogE, c.P = effect, low, high, logE, p
		c.Recent, c.Season, c.Load, c.After.Value = low, high, effect, logE
		c.Onset, c.Needed, c.Points, c.RecentN = around(time.Unix(0, at)), needed, points, needed
		c.Step = time.Duration(at)
		s := screen(t)
		for range 3 {
			var out detect.Screened
			out, s = s.Look(detect.Sight{Now: time.Unix(0, at).Add(time.Hour), Candidates: []detect.Candidate{c, slower("b", "")}, Calls: []detect.Call{{Caller: "a", Callee: "b"}}})
			n := len(out.NotReported) + len(out.Joined)
			for _, g := range out.Findings {
				n += 1 + len(g.Parts)
			}
			if n != 2 {
				t.Fatalf("two candidates, %d answers", n)
			}
			mustJSON(t, out)
			s = restarted(t, s)
		}
	})
}
