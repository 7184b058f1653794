// Package junit writes JUnit XML, which build servers read. In come suites of
// cases, out goes a document with their counts. It knows nothing of what was
// tested.
package junit

import (
	"encoding/xml"
	"fmt"
)

// Report is a whole document.
type Report struct {
	XMLName xml.Name `xml:"testsuites"`
	Suites  []Suite  `xml:"testsuite"`
}

// Suite is cases of one kind. Add counts them.
type Suite struct {
	Name     string `xml:"name,attr"`
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Cases    []Case `xml:"testcase"`
}

// Case is one test. It passed if it has neither a Failure, which says no, nor an
// Error, which says that there is no answer.
type Case struct {
	Name    string `xml:"name,attr"`
	Class   string `xml:"classname,attr"`
	File    string `xml:"file,attr,omitempty"`
	Line    int    `xml:"line,attr,omitempty"` // from 1
	Failure *Fault `xml:"failure,omitempty"`
	Error   *Fault `xml:"error,omitempty"`
	Out     string `xml:"system-out,omitempty"`
}

// Fault is why a case did not pass.
type Fault struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// Add counts a case in.
func (s *Suite) Add(c Case) {
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	if c.Error != nil {
		s.Errors++
	}
	s.Cases = append(s.Cases, c)
}

// XML is the document as bytes.
func (r Report) XML() ([]byte, error) {
	body, err := xml.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing JUnit XML: %w", err)
	}
	return append([]byte(xml.Header), append(body, '\n')...), nil
}
