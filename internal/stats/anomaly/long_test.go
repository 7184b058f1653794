package anomaly

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestFirstDays: a wave of the day that only the mean of hours shows is no news
// while few days are known and no day is like another.
func TestFirstDays(t *testing.T) {
	told := 0
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 14))
		v, height := make([]float64, 5*288), 0.0
		for i := range v {
			if i%288 == 0 {
				height = 10 * math.Exp(rng.NormFloat64()/2)
			}
			v[i] = 100 + height*math.Max(0, math.Sin(2*math.Pi*float64(i)/288)) + 15*rng.NormFloat64()
		}
		told += len(Find(v, Options{Step: 300}))
	}
	t.Logf("%d anomalies in 40 times the first five days", told)
	if told > 10 {
		t.Errorf("%d anomalies in 40 times the first five days", told)
	}
}

// TestMoreOften: spikes of the usual height that come seven times as often are no
// news each; the mean of hours shows most of them, where no other view does.
func TestMoreOften(t *testing.T) {
	seen, long := 0, 0
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 12))
		v := make([]float64, 14*288)
		for i := range v {
			v[i] = 10 + rng.NormFloat64()
			often := 0.03
			if i >= 2900 && i < 3000 {
				often = 0.2
			}
			if rng.Float64() < often {
				v[i] = 50
			}
		}
		found := Find(v, Options{Step: 300})
		if covers(found, 2900, 3048) {
			seen++
		}
		if i := slices.IndexFunc(found, func(a Anomaly) bool { return a.Over == 48 && a.Up }); i >= 0 {
			long++
		}
	}
	if seen < 14 || long < 8 {
		t.Errorf("%d of 20 seen, %d in the long view", seen, long)
	}
	t.Logf("%d of 20 seen, %d in the long view", seen, long)
}
