package logs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
)

// A chunk in bytes, version 1: the dictionary, the series without their
// patterns (which their texts give), then column after column. Small numbers
// are varints, times are differences, text lies together.
const chunkVersion = 1

// How a row's trace is written.
const (
	traceNone = iota
	traceAgain
	traceNew
	withSpan = 4 // added: the span's id follows
)

const minRowBytes = 5 // the least a row takes

func encodeChunk(dst []byte, c *chunk) []byte {
	dst = append(dst, chunkVersion)
	dst = binary.AppendUvarint(dst, uint64(len(c.words)-1))
	for _, w := range c.words[1:] {
		dst = appendText(dst, w)
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.series)))
	for i := range c.series {
		s := &c.series[i]
		dst = append(appendText(appendText(dst, string(s.service)), string(s.version)), byte(s.severity))
	}
	dst = binary.AppendUvarint(dst, uint64(c.rows()))
	last := int64(0)
	for _, t := range c.at {
		dst = binary.AppendVarint(dst, t-last)
		last = t
	}
	dst = appendNumbers(dst, c.number)
	dst = appendTraces(dst, c)
	dst = appendLengths(dst, c.textEnd)
	dst = append(dst, c.text...)
	dst = appendLengths(dst, c.attrEnd)
	return appendNumbers(appendNumbers(dst, c.attrKey), c.attrValue)
}

func appendTraces(dst []byte, c *chunk) []byte {
	last := pitwall.TraceID{}
	for i, id := range c.trace {
		how := byte(traceNew)
		switch id {
		case pitwall.TraceID{}:
			how = traceNone
		case last:
			how = traceAgain
		}
		if c.span[i] != 0 {
			how += withSpan
		}
		dst = append(dst, how)
		if how&^withSpan == traceNew {
			dst = append(dst, id[:]...)
			last = id
		}
		if c.span[i] != 0 {
			dst = binary.LittleEndian.AppendUint64(dst, c.span[i])
		}
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendNumbers(dst []byte, column []uint32) []byte {
	for _, v := range column {
		if v < 0x80 {
			dst = append(dst, byte(v))
			continue
		}
		dst = binary.AppendUvarint(dst, uint64(v))
	}
	return dst
}

func appendLengths(dst []byte, ends []uint32) []byte {
	last := uint32(0)
	for _, end := range ends {
		dst = binary.AppendUvarint(dst, uint64(end-last))
		last = end
	}
	return dst
}

var errShort = errors.New("the bytes end early")

// decodeChunk reads what encodeChunk wrote; the chunk shares its text with data
// and does not know its patterns. Damage that a checksum cannot see is an
// error, never a panic, and every number is checked against its range.
func decodeChunk(data []byte) (*chunk, error) {
	r := &reader{data: data}
	if v := r.byte(); v != chunkVersion {
		return nil, fmt.Errorf("chunk version %d, this binary reads %d", v, chunkVersion)
	}
	c := &chunk{words: make([]string, 1, 1+r.peek()), minAt: 1<<63 - 1, maxAt: -1 << 63}
	for range r.count(1) {
		c.words = append(c.words, r.text())
	}
	c.series = make([]series, r.count(3))
	for i := range c.series {
		s := &c.series[i]
		s.service, s.version, s.severity = pitwall.ServiceName(r.text()), pitwall.Version(r.text()), pitwall.LogSeverity(r.byte())
	}
	n := r.count(minRowBytes)
	c.at = make([]int64, n)
	last := int64(0)
	for i := range c.at {
		last += r.varint()
		c.at[i] = last
		c.minAt, c.maxAt = min(c.minAt, last), max(c.maxAt, last)
	}
	c.number = r.numbers(n)
	r.traces(c, n)
	c.textEnd = r.lengths(n)
	if n > 0 {
		c.text = r.bytes(int(c.textEnd[n-1]))
	}
	c.attrEnd = r.lengths(n)
	attrs := 0
	if n > 0 {
		attrs = int(c.attrEnd[n-1])
	}
	if attrs > len(r.data) {
		return nil, errShort
	}
	c.attrKey, c.attrValue = r.numbers(attrs), r.numbers(attrs)
	switch {
	case r.short:
		return nil, errShort
	case len(r.data) > 0:
		return nil, fmt.Errorf("%d bytes too many", len(r.data))
	case n > 0 && int(slices.Max(c.number)) >= len(c.series):
		return nil, fmt.Errorf("a row points beyond the %d series", len(c.series))
	case attrs > 0 && int(max(slices.Max(c.attrKey), slices.Max(c.attrValue))) >= len(c.words):
		return nil, fmt.Errorf("an attribute points beyond the dictionary of %d words", len(c.words))
	}
	return c, nil
}

// reader reads numbers; after the end of its data it gives zeros and is short.
type reader struct {
	data  []byte
	short bool
}

func (r *reader) fail() { r.short, r.data = true, nil }

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.data) {
		r.fail()
		return nil
	}
	head := r.data[:n:n]
	r.data = r.data[n:]
	return head
}

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		r.fail()
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *reader) uint64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	if len(r.data) > 0 && r.data[0] < 0x80 {
		v := r.data[0]
		r.data = r.data[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// count reads a number of things of at least size bytes each.
func (r *reader) count(size int) int {
	v := r.uvarint()
	if v > uint64(len(r.data)/size) {
		r.fail()
		return 0
	}
	return int(v)
}

// peek is the count that comes next, without reading it.
func (r *reader) peek() int {
	again := *r
	return again.count(1)
}

func (r *reader) text() string { return string(r.bytes(r.count(1))) }

func (r *reader) numbers(n int) []uint32 {
	column := make([]uint32, n)
	for i := range column {
		column[i] = uint32(min(r.uvarint(), 1<<32-1))
	}
	return column
}

// lengths reads lengths and gives where each ends.
func (r *reader) lengths(n int) []uint32 {
	ends := make([]uint32, n)
	end := uint64(0)
	for i := range ends {
		if end += min(r.uvarint(), 1<<31); end > 1<<31-1 {
			r.fail()
			end = 0
		}
		ends[i] = uint32(end)
	}
	if r.short {
		clear(ends)
	}
	return ends
}

func (r *reader) traces(c *chunk, n int) {
	c.trace, c.span = make([]pitwall.TraceID, n), make([]uint64, n)
	last := pitwall.TraceID{}
	for i := range c.trace {
		how := r.byte()
		if how >= 2*withSpan || how&^withSpan > traceNew {
			r.fail()
			return
		}
		switch how &^ withSpan {
		case traceNew:
			copy(last[:], r.bytes(16))
			c.trace[i] = last
		case traceAgain:
			c.trace[i] = last
		}
		if how&withSpan != 0 {
			c.span[i] = r.uint64()
		}
	}
}
