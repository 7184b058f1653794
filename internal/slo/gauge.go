package slo

import (
	"math"
	"time"

	"github.com/pitwall/pitwall"
)

// gauge reads one objective from the ledger over any period, whatever it counts:
// events, slices or other objectives. The ledger's lock is held as long as it
// lives.
type gauge struct {
	l       *Ledger
	s       pitwall.SLO
	share   float64 // 1 − target
	members []member
	lost    bool // made of itself, or of too many layers: it has no reading
}

// member is a part of a composite.
type member struct {
	gauge
	weight float64
}

// measure is what a gauge shows over a period.
type measure struct {
	counts pitwall.Counts // events; of a composite those of all members
	slices *pitwall.Counts
	// bad and allowed are events, slices or weighed events. Their relation is
	// the burn rate over the period, and the share of the budget spent when the
	// period is the window.
	bad, allowed float64
	// trials are what can be good or bad on its own, for the guard against
	// chance: events, slices, whole journeys. null is the share of bad ones at a
	// burn rate of 1.
	trials pitwall.Counts
	null   float64
	exact  *pitwall.Ratio // the target trials are held to; nil: bad and allowed decide
	seen   uint64         // steps in which anything was counted
	blind  bool           // the ledger could not read all of it
	silent []pitwall.SLOName
}

// deepest bounds composites of composites, so that one that holds itself ends.
const deepest = 4

// gauge makes the gauge of an objective.
func (l *Ledger) gauge(s pitwall.SLO) *gauge {
	g := l.gaugeAt(s, deepest)
	return &g
}

func (l *Ledger) gaugeAt(s pitwall.SLO, depth int) gauge {
	g := gauge{l: l, s: s, share: BudgetShare(s.Target), lost: depth == 0}
	c := s.SLI.Composite
	if c == nil || g.lost {
		return g
	}
	for _, m := range c.Members {
		of := pitwall.SLO{Name: m.SLO}
		if k := l.books[m.SLO]; k != nil {
			of = k.slo
		}
		part := member{gauge: l.gaugeAt(of, depth-1), weight: m.Weight}
		g.lost = g.lost || part.lost
		g.members = append(g.members, part)
	}
	return g
}

// read reads a period. What lies before anything was ever counted is no part of
// it: nobody knows whether it was good.
func (g *gauge) read(p pitwall.Period) measure {
	switch {
	case g.lost || g.share <= 0 || !p.To.After(p.From):
		return measure{}
	case g.s.SLI.Composite != nil:
		return g.readComposite(p)
	case g.slicing():
		return g.readSlices(p)
	}
	return g.readEvents(p)
}

// readEvents is a reading of occurrences.
func (g *gauge) readEvents(p pitwall.Period) measure {
	t := g.l.tally(g.s.Name, p)
	r := measure{counts: t.Counts, seen: t.seen, blind: t.blind, trials: t.Counts, null: g.share, exact: &g.s.Target,
		bad: float64(t.Bad), allowed: g.share * float64(t.Total())}
	if e, ok := t.ErrorRatio(); ok && g.s.SLI.Kind == pitwall.SLIRatio {
		// A ratio is one observation for each step, however many parts it is
		// written in.
		bad := uint64(float64(e) * float64(t.seen))
		r.trials, r.exact = pitwall.Counts{Good: t.seen - bad, Bad: bad}, nil
	}
	return r
}

// slicing says whether slices of time are counted instead of events.
func (g *gauge) slicing() bool {
	return g.s.Slices != nil && g.s.Slices.Length > 0 && (g.s.Budgeting == pitwall.Timeslices || g.s.Budgeting == pitwall.RatioTimeslices)
}

// known says whether the measure says anything.
func (r measure) known() bool { return r.allowed > 0 && !r.blind }

// complete says whether the measure is known, and no member is without events.
func (r measure) complete() bool { return r.known() && len(r.silent) == 0 }

// burn is the burn rate; zero of an unknown one.
func (r measure) burn() float64 {
	if !r.known() {
		return 0
	}
	return r.bad / r.allowed
}

// exceeds says whether the burn rate is above a factor, by exact decimals where
// whole events are counted.
func (r measure) exceeds(factor float64) bool {
	switch {
	case !r.known():
		return false
	case r.exact != nil:
		return limitOf(factor, *r.exact).exceeded(r.trials)
	}
	return r.bad > factor*r.allowed*(1+1e-12)
}

// rate is a measure as bad and allowed ones a second.
type rate struct{ bad, allowed float64 }

func (r measure) over(d time.Duration) rate {
	if d <= 0 || !r.known() {
		return rate{}
	}
	return rate{r.bad / d.Seconds(), r.allowed / d.Seconds()}
}

// seen is how long the objective has been counted: of a composite, how long
// every member has.
func (g *gauge) seen(now time.Time) time.Duration {
	if g.s.SLI.Composite == nil {
		return g.l.seen(g.s.Name, now)
	}
	if len(g.members) == 0 {
		return 0
	}
	least := time.Duration(math.MaxInt64)
	for i := range g.members {
		least = min(least, g.members[i].seen(now))
	}
	return least
}

// waits is how much of the time before now is still to be counted by queries; of
// a composite the most of any member.
func (g *gauge) waits(now time.Time) (most time.Duration) {
	if k := g.l.books[g.s.Name]; k != nil && k.through > 0 {
		most = now.Sub(time.Unix(g.l.unix(k.through), 0))
	}
	for i := range g.members {
		most = max(most, g.members[i].waits(now))
	}
	return most
}

// coverage is the share of a period's steps in which anything was counted, of
// those that corrections leave in; of a composite that of the member least seen.
func (g *gauge) coverage(p pitwall.Period, r measure) pitwall.Ratio {
	if g.s.SLI.Composite != nil {
		least := pitwall.Ratio(1)
		for i := range g.members {
			m := &g.members[i]
			least = min(least, m.coverage(p, measure{seen: m.read(p).seen}))
		}
		return least
	}
	from, to := g.l.stepsOf(p)
	steps := to - from - int64(g.corrected(p)/g.l.step)
	if steps <= 0 {
		return 0
	}
	return pitwall.Ratio(float64(r.seen) / float64(steps))
}
