package measured

import (
	"math"

	"github.com/pitwall/pitwall"
)

// line is numbers at rising times, in unix milliseconds.
type line struct {
	t []int64
	v []float64
}

func (l *line) add(t int64, v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		l.t, l.v = append(l.t, t), append(l.v, v)
	}
}

func lineOf(s pitwall.Series) line {
	var l line
	for i, t := range s.T {
		l.add(t, s.V[i])
	}
	return l
}

// merged adds two lines up, or takes the larger; where only one has a point,
// that is it.
func merged(a, b line, peak bool) line {
	switch {
	case len(a.t) == 0:
		return b
	case len(b.t) == 0:
		return a
	}
	var m line
	for i, k := 0, 0; i < len(a.t) || k < len(b.t); {
		switch {
		case k == len(b.t) || i < len(a.t) && a.t[i] < b.t[k]:
			m.add(a.t[i], a.v[i])
			i++
		case i == len(a.t) || b.t[k] < a.t[i]:
			m.add(b.t[k], b.v[k])
			k++
		default:
			both := a.v[i] + b.v[k]
			if peak {
				both = max(a.v[i], b.v[k])
			}
			m.add(a.t[i], both)
			i, k = i+1, k+1
		}
	}
	return m
}

// quotient is part over whole, where both are; with zero, a part that is
// missing is 0. Nothing of nothing is no number.
func quotient(part, whole line, zero bool) line {
	var q line
	k := 0
	for i, t := range whole.t {
		for k < len(part.t) && part.t[k] < t {
			k++
		}
		switch {
		case k < len(part.t) && part.t[k] == t:
			q.add(t, part.v[k]/whole.v[i])
		case zero:
			q.add(t, 0/whole.v[i])
		}
	}
	return q
}
