// Package profiles keeps profile windows on disk.
//
// In come pitwall.ProfileWindows; out they go again by period, service, version
// and type. It never looks inside a profile, and knows neither who scraped it
// nor who compares.
//
// A directory holds one file per window, as it came (gzipped pprof, readable by
// go tool pprof), and index.jsonl with one line per file, which is only ever
// appended to. A file is written first and its line second, so a process killed
// in between leaves a file nobody knows, which the next Open removes. A line torn
// in half is ignored. Nothing is fsynced: a window survives the death of the
// process, not of the machine.
package profiles

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	defaultRetention = 7 * 24 * time.Hour
	defaultMaxBytes  = 2 << 30
)

// Options bound what is kept.
type Options struct {
	// Retention is the greatest age of a window; 0 means 7 days.
	Retention time.Duration
	// MaxBytes bounds the files' sizes together, the oldest windows going first;
	// 0 means 2 GiB.
	MaxBytes int64
	// Now is the clock; nil means the system's.
	Now func() time.Time
}

// Store is an open directory of profile windows. Its methods may be called from
// several goroutines; only one process may use a directory at a time.
type Store struct {
	dir string
	o   Options

	mu      sync.Mutex
	index   *os.File // nil once closed
	entries []entry  // by end of period, oldest first
	bytes   int64
	dead    int // lines of the index whose file is gone
	next    uint64
	health  pitwall.SourceHealth
}

var (
	_ pitwall.ProfileSink   = (*Store)(nil)
	_ pitwall.ProfileReader = (*Store)(nil)
	_ pitwall.Health        = (*Store)(nil)
)

// Open opens the store in dir, creates it if it is not there, and clears up
// what a killed process and old age have left.
func Open(dir string, o Options) (*Store, error) {
	const op = "opening profile store"
	if o.Retention < 0 || o.MaxBytes < 0 {
		return nil, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: dir,
			Err: fmt.Errorf("negative bounds (%v, %d bytes)", o.Retention, o.MaxBytes), Hint: "leave them out for 7 days and 2 GiB"}
	}
	o.Retention = cmp.Or(o.Retention, defaultRetention)
	o.MaxBytes = cmp.Or(o.MaxBytes, defaultMaxBytes)
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{dir: dir, o: o, next: 1, health: pitwall.SourceHealth{Name: "store/profiles", Up: true}}
	if err := s.load(); err != nil {
		return nil, &pitwall.Error{Op: op, Kind: pitwall.Internal, ID: dir, Err: err,
			Hint: "check that the directory is writable and has room"}
	}
	return s, nil
}

// AppendProfile stores one window.
func (s *Store) AppendProfile(ctx context.Context, w pitwall.ProfileWindow) error {
	const op = "storing profile window"
	if err := ctx.Err(); err != nil {
		return &pitwall.Error{Op: op, Kind: pitwall.Unavailable, Err: err}
	}
	if err := check(w); err != nil {
		return s.fail(&pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: string(w.Service), Err: err})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index == nil {
		return pitwall.Errorf(pitwall.Unavailable, op, "the profile store is closed")
	}
	if err := s.add(w); err != nil {
		s.health.Rejected++
		s.health.Message = err.Error()
		return &pitwall.Error{Op: op, Kind: pitwall.Unavailable, ID: s.dir, Err: err, Hint: "check the room left on the data directory's disk"}
	}
	s.health.Accepted++
	s.health.LastSeen, s.health.Message = s.o.Now(), ""
	if err := s.prune(); err != nil {
		s.health.Message = err.Error() // the window is stored; the next append tries again
	}
	return nil
}

// check refuses windows that no question could find again.
func check(w pitwall.ProfileWindow) error {
	switch {
	case w.Service == "" || w.Type == "":
		return errors.New("a window needs a service and a type")
	case !w.Period.From.Before(w.Period.To):
		return fmt.Errorf("its period ends (%v) no later than it begins (%v)", w.Period.To, w.Period.From)
	case len(w.Data) == 0:
		return errors.New("it is empty")
	}
	return nil
}

// Profiles gives the windows that lie inside the query's period, oldest first.
// Empty fields of the query match anything, a zero period all times.
func (s *Store) Profiles(ctx context.Context, q pitwall.ProfileQuery) ([]pitwall.ProfileWindow, error) {
	const op = "reading profile windows"
	s.mu.Lock()
	closed := s.index == nil
	var found []entry
	for _, e := range s.entries {
		if e.matches(q) {
			found = append(found, e)
		}
	}
	s.mu.Unlock()
	if closed {
		return nil, pitwall.Errorf(pitwall.Unavailable, op, "the profile store is closed")
	}
	slices.SortStableFunc(found, func(a, b entry) int { return cmp.Compare(a.From, b.From) })
	out := make([]pitwall.ProfileWindow, 0, len(found))
	for _, e := range found {
		if err := ctx.Err(); err != nil {
			return nil, &pitwall.Error{Op: op, Kind: pitwall.Unavailable, Err: err}
		}
		data, err := os.ReadFile(filepath.Join(s.dir, e.File))
		if errors.Is(err, fs.ErrNotExist) {
			continue // pruned since
		}
		if err != nil {
			return nil, &pitwall.Error{Op: op, Kind: pitwall.Internal, ID: e.File, Err: err}
		}
		out = append(out, e.window(data))
	}
	return out, nil
}

// Health says how many windows were stored and refused.
func (s *Store) Health() []pitwall.SourceHealth {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.health
	if !h.Up || h.LastSeen.IsZero() {
		h.Blind = "which functions grew dearer"
	}
	return []pitwall.SourceHealth{h}
}

// Close closes the index. Closing twice is harmless.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index == nil {
		return nil
	}
	err := s.index.Close()
	s.index = nil
	s.health.Up, s.health.Message = false, "closed"
	if err != nil {
		return fmt.Errorf("closing profile store: %w", err)
	}
	return nil
}

func (s *Store) fail(e *pitwall.Error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.Rejected++
	s.health.Message = e.Error()
	return e
}
