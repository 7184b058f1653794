// Package profiles keeps profile windows on disk.
//
// In come pitwall.ProfileWindows; out they go again by period, service, version
// and type, one by one or merged into one profile. It looks inside a profile
// only to merge, and knows neither who scraped it nor who compares.
//
// A directory holds one file per window, as it came (gzipped pprof, readable by
// go tool pprof), and index.jsonl with one line per file, which is only ever
// appended to. A file is written first and its line second, so a process killed
// in between leaves a file nobody knows, which the next Open removes. A line torn
// in half is ignored. Nothing is fsynced: a window survives the death of the
// process at once, the death of the machine as soon as the system has written it
// back (about half a minute). The line holds the file's checksum, so what a
// machine's death tore is left out rather than misread. The same window given
// twice is stored once, also after a restart.
//
// When there is too much, the type that takes the most gives up its oldest
// window: a type that keeps within its share of the budget loses nothing to the
// others.
package profiles

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	defaultRetention = 7 * 24 * time.Hour
	defaultMaxBytes  = 2 << 30
	// defaultMaxWindows and maxAnswer bound an answer of Profiles.
	defaultMaxWindows = 500
	maxAnswer         = 256 << 20
)

// Requests counts what a service served. Version "" means any.
type Requests interface {
	Requests(service pitwall.ServiceName, version pitwall.Version, p pitwall.Period) int64
}

// Options bound what is kept.
type Options struct {
	// Retention is the greatest age of a window; 0 means 7 days.
	Retention time.Duration
	// MaxBytes bounds the files' sizes together; 0 means 2 GiB.
	MaxBytes int64
	// MaxWindows is how many windows Profiles answers with at most, spread evenly
	// over time, versions and instances; 0 means 500. Merged takes all.
	MaxWindows int
	// Requests fills in the count of windows that came without one, as pushed
	// ones do, when they are asked for; nil: they stay unknown.
	Requests Requests
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
	types   map[pitwall.ProfileType]int64 // bytes by type
	sums    map[string]bool               // of the entries: what is known already
	lags    []float64                     // seconds, of the last few windows
	dead    int                           // lines of the index whose file is gone
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
	if o.Retention < 0 || o.MaxBytes < 0 || o.MaxWindows < 0 {
		return nil, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: dir,
			Err: fmt.Errorf("negative bounds (%v, %d bytes, %d windows)", o.Retention, o.MaxBytes, o.MaxWindows), Hint: "leave them out for 7 days, 2 GiB and 500"}
	}
	o.Retention = cmp.Or(o.Retention, defaultRetention)
	o.MaxBytes = cmp.Or(o.MaxBytes, defaultMaxBytes)
	o.MaxWindows = cmp.Or(o.MaxWindows, defaultMaxWindows)
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{
		dir: dir, o: o, next: 1, types: map[pitwall.ProfileType]int64{}, sums: map[string]bool{},
		health: pitwall.SourceHealth{Name: "store/profiles", Signal: pitwall.SignalProfiles, Up: true},
	}
	if err := s.load(); err != nil {
		return nil, &pitwall.Error{Op: op, Kind: pitwall.Internal, ID: dir, Err: err,
			Hint: "check that the directory is writable and has room"}
	}
	return s, nil
}

// AppendProfile stores one window. One that is there already changes nothing.
func (s *Store) AppendProfile(ctx context.Context, w pitwall.ProfileWindow) error {
	_, err := s.AddProfile(ctx, w)
	return err
}

// AddProfile is AppendProfile that says whether the window was new. A disk
// without room is Unavailable: nothing is stored, and the next try may do.
func (s *Store) AddProfile(ctx context.Context, w pitwall.ProfileWindow) (added bool, err error) {
	const op = "storing profile window"
	if err := ctx.Err(); err != nil {
		return false, &pitwall.Error{Op: op, Kind: pitwall.Unavailable, Err: err}
	}
	if err := check(w); err != nil {
		return false, s.fail(&pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: string(w.Service), Err: err})
	}
	e := describe(w)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index == nil {
		return false, pitwall.Errorf(pitwall.Unavailable, op, "the profile store is closed")
	}
	if s.sums[e.Sum] {
		s.health.Duplicates++
		return false, nil
	}
	if err := s.add(e, w.Data); err != nil {
		s.health.Rejected++
		s.health.Up, s.health.Message = false, err.Error()
		return false, &pitwall.Error{Op: op, Kind: pitwall.Unavailable, ID: s.dir, Err: err, Hint: "check the room left on the data directory's disk"}
	}
	s.health.Accepted++
	s.health.Up, s.health.LastSeen, s.health.Message = true, s.o.Now(), ""
	s.noteLag(w.Period.To)
	if err := s.prune(); err != nil {
		s.health.Message = err.Error() // the window is stored; the next append tries again
	}
	return true, nil
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

// Health says how many windows were stored and refused.
func (s *Store) Health() []pitwall.SourceHealth {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.health
	h.Lag = median(s.lags)
	if !h.Up || h.LastSeen.IsZero() {
		h.Blind = "which functions grew dearer"
	}
	return []pitwall.SourceHealth{h}
}

// lagsKept is how many windows the median lag is taken of.
const lagsKept = 15

func (s *Store) noteLag(end time.Time) {
	lag := max(0, s.o.Now().Sub(end).Seconds())
	s.lags = append(s.lags[max(0, len(s.lags)-lagsKept+1):], lag)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// Volume says how much comes in and what keeping it takes.
func (s *Store) Volume() pitwall.SignalVolume {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := pitwall.SignalVolume{Signal: pitwall.SignalProfiles, Unit: "windows", Bytes: s.bytes, Retention: s.o.Retention, Budget: s.o.MaxBytes}
	if len(s.entries) == 0 {
		return v
	}
	v.Since = time.UnixMilli(s.entries[0].From).UTC()
	const lately = time.Hour
	from, windows, bytes := s.o.Now().Add(-lately).UnixMilli(), 0, int64(0)
	for _, e := range slices.Backward(s.entries) {
		if e.To < from {
			break
		}
		windows++
		bytes += e.Bytes
	}
	v.PerSecond = float64(windows) / lately.Seconds()
	v.BytesDay = float64(bytes) * (24 * time.Hour).Seconds() / lately.Seconds()
	return v
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
