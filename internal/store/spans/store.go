package spans

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pitwall/pitwall"
)

var (
	_ pitwall.SpanSink   = (*Store)(nil)
	_ pitwall.SpanReader = (*Store)(nil)
	_ pitwall.Health     = (*Store)(nil)
)

// Options of a store. Zero values mean the defaults.
type Options struct {
	// Retention is how long spans are kept after they came in; 1 h.
	Retention time.Duration
	// MaxSpans bounds the spans in memory (very roughly 200 bytes each); the
	// oldest go first. 4 million.
	MaxSpans int
	// SegmentBytes is when the next segment file is begun; 32 MiB.
	SegmentBytes int64
	// DiskBytes bounds all segment files together; the oldest go first. 4 GiB.
	DiskBytes int64
	// Now is the clock; time.Now.
	Now func() time.Time
}

// Tap receives batches in order of position. It must neither keep nor change
// the batch. It may ask the store questions, but not append, tap or close.
type Tap = func(position uint64, b *pitwall.SpanBatch)

// Store keeps spans in one directory. Its methods may be called by several
// goroutines; Close it when done.
type Store struct {
	dir  string
	opt  Options
	lock *os.File

	appending sync.Mutex // one batch at a time: the log, then the head, then the taps
	wal       wal
	taps      []Tap
	closed    bool

	mu     sync.RWMutex // what questions and health read
	head   *head
	counts counts
	health health

	position atomic.Uint64 // of the last batch, for readers

	stop chan struct{}
	done sync.WaitGroup
}

var errLocked = errors.New("another process has the directory open")

// Open reads the directory, makes it if it is not there, and starts the
// goroutine that forces the log to the disk each second. A torn tail of the log
// is cut off; damage in the middle is skipped and told by Health.
func Open(dir string, opt Options) (*Store, error) {
	opt.Retention = cmp.Or(max(0, opt.Retention), time.Hour)
	opt.MaxSpans = cmp.Or(max(0, opt.MaxSpans), 4_000_000)
	opt.SegmentBytes = cmp.Or(max(0, opt.SegmentBytes), 32<<20)
	opt.DiskBytes = cmp.Or(max(0, opt.DiskBytes), 4<<30)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s := &Store{
		dir: dir, opt: opt, head: newHead(opt.MaxSpans), counts: counts{}, stop: make(chan struct{}),
		wal: wal{dir: dir, limit: opt.SegmentBytes, table: crc32.MakeTable(crc32.Castagnoli)},
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, s.cannotOpen(err)
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, s.cannotOpen(err)
	}
	s.lock = lock
	if err := s.recover(); err != nil {
		return nil, errors.Join(s.cannotOpen(err), lock.Close())
	}
	s.position.Store(s.wal.position)
	s.done.Add(1)
	go s.keep()
	return s, nil
}

func (s *Store) cannotOpen(err error) error {
	e := &pitwall.Error{Op: "opening span store", Kind: pitwall.Unavailable, ID: s.dir, Err: err,
		Hint: "make the directory readable and writable, or choose another data_dir"}
	if errors.Is(err, errLocked) {
		e.Kind, e.Hint = pitwall.Conflict, "stop the other Pitwall, or give this one its own data_dir"
	}
	return e
}

// recover rebuilds the head from the log.
func (s *Store) recover() error {
	if err := s.wal.open(); err != nil {
		return err
	}
	oldest := s.opt.Now().Add(-s.opt.Retention).UnixNano()
	for i := range s.wal.segments {
		found, err := s.wal.load(i, func(f frame) {
			if f.arrival < oldest {
				return
			}
			b, err := decodeBatch(f.payload)
			if err != nil {
				s.health.undecodable(f.position, err)
				return
			}
			s.take(b, f.arrival)
		})
		if err != nil {
			return err
		}
		last := i == len(s.wal.segments)-1
		s.health.scanned(s.wal.segments[i].path, found, last)
		if last {
			return s.wal.resume(found.good)
		}
	}
	return nil
}

// take adds a batch to what answers questions.
func (s *Store) take(b *pitwall.SpanBatch, arrival int64) {
	s.head.add(b, arrival)
	s.counts.add(b)
	s.head.forget(arrival-int64(s.opt.Retention), s.opt.MaxSpans)
}

// AppendSpans stores a batch. When it returns nil the spans survive the death
// of the process and every tap has seen them.
func (s *Store) AppendSpans(ctx context.Context, b *pitwall.SpanBatch) error {
	if err := ctx.Err(); err != nil {
		return &pitwall.Error{Op: "storing spans", Kind: pitwall.Unavailable, Err: err}
	}
	if err := check(b); err != nil {
		s.refused(b.Len(), nil)
		return &pitwall.Error{Op: "storing spans", Kind: pitwall.Invalid, Err: err}
	}
	if b.Len() == 0 {
		return nil
	}
	s.appending.Lock()
	defer s.appending.Unlock()
	if s.closed {
		return pitwall.Errorf(pitwall.Unavailable, "storing spans", "the span store is closed")
	}
	arrival := s.opt.Now().UnixNano()
	s.wal.buf = encodeBatch(append(s.wal.buf[:0], make([]byte, frameHeader)...), b)
	if err := s.wal.write(s.wal.buf, arrival); err != nil {
		s.refused(b.Len(), err)
		return &pitwall.Error{Op: "writing span log", Kind: pitwall.Unavailable, ID: s.dir, Err: err,
			Hint: "make room on the disk; senders keep their spans and try again"}
	}
	s.position.Store(s.wal.position)
	s.mu.Lock()
	s.take(b, arrival)
	s.health.appended(b.Len(), arrival)
	s.mu.Unlock()
	for _, tap := range s.taps {
		tap(s.wal.position, b)
	}
	return nil
}

func (s *Store) refused(spans int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.refused(spans, err)
}

// Tap gives f every batch after position from that the log still holds, and
// then, for as long as the store is open, each new batch before it is
// acknowledged. Positions rise by one from 1, across restarts. If from lies
// beyond the log (a power cut took its end), numbering goes on after from, so
// that nobody mistakes a new batch for one already counted. Appending waits
// while f catches up.
func (s *Store) Tap(from uint64, f func(position uint64, b *pitwall.SpanBatch)) error {
	s.appending.Lock()
	defer s.appending.Unlock()
	replay := wal{dir: s.dir, segments: s.wal.segments, table: s.wal.table, position: from}
	for i, seg := range replay.segments {
		if seg.last <= from {
			continue
		}
		if _, err := replay.load(i, func(fr frame) {
			if b, err := decodeBatch(fr.payload); err == nil { // recover told of those that are not
				f(fr.position, b)
			}
		}); err != nil {
			return &pitwall.Error{Op: "replaying span log", Kind: pitwall.Unavailable, ID: seg.path, Err: err}
		}
	}
	s.wal.position = max(s.wal.position, from)
	s.position.Store(s.wal.position)
	s.taps = append(s.taps, f)
	return nil
}

// Position is that of the last batch; 0 when there never was one.
func (s *Store) Position() uint64 { return s.position.Load() }

// Requests counts server spans of a service that ended in the period, to the
// second: those seconds count that begin in it. An empty version means any.
func (s *Store) Requests(service pitwall.ServiceName, version pitwall.Version, p pitwall.Period) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.counts.requests(service, version, p)
}

// Versions lists what versions of a service sent spans, first seen first.
func (s *Store) Versions(service pitwall.ServiceName) []VersionSeen {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.counts.versions(service)
}

// keep forces the log to the disk and forgets what is too old, each second.
func (s *Store) keep() {
	defer s.done.Done()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			s.upkeep()
		}
	}
}

func (s *Store) upkeep() {
	now := s.opt.Now()
	oldest := now.Add(-s.opt.Retention).UnixNano()
	s.appending.Lock()
	file := s.wal.file
	err := s.wal.forget(oldest, s.opt.DiskBytes)
	s.appending.Unlock()
	if file != nil {
		if e := file.Sync(); !errors.Is(e, os.ErrClosed) { // closing a full segment has synced it
			err = errors.Join(err, e)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head.forget(oldest, s.opt.MaxSpans)
	s.counts.forget(pitwall.Period{From: now.Add(-s.opt.Retention), To: now.Add(s.opt.Retention)})
	s.health.kept(err)
}

// Close forces everything to the disk and waits for the store's goroutine.
func (s *Store) Close() error {
	s.appending.Lock()
	if s.closed {
		s.appending.Unlock()
		return nil
	}
	s.closed = true
	err := errors.Join(s.wal.seal(), s.lock.Close())
	s.appending.Unlock()
	close(s.stop)
	s.done.Wait()
	if err != nil {
		return fmt.Errorf("closing span store: %w", err)
	}
	return nil
}
