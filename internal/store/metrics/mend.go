package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/tsdb"

	"github.com/pitwall/pitwall"
)

const (
	diskHint = "check the room left on the data directory's disk"
	// probeBytes must fit on the disk before a failed log is mended.
	probeBytes = 4 << 20
	// mendPause lies between two attempts to open the database again, each of
	// which reads the whole log.
	mendPause = 5 * time.Second
	// troubleLasts is how long a word of the database stays in the health; it
	// repeats a compaction that fails each minute.
	troubleLasts = 10 * time.Minute
)

// fault is what went wrong below us.
//
// When a write to the log fails in the middle of a record, whatever is written
// behind it is thrown away when the log is read again, and a series made in that
// moment is known in memory alone. So after one failed write nothing more is
// acknowledged until the log was closed, cut at the damage, and opened again.
type fault struct {
	mending sync.Mutex  // one mend at a time
	writing sync.Mutex  // one commit at a time, so that none follows a failed one
	broken  atomic.Bool // a write failed; see mend
	lateLog atomic.Bool // the log of late samples failed, which the database only says to its logger

	mu      sync.Mutex
	mended  time.Time // the last attempt
	trouble string
	at      time.Time
}

func (f *fault) hear(what string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trouble, f.at = what, now
}

func (f *fault) recent(now time.Time) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.at) > troubleLasts {
		return ""
	}
	return f.trouble
}

// commit makes what was appended durable, or says that nothing of it counts.
func (s *Store) commit(app interface {
	Commit() error
	Rollback() error
}) error {
	s.fault.writing.Lock()
	defer s.fault.writing.Unlock()
	if s.fault.broken.Load() {
		return errors.Join(errors.New("an earlier write to the log failed"), app.Rollback())
	}
	err := app.Commit()
	if s.fault.lateLog.Swap(false) && err == nil {
		err = errors.New("writing the log of late samples failed")
	}
	if err != nil {
		s.fault.broken.Store(true)
	}
	return err
}

// rollback forgets what was appended. The database logs new series even then.
func (s *Store) rollback(app interface{ Rollback() error }) error {
	s.fault.writing.Lock()
	defer s.fault.writing.Unlock()
	err := app.Rollback()
	if err != nil {
		s.fault.broken.Store(true)
	}
	return err
}

// enterWrite is enter for whoever wants to append; it mends the log first if a
// write to it had failed.
func (s *Store) enterWrite(ctx context.Context, op string) (leave func(), err error) {
	if s.fault.broken.Load() {
		if err := s.mend(); err != nil {
			return nil, &pitwall.Error{Op: op, Kind: pitwall.Unavailable, ID: s.dir, Err: err, Hint: diskHint}
		}
	}
	if err := s.shortage(); err != nil {
		return nil, &pitwall.Error{Op: op, Kind: pitwall.Unavailable, ID: s.dir, Err: err, Hint: diskHint}
	}
	return s.enter(ctx, op)
}

// mend opens the database again once the disk takes writes. Queries go on until
// then, and wait while it is opened.
func (s *Store) mend() error {
	s.fault.mending.Lock()
	defer s.fault.mending.Unlock()
	if !s.fault.broken.Load() {
		return nil // somebody else did it meanwhile
	}
	err := probe(s.dir)
	if err == nil {
		err = s.roomToOpen()
	}
	if err != nil {
		return fmt.Errorf("a write to the log failed and the disk takes no more: %w", err)
	}
	s.use.Lock()
	defer s.use.Unlock()
	if s.closed {
		return nil // enter says so
	}
	s.fault.mu.Lock()
	wait := s.fault.mended.Add(mendPause).Sub(s.now())
	if wait <= 0 {
		s.fault.mended = s.now()
	}
	s.fault.mu.Unlock()
	if wait > 0 {
		return fmt.Errorf("opening the log again failed; the next attempt is in %v", wait)
	}
	if s.down == nil {
		// What cannot be flushed now was never acknowledged.
		if err := s.shut(); err != nil {
			s.o.Logger.Warn("Closing the metrics store to mend it", "err", err)
		}
	}
	s.opened++
	if s.down = s.open(); s.down != nil {
		return fmt.Errorf("opening the log again: %w", s.down)
	}
	s.fault.broken.Store(false)
	s.fault.mu.Lock()
	s.fault.mended = time.Time{}
	s.fault.mu.Unlock()
	s.mu.Lock()
	s.health.Message = ""
	s.mu.Unlock()
	return nil
}

// open opens the database and reads its log.
func (s *Store) open() error {
	for _, log := range []string{"wal", "wbl"} {
		if err := undoRepair(filepath.Join(s.dir, log)); err != nil {
			return err
		}
	}
	options, most := databaseOptions(s.o), &bound{most: uint64(s.o.Series)}
	options.SeriesLifecycleCallback = most
	db, err := tsdb.Open(s.dir, slog.New(ear{s.o.Logger.Handler(), &s.fault, s.now}), nil, options, nil)
	if err != nil {
		return err
	}
	most.head.Store(db.Head())
	s.head.Store(db.Head())
	s.db = db
	return nil
}

// undoRepair puts a segment back whose repair did not finish. The database
// moves a damaged segment aside, writes its good part anew, and would forget
// the rest if that failed, as it does on a full disk.
func undoRepair(dir string) error {
	const aside = ".repair"
	found, err := filepath.Glob(filepath.Join(dir, "*"+aside))
	if err != nil {
		return err
	}
	for _, name := range found {
		if err := os.Rename(name, strings.TrimSuffix(name, aside)); err != nil {
			return fmt.Errorf("putting a damaged segment back: %w", err)
		}
	}
	return nil
}

// probe finds out whether the disk takes writes, whatever the reason it did
// not: no room, a quota, a limit of the process.
func probe(dir string) (err error) {
	f, err := os.CreateTemp(dir, "probe-*.tmp")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	_, err = f.Write(make([]byte, probeBytes))
	return err
}

// ear hears the database's errors on their way to the logger: it returns some
// of them to nobody.
type ear struct {
	slog.Handler
	fault *fault
	now   func() time.Time
}

// Enabled implements slog.Handler.
func (e ear) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelError || e.Handler.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (e ear) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		// The one message that means lost durability; see fault.
		if strings.Contains(r.Message, "log out of order samples") {
			e.fault.lateLog.Store(true)
		}
		e.fault.hear(wording(r), e.now())
	}
	if !e.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return e.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (e ear) WithAttrs(a []slog.Attr) slog.Handler {
	return ear{e.Handler.WithAttrs(a), e.fault, e.now}
}

// WithGroup implements slog.Handler.
func (e ear) WithGroup(name string) slog.Handler {
	return ear{e.Handler.WithGroup(name), e.fault, e.now}
}

func wording(r slog.Record) string {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "err" {
			text += ": " + a.Value.String()
			return false
		}
		return true
	})
	return text
}
