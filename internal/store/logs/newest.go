package logs

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/pitwall/pitwall"
)

// maxAnswer bounds the text of an answer, in bytes.
const maxAnswer = 64 << 20

// hit is a record with what orders it.
type hit struct {
	at     int64
	place  uint64
	size   int
	record pitwall.LogRecord
}

func (h hit) compare(o hit) int {
	return cmp.Or(cmp.Compare(h.at, o.at), cmp.Compare(h.place, o.place))
}

// place numbers rows in order of arrival: of block, or head, then chunk, then
// row.
func place(block, chunk, row int) uint64 { return uint64(block)<<48 | uint64(chunk)<<24 | uint64(row) }

// newest keeps the newest of the records it is offered. It is a heap with the
// oldest at the top.
type newest struct {
	hits  []hit
	limit int
	size  int
}

func newestOf(limit int) *newest { return &newest{limit: limit} }

func (n *newest) Len() int           { return len(n.hits) }
func (n *newest) Less(i, j int) bool { return n.hits[i].compare(n.hits[j]) < 0 }
func (n *newest) Swap(i, j int)      { n.hits[i], n.hits[j] = n.hits[j], n.hits[i] }

// Push is for the heap alone.
func (n *newest) Push(x any) { n.hits = append(n.hits, x.(hit)) }

// Pop is for the heap alone.
func (n *newest) Pop() any {
	last := n.hits[len(n.hits)-1]
	n.hits[len(n.hits)-1] = hit{}
	n.hits = n.hits[:len(n.hits)-1]
	return last
}

// takes says whether a record of that time may be among the newest.
func (n *newest) takes(at int64) bool { return len(n.hits) < n.limit || at >= n.hits[0].at }

// offer takes row i of a chunk if it is among the newest.
func (n *newest) offer(c *chunk, i int, place uint64) {
	h := hit{at: c.at[i], place: place}
	if len(n.hits) >= n.limit && h.compare(n.hits[0]) < 0 {
		return
	}
	h.record = c.record(i)
	h.size = len(h.record.Text) + 128
	for _, a := range h.record.Attrs {
		h.size += len(a.Key) + len(a.Value) + 32
	}
	heap.Push(n, h)
	n.size += h.size
	for len(n.hits) > n.limit || n.size > maxAnswer && len(n.hits) > 1 {
		n.size -= heap.Pop(n).(hit).size
		n.limit = min(n.limit, max(1, len(n.hits))) // what is older than one left out is left out too
	}
}

// records gives what was kept, newest first.
func (n *newest) records() []pitwall.LogRecord {
	slices.SortFunc(n.hits, func(x, y hit) int { return y.compare(x) })
	out := make([]pitwall.LogRecord, len(n.hits))
	for i := range n.hits {
		out[i] = n.hits[i].record
	}
	return out
}
