package slo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// readTimeout bounds one reading of older cells, during which nothing is counted.
const readTimeout = 2 * time.Second

// mostThawed bounds the older chunks of an SLO that late events bring back into
// memory before they are saved.
const mostThawed = 16

// packed are the cells of an older chunk, as they are on the disk.
type packed struct {
	id   int64
	used int64 // the step in which they were wanted last
	data []byte
}

// now is the latest step that is known to be real.
func (l *Ledger) now() int64 { return max(l.clock, l.present) }

// sum adds up the steps from … to-1 of an SLO.
func (l *Ledger) sum(k *book, from, to int64) (t tally) {
	s := &k.steps
	if !s.any() || from >= to {
		return t
	}
	if edge := s.oldest() * chunkSteps; from < edge {
		if l.store != nil && to > 0 {
			t = l.past(k, from, min(to, edge))
		}
		from = edge
	}
	if from >= to || t.blind {
		return t
	}
	a, ok := l.before(k, from)
	b, ok2 := l.before(k, to)
	if !ok || !ok2 {
		return tally{blind: true}
	}
	t.add(b.minus(a))
	return t
}

// before is the running sum at the beginning of a step, which must not be older
// than the ring.
func (l *Ledger) before(k *book, step int64) (sums, bool) {
	s, id := &k.steps, step/chunkSteps
	if id > s.newest {
		return s.total, true
	}
	t := s.ring[id%s.n]
	part, ok := l.part(k, id, step%chunkSteps)
	t.add(part)
	return t, ok
}

// part sums the first steps of a chunk.
func (l *Ledger) part(k *book, id, count int64) (t sums, ok bool) {
	s := &k.steps
	if count == 0 {
		return t, true
	}
	if c := s.at(id); c != nil {
		return c.cells.sum(0, count), true
	}
	if s.of(id) == (sums{}) {
		return t, true
	}
	if i := k.has(id); i >= 0 {
		k.older[i].used = l.now()
		t, err := partOf(k.older[i].data, count)
		return t, err == nil
	}
	c, ok := l.cold(k, id)
	if !ok {
		return t, false
	}
	return c.sum(0, count), true
}

// cold gives the cells of a chunk that are on the disk only.
func (l *Ledger) cold(k *book, id int64) (*cells, bool) {
	if i := k.has(id); i >= 0 {
		k.older[i].used = l.now()
		c, err := unpack(k.older[i].data)
		return c, err == nil
	}
	list, ok := l.read(k, id, id+1)
	if !ok {
		return nil, false
	}
	if len(list) == 0 {
		l.trouble = l.missing(k, id)
		return nil, false
	}
	c := l.checked(k, list[0])
	if c == nil {
		return nil, false
	}
	k.remember(packed{id, l.now(), list[0].Cells})
	return c, true
}

// missing is the trouble with a chunk that was counted and is not on the disk.
func (l *Ledger) missing(k *book, id int64) error {
	return fmt.Errorf("%s from %d on is not stored", k.slo.Name, id*l.chunkSeconds())
}

// checked unpacks a stored chunk; nil: it is damaged, or not what was counted.
func (l *Ledger) checked(k *book, stored pitwall.LedgerChunk) *cells {
	id := stored.Start / l.chunkSeconds()
	c, err := unpack(stored.Cells)
	if err == nil && id >= k.steps.oldest() && id <= k.steps.newest && c.sum(0, chunkSteps) != k.steps.of(id) {
		err = errCells
	}
	if err != nil {
		l.trouble = fmt.Errorf("%s from %d on: %w", k.slo.Name, stored.Start, err)
		return nil
	}
	return c
}

// has finds cells read back; -1: they are not here.
func (k *book) has(id int64) int {
	return slices.IndexFunc(k.older, func(p packed) bool { return p.id == id })
}

// remember keeps cells read back, the newest reading last.
func (k *book) remember(p packed) {
	if len(k.older) >= 2*len(k.edges)+16 {
		k.older = slices.Delete(k.older, 0, 1)
	}
	k.older = append(k.older, p)
}

// read asks the store for the chunks from … to-1. After a failure it does not
// ask again before the next step begins: a disk that hangs must not hold up ten
// thousand objectives one by one.
func (l *Ledger) read(k *book, from, to int64) ([]pitwall.LedgerChunk, bool) {
	if l.store == nil || l.failed && l.failedAt == l.now() {
		return nil, false
	}
	ctx, done := context.WithTimeout(context.Background(), readTimeout)
	defer done()
	l.reads++
	list, err := l.store.Cells(ctx, k.slo.Name, l.span(from, to))
	if l.failed = err != nil; l.failed {
		l.failedAt, l.trouble = l.now(), err
	}
	return list, !l.failed
}

// span is the time of the chunks from … to-1.
func (l *Ledger) span(from, to int64) pitwall.Period {
	return pitwall.Period{From: time.Unix(from*l.chunkSeconds(), 0), To: time.Unix(to*l.chunkSeconds(), 0)}
}

// past sums steps that are older than the ring, all from the disk. Only a
// question beyond an objective's own windows comes here.
func (l *Ledger) past(k *book, from, to int64) (t tally) {
	ok := l.each(k, from, to, func(_ int64, c pitwall.Counts) { t.addStep(c) })
	if !ok {
		return tally{blind: true}
	}
	return t
}

// each calls do for every step from … to-1 that saw something, oldest first,
// wherever its cells are. It is false if some of them could not be read.
func (l *Ledger) each(k *book, from, to int64, do func(step int64, c pitwall.Counts)) bool {
	from, to = max(from, 0), min(to, (k.steps.newest+1)*chunkSteps)
	if from >= to || !k.steps.any() {
		return true
	}
	first, end := from/chunkSteps, (to-1)/chunkSteps+1
	stored, ok := l.stored(k, first, end)
	if !ok {
		return false
	}
	visit := func(id int64, c *cells) {
		for i := range c {
			if step := id*chunkSteps + int64(i); step >= from && step < to && c[i] != (pitwall.Counts{}) {
				do(step, c[i])
			}
		}
	}
	i, _ := k.steps.find(first)
	for _, c := range k.steps.chunks[i:] {
		for len(stored) > 0 && stored[0].id <= c.id {
			if stored[0].id < c.id {
				visit(stored[0].id, stored[0].cells)
			}
			stored = stored[1:]
		}
		if c.id < end {
			visit(c.id, &c.cells)
		}
	}
	for _, c := range stored {
		visit(c.id, c.cells)
	}
	return true
}

// aged are the cells of a stored chunk.
type aged struct {
	id    int64
	cells *cells
}

// stored reads the cells of the chunks first … end-1 that are not in memory, if
// there are any, oldest first.
func (l *Ledger) stored(k *book, first, end int64) ([]aged, bool) {
	s := &k.steps
	for first < end && first >= s.oldest() && l.here(k, first) {
		first++
	}
	for end > first && end > s.oldest() && l.here(k, end-1) {
		end--
	}
	if first >= end || l.store == nil {
		return nil, true
	}
	list, ok := l.read(k, first, end)
	if !ok {
		return nil, false
	}
	var found []aged
	had := map[int64]bool{}
	for _, one := range list {
		id := one.Start / l.chunkSeconds()
		if s.at(id) != nil {
			continue
		}
		c := l.checked(k, one)
		if c == nil {
			return nil, false
		}
		had[id] = true
		found = append(found, aged{id, c})
	}
	for id := max(first, s.oldest()); id < end; id++ {
		if !had[id] && !l.here(k, id) {
			l.trouble = l.missing(k, id)
			return nil, false
		}
	}
	return found, true
}

// here says whether a chunk of the ring needs nothing from the disk.
func (l *Ledger) here(k *book, id int64) bool {
	s := &k.steps
	return s.at(id) != nil || id > s.newest || s.of(id) == (sums{})
}

// thaw brings the cells of an older chunk back into memory, so that a late event
// can be counted; nil: they cannot be read, or too many are back already.
func (l *Ledger) thaw(k *book, id int64) *chunk {
	if !l.opening && int64(len(k.steps.chunks)) > k.steps.hot+mostThawed {
		return nil
	}
	c, ok := l.cold(k, id)
	if !ok {
		return nil
	}
	k.older = slices.DeleteFunc(k.older, func(p packed) bool { return p.id == id })
	return k.steps.hold(&chunk{id: id, cells: *c})
}

// Prefetch reads the cells that windows will need within the next half chunk, at
// most so many chunks, so that an evaluation does not wait for the disk. Call it
// before each round of evaluations; it reads while the ledger goes on counting.
// It goes on with the next objective where it left off.
func (l *Ledger) Prefetch(ctx context.Context, now time.Time, most int) error {
	wants := l.wanted(now, most)
	for _, w := range wants {
		list, err := l.cells().Cells(ctx, w.k.slo.Name, l.span(w.id, w.id+1))
		if err != nil {
			return pitwall.Errorf(pitwall.KindOf(err), "reading older steps of "+string(w.k.slo.Name), "%w", err)
		}
		l.readAhead(w, list)
	}
	return nil
}

func (l *Ledger) readAhead(w want, list []pitwall.LedgerChunk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	if !l.here(w.k, w.id) && w.k.has(w.id) < 0 && len(list) > 0 && l.checked(w.k, list[0]) != nil {
		w.k.remember(packed{w.id, l.now(), list[0].Cells})
	}
}

// want is a chunk of a book to be read.
type want struct {
	k  *book
	id int64
}

func (l *Ledger) cells() pitwall.LedgerCells {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.store
}

// wanted looks for chunks to read from the book on where it stopped last.
func (l *Ledger) wanted(now time.Time, most int) (list []want) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sawClock(now)
	if l.store == nil {
		return nil
	}
	at := now.UnixNano() / int64(l.step)
	for range l.order {
		k := l.order[l.next%len(l.order)]
		if len(list) >= most {
			break
		}
		l.next++
		list = append(list, k.wants(at)...)
	}
	return list
}

// wants are the chunks at the far edges of a book's windows, now and soon, that
// are on the disk only; what nobody asks for any more is forgotten.
func (k *book) wants(at int64) (list []want) {
	s := &k.steps
	if !s.any() || len(k.edges) == 0 {
		return nil
	}
	var ids []int64
	for _, w := range k.edges {
		// A window ends with the step in progress or just before it.
		for _, edge := range []int64{at - w, at - w + chunkSteps/2} {
			id := edge / chunkSteps
			if edge >= 0 && id >= s.oldest() && id <= s.newest && s.at(id) == nil && s.of(id) != (sums{}) && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	k.older = slices.DeleteFunc(k.older, func(p packed) bool { return p.used < at-chunkSteps/4 && !slices.Contains(ids, p.id) })
	for _, id := range ids {
		if k.has(id) < 0 {
			list = append(list, want{k, id})
		}
	}
	return list
}
