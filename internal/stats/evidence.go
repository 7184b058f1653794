package stats

import "math"

// Alternatives is how many effects evidence is averaged over.
const Alternatives = 7

// alternatives are the rate ratios, relative to the null ratio, over which
// evidence is averaged; their inverses serve the other direction. A wide grid
// costs ln(7) once and finds small and large effects alike; a read-only table.
var alternatives = [Alternatives]float64{1.1, 1.25, 1.5, 2, 3, 5, 10}

// Bet is what one trial brings, as the logarithm of an e-value: a hit and a
// miss.
type Bet struct{ Hit, Miss float64 }

// On is what so many hits and misses bring.
func (b Bet) On(hits, misses float64) float64 { return hits*b.Hit + misses*b.Miss }

// Bets are the bets, one per alternative, that the odds of a hit are more than
// some odds (above 0), or less. With a = odds/(1+odds) the null probability
// and b that of the alternative, a hit brings b/a and a miss (1-b)/(1-a), so
// the mean of the factor is 1 at the null odds and below 1 on their other
// side. The canary bets on an event lying in the treatment, a detector of
// shares on a trial being a hit.
func Bets(odds float64, more bool) (bets [Alternatives]Bet) {
	for i, rho := range alternatives {
		if !more {
			rho = 1 / rho
		}
		miss := math.Log1p(odds) - math.Log1p(odds*rho)
		bets[i] = Bet{Hit: math.Log(rho) + miss, Miss: miss}
	}
	return bets
}

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
	up, down [][Alternatives]float64 // log products by edge and alternative
}

// NewRateTest tests the ratio treatment/control against null at a number of
// edges at once.
func NewRateTest(edges int, null float64) *RateTest {
	return &RateTest{
		null: null,
		up:   make([][Alternatives]float64, edges),
		down: make([][Alternatives]float64, edges),
	}
}

// Observe takes one interval: a count per edge and the number of requests of
// each arm. An interval that lacks an arm says nothing.
func (t *RateTest) Observe(counts []Count, control, treatment int) {
	if control <= 0 || treatment <= 0 {
		return
	}
	odds := float64(treatment) / float64(control)
	up, down := Bets(odds*t.null, true), Bets(odds*t.null, false)
	for j, c := range counts {
		hits, misses := float64(c.Treatment), float64(c.Total-c.Treatment)
		for i := range up {
			t.up[j][i] += up[i].On(hits, misses)
			t.down[j][i] += down[i].On(hits, misses)
		}
	}
}

// Up is the log evidence that the ratio is above the null. phi, if not nil,
// holds the dispersion of each edge: evidence is raised to 1/phi.
func (t *RateTest) Up(phi []float64) float64 { return mix(t.up, phi) }

// Down is the log evidence that the ratio is below the null.
func (t *RateTest) Down(phi []float64) float64 { return mix(t.down, phi) }

// mix averages products over edges and alternatives. With phi >= 1 a product x
// counts as x^(1/phi) <= 1+x, so that even a dispersion estimated from the same
// data cannot make alarms more frequent than 1/alpha - 1 instead of 1/alpha.
func mix(logs [][Alternatives]float64, phi []float64) float64 {
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
	return top + math.Log(sum/float64(len(logs)*Alternatives))
}

// EValue turns log evidence into an e-value that JSON can carry.
func EValue(log float64) float64 { return math.Exp(min(690, log)) }

// AnytimeP is the p-value that holds at any look: min(1, 1/E).
func AnytimeP(log float64) float64 { return min(1, math.Exp(-log)) }
