package report

import "github.com/pitwall/pitwall"

// Answer is a diagnosis in the form in which it is measured and in which other
// programs read it: the verdict, the ranking (strict, the best first), and what
// it stands on.
type Answer struct {
	Case        string                   `json:"case,omitempty"`
	Verdict     pitwall.DiagnosisVerdict `json:"verdict"`
	Summary     string                   `json:"summary"`
	Onset       pitwall.Onset            `json:"onset,omitzero"` // left out: not determined
	Ranked      []Ranked                 `json:"ranked"`
	Evidence    []AnswerEvidence         `json:"evidence"` // of the first entry, for and against
	Checks      []AnswerCheck            `json:"checks"`
	Waterfall   []pitwall.Contribution   `json:"waterfall"`
	Unexplained float64                  `json:"unexplained_s"`
	Warnings    []string                 `json:"warnings,omitempty"` // what the recording lost
}

// Ranked is one entry of the ranking.
type Ranked struct {
	Service    pitwall.ServiceName `json:"service"`
	Class      pitwall.Bottleneck  `json:"class"`
	Change     pitwall.ChangeID    `json:"change"` // empty: no change explains it
	Score      float64             `json:"score"`
	Confidence pitwall.Confidence  `json:"confidence"`
	Claim      string              `json:"claim"`
}

// AnswerEvidence is one piece of evidence; what is no measurement has neither
// before nor after.
type AnswerEvidence struct {
	Check   string              `json:"check"`
	Service pitwall.ServiceName `json:"service,omitempty"`
	Claim   string              `json:"claim"`
	Before  *pitwall.Measure    `json:"before,omitempty"`
	After   *pitwall.Measure    `json:"after,omitempty"`
	Query   string              `json:"query,omitempty"`
}

// AnswerCheck is one thing that was looked at.
type AnswerCheck struct {
	Name     string           `json:"name"`
	Question string           `json:"question"`
	Outcome  pitwall.Outcome  `json:"outcome"`
	Reason   string           `json:"reason"`
	Evidence []AnswerEvidence `json:"evidence,omitempty"`
}

// AnswerOf makes the short form of a diagnosis.
func AnswerOf(d pitwall.Diagnosis) Answer {
	a := Answer{
		Verdict: d.Verdict, Summary: d.Summary, Onset: d.Regression.Onset, Checks: []AnswerCheck{},
		Waterfall: d.Waterfall, Unexplained: d.Unexplained, Ranked: []Ranked{}, Evidence: []AnswerEvidence{},
	}
	if a.Waterfall == nil {
		a.Waterfall = []pitwall.Contribution{}
	}
	for _, c := range d.Checks {
		a.Checks = append(a.Checks, AnswerCheck{Name: c.Name, Question: c.Question, Outcome: c.Outcome, Reason: c.Reason, Evidence: answerEvidence(c.Evidence)})
	}
	for i, h := range d.Hypotheses {
		r := Ranked{Service: h.Service, Class: h.Class, Score: h.Score, Confidence: h.Confidence, Claim: h.Claim}
		if h.Change != nil {
			r.Change = h.Change.ID
		}
		a.Ranked = append(a.Ranked, r)
		if i == 0 {
			a.Evidence = append(append(a.Evidence, answerEvidence(h.For)...), answerEvidence(h.Against)...)
		}
	}
	return a
}

func answerEvidence(list []pitwall.Evidence) []AnswerEvidence {
	out := make([]AnswerEvidence, 0, len(list))
	for _, e := range list {
		a := AnswerEvidence{Check: e.Check, Service: e.Service, Claim: e.Claim, Query: e.Query}
		if e.Before.Known() {
			a.Before = &e.Before
		}
		if e.After.Known() {
			a.After = &e.After
		}
		out = append(out, a)
	}
	return out
}
