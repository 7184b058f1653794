package spans

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pitwall/pitwall"
)

// minSpanBytes is the least a span takes in a payload; it bounds what a
// damaged count can make the decoder allocate.
const minSpanBytes = 29

var errShort = errors.New("the payload ends early")

// deliveryOf reads only the delivery of a payload; 0 when it has none.
func deliveryOf(payload []byte) uint64 {
	if len(payload) < payloadHeader || payload[0] != payloadVersion {
		return 0
	}
	return binary.LittleEndian.Uint64(payload[1:])
}

// decodeBatch reads what encodeBatch wrote, also in an earlier version. Damage
// that a checksum cannot see is an error, never a panic, and every number is
// checked against its range.
func decodeBatch(data []byte) (*pitwall.SpanBatch, error) {
	r := &reader{data: data}
	b := &pitwall.SpanBatch{}
	switch v := r.byte(); v {
	case 1:
	case payloadVersion:
		if raw := r.bytes(8); raw != nil {
			b.Delivery = binary.LittleEndian.Uint64(raw)
		}
	default:
		return nil, fmt.Errorf("payload version %d, this binary reads up to %d", v, payloadVersion)
	}
	b.Strings = make([]string, r.count(1))
	for i := range b.Strings {
		b.Strings[i] = string(r.bytes(r.count(1)))
	}
	n := r.count(minSpanBytes)
	b.TraceID = r.traces(n)
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
		end += min(r.uvarint(), 1<<31)
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

func (r *reader) traces(n int) []pitwall.TraceID {
	ids := make([]pitwall.TraceID, n)
	for i := range ids {
		if r.byte() == 1 {
			copy(ids[i][:], r.bytes(16))
		} else if i > 0 {
			ids[i] = ids[i-1]
		}
	}
	return ids
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
