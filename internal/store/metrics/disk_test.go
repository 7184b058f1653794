package metrics

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// used is the bytes of all files below dir.
func used(t *testing.T, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDiskBudgetDropsTheOldest(t *testing.T) {
	dir, end := t.TempDir(), start.Add(24*time.Hour)
	s := mustOpen(t, dir, end)
	for at := start; at.Before(end); at = at.Add(time.Minute) {
		if err := s.AppendSeries(t.Context(), request(int(at.Sub(start).Milliseconds()), 40)); err != nil {
			t.Fatal(err)
		}
		if at.Sub(start)%(4*time.Hour) == 0 { // as the database does each minute
			if err := s.db.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	count := func(s *Store, from, to time.Time) int {
		t.Helper()
		series, err := s.QueryRange(t.Context(), `hits{i="0"}`, pitwall.Period{From: from, To: to}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if len(series) == 0 {
			return 0
		}
		return len(series[0].T)
	}
	if got := count(s, start, start.Add(time.Hour)); got != 60 {
		t.Fatalf("%d samples in the first hour, want 60", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// Room for the head's log and about half of the blocks.
	log := used(t, filepath.Join(dir, "wal")) + used(t, filepath.Join(dir, "chunks_head"))
	budget := log + (used(t, dir)-log)/2
	s, err := Open(dir, Options{Retention: 24 * time.Hour, DiskBytes: budget, Now: fixed(end)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := count(s, start, start.Add(time.Hour)); got != 0 {
		t.Errorf("%d samples in the first hour, want none", got)
	}
	if got := count(s, end.Add(-time.Hour), end); got != 60 {
		t.Errorf("%d samples in the last hour, want 60", got)
	}
	if got := used(t, dir); got > budget+16<<10 { // a new, empty log segment and its like
		t.Errorf("%d bytes used of %d", got, budget)
	}
}

func TestAnUnfinishedRepairIsUndone(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, start)
	if err := s.AppendSeries(t.Context(), request(0, 3)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The database had moved the segment aside and died before its copy was made.
	segment := filepath.Join(dir, "wal", "00000000")
	if err := os.Rename(segment, segment+".repair"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(segment, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := one(t, mustOpen(t, dir, start), "count(hits)", start); got != 3 {
		t.Errorf("%v series, want 3", got)
	}
}
