package junit

import (
	"encoding/xml"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestXML(t *testing.T) {
	s := Suite{Name: "a & b"}
	s.Add(Case{Name: "good", Class: "c"})
	s.Add(Case{Name: "bad", Class: "c", File: "f.yaml", Line: 7, Failure: &Fault{Message: `"<no>"`, Text: "one\ntwo"}})
	s.Add(Case{Name: "unknown", Class: "c", Error: &Fault{Message: "no data \x00", Type: "inconclusive"}, Out: "said"})
	got, err := Report{Suites: []Suite{s}}.XML()
	if err != nil {
		t.Fatal(err)
	}
	want := `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="a &amp; b" tests="3" failures="1" errors="1">
    <testcase name="good" classname="c"></testcase>
    <testcase name="bad" classname="c" file="f.yaml" line="7">
      <failure message="&#34;&lt;no&gt;&#34;">one&#xA;two</failure>
    </testcase>
    <testcase name="unknown" classname="c">
      <error message="no data ` + "\uFFFD" + `" type="inconclusive"></error>
      <system-out>said</system-out>
    </testcase>
  </testsuite>
</testsuites>
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var back Report
	if err := xml.Unmarshal(got, &back); err != nil || back.Suites[0].Tests != 3 {
		t.Errorf("%+v, %v", back, err)
	}
}
