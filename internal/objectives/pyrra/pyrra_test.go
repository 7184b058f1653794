package pyrra

import (
	"cmp"
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

const day = 24 * time.Hour

func readText(name, text string) (Spec, []string, error) {
	doc := strict.Doc{Op: "reading SLO file", File: name}
	nodes, err := doc.Nodes([]byte(text))
	if err != nil {
		return Spec{}, nil, err
	}
	if len(nodes) != 1 {
		return Spec{}, nil, doc.Wrong(0, "", "%d documents", len(nodes))
	}
	return Read(doc, nodes[0])
}

func readFile(t testing.TB, path string) (Spec, []string, error) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return readText(filepath.Base(path), string(data))
}

// golden reads rules as Prometheus would.
func golden(t testing.TB, data []byte) promql.Rules {
	t.Helper()
	var f struct {
		Groups []struct {
			Name, Interval string
			Rules          []struct {
				Record, Alert, Expr, For string
				Labels, Annotations      map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	duration := func(s string) time.Duration {
		d, err := promql.ParseDuration(cmp.Or(s, "0"))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	var r promql.Rules
	for _, g := range f.Groups {
		to := promql.Group{Name: g.Name, Interval: duration(g.Interval)}
		for _, x := range g.Rules {
			to.Rules = append(to.Rules, promql.Rule{Record: x.Record, Alert: x.Alert, Expr: x.Expr, For: duration(x.For),
				Labels: promql.LabelsOf(x.Labels), Annotations: promql.LabelsOf(x.Annotations)})
		}
		r.Groups = append(r.Groups, to)
	}
	return r
}

// sameRules compares all manifests of a folder with the rules beside them.
func sameRules(t *testing.T, dir string) (compared int) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "manifests", "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no manifests in %s: %v", dir, err)
	}
	for _, path := range paths {
		spec, _, err := readFile(t, path)
		if err != nil {
			t.Error(err)
			continue
		}
		for folder, o := range map[string]Options{"generated": {}, "generated-generic": {Generic: true}} {
			data, err := os.ReadFile(filepath.Join(dir, folder, filepath.Base(path)))
			if err != nil {
				t.Logf("%s has no rules to compare with", filepath.Base(path))
				continue
			}
			t.Run(folder+"/"+filepath.Base(path), func(t *testing.T) {
				got, err := Generate(spec, o)
				if err != nil {
					t.Fatal(err)
				}
				want := golden(t, data)
				if records, _ := want.Size(); records < 8 {
					t.Fatalf("%d records: this test reads the rules wrongly", records)
				}
				for _, d := range promql.Diff([]promql.Rules{want}, []promql.Rules{got}) {
					t.Error(d)
				}
				var b strings.Builder
				if err := promql.WriteYAML(&b, got); err != nil {
					t.Fatal(err)
				}
				for _, d := range promql.Diff([]promql.Rules{got}, []promql.Rules{golden(t, []byte(b.String()))}) {
					t.Errorf("written as YAML: %s", d)
				}
			})
			compared++
		}
	}
	return compared
}

func TestGenerateEqualsPyrra(t *testing.T) {
	if n := sameRules(t, "testdata"); n != 8 {
		t.Errorf("%d files compared, want 8", n)
	}
}

func benchDir(t testing.TB, part string) string {
	t.Helper()
	dir := filepath.Join(cmp.Or(os.Getenv("PITWALL_BENCH"), "../../../../shared/bench"), "slo", part)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED, NOT PASSED: %s is not there; set PITWALL_BENCH to the folder of the benchmark data", dir)
	}
	return dir
}

func TestBench(t *testing.T) {
	if n := sameRules(t, benchDir(t, "pyrra")); n != 26 {
		t.Errorf("%d files compared, want 26", n)
	}
}

func TestEdges(t *testing.T) {
	dir := benchDir(t, "edge")
	f := func(name string, refused bool, words ...string) {
		t.Helper()
		_, warnings, err := readFile(t, filepath.Join(dir, "pyrra", name))
		if (err != nil) != refused || err != nil && pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%s: got %v", name, err)
			return
		}
		text := strings.Join(warnings, "\n")
		if refused {
			text = err.Error()
		}
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %q does not name %q", name, text, w)
			}
		}
	}
	f("t100.yaml", true, "t100.yaml:10", "leaves no budget")
	f("t50.yaml", true, "factor 14", "factor 7", "factor 2", "≥ 1")
	f("w12h.yaml", true, "w12h.yaml:11", "0s")
	f("w1h.yaml", true, "0s")
	f("t0.999.yaml", true, "0.999 %", "99.9 was surely meant")
	f("w30d.yaml", false)
}

const base = `apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata:
  name: checkout
  labels: {pyrra.dev/team: shop}
  annotations: {pyrra.dev/runbook_url: "https://runbooks/x"}
spec:
  target: "99.9"
  window: 4w
  indicator:
    ratio:
      errors: {metric: 'http_total{job="a",code=~"5.."}'}
      total: {metric: 'http_total{job="a"}'}
`

func TestRefused(t *testing.T) {
	f := func(old, to, want string) {
		t.Helper()
		text := strings.Replace(base, old, to, 1)
		if text == base {
			t.Fatalf("%q is not in the manifest", old)
		}
		_, _, err := readText("f.yaml", text)
		var e *pitwall.Error
		if !errors.As(err, &e) || e.Kind != pitwall.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s -> %s: got %v, want %q", old, to, err, want)
		}
	}
	f("v1alpha1", "v2", `apiVersion is "pyrra.dev/v2"`)
	f("kind: Service", "kind: Sirvice", `did you mean "ServiceLevelObjective"`)
	f("name: checkout", "name: ''", "metadata.name is missing")
	f("window:", "windw:", `f.yaml:9: unknown field "windw": did you mean "window"?`)
	f("4w", "x", `f.yaml:9: window "x"`)
	f("4w", "1d", "round to 2m and 0s")
	f(`"99.9"`, `"x"`, "not a number")
	f(`"99.9"`, "[1]", "")
	f(`"99.9"`, `""`, "target is missing")
	f(`"99.9"`, `"-1"`, "above 0 and below 100")
	f("ratio:", "ratio2:", "unknown field")
	f("    ratio:", "    bool_gauge: {metric: up}\n    ratio:", "several indicators: ratio, bool_gauge")
	f(`'http_total{job="a"}'`, `'sum(http_total)'`, "f.yaml:13: total must be one metric")
	f(`'http_total{job="a"}'`, `'http_total{job="a"}[5m]'`, "one metric")
	f(`'http_total{job="a"}'`, `'http_total{job="a"} offset 5m'`, "one metric")
	f(`'http_total{job="a"}'`, `'http_total{job='`, "f.yaml:13: total: reading PromQL: line 1, column 16")
	f(`'http_total{job="a"}'`, `''`, "total has no metric")
	f(`,code=~"5.."`, ``, "select the same series")
	f("    ratio:\n      errors:", "    latency:\n      success:", "no condition le=")
	f("    ratio:", "    ratio:\n      grouping: ['a-b']", `"a-b" is no label name`)
}

func TestKinds(t *testing.T) {
	f := func(indicator string, o Options, want map[string]string) {
		t.Helper()
		spec, _, err := readText("f.yaml", base[:strings.Index(base, "    ratio:")]+indicator)
		if err != nil {
			t.Fatal(err)
		}
		rules, err := Generate(spec, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range rules.Groups {
			for _, r := range g.Rules {
				got, err := promql.Parse(r.Expr)
				if err != nil {
					t.Errorf("%s: %v", r.Expr, err)
				}
				name := r.Record + r.Alert
				if text, ok := want[name]; ok {
					e, err := promql.Parse(text)
					if err != nil {
						t.Fatal(err)
					}
					if !promql.Equal(e, got) {
						t.Errorf("%s: got %s, want %s", name, got, e)
					}
					delete(want, name)
				}
			}
		}
		for name := range want {
			t.Errorf("no rule %s", name)
		}
	}
	f("    bool_gauge: {metric: 'up{job=\"a\"}'}\n", Options{Generic: true}, map[string]string{
		"up:burnrate5m":         `(sum(count_over_time(up{job="a"}[5m])) - sum(sum_over_time(up{job="a"}[5m]))) / sum(count_over_time(up{job="a"}[5m]))`,
		"up:count4w":            `sum by (job) (count_over_time(up{job="a"}[4w]))`,
		"up:sum4w":              `sum by (job) (sum_over_time(up{job="a"}[4w]))`,
		"SLOMetricAbsent":       `absent(up{job="a"}) == 1`,
		"pyrra_availability":    `sum(up:sum4w{job="a",slo="checkout"}) / sum(up:count4w{job="a",slo="checkout"})`,
		"pyrra_errors:rate5m":   `sum(up:count4w{job="a",slo="checkout"}) - sum(up:sum4w{job="a",slo="checkout"})`,
		"pyrra_requests:rate5m": `sum(up:count4w{job="a",slo="checkout"})`,
	})
	f("    ratio: {errors: {metric: 'e_total{x!=\"1\"}'}, total: {metric: 't_total{job=~\"a|b\",y=\"1\"}'}, grouping: [handler, job]}\n", Options{Generic: true}, map[string]string{
		"t:increase4w":    `sum by (handler, job, x) (increase(t_total{job=~"a|b",y="1"}[4w]))`,
		"e:increase4w":    `sum by (handler, job, x) (increase(e_total{x!="1"}[4w]))`,
		"t:burnrate1h":    `sum by (handler, job) (rate(e_total{x!="1"}[1h])) / sum by (handler, job) (rate(t_total{job=~"a|b",y="1"}[1h]))`,
		"ErrorBudgetBurn": `t:burnrate5m{job=~"a|b",slo="checkout",y="1"} > (14 * 0.001) and t:burnrate1h{job=~"a|b",slo="checkout",y="1"} > (14 * 0.001)`,
	})
	f("    latency: {success: {metric: 'x_bucket{le=\"0.1\"}'}, total: {metric: x_count}}\n  performanceOverAccuracy: true\n", Options{}, map[string]string{
		"x:increase5m": `sum(increase(x_count[5m]))`,
		"x:increase4w": `sum(sum_over_time(x:increase5m{le=""}[4w:5m]))`,
	})
}

func TestAlerting(t *testing.T) {
	f := func(alerting string, burns, absent int) {
		t.Helper()
		spec, _, err := readText("f.yaml", base+"  alerting: "+alerting+"\n")
		if err != nil {
			t.Fatal(err)
		}
		rules, err := Generate(spec, Options{})
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]int{}
		for _, g := range rules.Groups {
			for _, r := range g.Rules {
				if r.Alert != "" {
					names[r.Alert+" "+r.Labels.Get("severity")]++
					if r.Annotations.Get("runbook_url") != "https://runbooks/x" || r.Labels.Get("team") != "shop" {
						t.Errorf("got %v %v", r.Labels, r.Annotations)
					}
				}
			}
		}
		gotBurns, gotAbsent := names["B critical"]+names["B warning"]+names["B info"], names["SLOMetricAbsent critical"]+names["G critical"]
		if gotBurns != burns || gotAbsent != absent {
			t.Errorf("%s: %v", alerting, names)
		}
	}
	f("{name: B}", 4, 1)
	f("{name: B, burnrates: false}", 0, 1)
	f("{name: B, disabled: true}", 0, 1)
	f("{name: B, absent: false}", 4, 0)
	f("{name: B, absentName: G, severities: {slowBurn: info}}", 4, 1)
}

func TestParse(t *testing.T) {
	doc := strict.Doc{Op: "reading", File: "f.yaml"}
	parse := func(text string) (pitwall.SLO, []string) {
		t.Helper()
		nodes, err := doc.Nodes([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		slos, warnings, err := Parse(doc, nodes[0])
		if err != nil || len(slos) != 1 {
			t.Fatal(slos, err)
		}
		return slos[0], warnings
	}
	s, warnings := parse(base)
	if s.Name != "checkout" || s.Service != "a" || s.Owner != "shop" || s.Runbook != "https://runbooks/x" || s.Target != 0.999 || s.Window != 28*day || s.Preset != "pyrra-28d" || s.Source != "f.yaml:1" || len(warnings) != 0 {
		t.Errorf("got %+v, %q", s, warnings)
	}
	if q := s.SLI.Query; s.SLI.Kind != pitwall.SLIEvents || q.Bad != `sum(rate(http_total{code=~"5..",job="a"}[{{.window}}]))` || q.Total != `sum(rate(http_total{job="a"}[{{.window}}]))` {
		t.Errorf("got %+v", q)
	}
	if len(s.Tiers) != 4 || s.Tiers[0].Factor != 14 || s.Tiers[0].Long != time.Hour || s.Tiers[0].Short != 5*time.Minute || s.Tiers[0].For != 2*time.Minute || s.Tiers[3].For != 3*time.Hour || s.Tiers[1].Action != pitwall.ActionPage || s.Tiers[2].Action != pitwall.ActionTicket {
		t.Errorf("got %+v", s.Tiers)
	}
	s, warnings = parse(strings.Replace(base, "99.9", "90", 1))
	if len(s.Tiers) != 3 || len(warnings) != 1 || !strings.Contains(warnings[0], "fast-burn can never be exceeded: factor 14 × (1 − 0.9)") {
		t.Errorf("got %d tiers, %q", len(s.Tiers), warnings)
	}
	s, _ = parse(base[:strings.Index(base, "    ratio:")] + "    latencyNative: {latency: 200ms, total: {metric: h}}\n")
	if q := s.SLI.Query; q.Good != "histogram_fraction(0, 0.2, sum(rate(h[{{.window}}]))) * histogram_count(sum(rate(h[{{.window}}])))" || s.Service != "checkout" {
		t.Errorf("got %+v", q)
	}
	s, warnings = parse(base[:strings.Index(base, "    ratio:")] + "    bool_gauge: {metric: up, grouping: [x]}\n")
	if q := s.SLI.Query; s.SLI.Kind != pitwall.SLIValue || q.Value != "up" || q.Op != pitwall.GreaterEqual || q.Limit != 1 || len(warnings) != 1 {
		t.Errorf("got %+v %q", q, warnings)
	}
}

// FuzzRead: no manifest makes the reader or the generator panic, and whatever is
// accepted becomes rules whose every expression parses.
func FuzzRead(f *testing.F) {
	f.Add(base)
	f.Add(strings.Replace(base, "ratio:", "latency:", 1))
	f.Add(base[:strings.Index(base, "    ratio:")] + "    bool_gauge: {metric: up, grouping: [x]}\n")
	f.Add(base[:strings.Index(base, "    ratio:")] + "    latencyNative: {latency: 200ms, total: {metric: h}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		spec, _, err := readText("f.yaml", text)
		if err != nil {
			if pitwall.KindOf(err) != pitwall.Invalid {
				t.Fatalf("%v is of kind %s", err, pitwall.KindOf(err))
			}
			return
		}
		toSLO(spec)
		rules, err := Generate(spec, Options{Generic: true})
		if err != nil {
			return
		}
		for _, g := range rules.Groups {
			for _, r := range g.Rules {
				if _, err := promql.Parse(r.Expr); err != nil && !strings.Contains(err.Error(), "words and signs") && !strings.Contains(err.Error(), "longer than") {
					t.Errorf("%s: %v", r.Expr, err)
				}
			}
		}
	})
}

func BenchmarkGenerate1000(b *testing.B) {
	spec, _, err := readText("f.yaml", base)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for range 1000 {
			if _, err := Generate(spec, Options{}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/SLO")
}
