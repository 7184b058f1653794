package slo

import (
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// expectedLost is how many events a forecast must expect before their absence is
// called lost traffic. With Poisson traffic of any rate that is wrong less than
// once in a thousand days: the rarer the traffic, the longer the silence that is
// waited for.
const expectedLost = 20

// leastComparable is how many comparable stretches must be known for a forecast.
const leastComparable = 3

// lost evaluates lost traffic: no events over the short window while a forecast
// expects some. When that window is too short for the traffic there is, it is
// doubled until enough events would be missing, up to a quarter of a day. The
// value is what the forecast expects.
func (c *condition) lost() {
	t := &c.st.Tier
	c.windows()
	least := max(float64(t.MinEvents), expectedLost)
	c.st.Limit = least
	c.st.Known = !c.short.blind && c.age >= t.Long && c.heard(t.Short)
	if !c.st.Known || c.short.counts.Total() > 0 {
		return
	}
	for {
		want, ok := c.expected(t.Short)
		c.st.Known, c.st.Value = ok, want
		if want >= least || !ok || 2*t.Short > dayOf(c.s)/4 {
			break
		}
		t.Short = c.l.whole(2 * t.Short)
		if !c.heard(t.Short) {
			c.st.Known = false
			return
		}
		if c.short = c.last(t.Short); c.short.counts.Total() > 0 {
			c.st.Known = true
			c.show()
			return
		}
	}
	p := math.Exp(-c.st.Value) // of nothing, if the traffic were as ever
	if !c.st.Known || c.st.Value < least || p >= alpha(*t) {
		return
	}
	c.st.P = &p
	if c.look.Blind {
		c.st.Held = "telemetry is down, not traffic"
		return
	}
	c.st.Firing = true
}

// heard says whether traffic in a window that ends now would have been counted:
// what a correction leaves out looks like silence, and so does what came while
// Pitwall was down, and what nobody asked the store about yet.
func (c *condition) heard(d time.Duration) bool {
	from := c.edge.Add(-d)
	return c.waits(c.look.Now) < lateness && c.corrected(pitwall.Period{From: from, To: c.edge}) == 0 && !from.Before(c.look.Since)
}

// dayOf is how long an objective's day is taken to be.
func dayOf(s pitwall.SLO) time.Duration {
	if s.Day > 0 {
		return s.Day
	}
	return day
}

// expected is the median of what came at the same time of up to seven earlier
// days, and not more than came a week ago, so that a quiet weekend is not lost.
// With fewer than three such days known it is the median of what came at
// the same minutes of the last six hours, and not more than came at this time of
// any day that is known, so that traffic that ends every evening is lost on the
// first at most; with fewer than three of them, nothing is known.
func (c *condition) expected(d time.Duration) (events float64, ok bool) {
	day, most := dayOf(c.s), math.Inf(1)
	for _, every := range []time.Duration{day, day / 24} {
		counts := 7
		if every < day {
			counts = 6
		}
		var list []float64
		for k := 1; k <= counts; k++ {
			to := c.edge.Add(-time.Duration(k) * every)
			p := pitwall.Period{From: to.Add(-d), To: to}
			if d > every || p.From.Before(c.look.Now.Add(-c.age)) {
				break
			}
			if m := c.read(p); !m.blind {
				list = append(list, float64(m.counts.Total()))
			}
		}
		if len(list) < leastComparable {
			if len(list) > 0 {
				most = slices.Max(list)
			}
			continue
		}
		events = min(stats.Median(list), most)
		if every == day && len(list) == counts {
			events = min(events, list[counts-1])
		}
		return events, true
	}
	return 0, false
}
