package slo

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// Nominal is how long a calendar window is taken to be where a fixed length is
// needed, for tiers to be scaled by: a month 30 days, a quarter 90, a year 365.
func Nominal(unit pitwall.CalendarUnit, count int) time.Duration {
	days := map[pitwall.CalendarUnit]time.Duration{pitwall.Day: 1, pitwall.Week: 7, pitwall.Month: 30, pitwall.Quarter: 90, pitwall.Year: 365}
	return days[unit] * day * time.Duration(max(1, count))
}

// PeriodAt is the window of an objective at an instant. A rolling one ends then.
// A calendar one is the period that the instant lies in, and ends later: periods
// follow one another from Calendar.Start by the clock on the wall of its zone. A
// period that would begin on a day its month does not have begins on the last
// one, and the next is counted from Start again: 31 January, 28 February, 31
// March. A wall time that a clock change leaves out is the first instant after
// it; one that comes twice is the first of the two.
func PeriodAt(s pitwall.SLO, now time.Time) pitwall.Period {
	if s.Calendar == nil {
		return pitwall.Period{From: now.Add(-s.Window), To: now}
	}
	p, _ := calendarPeriods(*s.Calendar, now)
	return p
}

// PreviousPeriod is the window before the one of PeriodAt.
func PreviousPeriod(s pitwall.SLO, now time.Time) pitwall.Period {
	if s.Calendar == nil {
		return pitwall.Period{From: now.Add(-2 * s.Window), To: now.Add(-s.Window)}
	}
	_, p := calendarPeriods(*s.Calendar, now)
	return p
}

// DayAt is the day of an instant, from local midnight to local midnight; 23 to
// 25 hours, by the zone. No zone is that of the instant.
func DayAt(zone *time.Location, now time.Time) pitwall.Period {
	if zone != nil {
		now = now.In(zone)
	}
	y, m, d := now.Date()
	return pitwall.Period{From: wall(y, m, d, clock{}, now.Location()), To: wall(y, m, d+1, clock{}, now.Location())}
}

// Zone is the zone of a calendar. Start is in it when the calendar was read from
// a file; after a journey through JSON it only has the offset, and the zone is
// looked up by its name.
func Zone(c pitwall.Calendar) (*time.Location, error) {
	switch loc := c.Start.Location(); {
	case loc.String() == c.Zone && c.Zone != "Local":
		return loc, nil
	case c.Zone == "" || c.Zone == "UTC":
		return time.UTC, nil
	}
	loc, err := time.LoadLocation(c.Zone)
	if err != nil {
		return time.UTC, &pitwall.Error{Op: "reading a calendar window", Kind: pitwall.Invalid, ID: c.Zone,
			Err: fmt.Errorf("no such time zone: %w", err), Hint: "use an IANA name such as Europe/Warsaw"}
	}
	return loc, nil
}

// zoneOf is where an objective's days begin; nil: wherever the caller is.
func zoneOf(s pitwall.SLO) *time.Location {
	if s.Calendar == nil {
		return nil
	}
	loc, _ := Zone(*s.Calendar) // UTC when unknown; reading the file refused it
	return loc
}

// calendarPeriods gives the period of an instant and the one before.
func calendarPeriods(c pitwall.Calendar, now time.Time) (at, before pitwall.Period) {
	loc, _ := Zone(c)
	b := boundaries{start: c.Start.In(loc), unit: c.Unit, count: max(1, c.Count)}
	k := int(now.Sub(b.start) / Nominal(orDay(c.Unit), b.count))
	for b.at(k).After(now) {
		k--
	}
	for !b.at(k + 1).After(now) {
		k++
	}
	return pitwall.Period{From: b.at(k), To: b.at(k + 1)}, pitwall.Period{From: b.at(k - 1), To: b.at(k)}
}

// orDay keeps a calendar without a known unit from having no length.
func orDay(u pitwall.CalendarUnit) pitwall.CalendarUnit {
	if Nominal(u, 1) == 0 {
		return pitwall.Day
	}
	return u
}

// boundaries are where the periods of a calendar begin, by number from its start.
type boundaries struct {
	start time.Time
	unit  pitwall.CalendarUnit
	count int
}

func (b boundaries) at(k int) time.Time {
	y, m, d := b.start.Date()
	n := k * b.count
	switch b.unit {
	case pitwall.Week:
		d += 7 * n
	case pitwall.Month:
		y, m, d = addMonths(y, m, d, n)
	case pitwall.Quarter:
		y, m, d = addMonths(y, m, d, 3*n)
	case pitwall.Year:
		y, m, d = addMonths(y, m, d, 12*n)
	default:
		d += n
	}
	hour, minute, second := b.start.Clock()
	return wall(y, m, d, clock{hour, minute, second, b.start.Nanosecond()}, b.start.Location())
}

// addMonths moves a date by months and stays within the month it comes to.
func addMonths(y int, m time.Month, d, n int) (int, time.Month, int) {
	first := time.Date(y, m+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.Year(), first.Month(), min(d, last)
}

// clock is a time of day.
type clock struct{ hour, minute, second, nano int }

// wall is the instant at which the clocks of a zone show a time. The standard
// library leaves open which instant that is around a clock change; here it is
// the first instant not before that time.
func wall(y int, m time.Month, d int, c clock, loc *time.Location) time.Time {
	t := time.Date(y, m, d, c.hour, c.minute, c.second, c.nano, loc)
	want := time.Date(y, m, d, c.hour, c.minute, c.second, c.nano, time.UTC)
	begin, end := t.ZoneBounds()
	switch shown := asUTC(t); {
	case shown.After(want): // left out, and read as if the clocks had not changed yet
		return begin
	case shown.Before(want): // left out, and read as if they had
		return end
	case begin.IsZero():
		return t
	}
	_, offset := t.Zone()
	_, earlier := begin.Add(-time.Nanosecond).Zone()
	if first := t.Add(time.Duration(offset-earlier) * time.Second); first.Before(begin) && asUTC(first).Equal(want) {
		return first // it comes twice
	}
	return t
}

// asUTC is what the clock on the wall shows, as an instant of UTC to compare by.
func asUTC(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}
