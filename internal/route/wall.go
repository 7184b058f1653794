package route

import (
	"fmt"
	"time"
)

// A wall is what a clock on the wall shows, kept as if it were UTC, so that it
// can be counted with: a day is 24 hours of it, whatever the zone does.
type wall struct{ t time.Time }

func wallOf(t time.Time, zone *time.Location) wall {
	l := t.In(zone)
	return wall{time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), l.Nanosecond(), time.UTC)}
}

func (w wall) add(d time.Duration) wall { return wall{w.t.Add(d)} }

// instant is the first moment at which the clock shows w. A time that is skipped
// in spring is the moment of the change.
func (w wall) instant(zone *time.Location) time.Time {
	// The zone's offset a day and a half before and after: one of them, or the one
	// between, is in force.
	_, before := w.t.Add(-36 * time.Hour).In(zone).Zone()
	_, after := w.t.Add(36 * time.Hour).In(zone).Zone()
	early, late := w.t.Add(-time.Duration(max(before, after))*time.Second), w.t.Add(-time.Duration(min(before, after))*time.Second)
	for _, t := range []time.Time{early, late} {
		if wallOf(t, zone) == w {
			return t.In(zone)
		}
	}
	// Skipped: late lies after the change, early before it.
	from, _ := late.In(zone).ZoneBounds()
	if from.IsZero() || from.Before(early) {
		return late.In(zone)
	}
	return from
}

// parseWall reads "2026-01-05 09:00", "2026-01-05T09:00" or a date alone.
func parseWall(text string) (wall, bool) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return wall{t}, t.Year() >= 1970 && t.Year() <= 2200
		}
	}
	return wall{}, false
}

// moment reads an RFC 3339 time, or a time on the wall of a zone.
func moment(text string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil && t.Year() >= 1970 && t.Year() <= 2200 {
		return t, nil
	}
	if w, ok := parseWall(text); ok {
		return w.instant(zone), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 2026-03-01T22:00:00+01:00, or 2026-03-01T22:00 of the zone", text)
}

// zoneOf finds an IANA zone; empty is UTC. "Local" would mean another place on
// every machine.
func zoneOf(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, fmt.Errorf("zone Local differs between machines: name one such as Europe/Berlin")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("unknown zone %q: name one such as Europe/Berlin or UTC", name)
	}
	return zone, nil
}
