package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

// openedBlocks are the evidence of the page: what burns, who is hit, what
// must be true to close.
func (m maker) openedBlocks() []Block {
	o := m.p.Opened
	facts := []Fact{
		{Label: "objective", Value: orWord(Objective(m.slo), string(m.p.SLO))},
		{Label: "burn", Value: fmt.Sprintf("%s over %s and %s over %s", Times(o.Burn.State.LongRate), Span(o.Burn.State.Tier.Long), Times(o.Burn.State.ShortRate), Span(o.Burn.State.Tier.Short)), Tone: ToneBad, Maths: TierMaths(o.Burn.State)},
		{Label: "budget", Value: LeftText(o.Budget), Tone: budgetTone(o.Budget), Maths: BudgetMaths(o.Budget)},
	}
	title := "What burns"
	if m.found() {
		title = "What was found"
		facts[1] = Fact{Label: "opened for", Value: o.Finding + ", a change that was found; the objective does not burn", Tone: ToneWarn}
	}
	impact := []Fact{}
	if len(o.Impact.Operations) > 0 {
		impact = append(impact, Fact{Label: "operations", Value: strings.Join(o.Impact.Operations, ", ")})
	}
	if len(o.Impact.Callers) > 0 {
		impact = append(impact, Fact{Label: "callers", Value: strings.Join(o.Impact.Callers, ", ")})
	}
	impact = append(impact, Fact{Label: "bad requests", Value: fmt.Sprintf("%s of all, %s a minute", Percent(float64(o.Impact.ShareOfTraffic)), number(o.Impact.BadPerMinute))})
	impact = append(impact, kpiFacts(o.Impact.KPIs)...)
	blocks := []Block{
		{Kind: "facts", Title: title, Facts: facts},
		{Kind: "facts", Title: "What moved", Facts: m.regressionFacts()},
		{Kind: "facts", Title: "Who is hit", Facts: impact},
	}
	if len(o.Criteria) > 0 {
		blocks = append(blocks, Block{Kind: "text", Title: "It ends when", Text: strings.Join(o.Criteria, "\n")})
	}
	return append(blocks, m.firstChart()...)
}

// baselineBlocks are the frozen picture of normal.
func (m maker) baselineBlocks() []Block {
	b := m.p.Baseline
	if b == nil {
		return []Block{}
	}
	blocks := []Block{{Kind: "facts", Title: "Normal", Facts: m.baselineFacts(*b)}}
	if len(b.Warnings) > 0 {
		blocks = append(blocks, Block{Kind: "text", Title: "Take care", Text: strings.Join(b.Warnings, "\n")})
	}
	if len(b.Operations) > 0 {
		t := &TableView{Columns: []string{"operation", "a second", "errors", "p50", "p99", "response", "calls out"}, Numeric: []bool{false, true, true, true, true, true, true}}
		for _, op := range b.Operations {
			t.Rows = append(t.Rows, []string{where(op.Service, op.Operation), number(op.PerSecond), Measured(op.ErrorRatio),
				Measured(op.P50), Measured(op.P99), Measured(op.ResponseMedian), number(op.ChildrenPerCall)})
		}
		blocks = append(blocks, Block{Kind: "table", Title: "Operations on the path", Table: t})
	}
	for i, c := range b.Charts {
		blocks = append(blocks, m.chartBlock(fmt.Sprintf("baseline-%d", i+1), c))
	}
	if len(b.Families) > 0 {
		t := &TableView{Columns: []string{"frame family", "CPU per request"}, Numeric: []bool{false, true}}
		for _, f := range b.Families {
			t.Rows = append(t.Rows, []string{f.Name, Seconds(f.Before)})
		}
		blocks = append(blocks, Block{Kind: "table", Title: "CPU per request", Table: t})
	}
	return blocks
}

func (m maker) baselineFacts(b pitwall.Baseline) []Fact {
	facts := []Fact{{Label: "window", Value: periodText(b.Period)}}
	for _, op := range b.Operations {
		if op.Service == b.Service && op.Operation == b.Operation {
			facts = append(facts,
				Fact{Label: "p99", Value: strings.TrimSpace(Measured(op.P99) + " " + plusMinus(op.P99)), Maths: measureMaths("p99 of "+where(op.Service, op.Operation), op.P99, b.Period)},
				Fact{Label: "requests", Value: Count(op.Requests)},
				Fact{Label: "error ratio", Value: Measured(op.ErrorRatio), Maths: measureMaths("Error ratio", op.ErrorRatio, b.Period)})
		}
	}
	facts = append(facts, Fact{Label: "noise floor (A/A)", Value: Percent(float64(b.NoiseP99)), Maths: &Maths{
		Title: "A/A noise floor of the p99", Formula: "95 % bootstrap bound on |log ratio| of two halves of the baseline",
		Lines: []Fact{{Label: "meaning", Value: "smaller differences are shown as " + same}}}})
	if len(b.Versions) > 0 {
		var list []string
		for s, v := range b.Versions {
			list = append(list, fmt.Sprintf("%s %s", s, v))
		}
		slices.Sort(list)
		facts = append(facts, Fact{Label: "versions", Value: strings.Join(list, ", ")})
	}
	return facts
}

// fixBlocks are the proposed change with its way back.
func (m maker) fixBlocks(e pitwall.Event) []Block {
	var d pitwall.ProposedData
	if json.Unmarshal(e.Data, &d) != nil {
		return []Block{}
	}
	return m.fixBlocksOf(d)
}

func (m maker) fixBlocksOf(d pitwall.ProposedData) []Block {
	f := d.Fix
	steps := make([]StepView, 0, len(f.Steps))
	for _, s := range f.Steps {
		steps = append(steps, StepView{ID: s.ID, Title: s.Title, Weight: s.Weights[f.Good], Weights: weights(s.Weights), Status: "todo", Tone: ToneNone, Checkpoint: s.Checkpoint, Undo: weights(s.Undo)})
	}
	if m.p.Cycle == d.Cycle {
		steps = m.steps()
	}
	rails := &TableView{Columns: []string{"guardrail", "where", "wanted", "margin"}, Numeric: []bool{false, false, false, true}}
	for _, g := range f.Guardrails {
		rails.Rows = append(rails.Rows, []string{g.Name, where(g.Service, g.Operation), goalText(g.Goal), Percent(float64(g.Margin))})
	}
	blocks := []Block{
		{Kind: "facts", Title: "The fix", Facts: []Fact{
			{Label: "what", Value: f.Title}, {Label: "why", Value: sentenceEnd(m.claimOf(d.Hypothesis))},
			{Label: "playbook", Value: f.Playbook}, {Label: "risk", Value: string(f.Risk)},
			{Label: "expected", Value: f.Expect}, {Label: "undo", Value: f.Undo},
		}},
		{Kind: "steps", Title: "Step by step", Steps: steps},
	}
	if len(rails.Rows) > 0 {
		blocks = append(blocks, Block{Kind: "table", Title: "What must hold at every step", Table: rails})
	}
	return blocks
}

func (m maker) claimOf(rank int) string {
	if m.p.Diagnosis != nil {
		for _, h := range m.p.Diagnosis.Hypotheses {
			if h.Rank == rank {
				return h.Claim
			}
		}
	}
	return "the hypothesis is not in the record any more"
}

// decisionBlocks show the answer of policy; when a person is asked, what is
// asked stands first.
func (m maker) decisionBlocks(e pitwall.Event) ([]Block, Tone) {
	var d pitwall.DecidedData
	if json.Unmarshal(e.Data, &d) != nil {
		return []Block{}, ToneNoData
	}
	dec := d.Decision
	blocks, tone := []Block{}, ToneOK
	if dec.Result == pitwall.DecisionAsk {
		tone = ToneWait
		if m.p.Fix != nil && m.p.Hypothesis != nil {
			blocks = m.fixBlocksOf(pitwall.ProposedData{Cycle: m.p.Cycle, Hypothesis: m.p.Hypothesis.Rank, Fix: *m.p.Fix})
		}
	}
	facts := []Fact{{Label: "answer", Value: string(dec.Result)}, {Label: "rule", Value: dec.Rule}, {Label: "because", Value: dec.Reason}}
	if dec.By != "" {
		facts = append(facts, Fact{Label: "by", Value: dec.By})
	}
	if dec.Bundle != "" {
		facts = append(facts, Fact{Label: "policy file", Value: "sha256 " + shortHash(dec.Bundle)})
	}
	blocks = append(blocks, Block{Kind: "facts", Title: "The decision", Facts: facts})
	if len(dec.Inputs) > 0 {
		t := &TableView{Columns: []string{"input", "value"}, Numeric: []bool{false, false}}
		keys := make([]string, 0, len(dec.Inputs))
		for k := range dec.Inputs {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			raw, err := json.Marshal(dec.Inputs[k])
			if err != nil {
				raw = []byte("not printable")
			}
			t.Rows = append(t.Rows, []string{k, cut(string(raw), 160)})
		}
		blocks = append(blocks, Block{Kind: "table", Title: "What the rule saw", Table: t})
	}
	return blocks, tone
}

func (m maker) verifiedBlocks(e pitwall.Event) ([]Block, Tone) {
	var d pitwall.VerifiedData
	if json.Unmarshal(e.Data, &d) != nil {
		return []Block{}, ToneNoData
	}
	v := d.Verification
	c := m.verificationView(v, false)
	return []Block{{Kind: "comparison", Title: c.Title, Comparison: c}}, verificationTone(v)
}

func (m maker) closedBlocks() []Block {
	blocks := []Block{}
	facts := []Fact{}
	for _, c := range m.clocks() {
		facts = append(facts, Fact{Label: c.Label, Value: c.Text + " (" + c.Counted + ")"})
	}
	if len(facts) > 0 {
		blocks = append(blocks, Block{Kind: "facts", Title: "How long it took", Facts: facts})
	}
	if c := m.comparison(); c != nil && c.Kind == "verification" {
		blocks = append(blocks, Block{Kind: "comparison", Title: c.Title, Comparison: c})
	}
	if c := m.p.Closed; c != nil && len(c.KPIs) > 0 {
		blocks = append(blocks, Block{Kind: "facts", Title: "Business numbers, before it began and after the fix", Facts: kpiFacts(c.KPIs)})
	}
	if l := m.learned(); len(l) > 0 {
		blocks = append(blocks, Block{Kind: "text", Title: "What was learned", Text: strings.Join(l, "\n")})
	}
	return blocks
}

func shortHash(h string) string {
	if len(h) > 12 {
		return h[:12]
	}
	return h
}

// cut shortens a text to n characters, showing that it did.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
