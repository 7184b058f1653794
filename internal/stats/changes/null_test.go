package changes

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/pitwall/pitwall/internal/stats/labelled"
)

// calibrating says that the long runs were asked for.
func calibrating() bool { return os.Getenv("PITWALL_CALIBRATE") != "" }

// more are kinds of series without a change that labelled.Noise does not make.
func more() []string {
	return []string{"t3", "t2", "exponential", "bimodal", "weekend", "poisson1", "poisson20", "rare", "bigdaily", "wandering", "ma", "trend2", "trend20"}
}

func noise(kind string, n int, r *rand.Rand) []float64 {
	out := make([]float64, n)
	slow, before := 0.0, 0.0
	for i := range out {
		slow = 0.95*slow + 0.3*r.NormFloat64()
		e := r.NormFloat64()
		day := math.Sin(2 * math.Pi * float64(i) / 24)
		out[i] = 100 + e
		switch kind {
		case "t3":
			out[i] = 100 + e/math.Sqrt((square(r.NormFloat64())+square(r.NormFloat64())+square(r.NormFloat64()))/3)
		case "t2":
			out[i] = 100 + e/math.Sqrt((square(r.NormFloat64())+square(r.NormFloat64()))/2)
		case "exponential":
			out[i] = r.ExpFloat64()
		case "bimodal":
			if r.Float64() < 0.3 {
				out[i] += 8
			}
		case "weekend":
			if out[i] += 3 * day; i/24%7 >= 5 {
				out[i] -= 4
			}
		case "poisson1":
			out[i] = poisson(r, 1)
		case "poisson20":
			out[i] = poisson(r, 20)
		case "rare":
			if out[i] = 5; r.Float64() < 0.02 {
				out[i] = 50
			}
		case "bigdaily":
			out[i] += 20 * day
		case "wandering":
			out[i] += slow
		case "ma":
			out[i] += 0.8 * before
		case "trend2":
			out[i] += 2 * float64(i) / float64(n)
		case "trend20":
			out[i] += 20 * float64(i) / float64(n)
		default:
			return labelled.Noise(kind, n, r)
		}
		before = e
	}
	return out
}

func square(x float64) float64 { return x * x }

func poisson(r *rand.Rand, mean float64) float64 {
	limit, k, p := math.Exp(-mean), 0, r.Float64()
	for ; p > limit; k++ {
		p *= r.Float64()
	}
	return float64(k)
}

// hits is the share of series of a kind with any change, and how many they have.
func hits(kind string, n, series int, o Options) (share, each float64) {
	for i := range series {
		r := Find(noise(kind, n, rand.New(rand.NewPCG(uint64(i)+91_000_000, uint64(n)^0xa11))), o)
		if len(r.Changes) > 0 {
			share++
		}
		each += float64(len(r.Changes))
	}
	return share / float64(series), each / float64(series)
}

func TestSeriesWithoutChange(t *testing.T) {
	series, lengths := 40, []int{400}
	if calibrating() {
		series, lengths = 1000, []int{100, 400, 2000}
	}
	for _, n := range lengths {
		for _, kind := range labelled.Noises() {
			share, each := hits(kind, n, series, Options{})
			t.Logf("n %4d %-12s %5.1f %% of series, %.2f changes each", n, kind, 100*share, each)
			limit := 0.02
			if kind == "ar0.9" {
				limit = 0.05
			}
			// three standard errors: of the few series here, not of the promise
			if limit += 3 * math.Sqrt(limit*(1-limit)/float64(series)); share > limit {
				t.Errorf("%s, %d points: %.1f %% of series have a change, more than %.1f %%", kind, n, 100*share, 100*limit)
			}
		}
	}
	if !calibrating() {
		return
	}
	for _, n := range lengths {
		for _, kind := range more() {
			share, each := hits(kind, n, 200, Options{})
			t.Logf("n %4d %-12s %5.1f %% of series, %.2f changes each", n, kind, 100*share, each)
		}
	}
}

// TestSeasonGiven: where the caller knows the period, even a season of twenty
// standard deviations makes no change.
func TestSeasonGiven(t *testing.T) {
	share, _ := hits("bigdaily", 400, 40, Options{Season: 24})
	if share > 0.05 {
		t.Errorf("%.0f %% of series with a given season have a change", 100*share)
	}
}

// TestCriticalValues draws noise of correlation 0.9 and looks how often the best
// split of n points goes beyond the critical values: once in 500 times.
func TestCriticalValues(t *testing.T) {
	series := 400
	if calibrating() {
		series = 4000
	}
	for _, n := range []int{20, 60, 200, 600} {
		beyond := [3]float64{}
		for seed := range uint64(series) {
			v := labelled.Noise("ar0.9", n, rand.New(rand.NewPCG(seed, uint64(n))))
			p := newSums(n)
			p.reset(100)
			for _, x := range v {
				p.add(x)
			}
			w, best := p.window(0, n, fewestWhole), [3]float64{}
			for at := max(fewestWhole, n/8); at <= n-max(fewestWhole, n/8); at++ {
				left, right := p.piece(0, at), p.piece(at, n)
				for i, a := range left {
					for j, b := range right {
						best[i+j] = max(best[i+j], w.line.rss/(a.rss+b.rss))
					}
				}
			}
			for k := range beyond {
				if beyondAR9(float64(n), k, best[k]) > criticalNats {
					beyond[k] += 100 / float64(series)
				}
			}
		}
		t.Logf("n %3d: two levels %.2f %%, level and line %.2f %%, two lines %.2f %% beyond", n, beyond[0], beyond[1], beyond[2])
		for k, b := range beyond {
			if b > 1.2 {
				t.Errorf("n %d, %d slopes: %.2f %% of noise is beyond the critical value for 0.2 %%", n, k, b)
			}
		}
	}
}

func TestNewestOutlierIsNoChange(t *testing.T) {
	series := 50
	if calibrating() {
		series = 1000
	}
	for _, sigma := range []float64{4, 6, 10, 20} {
		called, told := 0, 0
		for i := range series {
			rng := rand.New(rand.NewPCG(uint64(i), uint64(sigma)))
			v := labelled.Noise("iid", 50+rng.IntN(351), rng)
			v[len(v)-1] = 100 + sigma
			r := Find(v, Options{})
			called += len(r.Changes)
			for _, s := range r.Suspects {
				if s.Index == len(v)-1 && s.Kind == Spike {
					told++
				}
			}
		}
		t.Logf("%2.0f sigma: called a change %.1f %%, told as a spike %.1f %%", sigma, 100*float64(called)/float64(series), 100*float64(told)/float64(series))
		if called*100 > series+200 {
			t.Errorf("%.0f sigma: %d of %d newest outliers are called a change", sigma, called, series)
		}
		if sigma >= 6 && told*10 < series*9 {
			t.Errorf("%.0f sigma: only %d of %d newest outliers are told as a spike", sigma, told, series)
		}
	}
}
