package report

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// FindingsView is what watching the operations says: findings, and what was seen
// and not reported.
type FindingsView struct {
	Schema      string       `json:"schema"`
	At          time.Time    `json:"at"`
	Through     time.Time    `json:"through,omitzero"`
	Text        string       `json:"text"` // how much is watched, or why nothing is
	Tone        Tone         `json:"tone"`
	Unfollowed  int          `json:"unfollowed"`
	Operations  int          `json:"operations"`
	Series      int          `json:"series"`
	Learning    int          `json:"learning"`
	Findings    []FindingRow `json:"findings"`
	NotReported []PassedRow  `json:"not_reported"`
	// Trends are metrics that creep; TrendText says how many were looked at.
	Trends    []TrendRow `json:"trends"`
	TrendText string     `json:"trend_text"`
}

// FindingRow is one finding in words.
type FindingRow struct {
	pitwall.Finding
	What   string `json:"what"`   // "inventory GET /items p95"
	Moved  string `json:"moved"`  // "234 ms → 307 ms (+31 %)"
	Within string `json:"within"` // "+25 % to +38 %"
	State  string `json:"state"`  // "stands", "gone", "accepted", "PIP-3"
	Next   string `json:"next"`   // what happens, or why nothing does
	Lately string `json:"lately"` // how it is now: "612 ms (+161 %)"
	Tone   Tone   `json:"tone"`
}

// PassedRow is a change that was seen and not reported, in words.
type PassedRow struct {
	pitwall.Passed
	What  string `json:"what"`
	Moved string `json:"moved"`
}

// TrendRow is one metric that creeps, in words.
type TrendRow struct {
	pitwall.Trend
	Pace string `json:"pace"` // "+1.2 % a day (+0.8 % to +1.6 %)"
	Ends string `json:"ends"` // when it reaches its limit
	Tone Tone   `json:"tone"`
}

// FindingView is one finding with its charts and what changed beside it.
type FindingView struct {
	Schema string `json:"schema"`
	FindingRow
	Beside []Fact      `json:"beside"` // "checkout GET / p95": "250 ms → 330 ms"
	Charts []ChartView `json:"charts"`
}

// FindingsOf words what watching the operations says.
func FindingsOf(s pitwall.Sensed) FindingsView {
	v := FindingsView{Schema: "pitwall.findings/1", At: s.At, Through: s.Through, Operations: s.Operations, Series: s.Series, Learning: s.Learning,
		Tone: ToneOK, Findings: []FindingRow{}, NotReported: []PassedRow{}}
	standing := 0
	for _, f := range s.Findings {
		row := FindingOf(f)
		if row.Tone == ToneBad || row.Tone == ToneWarn {
			standing++
		}
		v.Findings = append(v.Findings, row)
	}
	for _, p := range s.Passed {
		v.NotReported = append(v.NotReported, PassedRow{Passed: p, What: seriesWords(p.Series), Moved: Change(p.Effect)})
	}
	v.Trends, v.TrendText = trends(s)
	switch {
	case s.Problem != "":
		v.Text, v.Tone = upperFirst(s.Problem)+".", ToneNoData
	case s.Series == 0:
		v.Text, v.Tone = "No operation was seen yet, so nothing is watched.", ToneNoData
	case standing > 0:
		v.Text, v.Tone = fmt.Sprintf("%s of %s that are watched.", plural(standing, "change stands", "changes stand"), plural(s.Operations, "operation", "operations")), ToneWarn
	case s.Learning == s.Series:
		v.Text, v.Tone = "Nothing can be said yet.", ToneNoData
	default:
		v.Text = fmt.Sprintf("No change in %s of %s.", plural(s.Series-s.Learning, "series", "series"), plural(s.Operations, "operation", "operations"))
	}
	v.Unfollowed = s.Unfollowed
	if s.Unfollowed > 0 {
		v.Text += fmt.Sprintf(" There is no room for %s: raise detection.operations.", plural(s.Unfollowed, "more operation", "more operations"))
	}
	if s.Problem == "" && s.Learning > 0 {
		v.Text += fmt.Sprintf(" %s still learn what is normal.", plural(s.Learning, "series", "series"))
	}
	return v
}

// trends words what creeps, and how much was looked at.
func trends(s pitwall.Sensed) (rows []TrendRow, text string) {
	rows = []TrendRow{}
	count := map[string]int{}
	for _, t := range s.Trends {
		count[t.Verdict]++
		if t.Verdict != "drift" {
			continue
		}
		row := TrendRow{Trend: t, Tone: ToneWarn, Pace: Change(t.PerDay) + " a day"}
		if t.Kind == "payload" {
			row.Pace = Change(t.PerDay) + " against the weeks before"
		}
		if t.PerDayLow < t.PerDayHigh {
			row.Pace += fmt.Sprintf(" (%s to %s)", Change(t.PerDayLow), Change(t.PerDayHigh))
		}
		if !t.ExhaustsAt.IsZero() {
			row.Ends, row.Tone = "reaches its limit about "+t.ExhaustsAt.UTC().Format("2006-01-02"), ToneBad
		}
		rows = append(rows, row)
	}
	switch {
	case s.TrendProblem != "":
		return rows, upperFirst(s.TrendProblem) + "."
	case s.TrendsAt.IsZero():
		return rows, "Trends were not looked at yet."
	case len(s.Trends) == 0:
		return rows, "No metric that is known to leak was sent: heap, goroutines, threads, connections, files, storage, payload sizes."
	}
	return rows, fmt.Sprintf("%s that may leak: %d creep, %d do not, of %d it cannot be told yet.", plural(len(s.Trends), "metric", "metrics"),
		count["drift"], count["steady"], len(s.Trends)-count["drift"]-count["steady"])
}

// FindingOf words one finding.
func FindingOf(f pitwall.Finding) FindingRow {
	row := FindingRow{Finding: f, What: seriesWords(f.Series), Moved: arrow(f.Before, f.After), Tone: ToneWarn, State: "stands", Next: f.NoPlan}
	if f.Now.Known() {
		row.Lately = Measured(f.Now)
		if f.Before.Known() && f.Before.Value > 0 {
			row.Lately += " (" + Change(f.Now.Value/f.Before.Value-1) + ")"
		}
	}
	if f.EffectLow < f.EffectHigh {
		row.Within = Change(f.EffectLow) + " to " + Change(f.EffectHigh)
	}
	if f.Direction == "worse" {
		row.Tone = ToneBad
	}
	switch {
	case f.Accepted != nil:
		row.State, row.Tone = "accepted", ToneOK
		row.Next = fmt.Sprintf("%s took note: %s", f.Accepted.By, f.Accepted.Reason)
	case !f.Gone.IsZero():
		row.State, row.Tone = "gone", ToneOK
		row.Next = "over since " + clock(f.Gone, time.UTC) + " UTC"
	case f.Plan != "":
		row.State, row.Next = string(f.Plan), orWord(f.NoPlan, string(f.Plan)+" deals with it")
	}
	if f.Flaps > 0 {
		row.Next = sentenceEnd(upperFirst(row.Next)) + fmt.Sprintf(" It went and came back %s: its series is to be tuned.", plural(f.Flaps, "time", "times"))
	}
	return row
}

// FindingDetail is one finding with its charts.
func FindingDetail(f pitwall.Finding, charts []pitwall.Chart) FindingView {
	v := FindingView{Schema: "pitwall.finding/1", FindingRow: FindingOf(f), Beside: []Fact{}, Charts: []ChartView{}}
	for _, p := range f.Parts {
		unit := func(x float64) pitwall.Measure { return pitwall.Measure{Value: x, Unit: p.Series.Unit, N: 1} }
		v.Beside = append(v.Beside, Fact{Label: seriesWords(p.Series), Value: arrow(unit(p.Before), unit(p.After))})
	}
	for i, c := range charts {
		v.Charts = append(v.Charts, chartView(fmt.Sprintf("finding-%d", i+1), c))
	}
	return v
}

// seriesWords names a series: "inventory GET /items errors".
func seriesWords(s pitwall.SeriesName) string {
	what := string(s.Signal)
	if s.Metric != "" {
		what = s.Metric
	}
	return where(s.Service, s.Operation) + " " + what
}
