package slo

import (
	"encoding/binary"
	"errors"

	"github.com/pitwall/pitwall"
)

// chunkSteps is how many steps share one chunk: a window looks into the steps of
// at most one chunk at either edge; whole chunks are a subtraction.
const chunkSteps = 64

// cells are the counts of each step of a chunk.
type cells [chunkSteps]pitwall.Counts

// sum adds up the steps lo … hi-1.
func (c *cells) sum(lo, hi int64) (s sums) {
	for i := range c[lo:hi] {
		s.addStep(c[lo+int64(i)])
	}
	return s
}

// pack writes cells as good and bad of each step, one after the other, as
// unsigned varints; a run of steps without events is a zero, a zero, and the
// length of the run. Three bytes a step are usual.
func (c *cells) pack() []byte {
	out := make([]byte, 0, 3*chunkSteps)
	for i := 0; i < chunkSteps; i++ {
		out = binary.AppendUvarint(out, c[i].Good)
		out = binary.AppendUvarint(out, c[i].Bad)
		if c[i] != (pitwall.Counts{}) {
			continue
		}
		run := 1
		for i+run < chunkSteps && c[i+run] == (pitwall.Counts{}) {
			run++
		}
		out = binary.AppendUvarint(out, uint64(run))
		i += run - 1
	}
	return out
}

var errCells = errors.New("the packed counts of a chunk are damaged")

// unpack reads what pack wrote and refuses everything else.
func unpack(data []byte) (*cells, error) {
	var c cells
	rest, err := eachCell(data, chunkSteps, func(i int64, one pitwall.Counts) { c[i] = one })
	if err != nil || len(rest) > 0 {
		return nil, errCells
	}
	return &c, nil
}

// partOf sums the first steps of packed cells, without unpacking them all.
func partOf(data []byte, count int64) (s sums, err error) {
	_, err = eachCell(data, count, func(_ int64, one pitwall.Counts) { s.addStep(one) })
	return s, err
}

// eachCell gives every step before the given one that saw something, and the
// bytes that are left.
func eachCell(data []byte, before int64, do func(i int64, c pitwall.Counts)) ([]byte, error) {
	for i := int64(0); i < before; i++ {
		good, n := binary.Uvarint(data)
		if n <= 0 {
			return nil, errCells
		}
		bad, m := binary.Uvarint(data[n:])
		if m <= 0 {
			return nil, errCells
		}
		data = data[n+m:]
		if good != 0 || bad != 0 {
			do(i, pitwall.Counts{Good: good, Bad: bad})
			continue
		}
		run, n := binary.Uvarint(data)
		if n <= 0 || run == 0 || run > uint64(chunkSteps-i) {
			return nil, errCells
		}
		data = data[n:]
		i += int64(run) - 1
	}
	return data, nil
}

// sums is what a number of steps add up to, and how many of them saw anything.
// Unsigned sums wrap around, so differences of running sums are exact.
type sums struct {
	pitwall.Counts
	seen uint64
}

func (s *sums) add(t sums) {
	s.Good, s.Bad, s.seen = s.Good+t.Good, s.Bad+t.Bad, s.seen+t.seen
}

func (s *sums) addStep(c pitwall.Counts) {
	s.Good, s.Bad = s.Good+c.Good, s.Bad+c.Bad
	if c.Good != 0 || c.Bad != 0 {
		s.seen++
	}
}

func (s sums) minus(t sums) sums {
	return sums{pitwall.Counts{Good: s.Good - t.Good, Bad: s.Bad - t.Bad}, s.seen - t.seen}
}

// tally is the answer for a period. Of a blind one the cells it needs could not
// be read: it has no counts, which is no answer rather than a wrong one.
type tally struct {
	sums
	blind bool
}
