package detect

import (
	"math"
	"time"

	"github.com/pitwall/pitwall"
)

// The level is e-BH (Wang and Ramdas 2022) made online: over an epoch every
// question i gets a share w of alpha, the shares add up to at most 1, and a
// change may be reported when
//
//	e ≥ 1 / (alpha · w · R)
//
// where R counts the findings of the epoch, those of this look among them.
// Summed over questions where nothing changed, the expected share of false
// findings is at most Σ alpha·w·E[e] ≤ alpha at every instant, whatever depends
// on whatever: the series of one service rise and fall together, and so do a
// series and itself a minute later. With looks of one question each this is
// e-LOND (Xu and Ramdas 2024). R counts findings after merging, not series: a
// finding is false when none of its series that passed has changed, so at least
// one null series passed for each false finding, and the sum above bounds them.
// Counting series instead would let one incident of 500 series pay for 25 false
// findings elsewhere.
//
// A p-value passes when p ≤ alpha·w·b(R) with b(R) = 6/π² · Σ_{r≤R} 1/r, the
// shape that holds under any dependence (Blanchard and Roquain 2008, with the
// prior 6/(π²r²) on the number of findings). It is the same rule: a p-value
// becomes the e-value 1/(alpha·w·r) of the smallest r with p ≤ alpha·w·b(r),
// whose mean is Σ 6/(π²r²) = 1.

// eulerGamma is the limit of Σ_{r≤n} 1/r − ln n.
const eulerGamma = 0.57721566490153286

// mostFindings stands for "never": no epoch has as many.
const mostFindings = math.MaxInt32

// budget is what a service's questions of this look may spend.
type budget struct {
	once    float64 // alpha·w for evidence of this look alone; 0: none
	anytime float64 // for evidence that holds at all looks of the epoch
}

func (b budget) of(c *Candidate) float64 {
	if c.Anytime {
		return b.anytime
	}
	return b.once
}

// need is how many findings of the epoch there must be, this one among them,
// before the candidate passes with a level of alpha·w each.
func (c *Candidate) need(level float64) int {
	if level <= 0 {
		return mostFindings
	}
	if c.LogE != 0 {
		r := -math.Log(level) - c.LogE
		if r > math.Log(mostFindings) {
			return mostFindings
		}
		return max(1, int(math.Ceil(math.Exp(r)*(1-1e-12))))
	}
	harmonic := c.P / level * math.Pi * math.Pi / 6
	if harmonic <= 1 {
		return 1
	}
	if harmonic > 20 { // Σ 1/r passes 20 beyond 272 million
		return mostFindings
	}
	// Σ 1/r lies between ln r + γ + 1/(2r+1) and ln r + γ + 1/(2r): close
	// enough from 50 on to step to the exact answer.
	r, sum := 1, 1.0
	if harmonic > 4.5 {
		r = max(50, int(math.Exp(harmonic-eulerGamma))-2)
		sum = math.Log(float64(r)) + eulerGamma + 1/(2*float64(r)+1)
	}
	for sum < harmonic {
		r++
		sum += 1 / float64(r)
	}
	return r
}

// threshold is the level that evidence had to pass with so many findings: a log
// e-value or a p-value.
func (c *Candidate) threshold(level float64, findings int) float64 {
	if level <= 0 {
		if c.LogE != 0 {
			return math.MaxFloat64
		}
		return 0
	}
	if c.LogE != 0 {
		return -math.Log(level) - math.Log(float64(findings))
	}
	sum := 0.0
	for r := min(findings, 1000); r > 0; r-- {
		sum += 1 / float64(r)
	}
	if findings > 1000 {
		sum += math.Log(float64(findings) / 1000)
	}
	return min(1, level*sum*6/(math.Pi*math.Pi))
}

// single says whether evidence would pass if it were the only question ever
// asked: enough to stand beside a lead, not to stand alone.
func (c *Candidate) single(alpha float64) bool {
	if c.LogE != 0 {
		return c.LogE >= -math.Log(alpha)
	}
	return c.P <= alpha
}

// Asked is what the questions of one service have spent in an epoch.
type Asked struct {
	Service pitwall.ServiceName `json:"service"`
	Last    time.Time           `json:"last"` // look
	Most    int                 `json:"most"` // questions in one look
}

// spend gives each service of a look its budget and remembers the look. Alpha
// is split evenly over the services of the epoch and then over the questions
// of one, so many series of one service do not drown another. Of a question's
// share a look may spend what part of the epoch has passed since the last one;
// the first look, at a whole past, gets a day's worth. More services or
// questions later in an epoch get their share of the larger number, which may
// stretch the promise by the logarithm of the growth; it is exact again from
// the next epoch on.
func (s *Screen) spend(in Sight) map[pitwall.ServiceName]budget {
	if s.Epoch.IsZero() || !in.Now.Before(s.Epoch.Add(s.Limits.Epoch)) {
		s.Epoch, s.Count = in.Now, 0
		s.Services = len(s.Asked)
		s.Asked = nil
	}
	at := map[pitwall.ServiceName]int{}
	for i, a := range s.Asked {
		at[a.Service] = i
	}
	budgets := map[pitwall.ServiceName]budget{}
	for _, name := range sortedKeys(in.Tests) {
		n := in.Tests[name]
		if n <= 0 {
			continue
		}
		i, seen := at[name]
		passed := firstLook
		if !seen {
			i = len(s.Asked)
			s.Asked = append(s.Asked, Asked{Service: name})
		} else {
			passed = max(0, in.Now.Sub(s.Asked[i].Last))
		}
		a := &s.Asked[i]
		a.Most = max(a.Most, n)
		if in.Now.After(a.Last) {
			a.Last = in.Now
		}
		budgets[name] = budget{once: passed.Seconds() / (s.Limits.Epoch + firstLook).Seconds(), anytime: 1}
	}
	services := float64(max(1, len(s.Asked), s.Services))
	for _, a := range s.Asked {
		if b, ok := budgets[a.Service]; ok {
			each := s.Limits.Alpha / services / float64(a.Most)
			budgets[a.Service] = budget{once: b.once * each, anytime: each}
		}
	}
	return budgets
}
