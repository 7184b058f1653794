package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// WhatIfView says what other targets would have meant.
type WhatIfView struct {
	Schema   string          `json:"schema"` // "pitwall.slo-what-if/1"
	SLO      pitwall.SLOName `json:"slo"`
	Period   pitwall.Period  `json:"period"`
	Sentence string          `json:"sentence"`
	Rows     []WhatIfRow     `json:"rows"` // targets ascending
	Note     string          `json:"note,omitempty"`
}

// WhatIfRow is one target held against the history.
type WhatIfRow struct {
	Target   float64 `json:"target"`
	Text     string  `json:"target_text"`
	Measured string  `json:"measured"`
	Left     float64 `json:"left"`
	LeftText string  `json:"left_text"`
	Pages    int     `json:"pages"`
	PerWeek  string  `json:"pages_per_week"`
	Current  bool    `json:"current"`
	Refused  string  `json:"refused,omitempty"` // why tiers cannot fire at it
	Tone     Tone    `json:"tone"`
}

// ReplayView says how a policy would have behaved over history.
type ReplayView struct {
	Schema   string          `json:"schema"` // "pitwall.slo-replay/1"
	SLO      pitwall.SLOName `json:"slo"`
	Preset   string          `json:"preset"`
	Period   pitwall.Period  `json:"period"`
	Sentence string          `json:"sentence"`
	Left     string          `json:"left_text"` // whether and when the budget was exhausted
	Worst    string          `json:"worst"`     // the most that was spent, and when
	Tiers    []ReplayTier    `json:"tiers"`
	Firings  []ReplayFiring  `json:"firings"`
	Missed   []string        `json:"missed"` // incidents of which nobody was paged
	Table    *TableView      `json:"detection,omitempty"`
	Note     string          `json:"note,omitempty"`
}

// ReplayTier is how often one tier fired.
type ReplayTier struct {
	Name    string `json:"name"`
	When    string `json:"when"`
	Action  string `json:"action"`
	Times   int    `json:"times"`
	PerWeek string `json:"per_week"`
	Longest string `json:"longest"`
	Tone    Tone   `json:"tone"`
}

// ReplayFiring is one time that a tier fired.
type ReplayFiring struct {
	Tier     string    `json:"tier"`
	Action   string    `json:"action"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Lasted   string    `json:"lasted"`
	Spent    string    `json:"spent"` // of the budget when it began
	Incident string    `json:"incident,omitempty"`
	Late     string    `json:"late,omitempty"` // after the incident began
}

// ReplayInput is what a replay came to.
type ReplayInput struct {
	SLO       pitwall.SLO // with the tiers that were tried
	Period    pitwall.Period
	Note      string
	Firings   []ReplayedFiring
	Incidents []ReplayedIncident
	// Pages and Tickets are how often somebody would have been asked; PerWeek are
	// pages. MissedOnes are incidents without a page, FalseOnes pages without one.
	Pages, Tickets, MissedOnes, FalseOnes int
	PerWeek                               float64
	Known                                 bool // whether anything was counted
	Worst                                 pitwall.Ratio
	WorstAt                               time.Time
	Exhausted                             time.Time // zero: never
	Detection                             []pitwall.Detection
}

// ReplayedFiring is one time that a tier fired.
type ReplayedFiring struct {
	Tier     string
	Action   pitwall.Action
	Period   pitwall.Period // up to the end of the replay if it fired still
	Spent    pitwall.Ratio  // of the budget when it began
	Incident int            // its place in ReplayInput.Incidents, from 1; 0: none
}

// ReplayedIncident is what is known to have been wrong.
type ReplayedIncident struct {
	Period pitwall.Period
	Paged  bool
}

// mostFirings bounds how many firings a replay lists.
const mostFirings = 200

// nothingCounted is the answer about a period without counts.
const nothingCounted = "Nothing was counted in this period, so nothing can be said."

// Replay words a replay.
func Replay(in ReplayInput) ReplayView {
	v := ReplayView{Schema: "pitwall.slo-replay/1", SLO: in.SLO.Name, Preset: in.SLO.Preset, Period: in.Period, Note: in.Note, Sentence: replaySentence(in),
		Left: noData, Worst: noData, Tiers: []ReplayTier{}, Firings: []ReplayFiring{}, Missed: []string{}, Table: DetectionTable(in.Detection)}
	for _, t := range in.SLO.Tiers {
		v.Tiers = append(v.Tiers, replayTier(t, in))
	}
	for _, f := range in.Firings[:min(mostFirings, len(in.Firings))] {
		row := ReplayFiring{Tier: f.Tier, Action: string(f.Action), From: f.Period.From, To: f.Period.To, Lasted: Span(f.Period.Duration()), Spent: Percent(float64(f.Spent))}
		if f.Incident > 0 {
			row.Incident = strconv.Itoa(f.Incident)
			row.Late = Span(max(0, f.Period.From.Sub(in.Incidents[f.Incident-1].Period.From)))
		}
		v.Firings = append(v.Firings, row)
	}
	if len(in.Firings) > mostFirings {
		v.Note = strings.TrimSpace(fmt.Sprintf("%s The first %d of %d firings are listed.", in.Note, mostFirings, len(in.Firings)))
	}
	for _, n := range in.Incidents {
		if !n.Paged {
			v.Missed = append(v.Missed, fmt.Sprintf("%s from %s: nobody was paged", Span(n.Period.Duration()), instant(n.Period.From)))
		}
	}
	if !in.Known {
		return v
	}
	v.Worst = fmt.Sprintf("%s spent at %s", Percent(float64(in.Worst)), instant(in.WorstAt))
	if known := in.WorstAt.Sub(in.Period.From); known < in.SLO.Window/10 {
		v.Worst += fmt.Sprintf(", of the first %s alone", Span(known))
	}
	v.Left = "never exhausted"
	if !in.Exhausted.IsZero() {
		v.Left = "exhausted at " + instant(in.Exhausted)
	}
	return v
}

// instant is a time in the sentences of a replay.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func replayTier(t pitwall.BurnTier, in ReplayInput) ReplayTier {
	row := ReplayTier{Name: t.Name, When: Condition(t), Action: string(t.Action), Longest: "–", PerWeek: "–", Tone: ToneOK}
	var longest time.Duration
	for _, f := range in.Firings {
		if f.Tier == t.Name {
			row.Times++
			longest = max(longest, f.Period.Duration())
		}
	}
	if row.Times > 0 {
		row.Longest, row.Tone = Span(longest), ToneWarn
	}
	if weeks := in.Period.Duration().Hours() / (7 * 24); weeks > 0 {
		row.PerWeek = perWeek(float64(row.Times) / weeks)
	}
	return row
}

func replaySentence(in ReplayInput) string {
	paged := "nobody would have been paged"
	switch {
	case in.Pages == 1:
		paged = fmt.Sprintf("somebody would have been paged once (%s a week)", perWeek(in.PerWeek))
	case in.Pages > 1:
		paged = fmt.Sprintf("somebody would have been paged %d times (%s a week)", in.Pages, perWeek(in.PerWeek))
	}
	text := fmt.Sprintf("Over %s %s, and %s written.", Span(in.Period.Duration()), paged, plural(in.Tickets, "ticket", "tickets"))
	if !in.Known {
		text = nothingCounted
	}
	if len(in.Incidents) > 0 {
		text += fmt.Sprintf(" Of %s %d were missed; %s belonged to none.", plural(len(in.Incidents), "known incident", "known incidents"), in.MissedOnes, plural(in.FalseOnes, "page", "pages"))
	}
	return text
}

// perWeek prints how often in a week.
func perWeek(n float64) string { return fmt.Sprintf("%.3g", n) }

// WhatIfInput is what other targets came to.
type WhatIfInput struct {
	SLO      pitwall.SLO
	Period   pitwall.Period
	Known    bool // whether anything was counted
	Measured pitwall.Ratio
	Tried    []TriedTarget // ascending
}

// TriedTarget is one target held against the history.
type TriedTarget struct {
	Target  pitwall.Ratio
	Spent   pitwall.Ratio
	Known   bool
	Pages   int
	PerWeek float64
	CanPage bool // whether any tier that pages can fire at it
}

// WhatIf words what other targets would have meant.
func WhatIf(in WhatIfInput) WhatIfView {
	v := WhatIfView{Schema: "pitwall.slo-what-if/1", SLO: in.SLO.Name, Period: in.Period, Rows: []WhatIfRow{}}
	if !in.Known {
		v.Sentence, v.Note = nothingCounted, "No history yet."
		return v
	}
	measured := Percent(float64(in.Measured))
	v.Sentence = fmt.Sprintf("Measured %s over the window that ends with the period.", measured)
	for _, c := range in.Tried {
		row := WhatIfRow{Target: float64(c.Target), Text: Percent(float64(c.Target)), Measured: measured, Left: 1 - float64(c.Spent),
			LeftText: LeftText(pitwall.ErrorBudget{Known: c.Known, Spent: c.Spent, Coverage: 1}), Pages: c.Pages, PerWeek: perWeek(c.PerWeek),
			Current: c.Target == in.SLO.Target, Tone: ToneOK}
		if row.Left <= 0 {
			row.Tone = ToneBad
		}
		if !c.CanPage {
			row.Refused, row.Tone = "no page can fire at this target", ToneWarn
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}
