package promql

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{Clean(1 - 0.999): "0.001", Clean(1 - 0.9995): "0.0005", 1e-7: "0.0000001", 3e9: "3000000000"} {
		if got := Literal(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}

func TestOpenEvents(t *testing.T) {
	f := func(q pitwall.SLIQuery, want ...string) {
		t.Helper()
		good, bad, total, err := OpenEvents(q)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, []string{good, bad, total}); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	rate := func(name string) string { return "sum(rate(" + name + "[{{.window}}]))" }
	f(pitwall.SLIQuery{Good: "g", Total: "t"}, rate("g"), "", rate("t"))
	f(pitwall.SLIQuery{Bad: "b", Total: "t"}, "", rate("b"), rate("t"))
	f(pitwall.SLIQuery{Good: "g", Bad: "b", Total: "t"}, rate("g"), rate("b"), rate("t"))
	for _, wrong := range []pitwall.SLIQuery{{}, {Good: "g"}, {Total: "t"}, {Good: "g", Total: "sum("}, {Good: "g > 1", Bad: "b"}} {
		if _, _, _, err := OpenEvents(wrong); err == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
}

func TestSign(t *testing.T) {
	if s, err := Sign(pitwall.GreaterEqual); err != nil || s != ">=" {
		t.Errorf("%s, %v", s, err)
	}
	if s, err := Sign("about"); err == nil {
		t.Errorf("about is %s", s)
	}
}
