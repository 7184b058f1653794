package spans

import (
	"slices"

	"github.com/pitwall/pitwall"
)

// hit is a run of rows of a view: [from, to).
type hit struct {
	view     int
	from, to int
}

// criteria is a query in the words of one chunk.
type criteria struct {
	w                           window
	service, version, operation uint32
	bySvc, byVersion, byOp      bool
	attrs                       [][2]uint32
	minDuration                 int64
	failed                      bool
}

// match adds the rows of a view that the query asks for.
func match(hits []hit, v *view, number int, q pitwall.SpanQuery, w window) []hit {
	b := &v.b
	c, possible := criteriaOf(b, q, w)
	if !possible || !w.touches(v) {
		return hits
	}
	for row, start := range b.Start {
		if end := start + b.Duration[row]; end >= c.w.from && end < c.w.to && c.meets(b, row) {
			hits = addHit(hits, number, row)
		}
	}
	return hits
}

// criteriaOf looks the words of a query up; possible is false when the chunk
// lacks one.
func criteriaOf(b *pitwall.SpanBatch, q pitwall.SpanQuery, w window) (c criteria, possible bool) {
	c = criteria{w: w, minDuration: int64(q.MinDuration), failed: q.Failed,
		bySvc: q.Service != "", byVersion: q.Version != "", byOp: q.Operation != ""}
	possible = true
	word := func(s string) uint32 {
		i := slices.Index(b.Strings, s) // not the map, which belongs to the writer
		possible = possible && i >= 0
		return uint32(i)
	}
	c.service, c.version, c.operation = word(string(q.Service)), word(string(q.Version)), word(q.Operation)
	for _, a := range q.Attrs {
		c.attrs = append(c.attrs, [2]uint32{word(a.Key), word(a.Value)})
	}
	return c, possible
}

// meets says whether a row is as asked for, apart from its time.
func (c *criteria) meets(b *pitwall.SpanBatch, row int) bool {
	if c.bySvc && b.Service[row] != c.service || c.byOp && b.Operation[row] != c.operation ||
		c.byVersion && b.Version[row] != c.version || c.failed && !b.Failed[row] || b.Duration[row] < c.minDuration {
		return false
	}
	for _, a := range c.attrs {
		if !carries(b, row, a) {
			return false
		}
	}
	return true
}

func carries(b *pitwall.SpanBatch, row int, a [2]uint32) bool {
	from := uint32(0)
	if row > 0 {
		from = b.AttrEnd[row-1]
	}
	for j := from; j < b.AttrEnd[row]; j++ {
		if b.AttrKey[j] == a[0] && b.AttrValue[j] == a[1] {
			return true
		}
	}
	return false
}

func addHit(hits []hit, view, row int) []hit {
	if n := len(hits); n > 0 && hits[n-1].view == view && hits[n-1].to == row {
		hits[n-1].to = row + 1
		return hits
	}
	return append(hits, hit{view, row, row + 1})
}
