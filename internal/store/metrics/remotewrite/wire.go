package remotewrite

import (
	"errors"
	"fmt"
	"math"
)

// The messages are walked in place instead of being decoded into structures: a
// hostile body can name millions of empty messages in two bytes each.

// The wire types of protobuf; groups are not used and refused.
const (
	wireVarint = 0
	wireFixed8 = 1
	wireBytes  = 2
	wireFixed4 = 5
)

var (
	errCut     = errors.New("the message ends in the middle of a field")
	errVarint  = errors.New("a number of more than 64 bits")
	errWire    = errors.New("a field of a type that protobuf does not have any more")
	errForeign = errors.New("a field of another type than it should have")
)

// field is one field of a message: number is the value of wire types 0, 1 and
// 5, bytes that of 2.
type field struct {
	num    uint64
	wire   byte
	number uint64
	bytes  string
}

// next takes the first field off s.
func next(s string) (f field, rest string, err error) {
	tag, s, err := varint(s)
	if err != nil {
		return f, "", err
	}
	f.num, f.wire = tag>>3, byte(tag&7)
	switch f.wire {
	case wireVarint:
		f.number, s, err = varint(s)
		return f, s, err
	case wireFixed8:
		return fixed(f, s, 8)
	case wireFixed4:
		return fixed(f, s, 4)
	case wireBytes:
		n, s, err := varint(s)
		switch {
		case err != nil:
			return f, "", err
		case n > uint64(len(s)):
			return f, "", errCut
		}
		f.bytes = s[:n]
		return f, s[n:], nil
	default:
		return f, "", errWire
	}
}

func fixed(f field, s string, n int) (field, string, error) {
	if len(s) < n {
		return f, "", errCut
	}
	for i := n - 1; i >= 0; i-- {
		f.number = f.number<<8 | uint64(s[i])
	}
	return f, s[n:], nil
}

func varint(s string) (v uint64, rest string, err error) {
	for i := range min(len(s), 10) {
		b := s[i]
		if i == 9 && b > 1 {
			return 0, "", errVarint
		}
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			return v, s[i+1:], nil
		}
	}
	if len(s) >= 10 {
		return 0, "", errVarint
	}
	return 0, "", errCut
}

// each calls f with every field of a message that has the number num, which
// must be of the wire type wire.
func each(s string, num uint64, wire byte, f func(field) error) error {
	for len(s) > 0 {
		got, rest, err := next(s)
		if err != nil {
			return err
		}
		s = rest
		if got.num != num {
			continue
		}
		if got.wire != wire {
			return errForeign
		}
		if err := f(got); err != nil {
			return err
		}
	}
	return nil
}

// sample reads a Sample, which is the same in both versions.
func sample(s string) (t int64, v float64, err error) {
	for len(s) > 0 {
		f, rest, err := next(s)
		if err != nil {
			return 0, 0, err
		}
		s = rest
		switch {
		case f.num == 1 && f.wire == wireFixed8:
			v = math.Float64frombits(f.number)
		case f.num == 2 && f.wire == wireVarint:
			t = int64(f.number)
		case f.num <= 2:
			return 0, 0, errForeign
		}
	}
	return t, v, nil
}

// refs reads label references, packed or not.
func refs(s string, num uint64, f func(uint64) error) error {
	for len(s) > 0 {
		got, rest, err := next(s)
		if err != nil {
			return err
		}
		s = rest
		switch {
		case got.num != num:
			continue
		case got.wire == wireVarint:
			if err := f(got.number); err != nil {
				return err
			}
		case got.wire != wireBytes:
			return errForeign
		}
		for packed := got.bytes; len(packed) > 0; {
			v, rest, err := varint(packed)
			if err != nil {
				return err
			}
			packed = rest
			if err := f(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// at says where in the request an error is.
func at(what string, i int, err error) error {
	return fmt.Errorf("%s[%d]: %w", what, i, err)
}
