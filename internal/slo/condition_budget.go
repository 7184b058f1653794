package slo

import (
	"math"
	"time"

	"github.com/pitwall/pitwall"
)

// spent evaluates a share of the budget spent within a while. Of the window or
// the period that is a burn rate: p of the budget within w of W is spent at
// p × W/w, so it compiles to a factor and is guarded like one. Of a day it is
// what was spent since local midnight, of a day's share of the budget. Without a
// while it is the whole of what was spent.
func (c *condition) spent() {
	t := c.st.Tier
	c.st.Limit = t.Percent
	switch {
	case t.Of == pitwall.OfDay:
		c.spentToday()
	case t.Long <= 0: // of all that was spent
		c.total = true
		c.windows()
		share := c.sum.bad / max(c.allowance(), math.SmallestNonzeroFloat64)
		c.st.Known = c.sum.complete()
		c.fact(share*100, share*100 >= t.Percent)
	default:
		factor := SpentFactor(t, c.whole.Duration())
		c.burning(factor)
		c.st.Value = c.lower() * 100 * c.st.Tier.Long.Seconds() / c.whole.Duration().Seconds()
	}
}

// SpentFactor is the burn rate at which a percentage of the budget of a window
// is spent within the tier's long one: p × W/w.
func SpentFactor(t pitwall.BurnTier, window time.Duration) float64 {
	if t.Long <= 0 {
		return 0
	}
	return round6(t.Percent / 100 * window.Seconds() / t.Long.Seconds())
}

// round6 keeps a factor a decimal that a person can print.
func round6(f float64) float64 { return math.Round(f*1e6) / 1e6 }

// uncounted is the part of the window that may wait to be counted while what was
// counted still stands for all of it.
const uncounted = 0.1

// counted says whether nearly all of the window was counted. While the history of
// a new objective is, its oldest days alone say nothing of the whole: one bad day
// of them would be several budgets.
func (c *condition) counted() bool {
	return c.waits(c.look.Now) <= max(time.Duration(uncounted*float64(c.past.Duration())), lateness)
}

// fact decides about something that was spent, for which there is no chance.
func (c *condition) fact(value float64, holds bool) {
	c.st.Known = c.st.Known && c.counted()
	if !c.st.Known {
		return
	}
	c.st.Value = value
	if holds {
		c.fire(c.sum.trials, 0)
	}
}

// day is the day of now: of a scaled SLO a slot of the calendar's day.
func (c *condition) day() pitwall.Period {
	p := DayAt(zoneOf(c.s), c.look.Now)
	if c.s.Day <= 0 || c.s.Day >= p.Duration() {
		return p
	}
	from := p.From.Add(c.look.Now.Sub(p.From) / c.s.Day * c.s.Day)
	return pitwall.Period{From: from, To: from.Add(c.s.Day)}
}

// dayAllowance is a day's share of the budget, in bad events.
func (c *condition) dayAllowance(day pitwall.Period) float64 {
	return c.allowance() * day.Duration().Seconds() / c.whole.Duration().Seconds()
}

func (c *condition) spentToday() {
	c.windows()
	day := c.day()
	c.today = c.read(pitwall.Period{From: day.From, To: c.look.Now})
	allowed := c.dayAllowance(day)
	c.st.Known = c.today.known() && allowed > 0
	if !c.st.Known {
		return
	}
	c.st.Value = c.today.bad / allowed * 100
	if c.st.Value >= c.st.Tier.Percent {
		c.fire(c.today.trials, 0)
	}
}

// remaining evaluates how much of the budget is left, in percent.
func (c *condition) remaining() {
	c.windows()
	c.st.Limit = c.st.Tier.Percent
	left := 1 - c.sum.bad/max(c.allowance(), math.SmallestNonzeroFloat64)
	c.st.Known = c.sum.complete()
	c.fact(left*100, left*100 < c.st.Tier.Percent)
}

// soon is when the remaining budget ends at the pace of the long window: zero
// when it is gone already, never when it does not end.
func (c *condition) soon() {
	p := c.paceOver(c.st.Tier.Long)
	switch {
	case c.st.Tier.Of == pitwall.OfWindow: // the entire budget, as if it were whole
		c.never = p.burn() <= 0
		if !c.never {
			c.ends = time.Duration(min(c.whole.Duration().Seconds()/p.burn(), 1e9) * float64(time.Second))
		}
	case c.sum.bad >= c.allowance():
		c.ends = 0
	default:
		d, ok := c.endsIn(p.rate)
		c.ends, c.never = d, !ok
	}
}

// exhaustion evaluates when the budget ends, in seconds; at most the window's
// length, for later is as good as never. A factor must be exceeded beside it.
func (c *condition) exhaustion() {
	c.windows()
	t := c.st.Tier
	c.st.Limit = t.Within.Seconds()
	c.st.Known = c.long.known() && c.sum.complete()
	if !c.st.Known {
		return
	}
	c.soon()
	c.st.Value = c.endsValue()
	if c.never || c.ends >= t.Within || !c.fastEnough() {
		return
	}
	c.fire(c.long.trials, max(t.Factor, 1))
}

func (c *condition) endsValue() float64 {
	if w := c.whole.Duration(); c.never || c.ends > w {
		return w.Seconds()
	}
	return c.ends.Seconds()
}

// fastEnough says whether the budget burns faster than the factor over both
// windows, if one is asked for.
func (c *condition) fastEnough() bool {
	t := c.st.Tier
	return t.Factor <= 0 || c.long.exceeds(t.Factor) && (t.Short <= 0 || c.short.exceeds(t.Factor))
}

// projected evaluates what will have been spent when a day or a period ends, in
// percent. A rolling window ends when it is full of the present pace. With a
// factor the burn rate must exceed it, and a day fails only together with its
// window: the window's budget must not last either. Within asks in addition that
// the remaining budget ends so soon.
func (c *condition) projected() {
	c.windows()
	t := c.st.Tier
	c.st.Limit = t.Percent
	c.st.Known = c.long.known() && c.sum.complete()
	if !c.st.Known {
		return
	}
	if t.Of == pitwall.OfDay {
		c.projectDay()
	} else if p, ok := c.judge.projected(); ok {
		c.st.Value = float64(p) * 100
	} else {
		c.st.Value = c.st.LongRate * 100
	}
	if c.st.Value < t.Percent || !c.fastEnough() || !c.fails() {
		return
	}
	c.fire(c.long.trials, max(t.Factor, 1))
}

func (c *condition) projectDay() {
	day, p := c.day(), c.paceOver(c.st.Tier.Long)
	c.today = c.read(pitwall.Period{From: day.From, To: c.look.Now})
	if allowed := c.dayAllowance(day); allowed > 0 {
		c.st.Value = (c.today.bad + p.rate.bad*day.To.Sub(c.look.Now).Seconds()) / allowed * 100
	}
}

// fails says whether the whole window's budget will not last, and ends as soon
// as the tier asks.
func (c *condition) fails() bool {
	t := c.st.Tier
	if (t.Of != pitwall.OfDay || t.Factor <= 0) && t.Within <= 0 {
		return true
	}
	c.soon()
	return !c.never && (t.Within <= 0 || c.ends < t.Within)
}
