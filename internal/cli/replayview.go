package cli

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/slo/replay"
)

// mostFirings bounds how many firings a replay lists.
const mostFirings = 200

// replayView words a replay.
func replayView(in replay.Input, r replay.Result, note string) report.ReplayView {
	v := report.ReplayView{Schema: "pitwall.slo-replay/1", SLO: in.SLO.Name, Preset: in.SLO.Preset, Period: r.Period, Note: note,
		Tiers: []report.ReplayTier{}, Firings: []report.ReplayFiring{}, Missed: []string{}, Table: report.DetectionTable(r.Table)}
	weeks := r.Period.Duration().Hours() / (7 * 24)
	for _, t := range in.SLO.Tiers {
		row := report.ReplayTier{Name: t.Name, When: report.Condition(t), Action: string(t.Action), Longest: "–", Tone: report.ToneOK}
		var longest time.Duration
		for _, f := range r.Firings {
			if f.Tier == t.Name {
				row.Times++
				longest = max(longest, end(f, r.Period.To).Sub(f.From))
			}
		}
		if row.Times > 0 {
			row.Longest, row.Tone = report.Span(longest), report.ToneWarn
		}
		row.PerWeek = perWeek(row.Times, weeks)
		v.Tiers = append(v.Tiers, row)
	}
	for _, f := range r.Firings {
		if len(v.Firings) == mostFirings {
			v.Note += fmt.Sprintf(" The first %d of %d firings are listed.", mostFirings, len(r.Firings))
			break
		}
		row := report.ReplayFiring{Tier: f.Tier, Action: string(f.Action), From: f.From, To: end(f, r.Period.To),
			Lasted: report.Span(end(f, r.Period.To).Sub(f.From)), Spent: report.Percent(float64(f.Spent))}
		if f.Incident > 0 {
			row.Incident = fmt.Sprintf("%d", f.Incident)
			row.Late = report.Span(max(0, f.From.Sub(in.Incidents[f.Incident-1].From)))
		}
		v.Firings = append(v.Firings, row)
	}
	for _, n := range r.Incidents {
		if !n.Paged {
			v.Missed = append(v.Missed, fmt.Sprintf("%s from %s: nobody was paged", report.Span(n.Period.Duration()), n.Period.From.UTC().Format(time.RFC3339)))
		}
	}
	v.Left, v.Worst = "no data", "no data"
	if r.Known {
		v.Worst = fmt.Sprintf("%s spent at %s", report.Percent(float64(r.Worst)), r.WorstAt.UTC().Format(time.RFC3339))
		if known := r.WorstAt.Sub(in.Period.From); known < in.SLO.Window/10 {
			v.Worst += fmt.Sprintf(", of the first %s alone", report.Span(known))
		}
		v.Left = "never exhausted"
		if !r.Exhausted.IsZero() {
			v.Left = "exhausted at " + r.Exhausted.UTC().Format(time.RFC3339)
		}
	}
	paged := fmt.Sprintf("somebody would have been paged %s (%s a week)", times(len(r.Pages)), perWeek(len(r.Pages), weeks))
	if len(r.Pages) == 0 {
		paged = "nobody would have been paged"
	}
	v.Sentence = fmt.Sprintf("Over %s %s, and %s written.", report.Span(r.Period.Duration()), paged, plural(len(r.Tickets), "ticket"))
	if !r.Known {
		v.Sentence = "Nothing was counted in this period, so nothing can be said."
	}
	if len(r.Incidents) > 0 {
		v.Sentence += fmt.Sprintf(" Of %s %d were missed; %s belonged to none.", plural(len(r.Incidents), "known incident"), r.Missed, plural(r.False, "page"))
	}
	return v
}

func end(f replay.Firing, last time.Time) time.Time {
	if f.To.IsZero() {
		return last
	}
	return f.To
}

func perWeek(n int, weeks float64) string {
	if weeks <= 0 {
		return "–"
	}
	return fmt.Sprintf("%.3g", float64(n)/weeks)
}

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// whatIfView words what other targets would have meant.
func whatIfView(in replay.Input, r replay.What) report.WhatIfView {
	v := report.WhatIfView{Schema: "pitwall.slo-what-if/1", SLO: in.SLO.Name, Period: in.Period, Rows: []report.WhatIfRow{}}
	if !r.Known {
		v.Sentence, v.Note = "Nothing was counted in this period, so nothing can be said.", "No history yet."
		return v
	}
	v.Sentence = fmt.Sprintf("Measured %s over the window that ends with the period.", report.Percent(float64(r.Measured)))
	for _, c := range r.Choices {
		row := report.WhatIfRow{Target: float64(c.Target), Text: report.Percent(float64(c.Target)), Measured: report.Percent(float64(r.Measured)), Left: 1 - float64(c.Spent),
			Pages: c.Pages, PerWeek: fmt.Sprintf("%.3g", c.PerWeek), Current: c.Target == in.SLO.Target, Tone: report.ToneOK}
		row.LeftText = report.LeftText(pitwall.ErrorBudget{Known: c.Known, Spent: c.Spent, Coverage: 1})
		if row.Left <= 0 {
			row.Tone = report.ToneBad
		}
		pages := 0
		for _, t := range in.SLO.Tiers {
			if t.Action == pitwall.ActionPage && slo.Reachable(t, c.Target) {
				pages++
			}
		}
		if pages == 0 {
			row.Refused, row.Tone = "no page can fire at this target", report.ToneWarn
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}
