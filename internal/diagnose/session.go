package diagnose

import (
	"regexp"

	"github.com/pitwall/pitwall"
)

// Session is one diagnosis under way: it asks (Needs), is told (Step) and in
// the end knows (Diagnosis). A Session is for one goroutine.
type Session struct {
	q       Question
	needs   []Query
	answers map[string]Answer
	x       *inquiry
	d       pitwall.Diagnosis
	done    bool
}

// New begins a diagnosis. A question that cannot be asked ends at once, as
// inconclusive, with the reason in the summary.
func New(q Question) *Session {
	s := &Session{q: q, answers: map[string]Answer{}}
	s.d = pitwall.Diagnosis{Verdict: pitwall.DiagnosisInconclusive, Regression: q.Regression, Baseline: q.Baseline, Window: q.Window}
	if why := q.wrong(); why != "" {
		s.d.Summary, s.done = "Cannot be diagnosed: "+why+".", true
		s.d.Checks = []pitwall.Check{{
			Name: checkHeadline, Question: "What is to be explained?", Outcome: pitwall.OutcomeError, Reason: why,
		}}
		return s
	}
	s.needs = firstQueries(q)
	return s
}

// operation is what an error says first, of what was being done; the sentences
// that quote why something is missing say so themselves. Read-only.
var operation = regexp.MustCompile(`^[a-z]+ing( [a-z]+){1,3}: `)

// Needs lists what is to be fetched before the next Step; nothing when Done.
func (s *Session) Needs() []Query { return s.needs }

// Step takes the answers to Needs. A query without an answer counts as missing.
func (s *Session) Step(answers []Answer) {
	if s.done {
		return
	}
	for _, a := range answers {
		a.Missing = operation.ReplaceAllString(a.Missing, "")
		s.answers[a.Query] = a
	}
	for _, q := range s.needs {
		if _, ok := s.answers[q.ID]; !ok {
			s.answers[q.ID] = Answer{Query: q.ID, Missing: "it was not answered"}
		}
	}
	if s.x == nil {
		s.x = newInquiry(s.q, s.answers)
		s.needs = s.x.profileQueries()
	} else {
		s.x.readProfiles(s.needs)
		s.needs = nil
	}
	if len(s.needs) == 0 {
		s.d, s.done = s.x.conclude(), true
	}
}

// Done says whether the diagnosis is ready.
func (s *Session) Done() bool { return s.done }

// Diagnosis is the answer; before Done it is inconclusive and empty.
func (s *Session) Diagnosis() pitwall.Diagnosis { return s.d }
