package stats

import "math"

// alternatives are the rate ratios, relative to the null ratio, over which
// evidence is averaged; their inverses serve the other direction. A wide grid
// costs ln(7) once and finds small and large effects alike; a read-only table.
var alternatives = [...]float64{1.1, 1.25, 1.5, 2, 3, 5, 10}

// Count is what one interval of time saw at one edge: how many treatment
// requests were above it, and how many of both arms.
type Count struct{ Treatment, Total int64 }

// RateTest is the bucket e-process: is the rate of events in the treatment
// more (or less) than a given ratio of the rate in the control?
//
// For an interval with a share w of the requests in the treatment, X events in
// the treatment and K in all, the factor for the alternative rho against the
// null ratio r is (b/a)^X ((1-b)/(1-a))^(K-X) with a = rw/(rw+1-w) and
// b = r rho w/(r rho w+1-w). Let the requests of an interval be independent
// given the past, with probability p in the control and at most rp in the
// treatment. A binomial moment generating function is below the Poisson one of
// the same mean, and for Poisson counts the mean of the factor is
// exp(L(a'(b/a) + (1-a')(1-b)/(1-a) - 1)) with L the expected events and
// a' <= a the treatment's true share of them, which is at most 1. So products
// over intervals, and averages over edges and alternatives, stay valid for any
// null ratio and any schedule of w, and shocks that hit both arms cancel.
// An edge may differ between intervals as long as only the past chose it.
type RateTest struct {
	null     float64
	up, down [][len(alternatives)]float64 // log products by edge and alternative
}

// NewRateTest tests the ratio treatment/control against null at a number of
// edges at once.
func NewRateTest(edges int, null float64) *RateTest {
	return &RateTest{
		null: null,
		up:   make([][len(alternatives)]float64, edges),
		down: make([][len(alternatives)]float64, edges),
	}
}

// Observe takes one interval: a count per edge and the number of requests of
// each arm. An interval that lacks an arm says nothing.
func (t *RateTest) Observe(counts []Count, control, treatment int) {
	if control <= 0 || treatment <= 0 {
		return
	}
	odds := float64(treatment) / float64(control)
	for i, rho := range alternatives {
		upHit, upMiss := factors(odds*t.null, rho)
		downHit, downMiss := factors(odds*t.null, 1/rho)
		for j, c := range counts {
			hit, miss := float64(c.Treatment), float64(c.Total-c.Treatment)
			t.up[j][i] += hit*upHit + miss*upMiss
			t.down[j][i] += hit*downHit + miss*downMiss
		}
	}
}

// factors are the log factors of an event in the treatment and in the control,
// for null odds o of an event lying in the treatment: b/a and (1-b)/(1-a).
func factors(o, rho float64) (hit, miss float64) {
	miss = math.Log1p(o) - math.Log1p(o*rho)
	return math.Log(rho) + miss, miss
}

// Up is the log evidence that the ratio is above the null. phi, if not nil,
// holds the dispersion of each edge: evidence is raised to 1/phi.
func (t *RateTest) Up(phi []float64) float64 { return mix(t.up, phi) }

// Down is the log evidence that the ratio is below the null.
func (t *RateTest) Down(phi []float64) float64 { return mix(t.down, phi) }

// mix averages products over edges and alternatives. With phi >= 1 a product x
// counts as x^(1/phi) <= 1+x, so that even a dispersion estimated from the same
// data cannot make alarms more frequent than 1/alpha - 1 instead of 1/alpha.
func mix(logs [][len(alternatives)]float64, phi []float64) float64 {
	if len(logs) == 0 {
		return 0
	}
	top := math.Inf(-1)
	each := func(f func(float64)) {
		for j := range logs {
			d := 1.0
			if phi != nil {
				d = max(1, phi[j])
			}
			for _, l := range logs[j] {
				f(l / d)
			}
		}
	}
	each(func(l float64) { top = max(top, l) })
	sum := 0.0
	each(func(l float64) { sum += math.Exp(l - top) })
	return top + math.Log(sum/float64(len(logs)*len(alternatives)))
}

// EValue turns log evidence into an e-value that JSON can carry.
func EValue(log float64) float64 { return math.Exp(min(690, log)) }

// AnytimeP is the p-value that holds at any look: min(1, 1/E).
func AnytimeP(log float64) float64 { return min(1, math.Exp(-log)) }
