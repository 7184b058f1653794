package excess

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
)

// Question is what is to be localised.
type Question struct {
	Service  pitwall.ServiceName
	Signal   pitwall.Signal
	Metric   string // the alert's own name for what it watches, or ""
	Baseline pitwall.Period
	Window   pitwall.Period
}

// Method says how the components were ranked.
type Method string

// The methods.
const (
	ByAccount Method = "account" // by what each added to the indicator, which sums
	ByOnset   Method = "onset"   // by who moved first: there is nothing that could be summed
)

// Account is the answer: is it worse, and who added it.
type Account struct {
	Gate     Gate
	Method   Method
	Failures bool    // the indicator counts failures; otherwise seconds
	Increase float64 // of the indicator, for one request of the service in question
	// Shares are the components that added something, the most first. Their
	// Explained and Unexplained sum to Increase.
	Shares      []Share
	Unexplained float64
	Missing     string // why nothing could be summed, or ""
}

// Share is one component's part.
type Share struct {
	Component string
	Service   pitwall.ServiceName   // the name that shows it, the one that serves before those that call
	Views     []pitwall.ServiceName // all names of the component
	Root      bool                  // the service in question itself: its own work, and what is measured nowhere
	Explained float64               // seconds or share of failures for one request of the service in question
	Share     float64               // of the increase, [0,1]
	Before    float64               // what one call cost there: seconds, or share that failed; NaN: not known
	After     float64
	Calls0    float64 // calls for one request of the service in question
	Calls1    float64
	Noise     float64 // what Explained could be by chance: two standard deviations of such stretches
	Moved     []Move  // its series that moved, the first first
}

// Localise judges the indicator and shares its increase out. Moves are those of
// the same list and periods.
func Localise(list []pitwall.Measured, topo pitwall.Topology, q Question, moves []Move) Account {
	m := gather(list, topo, q)
	a, cost, r := m.indicator()
	if a.Gate.State != Worse && !(a.Gate.State == Still && a.Gate.P <= doubt && cost != nil) {
		return a
	}
	g := newGraph(m, topo)
	if cost == nil || len(g.callees[m.component(q.Service)]) == 0 {
		a.Method, a.Missing = ByOnset, "who calls whom is not known"
		if cost == nil {
			a.Missing = fmt.Sprintf("%s of %s cannot be summed over its callees", a.Gate.Metric, q.Service)
		}
		if a.Gate.State == Worse {
			a.Shares = m.byOnset(g, moves)
		}
		return a
	}
	k := newGrid(r, a.Gate, a.Failures)
	f := newFlow(m, g, k, cost)
	f.share(&a, moves)
	return a
}

// costOf finds the series of what one call of a service costs.
type costOf func(pitwall.ServiceName) *pitwall.Measured

// indicator finds what is in question and judges it. Of an alert that does not
// say what moved, latency and errors are both judged, each at half the level.
func (m *material) indicator() (Account, costOf, rows) {
	stat := ""
	slow := func(s pitwall.ServiceName) *pitwall.Measured { return m.latency(s, stat) }
	type candidate struct {
		series   *pitwall.Measured
		cost     costOf
		failures bool
	}
	root, alarm := m.q.Service, m.alarmed(m.q.Service)
	latency, failing := candidate{m.latency(root, ""), slow, false}, candidate{m.failing(root), m.failing, true}
	var list []candidate
	switch m.q.Signal {
	case pitwall.SignalLatency:
		list = []candidate{latency}
	case pitwall.SignalErrors, pitwall.SignalAvailability:
		list = []candidate{failing}
	case pitwall.SignalAny, "":
		list = []candidate{latency, failing}
	}
	list = slices.DeleteFunc(list, func(c candidate) bool { return c.series == nil })
	if alarm != nil && (len(list) == 0 || m.q.Signal == pitwall.SignalAny) && !slices.ContainsFunc(list, func(c candidate) bool { return c.series == alarm }) {
		list = append(list, candidate{series: alarm})
	}
	best, at := Account{Gate: Gate{State: Unknown, Service: root, P: math.NaN()}}, rows{}
	best.Gate.Reason = fmt.Sprintf("no %s of %s is measured", m.q.Signal, root)
	if m.q.Signal == pitwall.SignalAny || m.q.Signal == "" {
		best.Gate.Reason = fmt.Sprintf("neither latency nor errors of %s are measured", root)
	}
	var cost costOf
	for _, c := range list {
		r := cut(c.series, m.q.Baseline, m.q.Window)
		var g Gate
		if c.cost == nil {
			g = r.judgeAny()
		} else {
			g = r.judge(level / float64(len(list)))
		}
		g.Service, g.Metric, g.Stat = root, c.series.Metric, c.series.Stat
		if best.Gate.Metric == "" || rankOf(g) > rankOf(best.Gate) {
			best, at, cost, stat = Account{Gate: g, Method: ByAccount, Failures: c.failures}, r, c.cost, c.series.Stat
		}
	}
	return best, cost, at
}

// rankOf orders judgements: the clearest trouble first.
func rankOf(g Gate) float64 {
	switch {
	case g.State == Unknown:
		return 0
	case g.State == Still:
		return 1
	case math.IsNaN(g.P):
		return 3
	}
	return 3 - g.P
}

// judgeAny is for an indicator of which nobody knows which way is bad.
func (r rows) judgeAny() Gate {
	g := r.judge(level / 2)
	if g.State != Still {
		return g
	}
	n := normalOf(r.v[:r.n0])
	e, ok := r.shift(n)
	if !ok {
		e, ok = r.excursion(n)
	}
	if !ok {
		return g
	}
	g.State, g.After, g.Value = Worse, e.level, math.Abs(e.level-n.mid)
	g.Onset = r.onset(e.from, e.earliest, e.latest)
	return g
}

// byOnset ranks what moved, for want of sums: who moved first, the service in
// question before others that may have moved as early, then who moved farthest.
func (m *material) byOnset(g *graph, moves []Move) []Share {
	var list []Share
	for _, mv := range moves {
		if mv.Kind == Appeared {
			continue
		}
		c := m.component(mv.Service)
		i := slices.IndexFunc(list, func(s Share) bool { return s.Component == c })
		if i < 0 {
			list = append(list, Share{
				Component: c, Service: mv.Service, Views: g.names[c], Root: c == m.component(m.q.Service),
				Before: math.NaN(), After: math.NaN(),
			})
			i = len(list) - 1
		}
		list[i].Moved = append(list[i].Moved, mv)
	}
	rankByOnset(list)
	return list
}

func rankByOnset(list []Share) {
	slices.SortStableFunc(list, func(a, b Share) int {
		x, y := a.Moved[0].Onset, b.Moved[0].Onset
		if x.Latest.Before(y.Earliest) || y.Latest.Before(x.Earliest) {
			return x.At.Compare(y.At)
		}
		return cmp.Or(cmpBool(b.Root, a.Root), x.At.Compare(y.At), cmp.Compare(b.Moved[0].Score, a.Moved[0].Score), cmp.Compare(a.Component, b.Component))
	})
}

func cmpBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
