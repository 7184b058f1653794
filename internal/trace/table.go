package trace

import (
	"encoding/binary"
	"math/bits"

	"github.com/pitwall/pitwall"
)

// table finds rows by a key that lies in the rows themselves: open addressing
// over row numbers, so a million spans cost one array and no pointers.
type table struct {
	slot []int32 // row+1; 0: free
	mask uint64
}

func newTable(n int) *table {
	size := 1 << bits.Len(uint(max(8, n+n/2)))
	return &table{slot: make([]int32, size), mask: uint64(size - 1)}
}

// put stores row under hash h unless a row with the same key is there already;
// that one is given then.
func (t *table) put(h uint64, row int32, same func(int32) bool) (first int32, found bool) {
	for at := h & t.mask; ; at = (at + 1) & t.mask {
		switch s := t.slot[at]; {
		case s == 0:
			t.slot[at] = row + 1
			return row, false
		case same(s - 1):
			return s - 1, true
		}
	}
}

func (t *table) get(h uint64, same func(int32) bool) (row int32, found bool) {
	for at := h & t.mask; ; at = (at + 1) & t.mask {
		switch s := t.slot[at]; {
		case s == 0:
			return none, false
		case same(s - 1):
			return s - 1, true
		}
	}
}

// mix spreads the bits of ids that may be counters (the finaliser of
// MurmurHash3, public domain).
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

func hashTrace(id pitwall.TraceID) uint64 {
	return mix(binary.LittleEndian.Uint64(id[:8]) ^ mix(binary.LittleEndian.Uint64(id[8:])))
}

func hashSpan(trace int32, id uint64) uint64 { return mix(id ^ uint64(trace)*0x9e3779b97f4a7c15) }
