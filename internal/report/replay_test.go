package report_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

func replayed() report.ReplayInput {
	from := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	span := func(at, length time.Duration) pitwall.Period {
		return pitwall.Period{From: from.Add(at), To: from.Add(at + length)}
	}
	const day = 24 * time.Hour
	return report.ReplayInput{
		SLO:       pitwall.SLO{Name: "a", Window: 30 * day, Tiers: []pitwall.BurnTier{{Name: "page", Factor: 14.4, Long: time.Hour, Action: pitwall.ActionPage}, {Name: "slow", Factor: 1, Long: 3 * day, Action: pitwall.ActionTicket}}},
		Period:    span(0, 14*day),
		Firings:   []report.ReplayedFiring{{Tier: "page", Action: pitwall.ActionPage, Period: span(day+4*time.Minute, time.Hour), Spent: 0.1, Incident: 1}, {Tier: "page", Action: pitwall.ActionPage, Period: span(4*day, 2*time.Hour), Spent: 0.3}},
		Incidents: []report.ReplayedIncident{{Period: span(day, time.Hour), Paged: true}, {Period: span(6*day, 10*time.Minute)}},
		Pages:     2, PerWeek: 1, MissedOnes: 1, FalseOnes: 1, Known: true, Worst: 0.4, WorstAt: from.Add(2 * day), Exhausted: from.Add(9 * day),
	}
}

func TestReplay(t *testing.T) {
	v := report.Replay(replayed())
	got := []string{v.Sentence, v.Left, v.Worst, v.Missed[0], v.Tiers[0].Longest + " " + v.Tiers[0].PerWeek, v.Tiers[1].Longest + " " + v.Tiers[1].PerWeek, v.Firings[0].Incident + " " + v.Firings[0].Late, v.Firings[1].Late}
	want := []string{
		"Over 14 d somebody would have been paged 2 times (1 a week), and 0 tickets written. Of 2 known incidents 1 were missed; 1 page belonged to none.",
		"exhausted at 2026-03-11T00:00:00Z", "40 % spent at 2026-03-04T00:00:00Z, of the first 2 d alone", "10 m from 2026-03-08T00:00:00Z: nobody was paged", "2 h 1", "– 0", "1 4 m", "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestReplayOfNothing: nothing counted is no good news.
func TestReplayOfNothing(t *testing.T) {
	in := replayed()
	in.Known, in.Incidents, in.Firings = false, nil, nil
	v := report.Replay(in)
	if v.Sentence != "Nothing was counted in this period, so nothing can be said." || v.Left != "no data" || v.Worst != "no data" {
		t.Errorf("%q, left %q, worst %q", v.Sentence, v.Left, v.Worst)
	}
	if w := report.WhatIf(report.WhatIfInput{}); len(w.Rows) != 0 || w.Sentence != v.Sentence {
		t.Errorf("%+v", w)
	}
}

// TestReplayListsSoMany: a policy that never rests does not fill the answer.
func TestReplayListsSoMany(t *testing.T) {
	in := replayed()
	for len(in.Firings) < 250 {
		in.Firings = append(in.Firings, in.Firings[0])
	}
	v := report.Replay(in)
	if len(v.Firings) != 200 || v.Note != "The first 200 of 250 firings are listed." || v.Tiers[0].Times != 250 {
		t.Errorf("%d listed, %d counted, %q", len(v.Firings), v.Tiers[0].Times, v.Note)
	}
}

func TestWhatIf(t *testing.T) {
	v := report.WhatIf(report.WhatIfInput{SLO: pitwall.SLO{Name: "a", Target: 0.99}, Known: true, Measured: 0.995,
		Tried: []report.TriedTarget{{Target: 0.9, Spent: 0.05, Known: true}, {Target: 0.99, Spent: 0.5, Known: true, CanPage: true, Pages: 3, PerWeek: 0.7}, {Target: 0.999, Spent: 5, Known: true, CanPage: true}}})
	var got []string
	for _, r := range v.Rows {
		now := ""
		if r.Current {
			now = " now"
		}
		got = append(got, r.Text+" "+r.LeftText+" "+r.PerWeek+" "+string(r.Tone)+now+" "+r.Refused)
	}
	want := []string{"90 % 95 % left 0 warn no page can fire at this target", "99 % 50 % left 0.7 ok now ", "99.9 % overspent by 400 % 0 bad "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
