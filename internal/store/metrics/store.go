package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/pitwall/pitwall"
)

const (
	defaultRetention  = 15 * 24 * time.Hour
	defaultOutOfOrder = 10 * time.Minute
	defaultLookback   = 5 * time.Minute
	// minBlock is the shortest block the database cuts from its head.
	minBlock = 2 * time.Hour
	// A sample in a query takes 16 bytes, so all queries together stay below
	// 4 × 160 MB.
	defaultSamples = 10_000_000
	defaultQueries = 4
	defaultTimeout = 30 * time.Second
	defaultSeries  = 500_000
	defaultDeltas  = 100_000
)

// Options say how long to keep samples and how to read them. Only Now has no
// useful zero value.
type Options struct {
	// Retention is how long samples are kept; 0 means 15 days. The newest two to
	// three hours live in the head and are kept whatever this says.
	Retention time.Duration
	// DiskBytes bounds the directory; the oldest blocks go first. 0 means no
	// bound but Retention. The head's own log is never cut, so leave it 1 GB.
	DiskBytes int64
	// OutOfOrder is how late a sample may come behind the newest; 0 means 10 m.
	OutOfOrder time.Duration
	// Lookback is how long an instant selector still sees the last sample of a
	// series that went silent; 0 means 5 m. Keep it above the senders' export
	// interval (60 s by OpenTelemetry's default).
	Lookback time.Duration
	// QuerySamples bounds what one query may hold in memory (16 bytes a sample);
	// 0 means 10 million. QueryTimeout ends a query; 0 means 30 s. Queries is how
	// many run at once, others wait as long for one to end; 0 means 4.
	QuerySamples int
	QueryTimeout time.Duration
	Queries      int
	// Series bounds the series of the last two to three hours, some 4 kB of memory
	// each; new ones are refused beyond it. 0 means 500,000.
	Series int
	// Deltas is how many series of delta temporality are summed up at a time; 0
	// means 100,000.
	Deltas int
	// Now is the clock; nil means the system's.
	Now func() time.Time
	// Logger hears what the database says, such as a compaction going wrong; nil
	// discards.
	Logger *slog.Logger

	// room is free; tests take the disk's room away.
	room func(dir string) (uint64, error)
}

// Store is an open metrics store. Its methods may be called from several
// goroutines.
type Store struct {
	dir    string
	o      Options
	engine *promql.Engine
	slots  slots
	now    func() time.Time
	deltas *deltas

	// use is held for reading by whoever is inside the database, and for writing
	// by Close and mend, which so wait for them. It guards the next four.
	use    sync.RWMutex
	closed bool
	down   error // why the database could not be opened again
	db     *tsdb.DB
	opened uint64 // how many times it was opened again

	fault fault
	head  atomic.Pointer[tsdb.Head] // of db, for whoever only counts
	end   chan struct{}             // ends the upkeep
	done  sync.WaitGroup

	mu     sync.Mutex // guards health
	health pitwall.SourceHealth
}

var (
	_ pitwall.MetricSink   = (*Store)(nil)
	_ pitwall.SeriesSink   = (*Store)(nil)
	_ pitwall.MetricReader = (*Store)(nil)
	_ pitwall.Health       = (*Store)(nil)
)

// Open opens the store in dir and creates it if it is not there. Samples of a
// process that was killed are read back from the write-ahead log. One process
// at a time may hold a directory; another gets a Conflict.
func Open(dir string, o Options) (*Store, error) {
	const op = "opening metrics store"
	if o.Retention < 0 || o.OutOfOrder < 0 || o.Lookback < 0 || o.QueryTimeout < 0 ||
		o.DiskBytes < 0 || o.QuerySamples < 0 || o.Queries < 0 || o.Series < 0 || o.Deltas < 0 {
		e := pitwall.Errorf(pitwall.Invalid, op, "a negative number in the options %+v", o)
		e.ID, e.Hint = dir, "give a positive retention, such as 360h"
		return nil, e
	}
	o = o.withDefaults()
	s := &Store{
		dir: dir, o: o, now: o.Now, deltas: newDeltas(o.Deltas), end: make(chan struct{}),
		slots:  slots{make(chan struct{}, o.Queries), o.QueryTimeout},
		health: pitwall.SourceHealth{Name: "store/metrics", Signal: pitwall.SignalMetrics, Up: true},
	}
	if err := s.roomToOpen(); err != nil {
		return nil, openError(op, dir, err)
	}
	if err := s.open(); err != nil {
		return nil, openError(op, dir, err)
	}
	s.done.Go(s.upkeep)
	s.engine = promql.NewEngine(promql.EngineOpts{
		Logger:               o.Logger,
		MaxSamples:           o.QuerySamples,
		Timeout:              o.QueryTimeout,
		ActiveQueryTracker:   s.slots,
		LookbackDelta:        o.Lookback,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 {
			return (15 * time.Second).Milliseconds()
		},
		Parser: parser.NewParser(parser.Options{}),
	})
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Retention == 0 {
		o.Retention = defaultRetention
	}
	if o.OutOfOrder == 0 {
		o.OutOfOrder = defaultOutOfOrder
	}
	if o.Lookback == 0 {
		o.Lookback = defaultLookback
	}
	if o.QuerySamples == 0 {
		o.QuerySamples = defaultSamples
	}
	if o.QueryTimeout == 0 {
		o.QueryTimeout = defaultTimeout
	}
	if o.Queries == 0 {
		o.Queries = defaultQueries
	}
	if o.Series == 0 {
		o.Series = defaultSeries
	}
	if o.Deltas == 0 {
		o.Deltas = defaultDeltas
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.room == nil {
		o.room = free
	}
	return o
}

// databaseOptions lets blocks grow to a tenth of the retention. The database's
// own default keeps every two hours a block of its own, and a query over 30
// days then opens 359 blocks and takes five times as long.
func databaseOptions(o Options) *tsdb.Options {
	d := tsdb.DefaultOptions()
	d.RetentionDuration = o.Retention.Milliseconds()
	d.MaxBytes = o.DiskBytes
	d.MinBlockDuration = minBlock.Milliseconds()
	d.MaxBlockDuration = max(minBlock, o.Retention/10).Milliseconds()
	d.OutOfOrderTimeWindow = o.OutOfOrder.Milliseconds()
	d.BlockReloadInterval = never
	return d
}

func openError(op, dir string, err error) error {
	e := &pitwall.Error{Op: op, Kind: pitwall.Internal, ID: dir, Err: err}
	if errors.Is(err, errShort) {
		e.Kind = pitwall.Unavailable
	}
	e.Hint = "check that the directory is writable and has room; move it away to start with no history"
	// The database gives no error value for this one, only words.
	if strings.Contains(err.Error(), "lock DB directory") {
		e.Kind = pitwall.Conflict
		e.Hint = "another process holds this data directory; stop it, or choose another with --data"
	}
	return e
}

// Health says how many samples were stored and refused, and the last trouble.
func (s *Store) Health() []pitwall.SourceHealth {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.health
	if trouble := s.fault.recent(s.now()); h.Message == "" {
		h.Message = trouble
	}
	if short := s.shortage(); short != nil {
		h.Up, h.Message = false, short.Error()
	}
	if s.fault.broken.Load() {
		h.Up = false
	}
	if !h.Up || h.LastSeen.IsZero() {
		h.Blind = "metrics of any service: saturation, runtime and pool signals"
	}
	return []pitwall.SourceHealth{h}
}

// Close waits for appends and queries under way and flushes. Closing twice is
// harmless.
func (s *Store) Close() error {
	s.use.Lock()
	defer s.done.Wait()
	defer s.use.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.end)
	s.mu.Lock()
	s.health.Up, s.health.Message = false, "closed"
	s.mu.Unlock()
	err := s.engine.Close()
	if s.down == nil {
		err = errors.Join(err, s.shut())
	}
	if err != nil {
		return fmt.Errorf("closing metrics store: %w", err)
	}
	return nil
}

// enter keeps the store open until leave is called; it refuses a closed store
// and a context that has ended.
func (s *Store) enter(ctx context.Context, op string) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, &pitwall.Error{Op: op, Kind: pitwall.Unavailable, Err: err}
	}
	s.use.RLock()
	switch {
	case s.closed:
		err = pitwall.Errorf(pitwall.Unavailable, op, "the metrics store is closed")
	case s.down != nil:
		err = &pitwall.Error{Op: op, Kind: pitwall.Unavailable, Err: s.down, Hint: diskHint}
	}
	if err != nil {
		s.use.RUnlock()
		return nil, err
	}
	return s.use.RUnlock, nil
}
