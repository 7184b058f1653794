package sqlite

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

// TestOldLedgerIsKept writes steps as the third schema had them, one row each,
// opens the database with today's code, and saves them as chunks.
func TestOldLedgerIsKept(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	old, err := connect(filepath.Join(dir, fileName), "", 1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := provider(old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(ctx, 3); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Exec(`INSERT INTO ledger VALUES ('a', 60, 5, 1), ('a', 120, 7, 0), ('b', 60, 9, 9223372036854775807);
		INSERT INTO ledger_position VALUES (1, 77)`); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var steps []pitwall.LedgerStep
	visit := pitwall.LedgerVisit{Step: func(s pitwall.LedgerStep) error { steps = append(steps, s); return nil }}
	saved, err := db.LoadLedger(ctx, time.Time{}, visit)
	want := []pitwall.LedgerStep{{SLO: "a", Start: 60, Counts: pitwall.Counts{Good: 5, Bad: 1}},
		{SLO: "b", Start: 60, Counts: pitwall.Counts{Good: 9, Bad: math.MaxInt64}}, {SLO: "a", Start: 120, Counts: pitwall.Counts{Good: 7}}}
	if diff := cmp.Diff(want, steps); diff != "" || err != nil || saved.Position != 77 || saved.Chunk != 0 {
		t.Errorf("%+v, %v (-want +got):\n%s", saved, err, diff)
	}
	// Part of it goes into a chunk; the rest stays as it is.
	if err := db.SaveLedger(ctx, pitwall.LedgerSave{Chunk: 64 * time.Second, Position: 78, Settled: 64,
		Chunks: []pitwall.LedgerChunk{{SLO: "a", Counts: pitwall.Counts{Good: 5, Bad: 1}, Seen: 1}, {SLO: "b", Counts: want[1].Counts, Seen: 1}}}); err != nil {
		t.Fatal(err)
	}
	steps = nil
	if saved, err = db.LoadLedger(ctx, time.Time{}, visit); err != nil || saved.Position != 78 || len(steps) != 1 || steps[0] != want[2] {
		t.Errorf("after the first save: %+v, %v, %v", saved, steps, err)
	}
}

func TestPruneLedger(t *testing.T) {
	db, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx := t.Context()
	const chunk, row = 64 * 60, pageChunks * 64 * 60
	names := []pitwall.SLOName{"month", "year", "gone"}
	for n := range int64(4 * pageChunks) {
		save := pitwall.LedgerSave{Chunk: chunk * time.Second, Settled: math.MaxInt64}
		for _, name := range names {
			save.Chunks = append(save.Chunks, pitwall.LedgerChunk{SLO: name, Start: n * chunk, Counts: pitwall.Counts{Good: 1}, Seen: 1, Cells: []byte{1}})
		}
		if err := db.SaveLedger(ctx, save); err != nil {
			t.Fatal(err)
		}
	}
	left := func(want ...int) {
		t.Helper()
		sums := map[pitwall.SLOName]int{}
		if _, err := db.LoadLedger(ctx, time.Time{}, pitwall.LedgerVisit{Chunk: func(c pitwall.LedgerChunk) error { sums[c.SLO]++; return nil }}); err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			list, err := db.Cells(ctx, name, pitwall.Period{To: time.Unix(5*row, 0)})
			if err != nil || len(list) != want[i] || sums[name] != want[i] {
				t.Errorf("%s has %d cells and %d sums, %v; want %d", name, len(list), sums[name], err, want[i])
			}
		}
	}
	prune := func(now int64, want int64, keep LedgerKeep) {
		t.Helper()
		if n, err := db.PruneLedger(ctx, time.Unix(now, 0), keep); n != want || err != nil {
			t.Errorf("pruned %d chunks, %v; want %d", n, err, want)
		}
	}
	keep := LedgerKeep{SLOs: map[pitwall.SLOName]time.Duration{"month": 2 * row * time.Second, "year": 9 * row * time.Second}, Others: row * time.Second}
	prune(4*row-1, 64+32, keep) // a row goes when all of it is too old
	left(96, 128, 64)
	prune(4*row-1, 0, keep)
	prune(4*row, 32+32, keep)
	left(64, 128, 32)
	keep.SLOs["year"] = row * time.Second // kept for less from now on
	prune(4*row, 96, keep)
	left(64, 32, 32)
	if _, err := db.PruneLedger(ctx, time.Unix(0, 0), LedgerKeep{}); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("keeping nothing at all: %v", err)
	}
}

func TestRowsReadBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var page sumsRow
		for range rng.IntN(40) {
			page = page.with(summed{rng.Int64N(pageChunks), pitwall.Counts{Good: rng.Uint64() >> rng.IntN(64), Bad: rng.Uint64() >> rng.IntN(64)}, rng.Uint64N(64)})
		}
		got, err := readSums(page.pack())
		if err != nil || !slices.Equal(got, page) {
			t.Fatalf("%v reads back as %v, %v", page, got, err)
		}
		var list, back []recent
		for range rng.IntN(40) {
			list = append(list, recent{rng.Int64N(1e6), rng.Int64N(2e9), pitwall.Counts{Good: rng.Uint64() >> rng.IntN(64), Bad: rng.Uint64N(9)}})
		}
		if err := eachRecent(packRecent(list), func(r recent) error { back = append(back, r); return nil }); err != nil || !slices.Equal(list, back) {
			t.Fatalf("%v reads back as %v, %v", list, back, err)
		}
	}
}

func FuzzRows(f *testing.F) {
	f.Add(sumsRow{{3, pitwall.Counts{Good: 5, Bad: 300}, 2}}.pack())
	f.Add(packRecent([]recent{{1, 100, pitwall.Counts{Good: 2}}, {2, 90, pitwall.Counts{Bad: 1}}}))
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, data []byte) {
		if page, err := readSums(data); err == nil {
			again, err := readSums(page.pack())
			if err != nil || !slices.Equal(page, again) {
				t.Errorf("sums %v read back as %v, %v", page, again, err)
			}
		} else if !errors.Is(err, errRow) {
			t.Errorf("sums: %v", err)
		}
		n := 0
		if err := eachRecent(data, func(recent) error { n++; return nil }); err != nil && !errors.Is(err, errRow) {
			t.Errorf("steps: %v", err)
		}
		if n > len(data)/4 {
			t.Errorf("%d steps of %d bytes", n, len(data))
		}
	})
}
