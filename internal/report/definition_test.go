package report_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

func TestDefinitions(t *testing.T) {
	first := "kind: SLO\nmetadata:\n  name: a\nspec:\n  service: shop\n  objectives:\n    - target: 0.99\n"
	second := "kind: SLO\nmetadata:\n  name: a\nspec:\n  service: shop\n  objectives:\n    - target: 0.999\n"
	got := report.Definitions([]pitwall.Definition{{YAML: second, Source: "b"}, {YAML: first, Source: "a"}})
	want := []report.Definition{
		{Source: "b", Diff: "    service: shop\n    objectives:\n-     - target: 0.99\n+     - target: 0.999"},
		{Source: "a", Diff: first},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := report.Definitions(nil); got != nil {
		t.Errorf("nothing was defined: %v", got)
	}
}
