package diagnose

import (
	"regexp"
	"slices"

	"github.com/pitwall/pitwall"
)

// Session is one diagnosis under way: it asks (Needs), is told (Step) and in
// the end knows (Diagnosis). A Session is for one goroutine.
type Session struct {
	q        Question
	needs    []Query
	profiles []Query // those of needs and those whose answers were known
	answers  map[string]Answer
	x        *inquiry
	d        pitwall.Diagnosis
	again    bool // durations did not explain it; failures are looked at now
	done     bool
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
		s.begin(s.q)
	} else {
		s.x.readProfiles(s.profiles)
		s.needs = nil
	}
	if len(s.needs) == 0 {
		s.conclude()
	}
}

// begin reads what there is and asks for the profiles that are not known yet.
func (s *Session) begin(q Question) {
	s.x = newInquiry(q, s.answers)
	s.profiles = s.x.profileQueries()
	s.needs = slices.DeleteFunc(slices.Clone(s.profiles), func(q Query) bool { _, known := s.answers[q.ID]; return known })
	if len(s.needs) == 0 {
		s.x.readProfiles(s.profiles)
	}
}

// conclude ends the diagnosis, or has a second look: where many requests fail,
// how long the others take is the lesser part of the trouble and may have begun
// at another time. The second answer counts if it explains what the first does
// not.
func (s *Session) conclude() {
	d := s.x.conclude()
	switch {
	case !s.again:
		s.d = d
	case s.x.settled && s.x.errors:
		d.Summary = "Failures say more than durations here. " + d.Summary
		s.d = d
	}
	if s.again || s.x.settled || !s.x.failsInstead() {
		s.done = true
		return
	}
	s.again = true
	q := s.q
	q.Regression.Signal, q.Regression.Onset = pitwall.SignalErrors, pitwall.Onset{}
	s.begin(q)
	if len(s.needs) == 0 {
		s.conclude()
	}
}

// Done says whether the diagnosis is ready.
func (s *Session) Done() bool { return s.done }

// Diagnosis is the answer; before Done it is inconclusive and empty.
func (s *Session) Diagnosis() pitwall.Diagnosis { return s.d }
