package trace

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/pitwall/pitwall/internal/stats"
)

// manyNumbers is from how many different numbers on a key is a measure, to be
// cut into bins, and not a code.
const manyNumbers = 10

// numbers gives each request the sum of its values, where all are numbers and
// there are many different ones.
func (col *column) numbers(requests int) (v values, ok bool) {
	if len(col.texts) <= manyNumbers {
		return v, false
	}
	parsed := make([]float64, len(col.texts))
	for i, text := range col.texts {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return v, false
		}
		parsed[i] = f
	}
	v = values{set: make([]bool, requests), number: make([]float64, requests)}
	col.each(func(request int, texts []int32) {
		v.set[request] = true
		for _, no := range texts {
			v.number[request] += parsed[no]
		}
	})
	return v, true
}

// Rank correlations from which on a number is taken for a clock or a counter,
// and for the duration itself.
const (
	clockLike    = 0.9
	durationLike = 0.98
)

// fair says whether a measure can be held against slowness: one that runs with
// the clock, or is the duration under another name, would always "explain" it.
func (c *contrasting) fair(v values) bool {
	var number, start, took []float64
	for i, r := range c.requests {
		if v.set[i] {
			number, start, took = append(number, v.number[i]), append(start, float64(r.start)), append(took, r.took)
		}
	}
	return math.Abs(rankCorrelation(number, start)) < clockLike && math.Abs(rankCorrelation(number, took)) < durationLike
}

// rankCorrelation is Spearman's, with mean ranks for ties.
func rankCorrelation(x, y []float64) float64 {
	rx, ry := ranks(x), ranks(y)
	mx, my := stats.Mean(rx), stats.Mean(ry)
	var xy, xx, yy float64
	for i := range rx {
		xy += (rx[i] - mx) * (ry[i] - my)
		xx += (rx[i] - mx) * (rx[i] - mx)
		yy += (ry[i] - my) * (ry[i] - my)
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

func ranks(v []float64) []float64 {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int { return cmp.Compare(v[x], v[y]) })
	out := make([]float64, len(v))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && v[order[to]] == v[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			out[i] = float64(from+to-1) / 2
		}
		from = to
	}
	return out
}

// measureBins is into how many a measure is cut, of equal numbers of requests.
const measureBins = 5

// binned names the bin of each request's number.
func (v values) binned() func(i int) string {
	var sorted []float64
	for i, n := range v.number {
		if v.set[i] {
			sorted = append(sorted, n)
		}
	}
	slices.Sort(sorted)
	var upper []float64 // largest number of each bin
	for q := 1; q <= measureBins; q++ {
		top := sorted[(len(sorted)*q-1)/measureBins]
		if len(upper) == 0 || top > upper[len(upper)-1] {
			upper = append(upper, top)
		}
	}
	names := make([]string, len(upper))
	for b := range upper {
		low := sorted[0]
		if b > 0 {
			at, _ := slices.BinarySearchFunc(sorted, upper[b-1], func(x, edge float64) int {
				if x <= edge {
					return -1
				}
				return 1
			})
			low = sorted[at]
		}
		names[b] = fmt.Sprintf("%.6g – %.6g", low, upper[b])
	}
	return func(i int) string {
		if !v.set[i] {
			return ""
		}
		b, _ := slices.BinarySearch(upper, v.number[i])
		return names[b]
	}
}
