package trace_test

import (
	"math/rand/v2"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/trace"
)

// TestExemplars: the one in the middle, then the worst not yet shown; a loop is
// one line, with its own query lines beneath as one, and every line knows how
// long was waited for it.
func TestExemplars(t *testing.T) {
	b := &pitwall.SpanBatch{}
	add := func(m ms) { b.Add(m.row()) }
	for i, d := range []int64{100, 110, 120, 130, 900} {
		tr := byte(i + 1)
		add(ms{trace: tr, id: 1, service: "shop", kind: pitwall.SpanServer, op: "GET /list", from: int64(1000 * i), d: d})
		for j := range 3 {
			at := int64(1000*i + 10 + 20*j)
			add(ms{trace: tr, id: uint64(10 + j), parent: 1, service: "shop", kind: pitwall.SpanClient, op: "GET item", from: at, d: 10})
			add(ms{trace: tr, id: uint64(20 + j), parent: uint64(10 + j), service: "stock", kind: pitwall.SpanServer, op: "item", from: at + 1, d: 8})
		}
		add(ms{trace: tr, id: 30, parent: 1, service: "shop", kind: pitwall.SpanClient, op: "GET item", from: int64(1000*i + 80), d: 10, failed: true})
	}
	for i := range b.RespBytes {
		if b.Kind[i] == pitwall.SpanServer && b.ParentID[i] != 0 {
			b.RespBytes[i] = 1000
		}
	}
	f := trace.Build(b)
	g := trace.Group{Batch: b, Forest: f, Requests: trace.Entries(b, f)}
	got := trace.Exemplars(g, trace.Wanted{Kind: "slow", At: []float64{0.5, 0.99}})
	near := cmpopts.EquateApprox(0, 1e-9)
	want := []pitwall.ExemplarSpan{
		{Service: "shop", Operation: "GET /list", Duration: 0.12, Critical: 0.08, Repeats: 1, Bytes: -1},
		{Service: "shop", Operation: "GET item", Depth: 1, Offset: 0.01, Duration: 0.05, Critical: 0.006, Repeats: 3, Bytes: -1},
		{Service: "stock", Operation: "item", Depth: 2, Offset: 0.011, Duration: 0.048, Critical: 0.024, Repeats: 3, Bytes: 3000},
		{Service: "shop", Operation: "GET item", Depth: 1, Offset: 0.08, Duration: 0.01, Critical: 0.01, Repeats: 1, Bytes: -1, Failed: true},
	}
	if len(got) != 2 || got[0].TraceID != "00000000000000000000000000000003" || got[0].Kind != "slow" || got[1].Duration != 0.9 {
		t.Fatalf("%+v", got)
	}
	if diff := gocmp.Diff(want, got[0].Spans, near); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !got[0].Start.Equal(time.UnixMilli(3000)) || got[0].Left != 0 {
		t.Errorf("%+v", got[0])
	}
	if few := trace.Exemplars(g, trace.Wanted{At: []float64{0.5}, Spans: 2}); len(few[0].Spans) != 2 || few[0].Left != 4 || few[0].Spans[1].Repeats != 3 {
		t.Errorf("of two lines: %+v", few[0])
	}
	if none := trace.Exemplars(trace.Group{Batch: b, Forest: f}, trace.Wanted{At: []float64{0.5}}); none != nil {
		t.Errorf("of nothing: %+v", none)
	}
}

// TestExemplarsLoseNothing: of any trace the lines and what is left are all its
// spans, every line's parent stands above it, and the critical seconds of all
// lines are the request's.
func TestExemplarsLoseNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for try := range 2000 {
		b := random(r, 1+r.IntN(40))
		f := trace.Build(b)
		g := trace.Group{Batch: b, Forest: f, Requests: f.Roots}
		most := 1 + r.IntN(50)
		e := trace.Exemplars(g, trace.Wanted{At: []float64{0.5}, Spans: most})[0]
		spans, waited := e.Left, 0.0
		for i, s := range e.Spans {
			spans += s.Repeats
			waited += s.Critical
			if i > 0 && (s.Depth < 1 || s.Depth > e.Spans[i-1].Depth+1) {
				t.Fatalf("try %d: line %d at depth %d below one at %d", try, i, s.Depth, e.Spans[i-1].Depth)
			}
		}
		if spans != b.Len() || len(e.Spans) > most {
			t.Fatalf("try %d: %d spans of %d in %d lines of %d", try, spans, b.Len(), len(e.Spans), most)
		}
		if d := waited - e.Duration; e.Left == 0 && (d > 1e-12 || d < -1e-12) {
			t.Fatalf("try %d: the lines add up to %g of %g s", try, waited, e.Duration)
		}
	}
}
