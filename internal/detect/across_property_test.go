package detect_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
)

// random gives a candidate of anything, sane or not.
func random(rng *rand.Rand) detect.Candidate {
	odd := func(v float64) float64 {
		switch rng.IntN(25) {
		case 0:
			return math.NaN()
		case 1:
			return math.Inf(1 - 2*rng.IntN(2))
		case 2:
			return 0
		}
		return v
	}
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	c := slower(pick("a", "b", "c", "d", ""), pick("x", "y"))
	if rng.IntN(3) == 0 { // a plain one: what comes after the filters is to be reached too
		if rng.IntN(3) == 0 {
			c = faster(string(c.Series.Service), c.Series.Operation)
			c.Before.Value, c.After.Value = 0.14, 0.1
		}
		c.Onset = around(noon.Add(time.Duration(rng.IntN(240)) * time.Minute))
		c.LogE = 50 * rng.Float64()
		return c
	}
	c.Series.Signal = pitwall.Signal(pick("latency", "errors", "traffic", ""))
	c.Series.Metric = pick("p99", "p50", "widgets", "cpu_usage")
	c.Series.Unit = pitwall.Unit(pick("s", "ratio", "1/s", "count"))
	c.Kind = pitwall.Shape(pick("step", "step", "step", "ramp", "spike", "variance"))
	c.Onset = around(noon.Add(time.Duration(rng.IntN(240)) * time.Minute))
	switch rng.IntN(20) {
	case 0:
		c.Onset = pitwall.Onset{}
	case 1:
		c.Onset.Earliest, c.Onset.Latest = c.Onset.Latest, c.Onset.Earliest
	}
	c.Up = rng.IntN(3) > 0
	c.Effect = odd(rng.NormFloat64())
	c.EffectLow, c.EffectHigh = odd(c.Effect-rng.Float64()), odd(c.Effect+rng.Float64())
	c.Before.Value, c.After.Value = odd(rng.Float64()), odd(rng.Float64())
	c.LogE = odd(40 * rng.Float64())
	c.P = odd(math.Pow(10, -12*rng.Float64()))
	c.Anytime = rng.IntN(2) == 0
	c.Points, c.Needed = rng.IntN(200)-5, rng.IntN(100)-5
	c.Recent, c.RecentN = odd(rng.NormFloat64()), rng.IntN(50)
	c.Requests = int64(rng.IntN(300))
	c.Season, c.Load = odd(0.5*rng.NormFloat64()), odd(0.5*rng.NormFloat64())
	c.Split = pick("", "", "split")
	if rng.IntN(10) == 0 {
		c.Telemetry = detect.Telemetry{Before: pitwall.Ratio(odd(1)), After: pitwall.Ratio(odd(0.2)), SeriesBefore: 5, SeriesAfter: rng.IntN(8), Restart: c.Onset.At}
	}
	return c
}

// Every candidate ends as exactly one thing, over many looks of one screen,
// whatever it holds; the answer does not depend on the order, nor on a restart
// in between, and what is given is not written to.
func TestNothingLostNothingTwice(t *testing.T) {
	codes := map[detect.ReasonCode]bool{}
	for _, r := range detect.Reasons() {
		codes[r.Code] = true
	}
	seen := map[detect.ReasonCode]int{}
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 3))
		s := screen(t)
		if seed%2 == 0 {
			s.Accepted = []detect.Accepted{{Series: slower("a", "x").Series, Up: true, Onset: around(noon), At: noon, Why: "known"}}
		}
		for tick := range 12 {
			in := sightOf(rng, tick)
			before, _ := json.Marshal(s)
			out, after := s.Look(in)
			if now, _ := json.Marshal(s); string(now) != string(before) {
				t.Fatal("a look wrote to the screen it was asked of")
			}
			checkPartition(t, in, out, codes, seen)
			shuffled := in
			shuffled.Candidates = slices.Clone(in.Candidates)
			rng.Shuffle(len(shuffled.Candidates), func(i, j int) {
				shuffled.Candidates[i], shuffled.Candidates[j] = shuffled.Candidates[j], shuffled.Candidates[i]
			})
			slices.Reverse(shuffled.Calls)
			s2 := restarted(t, s)
			out2, after2 := s2.Look(shuffled)
			if d := cmp.Diff(mustJSON(t, out), mustJSON(t, out2)); d != "" {
				t.Fatalf("seed %d tick %d: another order or a restart gives another answer:\n%s", seed, tick, d)
			}
			if d := cmp.Diff(mustJSON(t, after), mustJSON(t, after2)); d != "" {
				t.Fatalf("seed %d tick %d: another order gives another screen:\n%s", seed, tick, d)
			}
			s = after
		}
	}
	for code := range codes {
		if code != detect.ReasonTraffic && seen[code] == 0 {
			t.Errorf("reason %s never came up: the property says nothing of it", code)
		}
	}
	t.Logf("reasons: %v", seen)
}

func sightOf(rng *rand.Rand, tick int) detect.Sight {
	in := detect.Sight{
		Now:   noon.Add(time.Duration(4+tick) * time.Hour),
		Tests: map[pitwall.ServiceName]int{"a": 100, "b": 3, "c": -1},
		Calls: []detect.Call{{Caller: "a", Callee: "b"}, {Caller: "b", Callee: "c"}, {Caller: "c", Callee: "c"}},
		Splits: map[string]detect.Split{"split": {Whole: "all", Parts: []detect.SplitPart{
			{Before: pitwall.Measure{Value: 1, N: 1}, After: pitwall.Measure{Value: 2, N: 1}},
			{Before: pitwall.Measure{Value: 2, N: 1}, After: pitwall.Measure{Value: 1, N: 1}}}}},
		Planned:  []detect.Planned{{Period: pitwall.Period{From: noon, To: noon.Add(20 * time.Minute)}, Meant: tick%2 == 0, Why: "migration"}},
		Troubles: []detect.Trouble{{Plan: "PIP-1", Regression: pitwall.Regression{Service: "d", Signal: "latency", Onset: around(noon.Add(time.Hour))}}},
	}
	for range rng.IntN(60) {
		in.Candidates = append(in.Candidates, random(rng))
	}
	return in
}

func restarted(t *testing.T, s detect.Screen) detect.Screen {
	t.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatalf("the screen cannot be kept: %v", err)
	}
	var back detect.Screen
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// checkPartition compares how often each series was given and answered.
func checkPartition(t *testing.T, in detect.Sight, out detect.Screened, codes map[detect.ReasonCode]bool, seen map[detect.ReasonCode]int) {
	t.Helper()
	type key struct {
		s  pitwall.SeriesName
		at int64
	}
	count := map[key]int{}
	of := func(c detect.Candidate) key { return key{c.Series, c.Onset.At.UnixNano()} }
	for _, c := range in.Candidates {
		count[of(c)]++
	}
	for _, f := range out.Findings {
		count[of(f.Lead)]--
		if f.ID == "" || f.Why == "" || f.Toward == detect.Better {
			t.Errorf("not a finding: %+v", f)
		}
		for _, p := range f.Parts {
			count[of(p.Candidate)]--
		}
	}
	for _, j := range out.Joined {
		count[of(j.Candidate)]--
	}
	for _, n := range out.NotReported {
		seen[n.Reason]++
		if !codes[n.Reason] || n.Why == "" {
			t.Errorf("a reason that is none: %+v", n)
		}
		if !n.Waited {
			count[of(n.Candidate)]--
		}
	}
	for k, n := range count {
		if n != 0 {
			t.Errorf("%s was given %d times more often than answered", k.s, n)
		}
	}
}
