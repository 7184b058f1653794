package promql

import (
	"math"
	"testing"
	"time"
)

func TestTree(t *testing.T) {
	q := `max without (w) ((sum by (job) (rate(x_total{code=~"5..", job="a"}[5m])))) / 2 > bool (14.4 * -(1 - 2)) and on () absent({__name__="up"}) == quantile(0.9, y[1h:1m] offset 1d)`
	if _, ok := Tree(Expr{}); ok {
		t.Error("the zero expression has a tree")
	}
	// A subquery is no instant vector; the parser refuses it there.
	if _, err := Parse(q); err == nil {
		t.Fatal("a subquery where a vector belongs was read")
	}
	e, err := Parse(`max without (w) ((sum by (job) (rate(x_total{code=~"5..", job="a"}[5m])))) / 2 > bool (14.4 * -(1 - 2)) and on () absent({__name__="up"}) == quantile(0.9, max_over_time(y[1h:1m]))`)
	if err != nil {
		t.Fatal(err)
	}
	root, ok := Tree(e)
	if !ok || root.Op != "and" || len(root.Args) != 2 {
		t.Fatalf("root %+v", root)
	}
	left, right := root.Args[0], root.Args[1]
	if !left.Comparison() || !left.Bool || left.Op != ">" || !right.Comparison() || right.Bool || root.Comparison() {
		t.Errorf("left %+v, right %+v", left, right)
	}
	if v, ok := left.Args[1].Constant(); !ok || math.Abs(v-14.4) > 1e-12 {
		t.Errorf("14.4 × −(1 − 2) = %v, %v", v, ok)
	}
	if _, ok := left.Constant(); ok {
		t.Error("a comparison of series is no constant")
	}
	var ops []string
	for n := range root.All() {
		ops = append(ops, n.Op+n.Metric)
		switch {
		case n.Metric == "x_total" && (n.Window != 5*time.Minute || len(n.Matchers) != 2 || n.Matchers[0].Name != "code" || n.Kind != NodeSelector):
			t.Errorf("selector %+v", n)
		case n.Kind == NodeSubquery && n.Window != time.Hour:
			t.Errorf("subquery %+v", n)
		case n.Op == "max" && (!n.Without || n.Labels[0] != "w"):
			t.Errorf("aggregate %+v", n)
		case n.Op == "quantile" && (len(n.Args) != 2 || n.Args[1].Number != 0.9):
			t.Errorf("a parameter comes last: %+v", n)
		}
	}
	want := []string{"and", ">", "/", "max", "sum", "rate", "x_total", "", "*", "", "-", "-", "", "", "==", "absent", "up", "quantile", "max_over_time", "", "y", ""}
	if len(ops) != len(want) {
		t.Fatalf("%d nodes %q, want %q", len(ops), ops, want)
	}
	for i := range want {
		if ops[i] != want[i] {
			t.Errorf("node %d is %q, want %q", i, ops[i], want[i])
		}
	}
	for range root.All() { // stopping early must not go on
		break
	}
}
