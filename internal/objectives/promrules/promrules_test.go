package promrules

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
)

const day = 24 * time.Hour

func tiers() []pitwall.BurnTier {
	return []pitwall.BurnTier{
		{Name: "fast", Factor: 28.8, Long: 15 * time.Minute, Short: 2 * time.Minute, Action: pitwall.ActionPage, MinBad: 3},
		{Name: "page-fast", Factor: 14.4, Long: time.Hour, Short: 5 * time.Minute, Action: pitwall.ActionPage, MinBad: 3, Halt: pitwall.HaltAll},
		{Name: "page-slow", Factor: 5, Long: 6 * time.Hour, Short: 30 * time.Minute, Action: pitwall.ActionPage, MinBad: 3},
		{Name: "ticket", Factor: 1, Long: 3 * day, Short: 6 * time.Hour, Action: pitwall.ActionTicket, MinBad: 3, For: time.Hour},
		{Name: "low", When: pitwall.WhenRemaining, Percent: 25, Action: pitwall.ActionTicket},
	}
}

func objective(name string, kind pitwall.SLIKind, q *pitwall.SLIQuery) pitwall.SLO {
	return pitwall.SLO{Name: pitwall.SLOName(name), Service: "checkout", Target: 0.999, Window: 30 * day, Tiers: tiers(),
		SLI: pitwall.SLI{Kind: kind, Query: q}, Labels: map[string]string{"team": "a", "example.com/x": "b"}, Owner: "shop", Runbook: "https://runbooks/{{x}}"}
}

// all is one objective of every kind that rules can count.
func all() []pitwall.SLO {
	return []pitwall.SLO{
		objective("bad-total", pitwall.SLIEvents, &pitwall.SLIQuery{Bad: `http_requests_total{job="a",code=~"(5..|429)"}`, Total: `sum(rate(http_requests_total{job="a"}[5m]))`}),
		objective("good-total", pitwall.SLIEvents, &pitwall.SLIQuery{Good: `http_requests_total{job="a",code!~"5.."}`, Total: `http_requests_total{job="a"}`}),
		objective("latency", pitwall.SLIEvents, &pitwall.SLIQuery{Good: `http_seconds_bucket{le="0.25",job="a"}`, Total: `http_seconds_count{job="a"}`}),
		objective("good-bad", pitwall.SLIEvents, &pitwall.SLIQuery{Good: "ok_total", Bad: "failed_total"}),
		objective("native", pitwall.SLIEvents, &pitwall.SLIQuery{Good: `histogram_fraction(0, 0.2, sum(rate(h[{{.window}}]))) * histogram_count(sum(rate(h[{{.window}}])))`, Total: `histogram_count(sum(rate(h[{{.window}}])))`}),
		objective("probe", pitwall.SLIValue, &pitwall.SLIQuery{Value: `probe_success{job="b"}`, Op: pitwall.GreaterEqual, Limit: 1}),
		objective("gauge", pitwall.SLIRatio, &pitwall.SLIQuery{Ratio: "cache_hit_ratio"}),
		objective("ratio", pitwall.SLIRatio, &pitwall.SLIQuery{Ratio: `rate(a[{{.window}}]) / rate(b[{{.window}}])`, RatioOfBad: true}),
	}
}

func promtool(t testing.TB, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("SKIPPED, NOT PASSED: promtool is not installed")
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func write(t testing.TB, path string, slos []pitwall.SLO, o Options) promql.Rules {
	t.Helper()
	rules, err := Generate(slos, o)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := promql.WriteYAML(f, rules); err != nil {
		t.Fatal(err)
	}
	return rules
}

func TestEveryExpressionParses(t *testing.T) {
	rules, err := Generate(all(), Options{Dashboard: "https://pitwall.example.com/"})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if _, err := promql.Parse(r.Expr); err != nil {
				t.Errorf("%s %s%s: %v\n%s", g.Name, r.Record, r.Alert, err, r.Expr)
			}
			if strings.Contains(r.Expr, "{{") {
				t.Errorf("%s %s%s keeps an open window: %s", g.Name, r.Record, r.Alert, r.Expr)
			}
		}
	}
	if records, alerts := rules.Size(); alerts != 8*4 || records < 8*10 {
		t.Errorf("%d records and %d alerts", records, alerts)
	}
	if !strings.Contains(rules.Comment, `tier low of probe, which looks at "remaining"`) {
		t.Errorf("the comment hides what is left out: %s", rules.Comment)
	}
}

func TestPromtoolLoadsThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rules.yaml")
	write(t, path, all(), Options{Dashboard: "https://pitwall.example.com"})
	if out := promtool(t, "check", "rules", path); !strings.Contains(out, "SUCCESS") {
		t.Error(out)
	}
}

// TestProof runs the generated proof of every objective that can have one, with
// presets of different speed.
func TestProof(t *testing.T) {
	for i, s := range all()[:3] {
		for first := range 3 {
			if i > 0 && first > 0 {
				continue // slower tiers once
			}
			s.Tiers = tiers()[first : first+1]
			o := Options{Interval: time.Duration(1+first) * 30 * time.Second}
			t.Run(string(s.Name)+" "+s.Tiers[0].Name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				write(t, filepath.Join(dir, "rules.yaml"), []pitwall.SLO{s}, o)
				text, err := Proof(s, o, "rules.yaml")
				if err != nil {
					t.Fatal(err)
				}
				test := filepath.Join(dir, "proof.yaml")
				if err := os.WriteFile(test, text, 0o600); err != nil {
					t.Fatal(err)
				}
				promtool(t, "test", "rules", test)
				if t.Failed() {
					t.Log(string(text))
				}
			})
		}
	}
	for _, s := range all()[3:] {
		if text, err := Proof(s, Options{}, "x"); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%s: got %v and a proof\n%s", s.Name, err, text)
		}
	}
}

// TestGaps shows what the rules say where others say NaN or page by mistake.
func TestGaps(t *testing.T) {
	dir := t.TempDir()
	s := objective("x", pitwall.SLIEvents, &pitwall.SLIQuery{Bad: `e_total`, Total: `t_total`})
	write(t, filepath.Join(dir, "rules.yaml"), []pitwall.SLO{s, objective("probe", pitwall.SLIValue, &pitwall.SLIQuery{Value: "up", Op: pitwall.GreaterEqual, Limit: 1})}, Options{Interval: time.Minute})
	test := `
rule_files: [rules.yaml]
evaluation_interval: 1m
tests:
- name: an error series that does not exist yet counts zero
  interval: 1m
  input_series: [{series: t_total, values: '0+60x30'}]
  promql_expr_test:
  - {expr: 'pitwall:slo_errors:ratio5m{slo="x"}', eval_time: 20m, exp_samples: [{labels: 'pitwall:slo_errors:ratio5m{slo="x",service="checkout",team="a",owner="shop"}', value: 0}]}
- name: no events are a gap, not NaN
  interval: 1m
  input_series: [{series: t_total, values: '5x30'}, {series: e_total, values: '0x30'}]
  promql_expr_test:
  - {expr: 'pitwall:slo_errors:ratio5m', eval_time: 20m}
  - {expr: 'pitwall:slo_budget_remaining:ratio', eval_time: 20m}
- name: nothing is a gap
  interval: 1m
  input_series: [{series: other, values: '5x30'}]
  promql_expr_test:
  - {expr: 'pitwall:slo_errors:ratio5m', eval_time: 20m}
  - {expr: 'pitwall:slo_total:rate5m', eval_time: 20m}
- name: two failures of three do not page
  interval: 1m
  input_series: [{series: t_total, values: '0x10 3x20'}, {series: e_total, values: '0x10 2x20'}]
  promql_expr_test:
  - {expr: 'pitwall:slo_errors:ratio15m{slo="x"} > bool 0.5', eval_time: 12m, exp_samples: [{labels: '{slo="x",service="checkout",team="a",owner="shop"}', value: 1}]}
  - {expr: 'count(ALERTS) or vector(0)', eval_time: 12m, exp_samples: [{labels: '{}', value: 0}]}
- name: every sample of a probe is an event
  interval: 1m
  input_series: [{series: 'up{i="1"}', values: '1x20 0x40'}, {series: 'up{i="2"}', values: '1x60'}]
  promql_expr_test:
  - {expr: 'pitwall:slo_errors:ratio5m{slo="probe"}', eval_time: 40m, exp_samples: [{labels: 'pitwall:slo_errors:ratio5m{slo="probe",service="checkout",team="a",owner="shop"}', value: 0.5}]}
  - {expr: 'count(ALERTS{alertstate="firing",tier="fast"}) or vector(0)', eval_time: 40m, exp_samples: [{labels: '{}', value: 1}]}
`
	path := filepath.Join(dir, "gaps.yaml")
	if err := os.WriteFile(path, []byte(test), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "test", "rules", path)
}

func TestAlertSaysAll(t *testing.T) {
	rules, err := Generate(all()[:1], Options{Dashboard: "https://pitwall.example.com/", AlertName: "Burn", Labels: map[string]string{"cluster": "x"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || r.Labels.Get("tier") != "page-fast" {
				continue
			}
			f := func(what, got, want string) {
				if got != want {
					t.Errorf("%s is %q, want %q", what, got, want)
				}
			}
			f("alert", r.Alert, "Burn")
			for name, want := range map[string]string{"slo": "bad-total", "service": "checkout", "action": "page", "severity": "critical", "halt": "all", "team": "a", "cluster": "x", "owner": "shop", "example.com/x": ""} {
				f(name, r.Labels.Get(name), want)
			}
			f("runbook_url", r.Annotations.Get("runbook_url"), `https://runbooks/{{ "{{" }}x}}`)
			f("dashboard", r.Annotations.Get("dashboard"), "https://pitwall.example.com/slos/bad-total")
			f("summary", r.Annotations.Get("summary"), "bad-total burns its error budget more than 14.4 times too fast")
			f("description", r.Annotations.Get("description"), "The error ratio over 1h is {{ $value | humanizePercentage }}. It fires above 14.4 × (1 − 0.999) = 0.0144 over 1h and over 5m: 2 % of the budget of 30d is then spent, and at that pace all of it in 2d2h.")
			return
		}
	}
	t.Error("no alert for page-fast")
}

func TestRefused(t *testing.T) {
	f := func(change func(*pitwall.SLO), want string) {
		t.Helper()
		s := objective("x", pitwall.SLIEvents, &pitwall.SLIQuery{Good: "a", Total: "b"})
		change(&s)
		_, err := Generate([]pitwall.SLO{s}, Options{})
		if pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f(func(s *pitwall.SLO) { s.SLI.Query = nil }, "counted from spans")
	f(func(s *pitwall.SLO) { s.SLI.Kind = pitwall.SLIComposite }, "composite")
	f(func(s *pitwall.SLO) { s.Calendar = &pitwall.Calendar{} }, "calendar")
	f(func(s *pitwall.SLO) { s.Budgeting = pitwall.RatioTimeslices }, "RatioTimeslices")
	f(func(s *pitwall.SLO) { s.Target = 1 }, "no target")
	f(func(s *pitwall.SLO) { s.Tiers[0].Long = 0 }, "tier fast has no windows")
	f(func(s *pitwall.SLO) { s.SLI.Query.Total = "" }, "two of good")
	f(func(s *pitwall.SLO) { s.SLI.Query.Total = "b(" }, "line 1, column")
	f(func(s *pitwall.SLO) { s.SLI.Kind, s.SLI.Query = pitwall.SLIValue, &pitwall.SLIQuery{Value: "x"} }, "compared by")
	s := objective("x", pitwall.SLIEvents, &pitwall.SLIQuery{Good: "a", Total: "b"})
	if _, err := Generate([]pitwall.SLO{s, s}, Options{}); err == nil || !strings.Contains(err.Error(), "there twice") {
		t.Errorf("the same name twice: %v", err)
	}
	s.Target = 0.9
	rules, err := Generate([]pitwall.SLO{s}, Options{})
	if _, alerts := rules.Size(); err != nil || alerts != 2 || !strings.Contains(rules.Comment, "tier fast of x, which can never fire") {
		t.Errorf("%d alerts, %v, %s", alerts, err, rules.Comment)
	}
}

func BenchmarkGenerate1000(b *testing.B) {
	s := all()[0]
	b.Run("generate", func(b *testing.B) {
		for b.Loop() {
			for range 1000 {
				if _, err := Generate([]pitwall.SLO{s}, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/SLO")
	})
	b.Run("generate+write", func(b *testing.B) {
		for b.Loop() {
			for range 1000 {
				rules, err := Generate([]pitwall.SLO{s}, Options{})
				if err != nil {
					b.Fatal(err)
				}
				if err := promql.WriteYAML(io.Discard, rules); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/SLO")
	})
}

// TestLabelsAreNoTemplates: what a person wrote into a label, a tier or an owner
// is not run by Prometheus, where it would read every series or move the alert.
func TestLabelsAreNoTemplates(t *testing.T) {
	s := all()[0]
	s.Owner, s.Labels = `{{ query "up" }}`, map[string]string{"team": "{{ $value }}\n  evil: 1"}
	s.Tiers = tiers()[:1]
	s.Tiers[0].Name = "{{ fast"
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rules.yaml"), []pitwall.SLO{s}, Options{Interval: time.Minute})
	test := `
rule_files: [rules.yaml]
evaluation_interval: 1m
tests:
- interval: 1m
  input_series: [{series: 'http_requests_total{job="a",code="200"}', values: '0+60x40'}, {series: 'http_requests_total{job="a",code="500"}', values: '0+60x40'}]
  promql_expr_test:
  - expr: 'count(ALERTS{alertstate="firing",owner="{{ query \"up\" }}",team="{{ $value }}\n  evil: 1",tier="{{ fast"})'
    eval_time: 30m
    exp_samples: [{labels: '{}', value: 1}]
`
	path := filepath.Join(dir, "test.yaml")
	if err := os.WriteFile(path, []byte(test), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "test", "rules", path)
}
