package report

import "github.com/pitwall/pitwall"

// Answer is a diagnosis in the form in which it is measured and in which other
// programs read it: the verdict, the ranking (strict, the best first), and what
// it stands on.
type Answer struct {
	Case        string                   `json:"case,omitempty"`
	Verdict     pitwall.DiagnosisVerdict `json:"verdict"`
	Summary     string                   `json:"summary"`
	Onset       pitwall.Onset            `json:"onset"`
	Ranked      []Ranked                 `json:"ranked"`
	Evidence    []pitwall.Evidence       `json:"evidence"` // of the first entry, for and against
	Checks      []pitwall.Check          `json:"checks"`
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

// AnswerOf makes the short form of a diagnosis.
func AnswerOf(d pitwall.Diagnosis) Answer {
	a := Answer{
		Verdict: d.Verdict, Summary: d.Summary, Onset: d.Regression.Onset, Checks: d.Checks,
		Waterfall: d.Waterfall, Unexplained: d.Unexplained, Ranked: []Ranked{}, Evidence: []pitwall.Evidence{},
	}
	for i, h := range d.Hypotheses {
		r := Ranked{Service: h.Service, Class: h.Class, Score: h.Score, Confidence: h.Confidence, Claim: h.Claim}
		if h.Change != nil {
			r.Change = h.Change.ID
		}
		a.Ranked = append(a.Ranked, r)
		if i == 0 {
			a.Evidence = append(append(a.Evidence, h.For...), h.Against...)
		}
	}
	return a
}
