package monitor

import "math"

// measured is one minute of a quantity.
type measured struct {
	value, level float64 // as measured, and without the swing of the hour
	requests     int64
	on           float64 // requests that the noise comes from: those, or the ones that were expected
}

// behind is what a baseline was learnt from.
type behind struct {
	points   int
	requests float64
}

func (b *behind) add(level, requests float64) {
	if !math.IsNaN(level) {
		b.points, b.requests = b.points+1, b.requests+requests
	}
}

// weighed draws a level that rests on fewer requests than the baseline's points
// towards the baseline: the noise of a quantile or a count goes with one over the
// root of the requests, and what was learnt at noon would ring every night. More
// requests make nothing surer, for not all noise comes from them.
func (t *track) weighed(m measured) float64 {
	b, ok := t.quantities.Baseline()
	if !ok {
		t.learnt.add(m.level, m.on)
		return m.level
	}
	if usual := t.learnt.requests; usual > 0 && m.on*float64(t.learnt.points) < usual {
		return b.Level + (m.level-b.Level)*math.Sqrt(max(0, m.on)*float64(t.learnt.points)/usual)
	}
	return m.level
}
