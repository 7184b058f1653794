package enforce_test

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/enforce"
)

func gate() pitwall.Gate {
	return pitwall.Gate{Schema: "pitwall.gate/1", Name: "inventory-response-size", Plan: "PIP-42", Service: "inventory", Operation: "POST /v1/items/lookup",
		Mode: "enforce", MedianBytes: 8000, MaxRatio: 2, Requests: []pitwall.GateRequest{{Method: "GET", Path: "/x"}}}
}

func samples(n int, size, step int64) []enforce.Sample {
	var list []enforce.Sample
	for i := range n {
		list = append(list, enforce.Sample{Request: "GET /x", Status: 200, Bytes: size + step*int64(i)})
	}
	return list
}

func TestJudgeSizes(t *testing.T) {
	f := func(want enforce.Verdict, exit int, words string, s []enforce.Sample) {
		t.Helper()
		r := enforce.JudgeSizes(gate(), s)
		if r.Verdict != want || r.ExitCode() != exit || !strings.Contains(r.Words, words) {
			t.Errorf("got %s, exit %d: %s", r.Verdict, r.ExitCode(), r.Words)
		}
	}
	with := func(s []enforce.Sample, more ...enforce.Sample) []enforce.Sample { return append(s, more...) }
	f(enforce.Pass, 0, "median response 8.2 kB [8.1 kB, 8.4 kB], n = 10 is within the limit of 16 kB", samples(10, 8000, 50))
	f(enforce.Pass, 0, "within", samples(5, 16000, 0)) // the limit itself is allowed
	f(enforce.Fail, 1, "85 kB [85 kB, 85 kB], n = 10 is above the limit of 16 kB", samples(10, 85000, 50))
	f(enforce.Fail, 1, "above", samples(5, 16001, 0))
	f(enforce.Inconclusive, 3, "nothing was measured", nil)
	f(enforce.Inconclusive, 3, "4 good answers, at least 5 are needed; 0 failed", samples(4, 8000, 0))
	f(enforce.Inconclusive, 3, "4 good answers, at least 5 are needed; 0 failed", samples(4, 85000, 0))
	f(enforce.Inconclusive, 3, "1 of 10 requests failed", with(samples(9, 8000, 0), enforce.Sample{Status: 500, Bytes: 20}))
	f(enforce.Inconclusive, 3, "1 of 10 requests failed", with(samples(9, 8000, 0), enforce.Sample{Status: 302}))
	f(enforce.Inconclusive, 3, "1 of 10 requests failed", with(samples(9, 8000, 0), enforce.Sample{Error: "connection refused"}))
	f(enforce.Inconclusive, 3, "1 of 10 requests failed", with(samples(9, 8000, 0), enforce.Sample{Status: 200, Bytes: -1}))
	f(enforce.Inconclusive, 3, "0 good answers", []enforce.Sample{{Status: 404}, {Status: 404}, {Status: 404}, {Status: 404}, {Status: 404}, {Status: 404}})
	f(enforce.Fail, 1, "above", with(samples(9, 85000, 0), enforce.Sample{Status: 500})) // proven all the same
	f(enforce.Inconclusive, 3, "cannot be told from the limit", samples(10, 12000, 1000))
}

func TestWarnModeNeverFailsABuild(t *testing.T) {
	g := gate()
	g.Mode = "warn"
	r := enforce.JudgeSizes(g, samples(10, 85000, 0))
	if r.Verdict != enforce.Fail || r.ExitCode() != 0 || !strings.Contains(r.Text(), "WOULD FAIL") {
		t.Errorf("exit %d\n%s", r.ExitCode(), r.Text())
	}
	if r := enforce.JudgeSizes(g, nil); r.ExitCode() != 3 {
		t.Errorf("inconclusive in warn mode: exit %d", r.ExitCode())
	}
}

func TestResultForms(t *testing.T) {
	r := enforce.JudgeSizes(gate(), append(samples(10, 85000, 0), enforce.Sample{Request: "GET /x", Error: "connection refused"}))
	want := `gate       inventory-response-size (enforce, from PIP-42)
guards     inventory POST /v1/items/lookup
median     85 kB [85 kB, 85 kB], n = 10
limit      16 kB
warning    GET /x: connection refused
FAIL: median response 85 kB [85 kB, 85 kB], n = 10 is above the limit of 16 kB. See: pitwall plan view PIP-42
`
	if r.Text() != want {
		t.Errorf("got\n%s", r.Text())
	}
	body, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(body), `"verdict":"fail","value":{"value":85000,"unit":"B","low":85000,"high":85000,"n":10},"limit":16000`) {
		t.Errorf("%s, %v", body, err)
	}
	f := func(s []enforce.Sample, failures, errors string) {
		t.Helper()
		x, err := enforce.JudgeSizes(gate(), s).JUnit()
		if err != nil || !strings.Contains(string(x), `tests="1" failures="`+failures+`" errors="`+errors+`"`) {
			t.Errorf("%s, %v", x, err)
		}
		if err := xml.Unmarshal(x, new(struct{})); err != nil {
			t.Error(err)
		}
	}
	f(samples(10, 8000, 0), "0", "0")
	f(samples(10, 85000, 0), "1", "0")
	f(nil, "0", "1")
}

const good = `schema: pitwall.gate/1
name: a
plan: PIP-1
service: s
operation: GET /x
owner: o
mode: warn
median_bytes: 8000
max_ratio: 2
requests:
  - {method: GET, path: "/x?y=1"}
`

func TestParseGateIsStrict(t *testing.T) {
	g, err := enforce.ParseGate("g.yaml", []byte(good))
	if err != nil || g.Limit() != 16000 || enforce.Rounds(g) != 10 {
		t.Fatalf("%+v, %v", g, err)
	}
	f := func(old, new, words string) {
		t.Helper()
		text := strings.Replace(good, old, new, 1)
		_, err := enforce.ParseGate("g.yaml", []byte(text))
		if pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "g.yaml") || pitwall.HintOf(err) == "" {
			t.Errorf("%q: %v", new, err)
		}
	}
	f(good, "", "empty")
	f(good, "[1", "g.yaml:1")
	f("owner", "ownr", `g.yaml:6: unknown field "ownr": did you mean "owner"?`)
	f("max_ratio: 2\n", "max_ratio: 2\nmax_ratio: 3\n", "already defined")
	f("gate/1", "gate/2", "pitwall.gate/2")
	f("mode: warn", "mode: off", "mode")
	f("8000", "0", "median_bytes")
	f("8000", "many", "g.yaml:8")
	f("ratio: 2", "ratio: .nan", "max_ratio")
	f("ratio: 2", "ratio: .inf", "max_ratio")
	f("ratio: 2", "ratio: 0.5", "max_ratio")
	f("ratio: 2", "ratio: 1e300", "max_ratio")
	f("service: s\n", "", "service")
	f("requests:\n  - {method: GET, path: \"/x?y=1\"}\n", "", "requests")
	f("GET, path", "get, path", "method")
	f("/x?y=1", "//evil.example/x", "path")
	f("/x?y=1", "http://evil.example", "path")
	f("/x?y=1", "/x y", "path")
	f("requests", "---\nrequests", "one document")
}

func FuzzParseGate(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := enforce.ParseGate("f", data)
		if err == nil && (g.Limit() < g.MedianBytes || len(g.Requests) == 0) {
			t.Errorf("accepted %+v", g)
		}
	})
}
