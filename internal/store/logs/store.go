package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/wal"
)

var (
	_ pitwall.LogSink   = (*Store)(nil)
	_ pitwall.LogReader = (*Store)(nil)
	_ pitwall.Health    = (*Store)(nil)
)

// Options of a store. Zero values mean the defaults.
type Options struct {
	// Retention is how long records are kept after they came in; 3 days.
	Retention time.Duration
	// MemoryBytes bounds the newest records in memory, roughly; the oldest of
	// them become a block on the disk. A disk that does not keep up may double
	// it. 32 MiB.
	MemoryBytes int
	// DiskBytes bounds all files together; the oldest records go first. 2 GiB.
	DiskBytes int64
	// Now is the clock; time.Now.
	Now func() time.Time
}

// maxBatch is the most one batch may have, in bytes of text, attributes and rows.
const maxBatch = 32 << 20

// Store keeps log records in one directory. Its methods may be called by
// several goroutines; Close it when done.
type Store struct {
	dir string
	opt Options

	appending sync.Mutex // one batch at a time: the log, then the head
	log       *wal.Log
	closed    bool
	buffers   sync.Pool // of frames being made

	sealing sync.Mutex // one block at a time

	mu     sync.RWMutex // what questions and health read
	head   head
	blocks []block // oldest first
	seen   *seen
	health health

	tooFull chan struct{} // says that the head wants sealing
	stop    chan struct{}
	done    sync.WaitGroup
}

// Open reads the directory, makes it if it is not there, and starts the
// goroutine that forces the log to the disk each second and turns old chunks
// into blocks. A torn tail of the log is cut off; damage is skipped and told by
// Health.
func Open(dir string, opt Options) (*Store, error) {
	opt.Retention = cmp.Or(max(0, opt.Retention), 3*24*time.Hour)
	opt.MemoryBytes = cmp.Or(max(0, opt.MemoryBytes), 32<<20)
	opt.DiskBytes = cmp.Or(max(0, opt.DiskBytes), 2<<30)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s := &Store{dir: dir, opt: opt, head: newHead(opt.MemoryBytes), seen: newSeen(), tooFull: make(chan struct{}, 1), stop: make(chan struct{})}
	s.buffers.New = func() any { return new([]byte) }
	if err := s.recover(); err != nil {
		return nil, s.cannotOpen(err)
	}
	s.done.Add(1)
	go s.keep()
	return s, nil
}

func (s *Store) cannotOpen(err error) error {
	e := &pitwall.Error{Op: "opening log store", Kind: pitwall.Unavailable, ID: s.dir, Err: err,
		Hint: "make the directory readable and writable, or choose another data_dir"}
	if errors.Is(err, wal.ErrLocked) {
		e.Kind, e.Hint = pitwall.Conflict, "stop the other Pitwall, or give this one its own data_dir"
	}
	return e
}

// AppendLogs stores a batch. When it returns nil the records survive the death
// of the process. A delivery that was stored in the last ten minutes is stored
// once.
func (s *Store) AppendLogs(ctx context.Context, b *pitwall.LogBatch) error {
	const op = "storing logs"
	if err := ctx.Err(); err != nil {
		return &pitwall.Error{Op: op, Kind: pitwall.Unavailable, Err: err}
	}
	if b == nil || len(b.Records) == 0 {
		return nil
	}
	if size := sizeOf(b.Records); size > maxBatch {
		s.refused(len(b.Records), nil)
		e := pitwall.Errorf(pitwall.Invalid, op, "a batch of %v is more than %v", pitwall.Bytes(size), pitwall.Bytes(maxBatch))
		e.Hint = "send fewer records at once"
		return e
	}
	arrival := s.opt.Now().UnixNano()
	rows := ofRecords(b.Records, arrival)
	buf := s.buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= 4<<20 { // a rare large one is not kept
			s.buffers.Put(buf)
		}
	}()
	*buf = encodeFrame((*buf)[:0], b.Delivery, rows)

	s.appending.Lock()
	defer s.appending.Unlock()
	if s.closed {
		return pitwall.Errorf(pitwall.Unavailable, op, "the log store is closed")
	}
	if s.again(b.Delivery, arrival) {
		return nil
	}
	if err := s.room(); err != nil {
		s.refused(len(b.Records), err)
		return s.full(err)
	}
	position, err := s.log.Append(*buf, arrival)
	if err != nil {
		s.refused(len(b.Records), err)
		return s.full(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take(batch{rows, delivery{b.Delivery, arrival}, position})
	s.health.appended(rows, arrival)
	return nil
}

func (s *Store) full(err error) error {
	return &pitwall.Error{Op: "storing logs", Kind: pitwall.Unavailable, ID: s.dir, Err: err,
		Hint: "make room on the disk; senders keep their records and try again"}
}

func sizeOf(records []pitwall.LogRecord) (n int) {
	for i := range records {
		r := &records[i]
		n += len(r.Text) + len(r.Service) + len(r.Version) + rowBytes
		for _, a := range r.Attrs {
			n += len(a.Key) + len(a.Value)
		}
	}
	return n
}

// again says whether a delivery came before, and counts it.
func (s *Store) again(number uint64, now int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number == 0 || !s.seen.again(number, now) {
		return false
	}
	s.health.duplicates++
	return true
}

// take adds a batch to what answers questions.
func (s *Store) take(b batch) {
	s.head.add(b)
	s.seen.add(b.from)
	if s.head.bytes() > s.opt.MemoryBytes {
		select {
		case s.tooFull <- struct{}{}:
		default: // somebody said so already
		}
	}
}

// room seals here and now when the goroutine that should does not keep up.
func (s *Store) room() error {
	s.mu.RLock()
	size := s.head.bytes()
	s.mu.RUnlock()
	if size <= 2*s.opt.MemoryBytes {
		return nil
	}
	return s.seal(s.opt.MemoryBytes)
}

func (s *Store) refused(records int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.refused(records, err)
}

// keep looks after the store each second, and when the head is full.
func (s *Store) keep() {
	defer s.done.Done()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-s.tooFull:
			s.noteUpkeep(s.seal(s.opt.MemoryBytes))
		case <-tick.C:
			s.upkeep()
		}
	}
}

// Close forces everything to the disk and waits for the store's goroutine.
func (s *Store) Close() error {
	s.appending.Lock()
	if s.closed {
		s.appending.Unlock()
		return nil
	}
	s.closed = true
	s.appending.Unlock()
	close(s.stop)
	s.done.Wait()
	if err := s.log.Close(); err != nil {
		return fmt.Errorf("closing log store: %w", err)
	}
	return nil
}
