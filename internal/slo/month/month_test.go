package month

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pitwall/pitwall"
)

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("SKIPPED, NOT PASSED: no time-zone data: %v", err)
	}
	return zone
}

// march is a month whose 29th day has 23 hours in Berlin.
func march(zone *time.Location) (now, before pitwall.Period) {
	at := func(m time.Month) time.Time { return time.Date(2026, m, 1, 0, 0, 0, 0, zone) }
	return pitwall.Period{From: at(3), To: at(4)}, pitwall.Period{From: at(2), To: at(3)}
}

func objective(name string) pitwall.SLO {
	return pitwall.SLO{Name: pitwall.SLOName(name), DisplayName: "The " + name, Service: "shop", Target: 0.99, Window: 30 * 24 * time.Hour,
		SLI: pitwall.SLI{Kind: pitwall.SLIAvailability, Service: "shop"}}
}

// hourly makes a step for each hour of a period.
func hourly(name string, p pitwall.Period, each func(t time.Time) pitwall.Counts) []pitwall.LedgerStep {
	var list []pitwall.LedgerStep
	for t := p.From; t.Before(p.To); t = t.Add(time.Hour) {
		list = append(list, pitwall.LedgerStep{SLO: pitwall.SLOName(name), Start: t.Unix(), Counts: each(t)})
	}
	return list
}

func good(time.Time) pitwall.Counts { return pitwall.Counts{Good: 1000} }

// story is a month in which one objective was missed, one met although a
// maintenance lies in it, and one has no data.
func story(t *testing.T) Input {
	zone := berlin(t)
	now, before := march(zone)
	bad := time.Date(2026, 3, 29, 0, 0, 0, 0, zone) // 23 hours long
	in := Input{Period: now, Previous: before, Zone: zone, Step: time.Hour, Objectives: []pitwall.SLO{objective("met"), objective("silent"), objective("missed")}}
	in.Steps = append(in.Steps, hourly("missed", before, func(time.Time) pitwall.Counts { return pitwall.Counts{Good: 995, Bad: 5} })...)
	in.Steps = append(in.Steps, hourly("missed", now, func(at time.Time) pitwall.Counts {
		if d := at.In(zone); d.Day() == bad.Day() {
			return pitwall.Counts{Good: 500, Bad: 500}
		}
		return pitwall.Counts{Good: 1000}
	})...)
	down := time.Date(2026, 3, 10, 2, 0, 0, 0, zone)
	in.Steps = append(in.Steps, hourly("met", now, func(at time.Time) pitwall.Counts {
		if !at.Before(down) && at.Before(down.Add(2*time.Hour)) {
			return pitwall.Counts{Bad: 1000}
		}
		if at.In(zone).Day() == 3 && at.In(zone).Hour() == 12 {
			return pitwall.Counts{Good: 990, Bad: 10}
		}
		return good(at)
	})...)
	in.Corrections = []pitwall.Correction{
		{ID: "1", SLO: "met", Period: pitwall.Period{From: down, To: down.Add(2 * time.Hour)}, Reason: "moved | the database", By: "kim"},
		{ID: "2", SLO: "met", Period: pitwall.Period{From: down, To: down.Add(9 * time.Hour)}, Revoked: &pitwall.Revoked{By: "kim"}},
		{ID: "3", SLO: "met", Period: pitwall.Period{From: before.From, To: before.From.Add(time.Hour)}, Reason: "long ago"},
	}
	alarm := func(name pitwall.SLOName, action pitwall.Action, from, to time.Duration) {
		a := pitwall.Alarm{SLO: name, Action: action, Since: bad.Add(from)}
		if to != 0 {
			a.Until = bad.Add(to)
		}
		in.Alarms = append(in.Alarms, a)
	}
	alarm("missed", pitwall.ActionPage, time.Hour, 3*time.Hour) // two tiers at once are one page
	alarm("missed", pitwall.ActionPage, 2*time.Hour, 4*time.Hour)
	alarm("missed", pitwall.ActionPage, 10*time.Hour, 11*time.Hour)
	alarm("missed", pitwall.ActionPage, -40*24*time.Hour, -39*24*time.Hour) // another month
	alarm("missed", pitwall.ActionTicket, 3*time.Hour, 0)
	alarm("missed", pitwall.ActionTicket, 5*time.Hour, 6*time.Hour) // while the one before still fires
	in.Plans = []Plan{{ID: "PIP-1", SLO: "missed", Title: "roll back", State: pitwall.Closed, Opened: bad, Closed: bad.Add(time.Hour)},
		{ID: "PIP-0", SLO: "missed", State: pitwall.Closed, Opened: before.From, Closed: before.To.Add(-1)}}
	return in
}

func TestBuild(t *testing.T) {
	in := story(t)
	r, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	if r.Met != 1 || r.Missed != 1 || r.NoData != 1 || r.Pages != 2 || r.Opened != 1 || r.Closed != 1 || r.Through != in.Period.To {
		t.Errorf("met %d, missed %d, no data %d, pages %d, opened %d, closed %d", r.Met, r.Missed, r.NoData, r.Pages, r.Opened, r.Closed)
	}
	var order []string
	for _, w := range r.Rows {
		order = append(order, string(w.SLO)+" "+string(w.State))
	}
	if diff := cmp.Diff([]string{"missed missed", "met met", "silent no-data"}, order); diff != "" {
		t.Fatal(diff)
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	missed, met, silent := r.Rows[0], r.Rows[1], r.Rows[2]
	// March has 743 hours in Berlin; its 29th day has 23.
	near("spent", float64(missed.Spent), 23*500/(0.01*743*1000))
	near("measured", float64(missed.Measured), 1-23*500/743e3)
	near("before", float64(missed.Before.Spent), 0.5)
	if missed.Before.Trend != "worse" || missed.Pages != 2 || missed.Tickets != 1 || len(missed.Plans) != 1 {
		t.Errorf("missed: %+v", missed)
	}
	if len(missed.Days) != 31 || missed.Worst == nil || missed.Worst.Date != "2026-03-29" || missed.Worst.Counts != (pitwall.Counts{Good: 11500, Bad: 11500}) {
		t.Errorf("days %d, worst %+v", len(missed.Days), missed.Worst)
	}
	near("worst day", float64(missed.Worst.Spent), float64(missed.Spent))
	near("met", float64(met.Spent), 10/(0.01*741*1000))
	if met.Corrected != 2*time.Hour || len(met.Reasons) != 1 || met.Before.Known || met.Before.Trend != "" || met.Worst.Date != "2026-03-03" {
		t.Errorf("met: %+v", met)
	}
	if silent.Spent != 0 || silent.Worst != nil || len(silent.Days) != 31 || silent.Days[0].Known {
		t.Errorf("silent: %+v", silent)
	}
	sum := 0.0
	for _, d := range missed.Days {
		sum += float64(d.Spent)
	}
	near("the days add up", sum, float64(missed.Spent))
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

// TestSlicesAndComposite: the row of an objective that counts slices, and of one
// made of others, come from the same arithmetic as its budget.
func TestSlicesAndComposite(t *testing.T) {
	in := story(t)
	sliced := objective("sliced")
	sliced.Budgeting, sliced.Slices = pitwall.Timeslices, &pitwall.Slices{Length: time.Hour, Target: 0.9, Empty: pitwall.EmptyExcluded}
	for _, st := range in.Steps {
		if st.SLO == "missed" {
			st.SLO = "sliced"
			in.Steps = append(in.Steps, st)
		}
	}
	journey := pitwall.SLO{Name: "journey", Target: 0.98, SLI: pitwall.SLI{Kind: pitwall.SLIComposite,
		Composite: &pitwall.Composite{Method: pitwall.CompositeJourney, Members: []pitwall.Member{{SLO: "met", Weight: 1}, {SLO: "missed", Weight: 1}}}}}
	in.Objectives = append(in.Objectives, sliced, journey)
	r, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range r.Rows {
		switch w.SLO {
		case "sliced":
			if want := 23 / (0.01 * 743); math.Abs(float64(w.Spent)-want) > 1e-9 || w.Slices.Bad != 23 || w.Worst.Date != "2026-03-29" {
				t.Errorf("sliced %+v, want %g spent", w, want)
			}
		case "journey":
			if want := (1 - (1-10/741e3)*(1-23*500/743e3)) / 0.02; math.Abs(float64(w.Spent)-want) > 1e-9 {
				t.Errorf("journey spent %v, want %v", w.Spent, want)
			}
		}
	}
}

func TestRunningMonth(t *testing.T) {
	in := story(t)
	in.Now = time.Date(2026, 3, 4, 12, 0, 0, 0, in.Zone)
	r, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Through.Equal(in.Now) || len(r.Rows[0].Days) != 4 || r.Missed != 0 || r.Met != 2 {
		t.Errorf("through %s, %d days, %d missed", r.Through, len(r.Rows[0].Days), r.Missed)
	}
	if text := Markdown(r); !strings.Contains(text, "# Objectives March 2026, so far") {
		t.Error(text)
	}
}

func TestMarkdown(t *testing.T) {
	r, err := Build(story(t))
	if err != nil {
		t.Fatal(err)
	}
	got := Markdown(r)
	for _, want := range []string{
		"# Objectives March 2026\n\n1 of 2 objectives met, 1 without data, 2 pages, 1 plan opened, 1 closed. Most was spent by The missed: 154.8 % of its budget, 154.8 % of it on 2026-03-29.",
		"| The missed | shop | 99 % | 98.45222 % | **154.8 %** | 50 %, worse | 2026-03-29 (154.8 %) | 2 | 1 |  |",
		"| The met | shop | 99 % | 99.99865 % | 0.13 % | no data | 2026-03-03 (0.13 %) | 0 | 0 | 2h0m0s |",
		"| The silent | shop | 99 % | no data | no data | no data |  | 0 | 0 |  |",
		"- PIP-1, The missed: closed, roll back\n",
		"- 2026-03-10 01:00 to 2026-03-10 03:00 UTC: moved \\| the database (kim)\n",
		"Days are those of Europe/Berlin.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "NaN") || strings.Contains(got, "long ago") {
		t.Error(got)
	}
	if text := Markdown(Report{}); !strings.Contains(text, "No objective is defined") {
		t.Error(text)
	}
}

func TestRefusals(t *testing.T) {
	now, before := march(time.UTC)
	f := func(in Input) {
		t.Helper()
		if _, err := Build(in); pitwall.KindOf(err) != pitwall.Invalid || pitwall.HintOf(err) == "" {
			t.Errorf("%v", err)
		}
	}
	f(Input{})
	f(Input{Period: pitwall.Period{From: now.From, To: now.From.AddDate(2, 0, 0)}})
	f(Input{Period: now, Now: now.From})
	f(Input{Period: before, Previous: now})
	if r, err := Build(Input{Period: now}); err != nil || len(r.Rows) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
