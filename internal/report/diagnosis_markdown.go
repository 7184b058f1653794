package report

import (
	"fmt"
	"strings"

	"github.com/pitwall/pitwall"
)

// DiagnosisMarkdown is the diagnosis as a document.
func DiagnosisMarkdown(v DiagnosisView) string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	w("# Diagnosis: %s\n", md(v.Title))
	w("**%s** — %s\n", v.VerdictWord, md(v.Sentence))
	if v.Detail != "" {
		w("%s\n", md(v.Detail))
	}
	w("%s\n", md(v.Meaning))
	w("## The question\n\n%s\n", md(v.Question.Text))
	rows := [][]string{}
	for _, f := range v.Question.Facts {
		rows = append(rows, []string{f.Label, f.Value})
	}
	mdTable(&b, []string{"", ""}, rows)
	w("## What was looked at\n")
	w("%s\n", v.CheckText)
	if len(v.Checks) > 0 {
		rows = rows[:0]
		for _, c := range v.Checks {
			rows = append(rows, []string{c.Tone.Icon() + " " + c.Outcome, c.Name, c.Question, c.Reason})
		}
		mdTable(&b, []string{"outcome", "check", "question", "answer"}, rows)
	}
	if len(v.Hypotheses) > 0 {
		w("## Hypotheses\n")
	}
	for _, h := range v.Hypotheses {
		h.Service = pitwall.ServiceName(md(string(h.Service))) // it stands in the heading as it is
		mdHypothesis(&b, h)
	}
	mdTime(&b, v)
	mdContrasts(&b, v)
	mdProfile(&b, v)
	mdTraces(&b, v)
	if len(v.Changes) > 0 {
		w("## What changed\n")
		rows = rows[:0]
		for _, c := range v.Changes {
			rows = append(rows, []string{stamp(c.At), c.Distance, c.Line, c.Word, c.Why})
		}
		mdTable(&b, []string{"time", "from the onset", "change", "", "why"}, rows)
	}
	if len(v.NotTheCause) > 0 {
		w("## Not the cause, because\n")
		for _, r := range v.NotTheCause {
			w("- %s %s", md(r.What), md(r.Because))
		}
		w("")
	}
	if len(v.Gaps) > 0 {
		w("## Not shown, and why\n")
		for _, g := range v.Gaps {
			w("- %s: %s", md(g.Title), md(g.Why))
		}
	}
	return clean(strings.TrimRight(b.String(), "\n") + "\n")
}

func mdTime(b *strings.Builder, v DiagnosisView) {
	if v.Waterfall == nil {
		return
	}
	fmt.Fprintf(b, "## %s\n\n%s\n\n", md(v.Waterfall.Title), md(v.Waterfall.Summary))
	rows := [][]string{}
	for _, w := range v.Waterfall.Bars {
		rows = append(rows, []string{w.Label, w.Before, w.After, w.Delta, w.Share})
	}
	mdTable(b, []string{"place", "before", "now", "added", "share"}, append(rows, []string{"together", "", "", v.Waterfall.Total, ""}))
}

func mdContrasts(b *strings.Builder, v DiagnosisView) {
	if len(v.Contrasts) > 0 {
		b.WriteString("## What slow requests share\n\n")
	}
	for _, c := range v.Contrasts {
		fmt.Fprintf(b, "### %s (%s)\n\n%s Effect %s, carries %s.\n\n", md(c.Key), md(c.Of), md(c.Sentence), md(c.Effect), md(c.Explains))
		rows := [][]string{}
		for _, r := range c.Rows {
			rows = append(rows, []string{r.Value, r.Slow, r.Typical, r.Mean})
		}
		mdTable(b, []string{"value", "of slow requests", "of typical requests", "mean of all that have it"}, rows)
	}
}

func mdProfile(b *strings.Builder, v DiagnosisView) {
	if v.Flame == nil {
		return
	}
	fmt.Fprintf(b, "## %s\n\n%s\n\n", md(v.Flame.Title), md(v.Flame.Summary))
	for _, w := range v.Flame.Warnings {
		fmt.Fprintf(b, "- %s\n", md(sentenceEnd(upperFirst(w))))
	}
	if len(v.Flame.Warnings) > 0 {
		b.WriteString("\n")
	}
	for _, t := range []struct {
		name string
		rows []FrameRow
	}{{"family", v.Flame.Families}, {"function", v.Flame.Frames}} {
		if len(t.rows) == 0 {
			continue
		}
		rows := [][]string{}
		for _, f := range t.rows {
			rows = append(rows, []string{f.Name, f.Before, f.After, f.Change, f.P})
		}
		mdTable(b, []string{t.name, "baseline, per request", "now, per request", "change", "p"}, rows)
	}
}

func mdTraces(b *strings.Builder, v DiagnosisView) {
	if v.Traces == nil {
		return
	}
	fmt.Fprintf(b, "## A slow request beside a typical one\n\n%s\n\n", md(v.Traces.Summary))
	rows := [][]string{}
	for _, r := range v.Traces.Rows {
		rows = append(rows, []string{r.Place, r.Typical, r.Slow, r.Delta, r.Calls, r.Bytes})
	}
	if len(rows) > 0 {
		mdTable(b, []string{"waits for the work of", "typical", "slow", "added", "calls", "bytes"}, rows)
	}
	for _, t := range v.Traces.Traces {
		fmt.Fprintf(b, "- %s: trace %s\n", md(t.Title), md(t.TraceID))
	}
	b.WriteString("\n")
}
