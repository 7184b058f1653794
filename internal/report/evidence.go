package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
)

// diagnosisBlocks are the evidence of a diagnosis, the answer first.
func (m maker) diagnosisBlocks(d pitwall.Diagnosis) []Block {
	blocks := []Block{}
	if len(d.Hypotheses) > 0 {
		blocks = append(blocks, Block{Kind: "hypotheses", Title: "Hypotheses", Hypotheses: m.hypotheses(d)})
	}
	for i, c := range d.Charts {
		blocks = append(blocks, m.chartBlock(fmt.Sprintf("diagnosis-%d", i+1), c))
	}
	if len(d.Checks) > 0 {
		blocks = append(blocks, Block{Kind: "checks", Title: "Everything that was looked at", Checks: checkViews(d.Checks)})
	}
	if w := waterfall(d); w != nil {
		blocks = append(blocks, Block{Kind: "waterfall", Title: "Where the added time goes", Waterfall: w})
	}
	if f := flame(d); f != nil {
		blocks = append(blocks, Block{Kind: "flame", Title: f.Title, Flame: f})
	}
	return append(blocks, Block{Kind: "facts", Title: "What was compared", Facts: []Fact{
		{Label: "baseline", Value: periodText(d.Baseline)},
		{Label: "now", Value: periodText(d.Window)},
		{Label: "verdict", Value: verdictSentence(d.Verdict)},
	}})
}

func verdictSentence(v pitwall.DiagnosisVerdict) string {
	switch v {
	case pitwall.DiagnosisConfirmed:
		return "confirmed: undoing the cause reversed the effect"
	case pitwall.DiagnosisLikely:
		return "likely: only undoing it can confirm it"
	case pitwall.DiagnosisNone:
		return "none: nothing differs from the baseline beyond noise"
	case pitwall.DiagnosisInconclusive:
		return "inconclusive: a needed signal is missing"
	}
	return string(v)
}

func (m maker) hypotheses(d pitwall.Diagnosis) []HypothesisView {
	list := make([]HypothesisView, 0, len(d.Hypotheses))
	for _, h := range d.Hypotheses {
		v := HypothesisView{
			Rank: h.Rank, Service: h.Service, Class: h.Class, Claim: sentenceEnd(h.Claim),
			Confidence: fmt.Sprintf("%s (%.2f)", h.Confidence, h.Score), Score: clamp01(h.Score), Tone: confidenceTone(h.Confidence),
			Chosen:   m.p.Hypothesis != nil && m.p.Hypothesis.Rank == h.Rank,
			Rejected: slices.Contains(m.p.Tried, h.Rank),
			For:      evidenceViews(h.For), Against: evidenceViews(h.Against), Disproof: sentenceEnd(h.Disproof),
			Bound: m.bound(h), Signal: signalText(h.Signal), Maths: m.boundMaths(h),
		}
		if h.Change != nil {
			v.Change, v.ChangeHow = changeLine(*h.Change), seenByText(h.Change.SeenBy)
		}
		list = append(list, v)
	}
	return list
}

func confidenceTone(c pitwall.Confidence) Tone {
	switch c {
	case pitwall.ConfidenceHigh:
		return ToneOK
	case pitwall.ConfidenceMedium:
		return ToneWarn
	}
	return ToneNone
}

// bound words Amdahl's law: what fixing this one can give at most.
func (m maker) bound(h pitwall.Hypothesis) string {
	a := h.Amdahl
	if a.Share <= 0 && a.P99Seconds <= 0 {
		return ""
	}
	if m.explained().Signal == pitwall.SignalErrors {
		return fmt.Sprintf("It accounts for %s of the added failures", Percent(float64(a.Share))) + m.without("error ratio", a)
	}
	s := fmt.Sprintf("It accounts for %s of the latency as it is now", Percent(float64(a.Share)))
	if a.MaxSpeedup > 1.05 {
		s += fmt.Sprintf(": removing it makes requests %s faster at most", Times(a.MaxSpeedup))
	}
	if a.P99Seconds <= 0 {
		return s + m.without("latency", a)
	}
	s += "; without it p99 would be about " + Seconds(a.P99Seconds)
	switch {
	case m.hasObjective() && a.MeetsObjective:
		return s + ", inside the objective."
	case m.hasObjective():
		return s + ", still outside the objective, so it is rather an effect: the cause lies upstream."
	case a.MeetsObjective:
		return s + ", as normal."
	}
	return s + ", still above what is normal: it is at most a part."
}

// without says what remains of a number when the cause is gone: held against
// the objective, or against what is normal where there is none.
func (m maker) without(what string, a pitwall.Amdahl) string {
	s := "; without it the " + what + " would "
	switch {
	case m.hasObjective() && a.MeetsObjective:
		return s + "be inside the objective."
	case m.hasObjective():
		return s + "still be outside the objective, so it is rather an effect: the cause lies upstream."
	case a.MeetsObjective:
		return s + "be normal again."
	}
	return s + "still be above what is normal: it is at most a part."
}

// hasObjective says that an objective was missed, not only a normal left.
func (m maker) hasObjective() bool { return m.slo.Name != "" || m.explained().SLO != "" }

// explained is the regression that is to be explained.
func (m maker) explained() pitwall.Regression {
	if m.p.Diagnosis != nil {
		return m.p.Diagnosis.Regression
	}
	return m.p.Opened.Regression
}

func (m maker) boundMaths(h pitwall.Hypothesis) *Maths {
	if h.Amdahl.MaxSpeedup <= 0 {
		return nil
	}
	return &Maths{Title: "What fixing it can give (Amdahl)", Formula: "most speed-up = 1 / (1 − share)", Lines: []Fact{
		{Label: "share", Value: Percent(float64(h.Amdahl.Share))},
		{Label: "most speed-up", Value: Times(h.Amdahl.MaxSpeedup)},
		{Label: "p99 without it", Value: Seconds(h.Amdahl.P99Seconds)},
		{Label: "score", Value: fmt.Sprintf("%.2f of 1", h.Score)},
	}}
}

func signalText(s pitwall.OwnSignal) string {
	if s.Name == "" {
		return ""
	}
	return fmt.Sprintf("%s: %s", s.Name, arrow(s.Before, s.After))
}

// changeLine names a change: "deploy inventory v40 → v41: Serve complete item details".
func changeLine(c pitwall.Change) string {
	s := string(c.Kind)
	if c.Service != "" {
		s += " of " + string(c.Service)
	}
	switch {
	case c.Version != "" && c.PreviousVersion != "":
		s += fmt.Sprintf(" %s → %s", shortVersion(c.PreviousVersion), shortVersion(c.Version))
	case c.Version != "":
		s += " " + shortVersion(c.Version)
	}
	if c.Summary != "" {
		s += ": " + c.Summary
	}
	return s
}

func seenByText(s pitwall.SeenBy) string {
	switch s {
	case pitwall.SeenByWebhook:
		return "announced to the changes API"
	case pitwall.SeenByTelemetry:
		return "a new service.version was seen in telemetry"
	case pitwall.SeenByPitwall:
		return "made by Pitwall"
	}
	return ""
}

func evidenceViews(list []pitwall.Evidence) []EvidenceView {
	out := make([]EvidenceView, 0, len(list))
	for _, e := range list {
		v := EvidenceView{Check: e.Check, Claim: sentenceEnd(beginning(e.Claim, e.Service))}
		if e.Before.Known() || e.After.Known() {
			v.Before, v.After = Measured(e.Before), Measured(e.After)
			if e.Before.Known() && e.After.Known() && e.Before.Value > 0 {
				v.Change = Change(e.After.Value/e.Before.Value - 1)
			}
			v.Maths = &Maths{Title: e.Claim, Formula: "change = after / before − 1", Query: e.Query, Lines: []Fact{
				{Label: "before", Value: sideText(e.Before)}, {Label: "after", Value: sideText(e.After)}, {Label: "found by", Value: e.Check},
			}}
		} else if e.Query != "" {
			v.Maths = &Maths{Title: e.Claim, Query: e.Query, Lines: []Fact{{Label: "found by", Value: e.Check}}}
		}
		out = append(out, v)
	}
	return out
}

func checkViews(list []pitwall.Check) []CheckView {
	out := make([]CheckView, 0, len(list))
	for _, c := range list {
		v := CheckView{Name: c.Name, Question: c.Question, Outcome: string(c.Outcome), Reason: sentenceEnd(beginning(c.Reason, evidenceServices(c.Evidence)...)), Evidence: evidenceViews(c.Evidence)}
		switch c.Outcome {
		case pitwall.OutcomeHit:
			v.Tone = ToneBad
		case pitwall.OutcomeClear:
			v.Tone = ToneOK
		case pitwall.OutcomeSkipped:
			v.Tone = ToneNoData
		default:
			v.Tone = ToneWarn
		}
		out = append(out, v)
	}
	single := func(c CheckView) bool { return alike(out, c) == 0 }
	together := func(c CheckView) bool { return !single(c) }
	return append(slices.DeleteFunc(slices.Clone(out), together), slices.DeleteFunc(slices.Clone(out), single)...)
}

// manyAlike is from how many checks on that were skipped for one reason they are
// told together, after those that say more.
const manyAlike = 4

// alike is how many checks were skipped for the reason that this one was; 0:
// fewer than are told together.
func alike(list []CheckView, c CheckView) int {
	n := 0
	for _, o := range list {
		if o.Outcome == string(pitwall.OutcomeSkipped) && o.Outcome == c.Outcome && o.Reason == c.Reason {
			n++
		}
	}
	if n < manyAlike {
		return 0
	}
	return n
}

func evidenceServices(list []pitwall.Evidence) []pitwall.ServiceName {
	var out []pitwall.ServiceName
	for _, e := range list {
		out = append(out, e.Service)
	}
	return out
}

// waterfall lays the contributions on one axis so that each bar begins where
// the one before ended; small ones are kept, for the sum must hold.
func waterfall(d pitwall.Diagnosis) *WaterfallView {
	if len(d.Waterfall) == 0 {
		return nil
	}
	low, high, at, total := 0.0, 0.0, 0.0, d.Unexplained
	for _, c := range d.Waterfall {
		at += c.Delta
		low, high = math.Min(low, at), math.Max(high, at)
		total += c.Delta
	}
	at += d.Unexplained
	low, high = math.Min(low, at), math.Max(high, at)
	width := high - low
	if width <= 0 {
		width = 1
	}
	w := &WaterfallView{Total: signed(total), Unexplained: signed(d.Unexplained), Zero: clamp01(-low / width), End: clamp01((total - low) / width)}
	at = 0
	bar := func(label string, c pitwall.Contribution, tone Tone) {
		from, to := at, at+c.Delta
		at = to
		b := WaterfallBar{Label: label, Before: Seconds(c.Before), After: Seconds(c.After), Delta: signed(c.Delta),
			From: clamp01((math.Min(from, to) - low) / width), To: clamp01((math.Max(from, to) - low) / width), Tone: tone}
		if total != 0 {
			b.Share = whole(c.Delta / total)
		}
		w.Bars = append(w.Bars, b)
	}
	for _, c := range d.Waterfall {
		tone := ToneWarn
		if c.Delta <= 0 {
			tone = ToneOK
		}
		bar(partLabel(c), c, tone)
	}
	bar("not explained", pitwall.Contribution{Delta: d.Unexplained}, ToneNoData)
	last := &w.Bars[len(w.Bars)-1]
	last.Before, last.After = "–", "–"
	w.Title = "Where the extra " + Seconds(total) + " went"
	if total <= 0 {
		w.Title = "Where the time went"
	}
	w.Summary = fmt.Sprintf("The mean of the request grew by %s; %s of it is not explained by any place.", Seconds(total), Seconds(math.Abs(d.Unexplained)))
	return w
}

func partLabel(c pitwall.Contribution) string {
	if c.Part == "hop" {
		return "way to " + where(c.Service, c.Operation)
	}
	return where(c.Service, c.Operation) + ", " + orWord(c.Part, "self")
}

// signed prints seconds with their sign.
func signed(v float64) string {
	if v > 0 {
		return "+" + Seconds(v)
	}
	return Seconds(v)
}
