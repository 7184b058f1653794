package spans

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
)

// The payload of a frame, version 2: the delivery's id in eight bytes, the
// dictionary, then column after column. Small numbers are varints, starts are
// differences, a trace id equal to the one before takes one byte. Version 1 is
// the same without the delivery and is still read.

const (
	payloadVersion = 2
	payloadHeader  = 9 // version and delivery
)

func encodeBatch(dst []byte, b *pitwall.SpanBatch) []byte {
	dst = slices.Grow(dst, roomFor(b))
	dst = append(dst, payloadVersion)
	dst = binary.LittleEndian.AppendUint64(dst, b.Delivery)
	dst = appendUvarint(dst, uint64(len(b.Strings)))
	for _, s := range b.Strings {
		dst = appendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	dst = appendUvarint(dst, uint64(b.Len()))
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
		dst = appendUvarint(dst, uint64(d))
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
			dst = appendUvarint(dst, uint64(max(v, -1)+1)) // 0: unknown
		}
	}
	from := uint32(0)
	for _, to := range b.AttrEnd {
		dst = appendUvarint(dst, uint64(to-from))
		from = to
	}
	dst = appendNumbers(dst, b.AttrKey)
	return appendNumbers(dst, b.AttrValue)
}

// roomFor guesses the bytes of a payload generously, so that it is rarely moved.
func roomFor(b *pitwall.SpanBatch) int {
	n := 64 + 64*b.Len() + 3*len(b.AttrKey) + 2*len(b.Strings)
	for _, s := range b.Strings {
		n += len(s)
	}
	return n
}

func appendUvarint(dst []byte, v uint64) []byte {
	if v < 0x80 {
		return append(dst, byte(v))
	}
	if v < 0x4000 {
		return append(dst, byte(v)|0x80, byte(v>>7))
	}
	return binary.AppendUvarint(dst, v)
}

func appendNumbers(dst []byte, column []uint32) []byte {
	for _, v := range column {
		dst = appendUvarint(dst, uint64(v))
	}
	return dst
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
		if largest(column) >= words {
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

func largest(column []uint32) (most uint32) {
	for _, v := range column {
		most = max(most, v)
	}
	return most
}
