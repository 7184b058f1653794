package cli

import (
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/slo/replay"
)

// replayView hands a replay over to be worded.
func replayView(in replay.Input, r replay.Result, note string) report.ReplayView {
	w := report.ReplayInput{SLO: in.SLO, Period: r.Period, Note: note, Pages: len(r.Pages), PerWeek: r.PerWeek, Tickets: len(r.Tickets), MissedOnes: r.Missed, FalseOnes: r.False,
		Known: r.Known, Worst: r.Worst, WorstAt: r.WorstAt, Exhausted: r.Exhausted, Detection: r.Table}
	for _, f := range r.Firings {
		p := pitwall.Period{From: f.From, To: f.To}
		if p.To.IsZero() {
			p.To = r.Period.To
		}
		w.Firings = append(w.Firings, report.ReplayedFiring{Tier: f.Tier, Action: f.Action, Period: p, Spent: f.Spent, Incident: f.Incident})
	}
	for _, n := range r.Incidents {
		w.Incidents = append(w.Incidents, report.ReplayedIncident{Period: n.Period, Paged: n.Paged})
	}
	return report.Replay(w)
}

// whatIfView hands over what other targets would have meant.
func whatIfView(in replay.Input, r replay.What) report.WhatIfView {
	w := report.WhatIfInput{SLO: in.SLO, Period: in.Period, Known: r.Known, Measured: r.Measured}
	for _, c := range r.Choices {
		canPage := slices.ContainsFunc(in.SLO.Tiers, func(t pitwall.BurnTier) bool {
			return t.Action == pitwall.ActionPage && slo.Reachable(t, c.Target)
		})
		w.Tried = append(w.Tried, report.TriedTarget{Target: c.Target, Spent: c.Spent, Known: c.Known, Pages: c.Pages, PerWeek: c.PerWeek, CanPage: canPage})
	}
	return report.WhatIf(w)
}
