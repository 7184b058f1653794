package objectives

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // zones, wherever the tests run

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

func checkout(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/checkout.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func parseText(text string) (Set, error) { return Parse(Options{}, File{"x.yaml", []byte(text)}) }

func TestRead(t *testing.T) {
	set, err := Read(Options{}, "testdata/checkout.yaml")
	if err != nil {
		t.Fatal(err)
	}
	slos := set.SLOs
	for i := range slos {
		if !strings.Contains(slos[i].YAML, "kind: SLO") {
			t.Errorf("%s has no text to show", slos[i].Name)
		}
		if len(slos[i].Tiers) < 5 || slos[i].Tiers[0].Action != pitwall.ActionPage {
			t.Errorf("%s has tiers %+v", slos[i].Name, slos[i].Tiers)
		}
		slos[i].YAML, slos[i].Tiers = "", nil
	}
	want := []pitwall.SLO{{
		Name: "checkout-availability", DisplayName: "Checkout answers", Description: "99.9 % of checkouts do not fail.",
		Service: "checkout", Target: 0.999, Window: 30 * 24 * time.Hour, Source: "testdata/checkout.yaml:2", Preset: slo.DefaultPreset,
		SLI: pitwall.SLI{Kind: pitwall.SLIAvailability, Service: "checkout", Operation: "POST /checkout"},
	}, {
		Name: "checkout-latency", Service: "checkout", Target: 0.995, Window: 28 * 24 * time.Hour, Source: "testdata/checkout.yaml:48", Preset: slo.DefaultPreset,
		SLI: pitwall.SLI{Kind: pitwall.SLILatency, Service: "checkout", Operation: "POST /checkout", Threshold: 500 * time.Millisecond},
	}}
	if diff := cmp.Diff(want, slos); diff != "" {
		t.Errorf("SLOs (-want +got):\n%s", diff)
	}
	if warnings := set.Texts(); len(warnings) != 2 || !strings.Contains(warnings[0], "checkout.yaml:66: spec.conditions") {
		t.Errorf("warnings %q", warnings) // of the policy, which has nothing in it
	}
}

// refuses edits one thing of a good file and asks for the line, the reason and a way out.
func refuses(t *testing.T, text, old, new, wantID, wantCause string) {
	t.Helper()
	edited := strings.Replace(text, old, new, 1)
	if edited == text {
		t.Fatalf("%q is not in the file", old)
	}
	_, err := parseText(edited)
	for _, fault := range Faults(err) {
		var e *pitwall.Error
		if errors.As(fault, &e) && e.Kind == pitwall.Invalid && e.ID == wantID && strings.Contains(e.Err.Error()+" | "+e.Hint, wantCause) {
			return
		}
	}
	var got []string
	for _, fault := range Faults(err) {
		got = append(got, fault.Error()+" | "+pitwall.HintOf(fault))
	}
	t.Errorf("%q:\n got %s\nwant %s: %s", new, strings.Join(got, "\n     "), wantID, wantCause)
}

func TestRefusals(t *testing.T) {
	text := checkout(t)
	f := func(old, new, wantID, wantCause string) {
		t.Helper()
		refuses(t, text, old, new, wantID, wantCause)
	}
	f("target: 0.999", "taget: 0.999", "x.yaml:30", `unknown field "taget": did you mean "target"?`)
	f("target: 0.999", "taget: 0.999", "x.yaml:29", "target or targetPercent is missing")
	f("budgetingMethod", "budgetMethod", "x.yaml:10", `did you mean "budgetingMethod"?`)
	f("maxDuration", "maxDurtion", "x.yaml:42", `did you mean "maxDuration"?`)
	f("metadata:\n  name: checkout-quick", "metdata:\n  name: checkout-quick", "x.yaml:34", `did you mean "metadata"?`)
	f("kind: SLI", "kind: SLIs", "x.yaml:33", `unknown kind "SLIs": did you mean "SLI"?`)
	f("openslo/v1", "openslo/v2", "x.yaml:2", `did you mean "openslo/v1"?`)
	f("openslo/v1", "openslo/v2alpha", "x.yaml:2", `did you mean "openslo/v1alpha"?`)
	f("openslo/v1", "slo/v1", "x.yaml:2", `no dialect that is read: did you mean "openslo/v1"?`)
	f("openslo/v1", "keptn.sh/v1", "x.yaml:2", "sloth.slok.dev/v1")
	f("apiVersion: openslo/v1", "version: prometheus/v2", "x.yaml:2", `did you mean "prometheus/v1"?`)
	f("target: 0.999", "target: 99.9", "x.yaml:30", "write targetPercent: 99.9")
	f("target: 0.999", "target: 1", "x.yaml:30", "leaves no budget")
	f("target: 0.999", "target: 0", "x.yaml:30", "asks for nothing")
	f("target: 0.999", "target: -0.5", "x.yaml:30", "between 0 and 1")
	f("target: 0.999", "target: .nan", "x.yaml:30", "expected a number")
	f("target: 0.999", "target: most", "x.yaml:30", "expected a number")
	f("target: 0.999", "target: 0.9", "x.yaml:2", "28.8 × (1 − 0.9) = 2.88 ≥ 1")
	f("isRolling: true", "isRolling: false", "x.yaml:12", "calendar is missing")
	f("isRolling: true", "isRolling: true\n      calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}", "x.yaml:12", "calendar is given although isRolling is true")
	f("isRolling: true", "calendar: {startTime: 2026-01-01T00:00:00Z, timeZone: UTC}", "x.yaml:13", "write it like 2026-01-01 00:00:00")
	f("isRolling: true", "calendar: {startTime: 2026-01-01 00:00:00, timeZone: America/New_Yrk}", "x.yaml:13", "IANA")
	f("isRolling: true", "calendar: {startTime: 2026-01-01 00:00:00, timeZone: Local}", "x.yaml:13", "IANA")
	f("duration: 30d\n      isRolling: true", "duration: 1m\n      calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}", "x.yaml:12", "a month is M")
	f("duration: 30d", "duration: 0d", "x.yaml:12", "has no length")
	f("duration: 30d", "duration: 30", "x.yaml:12", "expected a duration such as 30d")
	f("duration: 30d", "duration: 30 days", "x.yaml:12", "one of m (minutes), h, d, w, M (months)")
	f("duration: 30d", "duration: 401d", "x.yaml:12", "longer than the 400 days")
	f("duration: 30d", "duration: 99999999d", "x.yaml:12", "longer than the 400 days")
	f("- duration: 30d\n      isRolling: true", "- {duration: 30d, isRolling: true}\n    - {duration: 7d, isRolling: true}", "x.yaml:12", "exactly one entry, got 2")
	f("Occurrences", "Ocurrences", "x.yaml:10", `did you mean "Occurrences"?`)
	f("Occurrences", "Timeslices", "x.yaml:29", "timeSliceWindow is missing")
	f("type: pitwall-spans", "type: Datadog", "x.yaml:22", `metricSource type "Datadog" cannot be asked`)
	f("type: pitwall-spans", "type: pitwal-spans", "x.yaml:22", `did you mean "pitwall-spans"?`)
	f("{maxDuration: 500ms}", "{maxDuration: soon}", "x.yaml:42", "not a duration such as 500ms")
	f("{maxDuration: 500ms}", "{operation: GET /}", "x.yaml:42", "good must be a part of total")
	f("indicatorRef: checkout-quick", "indicatorRef: checkout-quik", "x.yaml:58", `did you mean "checkout-quick"?`)
	f("name: checkout-latency", "name: checkout-availability", "x.yaml:48", "defined twice, first at x.yaml:2")
	f("name: checkout-latency", "name: Checkout latency", "x.yaml:51", "write it like checkout-latency")
	f("  service: checkout\n", "", "x.yaml:8", "service is missing")
	f("isRolling: true", "isRolling: maybe", "x.yaml:13", "expected true or false")
	f("displayName: Checkout answers", "annotations: {pitwall.dev/runbok: x}", "x.yaml:6", `did you mean "pitwall.dev/runbook"?`)
	f("displayName: Checkout answers", "annotations: {pitwall.dev/preset: pitwall-defualt}", "x.yaml:6", `did you mean "pitwall-default"?`)
	f("displayName: Checkout answers", "annotations: {pitwall.dev/unreachable-tiers: ignore}", "x.yaml:6", "clamp lowers their factor")
	f("displayName: Checkout answers", "displayName: &a Checkout answers\n  labels: {a: *a}", "x.yaml:7", "anchors and aliases are not read here")
	f("service: checkout\n", "service: checkout\n  service: checkout\n", "x.yaml:9", "written twice, first in line 8")
}

func TestBrokenFiles(t *testing.T) {
	f := func(text, wantID, wantCause string) {
		t.Helper()
		_, err := parseText(text)
		var e *pitwall.Error
		if !errors.As(err, &e) || e.ID != wantID || !strings.Contains(err.Error(), wantCause) {
			t.Errorf("%q: %v, want %s %s", text, err, wantID, wantCause)
		}
	}
	f("", "x.yaml", "the file is empty")
	f("# nothing\n---\n", "x.yaml", "the file is empty")
	f("just words", "x.yaml:1", "expected an object")
	f("a: 1\nb: c: d", "x.yaml:2", "mapping values are not allowed")
	f("a: 1", "x.yaml:1", "apiVersion is missing")
	f("apiVersion: openslo/v1\nkind: SLO\n", "x.yaml:1", "metadata is missing")
	f("apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\n", "x.yaml:1", "spec is missing")
	f("apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: {}\n", "x.yaml:4", "service is missing")
	f("apiVersion: openslo/v1\nkind: SLI\nkind: SLI\n", "x.yaml:1", "metadata is missing")
	f("{\"apiVersion\": \"openslo/v1\",\n\t\"kind\": \"Servic\"}", "x.yaml:2", `did you mean "Service"?`)
	if _, err := Read(Options{}, "testdata/none.yaml"); pitwall.KindOf(err) != pitwall.NotFound {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := parseText(strings.Repeat("#", 9<<20)); err == nil || !strings.Contains(err.Error(), "more than the") {
		t.Errorf("a file that is too large: %v", err)
	}
}

// TestAllFaults: a file with five faults answers with five, in order.
func TestAllFaults(t *testing.T) {
	text := checkout(t)
	for old, new := range map[string]string{
		"target: 0.999": "target: 99.9", "duration: 30d": "duration: 30x", "service: checkout\n  description": "servce: checkout\n  description",
		"targetPercent: 99.5": "targetPercent: 100", "indicatorRef: checkout-quick": "indicatorRef: Checkout",
	} {
		text = strings.Replace(text, old, new, 1)
	}
	_, err := parseText(text)
	var lines []string
	for _, fault := range Faults(err) {
		var e *pitwall.Error
		if errors.As(fault, &e) {
			lines = append(lines, e.ID)
		}
	}
	want := []string{"x.yaml:8", "x.yaml:8", "x.yaml:12", "x.yaml:30", "x.yaml:60"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// TestReadIsOneSet refers to an SLI of another file.
func TestReadIsOneSet(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for i, part := range strings.Split(checkout(t), "---\n") {
		path := filepath.Join(dir, fmt.Sprintf("%d.yaml", 9-i)) // the SLI after those who use it
		if err := os.WriteFile(path, []byte(part), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	set, err := Read(Options{}, paths[2], paths[0], paths[1])
	if err != nil || len(set.SLOs) != 2 {
		t.Errorf("%d SLOs, %v", len(set.SLOs), err)
	}
	if _, err := Read(Options{}, paths[0], paths[0]); err == nil || !strings.Contains(err.Error(), "defined twice") {
		t.Errorf("the same file twice: %v", err)
	}
}

func TestUnreachableTiers(t *testing.T) {
	f := func(mode string, target float64, first string, factor float64, words string) {
		t.Helper()
		text := strings.Replace(checkout(t), "target: 0.999", fmt.Sprintf("target: %v", target), 1)
		text = strings.Replace(text, "displayName: Checkout answers", "annotations: {pitwall.dev/unreachable-tiers: "+mode+"}", 1)
		set, err := parseText(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := set.SLOs[0].Tiers[0]; got.Name != first || got.Factor != factor {
			t.Errorf("%s: first is %+v", mode, got)
		}
		if !strings.Contains(strings.Join(set.Texts(), "\n"), words) {
			t.Errorf("%s: warnings %q", mode, set.Texts())
		}
	}
	f("drop", 0.95, "page-fast", 14.4, "dropped: tier fast can never fire: 28.8 × (1 − 0.95) = 1.44 ≥ 1")
	f("clamp", 0.95, "fast", 16, "clamped to factor 16")
}

// TestSecretsAreNotShown: connection details are read past, never kept.
func TestSecretsAreNotShown(t *testing.T) {
	text := strings.Replace(checkout(t), "openslo/v1", "openslo.com/v2alpha", 1)
	doc := `apiVersion: openslo.com/v2alpha
kind: SLO
metadata: {name: a}
spec:
  serviceRef: a
  budgetingMethod: Occurrences
  timeWindow: [{duration: 30d, isRolling: true}]
  sli:
    metadata: {name: b}
    spec:
      thresholdMetric:
        dataSourceSpec: {type: Prometheus, connectionDetails: {accessToken: hush-hush}}
        spec: {query: up}
  objectives: [{target: 0.999, op: gte, value: 1}]
`
	set, err := parseText(doc)
	if err != nil || len(set.SLOs) != 1 {
		t.Fatal(err)
	}
	if s := set.SLOs[0]; strings.Contains(s.YAML, "hush") || !strings.Contains(s.YAML, "not shown") || s.SLI.Query.Value != "up" || s.SLI.Kind != pitwall.SLIValue {
		t.Errorf("%+v", s)
	}
	if _, err := parseText(text); err == nil {
		t.Error("words of v1 in v2alpha are taken")
	}
}
