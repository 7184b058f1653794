package changes

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// weeks makes hourly values: a day's course of 20 deviations, quiet weekends, and
// a step of 4 deviations at a row; -1: none.
func weeks(n, step int, weekend float64, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 77))
	v := make([]float64, n)
	for i := range v {
		v[i] = 100 + rng.NormFloat64() + 20*math.Sin(2*math.Pi*float64(i)/24)*math.Abs(math.Sin(math.Pi*float64(i)/24))
		if (i/24)%7 >= 5 {
			v[i] -= weekend
		}
		if step >= 0 && i >= step {
			v[i] += 4
		}
	}
	return v
}

func places(values []float64) (rows []int) {
	for _, c := range Find(values, Options{Season: 24}).Changes {
		rows = append(rows, c.Index)
	}
	return rows
}

// TestAKnownDayIsNoChange: a day's course that the caller knows of is none, and
// hides no step.
func TestAKnownDayIsNoChange(t *testing.T) {
	found, other := 0, 0
	const runs = 60
	for seed := range uint64(runs) {
		other += len(places(weeks(600, -1, 0, seed)))
		for _, at := range places(weeks(600, 360, 0, seed)) {
			if at >= 357 && at <= 363 {
				found++
			} else {
				other++
			}
		}
	}
	if found < runs-1 || other > 2 {
		t.Errorf("%d of %d steps found, %d other changes", found, runs, other)
	}
}

// TestTheWeekIsLearnt: once three weeks have shown what a weekend is, none is a
// change any more, and learning it makes none.
func TestTheWeekIsLearnt(t *testing.T) {
	late := 0
	const runs, learnt = 40, 4 * 168
	for seed := range uint64(runs) {
		values := weeks(8*168, -1, 10, seed)
		rows := places(values)
		for _, at := range rows {
			if at > learnt {
				late++
			}
		}
		if before := places(values[:700]); !slices.Equal(before, rows[:min(len(rows), len(before))]) {
			t.Errorf("seed %d: %v of the first 700 rows, %v of all", seed, before, rows)
		}
	}
	if late > 2 {
		t.Errorf("%d changes after the week was learnt", late)
	}
}

// TestShortOfADay: what may be the season is a suspect, with what is needed.
func TestShortOfADay(t *testing.T) {
	values := weeks(40, -1, 0, 3)
	for i := range values {
		values[i] = 100 + float64(i%3)/10
		if i >= 25 {
			values[i] += 30
		}
	}
	r := Find(values, Options{Season: 24})
	if len(r.Changes) > 0 || len(r.Suspects) == 0 || r.Suspects[0].Needs < 8 {
		t.Errorf("%+v", r)
	}
}
