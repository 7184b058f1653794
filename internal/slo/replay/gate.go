package replay

import (
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

// gates say at which instants an objective need not be evaluated, because none of
// its tiers can fire. A gate asks for less than its tier does, never for more:
// it may let an instant through at which nothing fires, and must not hold one
// back at which something does.
type gates struct {
	h       *history
	s       pitwall.SLO
	share   float64 // 1 − target
	longest int64   // window of any burn tier, in steps
	all     bool    // every instant must be evaluated
	period  pitwall.Period
}

// slack keeps rounding from closing a gate.
const slack = 1 - 1e-9

func newGates(h *history, s pitwall.SLO) gates {
	g := gates{h: h, s: s, share: slo.BudgetShare(s.Target)}
	for _, t := range s.Tiers {
		g.longest = max(g.longest, g.steps(t.Long), g.steps(t.Short))
	}
	g.all = !plain(s)
	return g
}

// plain says whether the running sums tell everything that is spent: events of
// the objective itself are counted, not slices or others' budgets.
func plain(s pitwall.SLO) bool {
	return s.SLI.Composite == nil && (s.Slices == nil || s.Budgeting == pitwall.Occurrences || s.Budgeting == "")
}

// steps rounds a window up to whole steps.
func (g *gates) steps(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	unit := time.Duration(g.h.step) * time.Second
	return int64((d + unit - 1) / unit)
}

// window is the budget's window that ends before a step.
func (g *gates) window(now time.Time, at int64) (pitwall.Counts, time.Duration) {
	if g.s.Calendar == nil {
		w := g.steps(g.s.Window)
		return g.h.sum(at-w, at), time.Duration(w*g.h.step) * time.Second
	}
	if !g.period.Contains(now) {
		g.period = slo.PeriodAt(g.s, now)
	}
	from := (g.period.From.Unix() + g.h.step - 1) / g.h.step
	return g.h.sum(from, at), g.period.Duration()
}

// open says whether any tier may fire now, which is the beginning of step at.
func (g *gates) open(now time.Time, at int64) bool {
	if g.all {
		return true
	}
	for _, t := range g.s.Tiers {
		if g.may(t, now, at) {
			return true
		}
	}
	return false
}

func (g *gates) may(t pitwall.BurnTier, now time.Time, at int64) bool {
	switch t.When {
	case pitwall.WhenBurn, "":
		return g.burning(t, t.Factor, at)
	case pitwall.WhenTrafficLost:
		return g.h.sum(at-g.steps(t.Short), at).Total() == 0
	case pitwall.WhenExhaustion:
		c, _ := g.window(now, at)
		return c.Bad > 0 && (t.Factor <= 0 || g.over(t, t.Factor, at))
	case pitwall.WhenProjected:
		return (t.Factor <= 0 || g.over(t, t.Factor, at)) && g.projected(t, now, at)
	case pitwall.WhenRemaining:
		c, _ := g.window(now, at)
		return float64(c.Bad) > (1-t.Percent/100)*g.share*float64(c.Total())*slack
	case pitwall.WhenSpent:
		return g.spent(t, now, at)
	}
	return true
}

func (g *gates) spent(t pitwall.BurnTier, now time.Time, at int64) bool {
	c, whole := g.window(now, at)
	limit := t.Percent / 100 * g.share * float64(c.Total()) * slack
	switch {
	case t.Of == pitwall.OfDay:
		most, least := g.day()
		today := g.h.sum(at-g.steps(most), at)
		return today.Bad > 0 && float64(today.Bad) >= limit*least.Seconds()/whole.Seconds()
	case t.Long <= 0:
		return float64(c.Bad) >= limit
	}
	return g.burning(t, slo.SpentFactor(t, whole), at)
}

// day is how much of today counts at most, and how much a day is allowed at
// least: it has 23 to 25 hours.
func (g *gates) day() (most, least time.Duration) {
	if g.s.Day > 0 {
		return g.s.Day, 0 // the last slot of a day may be as short as it likes
	}
	return 25 * time.Hour, 23 * time.Hour
}

// projected takes the pace of the long window to go on for as long as a day may
// last. A tier whose long window is not known yet does not fire.
func (g *gates) projected(t pitwall.BurnTier, now time.Time, at int64) bool {
	c, whole := g.window(now, at)
	w := g.steps(t.Long)
	if w == 0 || t.Of != pitwall.OfDay {
		return c.Bad > 0
	}
	most, least := g.day()
	today, pace := g.h.sum(at-g.steps(most), at), g.h.sum(at-w, at)
	bad := float64(today.Bad) + float64(pace.Bad)*float64(g.steps(most))/float64(w)
	return bad > 0 && bad >= t.Percent/100*g.share*float64(c.Total())*least.Seconds()/whole.Seconds()*slack
}

// over says whether the shortest window of a tier burns faster than a factor.
func (g *gates) over(t pitwall.BurnTier, factor float64, at int64) bool {
	w := g.steps(t.Short)
	if w == 0 {
		w = g.steps(t.Long)
	}
	c := g.h.sum(at-w, at)
	return c.Bad > 0 && float64(c.Bad) > factor*g.share*float64(c.Total())*slack
}

// burning is over, but for a tier with a single window: with few events in it a
// longer one is taken, so that any bad event may count.
func (g *gates) burning(t pitwall.BurnTier, factor float64, at int64) bool {
	if t.Short > 0 {
		return g.over(t, factor, at)
	}
	n := g.h.sum(at-g.steps(t.Long), at).Total()
	if g.s.SLI.Kind == pitwall.SLIRatio || n < max(slo.Enough, t.MinBad, t.MinEvents) {
		return g.h.sum(at-max(g.longest, g.steps(t.Long)), at).Bad > 0
	}
	return g.over(t, factor, at)
}
