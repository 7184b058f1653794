package report

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// anchorOf is the permalink anchor of an event.
func anchorOf(seq uint64) string { return fmt.Sprintf("t%d", seq) }

// rail lists the phases of a smooth life and where this plan stands in it.
func (m maker) rail() []Phase {
	smooth := pitwall.Smooth()
	at := m.phaseIndex(smooth)
	side := !slices.Contains(smooth, m.p.State)
	rail := make([]Phase, 0, len(smooth))
	for i, s := range smooth {
		ph := Phase{State: s, Word: stateName(s), Status: "todo"}
		reached, ok := m.p.Reached[s]
		switch {
		case i < at && ok:
			ph.Status = "done"
		case i < at:
			ph.Status = "skipped"
		case i == at && side:
			ph.Status = "stopped"
		case i == at && m.p.State == pitwall.Closed:
			ph.Status = "done"
		case i == at:
			ph.Status = "current"
		case m.p.State.Final():
			ph.Status = "skipped"
		}
		if ok && i <= at {
			ph.At = &reached
			ph.Anchor = m.anchorOfState(s)
			if i > 0 {
				ph.Since = "+" + Span(reached.Sub(m.p.OpenedAt).Round(100*time.Millisecond))
			}
		}
		rail = append(rail, ph)
	}
	return rail
}

// phaseIndex finds the smooth phase the plan is in, or was in when a side state
// interrupted it.
func (m maker) phaseIndex(smooth []pitwall.State) int {
	if i := slices.Index(smooth, m.p.State); i >= 0 {
		return i
	}
	if i := slices.Index(smooth, m.p.Before); i >= 0 && (m.p.State == pitwall.Held || m.p.State == pitwall.Escalated) {
		return i
	}
	best, when := 0, time.Time{}
	for i, s := range smooth {
		if t, ok := m.p.Reached[s]; ok && !t.Before(when) {
			best, when = i, t
		}
	}
	return best
}

func (m maker) anchorOfState(s pitwall.State) string {
	for i := len(m.p.Events) - 1; i >= 0; i-- {
		if e := m.p.Events[i]; e.To == s && e.From != s {
			return anchorOf(e.Seq)
		}
	}
	return ""
}

// budget makes the budget clock from the live budget, or from the one recorded
// when the plan opened.
func (m maker) budget() BudgetClock {
	opened := m.p.Opened.Budget
	b, stale := opened, true
	if m.live.Budget != nil {
		b, stale = *m.live.Budget, false
	}
	c := BudgetClock{Known: b.Known, At: b.At, Stale: stale, Tone: ToneNoData, LeftText: noData, Now: noData}
	if rate := m.p.Opened.Burn.State.LongRate; rate > 0 {
		c.Was = "was burning " + Times(rate)
		if opened.EndsIn > 0 {
			c.Was += " (gone in " + about(opened.EndsIn) + ")"
		}
	}
	if !b.Known {
		return c
	}
	c.Left, c.LeftText, c.Tone = float64(b.Remaining()), LeftText(b), budgetTone(b)
	c.Now = BurnText(b)
	if stale {
		c.Now = ""
	}
	c.Maths = BudgetMaths(b)
	return c
}

// LeftText says what is left of a budget: "64 % left", "overspent by 20 %". As
// long as most of the window has not been seen, the share is of the little that
// has, and the text says so.
func LeftText(b pitwall.ErrorBudget) string {
	left := float64(b.Remaining())
	text := whole(left) + " left"
	switch {
	case !b.Known:
		return noData
	case left < 0:
		text = "overspent by " + whole(-left)
	}
	window := b.Maths.Period.Duration()
	if b.Coverage <= 0 || b.Coverage >= 0.5 || window <= 0 {
		return text
	}
	text = fmt.Sprintf("%s of the %s seen (window %s", text, about(time.Duration(float64(b.Coverage)*float64(window))), about(window))
	if b.LeftOfWhole != 0 { // what alarms speak of
		text += fmt.Sprintf(", %s of a whole one's left", whole(float64(b.LeftOfWhole)))
	}
	return text + ")"
}

// BurnText says how fast a budget goes now: "burns 14.4×, gone in 32 h".
func BurnText(b pitwall.ErrorBudget) string {
	if !b.BurnKnown {
		return "no requests now"
	}
	s := "now " + Times(b.BurnRate)
	if b.EndsIn > 0 && b.BurnRate > 1 {
		s += ", gone in " + about(b.EndsIn)
	}
	return s
}

func budgetTone(b pitwall.ErrorBudget) Tone {
	switch left := float64(b.Remaining()); {
	case !b.Known:
		return ToneNoData
	case left <= 0:
		return ToneBad
	case b.BurnKnown && b.BurnRate > 1:
		return ToneWarn
	}
	return ToneOK
}

func periodText(p pitwall.Period) string {
	if p.IsZero() {
		return "not stated"
	}
	from, to := p.From.UTC(), p.To.UTC()
	end := time.TimeOnly
	if from.Format(time.DateOnly) != to.Format(time.DateOnly) {
		end = time.DateTime
	}
	return fmt.Sprintf("%s from %s to %s UTC", Span(p.Duration()), from.Format(time.DateTime), to.Format(end))
}

// steps lists the steps of the fix as far as they have come, then an undo if
// there was one.
func (m maker) steps() []StepView {
	list := []StepView{}
	if m.p.Fix == nil {
		return list
	}
	undone := m.undoing()
	for _, s := range m.p.Fix.Steps {
		v := StepView{ID: s.ID, Title: s.Title, Weight: s.Weights[m.p.Fix.Good], Weights: weights(s.Weights),
			Status: "todo", Tone: ToneNone, Checkpoint: s.Checkpoint, Undo: weights(s.Undo)}
		if run := m.run(s.ID); run != nil {
			m.fillStep(&v, *run, s.Judged)
		}
		if undone && v.Status == "todo" {
			v.Status = "skipped"
		}
		list = append(list, v)
	}
	for _, run := range m.p.Steps {
		if !run.Step.Undo {
			continue
		}
		v := StepView{ID: run.Step.StepID, Title: "Take the fix back", Weight: run.Step.Weights[m.p.Fix.Good], Weights: weights(run.Step.Weights)}
		m.fillStep(&v, run, false)
		list = append(list, v)
	}
	return list
}

func (m maker) run(id string) *pitwall.StepRun {
	for i := range m.p.Steps {
		if m.p.Steps[i].Step.StepID == id {
			return &m.p.Steps[i]
		}
	}
	return nil
}

func (m maker) fillStep(v *StepView, run pitwall.StepRun, judged bool) {
	at := run.Intended
	v.At, v.Resumed, v.Failed, v.Error = &at, run.Step.Resumed, run.Failed, run.Step.Error
	v.Status, v.Tone = "current", ToneActive
	if run.Done == nil {
		v.Verdict = "asked for, not yet seen to be true"
		if run.Failed > 0 {
			v.Tone, v.Verdict = ToneWarn, plural(run.Failed, "try", "tries")+" failed"
		}
		return
	}
	end := *run.Done
	switch {
	case judged && run.Look == nil && !m.undoing():
		v.Verdict = "being judged"
		return
	case run.Look == nil:
		v.Status, v.Tone = "done", ToneOK
	case run.Look.Action == pitwall.CanaryAdvance:
		v.Status, v.Tone, v.Verdict, end = "done", ToneOK, lookWords(*run.Look), run.Look.At
	default:
		v.Status, v.Tone, v.Verdict, end = "failed", ToneBad, lookWords(*run.Look), run.Look.At
	}
	v.Took = Span(end.Sub(run.Intended))
}

// weights prints where traffic goes, the most first: "v41 90 % · v40 10 %".
func weights(w map[pitwall.Version]int) string {
	type share struct {
		v pitwall.Version
		n int
	}
	var list []share
	for v, n := range w {
		if n > 0 {
			list = append(list, share{v, n})
		}
	}
	slices.SortFunc(list, func(a, b share) int {
		if a.n != b.n {
			return b.n - a.n
		}
		if a.v < b.v {
			return -1
		}
		return 1
	})
	s := ""
	for i, x := range list {
		if i > 0 {
			s += " · "
		}
		s += fmt.Sprintf("%s %d %%", x.v, x.n)
	}
	return orWord(s, "nowhere")
}

// clamp01 keeps a share drawable.
func clamp01(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return math.Min(1, math.Max(0, v))
}
