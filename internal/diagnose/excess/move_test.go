package excess

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

var began = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// minutes makes one series, a row a minute; NaN is a missing row.
func minutes(v ...float64) pitwall.Measured {
	m := pitwall.Measured{Service: "cart", Metric: "latency_seconds", Stat: "p99"}
	for i, x := range v {
		if !math.IsNaN(x) {
			m.T, m.V = append(m.T, began.Add(time.Duration(i)*time.Minute).UnixMilli()), append(m.V, x)
		}
	}
	return m
}

func periods(n0, n1 int) (baseline, window pitwall.Period) {
	cut := began.Add(time.Duration(n0) * time.Minute)
	return pitwall.Period{From: began, To: cut}, pitwall.Period{From: cut, To: cut.Add(time.Duration(n1) * time.Minute)}
}

// noise is n rows around a level: correlated by rho, log-normal with the given
// spread, so that it has the long upper tail that latencies have.
func noise(rng *rand.Rand, n int, level, spread, rho float64) []float64 {
	v := make([]float64, n)
	z := rng.NormFloat64()
	for i := range v {
		v[i] = level * math.Exp(spread*z)
		z = rho*z + math.Sqrt(1-rho*rho)*rng.NormFloat64()
	}
	return v
}

func one(t *testing.T, v []float64, n0 int) Move {
	t.Helper()
	b, w := periods(n0, len(v)-n0)
	rate := minutes(make([]float64, len(v))...) // something is measured all the time
	rate.Metric = "requests"
	list := Moves([]pitwall.Measured{minutes(v...), rate}, b, w)
	if len(list) != 1 {
		t.Fatalf("%d moves, want 1", len(list))
	}
	return list[0]
}

func TestFalseMoves(t *testing.T) {
	const series = 400
	for _, c := range []struct {
		name   string
		n0, n1 int
		rho    float64
		atMost float64 // share of series
	}{
		{"five rows against two days", 589, 5, 0, 0.04},
		{"the same, wandering", 589, 5, 0.8, 0.04},
		{"two hours against 25 minutes", 25, 120, 0, 0.04},
		{"the same, correlated", 25, 120, 0.5, 0.06},
		{"an hour against 13 minutes", 13, 60, 0, 0.05},
		{"half an hour against two", 120, 30, 0.3, 0.04},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			b, w := periods(c.n0, c.n1)
			list := make([]pitwall.Measured, series)
			for i := range list {
				list[i] = minutes(noise(rng, c.n0+c.n1, 0.2, 0.2, c.rho)...)
			}
			got := float64(len(Moves(list, b, w))) / series
			t.Logf("%.1f %% of series moved", 100*got)
			if got > c.atMost {
				t.Errorf("%.3f of plain noise moved, want at most %.3f", got, c.atMost)
			}
		})
	}
}
