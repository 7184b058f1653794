package sqlite

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/pitwall/pitwall"
)

var errRow = errors.New("the row is damaged")

// summed are the sums of one chunk of a row.
type summed struct {
	index  int64 // within the row
	counts pitwall.Counts
	seen   uint64
}

// sumsRow are the sums of the chunks of a row, by index.
type sumsRow []summed

// with puts in the sums of a chunk, instead of those there were.
func (p sumsRow) with(s summed) sumsRow {
	i, found := slices.BinarySearchFunc(p, s.index, func(s summed, index int64) int { return cmp.Compare(s.index, index) })
	if found {
		p[i] = s
		return p
	}
	return slices.Insert(p, i, s)
}

// pack writes four unsigned varints for each chunk: index, good, bad, seen.
func (p sumsRow) pack() []byte {
	out := make([]byte, 0, 8*len(p))
	for _, s := range p {
		for _, v := range [...]uint64{uint64(s.index), s.counts.Good, s.counts.Bad, s.seen} {
			out = binary.AppendUvarint(out, v)
		}
	}
	return out
}

// readSums reads what pack wrote; nothing is an empty row.
func readSums(data []byte) (sumsRow, error) {
	p := make(sumsRow, 0, pageChunks)
	for len(data) > 0 {
		var v [4]uint64
		if data = uvarints(data, v[:]); data == nil {
			return nil, errRow
		}
		if v[0] >= pageChunks || len(p) > 0 && int64(v[0]) <= p[len(p)-1].index {
			return nil, errRow
		}
		p = append(p, summed{int64(v[0]), pitwall.Counts{Good: v[1], Bad: v[2]}, v[3]})
	}
	return p, nil
}

// recent is a step that is in no chunk yet.
type recent struct {
	slo    int64
	start  int64 // unix seconds
	counts pitwall.Counts
}

// packRecent writes the least start, then for each step SLO, start beyond that,
// good and bad, all as unsigned varints.
func packRecent(list []recent) []byte {
	base := int64(0)
	if len(list) > 0 {
		base = slices.MinFunc(list, func(a, b recent) int { return cmp.Compare(a.start, b.start) }).start
	}
	out := binary.AppendUvarint(make([]byte, 0, 8+8*len(list)), uint64(base))
	for _, s := range list {
		for _, v := range [...]uint64{uint64(s.slo), uint64(s.start - base), s.counts.Good, s.counts.Bad} {
			out = binary.AppendUvarint(out, v)
		}
	}
	return out
}

// eachRecent reads what packRecent wrote, step by step.
func eachRecent(data []byte, do func(recent) error) error {
	var base [1]uint64
	if data = uvarints(data, base[:]); data == nil {
		return errRow
	}
	for len(data) > 0 {
		var v [4]uint64
		if data = uvarints(data, v[:]); data == nil {
			return errRow
		}
		if err := do(recent{int64(v[0]), int64(base[0] + v[1]), pitwall.Counts{Good: v[2], Bad: v[3]}}); err != nil {
			return err
		}
	}
	return nil
}

// uvarints reads as many as into has; nil: they are not there.
func uvarints(data []byte, into []uint64) []byte {
	for i := range into {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			return nil
		}
		into[i], data = v, data[n:]
	}
	return data
}
