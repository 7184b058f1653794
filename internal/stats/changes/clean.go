package changes

import "math"

// reach is how many rows on both sides say whether a value is a spike: up to
// three outliers in a row leave the median of seven where it was.
const reach = 3

// The scale of single deviations is an average over the last 64 of them, in
// which none counts more than far scales, so that it follows a change of spread
// and no outlier.
const (
	far    = 4
	memory = 64
)

// series is the input without its gaps and without its spikes. Value i is final
// as soon as value i+reach is there; nothing later touches it.
type series struct {
	raw   []float64 // values that are there
	row   []int     // their rows
	value []float64 // raw, pulled in to the neighbours where it is a spike
	spike []bool
	rows  []float64 // value by row, the one before in a gap: only the season is sought in it
	mid   []float64 // median of the neighbours
	limit []float64 // how far from it a value may be
	unit  float64   // smallest difference of two neighbours that differ
}

// largest is the largest value that is not taken for a missing one: squares must
// add up.
const largest = 1e100

// clean drops gaps and pulls in spikes.
func clean(values []float64) *series {
	s := &series{}
	for i, v := range values {
		if !math.IsNaN(v) && math.Abs(v) <= largest {
			s.raw, s.row = append(s.raw, v), append(s.row, i)
		}
	}
	n := len(s.raw)
	s.value, s.mid, s.limit = make([]float64, n), make([]float64, n), make([]float64, n)
	s.spike, s.rows = make([]bool, n), make([]float64, 0, len(values))
	scale := 0.0
	for i := 0; i < n; i++ {
		if i == 0 {
			scale = firstScale(s.raw[:min(n, 2*reach+1)])
		}
		limit, mid := far*scale, middle(s.raw, i)
		off := math.Abs(s.raw[i] - mid)
		s.mid[i], s.limit[i] = mid, limit
		s.value[i], s.spike[i] = pull(s.raw[i], mid, limit), off > limit && scale > 0
		w := 1 / math.Min(float64(i+8), memory)
		scale += w * (1.2533*math.Min(off, limit) - scale)
		if scale == 0 {
			scale = w * off * 1.2533
		}
	}
	for i, v := range s.value {
		for len(s.rows) < s.row[i] {
			s.rows = append(s.rows, s.value[max(i-1, 0)])
		}
		s.rows = append(s.rows, v)
	}
	return s
}

func pull(v, mid, limit float64) float64 {
	if math.Abs(v-mid) <= limit {
		return v
	}
	return mid + math.Copysign(limit, v-mid)
}

// firstScale is the mean absolute deviation from the median of the first values.
func firstScale(v []float64) float64 {
	m := middle(v, min(reach, len(v)-1))
	sum := 0.0
	for _, x := range v {
		sum += math.Abs(x - m)
	}
	return 1.2533 * sum / float64(len(v))
}

// middle is the median of the seven values around i, fewer when there are no more.
func middle(v []float64, i int) float64 {
	from := max(0, min(i-reach, len(v)-2*reach-1))
	to := min(len(v), from+2*reach+1)
	var w [2*reach + 1]float64
	n := 0
	for _, x := range v[from:to] {
		j := n
		for ; j > 0 && w[j-1] > x; j-- {
			w[j] = w[j-1]
		}
		w[j] = x
		n++
	}
	if n%2 == 1 {
		return w[n/2]
	}
	return (w[n/2-1] + w[n/2]) / 2
}
