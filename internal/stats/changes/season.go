package changes

import (
	"math"

	"github.com/pitwall/pitwall/internal/stats"
)

const (
	shortestPeriod = 4
	longestPeriod  = 48   // points; a longer one must be given, or be a week of days
	fullPeriods    = 4    // periods that must have been seen
	profilePeriods = 12   // newest periods that the profile is taken from
	seasonOnce     = 0.9  // correlation one period apart that makes a season,
	seasonTwice    = 0.8  // and two periods apart
	seasonSamples  = 250  // places at which correlations are taken
	lastSought     = 2100 // points after which the period is not sought any more
)

// cycle is the part of a series that repeats: what to take off at each phase. The
// profile is taken anew as the series grows; each applies from the row at which
// it was known, the first to all before too.
type cycle struct {
	profiles [][]float64
	since    []int // rows seen when each was known
	next     int   // rows seen at which it is looked at again
}

func (y *cycle) at(i int) float64 {
	k := len(y.profiles) - 1
	for k > 0 && i < y.since[k] {
		k--
	}
	if k < 0 || len(y.profiles[k]) == 0 {
		return 0
	}
	return y.profiles[k][i%len(y.profiles[k])]
}

func (y *cycle) period() int {
	if len(y.profiles) == 0 {
		return 0
	}
	return len(y.profiles[len(y.profiles)-1])
}

// update looks at the season when the series has grown half as long again, and
// says whether earlier values look different now: with another period the values
// from a row on are read anew, or the new profile would meet the old one in a step.
func (y *cycle) update(values []float64, given, from int) bool {
	if len(values) < max(y.next, 2*given) {
		return false
	}
	y.next = len(values) + max(8, len(values)/2)
	period := y.period()
	switch {
	case given > 1:
		period = given
		if proven(values, given) {
			period *= 7
		}
	case len(values) <= lastSought:
		period = findPeriod(values)
	}
	if period == 0 && len(y.profiles) == 0 {
		return false
	}
	var now []float64
	if period > 0 {
		now = profile(values, period)
	}
	other := len(now) != y.period() || len(y.profiles) == 0
	since := len(values)
	if other {
		since = from
	}
	y.profiles, y.since = append(y.profiles, now), append(y.since, since)
	return other
}

// findPeriod is the period of a season, 0 for none: differences over half a
// period correlate with those one and two periods before. Trends, steps and
// wandering levels do not make differences that repeat.
func findPeriod(v []float64) int {
	p := shortPeriod(v)
	if p > 0 && proven(v, p) {
		return 7 * p
	}
	return p
}

// proven says that seven periods, a week of days, repeat better than one.
func proven(v []float64, p int) bool {
	return 3*7*p <= len(v) && repeat(v, 7*p, 1) > math.Max(seasonOnce, repeat(v, p, 1))
}

func shortPeriod(v []float64) int {
	longest := min(longestPeriod, len(v)/fullPeriods)
	best, at := seasonOnce, 0
	r := make([]float64, longest+1)
	for p := shortestPeriod; p <= longest; p++ {
		if r[p] = repeat(v, p, 1); r[p] > best {
			best, at = r[p], p
		}
	}
	if at == 0 {
		return 0
	}
	for k := 7; k > 1; k-- {
		// a season repeats at its multiples too: the shortest counts
		if q := (at + k/2) / k; q >= shortestPeriod {
			for c := max(q-1, shortestPeriod); c <= q+1; c++ {
				if r[c] >= 0.95*best && repeat(v, c, 2) > seasonTwice {
					return c
				}
			}
		}
	}
	if repeat(v, at, 2) < seasonTwice {
		return 0
	}
	return at
}

// repeat is the correlation of differences over half a period with those k
// periods before.
func repeat(v []float64, p, k int) float64 {
	h, lag := (p+1)/2, k*p
	room := len(v) - lag - h
	if room < p {
		return 0
	}
	stride := max(1, room/seasonSamples)
	var n, sa, sb, aa, bb, ab float64
	for i := lag + h; i < len(v); i += stride {
		a, b := v[i]-v[i-h], v[i-lag]-v[i-lag-h]
		n++
		sa, sb, aa, bb, ab = sa+a, sb+b, aa+a*a, bb+b*b, ab+a*b
	}
	aa, bb, ab = aa-sa*sa/n, bb-sb*sb/n, ab-sa*sb/n
	if aa <= 0 || bb <= 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// profile is the median of every phase over the newest periods, each value taken
// relative to the mean of the period around it.
func profile(v []float64, p int) []float64 {
	n := len(v)
	from := max(0, n-profilePeriods*p)
	sum := make([]float64, n-from+1)
	for i := from; i < n; i++ {
		sum[i-from+1] = sum[i-from] + v[i]
	}
	phases := make([][]float64, p)
	for i := from; i < n; i++ {
		a := max(from, min(i-p/2, n-p))
		mean := (sum[a+p-from] - sum[a-from]) / float64(p)
		phases[i%p] = append(phases[i%p], v[i]-mean)
	}
	out, mean := make([]float64, p), 0.0
	for k, vs := range phases {
		out[k] = stats.Median(vs)
		mean += out[k] / float64(p)
	}
	for k := range out {
		out[k] -= mean
	}
	return out
}
