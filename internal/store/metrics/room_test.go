package metrics

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// TestNoRoom fills the disk in every situation in which the database would die
// of it: with samples coming, with chunks to move to a file, and at the start.
func TestNoRoom(t *testing.T) {
	dir, at := t.TempDir(), start
	var left atomic.Uint64
	left.Store(1 << 30)
	open := func() (*Store, error) {
		return Open(dir, Options{Now: func() time.Time { return at }, room: func(string) (uint64, error) { return left.Load(), nil }})
	}
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	const samples = 300 // more than two chunks of a series
	for i := range samples {
		at = start.Add(time.Duration(i) * 15 * time.Second)
		if err := s.AppendSeries(t.Context(), request(int(at.Sub(start).Milliseconds()), 3)); err != nil {
			t.Fatal(err)
		}
	}
	moved := func() int {
		files, err := os.ReadDir(filepath.Join(dir, "chunks_head"))
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	left.Store(reserve)
	if err := s.AppendSeries(t.Context(), request(1, 3)); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("without room: %v, want to be asked to come again", err)
	}
	if h := s.Health()[0]; h.Up || h.Message == "" {
		t.Errorf("health without room: %+v", h)
	}
	if s.moveChunks(); moved() != 0 {
		t.Error("chunks were moved without room for them")
	}
	if got := one(t, s, "count_over_time(hits{i=\"0\"}[2h])", at); got != samples {
		t.Errorf("%v samples without room, want %d", got, samples)
	}
	left.Store(1 << 30)
	if s.moveChunks(); moved() == 0 {
		t.Error("no chunks were moved although there is room")
	}
	if h := s.Health()[0]; !h.Up {
		t.Errorf("health with room again: %+v", h)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	left.Store(1 << 20)
	if _, err := open(); pitwall.KindOf(err) != pitwall.Unavailable || pitwall.HintOf(err) == "" {
		t.Errorf("opening without room: %v", err)
	}
	left.Store(1 << 30)
	if s, err = open(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := one(t, s, "count_over_time(hits{i=\"0\"}[2h])", at); got != samples {
		t.Errorf("%v samples, want %d", got, samples)
	}
}
