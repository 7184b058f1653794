package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/pitwall/pitwall"
)

const (
	defaultRetention  = 15 * 24 * time.Hour
	defaultOutOfOrder = 5 * time.Minute
	defaultLookback   = 5 * time.Minute
	// minBlock is the shortest block the database cuts from its head.
	minBlock = 2 * time.Hour
	// maxSamples bounds the memory of one query: 16 bytes a sample, so 320 MB.
	maxSamples   = 20_000_000
	queryTimeout = 30 * time.Second
)

// Options say how long to keep samples and how to read them. Only Now has no
// useful zero value.
type Options struct {
	// Retention is how long samples are kept; 0 means 15 days. The newest two to
	// three hours live in the head and are kept whatever this says.
	Retention time.Duration
	// OutOfOrder is how late a sample may come behind the newest; 0 means 5 m.
	OutOfOrder time.Duration
	// Lookback is how long an instant selector still sees the last sample of a
	// series that went silent; 0 means 5 m. Keep it above the senders' export
	// interval (60 s by OpenTelemetry's default).
	Lookback time.Duration
	// Now is the clock; nil means the system's.
	Now func() time.Time
	// Logger hears of compactions going wrong; nil discards.
	Logger *slog.Logger
}

// Store is an open metrics store. Its methods may be called from several
// goroutines.
type Store struct {
	db     *tsdb.DB
	engine *promql.Engine
	now    func() time.Time

	// use is held for reading by whoever is inside the database, and for writing
	// by Close, which so waits for them.
	use    sync.RWMutex
	closed bool

	mu     sync.Mutex // guards health
	health pitwall.SourceHealth
}

var (
	_ pitwall.MetricSink   = (*Store)(nil)
	_ pitwall.MetricReader = (*Store)(nil)
	_ pitwall.Health       = (*Store)(nil)
)

// Open opens the store in dir and creates it if it is not there. Samples of a
// process that was killed are read back from the write-ahead log. One process
// at a time may hold a directory; another gets a Conflict.
func Open(dir string, o Options) (*Store, error) {
	const op = "opening metrics store"
	if o.Retention < 0 || o.OutOfOrder < 0 || o.Lookback < 0 {
		e := pitwall.Errorf(pitwall.Invalid, op, "a negative duration in the options (%v, %v, %v)", o.Retention, o.OutOfOrder, o.Lookback)
		e.ID, e.Hint = dir, "give a positive retention, such as 360h"
		return nil, e
	}
	o = o.withDefaults()
	db, err := tsdb.Open(dir, o.Logger, nil, databaseOptions(o), nil)
	if err != nil {
		return nil, openError(op, dir, err)
	}
	engine := promql.NewEngine(promql.EngineOpts{
		Logger:               o.Logger,
		MaxSamples:           maxSamples,
		Timeout:              queryTimeout,
		LookbackDelta:        o.Lookback,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 {
			return (15 * time.Second).Milliseconds()
		},
		Parser: parser.NewParser(parser.Options{}),
	})
	return &Store{
		db: db, engine: engine, now: o.Now,
		health: pitwall.SourceHealth{Name: "store/metrics", Up: true},
	}, nil
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
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// databaseOptions lets blocks grow to a tenth of the retention. The database's
// own default keeps every two hours a block of its own, and a query over 30
// days then opens 359 blocks and takes five times as long.
func databaseOptions(o Options) *tsdb.Options {
	d := tsdb.DefaultOptions()
	d.RetentionDuration = o.Retention.Milliseconds()
	d.MinBlockDuration = minBlock.Milliseconds()
	d.MaxBlockDuration = max(minBlock, o.Retention/10).Milliseconds()
	d.OutOfOrderTimeWindow = o.OutOfOrder.Milliseconds()
	return d
}

func openError(op, dir string, err error) error {
	e := &pitwall.Error{Op: op, Kind: pitwall.Internal, ID: dir, Err: err}
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
	if !h.Up || h.LastSeen.IsZero() {
		h.Blind = "metrics of any service: saturation, runtime and pool signals"
	}
	return []pitwall.SourceHealth{h}
}

// Close waits for appends and queries under way and flushes. Closing twice is
// harmless.
func (s *Store) Close() error {
	s.use.Lock()
	defer s.use.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.mu.Lock()
	s.health.Up, s.health.Message = false, "closed"
	s.mu.Unlock()
	if err := errors.Join(s.engine.Close(), s.db.Close()); err != nil {
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
	if s.closed {
		s.use.RUnlock()
		return nil, pitwall.Errorf(pitwall.Unavailable, op, "the metrics store is closed")
	}
	return s.use.RUnlock, nil
}
