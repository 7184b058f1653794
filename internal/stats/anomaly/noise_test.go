package anomaly

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/pitwall/pitwall/internal/stats/labelled"
)

// TestNoise: in months of noise without any anomaly at most about one is found
// a month; twice that where 2 % of the points are spikes.
func TestNoise(t *testing.T) {
	seeds := 20
	if os.Getenv("PITWALL_CALIBRATE") != "" {
		seeds = 1000
	}
	for _, kind := range labelled.Noises() {
		for _, step := range []float64{3600, 300} {
			months := seeds
			if step < 3600 {
				months = seeds / 5
			}
			days, found := 0.0, 0
			for seed := range months {
				v := labelled.Noise(kind, int(30*86400/step), rand.New(rand.NewPCG(uint64(seed), 7)))
				days += 30
				found += len(Find(v, Options{Step: step}))
			}
			most := 1.5 / defaultDays
			if kind == "spikes" || kind == "ar0.9" {
				most *= 2
			}
			rate := float64(found) / days
			t.Logf("%-10s every %4g s: %.4f a day", kind, step, rate)
			if rate > most {
				t.Errorf("%s every %g s: %.4f false anomalies a day, at most %.4f", kind, step, rate, most)
			}
		}
	}
}

// telemetry makes a month of a service: a day's wave, autocorrelated and
// sometimes spiky noise, sometimes a nightly batch, and troubles of one point
// to twelve hours and 4 to 12 deviations up or down on a logarithmic scale.
func telemetry(rng *rand.Rand, step float64, troubles int) labelled.Series {
	day := 86400 / step
	s := labelled.Series{Value: make([]float64, int(30*day))}
	s.StepSeconds, s.Warmup = step, int(3*day)
	s.Gap = max(3, int(3600/step))
	s.Slack = s.Gap
	rho, deviation, wave, spiky := rng.Float64()*0.8, math.Exp(rng.Float64()*2-3), rng.Float64()*0.5, rng.Float64()*0.1
	batch := rng.Float64() < 0.3
	x := 0.0
	for i := range s.Value {
		x = rho*x + math.Sqrt(1-rho*rho)*rng.NormFloat64()
		v := deviation*x + wave*math.Sin(2*math.Pi*float64(i)/day)
		if rng.Float64() < spiky {
			v += deviation * rng.ExpFloat64()
		}
		if batch && i%int(day) < int(day/24) {
			v += deviation * 5
		}
		s.Value[i] = 100 * math.Exp(v)
	}
	for range troubles {
		at, length := rng.IntN(len(s.Value)), 1
		if rng.Float64() > 0.3 {
			length = max(1, int(math.Exp(rng.Float64()*2.5)*3600/step))
		}
		size := math.Exp((4*deviation + wave) * (1 + 2*rng.Float64()))
		if rng.Float64() < 0.25 {
			size = 1 / size
		}
		end := min(at+length, len(s.Value))
		for i := at; i < end; i++ {
			s.Value[i] *= size
		}
		s.Runs = append(s.Runs, [2]int{at, end - 1})
	}
	slices.SortFunc(s.Runs, func(a, b [2]int) int { return a[0] - b[0] })
	return s
}

// TestTroublesAmongNoise: most troubles are found as long as they are rare; the
// more there are, the less each is news.
func TestTroublesAmongNoise(t *testing.T) {
	for _, c := range []struct {
		troubles int
		recall   float64
	}{{3, 0.85}, {8, 0.65}, {20, 0.33}} {
		rng := rand.New(rand.NewPCG(1, uint64(c.troubles)))
		var sum labelled.Tally
		for i := range 40 {
			s := telemetry(rng, []float64{3600, 300}[i%2], c.troubles)
			tally, _ := labelled.Events(s, alarms(s, Options{}))
			sum = sum.Add(tally)
		}
		t.Logf("%2d troubles a month: recall %.2f, %.3f false a day", c.troubles, sum.Recall(), sum.FalsePerDay())
		if sum.Recall() < c.recall || sum.FalsePerDay() > 1.0/defaultDays {
			t.Errorf("%d troubles a month: recall %.2f, want %.2f; %.3f false a day", c.troubles, sum.Recall(), c.recall, sum.FalsePerDay())
		}
	}
}

// FuzzFind: whatever the numbers, rows are in order and inside, the figures are
// numbers, and Observe agrees.
func FuzzFind(f *testing.F) {
	f.Add([]byte{}, 3600.0, 30.0)
	f.Add([]byte{0, 1, 2, 255, 254, 253, 252, 7, 7, 7, 7, 7, 7, 7, 200}, 86400.0, 1.0)
	f.Add([]byte("a constant and then something else entirely, zzzzzzzzzzzzzzzzz"), 0.0, 0.0)
	f.Add([]byte{255, 0, 255, 0, 248, 249, 250, 251, 1, 1}, math.Inf(1), math.NaN())
	f.Add([]byte{9, 90, 200}, 1e-300, 1e300)
	f.Fuzz(func(t *testing.T, raw []byte, step, days float64) {
		special := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e150, -1e150, math.MaxFloat64, 5e-324, 0}
		raw = raw[:min(len(raw), 1000)]
		values := make([]float64, 0, 40*len(raw))
		for turn := range 40 { // beyond the warm-up
			for _, b := range raw {
				v := float64(b) * math.Pow(10, float64(turn%5))
				if b >= 248 {
					v = special[b-248]
				}
				values = append(values, v)
			}
		}
		end := -1
		for _, a := range Find(values, Options{Step: step, Days: days}) {
			if a.Start <= end || a.End < a.Start || a.End >= len(values) || a.Peak < a.Start || a.Peak > a.End {
				t.Fatalf("%+v after row %d of %d", a, end, len(values))
			}
			end = a.End
			for _, x := range []float64{a.Expected, a.Low, a.High, a.Score} {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					t.Fatalf("%+v", a)
				}
			}
			if a.Score <= 1 || a.Score > furthest || a.Low > a.Expected || a.High < a.Expected {
				t.Fatalf("%+v", a)
			}
		}
	})
}
