package spans

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/spans/rollup"
	"github.com/pitwall/pitwall/internal/store/wal"
)

var (
	_ pitwall.SpanSink        = (*Store)(nil)
	_ pitwall.SpanReader      = (*Store)(nil)
	_ pitwall.TraceReader     = (*Store)(nil)
	_ pitwall.OperationReader = (*Store)(nil)
	_ pitwall.Health          = (*Store)(nil)
)

// Tap receives batches in order of position. It must neither keep nor change
// the batch. It may ask the store questions, but not append, tap or close.
type Tap = func(position uint64, b *pitwall.SpanBatch)

// Store keeps spans in one directory. Its methods may be called by several
// goroutines; Close it when done.
type Store struct {
	dir string
	opt Options

	appending  sync.Mutex // one batch at a time: the log, then the head, then the taps
	log        *wal.Log
	buf        []byte // of the frame being made
	taps       []Tap
	deliveries *deliveries
	closed     bool

	mu      sync.RWMutex // what questions and health read; the shelf and the rollups change under it too
	head    *head
	shelf   *shelf
	rollups *rollup.Set
	counts  counts
	health  health
	marks   marks
	room    chan struct{} // closed and made anew when a cut ended

	cutter cutter

	position atomic.Uint64 // of the last batch, for readers

	wake  chan struct{} // the head is full
	end   context.CancelFunc
	ended <-chan struct{}
	done  sync.WaitGroup
}

// AppendSpans stores a batch. When it returns nil the spans survive the death
// of the process and every tap has seen them. A delivery that was stored within
// the last minutes is acknowledged and not stored again.
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
	if err := s.waitForRoom(ctx); err != nil {
		return err
	}
	s.appending.Lock()
	defer s.appending.Unlock()
	if s.closed {
		return pitwall.Errorf(pitwall.Unavailable, "storing spans", "the span store is closed")
	}
	arrival := s.opt.Now().UnixNano()
	if s.deliveries.known(b.Delivery, arrival) {
		s.mu.Lock()
		s.health.duplicates++
		s.mu.Unlock()
		return nil
	}
	s.buf = encodeBatch(append(s.buf[:0], make([]byte, wal.Header)...), b)
	position, err := s.log.Append(s.buf, arrival)
	if err != nil {
		s.refused(b.Len(), err)
		return &pitwall.Error{Op: "writing span log", Kind: pitwall.Unavailable, ID: s.dir, Err: err,
			Hint: "make room on the disk; senders keep their spans and try again"}
	}
	s.buf = keepScratch(s.buf)
	s.position.Store(position)
	s.deliveries.stored(b.Delivery, arrival)
	s.mu.Lock()
	s.take(arrived{batch: b, position: position, arrival: arrival})
	s.health.appended(b.Len(), arrival)
	full := s.isFull()
	s.mu.Unlock()
	for _, tap := range s.taps {
		tap(position, b)
	}
	if full {
		select {
		case s.wake <- struct{}{}:
		default: // it is awake
		}
	}
	return nil
}

// keepScratch lets a buffer go that one very large batch needed.
func keepScratch(buf []byte) []byte {
	if cap(buf) > 8<<20 {
		return nil
	}
	return buf
}

// take adds a batch to what answers questions; the lock is held, or nobody else
// knows the store yet.
func (s *Store) take(a arrived) {
	s.head.add(a)
	s.health.uncounted += uint64(s.counts.add(a.batch))
	s.marks.add(a.arrival, a.position)
	s.bound(a.arrival)
}

// bound forgets spans in memory that are too old, and the oldest of too many. As
// long as the disk takes what is added up, none goes before it is: the cutter
// makes room, and senders wait for it.
func (s *Store) bound(now int64) {
	f := forgetting{before: now - int64(s.opt.Retention), most: s.opt.MaxSpans, unsummed: s.health.cutting != ""}
	s.head.forget(f)
}

func (s *Store) refused(spans int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.refused(spans, err)
}

// mostWaiting is how many spans may wait for a cut before senders do.
func (s *Store) mostWaiting() int {
	if s.opt.NoBlocks {
		return s.opt.HeadSpans + s.opt.HeadSpans/2
	}
	return s.opt.MaxSpans
}

// waitForRoom holds a sender back while memory is full and the cutter at work.
func (s *Store) waitForRoom(ctx context.Context) error {
	for {
		s.mu.RLock()
		spans, bytes := s.waiting()
		over := s.health.cutting == "" && (spans >= s.mostWaiting() || bytes >= 4*s.opt.HeadBytes)
		room := s.room
		s.mu.RUnlock()
		if !over {
			return nil
		}
		select {
		case <-room:
		case <-s.ended:
			return nil // appending says that the store is closed
		case <-ctx.Done():
			return &pitwall.Error{Op: "storing spans", Kind: pitwall.Unavailable, ID: s.dir, Err: ctx.Err(),
				Hint: "the disk is slower than the senders; they keep their spans and try again"}
		}
	}
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
// second: those seconds count that begin in it. An empty version means any. It
// knows the last hour; after a restart what the log still holds.
func (s *Store) Requests(service pitwall.ServiceName, version pitwall.Version, p pitwall.Period) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.counts.requests(service, version, p)
}

// Versions lists what versions of a service sent spans of late, first seen
// first.
func (s *Store) Versions(service pitwall.ServiceName) []VersionSeen {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.counts.versions(service)
}
