package stats

import (
	"math"
	"slices"
)

// levels are the quantiles of past requests at which the edges of a TailTest
// lie: the whole distribution counts, most of all its tail;
// a read-only table.
var levels = [...]float64{0.25, 0.5, 0.75, 0.9, 0.95, 0.99}

const (
	burnIn    = 20   // past requests needed before edges are set
	pastLimit = 2000 // past requests that edges are taken from
)

// Evidence is what a sequential comparison says so far, each as a natural
// logarithm of an e-value.
type Evidence struct {
	Worse     float64 // the treatment is worse beyond the margin
	Better    float64 // the treatment is better beyond the margin
	NotWorse  float64 // somewhere the treatment is less than the margin worse
	NotBetter float64 // somewhere it is less than the margin better
	Phi       float64 // largest dispersion found, at least 1
	Intervals int     // intervals that held both arms
}

// Same says that, at this level, the treatment is neither worse nor better by
// the margin everywhere, and neither is proven anywhere. Whether the far tail
// is the same too, an interval of its quantile must tell.
func (e Evidence) Same(alpha float64) bool {
	need := -math.Log(alpha)
	return e.NotWorse >= need && e.NotBetter >= need && e.Worse < need && e.Better < need
}

// TailTest compares two streams of positive numbers, latencies say, interval by
// interval at several edges. Worse with margin m means that the treatment is
// somewhere above (1+m) times the control: treatment requests above c(1+m) are
// held against control requests above c. Edges are quantiles of both arms
// together in earlier intervals, so the present interval has no say in them,
// and no unit enters anywhere. Two processes never behave quite alike: with a
// margin of 0 and a slow noise of 5 % in each arm about one run in ten finds a
// difference, because there is one; a margin of 10 % absorbs it.
type TailTest struct {
	margin       float64
	floor        float64 // smallest dispersion
	past         []float64
	refresh      int // size of past at which edges are set again
	seen         int
	edges        []float64
	upper, lower *RateTest
	spread       *dispersion
	intervals    int
}

// NewTailTest compares with a relative margin >= 0 and a smallest dispersion
// phi (below 1 counts as 1).
func NewTailTest(margin, phi float64) *TailTest {
	return &TailTest{
		margin: max(0, margin), floor: max(1, phi), refresh: burnIn,
		upper: NewRateTest(len(levels), 1), lower: NewRateTest(len(levels), 1),
		spread: newDispersion(len(levels)),
	}
}

// Observe takes the requests of one interval. +Inf is a request that never had
// an answer: it lies above every edge and has no say in where edges lie.
func (t *TailTest) Observe(control, treatment []float64) {
	if t.edges != nil && len(control) > 0 && len(treatment) > 0 {
		t.compare(control, treatment)
	}
	t.remember(control)
	t.remember(treatment)
	t.seen += len(control) + len(treatment)
	if t.seen >= t.refresh {
		t.refresh = t.seen + t.seen/2
		t.setEdges()
	}
}

func (t *TailTest) compare(control, treatment []float64) {
	var upper, lower, plain [len(levels)]Count
	for j, edge := range t.edges {
		far := edge * (1 + t.margin)
		c, cFar := above(control, edge, far)
		x, xFar := above(treatment, edge, far)
		upper[j] = Count{Treatment: xFar, Total: xFar + c}
		lower[j] = Count{Treatment: x, Total: x + cFar}
		plain[j] = Count{Treatment: x, Total: x + c}
	}
	t.upper.Observe(upper[:], len(control), len(treatment))
	t.lower.Observe(lower[:], len(control), len(treatment))
	t.spread.observe(plain[:], len(control), len(treatment))
	t.intervals++
}

func above(values []float64, near, far float64) (aboveNear, aboveFar int64) {
	for _, v := range values {
		if v > near {
			aboveNear++
		}
		if v > far {
			aboveFar++
		}
	}
	return aboveNear, aboveFar
}

// remember keeps what later edges are made of: what had an end.
func (t *TailTest) remember(values []float64) {
	for _, v := range values {
		if !math.IsInf(v, 1) {
			t.past = append(t.past, v)
		}
	}
	if extra := len(t.past) - pastLimit; extra > 0 {
		t.past = slices.Delete(t.past, 0, extra)
	}
}

func (t *TailTest) setEdges() {
	if len(t.past) == 0 {
		return
	}
	sorted := slices.Clone(t.past)
	slices.Sort(sorted)
	t.edges = make([]float64, len(levels))
	for j, q := range levels {
		t.edges[j] = Quantile(sorted, q)
	}
}

// Evidence is the evidence so far.
func (t *TailTest) Evidence() Evidence {
	return evidence(t.upper, t.lower, t.spread.phi(t.floor), t.intervals)
}

func evidence(upper, lower *RateTest, phi []float64, intervals int) Evidence {
	return Evidence{
		Worse: upper.Up(phi), NotWorse: upper.Down(phi),
		Better: lower.Down(phi), NotBetter: lower.Up(phi),
		Phi: slices.Max(phi), Intervals: intervals,
	}
}

// ShareTest compares two rates of failure the same way: worse with margin m
// means that the treatment fails more than (1+m) times as often.
type ShareTest struct {
	floor        float64
	upper, lower *RateTest
	spread       *dispersion
	history      []shareInterval
}

type shareInterval struct {
	count              Count
	control, treatment int
}

// NewShareTest compares with a relative margin >= 0 and a smallest dispersion.
func NewShareTest(margin, phi float64) *ShareTest {
	margin = max(0, margin)
	return &ShareTest{
		floor: max(1, phi),
		upper: NewRateTest(1, 1+margin), lower: NewRateTest(1, 1/(1+margin)), spread: newDispersion(1),
	}
}

// Observe takes the failures and requests of one interval.
func (t *ShareTest) Observe(control, treatment Share) {
	if control.Trials <= 0 || treatment.Trials <= 0 {
		return
	}
	c := Count{Treatment: treatment.Hits, Total: treatment.Hits + control.Hits}
	one := []Count{c}
	nc, nt := int(control.Trials), int(treatment.Trials)
	t.upper.Observe(one, nc, nt)
	t.lower.Observe(one, nc, nt)
	t.spread.observe(one, nc, nt)
	t.history = append(t.history, shareInterval{c, nc, nt})
}

// Evidence is the evidence so far.
func (t *ShareTest) Evidence() Evidence {
	return evidence(t.upper, t.lower, t.spread.phi(t.floor), len(t.history))
}

// Bounds is a confidence sequence of the ratio treatment/control: all null
// ratios that the evidence does not reject, alpha/2 on each side. It covers the
// true ratio at all looks together with probability 1-alpha. A side without a
// bound inside [1/1000, 1000] is given as that limit.
func (t *ShareTest) Bounds(alpha float64) (low, high float64) {
	need, phi := -math.Log(alpha/2), t.spread.phi(t.floor)
	reject := func(logNull float64, up bool) bool {
		test := NewRateTest(1, math.Exp(logNull))
		for _, h := range t.history {
			test.Observe([]Count{h.count}, h.control, h.treatment)
		}
		if up {
			return test.Up(phi) >= need
		}
		return test.Down(phi) >= need
	}
	limit := math.Log(1000)
	return math.Exp(bisect(-limit, limit, func(x float64) bool { return reject(x, true) })),
		math.Exp(-bisect(-limit, limit, func(x float64) bool { return reject(-x, false) }))
}

// bisect finds the largest x in [low, high] for which ok holds, or low when it
// holds nowhere; ok must turn from true to false once.
func bisect(low, high float64, ok func(float64) bool) float64 {
	if !ok(low) {
		return low
	}
	for range 24 {
		middle := (low + high) / 2
		if ok(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}
