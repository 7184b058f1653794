package engine

import (
	"context"
	"slices"
	"testing"

	"github.com/pitwall/pitwall"
)

// totalsOf stands in for a span store that knows these operations.
type totalsOf []pitwall.OperationTotals

func (t totalsOf) Operations(context.Context, pitwall.OperationQuery) ([]pitwall.OperationTotals, error) {
	return t, nil
}

func TestRelated(t *testing.T) {
	w := newWorld(t)
	w.start()
	e := w.life.engine
	e.c.Operations = totalsOf{{Service: "checkout", Peer: "inventory", Kind: pitwall.SpanClient}, {Service: "search", Peer: "orders", Kind: pitwall.SpanServer}}
	if e.related(context.Background())("checkout") != nil {
		t.Error("who calls whom was asked though nothing fires")
	}
	e.alarms = map[string]pitwall.Alarm{"a": {ID: "a"}, "b": {ID: "b"}}
	f := func(want bool, a, b pitwall.ServiceName) {
		t.Helper()
		if slices.Contains(e.related(context.Background())(a), b) != want {
			t.Errorf("%s and %s: want %v", a, b, want)
		}
	}
	f(true, "checkout", "inventory")
	f(true, "inventory", "checkout")
	f(false, "checkout", "search")
	f(false, "search", "orders") // it serves them, it does not call them
}
