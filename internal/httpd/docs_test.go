package httpd_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/pitwall/pitwall/internal/report"
)

// TestContractIsWritten holds docs/json.md against the types: a field that is
// not in the document is not part of the contract, and must be.
func TestContractIsWritten(t *testing.T) {
	raw, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(x reflect.Type) {
		for x.Kind() == reflect.Pointer || x.Kind() == reflect.Slice {
			x = x.Elem()
		}
		if x.Kind() != reflect.Struct || seen[x] || !strings.HasSuffix(x.PkgPath(), "/report") {
			return
		}
		seen[x] = true
		for i := range x.NumField() {
			f := x.Field(i)
			walk(f.Type)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			// The inner fields of evidence are the page's own affair.
			if name == "" || detail(x.Name()) {
				continue
			}
			if !strings.Contains(doc, "`"+name+"`") {
				t.Errorf("docs/json.md does not mention %s.%s (%s)", x.Name(), f.Name, name)
			}
		}
	}
	for _, x := range []any{report.PlanView{}, report.PlanRow{}, report.SLOView{}, report.StatusView{}, report.DiagnosisView{}} {
		walk(reflect.TypeOf(x))
	}
}

func detail(name string) bool {
	switch name {
	case "HypothesisView", "CheckView", "EvidenceView", "WaterfallView", "WaterfallBar", "FlameView", "FrameRow", "TableView", "FileView", "DiffLine", "Fact", "Progress":
		return true
	}
	return false
}
