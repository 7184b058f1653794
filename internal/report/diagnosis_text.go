package report

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// DiagnosisText is the diagnosis for a terminal: the page in its order, at most
// 96 columns wide, with meaning never in colour alone.
func DiagnosisText(v DiagnosisView) string {
	var b strings.Builder
	head := "diagnosis"
	if v.Plan != "" {
		head = string(v.Plan) + " · diagnosis"
	}
	fmt.Fprintln(&b, spread(head, v.Tone.Icon()+" "+v.VerdictWord))
	textBlock(&b, "", v.Sentence)
	if v.Detail != "" {
		textBlock(&b, "", v.Detail)
	}
	textBlock(&b, "", v.Meaning)
	fmt.Fprintln(&b)
	textBlock(&b, "Question  ", v.Question.Text)
	for _, f := range v.Question.Facts {
		textBlock(&b, fmt.Sprintf("  %-9s ", f.Label), f.Value)
	}
	textPart(&b, "What was looked at", 1)
	fmt.Fprintln(&b, v.CheckText)
	told := map[string]bool{}
	for _, c := range v.Checks {
		if n := alike(v.Checks, c); n > 0 {
			if !told[c.Reason] {
				textBlock(&b, fmt.Sprintf("%s %-7s  %-14s ", c.Tone.Icon(), c.Outcome, fmt.Sprintf("%d checks", n)), c.Reason+" "+names(v.Checks, c.Reason))
			}
			told[c.Reason] = true
			continue
		}
		textBlock(&b, fmt.Sprintf("%s %-7s  %-14s ", c.Tone.Icon(), c.Outcome, cut(c.Name, 14)), c.Reason)
	}
	textPart(&b, "Hypotheses", len(v.Hypotheses))
	for _, h := range v.Hypotheses {
		textHypothesis(&b, h)
	}
	textWaterfall(&b, v)
	textContrasts(&b, v)
	textFlame(&b, v)
	textTraces(&b, v)
	textPart(&b, "What changed", len(v.Changes))
	for _, c := range v.Changes {
		mark := "·"
		if c.Blamed {
			mark = "✗"
		}
		textBlock(&b, mark+" ", fmt.Sprintf("%s UTC, %s: %s (%s)", clock(c.At, time.UTC), c.Distance, c.Line, c.Word))
		textBlock(&b, "  ", c.Why)
	}
	textNot(&b, v)
	textPart(&b, "Not shown, and why", len(v.Gaps))
	for _, g := range v.Gaps {
		textBlock(&b, "∅ ", g.Title+": "+g.Why)
	}
	return clean(b.String())
}

// textPart begins a part that has something to show.
func textPart(b *strings.Builder, title string, content int) {
	if content > 0 {
		fmt.Fprintf(b, "\n%s %s\n", title, strings.Repeat("─", max(3, textWidth-utf8.RuneCountInString(title)-1)))
	}
}

func textHypothesis(b *strings.Builder, h HypothesisView) {
	mark := ""
	switch {
	case h.Rejected:
		mark = ", tried, did not help"
	case h.Chosen:
		mark = ", tried"
	}
	textBlock(b, fmt.Sprintf("%d. ", h.Rank), fmt.Sprintf("%s [%s in %s, confidence %s%s]", h.Claim, h.Class, h.Service, h.Confidence, mark))
	side := func(label string, list []EvidenceView, none string) {
		if len(list) == 0 {
			textBlock(b, "   "+label, none)
		}
		for i, e := range list {
			if i > 0 {
				label = strings.Repeat(" ", len(label))
			}
			textBlock(b, "   "+label, e.Claim)
		}
	}
	if h.Change != "" {
		textBlock(b, "   change    ", h.Change)
	}
	side("for       ", h.For, "nothing")
	side("against   ", h.Against, "nothing was found against it")
	textBlock(b, "   bound     ", orWord(h.Bound, "not known: what it accounts for was not measured"))
	textBlock(b, "   disproof  ", orWord(h.Disproof, "none is recorded"))
}

func textWaterfall(b *strings.Builder, v DiagnosisView) {
	if v.Waterfall == nil {
		return
	}
	textPart(b, v.Waterfall.Title, 1)
	textBlock(b, "", v.Waterfall.Summary)
	rows := [][]string{{"place", "before", "now", "added", "share", ""}}
	for _, w := range v.Waterfall.Bars {
		rows = append(rows, []string{cut(w.Label, 40), w.Before, w.After, w.Delta, w.Share, barText(w.From, w.To)})
	}
	textTable(b, append(rows, []string{"together", "", "", v.Waterfall.Total, "", ""}))
}

// barText draws a share of an axis in sixteen cells.
func barText(from, to float64) string {
	const cells = 16
	left := min(cells-1, int(from*cells))
	right := min(cells, max(left+1, int(to*cells+0.5)))
	return strings.Repeat(" ", left) + strings.Repeat("▓", right-left)
}

func textContrasts(b *strings.Builder, v DiagnosisView) {
	textPart(b, "What slow requests share", len(v.Contrasts))
	for _, c := range v.Contrasts {
		textBlock(b, "", fmt.Sprintf("%s Effect %s, carries %s.", c.Sentence, c.Effect, c.Explains))
		rows := [][]string{{"  " + c.Key + " of " + c.Of, "slow", "typical", "mean"}}
		for _, r := range c.Rows {
			rows = append(rows, []string{"  " + cut(r.Value, 40), r.Slow, r.Typical, r.Mean})
		}
		textTable(b, rows)
	}
}

func textFlame(b *strings.Builder, v DiagnosisView) {
	if v.Flame == nil {
		return
	}
	textPart(b, v.Flame.Title, 1)
	textBlock(b, "", v.Flame.Summary)
	for _, list := range [][]FrameRow{v.Flame.Families, v.Flame.Frames} {
		if len(list) == 0 {
			continue
		}
		rows := [][]string{{"per request", "baseline", "now", "change", "p"}}
		for _, f := range list {
			rows = append(rows, []string{cut(f.Name, 52), f.Before, f.After, f.Change, f.P})
		}
		textTable(b, rows)
	}
	for _, w := range v.Flame.Warnings {
		textBlock(b, "! ", sentenceEnd(upperFirst(w)))
	}
}

func textTraces(b *strings.Builder, v DiagnosisView) {
	if v.Traces == nil {
		return
	}
	textPart(b, "A slow request beside a typical one", 1)
	textBlock(b, "", v.Traces.Summary)
	if len(v.Traces.Rows) == 0 {
		return
	}
	rows := [][]string{{"waits for the work of", "typical", "slow", "added", "calls", "bytes"}}
	for _, r := range v.Traces.Rows {
		rows = append(rows, []string{cut(r.Place, 36), r.Typical, r.Slow, r.Delta, r.Calls, r.Bytes})
	}
	textTable(b, rows)
}

func textNot(b *strings.Builder, v DiagnosisView) {
	if len(v.NotTheCause) == 0 {
		return
	}
	textPart(b, "Not the cause, because", 1)
	for _, r := range v.NotTheCause {
		if r.Kind == "check" { // the board above has them
			continue
		}
		textBlock(b, "– ", r.What+" "+r.Because)
	}
	var clear []string
	for _, c := range v.Checks {
		if c.Outcome == "clear" {
			clear = append(clear, c.Name)
		}
	}
	if len(clear) > 0 {
		textBlock(b, "– ", "Clear, as the board says: "+strings.Join(clear, ", ")+".")
	}
}

// names lists the checks that ended for one reason.
func names(list []CheckView, reason string) string {
	var out []string
	for _, c := range list {
		if c.Reason == reason {
			out = append(out, c.Name)
		}
	}
	return "(" + strings.Join(out, ", ") + ")"
}
