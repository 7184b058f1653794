package slo

import (
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// lateness is how late an event surely still counts, and how far ahead of the
// present one may be.
const lateness = 10 * time.Minute

// hotChunks is the fewest chunks whose cells stay in memory.
const hotChunks = 2

// chunk is a block of steps in memory.
type chunk struct {
	id    int64 // step number divided by chunkSteps
	cells cells
	dirty uint64 // a bit for each step touched since Dirty gave it out
	// unpacked: the chunk as the store has it, if it has it, lacks something.
	unpacked bool
	// given: Dirty gave it out and nobody said yet that it is saved.
	given bool
}

// safe says whether the store has all of it.
func (c *chunk) safe() bool { return !c.unpacked && !c.given && c.dirty == 0 }

// steps are the counts of one SLO: running sums at the beginning of every chunk
// of the window, and the cells of the newest chunks. Cells of older chunks are
// on the disk. A sum over any steps is the difference of two running sums, each
// of a chunk's beginning plus a part of its cells. Memory is 24 bytes for each
// chunk of the window and 1 kB for each chunk whose cells are here.
type steps struct {
	n      int64  // chunks a window may reach back
	hot    int64  // newest chunks whose cells stay in memory
	ring   []sums // of chunk id at id mod n: what was counted before it; nil: nothing ever
	total  sums   // of everything
	newest int64  // highest chunk id
	chunks []*chunk
}

func newSteps(window, short, step time.Duration) steps {
	return steps{
		n:   int64((window+lateness)/(step*chunkSteps)) + 2,
		hot: max(hotChunks, int64((short+lateness)/(step*chunkSteps))+2),
	}
}

// any says whether anything was ever counted.
func (s *steps) any() bool { return s.ring != nil }

// oldest is the first chunk the ring knows of.
func (s *steps) oldest() int64 { return max(0, s.newest-s.n+1) }

// admits says whether a step may be counted: not older than the window, nor more
// than a window beyond everything known. clock is the latest step that is known
// to be real.
func (s *steps) admits(step, clock int64) bool {
	id := step / chunkSteps
	return step >= 0 && (!s.any() || id > s.newest-s.n && id <= max(s.newest, clock/chunkSteps)+s.n)
}

// advance moves the ring forward so that it holds a chunk.
func (s *steps) advance(id int64) {
	switch {
	case !s.any():
		s.ring, s.newest = make([]sums, s.n), id
		return
	case id-s.newest >= s.n:
		for i := range s.ring {
			s.ring[i] = s.total
		}
	default:
		for next := s.newest + 1; next <= id; next++ {
			s.ring[next%s.n] = s.total
		}
	}
	s.newest = max(s.newest, id)
}

// at gives the cells of a chunk if they are in memory.
func (s *steps) at(id int64) *chunk {
	if last := len(s.chunks) - 1; last >= 0 && s.chunks[last].id == id {
		return s.chunks[last]
	}
	if i, ok := s.find(id); ok {
		return s.chunks[i]
	}
	return nil
}

func (s *steps) find(id int64) (int, bool) {
	return slices.BinarySearchFunc(s.chunks, id, func(c *chunk, id int64) int { return int(c.id - id) })
}

// hold puts the cells of a chunk into memory.
func (s *steps) hold(c *chunk) *chunk {
	i, ok := s.find(c.id)
	if !ok {
		s.chunks = slices.Insert(s.chunks, i, c)
	}
	return s.chunks[i]
}

// drop lets go of the cells that need not be in memory: with a store those that
// it has and that are not hot, without one those that no window reaches. A store
// that takes nothing for longer than a window is waited for no more.
func (s *steps) drop(stored bool) {
	bound := s.newest - s.n
	if stored {
		bound -= s.n
	}
	s.chunks = slices.DeleteFunc(s.chunks, func(c *chunk) bool {
		return c.id <= bound || stored && c.safe() && c.id <= s.newest-s.hot
	})
}

// grow adds to the sums of a chunk, which the ring must hold.
func (s *steps) grow(id int64, d sums) {
	s.total.add(d)
	for later := id + 1; later <= s.newest; later++ {
		s.ring[later%s.n].add(d)
	}
}

// of is the sum of a whole chunk that the ring holds.
func (s *steps) of(id int64) sums {
	end := s.total
	if id < s.newest {
		end = s.ring[(id+1)%s.n]
	}
	return end.minus(s.ring[id%s.n])
}

// put adds events to a step of a chunk in memory.
func (s *steps) put(c *chunk, step int64, more pitwall.Counts) {
	i := step % chunkSteps
	d := sums{Counts: more}
	if c.cells[i] == (pitwall.Counts{}) && more != (pitwall.Counts{}) {
		d.seen = 1
	}
	c.cells[i] = c.cells[i].Add(more)
	if c.id == s.newest {
		s.total.add(d)
	} else if c.id > s.newest-s.n {
		s.grow(c.id, d)
	}
}
