package baseline

import (
	"math"
	"slices"

	"github.com/pitwall/pitwall/internal/stats"
)

// weekSpread is the quantile that the errors of the week are read at: the median
// for one hour of the week, where an odd week in eight must not widen it, the
// third quartile for one hour of all days, whose noise differs.
func weekSpread(step int) float64 {
	if step == weekHours {
		return 0.5
	}
	return 0.75
}

// fitNoise compares the usual errors of each day of the week with those of all, at
// most fourfold.
func (p *Profile) fitNoise() {
	var all [weekHours]float64
	var day [dayHours]float64
	n := 0
	for i := range p.fit.cells {
		if c := &p.fit.cells[i]; c.forecast[onWeek] > 0 {
			all[n] = float64(c.errors[onWeek])
			n++
		}
	}
	slices.Sort(all[:n])
	usual := stats.Quantile(all[:n], 0.5)
	for d := range p.fit.noisier {
		k := 0
		for i := d * dayHours; i < (d+1)*dayHours; i++ {
			if c := &p.fit.cells[i]; c.forecast[onWeek] > 0 {
				day[k] = float64(c.errors[onWeek])
				k++
			}
		}
		slices.Sort(day[:k])
		p.fit.noisier[d] = 1
		if ratio := stats.Quantile(day[:k], 0.5) / usual; ratio > 0 {
			p.fit.noisier[d] = max(0.25, min(4, ratio))
		}
	}
}

// spread turns absolute errors into a standard deviation by one of their quantiles,
// as if the noise were normal; NaN for none. Level and day are read at the ninth
// decile: they know of no weekend, and what they cannot explain is noise to
// them. Where the quantile is 0, as with counts that are mostly 0, the mean stands
// in.
func spread(errors []float64, q float64) float64 {
	slices.Sort(errors)
	if s := stats.Quantile(errors, q) / stats.NormalQuantile((1+q)/2); s != 0 {
		return s
	}
	return stats.Mean(errors) * math.Sqrt(math.Pi/2)
}

type weighted struct{ value, weight float64 }

// weightedMedian is the smallest value with at least half of the weight at or
// below it, of two the weighted mean; NaN of none. It reorders its argument.
func weightedMedian(v []weighted) float64 {
	if len(v) == 2 {
		return (v[0].value*v[0].weight + v[1].value*v[1].weight) / (v[0].weight + v[1].weight)
	}
	for i := 1; i < len(v); i++ { // few values, nearly sorted or not: insertion
		for j := i; j > 0 && v[j].value < v[j-1].value; j-- {
			v[j], v[j-1] = v[j-1], v[j]
		}
	}
	total := 0.0
	for _, x := range v {
		total += x.weight
	}
	sum := 0.0
	for _, x := range v {
		if sum += x.weight; sum >= total/2 {
			return x.value
		}
	}
	return math.NaN()
}
