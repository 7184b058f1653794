package slotest

import (
	"encoding/json"
	"encoding/xml"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/junit"
)

// update rewrites the golden files. It is read-only after flags are parsed.
var update = flag.Bool("update", false, "rewrite golden files")

func run(t *testing.T, name string) []Result {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	results, err := Run(Input{Name: filepath.ToSlash(name), Data: data, Open: os.ReadFile})
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func TestPass(t *testing.T) {
	results := run(t, "testdata/pass.yaml")
	if !Passed(results) || len(results) != 7 {
		t.Errorf("%d tests:\n%s", len(results), Text(results))
	}
	if Passed(nil) {
		t.Error("no test is no pass")
	}
}

// TestFail: a test that must fail fails, in the words of the golden file.
func TestFail(t *testing.T) {
	results := run(t, "testdata/fail.yaml")
	for _, r := range results {
		if r.Passed {
			t.Errorf("%s passed", r.Name)
		}
	}
	golden(t, "testdata/fail.txt", Text(results))
	text, err := JUnit(results)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/fail.xml", string(text))
	var back junit.Report
	if err := xml.Unmarshal(text, &back); err != nil || back.Suites[0].Failures != len(results) || back.Suites[0].Tests != len(results) {
		t.Errorf("%+v, %v", back, err)
	}
	if _, err := json.Marshal(results); err != nil {
		t.Error(err)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestRefusals: a test that cannot mean what it says is refused with its line.
func TestRefusals(t *testing.T) {
	head := "objectives: [testdata/objectives.yaml]\ntests:\n"
	f := func(body, want string) {
		t.Helper()
		_, err := Run(Input{Name: "t.yaml", Data: []byte(head + body), Open: os.ReadFile})
		if pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "t.yaml:") || pitwall.HintOf(err) == "" {
			t.Errorf("%s: %v (hint %q), want %q", body, err, pitwall.HintOf(err), want)
		}
	}
	ok := "expect: [{at: 1m, spent: 0}]"
	f("- {name: a, slo: checkout-answer, counts: [{good: 1}], "+ok+"}", `did you mean "checkout-answers"`)
	f("- {name: a, counts: [{good: 1}], "+ok+"}", "slo is missing")
	f("- {slo: checkout-answers, counts: [{good: 1}], "+ok+"}", "name is missing")
	f("- {name: a, slo: checkout-answers, counts: [{good: 1}]}", "could not fail")
	f("- {name: a, slo: checkout-answers, "+ok+"}", "counts or series are missing")
	f("- {name: a, slo: checkout-answers, counts: [{good: 1x}], "+ok+"}", "after x comes")
	f("- {name: a, slo: checkout-answers, counts: [{good: -1}], "+ok+"}", "no number of events")
	f("- {name: a, slo: checkout-answers, counts: [{good: 1x999999999}], "+ok+"}", "more than")
	f("- {name: a, slo: checkout-answers, counts: [{good: 1}, {bad: 1}], "+ok+"}", "given twice")
	f("- {name: a, slo: checkout-answers, counts: [{good: 1}], expect: [{at: 90s, spent: 0}]}", "no multiple")
	f("- {name: a, slo: checkout-answers, counts: [{good: 1}], expect: [{at: 2m, spent: 0}, {at: 1m, spent: 0}]}", "comes before")
	f("- {name: a, slo: checkout-answers, counts: [{good: 1}], expect: [{at: 1m}]}", "nothing is expected")
	f("- {name: a, slo: checkout-answers, counts: [{good: 1}], expect: [{at: 1m, fires: [page-fats]}]}", `did you mean "page-fast"`)
	f("- {name: a, slo: checkout-answers, counts: [{good: 1}], expect: [{at: 1m, spent: much}]}", "is no number")
	f("- {name: a, slo: checkout-answers, counts: [{good: 1}], expect: [{at: 500d, spent: 0}]}", "longer than a test")
	f("- {name: a, slo: checkout-answers, counts: [{good: 1}], exspect: []}", `did you mean "expect"`)
	f("- {name: a, slo: checkout-answers, start: noon, counts: [{good: 1}], "+ok+"}", "no instant")
	f("- {name: a, slo: checkout-answers, start: 2026-01-01T00:00:01Z, counts: [{good: 1}], "+ok+"}", "not the beginning of a step")
	f("- {name: a, slo: checkout-answers, step: 10ms, counts: [{good: 1}], "+ok+"}", "whole number of seconds")
	f("- {name: a, slo: checkout-answers, every: 1s, counts: [{good: 1}], "+ok+"}", "at least a step")
	f("- {name: a, slo: checkout-answers, counts: [{good: 1}], corrections: [{from: 5m, to: 5m}], "+ok+"}", "is empty")
	f("- {name: a, slo: checkout-answers, series: [{series: x, values: 1}], "+ok+"}", "counted from spans")
	f("- {name: a, slo: checkout-requests, series: [{series: 'x{a!=\"b\"}', values: 1}], "+ok+"}", "labels with =")
	f("- {name: a, slo: checkout-requests, series: [{series: 'rate(x[5m])', values: 1}], "+ok+"}", "is no series")
	f("- {name: a, slo: checkout-requests, series: [{series: x, values: abc}], "+ok+"}", "is no sample")
	f("- 4", "a test has a name")
	if _, err := Run(Input{Name: "t.yaml", Data: []byte("objectives: [none.yaml]\ntests: [{name: a}]"), Open: os.ReadFile}); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := Run(Input{Name: "t.yaml", Data: []byte("tests: []"), Open: os.ReadFile}); pitwall.KindOf(err) != pitwall.Invalid {
		t.Error(err)
	}
}

func TestNotation(t *testing.T) {
	c, err := counts("2x3 0 _x2 5")
	if diff := cmp.Diff([]int64{2, 2, 2, 0, -1, -1, 5}, c); diff != "" || err != nil {
		t.Error(diff, err)
	}
	v, err := values("0+10x2 5x1 _ 1-1x1 stale _x2 1e3")
	var got []float64
	for _, s := range v {
		if !s.there {
			s.v = -99
		}
		got = append(got, s.v)
	}
	if diff := cmp.Diff([]float64{0, 10, 20, 5, 5, -99, 1, 0, -99, -99, -99, 1000}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for text, want := range map[string]near{"0.5": {0.5, 1e-6}, "50 % ± 1 %": {0.5, 0.01 + 1e-12}, "-2 +- 0.5": {-2, 0.5 + 1e-12}, "200": {200, 2e-4}} {
		if n, err := number(text); err != nil || math.Abs(n.want-want.want) > 1e-15 || math.Abs(n.within-want.within) > 1e-15 {
			t.Errorf("%s: %+v, %v", text, n, err)
		}
	}
	for _, text := range []string{"", "x", "1 ± -1", "NaN", "1 ±"} {
		if n, err := number(text); err == nil {
			t.Errorf("%q was read as %+v", text, n)
		}
	}
}

func FuzzRun(f *testing.F) {
	objectives, err := os.ReadFile("testdata/objectives.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("objectives: [o]\ntests: [{name: a, slo: checkout-answers, counts: [{good: 1x5, bad: _}], expect: [{at: 3m, spent: 1 ± 5 %, firing: []}]}]")
	f.Add("objectives: [o]\ntests: [{name: a, slo: checkout-requests, step: 30s, series: [{series: 'http_requests_total{job=\"checkout\"}', values: 0+5x9}], expect: [{at: 3m, ends_in: never}]}]")
	open := func(string) ([]byte, error) { return objectives, nil }
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "dwy") && len(text) > 2000 {
			t.Skip("a year of minutes takes its time")
		}
		results, err := Run(Input{Name: "f", Data: []byte(text), Open: open})
		if err == nil && len(results) == 0 {
			t.Error("no result and no error")
		}
	})
}
