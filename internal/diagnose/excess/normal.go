package excess

import (
	"math"
	"slices"

	"github.com/pitwall/pitwall/internal/stats"
)

// normal is the picture of one series in its baseline.
type normal struct {
	v         []float64 // in the order of time
	mid       float64
	low, high float64 // central nine tenths
	up, down  float64 // robust standard deviation on either side
}

func normalOf(v []float64) normal {
	s := slices.Sorted(slices.Values(v))
	n := normal{v: v, mid: stats.Quantile(s, 0.5), low: stats.Quantile(s, 0.05), high: stats.Quantile(s, 0.95)}
	half := (stats.Quantile(s, 0.75) - stats.Quantile(s, 0.25)) / 1.349 // IQR of a normal distribution: 1.349 sd
	// One side may have the longer tail (latency has): 1.645 sd reach to the 95th percentile.
	n.up, n.down = max(half, (n.high-n.mid)/1.645), max(half, (n.mid-n.low)/1.645)
	// A constant has no spread; half a percent of it is what nobody would call a move.
	floor := max(0.005*math.Abs(n.mid), 1e-12)
	n.up, n.down = max(n.up, floor), max(n.down, floor)
	return n
}

func (n normal) spread(up bool) float64 {
	if up {
		return n.up
	}
	return n.down
}

// inside says that a level is ordinary; the floor of the spread is the least
// that it may be off.
func (n normal) inside(level float64) bool {
	return level >= min(n.low, n.mid-n.down) && level <= max(n.high, n.mid+n.up)
}

// excursion looks for a run of rows that are all farther off on one side than
// as many rows in a row ever were in the baseline. Two things widen that limit:
// how much more window there is than baseline (stretched as the maximum of an
// exponential tail would be, so that one series in a hundred moves by chance),
// and correlation needs no allowance, for the runs of the baseline have it too.
func (r rows) excursion(n normal) (event, bool) {
	w := r.v[r.n0:]
	lengths := min(len(w), 5, r.n0/2)
	var best event
	strongest := 1.0
	for length := 1; length <= lengths; length++ {
		stretch := max(1, math.Log(float64(len(w)*lengths)/alpha)/math.Log(float64(r.n0)))
		for _, up := range []bool{true, false} {
			limit := max(stretch*n.extreme(length, up), 3*n.spread(up))
			at, far := farthest(w, n.mid, length, up)
			if length < r.leastRun() || far/limit <= strongest {
				continue
			}
			strongest = far / limit
			best = event{kind: Spike, from: at, to: at + length}
			// The run reaches as far as rows stay outside of normal.
			for best.from > 0 && n.beyond(w[best.from-1], up) {
				best.from--
			}
			for best.to < len(w) && n.beyond(w[best.to], up) {
				best.to++
			}
		}
	}
	if strongest <= 1 {
		return event{}, false
	}
	best.level = median(w[best.from:best.to])
	best.from, best.to = best.from+r.n0, best.to+r.n0
	best.earliest, best.latest = best.from, best.from
	return best, true
}

// leastRun is how many rows a run must have: one where the baseline is twenty
// times as long as the window, so that its own extremes speak; three otherwise.
func (r rows) leastRun() int {
	if n1 := len(r.v) - r.n0; 20*n1 <= r.n0 {
		return 1
	}
	return 3
}

// beyond says that a single row is farther off than one in twenty are, and by
// more than two spreads.
func (n normal) beyond(v float64, up bool) bool {
	if up {
		return v > max(n.high, n.mid+2*n.up)
	}
	return v < min(n.low, n.mid-2*n.down)
}

// extreme is how far off the middle a whole run of the baseline was at most.
func (n normal) extreme(length int, up bool) float64 {
	_, far := farthest(n.v, n.mid, length, up)
	return max(0, far)
}

// farthest is the run of which even the nearest row is farthest off the middle.
func farthest(v []float64, mid float64, length int, up bool) (at int, far float64) {
	far = math.Inf(-1)
	for i := 0; i+length <= len(v); i++ {
		nearest := math.Inf(1)
		for _, x := range v[i : i+length] {
			d := x - mid
			if !up {
				d = -d
			}
			nearest = min(nearest, d)
		}
		if nearest > far {
			at, far = i, nearest
		}
	}
	return at, far
}

func median(v []float64) float64 { return stats.Median(v) }
