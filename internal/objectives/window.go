package objectives

import (
	"strconv"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/objectives/openslo"
	"github.com/pitwall/pitwall/internal/slo"
)

// longestWindow is how far back counts are kept at most.
const longestWindow = 400 * 24 * time.Hour

// span reads OpenSLO's shorthand, which openslo.Check has found to be one. The
// length of months, quarters and years is nominal.
func span(s string) (n int, unit byte, length time.Duration) {
	n, err := strconv.Atoi(s[:len(s)-1])
	unit = s[len(s)-1]
	switch {
	case err != nil || n > 1e6: // a million minutes are more than the longest window
		return n, unit, longestWindow + 1
	case unit == 'm':
		return n, unit, time.Duration(n) * time.Minute
	case unit == 'h':
		return n, unit, time.Duration(n) * time.Hour
	case n > 1000:
		return n, unit, longestWindow + 1
	}
	return n, unit, slo.Nominal(units()[unit], 1) * time.Duration(n)
}

func units() map[byte]pitwall.CalendarUnit {
	return map[byte]pitwall.CalendarUnit{'d': pitwall.Day, 'w': pitwall.Week, 'M': pitwall.Month, 'Q': pitwall.Quarter, 'Y': pitwall.Year}
}

// window reads the one time window of an objective.
func (r *reader) window(o openslo.Object, s *pitwall.SLO) {
	windows := o.Spec().Get("timeWindow").Items()
	if len(windows) != 1 {
		return // openslo.Check says so
	}
	at := windows[0].Get("duration")
	n, unit, length := span(at.Text())
	s.Window = length
	switch {
	case n == 0:
		r.wrong(o, at, "such as 30d", "a window of %s has no length", at.Text())
	case length > longestWindow:
		r.wrong(o, at, "choose a shorter window", "%s is longer than the %d days that counts are kept", at.Text(), longestWindow/(24*time.Hour))
	case windows[0].Get("calendar").Has():
		r.calendar(o, s, windows[0])
	case units()[unit] == pitwall.Month || units()[unit] == pitwall.Quarter || units()[unit] == pitwall.Year:
		r.warn(o, at, "a rolling window of %s is taken as %d days; a calendar window follows the months", at.Text(), length/(24*time.Hour))
	case length < time.Hour:
		r.warn(o, at, "a window of %s is %v; a month is written 1M", at.Text(), length)
	}
}

func (r *reader) calendar(o openslo.Object, s *pitwall.SLO, w openslo.Field) {
	n, letter, _ := span(w.Get("duration").Text())
	unit, ok := units()[letter]
	if !ok {
		r.wrong(o, w.Get("duration"), "calendar windows count d, w, M, Q or Y; m is minutes, a month is M", "%s is no unit of the calendar", w.Get("duration").Text())
		return
	}
	zone, err := openslo.Zone(w.Get("calendar", "timeZone").Text())
	if err != nil {
		return // openslo.Check says so
	}
	start, err := time.ParseInLocation(time.DateTime, w.Get("calendar", "startTime").Text(), zone)
	if err != nil {
		return
	}
	s.Calendar = &pitwall.Calendar{Unit: unit, Count: n, Zone: zone.String(), Start: start}
}

// slices reads how long the slices of an objective are and when one is good.
func (r *reader) slices(o openslo.Object, s pitwall.SLO, goal openslo.Field) *pitwall.Slices {
	at := goal.Get("timeSliceWindow")
	n, unit, length := span(at.Text())
	switch {
	case n == 0:
		r.wrong(o, at, "such as 1m", "a slice of %s has no length", at.Text())
	case unit == 'M' || unit == 'Q' || unit == 'Y':
		r.wrong(o, at, "m is minutes, M is months", "slices of %s have no fixed length", at.Text())
	case length >= s.Window && s.Window > 0:
		r.wrong(o, at, "such as 1m", "slices of %s are not shorter than the window of %v", at.Text(), s.Window)
	}
	out := &pitwall.Slices{Length: length, Empty: pitwall.EmptyExcluded}
	if v, ok := goal.Get("timeSliceTarget").Number(); ok && s.Budgeting == pitwall.Timeslices {
		out.Target = pitwall.Ratio(v)
	}
	if a := o.Annotation(AnnotEmpty); a.Has() {
		switch e := pitwall.EmptySlice(a.Text()); e {
		case pitwall.EmptyExcluded, pitwall.EmptyGood, pitwall.EmptyBad:
			out.Empty = e
		default:
			r.wrong(o, a, "one of excluded, good, bad", "annotation %s is %q", AnnotEmpty, a.Text())
		}
	}
	return out
}
