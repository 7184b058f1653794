package trace

import (
	"cmp"
	"slices"

	"github.com/pitwall/pitwall"
)

// none marks the absence of a span where an index is expected.
const none = -1

// Forest is the shape of a batch: its traces, and in each the trees. Indexes
// are rows of the batch the forest was built from.
type Forest struct {
	// Parent of each span, or -1: a root, an orphan, a cut cycle, a duplicate.
	Parent []int32
	// TraceOf numbers the trace of each span, 0 up to Traces()-1 by first
	// appearance in the batch.
	TraceOf []int32
	// Roots are the spans without a parent in the batch, in batch order.
	Roots []int32
	// Orphans names a parent that is not in the batch; they are roots too.
	Orphans int
	// Duplicates repeat the id of an earlier span of their trace (an export
	// that was retried); they are in no tree and in no trace's spans.
	Duplicates int
	// Cycles had to be cut; the span they were cut at is a root.
	Cycles int

	child, childEnd []int32 // children of i: child[childEnd[i-1]:childEnd[i]]
	span, spanEnd   []int32 // spans of trace t likewise
}

// Build finds the trees of a batch.
func Build(b *pitwall.SpanBatch) *Forest {
	n := b.Len()
	f := &Forest{Parent: make([]int32, n), TraceOf: make([]int32, n)}
	traces := f.numberTraces(b)
	duplicate := f.findParents(b)
	f.cutCycles()
	for i := range n {
		if f.Parent[i] == none && !duplicate[i] {
			f.Roots = append(f.Roots, int32(i))
		}
	}
	f.child, f.childEnd = group(n, n, func(i int) int32 { return f.Parent[i] })
	f.span, f.spanEnd = group(n, traces, func(i int) int32 {
		if duplicate[i] {
			return none
		}
		return f.TraceOf[i]
	})
	f.sortChildren(b)
	return f
}

// sortChildren puts the children of each span in order of their starts. Most
// have few, or have them in order.
func (f *Forest) sortChildren(b *pitwall.SpanBatch) {
	var keyed []keyedRow
	for i := range f.Parent {
		children := f.Children(i)
		inOrder := true
		for j := 1; j < len(children) && inOrder; j++ {
			inOrder = b.Start[children[j-1]] < b.Start[children[j]]
		}
		if inOrder {
			continue
		}
		keyed = keyed[:0]
		for _, c := range children {
			keyed = append(keyed, keyedRow{b.Start[c], b.SpanID[c], c})
		}
		slices.SortFunc(keyed, func(x, y keyedRow) int {
			if x.start != y.start {
				return cmp.Compare(x.start, y.start)
			}
			return cmp.Compare(x.id, y.id)
		})
		for j, k := range keyed {
			children[j] = k.row
		}
	}
}

// keyedRow is a row with what it is sorted by, side by side in memory.
type keyedRow struct {
	start int64
	id    uint64
	row   int32
}

// Traces is the number of traces.
func (f *Forest) Traces() int { return len(f.spanEnd) }

// Spans of trace t in batch order, without duplicates. Read only.
func (f *Forest) Spans(t int) []int32 { return slot(f.span, f.spanEnd, t) }

// Children of span i by start time. Read only.
func (f *Forest) Children(i int) []int32 { return slot(f.child, f.childEnd, i) }

// Root is the top of the tree that span i hangs in.
func (f *Forest) Root(i int) int {
	for f.Parent[i] != none {
		i = int(f.Parent[i])
	}
	return i
}

func (f *Forest) numberTraces(b *pitwall.SpanBatch) int {
	n, traces := b.Len(), int32(0)
	seen := newTable(n)
	for i := range n {
		id := b.TraceID[i]
		if i > 0 && id == b.TraceID[i-1] { // exporters send traces in runs
			f.TraceOf[i] = f.TraceOf[i-1]
			continue
		}
		first, found := seen.put(hashTrace(id), int32(i), func(j int32) bool { return b.TraceID[j] == id })
		if found {
			f.TraceOf[i] = f.TraceOf[first]
			continue
		}
		f.TraceOf[i] = traces
		traces++
	}
	return int(traces)
}

// findParents fills Parent and says which spans are duplicates.
func (f *Forest) findParents(b *pitwall.SpanBatch) (duplicate []bool) {
	n := b.Len()
	duplicate = make([]bool, n)
	spans := newTable(n)
	same := func(trace int32, id uint64) func(int32) bool {
		return func(j int32) bool { return b.SpanID[j] == id && f.TraceOf[j] == trace }
	}
	for i := range n {
		t, id := f.TraceOf[i], b.SpanID[i]
		if _, found := spans.put(hashSpan(t, id), int32(i), same(t, id)); found {
			duplicate[i] = true
			f.Duplicates++
		}
	}
	for i := range n {
		f.Parent[i] = none
		t, id := f.TraceOf[i], b.ParentID[i]
		if id == 0 || duplicate[i] {
			continue
		}
		if p, found := spans.get(hashSpan(t, id), same(t, id)); found {
			f.Parent[i] = p
		} else {
			f.Orphans++
		}
	}
	return duplicate
}

// cutCycles makes a root of one span of every ring of parents.
func (f *Forest) cutCycles() {
	mark := make([]int32, len(f.Parent)) // 0: never seen; else the walk that saw it, counted from 1
	for i := range f.Parent {
		walk := int32(i) + 1
		for j := int32(i); j != none && mark[j] != walk; j = f.Parent[j] {
			if mark[j] != 0 {
				break // joins what an earlier walk proved sound
			}
			mark[j] = walk
			if p := f.Parent[j]; p != none && mark[p] == walk {
				f.Parent[j] = none
				f.Cycles++
				break
			}
		}
	}
}

// group sorts 0..n-1 into buckets, keeping order; a negative bucket leaves out.
func group(n, buckets int, of func(i int) int32) (item, end []int32) {
	end = make([]int32, buckets)
	for i := range n {
		if g := of(i); g >= 0 {
			end[g]++
		}
	}
	total := int32(0)
	for g := range end {
		end[g], total = total, total+end[g] // first the start; filling moves it to the end
	}
	item = make([]int32, total)
	for i := range n {
		if g := of(i); g >= 0 {
			item[end[g]] = int32(i)
			end[g]++
		}
	}
	return item, end
}

func slot(item, end []int32, g int) []int32 {
	from := int32(0)
	if g > 0 {
		from = end[g-1]
	}
	return item[from:end[g]]
}
