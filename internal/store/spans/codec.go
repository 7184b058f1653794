package spans

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
)

// The payload of a frame, version 1: the dictionary, then column after column.
// Small numbers are varints, starts are differences, a trace id equal to the
// one before takes one byte.

const payloadVersion = 1

// minSpanBytes is the least a span takes in a payload; it bounds what a
// damaged count can make the decoder allocate.
const minSpanBytes = 29

func encodeBatch(dst []byte, b *pitwall.SpanBatch) []byte {
	dst = append(dst, payloadVersion)
	dst = binary.AppendUvarint(dst, uint64(len(b.Strings)))
	for _, s := range b.Strings {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	dst = binary.AppendUvarint(dst, uint64(b.Len()))
	for i, id := range b.TraceID {
		if i > 0 && id == b.TraceID[i-1] {
			dst = append(dst, 0)
			continue
		}
		dst = append(dst, 1)
		dst = append(dst, id[:]...)
	}
	for _, column := range [][]uint64{b.SpanID, b.ParentID} {
		for _, id := range column {
			dst = binary.LittleEndian.AppendUint64(dst, id)
		}
	}
	last := int64(0)
	for _, t := range b.Start {
		dst = binary.AppendVarint(dst, t-last)
		last = t
	}
	for _, d := range b.Duration {
		dst = binary.AppendUvarint(dst, uint64(d))
	}
	for _, column := range [][]uint32{b.Service, b.Version, b.Operation, b.Peer, b.Statement} {
		dst = appendNumbers(dst, column)
	}
	for i, k := range b.Kind {
		failed := byte(0)
		if b.Failed[i] {
			failed = 1
		}
		dst = append(dst, byte(k), failed)
	}
	for _, column := range [][]int64{b.ReqBytes, b.RespBytes} {
		for _, v := range column {
			dst = binary.AppendUvarint(dst, uint64(max(v, -1)+1)) // 0: unknown
		}
	}
	from := uint32(0)
	for _, to := range b.AttrEnd {
		dst = binary.AppendUvarint(dst, uint64(to-from))
		from = to
	}
	dst = appendNumbers(dst, b.AttrKey)
	return appendNumbers(dst, b.AttrValue)
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

var errShort = errors.New("the payload ends early")

// decodeBatch reads what encodeBatch wrote. Damage that a checksum cannot see
// is an error, never a panic, and every number is checked against its range.
func decodeBatch(data []byte) (*pitwall.SpanBatch, error) {
	r := &reader{data: data}
	if v := r.byte(); v != payloadVersion {
		return nil, fmt.Errorf("payload version %d, this binary reads %d", v, payloadVersion)
	}
	b := &pitwall.SpanBatch{Strings: make([]string, r.count(1))}
	for i := range b.Strings {
		b.Strings[i] = string(r.bytes(r.count(1)))
	}
	n := r.count(minSpanBytes)
	b.TraceID = make([]pitwall.TraceID, n)
	for i := range n {
		if r.byte() == 1 {
			copy(b.TraceID[i][:], r.bytes(16))
		} else if i > 0 {
			b.TraceID[i] = b.TraceID[i-1]
		}
	}
	b.SpanID, b.ParentID = r.fixed(n), r.fixed(n)
	b.Start, b.Duration = make([]int64, n), make([]int64, n)
	last := int64(0)
	for i := range n {
		last += r.varint()
		b.Start[i] = last
	}
	for i := range n {
		b.Duration[i] = int64(r.uvarint())
	}
	b.Service, b.Version, b.Operation = r.numbers(n), r.numbers(n), r.numbers(n)
	b.Peer, b.Statement = r.numbers(n), r.numbers(n)
	b.Kind, b.Failed = make([]pitwall.SpanKind, n), make([]bool, n)
	for i := range n {
		b.Kind[i], b.Failed[i] = pitwall.SpanKind(r.byte()), r.byte() == 1
	}
	b.ReqBytes, b.RespBytes = r.sizes(n), r.sizes(n)
	b.AttrEnd = make([]uint32, n)
	end := uint64(0)
	for i := range n {
		end += r.uvarint()
		b.AttrEnd[i] = uint32(min(end, 1<<31))
	}
	if r.short || end > uint64(len(r.data)) {
		return nil, errShort
	}
	b.AttrKey, b.AttrValue = r.numbers(int(end)), r.numbers(int(end))
	if r.short {
		return nil, errShort
	}
	return b, check(b)
}

type reader struct {
	data  []byte
	short bool
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.data) {
		r.short, r.data = true, nil
		return nil
	}
	head := r.data[:n]
	r.data = r.data[n:]
	return head
}

func (r *reader) byte() byte {
	if s := r.bytes(1); s != nil {
		return s[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.short, r.data = true, nil
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
		r.short, r.data = true, nil
		return 0
	}
	return int(v)
}

func (r *reader) fixed(n int) []uint64 {
	ids := make([]uint64, n)
	if raw := r.bytes(8 * n); raw != nil {
		for i := range ids {
			ids[i] = binary.LittleEndian.Uint64(raw[8*i:])
		}
	}
	return ids
}

func (r *reader) numbers(n int) []uint32 {
	column := make([]uint32, n)
	for i := range column {
		column[i] = uint32(min(r.uvarint(), 1<<32-1))
	}
	return column
}

func (r *reader) sizes(n int) []int64 {
	column := make([]int64, n)
	for i := range column {
		column[i] = int64(min(r.uvarint(), 1<<62)) - 1
	}
	return column
}

// check says what is wrong with the columns of a batch.
func check(b *pitwall.SpanBatch) error {
	n := b.Len()
	lengths := []int{
		len(b.TraceID), len(b.ParentID), len(b.Start), len(b.Duration), len(b.Service), len(b.Version), len(b.Operation),
		len(b.Peer), len(b.Statement), len(b.Kind), len(b.Failed), len(b.ReqBytes), len(b.RespBytes), len(b.AttrEnd),
	}
	if slices.ContainsFunc(lengths, func(l int) bool { return l != n }) {
		return fmt.Errorf("the columns of %d spans have unequal lengths", n)
	}
	if n == 0 {
		return nil
	}
	if len(b.Strings) == 0 || b.Strings[0] != "" {
		return errors.New("the dictionary does not begin with the empty string")
	}
	words := uint32(len(b.Strings))
	for _, column := range [][]uint32{b.Service, b.Version, b.Operation, b.Peer, b.Statement, b.AttrKey, b.AttrValue} {
		if len(column) > 0 && slices.Max(column) >= words {
			return fmt.Errorf("a column points beyond the dictionary of %d strings", words)
		}
	}
	if slices.Min(b.Duration) < 0 {
		return errors.New("a duration is negative")
	}
	if !slices.IsSorted(b.AttrEnd) || int(b.AttrEnd[n-1]) != len(b.AttrKey) || len(b.AttrKey) != len(b.AttrValue) {
		return errors.New("the attribute columns do not fit together")
	}
	return nil
}
