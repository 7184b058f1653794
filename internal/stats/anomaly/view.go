package anomaly

import "math"

const (
	// lent is the share of a side's limit that the other side's cannot fall
	// below: where a series jumps up by 100 every day, a dip of 1 is no news.
	lent = 0.2
	// trifle is the smallest share of the level that can be a deviation.
	trifle = 1e-4
	// furthest is the highest score given; beyond it lies what a constant
	// series never did.
	furthest = 1000
	// damp is added to both parts of a ratio, as a share of the expected
	// level, so that a count of 0 is far away but not infinitely far.
	damp = 0.05
)

// view is one way to measure how far a point lies from what was expected, up
// and down.
type view struct{ up, down side }

func newView(fewest int) *view { return &view{up: newSide(fewest), down: newSide(fewest)} }

func (v *view) close(p float64) {
	v.up.close(p)
	v.down.close(p)
}

// limits are those of both sides, each at least what the other lends it.
func (v *view) limits(least float64) (down, up float64) {
	down, up = v.down.limit, v.up.limit
	if math.IsInf(down, 1) || math.IsInf(up, 1) {
		return down, up
	}
	return max(down, lent*up, least), max(up, lent*down, least)
}

// reading is what one view says of one point.
type reading struct {
	score               float64
	up, frozen          bool
	expected, low, high float64
	over                int // points whose mean was read
}

// read measures a distance (positive is up) and then remembers it.
func (v *view) read(distance, least float64) (r reading) {
	down, up := v.limits(least)
	r.up, r.low, r.high = distance > 0, -down, up
	if far := math.Abs(distance); r.up {
		r.score = ratio(far, up)
	} else {
		r.score = ratio(far, down)
	}
	v.up.see(distance)
	v.down.see(-distance)
	return r
}

func ratio(distance, limit float64) float64 {
	if distance == 0 || math.IsInf(limit, 1) {
		return 0
	}
	return math.Min(distance/limit, furthest)
}

// difference reads v against a reference.
func (v *view) difference(x, reference float64) reading {
	r := v.read(x-reference, trifle*math.Abs(reference))
	r.expected, r.low, r.high = reference, reference+r.low, reference+r.high
	return r
}

// quotient reads x as a ratio to a positive reference; x must not be negative.
func (v *view) quotient(x, reference float64) reading {
	r := v.read(math.Log((math.Min(x/reference, largest)+damp)/(1+damp)), trifle)
	r.expected = reference
	r.low = reference * math.Max((1+damp)*math.Exp(r.low)-damp, 0)
	r.high = math.Min(reference*((1+damp)*math.Exp(r.high)-damp), math.MaxFloat64)
	return r
}
