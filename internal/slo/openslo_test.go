package slo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pitwall/pitwall"
)

func TestReadFile(t *testing.T) {
	slos, warnings, err := ReadFile("testdata/checkout.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for i := range slos {
		if !strings.Contains(slos[i].YAML, "kind: SLO") {
			t.Errorf("%s has no text to show", slos[i].Name)
		}
		slos[i].YAML, slos[i].Tiers = "", slos[i].Tiers[:1]
	}
	fast := pitwall.BurnTier{Name: "fast", Factor: 28.8, Long: 15 * time.Minute, Short: 2 * time.Minute, Action: "page", OpensPlan: true, MinBad: 3}
	slower := fast
	slower.Factor = 26.88 // the same 1 % of a shorter window's budget
	want := []pitwall.SLO{{
		Name: "checkout-availability", DisplayName: "Checkout answers", Description: "99.9 % of checkouts do not fail.",
		Service: "checkout", Target: 0.999, Window: 30 * 24 * time.Hour, Tiers: []pitwall.BurnTier{fast}, Source: "testdata/checkout.yaml:2",
		SLI: pitwall.SLI{Kind: pitwall.SLIAvailability, Service: "checkout", Operation: "POST /checkout"},
	}, {
		Name: "checkout-latency", Service: "checkout", Target: 0.995, Window: 28 * 24 * time.Hour, Tiers: []pitwall.BurnTier{slower}, Source: "testdata/checkout.yaml:48",
		SLI: pitwall.SLI{Kind: pitwall.SLILatency, Service: "checkout", Operation: "POST /checkout", Threshold: 500 * time.Millisecond},
	}}
	if diff := cmp.Diff(want, slos); diff != "" {
		t.Errorf("SLOs (-want +got):\n%s", diff)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], `AlertPolicy "fast-burn" is not used`) {
		t.Errorf("warnings = %q", warnings)
	}
}

// TestRefusals edits one thing of a good file and asks for the right line, the
// reason and a way out.
func TestRefusals(t *testing.T) {
	data, err := os.ReadFile("testdata/checkout.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f := func(old, new, wantID, wantCause string) {
		t.Helper()
		text := strings.Replace(string(data), old, new, 1)
		if text == string(data) {
			t.Fatalf("%q is not in the file", old)
		}
		_, _, err := Parse("x.yaml", []byte(text), DefaultPreset)
		var e *pitwall.Error
		if !errors.As(err, &e) {
			t.Errorf("%q: error is %v", new, err)
			return
		}
		if e.Kind != pitwall.Invalid || e.ID != wantID || !strings.Contains(e.Err.Error()+" | "+e.Hint, wantCause) {
			t.Errorf("%q:\n got %s %s: %v | %s\nwant %s %s", new, e.Kind, e.ID, e.Err, e.Hint, wantID, wantCause)
		}
	}
	f("target: 0.999", "taget: 0.999", "x.yaml:30", `unknown field "taget": did you mean "target"?`)
	f("budgetingMethod", "budgetMethod", "x.yaml:10", `did you mean "budgetingMethod"?`)
	f("maxDuration", "maxDurtion", "x.yaml:42", `did you mean "maxDuration"?`)
	f("metadata:\n  name: checkout-quick", "metdata:\n  name: checkout-quick", "x.yaml:34", `did you mean "metadata"?`)
	f("kind: SLI", "kind: SLIs", "x.yaml:32", `unknown kind "SLIs": did you mean "SLI"?`)
	f("openslo/v1", "openslo/v2alpha", "x.yaml:2", "only openslo/v1 is read")
	f("target: 0.999", "target: 99.9", "x.yaml:30", "write targetPercent: 99.9")
	f("target: 0.999", "target: 1", "x.yaml:30", "leaves no budget")
	f("target: 0.999", "target: 0", "x.yaml:30", "between 0 and 1")
	f("target: 0.999", "target: -0.5", "x.yaml:30", "between 0 and 1")
	f("target: 0.999", "target: .nan", "x.yaml:30", "expected a decimal number")
	f("target: 0.999", "target: most", "x.yaml:30", "expected a number")
	f("target: 0.999", "target: 0.999\n      op: gt", "x.yaml:31", "objectives[0].op is not read here")
	f("target: 0.999", "target: 0.999\n    - target: 0.99", "x.yaml:8", "one SLO for each objective")
	f("target: 0.999", "target: 0.9", "x.yaml:2", "28.8 × (1 − 0.9) = 2.88 ≥ 1")
	f("isRolling: true", "isRolling: false", "x.yaml:8", "calendar windows are not read yet")
	f("isRolling: true", "isRolling: true\n      calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}", "x.yaml:8", "calendar windows are not read yet")
	f("duration: 30d", "duration: 1M", "x.yaml:8", "no fixed length")
	f("duration: 30d", "duration: 30", "x.yaml:8", "not a window such as 30d")
	f("duration: 30d", "duration: 99999999999d", "x.yaml:8", "longer than ten years")
	f("Occurrences", "Timeslices", "x.yaml:8", `"Timeslices" is not read yet`)
	f("type: pitwall-spans", "type: Prometheus", "x.yaml:23", `type "Prometheus" is not read yet`)
	f("{maxDuration: 500ms}", "{maxDuration: soon}", "x.yaml:42", "not a duration such as 500ms")
	f("{maxDuration: 500ms}", "{operation: GET /}", "x.yaml:42", "good must be a part of total")
	f("indicatorRef: checkout-quick", "indicatorRef: checkout-quik", "x.yaml:53", `did you mean "checkout-quick"?`)
	f("name: checkout-latency", "name: checkout-availability", "x.yaml:48", "defined twice, first at x.yaml:2")
	f("  service: checkout\n", "", "x.yaml:8", "spec.service is missing")
	f("isRolling: true", "isRolling: maybe", "x.yaml:13", "cannot unmarshal")
}

func TestBrokenYAML(t *testing.T) {
	f := func(text, wantID, wantCause string) {
		t.Helper()
		_, _, err := Parse("x.yaml", []byte(text), DefaultPreset)
		var e *pitwall.Error
		if !errors.As(err, &e) || e.ID != wantID || !strings.Contains(e.Err.Error(), wantCause) {
			t.Errorf("%q: %v, want %s %s", text, err, wantID, wantCause)
		}
	}
	f("", "x.yaml", "the file is empty")
	f("# nothing\n---\n", "x.yaml", "the file is empty")
	f("just words", "x.yaml:1", "expected an object")
	f("a: 1\nb: c: d", "x.yaml:2", "mapping values are not allowed")
	f("apiVersion: openslo/v1\nkind: SLO\n", "x.yaml:1", "metadata.name is missing")
	f("apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\n", "x.yaml:1", "spec is missing")
	f("apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: {}\n", "x.yaml:4", "spec.service is missing")
	f("kind: SLO\nkind: SLI\n", "x.yaml:2", `already defined`)
	if _, _, err := ReadFile("testdata/none.yaml"); pitwall.KindOf(err) != pitwall.NotFound {
		t.Errorf("a missing file: %v", err)
	}
}

func TestDropUnreachableTiers(t *testing.T) {
	data, err := os.ReadFile("testdata/checkout.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), "target: 0.999", "target: 0.95", 1)
	text = strings.Replace(text, "displayName: Checkout answers", "annotations: {pitwall.dev/unreachable-tiers: drop}", 1)
	slos, warnings, err := Parse("x.yaml", []byte(text), DefaultPreset)
	if err != nil {
		t.Fatal(err)
	}
	if len(slos[0].Tiers) != 4 || slos[0].Tiers[0].Name != "page-fast" {
		t.Errorf("28.8 × 0.05 is unreachable, 14.4 × 0.05 is not: %+v", slos[0].Tiers)
	}
	if len(warnings) != 2 || !strings.Contains(warnings[1], "28.8 × (1 − 0.95) = 1.44 ≥ 1") {
		t.Errorf("warnings = %q", warnings)
	}
}

// TestReadFilesIsOneSet refers to an SLI of another file.
func TestReadFilesIsOneSet(t *testing.T) {
	data, err := os.ReadFile("testdata/checkout.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var paths []string
	for i, part := range strings.Split(string(data), "---\n") {
		path := filepath.Join(dir, fmt.Sprintf("%d.yaml", 9-i)) // the SLI after those who use it
		if err := os.WriteFile(path, []byte(part), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	slos, _, err := ReadFiles(DefaultPreset, paths[2], paths[0], paths[1], paths[3])
	if err != nil || len(slos) != 2 {
		t.Errorf("%d SLOs, %v", len(slos), err)
	}
	if _, _, err := ReadFiles(DefaultPreset, paths[0], paths[0]); err == nil || !strings.Contains(err.Error(), "defined twice") {
		t.Errorf("the same file twice: %v", err)
	}
}

// TestForeignDocuments reads the documents of other tools: each is understood
// or refused with file and line, and none breaks the reader.
func TestForeignDocuments(t *testing.T) {
	dir := os.Getenv("PITWALL_BENCH")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "bench")
	}
	paths, err := filepath.Glob(filepath.Join(dir, "slo", "*", "*", "*", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Skipf("SKIPPED: no bench at %s; set PITWALL_BENCH", dir)
	}
	for _, path := range paths {
		_, _, err := ReadFile(path)
		var e *pitwall.Error
		if err != nil && (!errors.As(err, &e) || e.Kind != pitwall.Invalid || !strings.HasPrefix(e.ID, path)) {
			t.Errorf("%s: %v", path, err)
		}
	}
	t.Logf("%d documents", len(paths))
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/checkout.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: {service: s, timeWindow: [{}], objectives: [{}]}\n"))
	f.Add([]byte("- &a [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		slos, _, err := Parse("x.yaml", data, DefaultPreset)
		if err != nil && pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("kind of %v", err)
		}
		for _, s := range slos {
			if !(s.Target > 0 && s.Target < 1) || s.Window <= 0 || len(s.Tiers) == 0 || s.SLI.Operation == "" {
				t.Errorf("accepted an SLO that cannot be counted: %+v", s)
			}
		}
	})
}
