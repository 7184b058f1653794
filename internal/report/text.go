package report

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// textWidth is how wide the terminal form is, in columns.
const textWidth = 96

// Text is the plan for a terminal: the page in its order, at most 96 columns
// wide, with meaning never in colour alone.
func Text(v PlanView) string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	w("%s", spread(fmt.Sprintf("%s · %s · %s", v.ID, v.Service, v.What), v.Due))
	w("%s %s · %s · owner %s", v.Tone.Icon(), v.StateWord, v.SeverityWord, v.Owner)
	textBlock(&b, "", v.Sentence)
	if v.Loud != nil {
		w("")
		textBlock(&b, "!! ", strings.ToUpper(v.Loud.Title)+": "+v.Loud.Text+" "+v.Loud.Next)
	}
	w("")
	textRail(&b, v)
	w("%s", textBudget(v.Budget))
	w("%s", strings.Repeat("─", textWidth))
	textStory(&b, v)
	if v.Cause != nil {
		w("")
		textBlock(&b, "Cause    ", fmt.Sprintf("%s (%s, %s)", v.Cause.Claim, v.Cause.Verdict, v.Cause.Confidence))
	}
	textEvidence(&b, v)
	if v.Comparison != nil {
		w("%s", strings.Repeat("─", textWidth))
		textComparison(&b, *v.Comparison)
	}
	textAfter(&b, v)
	return b.String()
}

// spread puts two texts at both ends of a line.
func spread(left, right string) string {
	gap := textWidth - utf8.RuneCountInString(left) - utf8.RuneCountInString(right)
	return left + strings.Repeat(" ", max(2, gap)) + right
}

// textBlock wraps a text; lines after the first are indented below the first.
func textBlock(b *strings.Builder, head, text string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(head))
	for i, line := range wrap(text, textWidth-utf8.RuneCountInString(head)) {
		if i == 0 {
			fmt.Fprintf(b, "%s%s\n", head, line)
			continue
		}
		fmt.Fprintf(b, "%s%s\n", indent, line)
	}
}

func wrap(text string, width int) []string {
	var lines []string
	for _, para := range strings.Split(text, "\n") {
		line := ""
		for _, word := range strings.Fields(para) {
			switch {
			case line == "":
				line = word
			case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
				lines = append(lines, line)
				line = word
			default:
				line += " " + word
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func textRail(b *strings.Builder, v PlanView) {
	signs := map[string]string{"done": "●", "current": "◐", "stopped": "✗", "todo": "○", "skipped": "–"}
	var parts []string
	for _, ph := range v.Rail {
		parts = append(parts, signs[ph.Status]+ph.Word)
	}
	for _, line := range wrap(strings.Join(parts, " ─ "), textWidth) {
		fmt.Fprintln(b, line)
	}
}

func textBudget(c BudgetClock) string {
	const cells = 20
	full := int(clamp01(c.Left)*cells + 0.5)
	bar := strings.Repeat("▓", full) + strings.Repeat("░", cells-full)
	if !c.Known {
		bar = strings.Repeat("·", cells)
	}
	return "Budget   " + bar + "  " + joinDots(c.LeftText, c.Was, c.Now)
}

func joinDots(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, " · ")
}

func textStory(b *strings.Builder, v PlanView) {
	fmt.Fprintln(b, "STORY (UTC)")
	for _, mo := range v.Story {
		sign := " "
		if mo.Anchor == v.Selected {
			sign = "▸"
		}
		at := clock(mo.Time, time.UTC)
		if mo.Live {
			at = "now     "
		}
		textBlock(b, fmt.Sprintf("%s%s %s ", sign, at, mo.Tone.Icon()), mo.Title)
	}
	if v.Next != "" {
		fmt.Fprintln(b, " …"+v.Next)
	}
}

// textEvidence prints what speaks for, against, and what was not looked at.
func textEvidence(b *strings.Builder, v PlanView) {
	for _, mo := range v.Story {
		for _, bl := range mo.Blocks {
			for _, h := range bl.Hypotheses {
				if !h.Chosen && h.Rank != 1 {
					continue
				}
				for _, e := range h.For {
					textBlock(b, "For      ", e.Claim)
				}
				for _, e := range h.Against {
					textBlock(b, "Against  ", e.Claim)
				}
				if h.Bound != "" {
					textBlock(b, "Bound    ", h.Bound)
				}
				textBlock(b, "Disproof ", h.Disproof)
			}
			for _, c := range bl.Checks {
				if c.Outcome == "skipped" || c.Outcome == "error" {
					textBlock(b, "Skipped  ", c.Name+": "+c.Reason)
				}
			}
		}
	}
}

func textComparison(b *strings.Builder, c ComparisonView) {
	fmt.Fprintf(b, "%s\n", c.Title)
	rows := [][]string{{"", c.Control, c.Treatment, "Δ", "limit", ""}}
	for _, r := range c.Rows {
		rows = append(rows, []string{cut(r.Name, 24), strings.TrimSpace(r.Control + " " + r.ControlPM), strings.TrimSpace(r.Treatment + " " + r.TreatmentPM),
			r.Change, cut(r.Limit, 18), r.Tone.Icon() + " " + r.Verdict})
	}
	textTable(b, rows)
	for _, r := range c.Rows {
		note := r.Detail
		if r.NeedMore != "" {
			note += " · " + r.NeedMore
		}
		fmt.Fprintf(b, "  %s: %s\n", r.Name, note)
	}
	textBlock(b, c.Tone.Icon()+" ", c.Verdict)
}

func textTable(b *strings.Builder, rows [][]string) {
	wide := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			wide[i] = max(wide[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range rows {
		line := ""
		for i, cell := range r {
			line += cell + strings.Repeat(" ", wide[i]-utf8.RuneCountInString(cell)+2)
		}
		fmt.Fprintln(b, strings.TrimRight(line, " "))
	}
}

func textAfter(b *strings.Builder, v PlanView) {
	if v.Enforced != nil {
		fmt.Fprintf(b, "%s\nLeft behind: %s\n", strings.Repeat("─", textWidth), v.Enforced.Summary)
		for _, f := range v.Enforced.Files {
			fmt.Fprintf(b, "  %-10s  %s  +%d −%d\n", f.Word, f.Path, f.Added, f.Removed)
		}
		if v.Enforced.Command != "" {
			fmt.Fprintf(b, "  look: %s\n", v.Enforced.Command)
		}
	}
	if len(v.Holding) > 0 {
		fmt.Fprintln(b, "Still holding?")
		for _, h := range v.Holding {
			fmt.Fprintf(b, "  %-8s %s %s\n", h.Label, h.Tone.Icon(), h.Text)
		}
	}
	if v.Final && len(v.Clocks) > 0 {
		var parts []string
		for _, c := range v.Clocks {
			parts = append(parts, strings.TrimPrefix(c.Label, "time to ")+" "+c.Text)
		}
		textBlock(b, "Took     ", strings.Join(parts, " · "))
	}
	for _, l := range v.Learned {
		textBlock(b, "Learned  ", l)
	}
}
