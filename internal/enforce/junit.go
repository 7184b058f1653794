package enforce

import (
	"encoding/xml"
	"fmt"
)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string      `xml:"classname,attr"`
	Name    string      `xml:"name,attr"`
	Failure *junitTexts `xml:"failure,omitempty"`
	Error   *junitTexts `xml:"error,omitempty"`
	Out     string      `xml:"system-out"`
}

type junitTexts struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
}

// JUnit is the result for a build server. Inconclusive is an error there, for
// a skipped test would look like a pass.
func (r GateResult) JUnit() ([]byte, error) {
	c := junitCase{Class: "pitwall.gate." + string(r.Service), Name: r.Gate, Out: r.Text()}
	s := junitSuite{Name: "pitwall gate", Tests: 1}
	switch r.ExitCode() {
	case 1:
		s.Failures, c.Failure = 1, &junitTexts{Message: r.Words, Type: string(r.Verdict)}
	case 3:
		s.Errors, c.Error = 1, &junitTexts{Message: r.Words, Type: string(r.Verdict)}
	}
	s.Cases = []junitCase{c}
	body, err := xml.MarshalIndent(junitSuites{Suites: []junitSuite{s}}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing JUnit XML: %w", err)
	}
	return append([]byte(xml.Header), append(body, '\n')...), nil
}
