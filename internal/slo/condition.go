package slo

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// tier evaluates one condition. It is Known when the ledger can say whether it
// holds, and Firing when it holds and nothing holds it back; Held says what does.
func (j *judge) tier(t pitwall.BurnTier) pitwall.TierState {
	if t.Long > 0 {
		t.Long = j.l.whole(t.Long)
	}
	if t.Short > 0 {
		t.Short = j.l.whole(t.Short)
	}
	c := condition{judge: j, st: pitwall.TierState{Tier: t}}
	switch t.When {
	case pitwall.WhenSpent:
		c.spent()
	case pitwall.WhenExhaustion:
		c.exhaustion()
	case pitwall.WhenRemaining:
		c.remaining()
	case pitwall.WhenProjected:
		c.projected()
	case pitwall.WhenTrafficLost:
		c.lost()
	default:
		c.burning(t.Factor)
		c.st.Limit, c.st.Value = t.Factor, c.lower()
	}
	if j.look.Words || c.st.Firing || c.st.Held != "" {
		c.st.Expr = c.words()
	}
	return c.st
}

// condition is a tier being evaluated.
type condition struct {
	*judge
	st          pitwall.TierState
	long, short measure
	slower      string  // the tier whose long window was taken
	today       measure // of a tier about a day
	total       bool    // all that was spent, not within a while
	ends        time.Duration
	never       bool
}

// windows reads the windows of the tier. A short one of no length is not asked;
// for a long one the window of the burn rate of now is taken.
func (c *condition) windows() {
	if c.st.Tier.Long <= 0 && c.st.Tier.When != pitwall.WhenTrafficLost {
		c.st.Tier.Long = c.l.whole(c.nearest())
	}
	t := c.st.Tier
	c.long, c.short = c.last(t.Long), c.last(t.Short)
	if t.Short == t.Long {
		c.short = c.long
	}
	c.show()
}

func (c *condition) show() {
	c.st.Long, c.st.Short = c.long.trials, c.short.trials
	if c.long.slices == nil {
		c.st.Long, c.st.Short = c.long.counts, c.short.counts
	}
	c.st.LongRate, c.st.ShortRate = c.burnOf(c.long), c.burnOf(c.short)
}

// burnOf is the burn rate as a person computes it: e / B.
func (c *condition) burnOf(m measure) float64 {
	if e, ok := m.trials.ErrorRatio(); ok && m.exact != nil && m.known() {
		return float64(e) / BudgetShare(*m.exact)
	}
	return m.burn()
}

// lower is the lower burn rate of the two windows: the one a factor is held to.
func (c *condition) lower() float64 {
	if c.st.Tier.Short <= 0 {
		return c.st.LongRate
	}
	return min(c.st.LongRate, c.st.ShortRate)
}

// burning evaluates a burn rate over both windows. It fires when both burn faster
// than the factor, the long one lies wholly in the time that is known, enough of
// it is bad, and so many would be seen with a probability below alpha if the
// true ratio were only at the limit: P[X ≥ bad], X ~ Bin(total, factor × B). The
// last keeps one failure of three requests from paging; with much traffic it
// says the same as the ratio.
func (c *condition) burning(factor float64) {
	c.windows()
	c.lookFurther(factor)
	t := c.st.Tier
	c.st.Known = c.long.known() && (t.Short <= 0 || c.short.known())
	if !c.st.Known || !c.long.exceeds(factor) || t.Short > 0 && !c.short.exceeds(factor) {
		return
	}
	c.fire(c.long.trials, factor)
}

// lookFurther takes the long window of the next slower burn tier while the own
// one has so few events that not even all of them bad would say anything.
func (c *condition) lookFurther(factor float64) {
	t := &c.st.Tier
	if !c.short.known() || c.long.slices != nil {
		return
	}
	for c.tooFew(factor) {
		next := t.Long
		for _, other := range c.s.Tiers {
			if (other.When == "" || other.When == pitwall.WhenBurn) && other.Long > t.Long && (next == t.Long || other.Long < next) {
				next, c.slower = other.Long, other.Name
			}
		}
		if next == t.Long {
			return
		}
		t.Long = c.l.whole(next)
		c.long = c.last(t.Long)
		c.show()
	}
}

// Enough is from how many events on a burn tier looks no further than its own
// long window, unless it asks for more.
const Enough = 1000

// tooFew says whether no number of bad events of the long window could fire.
func (c *condition) tooFew(factor float64) bool {
	n, t := c.long.trials.Total(), c.st.Tier
	if n >= Enough { // the usual case, without arithmetic
		return n < max(t.MinBad, t.MinEvents)
	}
	return n < max(1, t.MinBad, t.MinEvents) || stats.BinomialTail(int64(n), int64(n), factor*c.long.null) >= alpha(t)
}

// fire lets a condition fire whose numbers exceed the limit, unless something
// holds it back.
func (c *condition) fire(trials pitwall.Counts, factor float64) {
	c.st.Held = c.hold(trials, factor)
	c.st.Firing = c.st.Held == ""
}

// hold says why a condition does not fire although its numbers exceed the limit;
// empty: nothing holds it back. A factor of zero asks for no chance: what was
// spent was spent.
func (c *condition) hold(trials pitwall.Counts, factor float64) string {
	t := c.st.Tier
	switch {
	case c.age < t.Long:
		return fmt.Sprintf("only %s of the long window are known yet", brief(c.age.Round(c.l.step)))
	case trials.Bad < t.MinBad:
		return fmt.Sprintf("fewer than %d bad", t.MinBad)
	case trials.Total() < t.MinEvents:
		return fmt.Sprintf("fewer than %d in all", t.MinEvents)
	case factor <= 0:
		return ""
	}
	p := stats.BinomialTail(int64(trials.Bad), int64(trials.Total()), factor*c.long.null)
	c.st.P = &p
	if p >= alpha(t) {
		return fmt.Sprintf("so few requests show that by chance with probability above %g", alpha(t))
	}
	return ""
}

// alpha is the chance at which a tier may fire on a service that only just
// keeps to its limit: less where somebody is woken.
func alpha(t pitwall.BurnTier) float64 {
	switch {
	case t.Alpha > 0:
		return t.Alpha
	case t.Action == pitwall.ActionPage:
		return 0.01
	}
	return 0.05
}
