package objectives

import (
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
)

// TestCatalogue: every entry, filled in with its examples and with its defaults
// alone, is a document that reads without a fault and without a warning, but for tiers left out on
// purpose and queries that cannot be counted event by event.
func TestCatalogue(t *testing.T) {
	entries, err := Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 21 {
		t.Errorf("%d entries", len(entries))
	}
	for _, e := range entries {
		full, needed := map[string]string{}, map[string]string{}
		for _, p := range e.Parameters {
			full[p.Name] = p.Example
			if p.Default == nil {
				needed[p.Name] = p.Example
			}
		}
		for _, params := range []map[string]string{full, needed} {
			text, err := Apply(e, params)
			if err != nil {
				t.Errorf("%s: %v (%s)", e.Name, err, pitwall.HintOf(err))
				continue
			}
			if strings.Contains(string(text), "${") {
				t.Errorf("%s: something is not filled in:\n%s", e.Name, text)
			}
			set, err := Parse(Options{Strict: true}, File{e.Name, text})
			if err != nil || len(set.SLOs) != 1 {
				t.Errorf("%s: %v", e.Name, err)
				continue
			}
			s := set.SLOs[0]
			if s.SLI.Standard != e.Name || s.Service != "checkout" || len(s.Tiers) == 0 || s.DisplayName == "" {
				t.Errorf("%s: %+v", e.Name, s)
			}
			for _, w := range set.Warnings {
				if !strings.Contains(w.Text, "dropped") {
					t.Errorf("%s: %s", e.Name, w)
				}
			}
		}
		delete(needed, "service")
		if _, err := Apply(e, needed); err == nil || !strings.Contains(err.Error(), "service is missing") || pitwall.HintOf(err) == "" {
			t.Errorf("%s without a service: %v", e.Name, err)
		}
	}
}

// TestValuesCannotAddToTemplates: what people type ends where its quotes end.
func TestValuesCannotAddToTemplates(t *testing.T) {
	entries, err := Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	f := func(entry, name, value, words string) {
		t.Helper()
		e, err := Find(entries, entry)
		if err != nil {
			t.Fatal(err)
		}
		params := map[string]string{}
		for _, p := range e.Parameters {
			params[p.Name] = p.Example
		}
		params[name] = value
		if _, err := Apply(e, params); pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), words) {
			t.Errorf("%s %s=%q: %v", entry, name, value, err)
		}
	}
	f("synthetics", "job", `a"} or vector(1) or {b="`, "has a quote")
	f("synthetics", "job", "a\nb", "line break")
	f("synthetics", "service", "Check Out", "lower-case")
	f("cold-start", "histogram", "x[5m]) or (y", "not the name of a metric")
	f("throughput", "rate", "1 or 2", "not a number")
	f("throughput", "rate", "NaN", "not a number")
	f("p95-latency", "limit", "soon", "not a duration")
	f("p95-latency", "limit", "", "limit is missing")
	f("p95-latency", "target", "1.5", "no objective")
	f("p95-latency", "tarjet", "0.9", `did you mean "target"?`)
	if _, err := Find(entries, "availabilty"); pitwall.KindOf(err) != pitwall.NotFound || !strings.Contains(err.Error(), `did you mean "availability"?`) {
		t.Errorf("a misspelt entry: %v", err)
	}
}
