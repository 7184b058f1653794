package excess

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats/changes"
)

// Kind is the shape of a move.
type Kind string

// The kinds of move.
const (
	Step     Kind = "step"     // to another level
	Ramp     Kind = "ramp"     // climbing or falling: a counter, a disk, a queue
	Spike    Kind = "spike"    // a few rows only, or too few since to say that it stays
	Gone     Kind = "gone"     // measured before, no longer
	Appeared Kind = "appeared" // never measured before; says nothing of normal
)

// Move is one series that left its normal variation.
type Move struct {
	Service pitwall.ServiceName
	Metric  string
	Stat    string
	Source  string
	Kind    Kind
	Up      bool    // After is above Before; false for Gone
	Before  float64 // median of the baseline; NaN for Appeared
	After   float64 // median of the moved rows, for a Ramp where it ends; NaN for Gone
	Last    float64 // median of the last three rows of the window
	// Score is how far After is from Before in robust standard deviations of the
	// baseline on that side, at most 1000; 0 for Gone and Appeared.
	Score float64
	// Onset is the first moved row; the true moment lies between the row before
	// and Latest.
	Onset pitwall.Onset
	// Since says that the first rows of the window differ already: it may have
	// moved before the window, and a cause inside need not explain it.
	Since bool
	Until time.Time // when it was back to normal; zero: not yet
	N0    int       // rows of the baseline
	N1    int       // rows of the window
}

// Factor is After/Before; +Inf from nothing, NaN where it has no meaning.
func (m Move) Factor() float64 {
	if m.Before == 0 && m.After > 0 {
		return math.Inf(1)
	}
	return m.After / m.Before
}

// fewest rows of a baseline from which a normal variation can be read.
const fewest = 8

// alpha is the chance that one series of plain noise is said to have moved.
const alpha = 0.01

// Moves gives the series that moved in the window, by onset, then the farthest
// first. Series without a baseline come last.
func Moves(list []pitwall.Measured, baseline, window pitwall.Period) []Move {
	var found []Move
	measured := map[pitwall.ServiceName]bool{} // in the baseline, by any series
	for i := range list {
		m, ok := move(&list[i], baseline, window)
		if m.N0 > 0 {
			measured[m.Service] = true
		}
		if ok {
			found = append(found, m)
		}
	}
	// Where nothing at all was measured before, it is the measuring that appeared.
	found = slices.DeleteFunc(found, func(m Move) bool { return m.Kind == Appeared && !measured[m.Service] })
	slices.SortStableFunc(found, func(a, b Move) int {
		return cmp.Or(
			cmp.Compare(rankless(a), rankless(b)),
			a.Onset.At.Compare(b.Onset.At),
			cmp.Compare(b.Score, a.Score),
			cmp.Compare(a.Service, b.Service), cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Stat, b.Stat),
		)
	})
	return found
}

func rankless(m Move) int {
	if m.Kind == Appeared {
		return 1
	}
	return 0
}

func move(s *pitwall.Measured, baseline, window pitwall.Period) (Move, bool) {
	r := cut(s, baseline, window)
	m := Move{
		Service: s.Service, Metric: s.Metric, Stat: s.Stat, Source: s.Source,
		N0: r.n0, N1: len(r.v) - r.n0,
	}
	switch {
	case m.N0 == 0 && m.N1 >= 2:
		m.Kind, m.Up, m.Before, m.After, m.Last = Appeared, true, math.NaN(), median(r.v), r.last()
		m.Onset = r.onset(0, 0, 0)
		return m, true
	case m.N0 < fewest:
		return m, false
	case r.gone(window):
		m.Kind, m.Before, m.After, m.Last = Gone, median(r.v[:r.n0]), math.NaN(), math.NaN()
		m.Onset = r.onset(len(r.v)-1, len(r.v)-1, len(r.v)-1)
		m.Onset.At, m.Onset.Latest = r.at(len(r.v)-1).Add(r.step), r.at(len(r.v)-1).Add(r.step)
		return m, true
	case m.N1 == 0:
		return m, false
	}
	n := normalOf(r.v[:r.n0])
	m.Before, m.Last = n.mid, r.last()
	e, ok := r.shift(n)
	if !ok {
		e, ok = r.excursion(n)
	}
	if !ok {
		return m, false
	}
	m.Kind, m.After, m.Up = e.kind, e.level, e.level > n.mid
	m.Score = math.Min(1000, math.Abs(e.level-n.mid)/n.spread(m.Up))
	m.Onset = r.onset(e.from, e.earliest, e.latest)
	m.Since = e.from <= r.n0
	if e.to < len(r.v) {
		m.Until = r.at(e.to)
	}
	return m, true
}

// rows is one series, baseline first, then window; n0 is where the window begins.
type rows struct {
	t    []int64
	v    []float64
	n0   int
	step time.Duration // between rows, typically
}

// longest is how many rows of a baseline are read, the newest: beyond that
// they add time, not certainty.
const longest = 1000

func cut(s *pitwall.Measured, baseline, window pitwall.Period) rows {
	var r rows
	from, to := baseline.From.UnixMilli(), baseline.To.UnixMilli()
	for i, t := range s.T {
		if t >= from && t < to && i < len(s.V) && finite(s.V[i]) {
			r.t, r.v = append(r.t, t), append(r.v, s.V[i])
		}
	}
	if extra := len(r.v) - longest; extra > 0 {
		r.t, r.v = r.t[extra:], r.v[extra:]
	}
	r.n0 = len(r.v)
	from, to = max(to, window.From.UnixMilli()), window.To.UnixMilli()
	for i, t := range s.T {
		if t >= from && t < to && i < len(s.V) && finite(s.V[i]) {
			r.t, r.v = append(r.t, t), append(r.v, s.V[i])
		}
	}
	r.step = spacing(r.t)
	return r
}

// finite leaves out what no measurement is: beyond 1e100 squares overflow.
func finite(v float64) bool { return math.Abs(v) < 1e100 }

// spacing is the median time between rows.
func spacing(t []int64) time.Duration {
	if len(t) < 2 {
		return 0
	}
	d := make([]float64, len(t)-1)
	for i := range d {
		d[i] = float64(t[i+1] - t[i])
	}
	return time.Duration(median(d)) * time.Millisecond
}

func (r rows) at(i int) time.Time { return time.UnixMilli(r.t[i]).UTC() }

func (r rows) last() float64 {
	if len(r.v) == r.n0 {
		return math.NaN()
	}
	return median(r.v[max(r.n0, len(r.v)-3):])
}

// onset turns rows into moments: a row tells of the time since the row before.
func (r rows) onset(i, earliest, latest int) pitwall.Onset {
	o := pitwall.Onset{At: r.at(i), Latest: r.at(max(i, latest))}
	o.Earliest = r.at(max(0, min(i, earliest)-1))
	if from := o.At.Add(-r.step); min(i, earliest) == i && o.Earliest.Before(from) {
		o.Earliest = from // a gap, or the time between baseline and window, is no evidence
	}
	return o
}

// gone says that the series ended: the gap up to the window's end is more than
// twice as long as any before, and so long that at the usual rate of rows it
// comes by chance once in a thousand (the gaps of rare rows are exponential).
func (r rows) gone(window pitwall.Period) bool {
	if r.step <= 0 || r.n0 == 0 {
		return false
	}
	end, begin := window.To.UnixMilli(), window.From.UnixMilli()
	gap := float64(end - max(r.t[len(r.t)-1]+r.step.Milliseconds(), begin))
	widest := 0.0
	for i := 1; i < r.n0; i++ {
		widest = max(widest, float64(r.t[i]-r.t[i-1]))
	}
	mean := float64(r.t[r.n0-1]-r.t[0]) / float64(r.n0-1)
	return gap > 2*widest && gap > mean*math.Log(1000)
}

// event is a stretch of moved rows [from, to) with the interval of its begin.
type event struct {
	kind             Kind
	from, to         int
	earliest, latest int
	level            float64
}

// shift looks for a change that stays, by the change-point search over baseline
// and window together; it knows levels, lines, seasons and correlated noise. A
// change counts when it leads out of the baseline's central nine tenths, and
// when it began no earlier than the last quarter of the baseline: a slow cause
// may have begun before anybody called the time normal.
func (r rows) shift(n normal) (event, bool) {
	if len(r.v)-r.n0 < fewest {
		return event{}, false // not enough rows for a change to be confirmed
	}
	list := changes.Find(r.v, changes.Options{Alpha: alpha}).Changes
	for i, c := range list {
		if c.Kind == changes.Variance || c.Latest < r.n0-r.n0/4 {
			continue
		}
		e := event{kind: Step, from: c.Index, to: len(r.v), earliest: c.Earliest, latest: c.Latest}
		if i+1 < len(list) {
			e.to = list[i+1].Index
		}
		e.level = median(r.v[e.from:e.to])
		if c.Kind == changes.Ramp {
			e.kind, e.level = Ramp, median(r.v[max(e.from, e.to-3):e.to])
		}
		if n.inside(e.level) {
			continue
		}
		for e.to < len(r.v) && !n.inside(r.v[e.to]) {
			e.to++ // the next change leads elsewhere, not back
		}
		return e, true
	}
	return event{}, false
}
