package excess

import (
	"fmt"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
)

// State is the answer to "is there anything to explain?".
type State string

// The states of an indicator.
const (
	Worse   State = "worse"   // beyond what the normal time itself does
	Still   State = "still"   // not
	Unknown State = "unknown" // there is too little to say
)

// Gate is the judgement of one indicator with its numbers.
type Gate struct {
	State   State
	Service pitwall.ServiceName
	Metric  string // as in Measured; "errors" also where 1-availability was judged
	Stat    string
	Before  float64 // what is normal
	After   float64 // mean of the bad rows; of the whole window when there are none
	Value   float64 // how far off normal as many rows in a row were
	Limit   float64 // what that may be: the 95th percentile of as long windows of the baseline
	P       float64 // share of as long windows of the baseline with as much; NaN where there are too few of them
	Chance  float64 // by how much the mean of as many rows rises by chance: two standard deviations; 0: not asked
	Windows int     // windows of the baseline that were compared, overlapping
	N0, N1  int     // rows of baseline and window
	Onset   pitwall.Onset
	Witness pitwall.ServiceName // what decided, where the indicator alone would not have
	Reason  string              // for Unknown

	bad  []int // rows of the window that are bad
	near bool  // its good rows are what is normal now, rather than the baseline
}

// level is the share of calm windows that are called worse: one in twenty.
const level = 0.05

// doubt is up to where an indicator that alone does not prove anything is
// believed when a component under it is a witness: it gained by witness times
// more than ever in the baseline, and explains half of what the indicator gained.
const (
	doubt   = 0.5
	witness = 2
)

// enough is how many windows must fit side by side into a baseline for it to
// say how often something comes by chance: one in twenty takes twenty.
const enough = 20

// judge compares a window with its baseline, and does it as the baseline itself
// is compared: windows of the same length all over the baseline answer for what
// wandering, daily rhythm and bursts do (a permutation test that keeps the order
// of the rows). A row alone proves nothing: two in a row are asked for, and of a
// long window also a third of it, for small moves that stay.
func (r rows) judge(alpha float64) Gate {
	g := Gate{State: Unknown, P: math.NaN(), N0: r.n0, N1: len(r.v) - r.n0}
	switch {
	case g.N0 < fewest:
		g.Reason = fmt.Sprintf("only %d rows of the baseline, %d are needed", g.N0, fewest)
		return g
	case g.N1 == 0:
		g.Reason = "no rows in the window"
		return g
	}
	n := normalOf(r.v[:r.n0])
	w := r.v[r.n0:]
	g.State, g.Before, g.After, g.P = Still, n.mid, mean(w), 1
	if g.N0 < enough*g.N1 {
		return r.judgeMove(g, n)
	}
	lengths := []int{min(2, g.N1)}
	if long := g.N1 / 3; long > lengths[0] {
		lengths, alpha = append(lengths, long), alpha/2
	}
	g.Windows = g.N0 - g.N1 + 1
	for _, length := range lengths {
		c := n.contrast(w, length, alpha)
		if c.p > g.P || c.p == g.P && g.Limit != 0 {
			continue
		}
		g.P, g.Value, g.Limit = c.p, c.value, c.limit
		g.near, g.Before, g.bad = c.near, c.from, widened(w, c)
		if c.p <= alpha {
			g.State = Worse
		}
	}
	return r.placed(g)
}

// contrast is how far the worst run of a window is off.
type contrast struct {
	at, length   int
	value, limit float64
	p            float64
	near         bool    // off the rest of its own window, beyond what comes by chance
	from         float64 // what it is off from
}

// contrast holds the worst run of a window against two levels, the middle of
// the baseline and the middle of the window's own other rows, for a baseline
// may be from an older time whose level is no longer the normal one. Each is
// measured in what the worst of alpha of the baseline's windows reach, the
// larger counts, and the same larger one is taken of every window of the baseline.
func (n normal) contrast(w []float64, length int, alpha float64) contrast {
	type pair struct{ far, near float64 }
	var all []pair
	for i := 0; i+len(w) <= len(n.v); i++ {
		k := n.v[i : i+len(w)]
		_, far := farthest(k, n.mid, length, true)
		_, near, _ := standing(k, length)
		all = append(all, pair{far, near})
	}
	var fars, nears []float64
	for _, p := range all {
		fars, nears = append(fars, p.far), append(nears, p.near)
	}
	// A limit of nothing (failures that never came) is no measure: a spread is the least.
	limitFar, limitNear := max(quantile(fars, 1-alpha), n.up), max(quantile(nears, 1-alpha), n.up)
	c := contrast{length: length, p: 1, limit: limitFar, from: n.mid}
	at, far := farthest(w, n.mid, length, true)
	atNear, near, rest := standing(w, length)
	c.at, c.value = at, far
	worst := max(far/limitFar, near/limitNear)
	if worst <= 0 {
		return c
	}
	more, moreNear := 1, 1
	for _, p := range all {
		if max(p.far/limitFar, p.near/limitNear) >= worst {
			more++
		}
		if p.near >= near {
			moreNear++
		}
	}
	c.p = float64(more) / float64(1+len(all))
	if near > 0 && float64(moreNear)/float64(1+len(all)) <= max(alpha, c.p) {
		c.near, c.at, c.value, c.limit, c.from = true, atNear, near, limitNear, rest
	}
	return c
}

// standing finds the run that stands highest above the middle of the window's
// other rows, measured by its lowest row.
func standing(w []float64, length int) (at int, value, rest float64) {
	value = math.Inf(-1)
	others := make([]float64, 0, len(w))
	for i := 0; i+length <= len(w); i++ {
		others = append(append(others[:0], w[:i]...), w[i+length:]...)
		if len(others) < 2 {
			return 0, 0, math.NaN() // nothing to stand above
		}
		mid := median(others)
		if v := slices.Min(w[i:i+length]) - mid; v > value {
			at, value, rest = i, v, mid
		}
	}
	return at, value, rest
}

// widened is the run and the rows beside it that are at least half as far off.
func widened(w []float64, c contrast) []int {
	from, to := c.at, c.at+c.length
	least := c.from + c.value/2
	for from > 0 && w[from-1] >= least {
		from--
	}
	for to < len(w) && w[to] >= least {
		to++
	}
	var list []int
	for i := from; i < to; i++ {
		list = append(list, i)
	}
	return list
}

// judgeMove is for baselines too short to hold many windows.
func (r rows) judgeMove(g Gate, n normal) Gate {
	e, ok := r.shift(n)
	if !ok {
		e, ok = r.excursion(n)
	}
	g.Limit, g.Value, g.P = 3*n.up, g.After-n.mid, math.NaN()
	if !ok || e.level <= n.mid {
		return g
	}
	g.State, g.Value, g.near = Worse, e.level-n.mid, e.from-r.n0 >= 2
	for i := max(0, e.from-r.n0); i < e.to-r.n0; i++ {
		g.bad = append(g.bad, i)
	}
	g = r.placed(g)
	g.Onset = r.onset(e.from, e.earliest, e.latest)
	return g
}

// placed fills in when it began and how bad it was.
func (r rows) placed(g Gate) Gate {
	if len(g.bad) == 0 {
		return g
	}
	first := r.n0 + g.bad[0]
	g.Onset = r.onset(first, first, first)
	var sum float64
	for _, i := range g.bad {
		sum += r.v[r.n0+i]
	}
	g.After = sum / float64(len(g.bad))
	return g
}
