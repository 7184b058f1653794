package slo

import (
	"math"
	"math/bits"
	"time"

	"github.com/pitwall/pitwall"
)

// mostChunks bounds the chunks of one save whose steps were saved already, so that
// the end of a chunk, which is the same for all SLOs, is written over several
// saves.
const mostChunks = 2048

// chunkSeconds is the length of a chunk.
func (l *Ledger) chunkSeconds() int64 { return chunkSteps * int64(l.step/time.Second) }

// Dirty gives what was counted since the last call: running chunks step by step,
// those that are over as a whole. The position is the caller's to fill in. If it
// could be saved, say so with Saved; if not, give it back with Keep.
func (l *Ledger) Dirty() pitwall.LedgerSave {
	l.mu.Lock()
	defer l.mu.Unlock()
	save := pitwall.LedgerSave{Chunk: time.Duration(l.chunkSeconds()) * time.Second, Settled: math.MaxInt64}
	// Chunks that end before this step are over.
	over := max(l.now(), l.front) - int64(lateness/l.step)
	for _, k := range l.order {
		for _, c := range k.steps.chunks {
			if c.unpacked && (c.id+1)*chunkSteps <= over && (c.dirty != 0 || len(save.Chunks) < mostChunks) {
				save.Chunks = append(save.Chunks, l.wholeOf(k, c))
				c.dirty, c.unpacked, c.given = 0, false, true
				continue
			}
			if c.unpacked {
				save.Settled = min(save.Settled, c.id*l.chunkSeconds())
			}
			save.Steps = l.give(save.Steps, k, c)
		}
		if k.moved {
			if save.Through == nil {
				save.Through = map[pitwall.SLOName]time.Time{}
			}
			save.Through[k.slo.Name], k.moved = time.Unix(l.unix(k.through), 0).UTC(), false
		}
	}
	return save
}

// wholeOf is a chunk as a store keeps it.
func (l *Ledger) wholeOf(k *book, c *chunk) pitwall.LedgerChunk {
	all := c.cells.sum(0, chunkSteps)
	return pitwall.LedgerChunk{SLO: k.slo.Name, Start: c.id * l.chunkSeconds(), Counts: all.Counts, Seen: all.seen, Cells: c.cells.pack()}
}

// give appends the touched steps of a chunk.
func (l *Ledger) give(list []pitwall.LedgerStep, k *book, c *chunk) []pitwall.LedgerStep {
	for ; c.dirty != 0; c.dirty &= c.dirty - 1 {
		i := int64(bits.TrailingZeros64(c.dirty))
		if c.cells[i] != (pitwall.Counts{}) {
			list = append(list, pitwall.LedgerStep{SLO: k.slo.Name, Start: l.unix(c.id*chunkSteps + i), Counts: c.cells[i]})
		}
	}
	return list
}

// Saved says that what Dirty gave is on the disk. Older cells then leave memory,
// if the ledger can read them back.
func (l *Ledger) Saved(save pitwall.LedgerSave) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range save.Chunks {
		if k := l.bookOf(one.SLO); k != nil {
			if c := k.steps.at(one.Start / l.chunkSeconds()); c != nil {
				c.given = false
			}
			k.steps.drop(l.store != nil)
		}
	}
}

// Keep marks what Dirty gave as touched again, after it could not be saved. The
// counts are read anew by the next Dirty.
func (l *Ledger) Keep(save pitwall.LedgerSave) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range save.Steps {
		if k, step := l.bookOf(s.SLO), s.Start/int64(l.step/time.Second); k != nil {
			if c := k.steps.at(step / chunkSteps); c != nil {
				c.dirty |= 1 << (step % chunkSteps)
				c.unpacked = true
			}
		}
	}
	for _, one := range save.Chunks {
		if k := l.bookOf(one.SLO); k != nil {
			if c := k.steps.at(one.Start / l.chunkSeconds()); c != nil {
				c.unpacked, c.given = true, false
			}
		}
	}
	for name := range save.Through {
		if k := l.bookOf(name); k != nil {
			k.moved = true
		}
	}
}

// bookOf finds a book, also that of an objective that is no more.
func (l *Ledger) bookOf(name pitwall.SLOName) *book {
	if k := l.books[name]; k != nil {
		return k
	}
	return l.gone[name]
}

// Growth is what a ledger holds.
type Growth struct {
	SLOs    int           `json:"slos"`
	Chunks  int           `json:"chunks"`  // whose cells are in memory
	Older   int           `json:"older"`   // chunks read back from the disk
	Unsaved int           `json:"unsaved"` // chunks that the store lacks something of
	Memory  pitwall.Bytes `json:"memory"`
	Reads   uint64        `json:"reads"` // of older chunks so far
	Trouble string        `json:"trouble,omitempty"`
}

// Growth says how large the ledger has become, and what was wrong last with
// reading older steps.
func (l *Ledger) Growth() Growth {
	const chunkBytes, sumBytes = 1152, 24
	l.mu.Lock()
	defer l.mu.Unlock()
	g := Growth{SLOs: len(l.books), Reads: l.reads}
	var bytes int
	for _, k := range l.order {
		g.Chunks += len(k.steps.chunks)
		g.Older += len(k.older)
		bytes += len(k.steps.chunks)*chunkBytes + len(k.steps.ring)*sumBytes
		for _, p := range k.older {
			bytes += len(p.data)
		}
		for _, c := range k.steps.chunks {
			if !c.safe() {
				g.Unsaved++
			}
		}
		if v := k.slices; v != nil {
			bytes += 8 * (len(v.good) + len(v.bad) + len(v.ratios))
		}
	}
	g.Memory = pitwall.Bytes(bytes)
	if l.failed {
		g.Trouble = l.trouble.Error()
	}
	return g
}
