package pitwall

import (
	"context"
	"time"
)

// SpanQuery selects spans of a period.
type SpanQuery struct {
	Period Period
	// Service and Operation restrict to spans of that service and name; empty
	// means any.
	Service   ServiceName
	Operation string
	Version   Version
	// Attrs must all be carried by a span, key and value.
	Attrs []Attr
	// MinDuration and Failed restrict to slow and to failed spans.
	MinDuration time.Duration
	Failed      bool
	// WholeTraces asks for every span of each trace that has a matching span.
	WholeTraces bool
	// Limit bounds the traces (or spans) returned, newest dropped evenly; 0: none.
	Limit int
}

// SpanReader answers questions about traces.
type SpanReader interface {
	Spans(ctx context.Context, q SpanQuery) (*SpanBatch, error)
}

// TraceReader gives every span of one trace; NotFound when none is kept.
type TraceReader interface {
	Trace(ctx context.Context, id TraceID) (*SpanBatch, error)
}

// OperationQuery selects what spans add up to. Empty fields match anything.
type OperationQuery struct {
	Period    Period // whole minutes are counted: those that begin in it
	Service   ServiceName
	Version   Version
	Operation string
}

// OperationReader answers what the spans of a period add up to without reading
// them, the greatest total duration first.
type OperationReader interface {
	Operations(ctx context.Context, q OperationQuery) ([]OperationTotals, error)
}

// SpanSink takes spans in. When it returns nil the spans survive a crash. The
// batch is used again after that: a sink copies what it keeps.
type SpanSink interface {
	AppendSpans(ctx context.Context, b *SpanBatch) error
}

// MetricSink takes one raw OTLP metrics export request (protobuf). When it
// returns nil the samples survive a crash. An error that has the method
// Rejected() int64 says how many points were left out while the rest is stored.
// The bytes are used again after that.
type MetricSink interface {
	AppendOTLPMetrics(ctx context.Context, body []byte) error
}

// SeriesSink takes in samples that Pitwall measured itself. A sample a series
// has already at its time changes nothing.
type SeriesSink interface {
	AppendSeries(ctx context.Context, series []Series) error
}

// MetricReader evaluates PromQL.
type MetricReader interface {
	// Query evaluates at one instant; each series has one point.
	Query(ctx context.Context, query string, at time.Time) ([]Series, error)
	// QueryRange evaluates at p.From, p.From+step, ... before p.To.
	QueryRange(ctx context.Context, query string, p Period, step time.Duration) ([]Series, error)
}

// SampleReader gives raw samples.
type SampleReader interface {
	// Samples gives every sample of the series that a PromQL vector selector
	// matches, in p.From < time ≤ p.To, as they were stored: nothing is
	// interpolated, stale markers are left out.
	Samples(ctx context.Context, selector string, p Period) ([]Series, error)
}

// MeasuredReader gives typed series of every component it knows, over a
// period, whatever their source called them.
type MeasuredReader interface {
	Measured(ctx context.Context, p Period) ([]Measured, error)
}

// TopologyReader knows who there is and who calls whom.
type TopologyReader interface {
	Topology(ctx context.Context, p Period) (Topology, error)
}

// LogMoves compares log lines of two periods, pattern by pattern; patterns
// that did not move may be left out.
type LogMoves interface {
	LogMoves(ctx context.Context, baseline, window Period) ([]LogMove, error)
}

// StatusReader knows what providers said of themselves.
type StatusReader interface {
	Status(ctx context.Context, p Period) ([]StatusNotice, error)
}

// ProfileQuery selects profiles of a period.
type ProfileQuery struct {
	Period  Period // windows that lie inside
	Service ServiceName
	Version Version // empty: any
	Type    ProfileType
}

// ProfileReader answers with profile windows, oldest first.
type ProfileReader interface {
	Profiles(ctx context.Context, q ProfileQuery) ([]ProfileWindow, error)
}

// ProfileSink stores profile windows.
type ProfileSink interface {
	AppendProfile(ctx context.Context, w ProfileWindow) error
}

// LogQuery selects log records. Empty fields match anything.
type LogQuery struct {
	Period      Period
	Service     ServiceName
	Version     Version
	MinSeverity LogSeverity
	Trace       TraceID
	Contains    string // in the text, whatever its case
	Pattern     string // id of a LogPattern
	Limit       int    // newest first; 0: the reader's own bound
}

// LogSink takes log records in. When it returns nil they survive a crash.
type LogSink interface {
	AppendLogs(ctx context.Context, b *LogBatch) error
}

// LogReader answers questions about logs.
type LogReader interface {
	// Logs gives records, newest first.
	Logs(ctx context.Context, q LogQuery) ([]LogRecord, error)
	// LogPatterns counts records by pattern, the most frequent first.
	LogPatterns(ctx context.Context, q LogQuery) ([]LogPattern, error)
}

// AlertLog keeps what other alerting systems said.
type AlertLog interface {
	// AppendAlert stores or updates an alert by its id; false: nothing was new.
	AppendAlert(ctx context.Context, a Alert) (bool, error)
	// Alerts gives those that fired at any time of the period, newest first.
	Alerts(ctx context.Context, p Period) ([]Alert, error)
}

// ChangeLog knows what happened to the world.
type ChangeLog interface {
	// AppendChange stores a change; false: that id was known already.
	AppendChange(ctx context.Context, c Change) (bool, error)
	Changes(ctx context.Context, p Period) ([]Change, error)
}

// PageLoads stores and answers real-user measurements.
type PageLoads interface {
	AppendPageLoads(ctx context.Context, loads []PageLoad) error
	PageLoads(ctx context.Context, p Period) ([]PageLoad, error)
}

// Health is implemented by everything that can say how it is.
type Health interface {
	Health() []SourceHealth
}

// TargetState is what a target was seen to run.
type TargetState struct {
	Service    ServiceName      `json:"service"`
	Weights    map[Version]int  `json:"weights"` // percent of traffic
	Ready      map[Version]bool `json:"ready"`
	Generation uint64           `json:"generation"`
	Fencing    uint64           `json:"fencing"` // highest token the target has seen
}

// Effect is one change of the world that Pitwall asks a target for.
type Effect struct {
	Key     string // idempotency key: the same effect has the same key for ever
	Fencing uint64
	Service ServiceName
	Weights map[Version]int
	Reason  string
	Actor   string
	DryRun  bool
}

// Target changes the world, always undoably: Observe first, then Apply. Apply
// with a known key changes nothing and gives the present state. A stale fencing
// token is a Conflict.
type Target interface {
	Observe(ctx context.Context, s ServiceName) (TargetState, error)
	Apply(ctx context.Context, e Effect) (TargetState, error)
}

// Repository takes in enforced files: a directory under git.
type Repository interface {
	// Deliver writes the files and commits them on a branch of the plan's name;
	// delivering the same files again changes nothing and gives the same commit.
	Deliver(ctx context.Context, plan PlanID, message string, files []EnforcedFile) (EnforcedData, error)
	// Read gives a delivered file's content; NotFound when it is not there.
	Read(ctx context.Context, path string) (string, error)
}

// EventStore keeps the record. Append is atomic: all events or none, and only
// if the last sequence number is still after.
type EventStore interface {
	Append(ctx context.Context, after uint64, events []Event) error
	Events(ctx context.Context, after uint64, limit int) ([]Event, error)
	Last(ctx context.Context) (Event, error) // zero Event when empty
}

// LedgerStep is one step of an SLO's ledger.
type LedgerStep struct {
	SLO    SLOName
	Start  int64 // unix seconds, a multiple of the step length
	Counts Counts
}

// LedgerChunk is a stretch of consecutive steps of one SLO's ledger.
type LedgerChunk struct {
	SLO    SLOName
	Start  int64 // unix seconds, a multiple of the chunk's length
	Counts Counts
	Seen   uint64 // steps in which anything was seen
	// Cells are the counts of each step as the ledger packs them; a store keeps
	// them as they are. Nil where only sums were asked for.
	Cells []byte
}

// LedgerSave is what a ledger has counted since it was saved last.
type LedgerSave struct {
	Chunk time.Duration // length of a chunk; the same for the life of a store
	Steps []LedgerStep  // as they now stand; counts of a step only ever grow
	// Chunks are whole: they stand for every step in them.
	Chunks []LedgerChunk
	// Settled is an instant in unix seconds: steps that begin earlier are in
	// chunks, of this save or of an earlier one, and need not be kept one by one.
	Settled  int64
	Position uint64 // in the span log, up to which all of this counts
	// Through is up to when an objective fed by queries has been counted; only
	// those that moved.
	Through map[SLOName]time.Time
}

// LedgerVisit takes what a store has of a ledger, piece by piece, for it may be
// large. An error ends the reading. Either may be nil.
type LedgerVisit struct {
	Chunk func(LedgerChunk) error // without cells; those of an SLO oldest first
	// Step comes after all chunks. The same step may come more than once and may
	// lie in a chunk: the greatest counts are the latest.
	Step func(LedgerStep) error
}

// LedgerSaved is the rest of what a store has of a ledger.
type LedgerSaved struct {
	Chunk    time.Duration // zero: no chunk was ever saved
	Position uint64
	Through  map[SLOName]time.Time
}

// LedgerCells gives saved chunks with their cells.
type LedgerCells interface {
	// Cells gives the chunks of an SLO that begin inside a period, oldest first.
	Cells(ctx context.Context, slo SLOName, p Period) ([]LedgerChunk, error)
}

// Memory keeps what a part of Pitwall must find again after a start, by name.
type Memory interface {
	Remember(ctx context.Context, name string, data []byte) error
	// Recall gives what was kept last; nil when nothing was.
	Recall(ctx context.Context, name string) ([]byte, error)
}

// LedgerStore keeps good and bad counts with the position in the span log up to
// which they count, in one transaction, so that a restart counts nothing twice.
type LedgerStore interface {
	LedgerCells
	SaveLedger(ctx context.Context, save LedgerSave) error
	// LoadLedger gives what was counted since a time, and perhaps earlier steps.
	LoadLedger(ctx context.Context, since time.Time, visit LedgerVisit) (LedgerSaved, error)
}

// Leases gives out exclusive, expiring rights with fencing tokens that only grow.
type Leases interface {
	// Acquire takes or renews the lease; a Conflict names the present owner.
	Acquire(ctx context.Context, name, owner string, ttl time.Duration, now time.Time) (fencing uint64, err error)
	Release(ctx context.Context, name, owner string) error
}

// Notifier sends one message. The same id twice is one message, as far as the
// receiver lets it be. An Unavailable error may be tried again.
type Notifier interface {
	Notify(ctx context.Context, m Message) error
}
