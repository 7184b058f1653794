package spans

import (
	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/spans/rollup"
	"github.com/pitwall/pitwall/internal/trace"
)

// closeTraces computes self times and shares of critical paths of the traces of
// a batch, once and for all. A trace is closed when it is idle, or when it has
// its root and every parent; the spans of others get -1.
//
// Of a trace in pieces the piece with the root counts, else the longest: the
// critical path of a request is one.
func closeTraces(b *pitwall.SpanBatch, idle func(row int) bool) rollup.Times {
	n := b.Len()
	f := trace.Build(b)
	t := rollup.Times{Self: make([]int64, n), Critical: make([]int64, n)}
	for i := range n {
		t.Self[i], t.Critical[i] = -1, -1
	}
	self := trace.SelfTimes(b, f)
	roots := rootsOf(b, f)
	for k, root := range roots {
		rows := f.Spans(k)
		if !whole(b, f, rows) && !allIdle(rows, idle) {
			continue
		}
		for _, row := range rows {
			t.Self[row], t.Critical[row] = self[row], 0
		}
		for _, s := range trace.CriticalPath(b, f, int(root)) {
			t.Critical[s.Span] += s.Duration()
		}
	}
	return t
}

// rootsOf gives of each trace the span where the request came in.
func rootsOf(b *pitwall.SpanBatch, f *trace.Forest) []int32 {
	roots := make([]int32, f.Traces())
	for k := range roots {
		roots[k] = -1
	}
	for _, row := range f.Roots {
		at := &roots[f.TraceOf[row]]
		if *at < 0 || before(b, int(row), int(*at)) {
			*at = row
		}
	}
	return roots
}

// before says whether row x is the better root of a trace than row y.
func before(b *pitwall.SpanBatch, x, y int) bool {
	if top := b.ParentID[x] == 0; top != (b.ParentID[y] == 0) {
		return top
	}
	return b.Duration[x] > b.Duration[y]
}

// whole says whether a trace has a root and all its parents.
func whole(b *pitwall.SpanBatch, f *trace.Forest, rows []int32) bool {
	root := false
	for _, row := range rows {
		if f.Parent[row] >= 0 {
			continue
		}
		if b.ParentID[row] != 0 {
			return false
		}
		root = true
	}
	return root
}

func allIdle(rows []int32, idle func(row int) bool) bool {
	for _, row := range rows {
		if !idle(int(row)) {
			return false
		}
	}
	return true
}
