package spans

import (
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

// maxChunk is how many spans a chunk holds; a query skips a chunk by its time
// range, and cutting and forgetting take whole chunks.
const maxChunk = 1 << 14

const (
	rowBytes  = 90 // of a span's fixed columns
	attrBytes = 8
	wordBytes = 64 // of a dictionary entry besides its text, roughly
)

// chunk is a run of whole batches in order of arrival, with its own dictionary,
// so that old strings go when their chunk goes.
type chunk struct {
	b               pitwall.SpanBatch
	minEnd, maxEnd  int64  // of the spans' ends, unix nanoseconds
	oldest, arrival int64  // arrival of the oldest and the newest span
	first, last     uint64 // log positions of the first and the last batch
	text            int64  // bytes of the dictionary
	addedUp         bool   // the rollup files have its spans already
	cutting         bool   // the cutter is at it: nothing is added, and it stays
}

func (c *chunk) bytes() int64 {
	return int64(c.b.Len())*rowBytes + int64(len(c.b.AttrKey))*attrBytes + c.text
}

// arrived is a batch with what the log says of it.
type arrived struct {
	batch    *pitwall.SpanBatch
	position uint64
	arrival  int64 // unix nanoseconds
	addedUp  bool
}

// head is the newest spans, in memory.
type head struct {
	chunks   []*chunk
	size     int   // spans per chunk
	maxBytes int64 // per chunk
	maxAge   int64 // of the oldest span of a chunk that is still filled, ns
	spans    int
	dropped  uint64 // spans forgotten for want of room, not of age
	number   []uint32
	attrs    int // of the last full chunk, to make the next as large at once
}

// newHead makes a head whose bounds are reached by some sixteen chunks.
func newHead(o Options) *head {
	return &head{size: min(maxChunk, max(1, o.MaxSpans/16)), maxBytes: o.HeadBytes / 8, maxAge: int64(o.HeadAge) / 4}
}

// add copies a batch to the end. A batch is never split: what a log position
// covers is in one chunk.
func (h *head) add(a arrived) {
	n := len(h.chunks)
	if n == 0 || !h.fits(h.chunks[n-1], a) {
		if n > 0 {
			h.attrs = len(h.chunks[n-1].b.AttrKey)
		}
		h.chunks = append(h.chunks, newChunk(max(h.size, a.batch.Len()), h.attrs, a))
		n++
	}
	c := h.chunks[n-1]
	h.number = c.take(a.batch, h.number)
	c.last, c.arrival = a.position, max(c.arrival, a.arrival)
	h.spans += a.batch.Len()
}

func (h *head) fits(c *chunk, a arrived) bool {
	return !c.cutting && c.addedUp == a.addedUp && c.b.Len()+a.batch.Len() <= h.size &&
		c.bytes() < h.maxBytes && a.arrival-c.oldest < h.maxAge
}

// bytes is roughly what the spans take in memory.
func (h *head) bytes() (n int64) {
	for _, c := range h.chunks {
		n += c.bytes()
	}
	return n
}

func newChunk(size, attrs int, a arrived) *chunk {
	b := pitwall.SpanBatch{
		TraceID: make([]pitwall.TraceID, 0, size), SpanID: make([]uint64, 0, size), ParentID: make([]uint64, 0, size),
		Start: make([]int64, 0, size), Duration: make([]int64, 0, size),
		Service: make([]uint32, 0, size), Version: make([]uint32, 0, size), Operation: make([]uint32, 0, size),
		Peer: make([]uint32, 0, size), Statement: make([]uint32, 0, size),
		Kind: make([]pitwall.SpanKind, 0, size), Failed: make([]bool, 0, size),
		ReqBytes: make([]int64, 0, size), RespBytes: make([]int64, 0, size), AttrEnd: make([]uint32, 0, size),
		AttrKey: make([]uint32, 0, attrs), AttrValue: make([]uint32, 0, attrs),
	}
	b.Intern("")
	return &chunk{b: b, minEnd: 1<<63 - 1, maxEnd: -1 << 63, oldest: a.arrival, first: a.position, addedUp: a.addedUp}
}

// take appends the rows of src; number is scratch for the dictionary and is
// given back.
func (c *chunk) take(src *pitwall.SpanBatch, number []uint32) []uint32 {
	number = number[:0]
	for _, s := range src.Strings {
		id, known := c.b.Lookup(s)
		if !known {
			id = c.b.Intern(strings.Clone(s)) // s may be a part of something large
			c.text += int64(len(s)) + wordBytes
		}
		number = append(number, id)
	}
	appendRows(&c.b, src, 0, src.Len(), number)
	for i, start := range src.Start {
		end := start + src.Duration[i]
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
	at := len(dst)
	dst = slices.Grow(dst, len(src))[:at+len(src)]
	out := dst[at:]
	for i, v := range src {
		out[i] = number[v]
	}
	return dst
}

// forgetting is what may go: chunks whose newest span came before a time, and the
// oldest until at most so many spans are left; those that no rollup has only if
// it says so.
type forgetting struct {
	before   int64
	most     int
	unsummed bool
}

// forget drops chunks, the oldest first. A chunk being cut stays.
func (h *head) forget(f forgetting) {
	for len(h.chunks) > 0 {
		c := h.chunks[0]
		old := c.arrival < f.before
		if c.cutting || !old && (h.spans <= f.most || !c.addedUp && !f.unsummed) {
			return
		}
		if !old {
			h.dropped += uint64(c.b.Len())
		}
		h.remove(c)
	}
}

// remove takes a chunk out.
func (h *head) remove(c *chunk) {
	if i := slices.Index(h.chunks, c); i >= 0 {
		h.spans -= c.b.Len()
		h.chunks = slices.Delete(h.chunks, i, i+1)
	}
}
