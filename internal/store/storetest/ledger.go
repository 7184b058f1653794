package storetest

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

const minute = time.Minute

func step(slo pitwall.SLOName, start int64, good, bad uint64) pitwall.LedgerStep {
	return pitwall.LedgerStep{SLO: slo, Start: start, Counts: pitwall.Counts{Good: good, Bad: bad}}
}

func chunk(slo pitwall.SLOName, start int64, good, bad, seen uint64) pitwall.LedgerChunk {
	return pitwall.LedgerChunk{SLO: slo, Start: start, Counts: pitwall.Counts{Good: good, Bad: bad}, Seen: seen, Cells: fmt.Appendf(nil, "%s %d %d", slo, start, good)}
}

// kept is all that a store has of a ledger. Of a step that comes more than once
// the greatest counts are the latest.
type kept struct {
	Chunks []pitwall.LedgerChunk
	Steps  map[pitwall.LedgerStep]bool // as they come; counts and all
	Saved  pitwall.LedgerSaved
}

func load(t *testing.T, s Store, since int64) kept {
	t.Helper()
	k := kept{Steps: map[pitwall.LedgerStep]bool{}}
	var err error
	k.Saved, err = s.LoadLedger(t.Context(), time.Unix(since, 0), pitwall.LedgerVisit{
		Chunk: func(c pitwall.LedgerChunk) error {
			if len(k.Steps) > 0 {
				t.Error("a chunk comes after a step")
			}
			k.Chunks = append(k.Chunks, c)
			return nil
		},
		Step: func(s pitwall.LedgerStep) error {
			k.Steps[s] = true
			return nil
		},
	})
	must(t, err)
	return k
}

func bare(list ...pitwall.LedgerChunk) []pitwall.LedgerChunk {
	for i := range list {
		list[i].Cells = nil
	}
	return list
}

func ledger(t *testing.T, s Store) {
	ctx := t.Context()
	empty := load(t, s, 0)
	equal(t, pitwall.LedgerSaved{}, empty.Saved)
	equal(t, 0, len(empty.Chunks)+len(empty.Steps))
	cells, err := s.Cells(ctx, "a", pitwall.Period{From: time.Unix(0, 0), To: time.Unix(1e9, 0)})
	must(t, err)
	equal(t, 0, len(cells))

	must(t, s.SaveLedger(ctx, pitwall.LedgerSave{Chunk: minute, Position: 100, Settled: 60,
		Steps:   []pitwall.LedgerStep{step("a", 70, 5, 0), step("a", 80, 1, 1), step("b", 70, 2, 0)},
		Through: map[pitwall.SLOName]time.Time{"b": time.Unix(90, 0).UTC()}}))
	must(t, s.SaveLedger(ctx, pitwall.LedgerSave{Chunk: minute, Position: 180, Settled: 60,
		Steps:  []pitwall.LedgerStep{step("a", 80, 7, math.MaxUint64)},
		Chunks: []pitwall.LedgerChunk{chunk("a", 0, 9, 1, 3), chunk("c", 0, 1, 0, 1)}}))
	got := load(t, s, 0)
	equal(t, pitwall.LedgerSaved{Chunk: minute, Position: 180, Through: map[pitwall.SLOName]time.Time{"b": time.Unix(90, 0).UTC()}}, got.Saved)
	equal(t, bare(chunk("a", 0, 9, 1, 3), chunk("c", 0, 1, 0, 1)), got.Chunks)
	for _, want := range []pitwall.LedgerStep{step("a", 70, 5, 0), step("a", 80, 7, math.MaxUint64), step("b", 70, 2, 0)} {
		if !got.Steps[want] {
			t.Errorf("%+v is not among %v", want, got.Steps)
		}
	}

	// The chunk from 60 on is over; what was in it step by step is forgotten,
	// and a chunk that was counted in again replaces the old one.
	must(t, s.SaveLedger(ctx, pitwall.LedgerSave{Chunk: minute, Position: 190, Settled: 120, Steps: []pitwall.LedgerStep{step("a", 130, 1, 0)},
		Chunks: []pitwall.LedgerChunk{chunk("a", 60, 12, 2, 2), chunk("b", 60, 2, 0, 1), chunk("a", 0, 10, 1, 4)}}))
	got = load(t, s, 0)
	equal(t, bare(chunk("a", 0, 10, 1, 4), chunk("a", 60, 12, 2, 2)), only("a", got.Chunks))
	equal(t, map[pitwall.LedgerStep]bool{step("a", 130, 1, 0): true}, got.Steps)
	equal(t, uint64(190), got.Saved.Position)
	equal(t, bare(chunk("a", 60, 12, 2, 2)), only("a", load(t, s, 60).Chunks))
	cellsOf(t, s, "a", 0, 1000, chunk("a", 0, 10, 1, 4), chunk("a", 60, 12, 2, 2))
	cellsOf(t, s, "a", 0, 60, chunk("a", 0, 10, 1, 4))
	cellsOf(t, s, "a", 1, 61, chunk("a", 60, 12, 2, 2))
	cellsOf(t, s, "b", 0, 1000, chunk("b", 60, 2, 0, 1))
	cellsOf(t, s, "x", 0, 1000)

	// All or nothing.
	gone, cancel := context.WithCancel(ctx)
	cancel()
	late := pitwall.LedgerSave{Chunk: minute, Position: 500, Settled: math.MaxInt64, Chunks: []pitwall.LedgerChunk{chunk("a", 120, 1, 0, 1)}}
	if s.SaveLedger(gone, late) == nil {
		t.Error("saved for a caller that had gone")
	}
	equal(t, got, load(t, s, 0))
	must(t, s.SaveLedger(ctx, late))
	equal(t, 0, len(load(t, s, 0).Steps))
	kind(t, pitwall.Invalid, s.SaveLedger(ctx, pitwall.LedgerSave{Chunk: 2 * minute, Position: 501}))
	kind(t, pitwall.Invalid, s.SaveLedger(ctx, pitwall.LedgerSave{Position: 501}))
	equal(t, uint64(500), load(t, s, 0).Saved.Position)
}

func only(name pitwall.SLOName, list []pitwall.LedgerChunk) (out []pitwall.LedgerChunk) {
	for _, c := range list {
		if c.SLO == name {
			out = append(out, c)
		}
	}
	return out
}

// cellsOf compares times and cells; a store need not give the sums.
func cellsOf(t *testing.T, s Store, name pitwall.SLOName, from, to int64, want ...pitwall.LedgerChunk) {
	t.Helper()
	list, err := s.Cells(t.Context(), name, pitwall.Period{From: time.Unix(from, 0), To: time.Unix(to, 0)})
	must(t, err)
	if len(list) != len(want) {
		t.Fatalf("%s [%d,%d): %d chunks, want %d", name, from, to, len(list), len(want))
	}
	for i, c := range list {
		if c.SLO != name || c.Start != want[i].Start || string(c.Cells) != string(want[i].Cells) {
			t.Errorf("%s [%d,%d): %+v, want %+v", name, from, to, c, want[i])
		}
	}
}

// ledgerOfMany saves a hundred chunks of fifty SLOs, in disorder.
func ledgerOfMany(t *testing.T, s Store) {
	const slos, chunks = 50, 100
	for round := range chunks {
		var save pitwall.LedgerSave
		save.Chunk, save.Settled = minute, math.MaxInt64
		for i := range slos {
			n := int64((round*37 + i) % chunks)
			save.Chunks = append(save.Chunks, chunk(pitwall.SLOName(fmt.Sprint("slo-", i)), n*60, uint64(n+1), uint64(i), 1))
		}
		must(t, s.SaveLedger(t.Context(), save))
	}
	next := map[pitwall.SLOName]int64{}
	for _, c := range load(t, s, 0).Chunks {
		if c.Start != next[c.SLO] || c.Counts.Good != uint64(c.Start/60+1) {
			t.Fatalf("%+v comes where the chunk at %d should", c, next[c.SLO])
		}
		next[c.SLO] += 60
	}
	equal(t, slos, len(next))
	equal(t, slos*(chunks-40), len(load(t, s, 40*60).Chunks))
	list, err := s.Cells(t.Context(), "slo-7", pitwall.Period{From: time.Unix(10*60, 0), To: time.Unix(90*60, 0)})
	must(t, err)
	equal(t, 80, len(list))
}
