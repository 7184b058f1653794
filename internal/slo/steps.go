package slo

import (
	"time"

	"github.com/pitwall/pitwall"
)

// chunkSteps is how many steps share one block. A window reads at most one
// block's steps at either edge and the blocks between from a tree of sums.
const chunkSteps = 64

// lateness is how much older than the window an event may be and still count.
const lateness = 10 * time.Minute

// chunk is a block of steps; it exists only if something was seen in it.
type chunk struct {
	id    int64 // step number divided by chunkSteps
	cells [chunkSteps]pitwall.Counts
}

// tally is a sum over steps, with how many of them saw anything.
type tally struct {
	pitwall.Counts
	seen uint64
}

func (t *tally) add(u tally) {
	t.Good, t.Bad, t.seen = t.Good+u.Good, t.Bad+u.Bad, t.seen+u.seen
}

// negated is the tally that undoes t: unsigned sums wrap around, so adding it
// gives the exact difference.
func (t tally) negated() tally {
	return tally{pitwall.Counts{Good: -t.Good, Bad: -t.Bad}, -t.seen}
}

// steps are the counts of one SLO: a ring of blocks that moves forward with
// the data, and a Fenwick tree (Fenwick 1994) of their sums. Memory is 1 kB for
// every block in which anything was seen, bounded by the window's length.
type steps struct {
	ring   []*chunk // block id is at id mod len
	tree   []tally  // tree[i] sums the blocks of slots i-lowbit(i) … i-1
	newest int64    // highest block id; the ring holds newest-len+1 … newest
	any    bool
}

func newSteps(window, step time.Duration) steps {
	n := int((window+lateness)/(step*chunkSteps)) + 2
	return steps{ring: make([]*chunk, n), tree: make([]tally, n+1)}
}

// add counts events in a step. It refuses (false) a step older than the ring
// holds, or more than a ring's length beyond everything known: clock is the
// latest step the caller knows to be real.
func (s *steps) add(step int64, c pitwall.Counts, clock int64) bool {
	id, n := step/chunkSteps, int64(len(s.ring))
	if step < 0 || s.any && id <= s.newest-n || s.any && id > max(s.newest, clock/chunkSteps)+n {
		return false
	}
	s.advance(id)
	slot := id % n
	if s.ring[slot] == nil {
		s.ring[slot] = &chunk{id: id}
	}
	cell := &s.ring[slot].cells[step%chunkSteps]
	delta := tally{Counts: c}
	if cell.Total() == 0 && c.Total() > 0 {
		delta.seen = 1
	}
	*cell = cell.Add(c)
	s.grow(slot, delta)
	return true
}

// advance moves the ring forward so that it holds block id, dropping the oldest.
func (s *steps) advance(id int64) {
	n := int64(len(s.ring))
	if !s.any {
		s.any, s.newest = true, id
	}
	for next := max(s.newest+1, id-n+1); next <= id; next++ {
		slot := next % n
		if old := s.ring[slot]; old != nil {
			s.grow(slot, old.sum(0, chunkSteps).negated())
			s.ring[slot] = nil
		}
	}
	s.newest = max(s.newest, id)
}

// grow adds to the sums that contain a slot.
func (s *steps) grow(slot int64, t tally) {
	for i := slot + 1; i < int64(len(s.tree)); i += i & -i {
		s.tree[i].add(t)
	}
}

// prefix sums the slots before i.
func (s *steps) prefix(i int64) (t tally) {
	for ; i > 0; i -= i & -i {
		t.add(s.tree[i])
	}
	return t
}

// at gives the block of an id, or nil.
func (s *steps) at(id int64) *chunk {
	if c := s.ring[id%int64(len(s.ring))]; c != nil && c.id == id {
		return c
	}
	return nil
}

// get is the count of one step.
func (s *steps) get(step int64) pitwall.Counts {
	if !s.any || step < 0 {
		return pitwall.Counts{}
	}
	if c := s.at(step / chunkSteps); c != nil {
		return c.cells[step%chunkSteps]
	}
	return pitwall.Counts{}
}

// sum adds up the steps from … to-1.
func (s *steps) sum(from, to int64) (t tally) {
	if !s.any {
		return t
	}
	n := int64(len(s.ring))
	from = max(from, max(0, s.newest-n+1)*chunkSteps)
	to = min(to, (s.newest+1)*chunkSteps)
	if from >= to {
		return t
	}
	first, last := from/chunkSteps, (to-1)/chunkSteps
	head, tail := int(from%chunkSteps), int((to-1)%chunkSteps)+1
	if first == last {
		return s.at(first).sum(head, tail)
	}
	t = s.at(first).sum(head, chunkSteps)
	t.add(s.at(last).sum(0, tail))
	t.add(s.blocks(first+1, last))
	return t
}

// blocks adds up whole blocks from … to-1, which may wrap around the ring.
func (s *steps) blocks(from, to int64) (t tally) {
	if from >= to {
		return t
	}
	n := int64(len(s.ring))
	a, b := from%n, (to-1)%n+1
	t = s.prefix(b)
	t.add(s.prefix(a).negated())
	if a >= b {
		t.add(s.prefix(n))
	}
	return t
}

func (c *chunk) sum(from, to int) (t tally) {
	if c == nil {
		return t
	}
	for _, cell := range c.cells[from:to] {
		t.Counts = t.Add(cell)
		if cell.Total() > 0 {
			t.seen++
		}
	}
	return t
}
