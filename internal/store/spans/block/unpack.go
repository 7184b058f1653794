package block

import (
	"encoding/binary"
	"slices"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
)

// unpackLevels decodes n levels of one bit and gives how many are 1.
func (r *reader) unpackLevels(dst, src []byte, n int) (_ []byte, ones int, err error) {
	defer rescue(&err)
	if err := checkRuns(src, 1, n); err != nil {
		return nil, 0, err
	}
	dst, err = (&rle.Encoding{BitWidth: 1}).DecodeLevels(dst, src)
	if err != nil || len(dst) != n {
		return nil, 0, damaged("%d levels where %d belong", len(dst), n)
	}
	for _, level := range dst {
		if level > 1 {
			return nil, 0, damaged("level %d", level)
		}
		ones += int(level)
	}
	return dst, ones, nil
}

// checkRuns walks the headers of run-length encoded numbers: exactly n are there.
func checkRuns(src []byte, width, n int) error {
	for len(src) > 0 {
		u, k := binary.Uvarint(src)
		count, size := u>>1, uint64(width+7)/8
		if k <= 0 || count == 0 || count > uint64(n) {
			return damaged("a run of %d where %d values are left", count, n)
		}
		if u&1 == 1 {
			count, size = count*8, count*uint64(width)
		}
		src = src[k:]
		if size > uint64(len(src)) || count > uint64(n) {
			return damaged("a run of %d where %d values are left", count, n)
		}
		src, n = src[size:], n-int(count)
	}
	if n != 0 {
		return damaged("%d values are missing", n)
	}
	return nil
}

// numbers says what dictionary numbers a page holds: how many, all below limit.
type numbers struct{ n, limit int }

// unpackNumbers decodes dictionary numbers.
func unpackNumbers(dst []int32, src []byte, want numbers) (_ []int32, err error) {
	defer rescue(&err)
	if len(src) == 0 || src[0] > 32 {
		return nil, damaged("its numbers are missing")
	}
	if err := checkRuns(src[1:], int(src[0]), want.n); err != nil {
		return nil, err
	}
	dst = slices.Grow(dst[:0], want.n+8)
	if dst, err = new(rle.DictionaryEncoding).DecodeInt32(dst, src); err != nil || len(dst) != want.n {
		return nil, damaged("%d numbers where %d belong", len(dst), want.n)
	}
	largest := uint32(0)
	for _, v := range dst {
		largest = max(largest, uint32(v))
	}
	if want.n > 0 && int64(largest) >= int64(want.limit) {
		return nil, damaged("number %d in a dictionary of %d", largest, want.limit)
	}
	return dst, nil
}

// unpackDeltas decodes n numbers from their differences.
func unpackDeltas(dst []int64, src []byte, n int) (_ []int64, err error) {
	defer rescue(&err)
	head := src
	for i := range 3 { // block size, miniblocks, values
		u, k := binary.Uvarint(head)
		if k <= 0 || i == 2 && u != uint64(n) {
			return nil, damaged("its numbers do not say that they are %d", n)
		}
		head = head[k:]
	}
	if dst, err = new(delta.BinaryPackedEncoding).DecodeInt64(slices.Grow(dst[:0], n), src); err != nil || len(dst) != n {
		return nil, damaged("%d numbers where %d belong: %v", len(dst), n, err)
	}
	return dst, nil
}
