package report

import (
	"fmt"
	"strings"
	"time"
)

// Markdown is the plan as a document: for a closed plan, the post-mortem.
func Markdown(v PlanView) string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	w("# %s · %s · %s\n", v.ID, v.Service, md(v.What))
	w("**%s** — %s\n", v.StateWord, md(v.Sentence))
	if v.Loud != nil {
		w("> **%s.** %s %s\n", v.Loud.Title, md(v.Loud.Text), md(v.Loud.Next))
	}
	mdTable(&b, []string{"", ""}, [][]string{
		{"Objective", v.Objective}, {"Owner", v.Owner}, {"Severity", v.SeverityWord},
		{"Opened", stamp(v.OpenedAt)}, {"Due", stamp(v.Deadline) + " (" + v.Due + ")"},
		{"Budget", joinDots(v.Budget.LeftText, v.Budget.Was, v.Budget.Now)},
	})
	mdClocks(&b, v)
	mdCause(&b, v)
	if v.Comparison != nil {
		mdComparison(&b, *v.Comparison)
	}
	w("## What happened\n")
	rows := [][]string{}
	for _, mo := range v.Story {
		rows = append(rows, []string{stamp(mo.Time), mo.Tone.Icon() + " " + mo.Title, mo.Text})
	}
	mdTable(&b, []string{"time", "what", ""}, rows)
	mdEvidence(&b, v)
	mdSteps(&b, v)
	mdEnforced(&b, v)
	if len(v.Learned) > 0 {
		w("## What was learned\n")
		for _, l := range v.Learned {
			w("- %s", md(l))
		}
		w("")
	}
	w("## Everything recorded\n")
	rows = rows[:0]
	for _, e := range v.Activity {
		rows = append(rows, []string{fmt.Sprint(e.Seq), stamp(e.Time), e.Actor, e.Title, shortHash(e.Hash)})
	}
	mdTable(&b, []string{"seq", "time", "who", "what", "hash"}, rows)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "not set"
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}

// md escapes what Markdown would read as markup inside a line.
func md(s string) string {
	return strings.NewReplacer("\n", " ", "|", "\\|", "*", "\\*", "_", "\\_", "<", "&lt;", "[", "\\[", "`", "'", "~", "\\~").Replace(s)
}

func mdTable(b *strings.Builder, head []string, rows [][]string) {
	line := func(cells []string) {
		b.WriteString("|")
		for _, c := range cells {
			b.WriteString(" " + md(c) + " |")
		}
		b.WriteString("\n")
	}
	line(head)
	b.WriteString("|" + strings.Repeat(" --- |", len(head)) + "\n")
	for _, r := range rows {
		line(r)
	}
	b.WriteString("\n")
}

func mdClocks(b *strings.Builder, v PlanView) {
	if len(v.Clocks) == 0 {
		return
	}
	rows := [][]string{}
	for _, c := range v.Clocks {
		rows = append(rows, []string{c.Label, c.Text, c.Counted})
	}
	b.WriteString("## How long it took\n\n")
	mdTable(b, []string{"clock", "took", "counted"}, rows)
}

func mdCause(b *strings.Builder, v PlanView) {
	if v.Cause == nil {
		return
	}
	fmt.Fprintf(b, "## Root cause\n\n%s\n\n", md(v.Cause.Claim))
	rows := [][]string{{"Verdict", string(v.Cause.Verdict)}, {"Confidence", v.Cause.Confidence}, {"Service", string(v.Cause.Service)}, {"Class", string(v.Cause.Class)}}
	if v.Cause.Change != "" {
		rows = append(rows, []string{"Change", v.Cause.Change})
	}
	mdTable(b, []string{"", ""}, rows)
}

// named is a row's name, with where it was measured unless the name says so.
func named(r ComparisonRow) string {
	if _, op, ok := strings.Cut(r.Where, " "); ok && strings.Contains(r.Name, op) {
		return r.Name
	}
	return r.Name + " · " + r.Where
}

func mdComparison(b *strings.Builder, c ComparisonView) {
	fmt.Fprintf(b, "## %s\n\n", c.Title)
	rows := [][]string{}
	for _, r := range c.Rows {
		rows = append(rows, []string{named(r), strings.TrimSpace(r.Control + " " + r.ControlPM),
			strings.TrimSpace(r.Treatment + " " + r.TreatmentPM), r.Change + " (" + r.Detail + ")", r.Limit, r.Tone.Icon() + " " + r.Verdict})
	}
	mdTable(b, []string{"", c.Control, c.Treatment, "change", "limit", "verdict"}, rows)
	fmt.Fprintf(b, "%s %s\n\n", c.Tone.Icon(), md(c.Verdict))
	for _, f := range c.Facts {
		fmt.Fprintf(b, "- %s: %s\n", f.Label, md(f.Value))
	}
	b.WriteString("\n")
}

func mdEvidence(b *strings.Builder, v PlanView) {
	for _, mo := range v.Story {
		for _, bl := range mo.Blocks {
			switch bl.Kind {
			case "hypotheses":
				b.WriteString("## Hypotheses\n\n")
				for _, h := range bl.Hypotheses {
					mdHypothesis(b, h)
				}
			case "checks":
				rows := [][]string{}
				for _, c := range bl.Checks {
					rows = append(rows, []string{c.Tone.Icon() + " " + c.Outcome, c.Name, c.Question, c.Reason})
				}
				b.WriteString("## What was looked at\n\n")
				mdTable(b, []string{"outcome", "check", "question", "answer"}, rows)
			case "waterfall":
				rows := [][]string{}
				for _, w := range bl.Waterfall.Bars {
					rows = append(rows, []string{w.Label, w.Before, w.After, w.Delta, w.Share})
				}
				fmt.Fprintf(b, "## Where the added time went\n\n%s\n\n", md(bl.Waterfall.Summary))
				mdTable(b, []string{"place", "before", "now", "added", "share"}, rows)
			case "flame":
				rows := [][]string{}
				for _, f := range bl.Flame.Families {
					rows = append(rows, []string{f.Name, f.Before, f.After, f.Change, f.P})
				}
				fmt.Fprintf(b, "## %s\n\n%s\n\n", bl.Flame.Title, md(bl.Flame.Summary))
				mdTable(b, []string{"family", "baseline", "now", "change", "p"}, rows)
			}
		}
	}
}

func mdHypothesis(b *strings.Builder, h HypothesisView) {
	mark := ""
	switch {
	case h.Rejected:
		mark = " — tried, did not help"
	case h.Chosen:
		mark = " — tried"
	}
	fmt.Fprintf(b, "### %d. %s in %s, confidence %s%s\n\n%s\n\n", h.Rank, h.Class, h.Service, h.Confidence, mark, md(h.Claim))
	list := func(name string, items []EvidenceView, none string) {
		fmt.Fprintf(b, "%s\n\n", name)
		for _, e := range items {
			fmt.Fprintf(b, "- %s\n", md(e.Claim))
		}
		if len(items) == 0 {
			fmt.Fprintf(b, "- %s\n", none)
		}
		b.WriteString("\n")
	}
	list("For:", h.For, "nothing")
	list("Against:", h.Against, "nothing was found against it")
	if h.Bound != "" {
		fmt.Fprintf(b, "Bound: %s\n\n", md(h.Bound))
	}
	if h.Disproof != "" {
		fmt.Fprintf(b, "What would disprove it: %s\n\n", md(h.Disproof))
	}
}

func mdSteps(b *strings.Builder, v PlanView) {
	if len(v.Steps) == 0 {
		return
	}
	rows := [][]string{}
	for _, s := range v.Steps {
		rows = append(rows, []string{s.Title, s.Weights, s.Status, s.Took, s.Verdict})
	}
	b.WriteString("## The change, step by step\n\n")
	mdTable(b, []string{"step", "traffic", "status", "took", "verdict"}, rows)
}

func mdEnforced(b *strings.Builder, v PlanView) {
	if v.Enforced == nil {
		return
	}
	fmt.Fprintf(b, "## What was left behind\n\n%s\n\n", md(v.Enforced.Summary))
	for _, f := range v.Enforced.Files {
		fmt.Fprintf(b, "<details><summary>%s: %s</summary>\n\n%s\n\n```diff\n", f.Word, md(f.Path), md(f.Purpose))
		for _, l := range f.Lines {
			fmt.Fprintf(b, "%s\n", strings.ReplaceAll(l.Op+l.Text, "```", "'''"))
		}
		b.WriteString("```\n\n</details>\n\n")
	}
	if len(v.Holding) > 0 {
		b.WriteString("Still holding?\n\n")
		for _, h := range v.Holding {
			fmt.Fprintf(b, "- %s: %s %s\n", h.Label, h.Tone.Icon(), md(h.Text))
		}
		b.WriteString("\n")
	}
}
