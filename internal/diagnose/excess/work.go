package excess

import (
	"math"
	"slices"

	"github.com/pitwall/pitwall"
)

// grid is the rows of the indicator in question: everything else is read at
// their times, so that it can be held against it row by row.
type grid struct {
	rows
	n1       int
	failures bool  // the indicator is a share of failures
	near     bool  // its good rows are what is normal now
	bad      []int // rows of the whole, from n0
	ok       []int // the other rows of the window
}

func newGrid(r rows, g Gate, failures bool) grid {
	k := grid{rows: r, n1: len(r.v) - r.n0, failures: failures, near: g.near}
	for i := range k.n1 {
		if slices.Contains(g.bad, i) {
			k.bad = append(k.bad, r.n0+i)
		} else {
			k.ok = append(k.ok, r.n0+i)
		}
	}
	return k
}

// on reads a series at the grid's rows: the nearest value within half a step,
// NaN where there is none.
func (k grid) on(s *pitwall.Measured) []float64 {
	v := make([]float64, len(k.t))
	reach := max(k.step.Milliseconds()/2, 1)
	for i, t := range k.t {
		v[i] = math.NaN()
		if s == nil || len(s.T) == 0 {
			continue
		}
		j, _ := slices.BinarySearch(s.T, t)
		if j > 0 && (j == len(s.T) || t-s.T[j-1] < s.T[j]-t) {
			j--
		}
		if d := s.T[j] - t; max(d, -d) <= reach && j < len(s.V) && finite(s.V[j]) {
			v[i] = s.V[j]
		}
	}
	return v
}

// view is one name under which a component appears, row by row and for one
// request of the service in question: how often it is called, what a call
// costs (seconds, or the share that fails), and the product.
type view struct {
	name              pitwall.ServiceName
	calls, cost, work []float64
	count             []float64 // requests as counted, NaN where not known
	known             bool      // its cost is measured at all
}

// viewOf makes the rows of one name. Where requests are not counted, one call
// for each request of the root is supposed.
func (k grid) viewOf(m *material, name pitwall.ServiceName, cost *pitwall.Measured, root []float64) view {
	requests := m.find(name, "requests", "sum")
	if requests == nil {
		requests = m.find(name, "requests", "rate")
	}
	v := view{name: name, cost: k.on(cost), count: k.on(requests), known: cost != nil && len(cost.T) > 0}
	v.calls, v.work = make([]float64, len(k.t)), make([]float64, len(k.t))
	for i := range k.t {
		switch {
		case requests == nil || root[i] <= 0 || math.IsNaN(root[i]):
			v.calls[i] = 1
		case math.IsNaN(v.count[i]):
			v.calls[i] = 0 // nothing was counted, so nothing was asked
		default:
			v.calls[i] = v.count[i] / root[i]
		}
		v.work[i] = v.calls[i] * v.cost[i]
		if v.calls[i] == 0 {
			v.work[i] = 0
		}
	}
	return v
}

// gain is how much work one view added, in the unit of the indicator and for
// one request of the root.
type gain struct {
	all     float64 // everything: dearer calls and more of them
	dearer  float64 // from dearer calls alone: the view's own
	noise   float64 // one robust standard deviation of the same sum in the baseline
	most    float64 // the largest of those
	before  float64 // cost of a call, as it was
	after   float64
	calls0  float64
	calls1  float64
	unknown bool
}

// sum is what a stretch of rows amounts to; cost is that of one call, NaN where
// none was made.
type sum struct{ calls, work, cost float64 }

func summed(calls, work float64) sum {
	s := sum{calls, work, math.NaN()}
	if calls > 0 {
		s.cost = work / calls
	}
	return s
}

// over is the mean of some rows, moved by an offset.
func (v view) over(list []int, by int) sum {
	calls, work, n := 0.0, 0.0, 0.0
	for _, i := range list {
		if w := v.work[i+by]; !math.IsNaN(w) {
			calls, work, n = calls+v.calls[i+by], work+w, n+1
		}
	}
	if n == 0 {
		return sum{math.NaN(), math.NaN(), math.NaN()}
	}
	return summed(calls/n, work/n)
}

// normal is the sum of a typical stretch of the baseline as long as the bad one.
func (v view) normal(k grid) sum {
	length := max(1, min(len(k.bad), k.n0/4))
	var calls, work []float64
	rows := make([]int, length)
	for i := range rows {
		rows[i] = i
	}
	for i := 0; i+length <= k.n0; i++ {
		if s := v.over(rows, i); !math.IsNaN(s.work) {
			calls, work = append(calls, s.calls), append(work, s.work)
		}
	}
	if len(work) < fewest {
		return sum{cost: math.NaN()} // never seen before: all of it is new, and none of it dearer
	}
	typical := summed(median(calls), median(work))
	if typical.calls == 0 {
		typical.cost = v.seldom(k) // called in less than half of the time
	}
	return typical
}

// noise is the robust standard deviation, upwards, of the very comparison that
// is made of the window, made all over the baseline; most is the largest of them.
func (v view) noise(k grid, typical sum) (sd, most float64) {
	if len(k.bad) == 0 {
		return 0, math.Inf(1)
	}
	first, last := k.bad[0], k.bad[len(k.bad)-1]
	if k.near {
		first, last = k.n0, len(k.t)-1
	}
	width := last - first + 1
	var all []float64
	for i := 0; i+width <= k.n0; i++ {
		d := v.over(k.bad, i-first).work
		if k.near {
			d -= v.over(k.ok, i-first).work
		} else {
			d -= typical.work
		}
		if !math.IsNaN(d) {
			all = append(all, d)
		}
	}
	if len(all) < fewest {
		return v.roughly(k), math.Inf(1)
	}
	n := normalOf(all)
	return max(n.up, n.mid+n.up), slices.Max(all) // a comparison that leans upwards is not surer
}

// roughly is the noise where the baseline is shorter than the window: that of
// single rows, as if each bad row told the same.
func (v view) roughly(k grid) float64 {
	var w []float64
	for _, x := range v.work[:k.n0] {
		if !math.IsNaN(x) {
			w = append(w, x)
		}
	}
	if len(w) < fewest {
		return 0
	}
	return normalOf(w).up
}

// seldom is what a call cost when there was one.
func (v view) seldom(k grid) float64 {
	var cost []float64
	for i := range k.n0 {
		if v.calls[i] > 0 && !math.IsNaN(v.cost[i]) {
			cost = append(cost, v.cost[i])
		}
	}
	if len(cost) < fewest {
		return math.NaN()
	}
	return median(cost)
}

// gains compares the bad rows with what is normal: the good rows of the same
// window where the gate found that they are, the baseline otherwise.
func (v view) gains(k grid) gain {
	after, before := v.over(k.bad, 0), v.normal(k)
	g := gain{unknown: !v.known || math.IsNaN(after.work)}
	if g.unknown {
		return g
	}
	g.noise, g.most = v.noise(k, before)
	if near := v.over(k.ok, 0); k.near && !math.IsNaN(near.work) {
		if math.IsNaN(near.cost) {
			near.cost = before.cost
		}
		before = near
	}
	g.all, g.dearer = between(before, after)
	g.calls0, g.calls1 = before.calls, after.calls
	g.before, g.after = before.cost, after.cost
	return g
}

// between splits what was gained: calls that became dearer, counted at the mean
// number of calls, and the rest, which is from more calls and is the caller's
// doing. What never was called before cannot have become dearer.
func between(before, after sum) (all, dearer float64) {
	all = after.work - before.work
	if math.IsNaN(before.cost) || math.IsNaN(after.cost) {
		return all, 0
	}
	return all, (before.calls + after.calls) / 2 * (after.cost - before.cost)
}

// keep is how much of a gain is left when noise is taken off: the positive-part
// James-Stein estimator, with two standard deviations as what is worth nothing.
func keep(v, noise float64) float64 {
	if v <= 0 {
		return 0
	}
	z := 2 * noise / v
	return v * max(0, 1-z*z)
}
