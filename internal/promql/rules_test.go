package promql

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

func TestOpen(t *testing.T) {
	f := func(f func(string) (string, error), query, want string) {
		t.Helper()
		got, err := f(query)
		if err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", query, got, err, want)
			return
		}
		again, err := f(got)
		if err != nil || again != got {
			t.Errorf("opening %s again gives %s, %v", got, again, err)
		}
	}
	f(OpenWindows, `sum(rate(x{a="b"}[5m]))`, `sum(rate(x{a="b"}[{{.window}}]))`)
	f(OpenWindows, `1 - avg_over_time((up > bool 0)[1h:1m])`, `1 - avg_over_time((up > bool 0)[{{.window}}:1m])`)
	f(OpenWindows, `x / y`, `x / y`)
	f(OpenCounter, `x{a="b"}`, `sum(rate(x{a="b"}[{{.window}}]))`)
	f(OpenCounter, `x_count - ignoring (le) x_bucket{le="1"}`, `sum(rate(x_count[{{.window}}]) - ignoring (le) rate(x_bucket{le="1"}[{{.window}}]))`)
	f(OpenCounter, `sum by (job) (increase(x[1m] offset 1h))`, `sum(sum by (job) (increase(x[{{.window}}] offset 1h)))`)
	f(OpenCounter, `sum(rate(x[{{.window}}])) or vector(0)`, `sum(sum(rate(x[{{.window}}])) or vector(0))`)
	if _, err := OpenCounter(`sum(x > 5)`); err == nil || !strings.Contains(err.Error(), "column 5: a comparison (>)") {
		t.Errorf("a comparison is no counter: %v", err)
	}
}

func TestScale(t *testing.T) {
	f := func(query string, want float64) {
		t.Helper()
		if got := Scale(parse(t, query)); got != want {
			t.Errorf("%s: got %g, want %g", query, got, want)
		}
	}
	f(`sum(x)`, 1)
	f(`sum(x) * 1e9`, 1e9)
	f(`2 * (sum(x) / 4)`, 0.5)
	f(`1 / x`, 1)
	f(`x * y`, 1)
}

func TestParseDuration(t *testing.T) {
	for _, d := range []time.Duration{time.Millisecond, 5 * time.Minute, 90 * time.Minute, 30 * 24 * time.Hour, 28 * 24 * time.Hour, 400*24*time.Hour + time.Second} {
		if got, err := ParseDuration(Duration(d)); err != nil || got != d {
			t.Errorf("%s: got %v, %v", Duration(d), got, err)
		}
	}
	for _, s := range []string{"", "5", "m", "5m5h", "5m5m", "5x", "-5m", "1.5h", "999999999y", "5m ", "99999999999999999999m"} {
		if d, err := ParseDuration(s); err == nil {
			t.Errorf("%q is read as %v", s, d)
		}
	}
	if d, err := ParseDuration("1m0s"); err != nil || d != time.Minute {
		t.Errorf("1m0s: %v, %v", d, err)
	}
}

// TestWriteYAML writes what is hard to write and reads it back.
func TestWriteYAML(t *testing.T) {
	hard := []string{"a", "", " ", "yes", "null", "~", "1", "1e3", "0x1", "12:30", "5m", "a: b", "a #b", "#a", "- a", "'a'", `"a"`, `a\b`, "a\nb", "a\n\nb", "  a\n b", "a\tb", "\ta\nb", "a:",
		"{{ $labels.x }}", "é", "\u2028", "\u0085", "\ufeff", "日本", "\x01", "a\r\nb", "@a", "`a`", "%a", "&a", "*a", "!a", "|", ">", "?", "slo:x:y5m", "https://a/b#c", "true", "2026-01-01", strings.Repeat("x", 300)}
	var want Labels
	for i, s := range hard {
		want = want.With("n"+strings.Repeat("x", i), s)
	}
	for _, s := range hard {
		r := Rules{Comment: "one\ntwo: \x00#", Groups: []Group{{Name: s, Interval: time.Minute, Rules: []Rule{{Alert: "A", Expr: s, For: time.Hour, Labels: want, Annotations: want}, {Record: s, Expr: s}}}}}
		for _, kube := range []*KubeObject{nil, {Name: s, Namespace: "n", Labels: want}} {
			r.Kube = kube
			var b strings.Builder
			if err := WriteYAML(&b, r); err != nil {
				t.Fatal(err)
			}
			readBack(t, b.String(), s, want, kube != nil)
		}
	}
}

func readBack(t *testing.T, text, s string, want Labels, kube bool) {
	t.Helper()
	type group struct {
		Name, Interval string
		Rules          []struct {
			Record, Alert, Expr, For string
			Labels, Annotations      map[string]string
		}
	}
	var f struct {
		APIVersion string `yaml:"apiVersion"`
		Metadata   struct {
			Name   string
			Labels map[string]string
		}
		Spec   struct{ Groups []group }
		Groups []group
	}
	if err := yaml.Unmarshal([]byte(text), &f); err != nil {
		t.Fatalf("%q: %v\n%s", s, err, text)
	}
	groups := f.Groups
	if kube {
		groups = f.Spec.Groups
		if f.APIVersion != "monitoring.coreos.com/v1" || f.Metadata.Name != s || !cmp.Equal(LabelsOf(f.Metadata.Labels), want) {
			t.Errorf("%q: metadata is %+v", s, f.Metadata)
		}
	}
	if len(groups) != 1 || len(groups[0].Rules) != 2 {
		t.Fatalf("%q: got %+v\n%s", s, groups, text)
	}
	g := groups[0]
	a, r := g.Rules[0], g.Rules[1]
	if g.Name != s || g.Interval != "1m" || a.Alert != "A" || a.For != "1h" || a.Expr != strings.TrimSpace(s) || r.Record != s || r.Expr != strings.TrimSpace(s) {
		t.Errorf("%q came back as %+v\n%s", s, g, text)
	}
	if diff := cmp.Diff(want, LabelsOf(a.Annotations)); diff != "" {
		t.Error(diff)
	}
}

func TestLabels(t *testing.T) {
	l := LabelsOf(map[string]string{"b": "1", "a": "2"}, map[string]string{"b": "3"})
	if diff := cmp.Diff(Labels{{"a", "2"}, {"b", "3"}}, l); diff != "" {
		t.Error(diff)
	}
	if got := l.With("b", "4").With("c", "5").With("0", "6"); !cmp.Equal(got, Labels{{"0", "6"}, {"a", "2"}, {"b", "4"}, {"c", "5"}}) || got.Get("b") != "4" || got.Get("x") != "" {
		t.Errorf("got %v", got)
	}
	if l.Get("b") != "3" {
		t.Error("With changed what it was called on")
	}
}

func TestDiff(t *testing.T) {
	rule := func(expr string) []Rules {
		return []Rules{{Groups: []Group{{Name: "g", Rules: []Rule{{Record: "r", Expr: expr}, {Record: "s", Expr: "1"}}}}}}
	}
	if d := Diff(rule(`x{a="1",b="2"}`), rule(`x{b="2",a="1"}`)); d != nil {
		t.Error(d)
	}
	if d := Diff(rule("x"), rule("y")); len(d) != 2 || !strings.HasPrefix(d[0], "- g") || !strings.HasPrefix(d[1], "+ g") {
		t.Error(d)
	}
	if d := Diff(nil, rule("y")); len(d) != 2 {
		t.Error(d)
	}
}

func TestLabelName(t *testing.T) {
	for s, want := range map[string]bool{"a": true, "_a1": true, "": false, "1a": false, "__a": false, "a-b": false, "é": false, "a.b": false} {
		if LabelName(s) != want {
			t.Errorf("LabelName(%q): want %v", s, want)
		}
	}
}
