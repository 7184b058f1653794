package spans

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/wal"
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
	dir string
	opt Options

	appending sync.Mutex // one batch at a time: the log, then the head, then the taps
	log       *wal.Log
	buf       []byte // of the frame being made
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
	s := &Store{dir: dir, opt: opt, head: newHead(opt.MaxSpans), counts: counts{}, stop: make(chan struct{})}
	if err := s.recover(); err != nil {
		return nil, s.cannotOpen(err)
	}
	s.position.Store(s.log.Position())
	s.done.Add(1)
	go s.keep()
	return s, nil
}

func (s *Store) cannotOpen(err error) error {
	e := &pitwall.Error{Op: "opening span store", Kind: pitwall.Unavailable, ID: s.dir, Err: err,
		Hint: "make the directory readable and writable, or choose another data_dir"}
	if errors.Is(err, wal.ErrLocked) {
		e.Kind, e.Hint = pitwall.Conflict, "stop the other Pitwall, or give this one its own data_dir"
	}
	return e
}

// recover rebuilds the head from the log.
func (s *Store) recover() error {
	oldest := s.opt.Now().Add(-s.opt.Retention).UnixNano()
	log, found, err := wal.Open(s.dir, wal.Options{Extension: ".spans", SegmentBytes: s.opt.SegmentBytes}, func(f wal.Frame) error {
		if f.Arrival < oldest {
			return nil
		}
		b, err := decodeBatch(f.Payload)
		if err != nil {
			s.health.undecodable(f.Position, err)
			return nil
		}
		s.take(b, f.Arrival)
		return nil
	})
	if err != nil {
		return err
	}
	s.log = log
	for _, f := range found {
		s.health.scanned(f)
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
	s.buf = encodeBatch(append(s.buf[:0], make([]byte, wal.Header)...), b)
	position, err := s.log.Append(s.buf, arrival)
	if err != nil {
		s.refused(b.Len(), err)
		return &pitwall.Error{Op: "writing span log", Kind: pitwall.Unavailable, ID: s.dir, Err: err,
			Hint: "make room on the disk; senders keep their spans and try again"}
	}
	s.position.Store(position)
	s.mu.Lock()
	s.take(b, arrival)
	s.health.appended(b.Len(), arrival)
	s.mu.Unlock()
	for _, tap := range s.taps {
		tap(position, b)
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
	if err := s.log.Replay(from, func(fr wal.Frame) error {
		if b, err := decodeBatch(fr.Payload); err == nil { // recover told of those that are not
			f(fr.Position, b)
		}
		return nil
	}); err != nil {
		return &pitwall.Error{Op: "replaying span log", Kind: pitwall.Unavailable, Err: err}
	}
	s.log.GoOnAfter(from)
	s.position.Store(s.log.Position())
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
	err := errors.Join(s.log.Forget(oldest, 0, s.opt.DiskBytes), s.log.Sync())
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
	err := s.log.Close()
	s.appending.Unlock()
	close(s.stop)
	s.done.Wait()
	if err != nil {
		return fmt.Errorf("closing span store: %w", err)
	}
	return nil
}
