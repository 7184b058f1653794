package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

// story makes the two views of what happened: the moments that tell it, and the
// log of every event.
func (m maker) story() ([]Moment, []Entry) {
	moments := m.prelude()
	log := make([]Entry, 0, len(m.p.Events))
	for _, e := range m.p.Events {
		title := m.eventTitle(e)
		entry := Entry{Seq: e.Seq, Time: e.Time, Type: e.Type, Actor: e.Actor, Title: title, Hash: e.Hash}
		if mo, ok := m.moment(e, title); ok {
			moments = append(moments, mo)
			entry.Anchor = mo.Anchor
		}
		log = append(log, entry)
	}
	if mo, ok := m.present(); ok {
		moments = append(moments, mo)
	}
	slices.SortStableFunc(moments, func(a, b Moment) int { return a.Time.Compare(b.Time) })
	return moments, log
}

// prelude tells what happened before the page: the change and the onset.
func (m maker) prelude() []Moment {
	moments := []Moment{}
	if h := m.hypothesis(); h != nil && h.Change != nil {
		c := *h.Change
		mo := Moment{Anchor: "change", Time: c.At, Kind: "world", Tone: ToneNone, Title: changeLine(c), Actor: c.Actor,
			Text: upperFirst(seenByText(c.SeenBy)) + ".", Blocks: []Block{{Kind: "facts", Title: "The change", Facts: changeFacts(c)}}}
		if len(c.DiffHints) > 0 {
			mo.Blocks = append(mo.Blocks, Block{Kind: "text", Title: "What it touched", Text: strings.Join(c.DiffHints, "\n")})
		}
		moments = append(moments, mo)
	}
	r := m.p.Opened.Regression
	if !r.Onset.At.IsZero() {
		moments = append(moments, Moment{Anchor: "onset", Time: r.Onset.At, Kind: "world", Tone: ToneBad,
			Title: upperFirst(m.moved()), Text: onsetText(r.Onset),
			Blocks: append([]Block{{Kind: "facts", Title: "What moved", Facts: m.regressionFacts()}}, m.firstChart()...)})
	}
	return moments
}

func (m maker) firstChart() []Block {
	if d := m.p.Diagnosis; d != nil && len(d.Charts) > 0 {
		return []Block{m.chartBlock("diagnosis-1", d.Charts[0])}
	}
	if len(m.live.Charts) > 0 {
		return []Block{m.chartBlock("live-1", m.live.Charts[0])}
	}
	return nil
}

func onsetText(o pitwall.Onset) string {
	if w := o.Latest.Sub(o.Earliest); w > 0 {
		return "The beginning is known to within " + Span(w) + "."
	}
	return ""
}

func changeFacts(c pitwall.Change) []Fact {
	facts := []Fact{
		{Label: "what", Value: changeLine(c)}, {Label: "id", Value: string(c.ID)}, {Label: "seen", Value: seenByText(c.SeenBy)},
	}
	if c.Actor != "" {
		facts = append(facts, Fact{Label: "by", Value: c.Actor})
	}
	if c.Link != "" {
		facts = append(facts, Fact{Label: "link", Value: c.Link})
	}
	return facts
}

func (m maker) regressionFacts() []Fact {
	r := m.p.Opened.Regression
	return []Fact{
		{Label: "where", Value: where(r.Service, r.Operation)},
		{Label: "before", Value: Measured(r.Before), Maths: measureMaths("Before the onset", r.Before, pitwall.Period{})},
		{Label: "after", Value: Measured(r.After), Maths: measureMaths("After the onset", r.After, pitwall.Period{}), Tone: ToneBad},
		{Label: "objective", Value: orWord(Objective(m.slo), string(r.SLO))},
	}
}

// moment makes a story line of an event; ok is false for what belongs to the
// activity log only.
func (m maker) moment(e pitwall.Event, title string) (Moment, bool) {
	mo := Moment{Anchor: anchorOf(e.Seq), Seq: e.Seq, Time: e.Time, Kind: "state", Tone: ToneNone, Title: title, Actor: e.Actor, State: e.To, Blocks: []Block{}}
	switch e.Type {
	case pitwall.EventStepIntended, pitwall.EventStepFailed, pitwall.EventCanarying, pitwall.EventVerifying:
		return mo, false
	case pitwall.EventStepDone:
		d, run := m.stepOf(e)
		if run == nil || !d.Undo && (run.Look != nil || m.p.PromotedAt != nil) {
			return mo, false // the verdict, or the promotion, tells it
		}
		mo.Kind, mo.State = "step", ""
		if d.Undo {
			mo.Tone = ToneBad
		}
		mo.Blocks = []Block{{Kind: "steps", Title: "The change, step by step", Steps: m.steps()}}
	case pitwall.EventDecided, pitwall.EventApproved:
		mo.Kind = "decision"
		mo.Blocks, mo.Tone = m.decisionBlocks(e)
	case pitwall.EventNote, pitwall.EventResumed:
		mo.Kind, mo.State = "note", ""
	case pitwall.EventStepJudged:
		mo.Kind, mo.State = "step", ""
		m.fillJudged(&mo, e)
	default:
		m.fillState(&mo, e)
	}
	return mo, true
}

func (m maker) fillJudged(mo *Moment, e pitwall.Event) {
	var d pitwall.JudgedData
	if json.Unmarshal(e.Data, &d) != nil {
		return
	}
	mo.Tone, mo.Text = lookTone(d.Look), sentenceEnd(upperFirst(d.Look.Reason))
	mo.Blocks = []Block{
		{Kind: "comparison", Title: "Guardrails", Comparison: m.lookView(d.Look)},
		{Kind: "steps", Title: "The change, step by step", Steps: m.steps()},
	}
}

// fillState adds tone, text and evidence to the moment of a state.
func (m maker) fillState(mo *Moment, e pitwall.Event) {
	p := m.p
	switch e.Type {
	case pitwall.EventOpened:
		mo.Tone, mo.Blocks = ToneBad, m.openedBlocks()
		mo.Text = fmt.Sprintf("%s owns it; %s.", upperFirst(orWord(p.Opened.Owner, "nobody")), dueText(p))
	case pitwall.EventBaselined:
		mo.Blocks = m.baselineBlocks()
	case pitwall.EventDiagnosed:
		m.fillDiagnosed(mo, e)
	case pitwall.EventProposed:
		mo.Blocks = m.fixBlocks(e)
	case pitwall.EventPromoted:
		mo.Kind, mo.State, mo.Tone = "step", "", ToneOK
		mo.Blocks = []Block{{Kind: "steps", Title: "The change, step by step", Steps: m.steps()}}
	case pitwall.EventVerified:
		mo.Blocks, mo.Tone = m.verifiedBlocks(e)
	case pitwall.EventEnforced:
		mo.State, mo.Tone = pitwall.Enforcing, ToneOK
		if v := m.enforced(); v != nil {
			mo.Text, mo.Blocks = v.Summary, []Block{{Kind: "files", Title: "Left behind", Files: v.Files}}
		}
	case pitwall.EventClosed:
		mo.Tone, mo.Blocks = ToneOK, m.closedBlocks()
	default:
		m.fillSide(mo, e)
	}
}

func dueText(p pitwall.Plan) string {
	if p.Opened.Deadline.IsZero() {
		return "no deadline"
	}
	return "due within " + Span(p.Opened.Deadline.Sub(p.OpenedAt))
}

func (m maker) fillDiagnosed(mo *Moment, e pitwall.Event) {
	var d pitwall.DiagnosedData
	if json.Unmarshal(e.Data, &d) != nil {
		return
	}
	mo.Tone, mo.Blocks = ToneWarn, m.diagnosisBlocks(d.Diagnosis)
	mo.Text = sentenceEnd(upperFirst(orWord(d.Diagnosis.Summary, "no summary was recorded")))
	if len(d.Diagnosis.Hypotheses) > 0 && d.Diagnosis.Verdict != pitwall.DiagnosisNone {
		mo.Tone = ToneActive
		if d.Diagnosis.Hypotheses[0].Confidence == pitwall.ConfidenceHigh {
			mo.Tone = ToneOK
		}
	}
}

// fillSide words the loud ones.
func (m maker) fillSide(mo *Moment, e pitwall.Event) {
	reason := reasonOf(e)
	mo.Text = sentenceEnd(upperFirst(reason))
	switch e.Type {
	case pitwall.EventHeld:
		mo.Tone = ToneWait
	case pitwall.EventRolledBack, pitwall.EventEscalated, pitwall.EventExpired:
		mo.Tone = ToneBad
	case pitwall.EventInconclusive:
		mo.Tone = ToneWarn
	}
	mo.Text = orWord(mo.Text, "No reason was recorded.")
	if len(m.p.Steps) > 0 && e.Type != pitwall.EventEscalated {
		mo.Blocks = append(mo.Blocks, Block{Kind: "steps", Title: "The change, step by step", Steps: m.steps()})
	}
	// Whoever is asked to look finds the evidence here, not one click away.
	if d := m.p.Diagnosis; d != nil && (e.Type == pitwall.EventEscalated || e.Type == pitwall.EventInconclusive && len(m.p.Steps) == 0) {
		mo.Blocks = append(mo.Blocks, m.diagnosisBlocks(*d)...)
	}
	if c := m.comparison(); c != nil && (e.Type == pitwall.EventRolledBack || e.Type == pitwall.EventInconclusive) {
		mo.Blocks = append(mo.Blocks, Block{Kind: "comparison", Title: c.Title, Comparison: c})
	}
}

// present is the moment that is still going on, when the record has no event
// for it yet.
func (m maker) present() (Moment, bool) {
	at := m.o.Now
	mo := Moment{Anchor: "now", Time: at, Kind: "step", Tone: ToneActive, Live: true, Blocks: []Block{}}
	c := m.comparison()
	switch {
	case m.p.State == pitwall.Canarying && c != nil && c.Live:
		l := m.look()
		mo.Title = fmt.Sprintf("judging: %d %% of %s on %s", l.Weight, m.fixService(), l.Treat)
		mo.Text = sentenceEnd(upperFirst(l.Reason))
		mo.Blocks = []Block{{Kind: "comparison", Title: "Guardrails", Comparison: c}, {Kind: "steps", Title: "The change, step by step", Steps: m.steps()}}
	case m.p.State == pitwall.Verifying && c != nil && c.Live:
		mo.Title = "proving the fix under the same load"
		mo.Text = c.Verdict
		mo.Blocks = []Block{{Kind: "comparison", Title: c.Title, Comparison: c}}
	default:
		return mo, false
	}
	for i := range m.live.Charts {
		mo.Blocks = append(mo.Blocks, m.chartBlock(fmt.Sprintf("live-%d", i+1), m.live.Charts[i]))
	}
	return mo, true
}
