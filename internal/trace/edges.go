package trace

import (
	"cmp"
	"slices"

	"github.com/pitwall/pitwall"
)

// Hop is one remote call seen from both ends.
type Hop struct {
	Client, Server int // rows of the batch
	// Gap is the client's duration minus the server's, in nanoseconds: the way
	// there and back, queueing before the handler, and reading the response.
	// Durations only, so skew of clocks does not matter. Negative when the
	// server goes on after the client has its answer.
	Gap int64
}

// HopGaps finds every client span that has exactly one server span as child.
// With several (a retry below the client span) the gap cannot be told.
func HopGaps(b *pitwall.SpanBatch, f *Forest) []Hop {
	var hops []Hop
	for i, kind := range b.Kind {
		if kind != pitwall.SpanClient {
			continue
		}
		server := none
		for _, c := range f.Children(i) {
			if b.Kind[c] != pitwall.SpanServer {
				continue
			}
			if server != none {
				server = none
				break
			}
			server = int(c)
		}
		if server != none {
			hops = append(hops, Hop{Client: i, Server: server, Gap: b.Duration[i] - b.Duration[server]})
		}
	}
	return hops
}

// ChildCount is how often one span did one thing: n+1 is an N that jumps.
// Service, Operation, Peer and Statement are numbers of the batch's dictionary.
type ChildCount struct {
	Parent    int // row of the batch
	Service   uint32
	Operation uint32
	Peer      uint32
	Statement uint32
	Kind      pitwall.SpanKind
	N         int
	Time      int64 // sum of the children's durations in nanoseconds; parallel ones count each
	First     int   // row of the earliest of them
}

// ChildCounts gives one entry for each parent and each distinct kind of direct
// child, by parent, then by the first child's start.
func ChildCounts(b *pitwall.SpanBatch, f *Forest) []ChildCount {
	var counts []ChildCount
	var scratch []int32
	for i := range b.Len() {
		children := f.Children(i)
		if len(children) == 0 {
			continue
		}
		scratch = append(scratch[:0], children...)
		slices.SortStableFunc(scratch, func(x, y int32) int { return compareChild(b, x, y) })
		from := len(counts)
		for j, c := range scratch {
			if j == 0 || compareChild(b, scratch[j-1], c) != 0 {
				counts = append(counts, ChildCount{
					Parent: i, Service: b.Service[c], Operation: b.Operation[c], Peer: b.Peer[c],
					Statement: b.Statement[c], Kind: b.Kind[c], First: int(c),
				})
			}
			last := &counts[len(counts)-1]
			last.N++
			last.Time += b.Duration[c]
		}
		slices.SortStableFunc(counts[from:], func(x, y ChildCount) int { return cmp.Compare(b.Start[x.First], b.Start[y.First]) })
	}
	return counts
}

func compareChild(b *pitwall.SpanBatch, x, y int32) int {
	return cmp.Or(
		cmp.Compare(b.Service[x], b.Service[y]), cmp.Compare(b.Operation[x], b.Operation[y]),
		cmp.Compare(b.Peer[x], b.Peer[y]), cmp.Compare(b.Statement[x], b.Statement[y]), cmp.Compare(b.Kind[x], b.Kind[y]),
	)
}

// Entries are the calls from outside: of each trace the earliest server span
// that no span of the batch called, in the order of the traces. A trace without
// one is left out.
func Entries(b *pitwall.SpanBatch, f *Forest) []int32 {
	first := make([]int32, f.Traces())
	for t := range first {
		first[t] = none
	}
	for _, i := range f.Roots {
		if b.Kind[i] != pitwall.SpanServer {
			continue
		}
		if at := &first[f.TraceOf[i]]; *at == none || b.Start[i] < b.Start[*at] {
			*at = i
		}
	}
	return slices.DeleteFunc(first, func(i int32) bool { return i == none })
}
