package sloth

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
	"gopkg.in/yaml.v3"
)

// readAll reads every document of some files as one set.
func readAll(t testing.TB, paths ...string) (specs []Spec, warnings []string, err error) {
	t.Helper()
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s, w, err := readText(filepath.Base(path), string(data))
		if err != nil {
			return nil, nil, err
		}
		specs, warnings = append(specs, s...), append(warnings, w...)
	}
	return specs, warnings, nil
}

func readText(name, text string) (specs []Spec, warnings []string, err error) {
	doc := strict.Doc{Op: "reading SLO file", File: name}
	nodes, err := doc.Nodes([]byte(text))
	if err != nil {
		return nil, nil, err
	}
	for _, n := range nodes {
		s, w, err := Read(doc, n)
		if err != nil {
			return nil, nil, err
		}
		specs, warnings = append(specs, s), append(warnings, w...)
	}
	return specs, warnings, nil
}

// golden reads rules as Prometheus would, from a file of rules or a PrometheusRule.
func golden(t testing.TB, data []byte) []promql.Rules {
	t.Helper()
	type group struct {
		Name, Interval string
		Rules          []struct {
			Record, Alert, Expr, For string
			Labels, Annotations      map[string]string
		}
	}
	var list []promql.Rules
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	for {
		var f struct {
			Groups []group
			Spec   struct{ Groups []group }
		}
		if err := dec.Decode(&f); err != nil {
			return list
		}
		var r promql.Rules
		for _, g := range append(f.Groups, f.Spec.Groups...) {
			to := promql.Group{Name: g.Name, Interval: duration(t, g.Interval)}
			for _, x := range g.Rules {
				to.Rules = append(to.Rules, promql.Rule{Record: x.Record, Alert: x.Alert, Expr: x.Expr, For: duration(t, x.For),
					Labels: promql.LabelsOf(x.Labels), Annotations: promql.LabelsOf(x.Annotations)})
			}
			r.Groups = append(r.Groups, to)
		}
		list = append(list, r)
	}
}

func duration(t testing.TB, s string) time.Duration {
	if s == "" {
		return 0
	}
	d, err := promql.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// sameRules compares what is made of specs with a golden, in memory and as YAML.
func sameRules(t *testing.T, want string, o Options, specs []Spec) {
	t.Helper()
	data, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	files, err := Generate(o, specs...)
	if err != nil {
		t.Fatal(err)
	}
	wanted := golden(t, data)
	if n, _ := count(wanted); n == 0 && !o.DisableRecordings {
		t.Fatalf("%s holds no rules: this test reads it wrongly", want)
	}
	for _, d := range promql.Diff(wanted, files) {
		t.Error(d)
	}
	var b strings.Builder
	if err := promql.WriteYAML(&b, files...); err != nil {
		t.Fatal(err)
	}
	for _, d := range promql.Diff(files, golden(t, []byte(b.String()))) {
		t.Errorf("written as YAML: %s", d)
	}
}

func count(files []promql.Rules) (records, alerts int) {
	for _, f := range files {
		r, a := f.Size()
		records, alerts = records+r, alerts+a
	}
	return records, alerts
}

func TestGenerateEqualsSloth(t *testing.T) {
	example := Options{Version: "dev", Labels: map[string]string{"cmd": "examplesgen.sh"}}
	windows := catalogue(t, "testdata/integration-7d.yaml")
	f := func(in, out string, o Options) {
		t.Run(out, func(t *testing.T) {
			specs, _, err := readAll(t, "testdata/"+in)
			if err != nil {
				t.Fatal(err)
			}
			sameRules(t, "testdata/"+out, o, specs)
		})
	}
	f("base.in.yaml", "base.out.yaml", Options{Version: "dev"})
	f("base.in.yaml", "base-no-recordings.out.yaml", Options{Version: "dev", DisableRecordings: true})
	f("base.in.yaml", "base-custom-windows-7d.out.yaml", Options{Version: "dev", Period: 7 * day, Windows: []Windows{windows}})
	f("k8s-getting-started.in.yaml", "k8s-getting-started.out.yaml", example)
	f("openslo-getting-started.in.yaml", "openslo-getting-started.out.yaml", example)
}

func catalogue(t testing.TB, path string) Windows {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc := strict.Doc{Op: "reading alert windows", File: path}
	nodes, err := doc.Nodes(data)
	if err != nil || len(nodes) != 1 {
		t.Fatal(err, len(nodes))
	}
	w, err := ReadWindows(doc, nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// benchDir is the folder of the benchmark's SLO data.
func benchDir(t testing.TB, part string) string {
	t.Helper()
	dir := filepath.Join(cmp.Or(os.Getenv("PITWALL_BENCH"), "../../../../shared/bench"), "slo", part)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED, NOT PASSED: %s is not there; set PITWALL_BENCH to the folder of the benchmark data", dir)
	}
	return dir
}

type benchCase struct {
	Kind    string
	In      json.RawMessage
	Out     string
	Valid   bool
	Options struct {
		Period            string `json:"slo_period"`
		Windows           string
		DisableAlerts     bool `json:"disable_alerts"`
		DisableRecordings bool `json:"disable_recordings"`
		Plugin            bool
		Labels            map[string]string `json:"extra_labels"`
	}
}

func (c benchCase) paths(dir string) []string {
	var list []string
	if json.Unmarshal(c.In, &list) != nil {
		list = make([]string, 1)
		_ = json.Unmarshal(c.In, &list[0])
	}
	for i := range list {
		list[i] = filepath.Join(dir, list[i])
	}
	return list
}

func TestBench(t *testing.T) {
	dir := benchDir(t, "sloth")
	data, err := os.ReadFile(filepath.Join(dir, "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []benchCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	pairs, verdicts := 0, 0
	for _, c := range cases {
		t.Run(c.Kind+" "+string(c.In), func(t *testing.T) {
			specs, _, err := readAll(t, c.paths(dir)...)
			switch {
			case c.Options.Plugin:
				if pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), "plugin") && !strings.Contains(err.Error(), "unknown field") {
					t.Errorf("want plugins refused, got %v", err)
				}
			case c.Kind == "generate" && err != nil:
				t.Error(err)
			case c.Kind == "generate":
				pairs++
				sameRules(t, filepath.Join(dir, c.Out), benchOptions(t, dir, c), specs)
			default:
				verdicts++
				if err == nil {
					_, err = Generate(Options{}, specs...)
				}
				if (err == nil) != c.Valid {
					t.Errorf("want valid %v, got %v", c.Valid, err)
				}
			}
		})
	}
	if pairs != 11 || verdicts != 10 {
		t.Errorf("%d pairs and %d verdicts compared, want 11 and 10", pairs, verdicts)
	}
}

func benchOptions(t testing.TB, dir string, c benchCase) Options {
	o := Options{Version: "dev", DisableAlerts: c.Options.DisableAlerts, DisableRecordings: c.Options.DisableRecordings, Labels: c.Options.Labels, Period: duration(t, c.Options.Period)}
	if strings.HasPrefix(c.Out, "examples/") {
		o.Labels = map[string]string{"cmd": "examplesgen.sh"} // as the script that makes them says
	}
	if c.Options.Windows != "" {
		o.Windows = []Windows{catalogue(t, filepath.Join(dir, c.Options.Windows))}
	}
	return o
}

func TestBenchWindows(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(benchDir(t, "sloth"), "windows", "*.yaml"))
	if err != nil || len(paths) < 5 {
		t.Fatal(paths, err)
	}
	for _, p := range paths {
		catalogue(t, p)
	}
}

func TestEdges(t *testing.T) {
	dir := benchDir(t, "edge")
	f := func(name string, words ...string) {
		t.Helper()
		_, _, err := readAll(t, filepath.Join(dir, "sloth", name))
		if err == nil || pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%s: want it refused, got %v", name, err)
			return
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v does not name %q", name, err, w)
			}
		}
	}
	f("hundred.yaml", "hundred.yaml:5", "leaves no budget", "any error pages", "divides by zero")
	f("mismatch.yaml", "mismatch.yaml:9", "1e+09", "a fixed 5m", "each window")
	f("openslo.yaml", "openslo.yaml:10", "no target")
}

const base = `version: prometheus/v1
service: shop
slos:
  - name: checkout
    objective: OBJECTIVE
    sli:
      events:
        error_query: sum(rate(x{code=~"5.."}[{{.window}}]))
        total_query: sum(rate(x[{{.window}}]))
    alerting:
      name: A
`

func TestRefused(t *testing.T) {
	good := strings.ReplaceAll(base, "OBJECTIVE", "99.9")
	f := func(old, to, want, hint string) {
		t.Helper()
		text := strings.Replace(good, old, to, 1)
		if text == good {
			t.Fatalf("%q is not in the document", old)
		}
		_, _, err := readText("f.yaml", text)
		var e *pitwall.Error
		if !errors.As(err, &e) || e.Kind != pitwall.Invalid || !strings.Contains(err.Error(), want) || !strings.Contains(e.Hint, hint) {
			t.Errorf("%s -> %s: got %v (hint %q), want %q and hint %q", old, to, err, pitwall.HintOf(err), want, hint)
		}
	}
	f("prometheus/v1", "prometheus/v2", `f.yaml:1: version is "prometheus/v2"`, "")
	f("alerting:", "alertingg:", `f.yaml:10: unknown field "alertingg": did you mean "alerting"?`, "known here")
	f("shop", `""`, "service is missing", "")
	f("checkout", `""`, "has no name", "")
	f("99.9", "100", "leaves no budget", "99.9")
	f("99.9", "101", "above 0 and below 100", "percentage")
	f("99.9", "0", "above 0 and below 100", "")
	f("99.9", "0.999", "0.999 %; 99.9 was surely meant", "99.9")
	f("99.9", "[1]", "not a number", "")
	f("99.9", "80", "no page can ever fire", "raise the objective")
	f("    objective: 99.9\n", "", "has no objective", "99.9")
	f("name: A", "name: ''", "have no name", "disable")
	f("rate(x{", "rat(x{", `f.yaml:8: error_query: reading PromQL: line 1, column 5`, "")
	f("sum(rate(x[{{.window}}]))", "x[5m]", "f.yaml:9: total_query gives stretches of samples", "wrap")
	f("total_query: sum(rate(x[{{.window}}]))", "total_query: sum(rate(x[5m]))", "a fixed 5m", "both")
	f("name: A", "name: A\n      labels: {a-b: c}", `"a-b" is no label name`, "")
	f("name: A", "name: A\n      page_alert: {labels: {sloth_severity: c}}", "set by the rules themselves", "")
	f("service: shop", "service: shop\nslo_plugins: {chain: []}", "slo_plugins names a Sloth plugin", "write the query")
	f("      events:", "      raw: {error_ratio_query: x}\n      events:", "both sli.raw and sli.events", "keep one")
	f("alerting:", "plugins: {chain: [{id: x}]}\n    alerting:", "plugins names a Sloth plugin", "")
	twice := good + good[strings.Index(good, "  - name"):]
	if _, _, err := readText("f.yaml", twice); err == nil || !strings.Contains(err.Error(), "defined twice") {
		t.Errorf("the same name twice: %v", err)
	}
	specs, _, err := readText("f.yaml", good+"---\n"+good)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Generate(Options{}, specs...); err == nil || !strings.Contains(err.Error(), `f.yaml:16: SLO "shop-checkout" is defined twice, first at f.yaml:4`) {
		t.Errorf("the same SLO in two documents: %v", err)
	}
	if _, err := Generate(Options{Period: 9 * day}, specs[0]); err == nil || !strings.Contains(err.Error(), "period of 9d") {
		t.Errorf("a period without windows: %v", err)
	}
}

// TestRefusedInEitherSpelling: line and hint are in the words of the document.
func TestRefusedInEitherSpelling(t *testing.T) {
	f := func(slo, want, hint string) {
		t.Helper()
		_, _, err := readText("k.yaml", "apiVersion: sloth.slok.dev/v1\nkind: PrometheusServiceLevel\nmetadata: {name: a}\nspec:\n  service: shop\n  slos:\n  - name: checkout\n    objective: 99.9\n"+slo)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(pitwall.HintOf(err), hint) {
			t.Errorf("got %v (hint %q), want %q and hint %q", err, pitwall.HintOf(err), want, hint)
		}
	}
	f("    sli: {}\n", "k.yaml:7: SLO \"checkout\" has no indicator", "sli.events with errorQuery and totalQuery")
	f("    sli:\n      events:\n        errorQuery: sum(rate(x[{{.window}}]))\n        totalQuery: x[5m]\n", "k.yaml:12: total_query gives stretches", "wrap")
	f("    sli:\n      raw: {errorRatioQuery: x}\n      events: {errorQuery: x, totalQuery: y}\n", "k.yaml:7: SLO \"checkout\" has both", "keep one")
	_, _, err := readText("f.yaml", "version: prometheus/v1\nservice: shop\nslos:\n- name: checkout\n  objective: 99.9\n")
	if !strings.Contains(pitwall.HintOf(err), "sli.events with error_query and total_query") {
		t.Errorf("%v (hint %q)", err, pitwall.HintOf(err))
	}
}

func TestWarned(t *testing.T) {
	f := func(old, to, want string) {
		t.Helper()
		text := strings.Replace(strings.ReplaceAll(base, "OBJECTIVE", "99.9"), old, to, 1)
		_, warnings, err := readText("f.yaml", text)
		if err != nil || !strings.Contains(strings.Join(warnings, "\n"), want) {
			t.Errorf("%s: got %q, %v, want %q", to, warnings, err, want)
		}
	}
	f("99.9", "90", "tier page-quick can never fire: 14.4 × (1 − 0.9) ≥ 1")
	f("error_query: sum", "error_query: 2*sum", "error_query is scaled by 2")
	f("name: A", "name: A\n      pageAlert: {disable: true}", "f.yaml:12: pageAlert is not read in a prometheus/v1 file, not by Sloth either; write page_alert")
	if _, warnings, err := readText("f.yaml", strings.ReplaceAll(base, "OBJECTIVE", "99.9")); err != nil || len(warnings) > 0 {
		t.Errorf("nothing is wrong, got %q, %v", warnings, err)
	}
	_, warnings, err := readText("f.yaml", `{version: prometheus/v1, service: s, slos: [{name: a, objective: 99, sli: {raw: {error_ratio_query: x}}, alerting: {name: A}}]}`)
	if err != nil || !strings.Contains(strings.Join(warnings, ""), "every window shows the same") {
		t.Errorf("got %q, %v", warnings, err)
	}
}

func TestParse(t *testing.T) {
	doc := strict.Doc{Op: "reading", File: "f.yaml"}
	nodes, _ := doc.Nodes([]byte(strings.ReplaceAll(base, "OBJECTIVE", "90")))
	slos, warnings, err := Parse(doc, nodes[0])
	if err != nil || len(slos) != 1 || len(warnings) != 1 {
		t.Fatal(slos, warnings, err)
	}
	s := slos[0]
	if s.Name != "shop-checkout" || s.DisplayName != "checkout" || s.Service != "shop" || s.Target != 0.9 || s.Window != 30*day || s.Source != "f.yaml:4" || s.Preset != "sre-workbook" {
		t.Errorf("got %+v", s)
	}
	if s.SLI.Kind != pitwall.SLIEvents || s.SLI.Query.Bad != `sum(rate(x{code=~"5.."}[{{.window}}]))` || s.SLI.Query.Total != `sum(rate(x[{{.window}}]))` || s.SLI.Query.Good != "" {
		t.Errorf("got %+v", s.SLI.Query)
	}
	var names []string
	for _, tier := range s.Tiers {
		names = append(names, tier.Name)
	}
	if got := strings.Join(names, " "); got != "page-slow ticket-quick ticket-slow" {
		t.Errorf("tiers: %s", got)
	}
	if f := s.Tiers[0]; f.Factor != 6 || f.Long != 6*time.Hour || f.Short != 30*time.Minute || f.Action != pitwall.ActionPage {
		t.Errorf("got %+v", f)
	}
}
