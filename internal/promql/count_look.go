package promql

import (
	"math"
	"slices"

	"github.com/pitwall/pitwall"
)

// Look is the answers for one stretch, being counted. The meter does not change
// before Keep.
type Look struct {
	m        *Meter
	from, to int64
	answers  [][]pitwall.Series
	keys     [][]uint64
	known    map[uint64]mark // of stretches before
	last     map[uint64]mark // found by this look
	born     []birth
	sums     []sum // of each step
	rest     sum   // what is no whole event yet
	strange  float64
}

// sum is what a step adds up to.
type sum struct {
	bad, total float64
	seen       bool // something was read, be it that nothing happened
}

// Look takes the answers to Needs, in their order.
func (m *Meter) Look(p pitwall.Period, answers [][]pitwall.Series) *Look {
	l := &Look{m: m, from: p.From.UnixMilli(), to: p.To.UnixMilli(), answers: answers, known: m.last, last: map[uint64]mark{}}
	l.rest = sum{bad: m.bad, total: m.total}
	if m.at != l.from { // what is known is of another time
		l.known, l.rest = map[uint64]mark{}, sum{}
	}
	l.keys = make([][]uint64, len(answers))
	for i, list := range answers {
		l.keys[i] = make([]uint64, len(list))
		for j, s := range list {
			l.keys[i][j] = m.key(i, s.Labels)
			if m.plan.Sources[i].Reading != Increase {
				continue
			}
			if _, known := l.known[l.keys[i][j]]; known {
				continue
			}
			if at, ok := firstAfter(s, math.MinInt64); ok && at > l.from {
				l.born = append(l.born, birth{source: i, series: j, at: at})
			}
		}
	}
	l.judge()
	return l
}

// firstAfter is the time of the first sample of a series after an instant.
func firstAfter(s pitwall.Series, after int64) (int64, bool) {
	i, _ := slices.BinarySearch(s.T, after+1)
	for ; i < len(s.T) && i < len(s.V); i++ {
		if usable(s.V[i]) {
			return s.T[i], true
		}
	}
	return 0, false
}

func usable(v float64) bool { return v >= 0 && v < tooLarge }

// Counts gives the steps of the stretch in which anything was read, be it that
// nothing happened, with their good and bad events. What is no whole event yet
// is left for the next stretch. It is called once.
func (l *Look) Counts(name pitwall.SLOName) []pitwall.LedgerStep {
	return l.CountsOf(name, nil)
}

// CountsOf is Counts of some series alone, by their labels; nil: of all. Which
// series were born is judged among all of them.
func (l *Look) CountsOf(name pitwall.SLOName, only func(labels map[string]string) bool) []pitwall.LedgerStep {
	l.sums = make([]sum, (l.to-l.from)/l.m.step)
	zero := map[uint64]bool{}
	for _, b := range l.born {
		if b.counts {
			zero[l.keys[b.source][b.series]] = true
		}
	}
	for i, list := range l.answers {
		if l.m.plan.Sources[i].Reading == Share {
			l.shares(l.m.plan.Sources[i], list)
			continue
		}
		for j, s := range list {
			if only == nil || only(s.Labels) {
				l.read(i, s, l.keys[i][j], zero)
			}
		}
	}
	var out []pitwall.LedgerStep
	for i, s := range l.sums {
		if c := l.whole(s); s.seen || c.Total() > 0 {
			out = append(out, pitwall.LedgerStep{SLO: name, Start: (l.from + int64(i)*l.m.step) / 1000, Counts: c})
		}
	}
	return out
}

// stepOf is the step whose end a sample belongs to: one at the very end of a
// step tells of what was in it.
func (l *Look) stepOf(t int64) int64 { return (t - l.from - 1) / l.m.step }

// read adds up one series.
func (l *Look) read(source int, s pitwall.Series, key uint64, zero map[uint64]bool) {
	src := l.m.plan.Sources[source]
	before, known := l.last[key]
	if !known {
		before, known = l.known[key]
	}
	if zero[key] {
		known = true
	}
	for i, t := range s.T {
		v := s.V[i]
		if t > l.to {
			break
		}
		if src.Reading != Increase {
			if t > l.from {
				l.event(src, l.stepOf(t), v)
			}
			continue
		}
		if !usable(v) || known && t <= before.t {
			continue
		}
		if t > l.from && known {
			grown := v - before.v
			if grown < 0 { // it began anew
				grown = v
			}
			l.add(l.stepOf(t), src.Bad*grown, src.Total*grown)
		}
		before, known = mark{t, v}, true
	}
	if src.Reading == Increase && known {
		l.last[key] = before
	}
}

// event adds a sample that is events by itself.
func (l *Look) event(s Source, step int64, v float64) {
	switch {
	case math.IsNaN(v):
	case s.Reading == Limit:
		bad := s.Bad
		if l.m.plan.Op.Holds(v, l.m.plan.Limit) {
			bad = 0
		}
		l.add(step, bad, s.Total)
	case s.Reading == Number:
		l.add(step, s.Bad, s.Total)
	case usable(v):
		l.add(step, s.Bad*v, s.Total*v)
	}
}

// noShare is how far beyond 0 and 1 a share may lie, for rates are extrapolated.
const noShare = 0.5

// Strange is a value that was left out because it is no share of anything, such
// as a percentage; ok is false when there was none.
func (l *Look) Strange() (v float64, ok bool) { return l.strange, l.strange != 0 }

// shares adds the mean of the shares that a step has; one without is no data.
func (l *Look) shares(s Source, list []pitwall.Series) {
	total, n := make([]float64, len(l.sums)), make([]float64, len(l.sums))
	for _, series := range list {
		for i, t := range series.T {
			v := series.V[i]
			switch {
			case t <= l.from || t > l.to || math.IsNaN(v):
			case v < -noShare || v > 1+noShare:
				l.strange = v
			default:
				total[l.stepOf(t)] += max(0, min(v, 1))
				n[l.stepOf(t)]++
			}
		}
	}
	for i := range n {
		if n[i] == 0 {
			continue
		}
		bad := total[i] / n[i]
		if s.Bad < 0 {
			bad = 1 - bad
		}
		l.add(int64(i), StepWeight*bad, StepWeight)
	}
}

func (l *Look) add(step int64, bad, total float64) {
	s := &l.sums[step]
	s.bad, s.total, s.seen = s.bad+bad, s.total+total, true
}

// whole takes whole events out of what is there. Fractions wait, and so do bad
// events that were read before the total they are part of.
func (l *Look) whole(s sum) pitwall.Counts {
	l.rest.bad += s.bad
	l.rest.total += s.total
	total := max(0, math.Floor(l.rest.total+almost))
	bad := max(0, min(math.Floor(l.rest.bad+almost), total))
	l.rest.bad -= bad
	l.rest.total -= total
	return pitwall.Counts{Good: uint64(total - bad), Bad: uint64(bad)}
}
