package diagnose_test

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose"
)

// The caller's loop: answer what the session needs until it is done. Here
// nothing can be answered, and so nothing is claimed.
func Example() {
	onset := time.Date(2026, 3, 2, 12, 1, 0, 0, time.UTC)
	s := diagnose.New(diagnose.Question{
		Regression: pitwall.Regression{Service: "checkout", Operation: "POST /checkout", Signal: pitwall.SignalLatency},
		Baseline:   pitwall.Period{From: onset.Add(-time.Minute), To: onset},
		Window:     pitwall.Period{From: onset, To: onset.Add(30 * time.Second)},
	})
	for !s.Done() {
		var answers []diagnose.Answer
		for _, q := range s.Needs() {
			answers = append(answers, diagnose.Answer{Query: q.ID, Missing: "the store is empty"})
		}
		s.Step(answers)
	}
	d := s.Diagnosis()
	fmt.Println(d.Verdict)
	fmt.Println(d.Summary)
	// Output:
	// inconclusive
	// Inconclusive: spans of the baseline are missing: the store is empty.
}
