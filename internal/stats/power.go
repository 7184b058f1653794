package stats

import "math"

// Power is the question of how many requests a sequential comparison takes.
type Power struct {
	Control   float64 // share of control requests above the edge
	Treatment float64 // the same in the treatment, if the effect is real
	Weight    float64 // share of all requests that go to the treatment
	Alpha     float64
	Single    bool // one edge, as for failures, instead of a whole distribution
}

// TreatmentRequests is the number of treatment requests a decision is expected
// to take: ln(1/alpha) plus the price of the mixture, over the evidence one
// request brings, which is the rate of events times the divergence of their
// split from what the weight alone would give. It is +Inf without an effect.
func (p Power) TreatmentRequests() float64 {
	rate := p.Weight*p.Treatment + (1-p.Weight)*p.Control
	if !(rate > 0) || p.Weight <= 0 || p.Weight >= 1 {
		return math.Inf(1)
	}
	gain := rate * divergence(p.Weight*p.Treatment/rate, p.Weight)
	if !(gain > 0) {
		return math.Inf(1)
	}
	components := float64(Alternatives)
	if !p.Single {
		components *= float64(len(levels))
	}
	return p.Weight * (math.Log(1/p.Alpha) + math.Log(components)) / gain
}

// divergence is the Kullback-Leibler divergence of Bernoulli(a) from Bernoulli(b).
func divergence(a, b float64) float64 {
	term := func(x, y float64) float64 {
		if x <= 0 {
			return 0
		}
		return x * math.Log(x/y)
	}
	return term(a, b) + term(1-a, 1-b)
}
