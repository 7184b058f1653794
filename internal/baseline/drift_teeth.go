package baseline

import (
	"cmp"
	"math"
	"slices"

	"github.com/pitwall/pitwall/internal/stats"
)

const (
	toothFalls  = 2   // falls without a restart that make a habit
	toothFoot   = 3   // hours after a fall that are its foot
	toothSigmas = 6   // a fall exceeds the usual step by so many standard deviations
	toothRange  = 0.5 // and so much of the range between the 5th and the 95th percentile
	toothTau    = 0.6 // rank correlation with time between falls; one step up has 0.5 at most
	teethFewest = 5   // feet that show a trend
)

// teeth looks for a series that creeps up and falls back by itself, less than
// twice a day: a compaction, a rotation, a cache that is emptied. While it creeps
// it looks like a leak; only its feet, the hours after each fall, tell. ok is false
// when it does not fall so, or does not creep in between: a weekend's traffic falls
// too, but it stays down and then jumps up.
func (c clock) teeth(days map[[2]int][]slotValue) (feet []block, ok bool) {
	var hours []slotValue
	for _, p := range days {
		hours = append(hours, p...)
	}
	slices.SortFunc(hours, func(a, b slotValue) int { return cmp.Compare(b.slot, a.slot) })
	falls := c.falls(hours)
	if len(falls) < toothFalls || !creeps(hours, falls) {
		return nil, false
	}
	for _, i := range falls {
		foot := hours[i:min(len(hours), i+toothFoot)]
		at := -float64(hours[i].slot) / dayHours
		segment, _ := c.segment(hours[i].slot)
		feet = append(feet, block{at: at, segment: segment, traffic: math.NaN(), value: edgeOf(foot, 0.5), tooth: true})
	}
	return feet, true
}

// falls lists the hours at which the series fell far. Hours with a restart between
// them are not compared.
func (c clock) falls(hours []slotValue) (falls []int) {
	if len(hours) < dayHours {
		return nil
	}
	steps, values := make([]float64, len(hours)), make([]float64, len(hours))
	var sizes []float64
	for i, h := range hours {
		values[i] = h.value
		if i == 0 {
			continue
		}
		before, _ := c.segment(hours[i-1].slot)
		if now, _ := c.segment(h.slot); now == before {
			steps[i] = h.value - hours[i-1].value
			sizes = append(sizes, math.Abs(steps[i]))
		}
	}
	slices.Sort(values)
	far := max(toothSigmas*1.4826*stats.Median(sizes), toothRange*(stats.Quantile(values, 0.95)-stats.Quantile(values, 0.05)))
	for i, step := range steps {
		if far > 0 && step <= -far {
			falls = append(falls, i)
		}
	}
	return falls
}

// creeps says whether the series rises from hour to hour in most of the pieces
// between falls that last for half a day.
func creeps(hours []slotValue, falls []int) bool {
	var taus []float64
	from := 0
	for _, to := range append(slices.Clone(falls), len(hours)) {
		if piece := hours[from:to]; len(piece) >= dayHours/2 {
			taus = append(taus, kendall(piece))
		}
		from = to
	}
	return len(taus) >= toothFalls && stats.Median(taus) >= toothTau
}

// kendall is the share of pairs in rising order less that in falling order. One
// step up, wherever it is, gives at most 0.5. Of more than 240 hours some are
// skipped.
func kendall(hours []slotValue) float64 {
	every := 1 + len(hours)/240
	sum, pairs := 0, 0
	for i := 0; i < len(hours); i += every {
		for j := i + every; j < len(hours); j += every {
			sum += cmp.Compare(hours[j].value, hours[i].value)
			pairs++
		}
	}
	return float64(sum) / float64(max(1, pairs))
}
