package slo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// Load adds steps to a ledger that has counted nothing yet. Steps of an SLO that
// is not defined are left out. Steps that do not begin where a step of this
// ledger begins are refused.
func (l *Ledger) Load(list []pitwall.LedgerStep) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range list {
		if err := l.fits(s); err != nil {
			return err
		}
	}
	seconds := int64(l.step / time.Second)
	for _, s := range slices.SortedFunc(slices.Values(list), byStart) {
		k, step := l.books[s.SLO], s.Start/seconds
		if k == nil || l.ahead(step) {
			continue
		}
		if c := l.open(k, step); c != nil {
			k.steps.put(c, step, s.Counts)
			l.counted(k, step)
		}
	}
	return nil
}

// fits refuses a stored step that is not one of this ledger: the step was made
// longer since, which cannot be told apart from new counts.
func (l *Ledger) fits(s pitwall.LedgerStep) error {
	if s.Start >= 0 && s.Start%int64(l.step/time.Second) == 0 {
		return nil
	}
	return l.otherStep(s.SLO, fmt.Errorf("a stored step begins at %d, which is no multiple of the ledger step %s", s.Start, l.step))
}

func (l *Ledger) otherStep(name pitwall.SLOName, err error) error {
	return &pitwall.Error{Op: "loading ledger", Kind: pitwall.Invalid, ID: string(name), Err: err,
		Hint: "set ledger_step back, or start with an empty data_dir"}
}

// Open fills an empty ledger from a store and gives the position in the span log
// up to which it counts. From then on cells of older steps are read back from
// the store when they are needed. Tell Now before it, so that only what windows
// reach is read and what a sender with a wrong clock left behind is dropped.
func (l *Ledger) Open(ctx context.Context, store pitwall.LedgerStore) (position uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var since time.Time
	if l.present > 0 {
		var reach int64
		for _, k := range l.order {
			reach = max(reach, k.steps.n*chunkSteps)
		}
		since = time.Unix(max(0, l.unix(l.present-reach)), 0)
	}
	l.store, l.opening = store, true
	defer func() { l.opening = false }()
	firsts := map[*book]int64{}
	saved, err := store.LoadLedger(ctx, since, pitwall.LedgerVisit{
		Chunk: func(c pitwall.LedgerChunk) error { return l.openChunk(c, firsts) },
		Step:  l.openStep,
	})
	if err != nil {
		return 0, err
	}
	if chunk := time.Duration(l.chunkSeconds()) * time.Second; saved.Chunk != 0 && saved.Chunk != chunk {
		return 0, l.otherStep("", fmt.Errorf("the stored steps are %s long, the ledger's %s", saved.Chunk/chunkSteps, l.step))
	}
	for name, t := range saved.Through {
		if k := l.books[name]; k != nil {
			k.through = t.Unix() / int64(l.step/time.Second)
		}
	}
	for k, first := range firsts {
		l.bear(k, first)
	}
	return saved.Position, nil
}

// openChunk adds the sums of a stored chunk, whose cells stay on the disk.
func (l *Ledger) openChunk(c pitwall.LedgerChunk, firsts map[*book]int64) error {
	k, id := l.books[c.SLO], c.Start/l.chunkSeconds()
	if k == nil || l.ahead(id*chunkSteps) {
		return nil
	}
	if c.Start%l.chunkSeconds() != 0 || c.Start < 0 {
		return l.otherStep(c.SLO, fmt.Errorf("stored steps begin at %d, which is no multiple of %d steps of %s", c.Start, chunkSteps, l.step))
	}
	s := &k.steps
	if s.any() && id <= s.newest {
		return pitwall.Errorf(pitwall.Internal, "loading ledger", "chunks of %s are not in order", c.SLO)
	}
	s.advance(id)
	s.total.add(sums{c.Counts, c.Seen})
	if _, ok := firsts[k]; !ok && c.Seen > 0 {
		firsts[k] = id
	}
	l.front = max(l.front, id*chunkSteps)
	return nil
}

// openStep takes in a step that is in no chunk yet, or was counted in after its
// chunk was saved. Counts only grow, so the greatest are the latest.
func (l *Ledger) openStep(s pitwall.LedgerStep) error {
	if err := l.fits(s); err != nil {
		return err
	}
	k, step := l.bookOf(s.SLO), s.Start/int64(l.step/time.Second)
	if l.ahead(step) || s.Counts == (pitwall.Counts{}) {
		return nil
	}
	if k == nil {
		k = l.goneBook(s.SLO)
	}
	if l.gone[s.SLO] != nil {
		l.regain(k, step/chunkSteps)
	}
	c := l.open(k, step)
	if c == nil {
		if l.failed {
			return pitwall.Errorf(pitwall.Unavailable, "loading ledger", "reading steps of %s: %w", s.SLO, l.trouble)
		}
		return nil // older than any window
	}
	had := c.cells[step%chunkSteps]
	more := pitwall.Counts{Good: max(had.Good, s.Counts.Good) - had.Good, Bad: max(had.Bad, s.Counts.Bad) - had.Bad}
	if more != (pitwall.Counts{}) {
		k.steps.put(c, step, more)
		c.unpacked = true
		l.counted(k, step)
	}
	return nil
}

// goneBook holds what was counted last of an objective that is not defined any
// more, until it is saved as chunks: it may come back.
func (l *Ledger) goneBook(name pitwall.SLOName) *book {
	if l.gone == nil {
		l.gone = map[pitwall.SLOName]*book{}
	}
	s := pitwall.SLO{Name: name, Window: 30 * day}
	for _, k := range l.books {
		s.Window = max(s.Window, Reach(k.slo))
	}
	k := l.newBook(s)
	l.gone[name] = k
	l.order = append(l.order, k)
	return k
}

// regain takes the cells of a stored chunk into the book of an objective that is
// no more, whose sums were not loaded.
func (l *Ledger) regain(k *book, id int64) {
	if k.steps.at(id) != nil {
		return
	}
	if list, ok := l.read(k, id, id+1); ok && len(list) > 0 {
		if c, err := unpack(list[0].Cells); err == nil {
			k.steps.hold(&chunk{id: id, cells: *c})
		}
	}
}

// bear finds the first step ever counted. Only of a young account it matters to
// the step.
func (l *Ledger) bear(k *book, first int64) {
	born := first * chunkSteps
	if slices.Max(append(k.edges, 0)) > (k.steps.newest-first-1)*chunkSteps {
		var c *cells
		ok := true
		if held := k.steps.at(first); held != nil {
			c = &held.cells
		} else {
			c, ok = l.cold(k, first)
		}
		if ok {
			born += int64(slices.IndexFunc(c[:], func(c pitwall.Counts) bool { return c != (pitwall.Counts{}) }))
		} else {
			born += chunkSteps // rather too young than too old
		}
	}
	if k.born < 0 || born < k.born {
		k.born = born
	}
}
