package wire

import "encoding/binary"

// The wire types of protocol buffers. 3 and 4 are groups, 6 and 7 are none.
const (
	typeVarint = 0
	typeI64    = 1
	typeLen    = 2
	typeI32    = 5
)

// Reading functions give the position after what they read, or one of these.
const (
	endsEarly = -1 - iota
	overlong
	noField
	otherType
	grouped
)

// fault says what a reading function met at a position.
func fault(at, code int) *Fault {
	switch code {
	case overlong:
		return &Fault{Offset: at, Err: ErrVarint}
	case noField:
		return &Fault{Offset: at, Err: ErrField}
	case otherType:
		return &Fault{Offset: at, Err: ErrWireType}
	case grouped:
		return &Fault{Offset: at, Err: ErrGroup}
	}
	return &Fault{Offset: at, Err: ErrTruncated}
}

// All functions take the request cut off at the end of the message being read,
// so that positions are those in the request and len is the end.

// varint reads a number.
func varint(b []byte, pos int) (v uint64, next int) {
	if pos < len(b) && b[pos] < 0x80 {
		return uint64(b[pos]), pos + 1
	}
	for i := range 10 {
		if pos+i >= len(b) {
			return 0, endsEarly
		}
		c := b[pos+i]
		if c < 0x80 {
			if i == 9 && c > 1 {
				return 0, overlong
			}
			return v | uint64(c)<<(7*i), pos + i + 1
		}
		v |= uint64(c&0x7f) << (7 * i)
	}
	return 0, overlong
}

// tagAt reads a field's number and wire type. It takes only the shortest way of
// writing them, so that a field can be told by its first bytes.
func tagAt(b []byte, pos int) (tag uint64, next int) {
	tag, next = varint(b, pos)
	switch n := next - pos; {
	case next < 0:
		return 0, next
	case tag < 1<<3 || tag >= 1<<32:
		return 0, noField
	case n > 1 && tag>>(7*(n-1)) == 0:
		return 0, overlong
	}
	return tag, next
}

// chunk reads a length and gives where the bytes it counts begin and end.
func chunk(b []byte, pos int) (from, to int) {
	if pos < len(b) && b[pos] < 0x80 {
		from, to = pos+1, pos+1+int(b[pos])
		if to <= len(b) {
			return from, to
		}
		return from, endsEarly
	}
	n, from := varint(b, pos)
	if from < 0 {
		return pos, from
	}
	if n > uint64(len(b)-from) {
		return from, endsEarly
	}
	return from, from + int(n)
}

// fixed reads eight bytes.
func fixed(b []byte, pos int) (v uint64, next int) {
	if len(b)-pos < 8 {
		return 0, endsEarly
	}
	return binary.LittleEndian.Uint64(b[pos:]), pos + 8
}

// skip passes over the value of a field; pos is behind its tag.
func skip(b []byte, pos int, tag uint64) (next int) {
	switch tag & 7 {
	case typeLen:
		_, next = chunk(b, pos)
		return next
	case typeVarint:
		_, next = varint(b, pos)
		return next
	case typeI64:
		next = pos + 8
	case typeI32:
		next = pos + 4
	case 3, 4:
		return grouped
	default:
		return otherType
	}
	if next > len(b) {
		return endsEarly
	}
	return next
}
