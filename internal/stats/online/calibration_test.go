package online_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/pitwall/pitwall/internal/stats/labelled"
	"github.com/pitwall/pitwall/internal/stats/online"
)

// noise adds kinds to the labelled ones: Student's t with 3 degrees of freedom
// and weaker correlations.
func noise(kind string, n int, rng *rand.Rand) []float64 {
	rho := map[string]float64{"ar0.1": 0.1, "ar0.2": 0.2}[kind]
	if kind != "t3" && rho == 0 {
		return labelled.Noise(kind, n, rng)
	}
	out := make([]float64, n)
	x := rng.NormFloat64() / math.Sqrt(1-rho*rho)
	for i := range out {
		out[i] = 100 + x
		if kind == "t3" {
			a, b, c := rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()
			out[i] = 100 + rng.NormFloat64()/math.Sqrt((a*a+b*b+c*c)/3)
		}
		x = rho*x + rng.NormFloat64()
	}
	return out
}

const quiet = 100 // points of warm-up

// falseAlarms counts first alarms over points watched, each run ending at its
// first, and says how many runs the points of the whole horizon held.
func falseAlarms(kind string, runs, horizon int) (alarms, points int) {
	for run := range runs {
		d := online.New(online.Options{})
		for i, v := range noise(kind, quiet+horizon, rand.New(rand.NewPCG(uint64(run), 101))) {
			if i >= quiet {
				points++
			}
			if _, ok := d.Observe(v); ok {
				alarms++
				break
			}
		}
	}
	return alarms, points
}

// delays are the points from a step to its alarm, the alarm's included, sorted;
// a false alarm before the step cannot be, and a step not found in 500 points
// counts 501.
func delays(kind string, step float64, runs int) []int {
	out := make([]int, runs)
	for run := range out {
		d := online.New(online.Options{})
		out[run] = 501
		for i, v := range noise(kind, quiet+500, rand.New(rand.NewPCG(uint64(run), 102))) {
			if i >= quiet {
				v += step
			}
			if a, ok := d.Observe(v); ok {
				out[run] = a.Index - quiet + 1
				break
			}
		}
	}
	slices.Sort(out)
	return out
}

// The promise of one false alarm in 10,000 points and the delays at it. The
// full figures, a thousand runs each, come with PITWALL_CALIBRATE=1.
func TestCalibration(t *testing.T) {
	runs := 200
	full := os.Getenv("PITWALL_CALIBRATE") != ""
	if full {
		runs = 1000
	}
	kinds := append(labelled.Noises(), "ar0.1", "ar0.2", "t3")
	for _, kind := range kinds {
		for _, horizon := range []int{300, 1000, 10_000} {
			if horizon == 10_000 && !full {
				continue
			}
			alarms, points := falseAlarms(kind, runs, horizon)
			rate := float64(alarms) / float64(points)
			if full {
				fmt.Printf("%-10s first %6d points: %.2e false alarms a point (%d)\n", kind, horizon, rate, alarms)
			}
			limit := map[string]float64{"iid": 1, "ar0.9": 3, "daily": 1}[kind]
			if limit == 0 {
				limit = 1.5
			}
			// Three standard errors of a Poisson count are chance.
			if most := limit * 1e-4 * float64(points); float64(alarms) > most+3*math.Sqrt(most) {
				t.Errorf("%s: %d false alarms in %d points", kind, alarms, points)
			}
		}
	}
	for _, c := range []struct {
		step   float64
		median int
	}{{0.5, 500}, {1, 22}, {2, 6}, {3, 3}, {6, 3}} {
		d := delays("iid", c.step, runs)
		median := d[len(d)/2]
		if full {
			fmt.Printf("step of %v: median delay %d points, quartiles %d and %d\n", c.step, median, d[len(d)/4], d[len(d)*3/4])
		}
		slack := 0
		if !full && c.step == 1 {
			slack = 2
		}
		if median > c.median+slack {
			t.Errorf("a step of %v deviations takes %d points, want %d", c.step, median, c.median)
		}
	}
	if full {
		for _, kind := range []string{"ar0.3", "ar0.6", "lognormal", "spikes", "t3"} {
			for _, step := range []float64{1, 2, 3} {
				scale := 1.0
				if kind == "lognormal" {
					scale = 100 * math.Sqrt(math.Expm1(0.25)*math.Exp(0.25)) // its own deviation
				}
				d := delays(kind, step*scale, runs)
				fmt.Printf("%s, step of %v: median delay %d points\n", kind, step, d[len(d)/2])
			}
		}
	}
}

// The run length of counts is a theorem for a known share; with an estimated
// one and little traffic it must hold all the same.
func TestCountsRunLength(t *testing.T) {
	runs, horizon := 60, 1500
	full := os.Getenv("PITWALL_CALIBRATE") != ""
	if full {
		runs = 1000
	}
	for _, c := range []struct {
		trials int64
		share  float64
	}{{5, 0.01}, {100, 0.01}, {100, 0.2}} {
		alarms, points := 0, 0
		for run := range runs {
			rng := rand.New(rand.NewPCG(uint64(run), 103))
			d := online.NewCounts(online.Options{ARL: 2000})
			for i := range quiet + horizon {
				if i >= quiet {
					points++
				}
				if _, ok := d.ObserveCount(binomial(rng, c.trials, c.share), c.trials); ok {
					alarms++
					break
				}
			}
		}
		if full {
			fmt.Printf("%d trials of %v: %.2f false alarms per promised run (%d)\n", c.trials, c.share, 2000*float64(alarms)/float64(points), alarms)
		}
		if most := float64(points) / 2000; float64(alarms) > most+3*math.Sqrt(most) {
			t.Errorf("%d trials of %v: %d false alarms in %d points, promised 2,000 apart", c.trials, c.share, alarms, points)
		}
	}
	if !full {
		return
	}
	for _, c := range []struct {
		trials      int64
		before, now float64
	}{{5, 0.01, 0.1}, {5, 0.01, 0.3}, {100, 0.01, 0.02}, {100, 0.01, 0.05}, {1000, 0.01, 0.02}, {1000, 0.001, 0.005}} {
		out := make([]int, runs)
		for run := range out {
			rng := rand.New(rand.NewPCG(uint64(run), 104))
			d := online.NewCounts(online.Options{})
			out[run] = 501
			for i := range quiet + 500 {
				p := c.before
				if i >= quiet {
					p = c.now
				}
				if _, ok := d.ObserveCount(binomial(rng, c.trials, p), c.trials); ok {
					out[run] = i - quiet + 1
					break
				}
			}
		}
		slices.Sort(out)
		fmt.Printf("%d trials a point, %v to %v: median delay %d points\n", c.trials, c.before, c.now, out[runs/2])
	}
}
