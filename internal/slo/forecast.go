package slo

import (
	"time"

	"github.com/pitwall/pitwall"
)

// enoughCovered is the share of the last period's steps that must have been seen
// for it to say what comes.
const enoughCovered = 0.8

// weeksBack is how many weeks a weekday's traffic is the mean of.
const weeksBack = 4

// forecast is what the rest of a calendar period will allow.
type forecast struct {
	allowed float64
	events  float64 // or slices
	how     string
}

// ahead forecasts the rest of the calendar period. If the last period is known
// well enough, its events after the same time from its beginning, scaled to the
// length of the rest. Else each day to come has the mean traffic of its weekday
// over the last four weeks; a weekday never seen, the mean of all days. Slices
// come as surely as time does.
func (j *judge) ahead() forecast {
	if j.rest != nil {
		return *j.rest
	}
	f := j.forecastRest()
	j.rest = &f
	return f
}

func (j *judge) forecastRest() forecast {
	rest := pitwall.Period{From: j.look.Now, To: j.whole.To}
	known := min(j.age, j.look.Now.Sub(j.past.From)).Seconds()
	switch {
	case rest.Duration() <= 0 || known <= 0:
		return forecast{how: "nothing is known"}
	case j.sum.slices != nil:
		n := j.slicesIn(rest)
		return forecast{allowed: j.share * n, events: n, how: "slices to come"}
	case j.s.SLI.Composite != nil:
		scale := rest.Duration().Seconds() / known
		return forecast{allowed: j.sum.allowed * scale, events: float64(j.sum.counts.Total()) * scale, how: "the period's mean traffic"}
	}
	if n, ok := j.lastPeriod(rest); ok {
		return forecast{allowed: j.share * n, events: n, how: "the same hours of the last period"}
	}
	n := j.weekdays(rest)
	return forecast{allowed: j.share * n, events: n, how: "the mean of each weekday over four weeks"}
}

// lastPeriod is what the last period counted after as much of it was over.
func (j *judge) lastPeriod(rest pitwall.Period) (events float64, ok bool) {
	prev := PreviousPeriod(j.s, j.look.Now)
	from, to := j.l.stepsOf(prev)
	whole := j.read(prev)
	if to <= from || float64(whole.seen) < enoughCovered*float64(to-from) {
		return 0, false
	}
	part := pitwall.Period{From: j.coarse(prev.From.Add(rest.From.Sub(j.whole.From)), prev.Duration()), To: prev.To}
	if part.Duration() < rest.Duration()/2 { // a short month before a long one
		part = prev
	}
	m := j.read(part)
	return float64(m.counts.Total()) * float64(rest.Duration()) / float64(part.Duration()), !m.blind
}

// weekdays adds up the days to come, each with the mean traffic of its weekday.
func (j *judge) weekdays(rest pitwall.Period) (events float64) {
	type mean struct{ events, seconds float64 }
	var of [7]mean
	var all mean
	zone := zoneOf(j.s)
	today := DayAt(zone, rest.From)
	born := rest.From.Add(-j.age)
	for back := range 7*weeksBack + 1 {
		day := DayAt(zone, today.From.AddDate(0, 0, -back).Add(12*time.Hour))
		weekday := day.From.Weekday()
		p := pitwall.Period{From: j.coarse(later(day.From, born), j.whole.Duration()), To: j.coarse(earlier(day.To, rest.From), j.whole.Duration())}
		p.To = earlier(p.To, rest.From)
		if p.Duration() <= 0 {
			continue
		}
		n := float64(j.read(p).counts.Total())
		of[weekday].events += n
		of[weekday].seconds += p.Duration().Seconds()
		all.events += n
		all.seconds += p.Duration().Seconds()
	}
	if all.seconds == 0 {
		return 0
	}
	for day := today; day.From.Before(rest.To); day = DayAt(zone, day.To.Add(12*time.Hour)) {
		seconds := earlier(day.To, rest.To).Sub(later(day.From, rest.From)).Seconds()
		m := of[day.From.Weekday()]
		if m.seconds == 0 {
			m = all
		}
		events += seconds * m.events / m.seconds
	}
	return events
}

// projected is the share of a calendar budget that will be spent when its period
// ends: what is spent, and the burn rate of the last thirtieth of the window over
// the traffic to come. It is not told before a quarter of that is known.
func (j *judge) projected() (pitwall.Ratio, bool) {
	if j.s.Calendar == nil || !j.sum.complete() || j.age < j.recent()/4 {
		return 0, false
	}
	rest := j.ahead().allowed
	return pitwall.Ratio((j.sum.bad + j.recentBurn()*rest) / (j.sum.allowed + rest)), true
}

// recent is the stretch whose burn rate a projection goes on with: a day of a
// month.
func (j *judge) recent() time.Duration { return j.l.whole(j.s.Window / 30) }

// recentBurn is the burn rate of the last day of a month; without events in it,
// that of the period so far.
func (j *judge) recentBurn() float64 {
	if m := j.last(j.recent()); m.known() {
		return m.burn()
	}
	return j.sum.burn()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
