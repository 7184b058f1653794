package spans

import "time"

// Stats is what the store keeps, since when, and what became of spans since
// Open, for people who decide about disks and retention.
type Stats struct {
	HeadSpans   int   `json:"head_spans"` // in memory
	HeadBytes   int64 `json:"head_bytes"` // roughly
	Blocks      int   `json:"blocks"`
	BlockSpans  int   `json:"block_spans"`
	BlockBytes  int64 `json:"block_bytes"`
	LogBytes    int64 `json:"log_bytes"`
	Rollups     int   `json:"rollups"` // files
	RollupBytes int64 `json:"rollup_bytes"`

	SpansSince   time.Time `json:"spans_since,omitzero"`   // end of the oldest span kept
	RollupsSince time.Time `json:"rollups_since,omitzero"` // the oldest hour that is added up

	Cuts       uint64  `json:"cuts"`        // times that spans left memory
	LeftOut    uint64  `json:"left_out"`    // spans that sampling kept out of blocks
	Dropped    uint64  `json:"dropped"`     // spans forgotten for want of room
	Folded     uint64  `json:"folded"`      // spans added up under no name of their own
	Skewed     uint64  `json:"skewed"`      // spans not added up: a clock is far off
	Duplicates uint64  `json:"duplicates"`  // deliveries that came again
	SampleRate float64 `json:"sample_rate"` // share of traces that blocks keep
}

// Stats counts what is kept now.
func (s *Store) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := Stats{
		HeadSpans: s.head.spans, HeadBytes: s.head.bytes(), LogBytes: s.log.Bytes(),
		Cuts: s.health.cuts, LeftOut: s.health.leftOut, Dropped: s.head.dropped,
		Folded: s.health.folded, Skewed: s.health.skewed, Duplicates: s.health.duplicates, SampleRate: s.opt.Sample,
	}
	oldest := int64(1<<63 - 1)
	for _, c := range s.head.chunks {
		oldest = min(oldest, c.minEnd)
	}
	for _, m := range s.shelf.metas() {
		st.Blocks++
		st.BlockSpans += m.Spans
		st.BlockBytes += m.Bytes
		oldest = min(oldest, m.MinEnd)
	}
	if st.HeadSpans+st.BlockSpans > 0 {
		st.SpansSince = time.Unix(0, oldest)
	}
	st.RollupsSince, st.Rollups, st.RollupBytes = s.rollups.Kept()
	return st
}

// Kept says since when there are spans and sums (zero: there are none), and how
// many bytes all of it takes on the disk.
func (s *Store) Kept() (spansSince, rollupsSince time.Time, bytes int64) {
	st := s.Stats()
	return st.SpansSince, st.RollupsSince, st.LogBytes + st.BlockBytes + st.RollupBytes
}
