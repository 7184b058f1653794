package enforce

import "github.com/pitwall/pitwall/internal/junit"

// JUnit is the result for a build server. Inconclusive is an error there, for
// a skipped test would look like a pass.
func (r GateResult) JUnit() ([]byte, error) {
	c := junit.Case{Class: "pitwall.gate." + string(r.Service), Name: r.Gate, Out: r.Text()}
	fault := &junit.Fault{Message: r.Words, Type: string(r.Verdict)}
	switch r.ExitCode() {
	case 1:
		c.Failure = fault
	case 3:
		c.Error = fault
	}
	s := junit.Suite{Name: "pitwall gate"}
	s.Add(c)
	return junit.Report{Suites: []junit.Suite{s}}.XML()
}
