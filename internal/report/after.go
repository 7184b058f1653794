package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// clocks are the times of the loop, counted from the page except detection.
func (m maker) clocks() []StageClock {
	p := m.p
	list := []StageClock{}
	add := func(name, label, counted string, from, to time.Time) {
		if d, ok := since(from, to); ok && d >= 0 {
			list = append(list, StageClock{Name: name, Label: label, Seconds: d.Seconds(), Text: Span(d.Round(100 * time.Millisecond)), Counted: counted})
		}
	}
	add("detect", "time to detect", "onset to page", p.Opened.Regression.Onset.At, p.OpenedAt)
	add("diagnose", "time to diagnose", "page to cause", p.OpenedAt, p.Reached[pitwall.Diagnosed])
	if p.PromotedAt != nil {
		add("mitigate", "time to mitigate", "page to all traffic on the fix", p.OpenedAt, *p.PromotedAt)
	}
	add("verify", "time to verify", "page to proof", p.OpenedAt, p.Reached[pitwall.Enforcing])
	add("enforce", "time to enforce", "page to locked door", p.OpenedAt, m.enforcedAt())
	return list
}

func (m maker) enforcedAt() time.Time {
	for _, e := range m.p.Events {
		if e.Type == pitwall.EventEnforced {
			return e.Time
		}
	}
	return time.Time{}
}

// cause states the root cause, or the best guess at it, once there is one.
func (m maker) cause() *CauseView {
	h, d := m.hypothesis(), m.p.Diagnosis
	if h == nil || d == nil || d.Verdict == pitwall.DiagnosisNone {
		return nil
	}
	c := &CauseView{Verdict: d.Verdict, Claim: sentenceEnd(h.Claim), Service: h.Service, Class: h.Class, Confidence: string(h.Confidence), Anchor: m.anchorOfState(pitwall.Diagnosed)}
	if h.Change != nil {
		c.Change = changeLine(*h.Change)
	}
	if cl := m.p.Closed; cl != nil && cl.Verdict != "" {
		c.Verdict = cl.Verdict
	}
	return c
}

func (m maker) causeShort() string {
	h := m.hypothesis()
	switch {
	case h == nil:
		return ""
	case h.Change == nil:
		return fmt.Sprintf("%s in %s", h.Class, h.Service)
	}
	return fmt.Sprintf("%s (%s)", m.changeShort(), h.Class)
}

// changeShort names the change that is blamed: "deploy of inventory v41".
func (m maker) changeShort() string {
	h := m.hypothesis()
	if h == nil || h.Change == nil {
		return "cause"
	}
	s := fmt.Sprintf("%s of %s", h.Change.Kind, h.Change.Service)
	if h.Change.Version != "" {
		s += " " + string(h.Change.Version)
	}
	return s
}

// enforced is what keeps it from returning.
func (m maker) enforced() *EnforcedView {
	e := m.p.Enforced
	if e == nil {
		return nil
	}
	v := &EnforcedView{
		Summary:    fmt.Sprintf("%s on branch %s of %s.", plural(len(e.Files), "file", "files"), orWord(e.Branch, "(none)"), orWord(e.Repository, "the repository")),
		Repository: e.Repository, Branch: e.Branch, Commit: e.Commit, Files: []FileView{},
	}
	if e.Repository != "" && e.Commit != "" {
		v.Command = fmt.Sprintf("git -C %s show %s", e.Repository, shortHash(e.Commit))
	}
	for _, f := range e.Files {
		v.Files = append(v.Files, fileView(f, e.Gate))
	}
	return v
}

func kindWord(k pitwall.EnforcedKind) string {
	switch k {
	case pitwall.EnforcedGate:
		return "Gate"
	case pitwall.EnforcedAlertRule:
		return "Alert rule"
	case pitwall.EnforcedRunbook:
		return "Runbook"
	}
	return upperFirst(string(k))
}

func fileView(f pitwall.EnforcedFile, g *pitwall.Gate) FileView {
	v := FileView{Kind: string(f.Kind), Word: kindWord(f.Kind), Path: f.Path, Lines: []DiffLine{}}
	switch {
	case f.Kind == pitwall.EnforcedGate && g != nil:
		v.Purpose = fmt.Sprintf("A build fails when the median response of %s is above %s (%s %s before).", where(g.Service, g.Operation), g.Limit(), Times(g.MaxRatio), g.MedianBytes)
	case f.Kind == pitwall.EnforcedGate:
		v.Purpose = "A build that brings it back fails."
	case f.Kind == pitwall.EnforcedAlertRule:
		v.Purpose = "Tells the owner when it begins again, before users do."
	case f.Kind == pitwall.EnforcedRunbook:
		v.Purpose = "What to do in the first minutes, and what it was last time."
	}
	text := f.Diff
	if strings.TrimSpace(text) == "" {
		text = "+" + strings.ReplaceAll(strings.TrimRight(f.Content, "\n"), "\n", "\n+")
	}
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		l := diffLine(line)
		switch l.Op {
		case "+":
			v.Added++
		case "-":
			v.Removed++
		case "":
			continue
		}
		v.Lines = append(v.Lines, l)
	}
	return v
}

// diffLine reads one line of a unified diff; headers are dropped.
func diffLine(s string) DiffLine {
	for _, head := range []string{"diff --git", "index ", "--- ", "+++ ", "new file", "deleted file", "old mode", "new mode", "similarity", `\ No newline`} {
		if strings.HasPrefix(s, head) {
			return DiffLine{}
		}
	}
	switch {
	case strings.HasPrefix(s, "@@"):
		return DiffLine{Op: "@", Text: s}
	case strings.HasPrefix(s, "+"):
		return DiffLine{Op: "+", Text: s[1:]}
	case strings.HasPrefix(s, "-"):
		return DiffLine{Op: "-", Text: s[1:]}
	}
	return DiffLine{Op: " ", Text: strings.TrimPrefix(s, " ")}
}

// holding answers "is it still holding?" for a closed plan: now from the live
// budget, and at 7, 30 and 90 days from the plans that were opened since.
func (m maker) holding() []HoldCheck {
	list := []HoldCheck{}
	if m.p.State != pitwall.Closed {
		return list
	}
	closed := m.p.Since
	now := HoldCheck{Label: "now", At: m.o.Now, Tone: ToneNoData, Text: "not known: the objective is not being watched"}
	if b := m.live.Budget; b != nil {
		now.Text = LeftText(*b) + ", " + BurnText(*b)
		now.Tone = ToneOK
		if !b.Known || !b.BurnKnown {
			now.Tone = ToneNoData
		} else if b.BurnRate > 1 {
			now.Tone = ToneWarn
		}
	}
	list = append(list, now)
	again := m.again()
	for _, days := range []int{7, 30, 90} {
		at := closed.AddDate(0, 0, days)
		h := HoldCheck{Label: fmt.Sprintf("%d days", days), At: at, Tone: ToneNone, Text: "due " + at.In(m.o.zone()).Format("2 Jan 2006")}
		switch {
		case again != nil && again.OpenedAt.Before(at):
			h.Tone, h.Text = ToneBad, fmt.Sprintf("came back %s after closing: %s", Span(again.OpenedAt.Sub(closed)), again.ID)
		case !m.o.Now.Before(at) && m.o.Others == nil:
			h.Tone, h.Text = ToneNoData, "not known: other plans were not looked at"
		case !m.o.Now.Before(at):
			h.Tone, h.Text = ToneOK, fmt.Sprintf("held: no plan of %s for this objective was opened by then", m.p.Service)
		}
		list = append(list, h)
	}
	return list
}

// again finds the first later plan for the same objective.
func (m maker) again() *pitwall.Plan {
	var first *pitwall.Plan
	for i := range m.o.Others {
		q := &m.o.Others[i]
		if q.ID == m.p.ID || q.SLO != m.p.SLO || q.Service != m.p.Service || !q.OpenedAt.After(m.p.Since) {
			continue
		}
		if first == nil || q.OpenedAt.Before(first.OpenedAt) {
			first = q
		}
	}
	return first
}

// learned derives what a closed plan teaches; every line follows from the record.
func (m maker) learned() []string {
	list := []string{}
	p := m.p
	if !p.State.Final() {
		return list
	}
	if h := p.Hypothesis; h != nil && p.Closed != nil && p.Closed.Verdict == pitwall.DiagnosisConfirmed {
		list = append(list, fmt.Sprintf("Undoing the %s reversed the effect, so the cause is confirmed: %s in %s.", m.changeShort(), h.Class, h.Service))
	}
	if line := m.prediction(); line != "" {
		list = append(list, line)
	}
	if n := len(p.Tried); n > 0 {
		list = append(list, fmt.Sprintf("%s tried before this one and did not help.", upperFirst(plural(n, "hypothesis was", "hypotheses were"))))
	}
	list = append(list, m.changeLessons()...)
	if d := p.Diagnosis; d != nil {
		var skipped []string
		for _, c := range d.Checks {
			if c.Outcome == pitwall.OutcomeSkipped || c.Outcome == pitwall.OutcomeError {
				skipped = append(skipped, c.Name+" ("+strings.TrimRight(c.Reason, ".")+")")
			}
		}
		if len(skipped) > 0 {
			list = append(list, "Blind spots of this diagnosis: "+strings.Join(skipped, "; ")+".")
		}
	}
	if p.PromotedAt == nil && p.State != pitwall.Closed {
		list = append(list, "Nothing was promoted, so nothing was proven.")
	}
	return list
}

// prediction holds the bound of the diagnosis against what was measured.
func (m maker) prediction() string {
	h, v := m.p.Hypothesis, m.p.Verification
	if h == nil || v == nil || h.Amdahl.P99Seconds <= 0 || !v.P99After.Known() {
		return ""
	}
	off := math.Abs(h.Amdahl.P99Seconds/v.P99After.Value - 1)
	return fmt.Sprintf("The diagnosis predicted a p99 of %s without the cause; measured was %s (off by %s).", Seconds(h.Amdahl.P99Seconds), Measured(v.P99After), whole(off))
}

func (m maker) changeLessons() []string {
	var list []string
	resumed, failed, judged := 0, 0, 0
	var requests int64
	for _, run := range m.p.Steps {
		failed += run.Failed
		if run.Step.Resumed {
			resumed++
		}
		if run.Look != nil {
			judged++
			if row, ok := headline(run.Look.Rows); ok {
				requests += row.Treatment.N
			}
		}
	}
	if judged > 0 {
		list = append(list, fmt.Sprintf("The canary needed %s on the fix to decide %s.", plural(int(requests), "request", "requests"), plural(judged, "step", "steps")))
	}
	if resumed > 0 {
		list = append(list, fmt.Sprintf("%s after a restart by looking at the world, without repeating anything.", upperFirst(plural(resumed, "step was finished", "steps were finished"))))
	}
	if failed > 0 {
		list = append(list, fmt.Sprintf("The target refused or did not answer %s.", plural(failed, "time", "times")))
	}
	return list
}
