package slogen

import (
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/strict"
)

func readText(name, text string) ([]pitwall.SLO, []string, error) {
	doc := strict.Doc{Op: "reading SLO file", File: name}
	nodes, err := doc.Nodes([]byte(text))
	if err != nil {
		return nil, nil, err
	}
	if len(nodes) != 1 {
		return nil, nil, doc.Wrong(0, "", "%d documents", len(nodes))
	}
	return Parse(doc, nodes[0])
}

func readFile(t testing.TB, path string) ([]pitwall.SLO, []string, error) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return readText(filepath.Base(path), string(data))
}

func TestSamples(t *testing.T) {
	slos, warnings, err := readFile(t, "testdata/slo_prom_metrics_latency_distribution_cut.yaml")
	if err != nil || len(slos) != 1 || len(warnings) != 0 {
		t.Fatal(slos, warnings, err)
	}
	s := slos[0]
	if s.Name != "prom-metrics-latency" || s.Service != "prom" || s.Target != 0.9999 || s.Window != 28*day || s.Preset != "slo-generator" || s.Tiers != nil || s.Labels["slo_name"] != "latency" {
		t.Errorf("got %+v", s)
	}
	if q := s.SLI.Query; s.SLI.Kind != pitwall.SLIEvents ||
		q.Good != `sum(rate(http_request_duration_seconds_bucket{code=~"2..",handler="/metrics",le="0.25"}[{{.window}}]))` ||
		q.Total != `sum(rate(http_request_duration_seconds_count{code=~"2..",handler="/metrics"}[{{.window}}]))` {
		t.Errorf("got %+v", q)
	}
	slos, _, err = readFile(t, "testdata/slo_prom_metrics_latency_query_sli.yaml")
	if err != nil || slos[0].SLI.Kind != pitwall.SLIRatio || slos[0].SLI.Query.RatioOfBad {
		t.Fatal(slos, err)
	}
	e, err := promql.Parse(slos[0].SLI.Query.Ratio)
	if err != nil || !e.Windowed() || len(promql.Selectors(e)) != 2 {
		t.Errorf("%s: %v", slos[0].SLI.Query.Ratio, err)
	}
	_, _, err = readFile(t, "testdata/slo_dd_app_availability_query_slo.yaml")
	if err == nil || !strings.Contains(err.Error(), `backend "datadog" is not read`) || !strings.Contains(pitwall.HintOf(err), "OTLP") {
		t.Errorf("got %v (%s)", err, pitwall.HintOf(err))
	}
}

// TestBench: every sample is read, or refused with its backend's name.
func TestBench(t *testing.T) {
	dir := filepath.Join(cmp.Or(os.Getenv("PITWALL_BENCH"), "../../../../shared/bench"), "slo", "slo-generator")
	data, err := os.ReadFile(filepath.Join(dir, "cases.json"))
	if err != nil {
		t.Skipf("SKIPPED, NOT PASSED: %s is not there; set PITWALL_BENCH to the folder of the benchmark data", dir)
	}
	var cases []struct{ File, Backend string }
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, c := range cases {
		_, _, err := readFile(t, filepath.Join(dir, c.File))
		switch {
		case c.Backend == "prometheus" && err == nil:
			read++
		case c.Backend == "prometheus":
			t.Error(err)
		case pitwall.KindOf(err) != pitwall.Invalid || pitwall.HintOf(err) == "" || !strings.Contains(err.Error(), "backend"):
			t.Errorf("%s: got %v, want its backend refused", c.File, err)
		case c.Backend != "custom" && c.Backend != "test" && !strings.Contains(strings.ReplaceAll(err.Error(), "open_search", "opensearch"), `"`+c.Backend):
			t.Errorf("%s: %v does not name %s", c.File, err, c.Backend)
		}
	}
	if read != 2 || len(cases) != 21 {
		t.Errorf("%d of %d read, want 2 of 21", read, len(cases))
	}
	for file, want := range map[string]int{"config.yaml": 2, "test/config.yaml": 1, "config_export.yaml": 0, "test/config_export.yaml": 0} {
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		policies, err := policiesOf(string(data))
		if err != nil || len(policies) != want {
			t.Errorf("%s: %v, %v, want %d policies", file, policies, err, want)
		}
		if file == "config.yaml" {
			steps := policies["default"]
			if len(steps) != 4 || steps[0].Factor != 9 || steps[0].Long != time.Hour || steps[3].Factor != 1 || steps[3].Long != 28*day || steps[1].Action != pitwall.ActionPage || steps[2].Action != pitwall.ActionTicket {
				t.Errorf("got %+v", steps)
			}
		}
	}
}

func policiesOf(text string) (map[string][]pitwall.BurnTier, error) {
	doc := strict.Doc{Op: "reading policies", File: "config.yaml"}
	nodes, err := doc.Nodes([]byte(text))
	if err != nil || len(nodes) != 1 {
		return nil, cmp.Or(err, doc.Wrong(0, "", "%d documents", len(nodes)))
	}
	return Policies(doc, nodes[0])
}

func TestPolicies(t *testing.T) {
	data, err := os.ReadFile("testdata/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := policiesOf(string(data))
	if err != nil || len(got["default"]) != 1 || got["default"][0].Factor != 9 || got["default"][0].Short != time.Hour || got["default"][0].Name != "1-hour" {
		t.Errorf("got %v, %v", got, err)
	}
	for bad, want := range map[string]string{
		"error_budget_policies: {a: {steps: [{burn_rate_threshold: 0, window: 3600}]}}": "must be above 0",
		"error_budget_policies: {a: {steps: [{burn_rate_threshold: 1, window: 1}]}}":    "must be seconds",
		"error_budget_policies: {a: {stps: []}}":                                        `did you mean "steps"?`,
		"error_budget_policy: {}":                                                       "unknown field",
	} {
		if _, err := policiesOf(bad); pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", bad, err, want)
		}
	}
}

const base = `apiVersion: sre.google.com/v2
kind: ServiceLevelObjective
metadata: {name: a}
spec:
  backend: prometheus
  method: good_bad_ratio
  service_level_indicator:
    filter_good: http_total{code!~"5.."}
    filter_valid: sum(increase(http_total[window]))
  goal: 0.999
`

func TestGoodBad(t *testing.T) {
	slos, _, err := readText("f.yaml", base)
	if err != nil {
		t.Fatal(err)
	}
	if q := slos[0].SLI.Query; q.Good != `sum(rate(http_total{code!~"5.."}[{{.window}}]))` || q.Total != `sum(increase(http_total[{{.window}}]))` || q.Bad != "" {
		t.Errorf("got %+v", q)
	}
	slos, _, err = readText("f.yaml", strings.Replace(base, "filter_valid", "filter_bad", 1))
	if err != nil || slos[0].SLI.Query.Bad == "" || slos[0].SLI.Query.Total != "" {
		t.Errorf("got %+v, %v", slos, err)
	}
	slos, warnings, err := readText("f.yaml", strings.Replace(base, "  goal", "  error_budget_policy: fast\n  goal", 1))
	if err != nil || slos[0].Preset != "slo-generator" || len(warnings) != 1 || !strings.Contains(warnings[0], "the policy fast") {
		t.Errorf("got %+v, %v, %v", slos, warnings, err)
	}
}

func TestRefused(t *testing.T) {
	f := func(old, to, want string) {
		t.Helper()
		text := strings.Replace(base, old, to, 1)
		if text == base {
			t.Fatalf("%q is not in the document", old)
		}
		_, _, err := readText("f.yaml", text)
		var e *pitwall.Error
		if !errors.As(err, &e) || e.Kind != pitwall.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s -> %s: got %v, want %q", old, to, err, want)
		}
	}
	f("/v2", "/v1", `apiVersion is "sre.google.com/v1"`)
	f("ServiceLevelObjective", "SLO", `kind is "SLO"`)
	f("{name: a}", "{}", "metadata.name is missing")
	f("method: good_bad_ratio", "method: good_bad_rate", `f.yaml:6: method is "good_bad_rate": did you mean "good_bad_ratio"?`)
	f("goal: 0.999", "goal: 1", "leaves no budget")
	f("goal: 0.999", "goal: 99.9", "between 0 and 1")
	f("goal: 0.999", "goal: x", "not a number")
	f("  goal: 0.999\n", "", "goal is missing")
	f("filter_valid", "filter_vlid", `f.yaml:9: unknown field "filter_vlid": did you mean "filter_valid"?`)
	f("filter_good", "filter_bad", "needs filter_good")
	f("[window]", "[windo]", "f.yaml:9: filter_valid: reading PromQL")
	f("http_total{", "5 < http_total{", "comparison")
	f("good_bad_ratio", "distribution_cut", "expression is missing")
	f("good_bad_ratio\n  service_level_indicator:\n    filter_good: http_total", "distribution_cut\n  service_level_indicator:\n    expression: http_total", "named _bucket")
	f("good_bad_ratio\n  service_level_indicator:\n    filter_good: http_total{code!~\"5..\"}", "distribution_cut\n  service_level_indicator:\n    expression: x_bucket", "not a positive number")
}

// FuzzParse: no document makes the reader panic.
func FuzzParse(f *testing.F) {
	f.Add(base)
	f.Add(strings.Replace(base, "good_bad_ratio", "query_sli", 1))
	f.Add("error_budget_policies: {a: {steps: [{burn_rate_threshold: 1, window: 100}]}}")
	f.Fuzz(func(t *testing.T, text string) {
		if _, _, err := readText("f.yaml", text); err != nil && pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%v is of kind %s", err, pitwall.KindOf(err))
		}
		if _, err := policiesOf(text); err != nil && pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%v is of kind %s", err, pitwall.KindOf(err))
		}
	})
}
