package route

import (
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

func at(t testing.TB, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestWallClock: times that clocks skip or show twice.
func TestWallClock(t *testing.T) {
	f := func(zone, clock, want string) {
		t.Helper()
		loc, err := zoneOf(zone)
		if err != nil {
			t.Fatal(err)
		}
		w, ok := parseWall(clock)
		if !ok {
			t.Fatal(clock)
		}
		if got := w.instant(loc).UTC().Format(time.RFC3339); got != want {
			t.Errorf("%s in %s is %s, want %s", clock, zone, got, want)
		}
	}
	f("Europe/Berlin", "2026-01-05 09:00", "2026-01-05T08:00:00Z")
	f("Europe/Berlin", "2026-07-05T09:00", "2026-07-05T07:00:00Z")
	f("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00:00Z") // skipped: the moment of the change
	f("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00:00Z")
	f("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z")    // twice: the first
	f("America/New_York", "2026-03-08T02:00", "2026-03-08T07:00:00Z") // skipped
	f("America/New_York", "2026-11-01T01:00", "2026-11-01T05:00:00Z")
	f("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30:00Z") // half an hour is skipped
	f("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00:00Z")        // a day that never was
	f("UTC", "2026-02-28", "2026-02-28T00:00:00Z")
}

func TestOnCall(t *testing.T) {
	r := sample(t)
	f := func(now, person, from, until string) {
		t.Helper()
		d, ok := r.OnCall("shop", at(t, now))
		if !ok || d.Person.Name != person || !d.From.Equal(at(t, from)) || !d.Until.Equal(at(t, until)) {
			t.Errorf("%s: %s from %s until %s, %v", now, d.Person.Name, d.From.UTC().Format(time.RFC3339), d.Until.UTC().Format(time.RFC3339), ok)
		}
	}
	f("2026-01-05T08:00:00Z", "Ada", "2026-01-05T08:00:00Z", "2026-01-07T08:00:00Z") // until the override
	f("2026-01-07T08:00:00Z", "Linus", "2026-01-07T08:00:00Z", "2026-01-08T08:00:00Z")
	f("2026-01-08T08:00:00Z", "Ada", "2026-01-08T08:00:00Z", "2026-01-12T08:00:00Z")
	f("2026-01-12T07:59:59Z", "Ada", "2026-01-08T08:00:00Z", "2026-01-12T08:00:00Z")
	f("2026-01-12T08:00:00Z", "Grace", "2026-01-12T08:00:00Z", "2026-01-19T08:00:00Z")
	// The week of the change of the clock has 167 hours, and ends at 09:00 again.
	f("2026-03-29T12:00:00Z", "Linus", "2026-03-23T08:00:00Z", "2026-03-30T07:00:00Z")
	f("2026-03-30T06:59:59Z", "Linus", "2026-03-23T08:00:00Z", "2026-03-30T07:00:00Z")
	f("2026-03-30T07:00:00Z", "Ada", "2026-03-30T07:00:00Z", "2026-04-06T07:00:00Z")
	if d, ok := r.OnCall("shop", at(t, "2026-01-05T07:59:59Z")); ok {
		t.Errorf("before it begins %s has duty", d.Person.Name)
	}
	if _, ok := r.OnCall("none", at(t, "2026-02-05T07:59:59Z")); ok {
		t.Error("an unknown rotation has somebody")
	}
}

// TestTurnsTile: turns of every length follow each other without gap or overlap,
// in zones with and without changes of the clock.
func TestTurnsTile(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"} {
		for _, every := range []string{"1h", "12h", "1d", "3d", "1w"} {
			r := routes(t, "routes: [{to: []}]\nrotations: [{name: r, zone: "+zone+", start: 2026-01-01T02:30, every: "+every+
				", people: [{name: a}, {name: b}, {name: c}]}]\n").Rotations[0]
			now := r.start.instant(r.Zone)
			for i := range 24 * 365 {
				d, ok := r.at(now)
				if want := r.People[i%3].Name; !ok || !d.From.Equal(now) || !d.Until.After(now) || d.Person.Name != want {
					t.Fatalf("%s %s: turn %d at %s: %s from %s until %s, want %s", zone, every, i, now, d.Person.Name, d.From, d.Until, want)
				}
				if late, _ := r.at(d.Until.Add(-1)); late != d {
					t.Fatalf("%s %s: turn %d ends with %+v, began with %+v", zone, every, i, late, d)
				}
				if now = d.Until; now.Year() > 2026 {
					break
				}
			}
		}
	}
}

func TestCron(t *testing.T) {
	zone, err := zoneOf("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	f := func(line, now, want string) {
		t.Helper()
		s, err := parseCron(line)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if last, ok := s.last(at(t, now), longestQuiet, zone); ok {
			got = last.UTC().Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q at %s last began %q, want %q", line, now, got, want)
		}
	}
	f("0 2 * * *", "2026-01-05T01:00:00Z", "2026-01-05T01:00:00Z")
	f("0 2 * * *", "2026-01-05T00:59:59Z", "2026-01-04T01:00:00Z")
	f("0 2 * * *", "2026-03-29T12:00:00Z", "2026-03-29T01:00:00Z")  // 02:00 is skipped
	f("30 2 * * *", "2026-10-25T03:00:00Z", "2026-10-25T00:30:00Z") // shown twice: the first
	f("*/15 8-9 * * mon-fri", "2026-01-05T12:00:00Z", "2026-01-05T08:45:00Z")
	f("*/15 8-9 * * mon-fri", "2026-01-04T12:00:00Z", "2026-01-02T08:45:00Z")
	f("0 0 * * 7", "2026-01-05T12:00:00Z", "2026-01-03T23:00:00Z") // Sunday
	f("0 0 13 * fri", "2026-01-13T12:00:00Z", "2026-01-12T23:00:00Z")
	f("0 0 13 * fri", "2026-01-17T12:00:00Z", "2026-01-15T23:00:00Z") // either day
	f("0 0 1 jan *", "2026-01-05T12:00:00Z", "2025-12-31T23:00:00Z")
	f("0 0 30 2 *", "2026-03-05T12:00:00Z", "") // there is no such day
	f("0 5/6 * * *", "2026-01-05T22:30:00Z", "2026-01-05T22:00:00Z")
	for _, wrong := range []string{"", "* * * *", "60 * * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "a * * * *", "*/0 * * * *", "5-1 * * * *", "1- * * * *", ", * * * *", "*/99999999999999999999 * * * *"} {
		if _, err := parseCron(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

func TestQuietWindows(t *testing.T) {
	r := sample(t)
	alarm := func(service, slo string, action pitwall.Action) subject {
		return ofAlarm(pitwall.Alarm{Service: pitwall.ServiceName(service), SLO: pitwall.SLOName(slo), Action: action})
	}
	f := func(now string, s subject, want string) {
		t.Helper()
		w, _ := quietFor(r.open(at(t, now)), s)
		if w.Name != want {
			t.Errorf("%s: window %q, want %q", now, w.Name, want)
		}
	}
	f("2026-01-31T23:00:00Z", alarm("ledger-db", "x", pitwall.ActionTicket), "freeze") // midnight in Berlin
	f("2026-01-31T22:59:59Z", alarm("ledger-db", "x", pitwall.ActionTicket), "")
	f("2026-02-01T05:00:00Z", alarm("ledger-db", "x", pitwall.ActionTicket), "")
	f("2026-02-01T01:00:00Z", alarm("ledger-db", "x", pitwall.ActionPage), "") // excepted
	f("2026-02-01T01:00:00Z", alarm("shop", "x", pitwall.ActionTicket), "")
	f("2026-02-02T01:30:00Z", alarm("shop", "batch-1", pitwall.ActionPage), "nightly batch") // a Monday
	f("2026-02-02T03:00:00Z", alarm("shop", "batch-1", pitwall.ActionPage), "")
	f("2026-02-01T01:30:00Z", alarm("shop", "batch-1", pitwall.ActionPage), "") // a Sunday
	f("2027-02-01T01:30:00Z", alarm("shop", "batch-1", pitwall.ActionPage), "") // expired
}

func TestExplain(t *testing.T) {
	r := sample(t)
	f := func(now string, a pitwall.Alarm, want ...string) {
		t.Helper()
		if got := strings.Join(r.Explain(a, at(t, now)), "\n"); got != strings.Join(want, "\n") {
			t.Errorf("got\n%s", got)
		}
	}
	f("2026-01-13T12:00:00Z", pitwall.Alarm{Service: "payments", SLO: "p", Action: pitwall.ActionPage},
		"route routes.yaml:22 matches kind=alarm",
		"  am (alertmanager) has it while it fires, and groups it itself",
		"route routes.yaml:23 matches action=page service=checkout,pay*",
		"  pager (pagerduty) is told after 30s, grouped by correlation, again every 4h; on call in shop is Grace until 2026-01-19T09:00:00+01:00",
		"  shop-chat (slack) is told after 30s, grouped by correlation, again every 4h; on call in shop is Grace until 2026-01-19T09:00:00+01:00")
	f("2026-02-01T01:00:00Z", pitwall.Alarm{Service: "ledger", SLO: "l", Action: pitwall.ActionTicket},
		"route routes.yaml:22 matches kind=alarm",
		"  am (alertmanager) has it while it fires, and groups it itself",
		"route routes.yaml:26 matches everything",
		"  mail (email) is told after 30s, grouped by service=ledger, again every 1d",
		`quiet until 2026-02-01T05:00:00Z: window "freeze" of Ada, database move`,
		"silent while page fires on the same slo")
	none := &Routes{}
	if got := none.Explain(pitwall.Alarm{}, at(t, "2026-02-01T01:00:00Z")); len(got) != 1 || got[0] != "nobody is told: there is no routing file" {
		t.Errorf("without a file: %q", got)
	}
}
