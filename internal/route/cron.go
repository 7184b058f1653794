package route

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// schedule is a cron line of five fields: minute, hour, day of month, month and
// day of week, each a set of bits.
type schedule struct {
	minute, hour, day, month, week uint64
	// eitherDay: both days are restricted, and then either may fit, as in every
	// cron since the first.
	eitherDay bool
}

// cronField is the range of a field and its names, if it has any.
type cronField struct {
	name      string
	low, high int
	words     string // three letters each, from low on
}

func cronFields() [5]cronField {
	return [5]cronField{{"minute", 0, 59, ""}, {"hour", 0, 23, ""}, {"day of month", 1, 31, ""},
		{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"}, {"day of week", 0, 7, "sunmontuewedthufrisat"}}
}

func parseCron(line string) (schedule, error) {
	var s schedule
	parts := strings.Fields(line)
	if len(parts) != 5 || len(line) > 500 {
		return s, fmt.Errorf("cron %q has %d fields, not 5: minute hour day month weekday", line, len(parts))
	}
	for i, bits := range []*uint64{&s.minute, &s.hour, &s.day, &s.month, &s.week} {
		var err error
		if *bits, err = cronFields()[i].parse(parts[i]); err != nil {
			return s, err
		}
	}
	if s.week&(1<<7) != 0 { // 7 is Sunday too
		s.week |= 1
	}
	s.eitherDay = !strings.HasPrefix(parts[2], "*") && !strings.HasPrefix(parts[4], "*")
	return s, nil
}

// parse reads a list of numbers, ranges and steps: 1,3-5,*/15.
func (f cronField) parse(text string) (bits uint64, err error) {
	for item := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(item, "/")
		step := 1
		if stepped {
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > f.high {
				return 0, fmt.Errorf("cron %s: %q is no step", f.name, stepText)
			}
		}
		low, high := f.low, f.high
		if span != "*" {
			first, last, isRange := strings.Cut(span, "-")
			if low, err = f.number(first); err != nil {
				return 0, err
			}
			switch {
			case isRange:
				if high, err = f.number(last); err != nil {
					return 0, err
				}
			case !stepped:
				high = low
			}
		}
		if low > high {
			return 0, fmt.Errorf("cron %s: %q runs backwards", f.name, item)
		}
		for v := low; v <= high; v += step {
			bits |= 1 << v
		}
	}
	return bits, nil
}

func (f cronField) number(text string) (int, error) {
	if i := strings.Index(f.words, strings.ToLower(text)); len(text) == 3 && i >= 0 && i%3 == 0 {
		return f.low + i/3, nil
	}
	v, err := strconv.Atoi(text)
	if err != nil || v < f.low || v > f.high {
		return 0, fmt.Errorf("cron %s: %q is not within %d to %d", f.name, text, f.low, f.high)
	}
	return v, nil
}

func (s schedule) onDay(t time.Time) bool {
	if s.month&(1<<t.Month()) == 0 {
		return false
	}
	day, week := s.day&(1<<t.Day()) != 0, s.week&(1<<t.Weekday()) != 0
	if s.eitherDay {
		return day || week
	}
	return day && week
}

// last is the latest moment not after now at which the schedule begins, looking
// back over so much time; false: none.
func (s schedule) last(now time.Time, back time.Duration, zone *time.Location) (time.Time, bool) {
	today := wallOf(now, zone).t.Truncate(24 * time.Hour)
	// A day more on both sides: clocks change.
	for day := today.Add(24 * time.Hour); !day.Before(today.Add(-back - 48*time.Hour)); day = day.Add(-24 * time.Hour) {
		if !s.onDay(day) {
			continue
		}
		for h := 23; h >= 0; h-- {
			for m := 59; m >= 0 && s.hour&(1<<h) != 0; m-- {
				if s.minute&(1<<m) == 0 {
					continue
				}
				at := wall{day.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute)}.instant(zone)
				if !at.After(now) {
					return at, true
				}
			}
		}
	}
	return time.Time{}, false
}
