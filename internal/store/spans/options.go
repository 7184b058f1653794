package spans

import (
	"cmp"
	"time"
)

// Options of a store. Zero values mean the defaults.
type Options struct {
	// Retention is how long spans are kept after they came in; 24 h, or 1 h with
	// NoBlocks.
	Retention time.Duration
	// DiskBytes bounds all blocks together; the oldest go first. 10 GiB.
	DiskBytes int64
	// NoBlocks keeps spans in memory only: the log rebuilds them, MaxSpans bounds
	// them, and only the sums by operation go to the disk.
	NoBlocks bool
	// Sample is the share of traces that blocks keep, 0 to 1; 0 means 1, all.
	// Traces with a failed span, and of each operation the slowest in a block,
	// are always kept. What is added up is of all spans.
	Sample float64

	// HeadSpans is from how many spans in memory the oldest become a block;
	// 100,000. More make larger and fewer blocks, and need more memory while one
	// is made.
	HeadSpans int
	// HeadBytes is the same in bytes, for spans with long texts; 128 MiB.
	HeadBytes int64
	// HeadAge is how old a span becomes in memory before it goes into a block;
	// 10 min.
	HeadAge time.Duration
	// TraceIdle is how long no span of a trace came in until it counts as
	// complete; 30 s. When memory is short a trace without a gap has to do.
	TraceIdle time.Duration
	// MaxSpans bounds the spans in memory, roughly 200 bytes each; one and a half
	// times HeadSpans, or 4 million with NoBlocks. Senders wait when the disk is slow;
	// when it refuses blocks the oldest spans go.
	MaxSpans int

	// SegmentBytes is when the next segment file of the log is begun; 32 MiB.
	SegmentBytes int64
	// WALBytes bounds all segment files together; the oldest go first. 4 GiB.
	WALBytes int64
	// TapKeep is how long the log is kept at least, for taps that replay it after
	// a restart; 15 min.
	TapKeep time.Duration

	// RollupRetention is how long sums by operation are kept; 15 days. They are
	// by minute for as long as spans are kept, then by hour.
	RollupRetention time.Duration
	// RollupKeys bounds the operations added up in one minute; the rest goes
	// under rollup.Other. 20,000.
	RollupKeys int

	// Now is the clock; time.Now.
	Now func() time.Time

	// step is told what the cutter does next; tests fail or die there.
	step func(name string) error
}

func (o Options) withDefaults() Options {
	retention, maxSpans := 24*time.Hour, 0
	if o.NoBlocks {
		retention, maxSpans = time.Hour, 4_000_000
	}
	o.Retention = cmp.Or(max(0, o.Retention), retention)
	o.DiskBytes = cmp.Or(max(0, o.DiskBytes), 10<<30)
	o.Sample = cmp.Or(min(max(0, o.Sample), 1), 1)
	o.HeadSpans = cmp.Or(max(0, o.HeadSpans), 100_000)
	o.HeadBytes = cmp.Or(max(0, o.HeadBytes), 128<<20)
	o.HeadAge = cmp.Or(max(0, o.HeadAge), 10*time.Minute)
	o.TraceIdle = cmp.Or(max(0, o.TraceIdle), 30*time.Second)
	o.MaxSpans = cmp.Or(max(0, o.MaxSpans), maxSpans, o.HeadSpans+o.HeadSpans/2)
	o.HeadSpans = min(o.HeadSpans, max(1, 2*o.MaxSpans/3))
	o.SegmentBytes = cmp.Or(max(0, o.SegmentBytes), 32<<20)
	o.WALBytes = cmp.Or(max(0, o.WALBytes), 4<<30)
	o.TapKeep = cmp.Or(max(0, o.TapKeep), 15*time.Minute)
	o.RollupRetention = cmp.Or(max(0, o.RollupRetention), 15*24*time.Hour)
	o.RollupKeys = cmp.Or(max(0, o.RollupKeys), 20_000)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.step == nil {
		o.step = func(string) error { return nil }
	}
	return o
}
