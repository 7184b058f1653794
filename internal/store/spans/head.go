package spans

import (
	"github.com/pitwall/pitwall"
)

// maxChunk is how many spans a chunk holds; a query skips a chunk by its time
// range, and forgetting drops whole chunks.
const maxChunk = 1 << 16

// chunk is a run of spans in order of arrival, with its own dictionary, so that
// old strings go when their chunk goes.
type chunk struct {
	b              pitwall.SpanBatch
	minEnd, maxEnd int64 // of the spans' ends, unix nanoseconds
	arrival        int64 // of the newest span
}

// head is the part of the store that answers: the newest spans in memory.
type head struct {
	chunks  []*chunk
	size    int // spans per chunk
	spans   int
	dropped uint64 // spans forgotten for want of room, not of age
	number  []uint32
}

func newHead(maxSpans int) *head { return &head{size: min(maxChunk, max(1, maxSpans/16))} }

// add copies a batch to the end.
func (h *head) add(b *pitwall.SpanBatch, arrival int64) {
	for from := 0; from < b.Len(); {
		if n := len(h.chunks); n == 0 || h.chunks[n-1].b.Len() >= h.size {
			h.chunks = append(h.chunks, newChunk(h.size))
		}
		c := h.chunks[len(h.chunks)-1]
		to := min(b.Len(), from+h.size-c.b.Len())
		h.number = c.take(b, from, to, h.number)
		c.arrival = max(c.arrival, arrival)
		h.spans += to - from
		from = to
	}
}

func newChunk(size int) *chunk {
	b := pitwall.SpanBatch{
		TraceID: make([]pitwall.TraceID, 0, size), SpanID: make([]uint64, 0, size), ParentID: make([]uint64, 0, size),
		Start: make([]int64, 0, size), Duration: make([]int64, 0, size),
		Service: make([]uint32, 0, size), Version: make([]uint32, 0, size), Operation: make([]uint32, 0, size),
		Peer: make([]uint32, 0, size), Statement: make([]uint32, 0, size),
		Kind: make([]pitwall.SpanKind, 0, size), Failed: make([]bool, 0, size),
		ReqBytes: make([]int64, 0, size), RespBytes: make([]int64, 0, size), AttrEnd: make([]uint32, 0, size),
	}
	b.Intern("")
	return &chunk{b: b, minEnd: 1<<63 - 1, maxEnd: -1 << 63}
}

// take appends rows [from, to) of src; number is scratch for the dictionary and
// is given back.
func (c *chunk) take(src *pitwall.SpanBatch, from, to int, number []uint32) []uint32 {
	number = number[:0]
	for _, s := range src.Strings {
		number = append(number, c.b.Intern(s))
	}
	appendRows(&c.b, src, from, to, number)
	for i := from; i < to; i++ {
		end := src.Start[i] + src.Duration[i]
		c.minEnd, c.maxEnd = min(c.minEnd, end), max(c.maxEnd, end)
	}
	return number
}

// appendRows copies rows [from, to) of src, translating dictionary numbers.
func appendRows(dst, src *pitwall.SpanBatch, from, to int, number []uint32) {
	dst.TraceID = append(dst.TraceID, src.TraceID[from:to]...)
	dst.SpanID = append(dst.SpanID, src.SpanID[from:to]...)
	dst.ParentID = append(dst.ParentID, src.ParentID[from:to]...)
	dst.Start = append(dst.Start, src.Start[from:to]...)
	dst.Duration = append(dst.Duration, src.Duration[from:to]...)
	dst.Kind = append(dst.Kind, src.Kind[from:to]...)
	dst.Failed = append(dst.Failed, src.Failed[from:to]...)
	dst.ReqBytes = append(dst.ReqBytes, src.ReqBytes[from:to]...)
	dst.RespBytes = append(dst.RespBytes, src.RespBytes[from:to]...)
	dst.Service = translate(dst.Service, src.Service[from:to], number)
	dst.Version = translate(dst.Version, src.Version[from:to], number)
	dst.Operation = translate(dst.Operation, src.Operation[from:to], number)
	dst.Peer = translate(dst.Peer, src.Peer[from:to], number)
	dst.Statement = translate(dst.Statement, src.Statement[from:to], number)
	first := uint32(0)
	if from > 0 {
		first = src.AttrEnd[from-1]
	}
	shift := uint32(len(dst.AttrKey)) - first
	for _, end := range src.AttrEnd[from:to] {
		dst.AttrEnd = append(dst.AttrEnd, end+shift)
	}
	last := src.AttrEnd[to-1]
	dst.AttrKey = translate(dst.AttrKey, src.AttrKey[first:last], number)
	dst.AttrValue = translate(dst.AttrValue, src.AttrValue[first:last], number)
}

func translate(dst, src, number []uint32) []uint32 {
	for _, v := range src {
		dst = append(dst, number[v])
	}
	return dst
}

// forget drops chunks whose newest span came before the given time, and the
// oldest chunks until at most maxSpans are left.
func (h *head) forget(before int64, maxSpans int) {
	for len(h.chunks) > 0 {
		c := h.chunks[0]
		old := c.arrival < before
		if !old && h.spans <= maxSpans {
			return
		}
		if !old {
			h.dropped += uint64(c.b.Len())
		}
		h.spans -= c.b.Len()
		h.chunks[0] = nil
		h.chunks = h.chunks[1:]
	}
}
