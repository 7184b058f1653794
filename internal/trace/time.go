package trace

import (
	"cmp"
	"slices"

	"github.com/pitwall/pitwall"
)

// Section is a stretch of a critical path: between From and To the request
// waited for the own work of Span.
type Section struct {
	Span     int   // row of the batch
	From, To int64 // unix nanoseconds, half-open
}

// Duration of the section in nanoseconds.
func (s Section) Duration() int64 { return s.To - s.From }

// SelfTimes gives each span's own time in nanoseconds: its duration minus the
// union of its children's intervals, clipped to the span. Parallel children
// count once; what a consumer does for a producer does not count at all, for
// the producer does not wait.
func SelfTimes(b *pitwall.SpanBatch, f *Forest) []int64 {
	self := make([]int64, b.Len())
	for i := range self {
		from, to := b.Start[i], b.Start[i]+b.Duration[i]
		self[i] = b.Duration[i]
		covered := from // everything before is accounted for
		for _, c := range f.Children(i) {
			if asynchronous(b, i, int(c)) {
				continue
			}
			lo, hi := max(covered, b.Start[c]), min(to, b.Start[c]+b.Duration[c])
			if hi > lo {
				self[i] -= hi - lo
				covered = hi
			}
		}
	}
	return self
}

// CriticalPath says where the time of the request under root went: sections in
// order of time that partition root's interval exactly, each belonging to the
// span the request waited for.
//
// It walks back from the end: inside span s at time t, take the child with the
// latest (clipped) end not after t, let the gap belong to s, do the same inside
// the child, and go on from the child's start. A child that still runs at t did
// not hold up what came after it and is passed over. Children are clipped to
// their parent; each span is entered at most once, so a fan-out of thousands
// costs one sort.
func CriticalPath(b *pitwall.SpanBatch, f *Forest, root int) []Section {
	return NewWalker(b, f).CriticalPath(root)
}

// Walker finds the critical paths of many requests of one batch, and takes
// memory once. It is not safe for use by several goroutines.
type Walker struct {
	b     *pitwall.SpanBatch
	f     *Forest
	stack []frame    // its own, for a broken trace may be deeper than ours
	queue []interval // children of all frames on the stack, latest end last
	path  []Section
}

type frame struct {
	span int
	from int64
	t    int64 // everything from here on is accounted for
	base int   // its children are queue[base:]
}

type interval struct {
	span     int
	from, to int64
}

// NewWalker makes a Walker of a batch and its forest.
func NewWalker(b *pitwall.SpanBatch, f *Forest) *Walker { return &Walker{b: b, f: f} }

// CriticalPath is as the function; what it gives holds until the next call.
func (w *Walker) CriticalPath(root int) []Section {
	w.stack, w.queue, w.path = w.stack[:0], w.queue[:0], w.path[:0]
	w.enter(root, w.b.Start[root], w.b.Start[root]+w.b.Duration[root])
	for len(w.stack) > 0 {
		w.step()
	}
	slices.Reverse(w.path)
	return w.path
}

func (w *Walker) enter(span int, from, to int64) {
	base := len(w.queue)
	inOrder := true // as sequential calls are: begun and ended one after the other
	for _, c := range w.f.Children(span) {
		lo, hi := max(from, w.b.Start[c]), min(to, w.b.Start[c]+w.b.Duration[c])
		if lo < hi && !asynchronous(w.b, span, int(c)) {
			inOrder = inOrder && (len(w.queue) == base || w.queue[len(w.queue)-1].to < hi)
			w.queue = append(w.queue, interval{int(c), lo, hi})
		}
	}
	if !inOrder {
		slices.SortFunc(w.queue[base:], w.compare)
	}
	w.stack = append(w.stack, frame{span: span, from: from, t: to, base: base})
}

// compare orders by end. Of two that end together the longer one was waited for.
func (w *Walker) compare(x, y interval) int {
	if x.to != y.to {
		return cmp.Compare(x.to, y.to)
	}
	return cmp.Or(cmp.Compare(y.from, x.from), cmp.Compare(w.b.SpanID[x.span], w.b.SpanID[y.span]))
}

func (w *Walker) step() {
	top := &w.stack[len(w.stack)-1]
	for len(w.queue) > top.base {
		c := w.queue[len(w.queue)-1]
		w.queue = w.queue[:len(w.queue)-1]
		if c.to > top.t {
			continue
		}
		w.emit(top.span, c.to, top.t)
		top.t = c.from
		w.enter(c.span, c.from, c.to)
		return
	}
	w.emit(top.span, top.from, top.t)
	w.stack = w.stack[:len(w.stack)-1]
}

func (w *Walker) emit(span int, from, to int64) {
	if from < to {
		w.path = append(w.path, Section{Span: span, From: from, To: to})
	}
}

// asynchronous says whether the parent does not wait for the child: a consumer
// works on a producer's message when it likes.
func asynchronous(b *pitwall.SpanBatch, parent, child int) bool {
	return b.Kind[parent] == pitwall.SpanProducer && b.Kind[child] == pitwall.SpanConsumer
}
