package slo

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones of the table must be there on every machine

	"github.com/pitwall/pitwall"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// TestCalendarWindows asks for the exact length of every window of the table:
// both clock changes, a leap February, quarters and years.
func TestCalendarWindows(t *testing.T) {
	begin := map[string]struct {
		day  string
		unit pitwall.CalendarUnit
	}{
		"2026-02 month": {"2026-02-01", pitwall.Month}, "2026-03 month": {"2026-03-01", pitwall.Month},
		"2026-11 month": {"2026-11-01", pitwall.Month}, "2028-02 month (leap)": {"2028-02-01", pitwall.Month},
		"2026 Q1": {"2026-01-01", pitwall.Quarter}, "2026 year": {"2026-01-01", pitwall.Year},
		"2026-03-08 day": {"2026-03-08", pitwall.Day}, "2026-11-01 day": {"2026-11-01", pitwall.Day},
	}
	rows := bench(t, "calendar-windows.csv")
	for _, row := range rows {
		w, ok := begin[row["window"]]
		if !ok {
			t.Errorf("no such window in this test: %q", row["window"])
			continue
		}
		loc := zone(t, row["tz"])
		first, err := time.ParseInLocation(time.DateOnly, w.day, loc)
		if err != nil {
			t.Fatal(err)
		}
		// Anchored years before, so that the period is found and not given.
		s := pitwall.SLO{Target: 0.999, Calendar: &pitwall.Calendar{Unit: w.unit, Count: 1, Zone: row["tz"], Start: time.Date(2020, 1, 1, 0, 0, 0, 0, loc)}}
		for _, at := range []time.Time{first, first.Add(11 * time.Hour)} {
			p := PeriodAt(s, at)
			if got, want := p.Duration().Seconds(), num(t, row["length_s"]); got != want || !p.From.Equal(first) {
				t.Errorf("%s %s at %s: %v from %s, want %v s", row["tz"], row["window"], at, got, p.From, want)
			}
			if got, want := p.Duration().Seconds()*BudgetShare(s.Target), num(t, row["budget_s_at_99.9"]); math.Abs(got-want) > 1e-6 {
				t.Errorf("%s %s: a budget of %v s, want %v", row["tz"], row["window"], got, want)
			}
			if prev := PreviousPeriod(s, at); !prev.To.Equal(p.From) || !PeriodAt(s, prev.From).To.Equal(p.From) {
				t.Errorf("%s %s: the period before is %v", row["tz"], row["window"], prev)
			}
		}
	}
	if len(rows) != 32 {
		t.Errorf("%d rows, want 32", len(rows))
	}
}

func TestPeriodsFollowOneAnother(t *testing.T) {
	f := func(zoneName string, unit pitwall.CalendarUnit, count int, start string, at string, from, to string) {
		t.Helper()
		loc := zone(t, zoneName)
		parse := func(s string) time.Time {
			v, err := time.ParseInLocation("2006-01-02 15:04", s, loc)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		s := pitwall.SLO{Calendar: &pitwall.Calendar{Unit: unit, Count: count, Zone: zoneName, Start: parse(start)}}
		got := PeriodAt(s, parse(at))
		if got.From.Format("2006-01-02 15:04") != from || got.To.Format("2006-01-02 15:04") != to {
			t.Errorf("%s, %d %s from %s, at %s: %s – %s, want %s – %s", zoneName, count, unit, start, at, got.From, got.To, from, to)
		}
	}
	// A start in the middle of a month, before and after it.
	f("UTC", pitwall.Month, 1, "2026-01-15 06:00", "2026-03-15 05:59", "2026-02-15 06:00", "2026-03-15 06:00")
	f("UTC", pitwall.Month, 1, "2026-01-15 06:00", "2026-03-15 06:00", "2026-03-15 06:00", "2026-04-15 06:00")
	f("UTC", pitwall.Month, 1, "2026-05-15 06:00", "2026-03-20 00:00", "2026-03-15 06:00", "2026-04-15 06:00")
	// The 31st: the last day of a shorter month, and the 31st again after it.
	f("UTC", pitwall.Month, 1, "2026-01-31 00:00", "2026-03-01 00:00", "2026-02-28 00:00", "2026-03-31 00:00")
	f("UTC", pitwall.Month, 1, "2028-01-31 00:00", "2028-03-01 00:00", "2028-02-29 00:00", "2028-03-31 00:00")
	f("UTC", pitwall.Month, 1, "2026-01-31 00:00", "2026-04-15 00:00", "2026-03-31 00:00", "2026-04-30 00:00")
	f("UTC", pitwall.Year, 1, "2024-02-29 00:00", "2026-05-01 00:00", "2026-02-28 00:00", "2027-02-28 00:00")
	f("UTC", pitwall.Year, 1, "2024-02-29 00:00", "2028-05-01 00:00", "2028-02-29 00:00", "2029-02-28 00:00")
	// Several units, and far from the start.
	f("UTC", pitwall.Week, 2, "2026-01-05 00:00", "2026-01-30 00:00", "2026-01-19 00:00", "2026-02-02 00:00")
	f("UTC", pitwall.Quarter, 2, "2026-01-01 00:00", "2026-12-31 23:59", "2026-07-01 00:00", "2027-01-01 00:00")
	f("Europe/Warsaw", pitwall.Day, 1, "1990-01-01 00:00", "2026-08-01 00:00", "2026-08-01 00:00", "2026-08-02 00:00")
	// Midnight does not exist: the day begins when the clocks have jumped.
	f("America/Sao_Paulo", pitwall.Day, 1, "2018-01-01 00:00", "2018-11-04 12:00", "2018-11-04 01:00", "2018-11-05 00:00")
	f("Asia/Beirut", pitwall.Day, 1, "2022-01-01 00:00", "2022-03-27 12:00", "2022-03-27 01:00", "2022-03-28 00:00")
	// A start at an hour that exists only in most of the year.
	f("America/New_York", pitwall.Day, 1, "2026-01-01 02:30", "2026-03-08 12:00", "2026-03-08 03:00", "2026-03-09 02:30")
}

// TestDayAt: 23, 24 and 25 hours, a day without its midnight, and one that had
// its midnight twice, which begins at the first.
func TestDayAt(t *testing.T) {
	f := func(name string, y int, m time.Month, d int, want time.Duration) {
		t.Helper()
		loc := zone(t, name)
		p := DayAt(loc, time.Date(y, m, d, 12, 0, 0, 0, loc).UTC())
		if p.Duration() != want {
			t.Errorf("%s %d-%d-%d lasts %s (%s – %s), want %s", name, y, m, d, p.Duration(), p.From, p.To, want)
		}
	}
	f("Europe/Warsaw", 2026, 3, 29, 23*time.Hour)
	f("Europe/Warsaw", 2026, 10, 25, 25*time.Hour)
	f("Europe/Warsaw", 2026, 6, 1, 24*time.Hour)
	f("Australia/Lord_Howe", 2026, 4, 5, 24*time.Hour+30*time.Minute)
	f("America/Sao_Paulo", 2018, 11, 4, 23*time.Hour)
	f("America/Havana", 2026, 11, 1, 25*time.Hour)
	f("America/Sao_Paulo", 2019, 2, 16, 25*time.Hour) // at midnight the clocks go back to 23:00
	f("Pacific/Apia", 2011, 12, 31, 24*time.Hour)     // the day after the one that was left out
	// Without a zone the day is that of the instant's own.
	if p := DayAt(nil, t0.Add(5*time.Hour)); !p.From.Equal(t0) || p.Duration() != 24*time.Hour {
		t.Errorf("a day of UTC: %v", p)
	}
}

// TestEveryInstantHasOnePeriod walks through years of awkward zones: each instant
// lies in its period, and periods neither overlap nor leave a gap.
func TestEveryInstantHasOnePeriod(t *testing.T) {
	for _, name := range []string{"America/Sao_Paulo", "Asia/Beirut", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"} {
		loc := zone(t, name)
		for _, unit := range []pitwall.CalendarUnit{pitwall.Day, pitwall.Week, pitwall.Month} {
			s := pitwall.SLO{Calendar: &pitwall.Calendar{Unit: unit, Count: 1, Zone: name, Start: time.Date(2015, 1, 31, 0, 0, 0, 0, loc)}}
			var last pitwall.Period
			for at := time.Date(2010, 12, 1, 0, 30, 0, 0, time.UTC); at.Year() < 2020; at = at.Add(13 * time.Hour) {
				p := PeriodAt(s, at)
				if !p.Contains(at) {
					t.Fatalf("%s %s: %s does not lie in %v", name, unit, at, p)
				}
				if !last.IsZero() && p != last && !last.To.Equal(p.From) {
					t.Fatalf("%s %s: %v is followed by %v", name, unit, last, p)
				}
				last = p
			}
		}
	}
}

func TestZone(t *testing.T) {
	c := pitwall.Calendar{Unit: pitwall.Month, Count: 1, Zone: "America/New_York", Start: time.Date(2026, 1, 1, 0, 0, 0, 0, zone(t, "America/New_York"))}
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var back pitwall.Calendar
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
	if got, want := PeriodAt(pitwall.SLO{Calendar: &back}, at), PeriodAt(pitwall.SLO{Calendar: &c}, at); got.Duration() != want.Duration() || !got.From.Equal(want.From) {
		t.Errorf("after JSON the period is %v, want %v", got, want)
	}
	_, err = Zone(pitwall.Calendar{Zone: "Europe/Warschau"})
	if pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(pitwall.HintOf(err), "IANA") {
		t.Errorf("an unknown zone: %v", err)
	}
	// A calendar that was never validated still has periods.
	if p := PeriodAt(pitwall.SLO{Calendar: &pitwall.Calendar{Zone: "nowhere"}}, t0); !p.Contains(t0) {
		t.Errorf("a calendar of nothing: %v", p)
	}
}
