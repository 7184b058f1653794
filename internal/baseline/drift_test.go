package baseline_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/baseline"
)

// monday is the start of every synthetic series.
var monday = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// hourly turns values into a series with one point an hour.
func hourly(values []float64) pitwall.Series {
	s := pitwall.Series{V: values}
	for i := range values {
		s.T = append(s.T, monday.Add(time.Duration(i)*time.Hour).UnixMilli())
	}
	return s
}

// creep makes n hours at level 100: noise of sd innovations with correlation
// rho, a relative slope a day, and what the shape adds.
type creep struct {
	days   int
	sd     float64
	rho    float64
	perDay float64
	daily  bool // the same noise stands for a whole day
	shape  func(hour int, rng *rand.Rand) float64
}

func (c creep) make(seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 77))
	out := make([]float64, c.days*24)
	x := c.sd * rng.NormFloat64() / math.Sqrt(1-c.rho*c.rho)
	for i := range out {
		out[i] = 100 * (1 + c.perDay*float64(i)/24)
		out[i] += x
		if c.shape != nil {
			out[i] += c.shape(i, rng)
		}
		if !c.daily || i%24 == 23 {
			x = c.rho*x + c.sd*rng.NormFloat64()
		}
	}
	return out
}

func sine(hour int, _ *rand.Rand) float64 { return 20 * math.Sin(2*math.Pi*float64(hour)/24) }

func weekly(hour int, _ *rand.Rand) float64 {
	if day := hour / 24 % 7; day >= 5 {
		return -40
	}
	return 10 * math.Sin(2*math.Pi*float64(hour)/24)
}

// teeth rise by 1 an hour and fall back to 0 after a time between from and to.
func teeth(from, to int, height float64) func() func(int, *rand.Rand) float64 {
	return func() func(int, *rand.Rand) float64 {
		at, length := 0, 0
		return func(_ int, rng *rand.Rand) float64 {
			if at >= length {
				at, length = 0, from+rng.IntN(to-from+1)
			}
			at++
			return height * float64(at) / float64(to)
		}
	}
}

func calibrating() bool { return os.Getenv("PITWALL_CALIBRATE") == "1" }

// nulls are series that do not creep.
func nulls() []struct {
	name  string
	creep creep
	teeth func() func(int, *rand.Rand) float64
	edge  bool
	loose bool // 5 % are allowed: noise that lasts for days leaves few days to go by
} {
	return []struct {
		name  string
		creep creep
		teeth func() func(int, *rand.Rand) float64
		edge  bool
		loose bool
	}{
		{name: "iid", creep: creep{sd: 5}},
		{name: "AR .6", creep: creep{sd: 5, rho: 0.6}},
		{name: "AR .9", creep: creep{sd: 5, rho: 0.9}, loose: true},
		{name: "AR .6 of days", creep: creep{sd: 5, rho: 0.6, daily: true}, loose: true},
		{name: "daily cycle", creep: creep{sd: 5, shape: sine}},
		{name: "weekends", creep: creep{sd: 5, shape: weekly}},
		{name: "collector's teeth", creep: creep{sd: 2}, teeth: teeth(2, 12, 40), edge: true},
		{name: "collector's teeth, unasked", creep: creep{sd: 2}, teeth: teeth(2, 12, 40)},
		{name: "teeth of days", creep: creep{sd: 2}, teeth: teeth(48, 96, 40), edge: true},
		{name: "teeth of days, unasked", creep: creep{sd: 2}, teeth: teeth(48, 96, 40)},
	}
}

// leaks creep by 1 % a day.
func leaks() []struct {
	name  string
	creep creep
	teeth func() func(int, *rand.Rand) float64
	least float64 // share found in 14 days
} {
	return []struct {
		name  string
		creep creep
		teeth func() func(int, *rand.Rand) float64
		least float64
	}{
		{"1 % a day, iid 5 %", creep{sd: 5, perDay: 0.01}, nil, 0.98},
		{"1 % a day, AR .6 of 5 %", creep{sd: 5, rho: 0.6, perDay: 0.01}, nil, 0.85},
		{"1 % a day, daily cycle", creep{sd: 5, perDay: 0.01, shape: sine}, nil, 0.98},
		{"1 % a day, weekends", creep{sd: 5, perDay: 0.01, shape: weekly}, nil, 0.6},
		{"1 % a day, teeth of 40 %", creep{sd: 5, perDay: 0.01}, teeth(2, 12, 40), 0.4},
	}
}

func share(c creep, shape func() func(int, *rand.Rand) float64, edge bool, runs uint64) float64 {
	found := 0
	for seed := range runs {
		if shape != nil {
			c.shape = shape()
		}
		if baseline.FindDrift(baseline.DriftInput{Series: hourly(c.make(seed)), Teeth: edge}).Verdict == baseline.DriftFound {
			found++
		}
	}
	return float64(found) / float64(runs)
}

// TestDriftLevel: at a nominal 1 % at most 2 % of the series that do not creep are
// said to, 5 % where noise lasts for days. A hundred runs are allowed three more for
// their own noise.
func TestDriftLevel(t *testing.T) {
	runs, slack, lengths := uint64(100), 0.03, []int{14}
	if calibrating() {
		runs, slack, lengths = 1000, 0, []int{7, 10, 14, 21, 28, 60}
	}
	for _, days := range lengths {
		for _, n := range nulls() {
			n.creep.days = days
			got, allowed := share(n.creep, n.teeth, n.edge, runs), 0.02+slack
			if n.loose {
				allowed = 0.05 + slack
			}
			t.Logf("%2d days, %-27s %4.1f %%", days, n.name, 100*got)
			if got > allowed {
				t.Errorf("%s over %d days: %.1f %% false drifts", n.name, days, 100*got)
			}
		}
	}
}

func TestDriftPower(t *testing.T) {
	runs, lengths := uint64(60), []int{14}
	if calibrating() {
		runs, lengths = 1000, []int{7, 10, 14, 21, 28, 60}
	}
	for _, days := range lengths {
		for _, n := range leaks() {
			n.creep.days = days
			got := share(n.creep, n.teeth, n.teeth != nil, runs)
			t.Logf("%2d days, %-27s %5.1f %%", days, n.name, 100*got)
			if days == 14 && got < n.least {
				t.Errorf("%s over %d days: %.1f %% found, want %.0f %%", n.name, days, 100*got, 100*n.least)
			}
		}
	}
}

func TestDriftIntervalCovers(t *testing.T) {
	covered, at := 0, 0
	limit := 200.0
	truth := monday.Add(100 * 24 * time.Hour) // 1 a day from 100
	const runs = 200
	for seed := range uint64(runs) {
		d := baseline.FindDrift(baseline.DriftInput{Series: hourly(creep{days: 21, sd: 2, rho: 0.6, perDay: 0.01}.make(seed)), Limit: &limit})
		if d.SlopeLow <= 1 && d.SlopeHigh >= 1 {
			covered++
		}
		if d.Verdict == baseline.DriftFound && d.Earliest.Before(truth) && (d.Latest.IsZero() || d.Latest.After(truth.Add(-4*24*time.Hour))) {
			at++
		}
	}
	t.Logf("slope covered %d of %d, day of the limit %d", covered, runs, at)
	if covered < runs*93/100 || at < runs*90/100 {
		t.Errorf("slope covered %d of %d, day of the limit %d", covered, runs, at)
	}
}

// TestDriftVerdicts tells a leak from what only looks like one.
func TestDriftVerdicts(t *testing.T) {
	f := func(name string, in baseline.DriftInput, want baseline.DriftVerdict, why baseline.DriftWhy) {
		t.Helper()
		if d := baseline.FindDrift(in); d.Verdict != want || d.Why != why {
			t.Errorf("%s: %s, %s (%s), want %s, %s", name, d.Verdict, d.Why, d.Reason, want, why)
		} else {
			t.Logf("%s: %s", name, d.Reason)
		}
	}
	noise := func(seed uint64, days int) []float64 { return creep{days: days, sd: 1}.make(seed) }
	with := func(values []float64, add func(hour int) float64) pitwall.Series {
		for i := range values {
			values[i] += add(i)
		}
		return hourly(values)
	}
	none := pitwall.Series{}
	f("nothing", baseline.DriftInput{Series: none}, baseline.DriftNoData, baseline.WhyNoPoints)
	f("missing points only", baseline.DriftInput{Series: pitwall.Series{T: []int64{1, 2}, V: []float64{math.NaN(), math.Inf(1)}}}, baseline.DriftNoData, baseline.WhyNoPoints)
	f("three days", baseline.DriftInput{Series: hourly(noise(1, 3))}, baseline.DriftNotEnough, baseline.WhyFewDays)
	f("constant", baseline.DriftInput{Series: hourly(creep{days: 14}.make(1))}, baseline.DriftSteady, baseline.WhyNoise)
	f("straight", baseline.DriftInput{Series: hourly(creep{days: 14, perDay: 0.01}.make(1))}, baseline.DriftFound, baseline.WhyGrows)
	f("too slow to count", baseline.DriftInput{Series: hourly(creep{days: 28, perDay: 0.0005}.make(1))}, baseline.DriftSteady, baseline.WhyNoise)
	warm := func(h int) float64 { return 40 * (1 - math.Exp(-float64(h)/96)) }
	f("warm-up", baseline.DriftInput{Series: with(creep{days: 21, sd: 20}.make(1), warm)}, baseline.DriftSteady, baseline.WhySaturates)
	f("improvement", baseline.DriftInput{Series: hourly(creep{days: 14, sd: 1, perDay: -0.02}.make(1))}, baseline.DriftSteady, baseline.WhyNoise)
	late := func(h int) float64 { return max(0, 3*float64(h-7*24)/24) }
	f("began a week ago", baseline.DriftInput{Series: with(noise(1, 14), late)}, baseline.DriftFound, baseline.WhyGrows)
	f("accelerates", baseline.DriftInput{Series: with(noise(1, 21), func(h int) float64 { return math.Exp(float64(h) / 150) })}, baseline.DriftFound, baseline.WhyGrows)
	limit := 0.0
	f("free space", baseline.DriftInput{Series: hourly(creep{days: 14, sd: 1, perDay: -0.02}.make(1)), Falling: true, Limit: &limit}, baseline.DriftFound, baseline.WhyGrows)

	grows := func(h int) float64 { return 1 + 0.03*float64(h)/24 }
	traffic := make([]float64, 14*24)
	proportional := make([]float64, len(traffic))
	for h := range traffic {
		traffic[h] = 50 * grows(h) * (1 + 0.3*math.Sin(2*math.Pi*float64(h)/24))
		proportional[h] = 2*traffic[h] + noise(3, 14)[h] - 100
	}
	load := hourly(traffic)
	f("grows with the traffic", baseline.DriftInput{Series: hourly(proportional), Traffic: &load}, baseline.DriftSteady, baseline.WhyTraffic)
	f("the same, traffic not known", baseline.DriftInput{Series: hourly(proportional)}, baseline.DriftFound, baseline.WhyGrows)
	steady := hourly(creep{days: 14, sd: 1}.make(8))
	f("leak at steady traffic", baseline.DriftInput{Series: hourly(creep{days: 14, sd: 1, perDay: 0.01}.make(9)), Traffic: &steady}, baseline.DriftFound, baseline.WhyGrows)

	// A leak that every third day's deploy sets back, and the same without leak.
	var restarts []time.Time
	for day := 3; day < 21; day += 3 {
		restarts = append(restarts, monday.Add(time.Duration(day)*24*time.Hour+30*time.Minute))
	}
	reset := with(noise(4, 21), func(h int) float64 { return 4 * float64((h-1+72)%72) / 24 })
	f("leak between deploys", baseline.DriftInput{Series: reset, Restarts: restarts}, baseline.DriftFound, baseline.WhyGrows)
	f("deploys, no leak", baseline.DriftInput{Series: hourly(noise(5, 21)), Restarts: restarts}, baseline.DriftSteady, baseline.WhyNoise)
	f("falls back by itself", baseline.DriftInput{Series: reset}, baseline.DriftSteady, baseline.WhyNoise)
	f("and has not done so often", baseline.DriftInput{Series: with(noise(4, 9), func(h int) float64 { return 10 * float64(h%72) / 24 })}, baseline.DriftNotEnough, baseline.WhyTeeth)
}

func TestDriftScaledTime(t *testing.T) {
	s := hourly(creep{days: 14, sd: 1, perDay: 0.01}.make(1))
	fast := pitwall.Series{V: s.V}
	for i := range s.V {
		fast.T = append(fast.T, monday.UnixMilli()+int64(i)*1000) // a day lasts 24 seconds
	}
	a, b := baseline.FindDrift(baseline.DriftInput{Series: s}), baseline.FindDrift(baseline.DriftInput{Series: fast, Day: 24 * time.Second})
	if a.Slope != b.Slope || a.P != b.P || b.Verdict != baseline.DriftFound {
		t.Errorf("a day of 24 seconds: slope %v p %v, of 24 hours: %v %v", b.Slope, b.P, a.Slope, a.P)
	}
}

func TestDriftGapsAndOrder(t *testing.T) {
	s := hourly(creep{days: 21, sd: 2, perDay: 0.01}.make(2))
	want := baseline.FindDrift(baseline.DriftInput{Series: s})
	rng := rand.New(rand.NewPCG(1, 2))
	rng.Shuffle(len(s.T), func(i, j int) { s.T[i], s.T[j] = s.T[j], s.T[i]; s.V[i], s.V[j] = s.V[j], s.V[i] })
	if diff := cmp.Diff(want, baseline.FindDrift(baseline.DriftInput{Series: s})); diff != "" {
		t.Errorf("the order of points matters: %s", diff)
	}
	for i := range s.V {
		if rng.Float64() < 0.3 {
			s.V[i] = math.NaN()
		}
	}
	if got := baseline.FindDrift(baseline.DriftInput{Series: s}); got.Verdict != baseline.DriftFound || math.Abs(got.Slope/want.Slope-1) > 0.2 {
		t.Errorf("with gaps: %s, slope %v, without %v", got.Verdict, got.Slope, want.Slope)
	}
}

func TestWeekOverWeek(t *testing.T) {
	size := func(seed uint64, weeks int, last float64) baseline.WeekInput {
		f := office(seed, time.UTC)
		var s pitwall.Series
		for at := monday; at.Before(monday.AddDate(0, 0, 7*weeks)); at = at.Add(time.Hour) {
			v := f(at)
			if !at.Before(monday.AddDate(0, 0, 7*weeks-7)) {
				v *= last
			}
			s.T, s.V = append(s.T, at.UnixMilli()), append(s.V, v)
		}
		return baseline.WeekInput{Series: s, Unit: pitwall.UnitBytes, Margin: 0.5}
	}
	f := func(weeks int, last float64, want baseline.CountState) {
		t.Helper()
		w := baseline.WeekOverWeek(size(1, weeks, last))
		if w.State != want {
			t.Errorf("%d weeks, factor %v: %s (%s), want %s", weeks, last, w.State, w.Reason, want)
		}
		if want != baseline.CountNotEnough && (w.Change.Low > last-1 || w.Change.High < last-1) {
			t.Errorf("%d weeks, factor %v: %s does not hold it", weeks, last, w.Reason)
		}
	}
	f(1, 2, baseline.CountNotEnough)
	f(2, 2, baseline.CountMore)
	f(5, 2, baseline.CountMore)
	f(5, 10, baseline.CountMore)
	f(5, 1.3, baseline.CountSame) // real, but less than half as much again
	f(5, 1, baseline.CountSame)
	f(5, 0.5, baseline.CountLess)
	if w := baseline.WeekOverWeek(baseline.WeekInput{}); w.State != baseline.CountNoData {
		t.Errorf("nothing: %s", w.State)
	}
	false1, runs := 0, uint64(300)
	for seed := range runs {
		in := size(seed, 5, 1)
		in.Margin = 0
		if baseline.WeekOverWeek(in).State != baseline.CountSame {
			false1++
		}
	}
	t.Logf("%d of %d equal weeks are said to differ", false1, runs)
	if false1*100 > int(runs)*3 {
		t.Errorf("%d of %d equal weeks are said to differ", false1, runs)
	}
}

func TestLeaks(t *testing.T) {
	f := func(metric string, kind baseline.LeakKind, limit string) {
		t.Helper()
		l, ok := baseline.LeakOf(metric)
		if !ok || l.Kind != kind || l.Limit != limit {
			t.Errorf("%s: %+v %v, want %s limited by %q", metric, l, ok, kind, limit)
		}
	}
	f("go.memory.used", baseline.LeakHeap, "go.memory.limit")
	f("go_memory_used_bytes", baseline.LeakHeap, "go.memory.limit")
	f("go_goroutines", baseline.LeakGoroutines, "")
	f("jvm_memory_used_after_last_gc_bytes", baseline.LeakHeap, "jvm.memory.limit")
	f("process_open_fds", baseline.LeakFiles, "process_max_fds")
	f("db_client_connection_count", baseline.LeakConnections, "db.client.connection.max")
	if l, ok := baseline.LeakOf("http_requests_total"); ok {
		t.Errorf("a counter of requests is no leak: %+v", l)
	}
	seen := map[string]bool{}
	for _, l := range baseline.Leaks() {
		if l.Kind == "" || l.Metric == "" || seen[l.Metric] || l.Falling && l.Limit != "" {
			t.Errorf("odd entry %+v", l)
		}
		seen[l.Metric] = true
	}
}

func FuzzDrift(f *testing.F) {
	f.Add([]byte{}, int64(3600000), int64(0))
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, int64(12*3600000), int64(3600000))
	f.Add([]byte("constant, gaps and huge values"), int64(1)<<62, int64(-1)<<62)
	f.Fuzz(func(t *testing.T, data []byte, step, restart int64) {
		values := []float64{0, 1, -1, 100, math.NaN(), math.Inf(1), 1e300, -1e99, 5e-324, 2, 3, 4}
		var s pitwall.Series
		for i, b := range data {
			s.T, s.V = append(s.T, step*int64(i)), append(s.V, values[int(b)%len(values)])
		}
		limit := 10.0
		p := baseline.NewProfile(baseline.ProfileOptions{})
		d := baseline.FindDrift(baseline.DriftInput{Series: s, Traffic: &s, Limit: &limit, Restarts: []time.Time{time.UnixMilli(restart)},
			Teeth: len(data)%2 == 0, Falling: len(data)%3 == 0, Profile: p})
		w := baseline.WeekOverWeek(baseline.WeekInput{Series: s})
		if d.Verdict == "" || d.Reason == "" || w.State == "" || w.Reason == "" || !(d.P >= 0 && d.P <= 1) || !(w.P >= 0 && w.P <= 1) {
			t.Fatalf("%+v\n%+v", d, w)
		}
		if _, err := json.Marshal(d); err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(w); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkFindDrift(b *testing.B) {
	s := hourly(creep{days: 28, sd: 5, rho: 0.6, perDay: 0.01}.make(1))
	b.ReportAllocs()
	for b.Loop() {
		baseline.FindDrift(baseline.DriftInput{Series: s})
	}
}
