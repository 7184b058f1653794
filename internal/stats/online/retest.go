package online

import (
	"math"

	"github.com/pitwall/pitwall/internal/stats"
)

// Retest is the evidence for a change from the points after its ring alone. The
// ring chose the moment, so what led to it proves little when many series are
// watched; what comes after was not chosen. Retests of all rings of one series
// within an epoch no longer than the ARL have together a mean of at most about 1.
//
// It is the mixture of Robbins (1970) over shifts in the direction of the ring,
// half-normal with one deviation: with n points that sum to s,
// E = 2 Φ(s/√(1+n)) exp(s²/(2(1+n))) / √(1+n), a supermartingale while the
// whitened mean is at most the smallest effect.
type Retest struct {
	base   Baseline
	sign   float64
	margin float64
	last   float64
	n, sum float64
}

// NewRetest begins after the ring of a detector with this baseline.
func NewRetest(b Baseline, up bool, minEffect float64) Retest {
	r := Retest{base: b, sign: -1, last: math.NaN(), margin: minEffect * math.Abs(b.Level) * (1 - b.Rho) / b.Scale}
	if up {
		r.sign = 1
	}
	return r
}

// Observe takes the next point, NaN when it is missing.
func (r *Retest) Observe(v float64) {
	if missing(v) {
		r.last = math.NaN()
		return
	}
	scale := r.base.Scale
	if math.IsNaN(r.last) {
		scale = r.base.marginal()
	}
	innovation, _, next := r.base.whiten(v, r.last)
	r.last = next
	r.n++
	r.sum += bound(r.sign*innovation/scale - r.margin)
}

// LogE is the natural logarithm of the e-value. That the level of the baseline
// is itself a mean of N points is in the variance n + n²/N.
func (r Retest) LogE() float64 {
	if r.n == 0 {
		return 0
	}
	s := r.sum / math.Sqrt(1+r.n/float64(max(1, r.base.N)))
	v := 1 + r.n
	tail := 0.5 * math.Erfc(-s/math.Sqrt(2*v)) // Φ
	if tail == 0 {
		return -math.MaxFloat64
	}
	return math.Ln2 + math.Log(tail) + s*s/(2*v) - math.Log(v)/2
}

// CountRetest is Retest for shares, from the exact factors of stats.Bets.
type CountRetest struct {
	bets       [stats.Alternatives]stats.Bet
	dispersion float64
	limit      float64
	sum        [stats.Alternatives]float64
}

// NewCountRetest begins after the ring of a detector with this baseline.
func NewCountRetest(b CountBaseline, up bool, minEffect float64) CountRetest {
	d := CountDetector{opt: Options{MinEffect: minEffect}.filled(), base: b}
	d.base.Dispersion = max(1, b.Dispersion)
	d.derive()
	side := 1
	if up {
		side = 0
	}
	return CountRetest{bets: d.bets[side], dispersion: d.base.Dispersion, limit: d.limit}
}

// ObserveCount takes the hits and trials of the next point.
func (r *CountRetest) ObserveCount(hits, trials int64) {
	if trials <= 0 || hits < 0 || hits > trials {
		return
	}
	for i, bet := range r.bets {
		r.sum[i] += min(r.limit, bet.On(float64(hits), float64(trials-hits))/r.dispersion)
	}
}

// LogE is the natural logarithm of the e-value: the mean over the alternatives.
func (r CountRetest) LogE() float64 {
	most := r.sum[0]
	for _, x := range r.sum {
		most = max(most, x)
	}
	mean := 0.0
	for _, x := range r.sum {
		mean += math.Exp(x-most) / stats.Alternatives
	}
	return most + math.Log(mean)
}
