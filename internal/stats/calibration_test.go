package stats_test

import (
	"encoding/json"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall/internal/stats"
)

var update = flag.Bool("update", false, "write the golden files anew")

// world simulates requests of two arms, minute by minute, as in the published
// comparison of canary judges: log-normal latencies with sigma 0.6.
type world struct {
	rng       *rand.Rand
	perMinute int
	ramp      bool    // treatment share grows from 5 % to 50 %
	shared    float64 // sigma of shocks that hit both arms
	own       float64 // sigma of AR(1) noise of each arm, rho 0.7
	burst     bool    // now and then 5 % of an arm's requests take four times as long
	shift     float64 // factor on every treatment request
	tail      float64 // factor on treatment requests above the p95 only
	noise     [2]float64
}

func (w *world) minute(i, looks int) (control, treatment []float64) {
	share := 0.5
	if w.ramp {
		share = 0.05 + 0.45*float64(i)/float64(looks-1)
	}
	total := 2 * w.perMinute
	shock := w.shared * w.rng.NormFloat64()
	for arm := range w.noise {
		w.noise[arm] = 0.7*w.noise[arm] + math.Sqrt(1-0.49)*w.own*w.rng.NormFloat64()
	}
	nt := int(math.Round(share * float64(total)))
	return w.arm(0, total-nt, shock), w.arm(1, nt, shock)
}

func (w *world) arm(arm, n int, shock float64) []float64 {
	out := make([]float64, n)
	level := math.Exp(shock + w.noise[arm])
	bursting := w.burst && w.rng.Float64() < 0.1
	for i := range out {
		z := w.rng.NormFloat64()
		out[i] = 0.2 * level * math.Exp(0.6*z)
		if bursting && w.rng.Float64() < 0.05 {
			out[i] *= 4
		}
		if arm == 1 {
			out[i] *= w.shift
			if z > 1.96 {
				out[i] *= w.tail
			}
		}
	}
	return out
}

const looks = 60

// drifting is the scenario in which each arm has a slow noise of its own.
const drifting = "AR 5 % per arm"

// firstAlarm is the first look at which the evidence reaches 1/alpha, or 0.
func firstAlarm(w *world, margin, alpha float64) int {
	test := stats.NewTailTest(margin, 1)
	for i := range looks {
		control, treatment := w.minute(i, looks)
		test.Observe(control, treatment)
		if test.Evidence().Worse >= math.Log(1/alpha) {
			return i + 1
		}
	}
	return 0
}

type falseAlarms struct {
	Scenario string  `json:"scenario"`
	Margin   float64 `json:"margin"`
	Runs     int     `json:"runs"`
	Alarms   int     `json:"alarms"`
}

type power struct {
	Effect        string  `json:"effect"`
	Margin        float64 `json:"margin"`
	Runs          int     `json:"runs"`
	Found         int     `json:"found"`
	MedianMinutes int     `json:"median_minutes"`
}

type calibration struct {
	Alpha       float64       `json:"alpha"`
	Looks       int           `json:"looks"`
	FalseAlarms []falseAlarms `json:"false_alarms"`
	Power       []power       `json:"power"`
}

func calibrate() calibration {
	const alpha, runs, powerRuns = 0.01, 100, 30
	out := calibration{Alpha: alpha, Looks: looks}
	for i, s := range []struct {
		name string
		world
	}{
		{"independent", world{perMinute: 300}},
		{drifting, world{perMinute: 300, own: 0.05}},
		{"shared 20 % shocks and ramp", world{perMinute: 300, shared: 0.2, ramp: true}},
		{"bursts", world{perMinute: 300, burst: true}},
		{"30 a minute", world{perMinute: 30}},
	} {
		for _, margin := range []float64{0, 0.1} {
			row := falseAlarms{Scenario: s.name, Margin: margin, Runs: runs}
			for run := range runs {
				w := s.world
				w.shift, w.tail, w.rng = 1, 1, rand.New(rand.NewPCG(uint64(i), uint64(run)))
				if firstAlarm(&w, margin, alpha) > 0 {
					row.Alarms++
				}
			}
			out.FalseAlarms = append(out.FalseAlarms, row)
		}
	}
	for i, e := range []struct {
		name        string
		shift, tail float64
		margin      float64
	}{
		{"+20 % all", 1.2, 1, 0}, {"+20 % all", 1.2, 1, 0.1}, {"+20 % above p95 only", 1, 1.2, 0},
		{"+10 % all", 1.1, 1, 0}, {"+50 % all", 1.5, 1, 0.1},
	} {
		row := power{Effect: e.name, Margin: e.margin, Runs: powerRuns}
		var found []int
		for run := range powerRuns {
			w := world{perMinute: 300, shift: e.shift, tail: e.tail, rng: rand.New(rand.NewPCG(uint64(100+i), uint64(run)))}
			at := firstAlarm(&w, e.margin, alpha)
			if at > 0 {
				row.Found++
			} else {
				at = looks + 1
			}
			found = append(found, at)
		}
		slices.Sort(found)
		row.MedianMinutes = found[len(found)/2]
		out.Power = append(out.Power, row)
	}
	return out
}

// TestCalibration measures false alarms over 60 looks and the median time to
// find an effect. The numbers are the review: a change of the test is a visible
// change of the golden file.
func TestCalibration(t *testing.T) {
	const golden = "testdata/calibration.golden.json"
	got := calibrate()
	for _, row := range got.FalseAlarms {
		// At a true rate of 1 %, more than 5 of 100 has a probability of 0.05 %.
		limit := 5
		if row.Scenario == drifting && row.Margin == 0 {
			limit = 15 // the arms do differ for minutes at a time: only a margin can call that the same
		}
		if row.Alarms > limit {
			t.Errorf("%s, margin %v: %d of %d runs alarm at alpha %v", row.Scenario, row.Margin, row.Alarms, row.Runs, got.Alpha)
		}
	}
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("reading golden file: %v (write it with -update)", err)
	}
	if diff := cmp.Diff(string(want), string(text)+"\n"); diff != "" {
		t.Errorf("calibration changed (-want +got):\n%s", diff)
	}
}
