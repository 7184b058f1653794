package metrics

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

const (
	// deltaIdle is how long a series of delta temporality is remembered after
	// its last point; the next one then starts a new total, as a restart does.
	deltaIdle = time.Hour
	// deltaCells bounds the buckets of all remembered histograms, 8 bytes each,
	// for new series; those known already may grow to twice as many: 128 MB.
	deltaCells = 8 << 20
	// sweepEvery is how often idle series are looked for.
	sweepEvery = 5 * time.Minute
)

var (
	errLate    = errors.New("a delta older than one summed up already")
	errTwice   = errors.New("a second delta for one instant")
	errMany    = errors.New("more series of delta temporality than are summed up at a time; send cumulative ones (OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative)")
	errFalling = errors.New("a negative, infinite or missing number in a counter")
	errCounts  = errors.New("bucket counts that do not add up to the count")
)

// deltas turns points of delta temporality into running totals, because
// PromQL's counters are totals. A restart forgets them, which looks like the
// restart of the sender: a total that begins anew.
type deltas struct {
	most int
	seed maphash.Seed

	mu    sync.Mutex
	known map[uint64]*stream
	cells int
	swept time.Time
}

func newDeltas(most int) *deltas {
	return &deltas{most: most, seed: maphash.MakeSeed(), known: make(map[uint64]*stream)}
}

// stream is the running total of one series.
type stream struct {
	start, last pcommon.Timestamp
	seen        time.Time // by our clock
	mark        uint64    // of the last delta, to know it when it comes again
	cells       int       // buckets held
	sum         float64
	count       uint64
	bounds      []float64 // of a classic histogram
	buckets     []uint64
	expo        expo
}

// point is what the points of all metric types have in common.
type point[P any] interface {
	CopyTo(P)
	Timestamp() pcommon.Timestamp
	SetTimestamp(pcommon.Timestamp)
	StartTimestamp() pcommon.Timestamp
	SetStartTimestamp(pcommon.Timestamp)
	Attributes() pcommon.Map
	Flags() pmetric.DataPointFlags
}

// summing is how points of one type are summed up.
type summing[P any] interface {
	// fit says why a delta cannot be added.
	fit(p P) error
	// mark is a fingerprint of the delta's numbers.
	mark(p P) uint64
	// restarts says whether p cannot continue the total s.
	restarts(s *stream, p P) bool
	// add adds p to the total.
	add(s *stream, p P)
	// show sets p to the total; show0 to a total of the same shape that has
	// counted nothing.
	show(s *stream, p P)
	show0(s *stream, p P)
}

// arrival is what a delta turned out to be.
type arrival int

const (
	grown arrival = iota // one more of a known series
	born                 // the first of its series
	again                // the last one, sent once more
)

// accumulate replaces deltas by totals. A new total begins with a zero, a
// millisecond after its start: without it rate would not see the first delta.
func accumulate[P point[P], S interface {
	Len() int
	At(int) P
	AppendEmpty() P
	RemoveIf(func(P) bool)
}](in *intake, metric uint64, points S, by summing[P]) {
	d := in.deltas
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep(in.now)
	refused := map[int]error{}
	for i, n := 0, points.Len(); i < n; i++ {
		p := points.At(i)
		if p.Flags().NoRecordedValue() {
			continue // the sender says that the series is gone
		}
		s, what, err := admit(d, metric, p, by)
		if err != nil {
			refused[i] = err
			continue
		}
		s.seen = in.now
		by.show(s, p)
		p.SetStartTimestamp(s.start)
		zero := s.start + pcommon.Timestamp(time.Millisecond)
		switch {
		case what == again:
			in.duplicates++
		case what == born && zero < p.Timestamp() && zero >= in.oldest:
			p.CopyTo(points.AppendEmpty())
			by.show0(s, p)
			p.SetTimestamp(zero)
		}
	}
	i := 0
	points.RemoveIf(func(P) bool {
		err := refused[i]
		i++
		if err != nil {
			in.refuse(err)
		}
		return err != nil
	})
}

// admit adds a delta to its total. The total of a delta that comes again is
// shown again: what was stored is stored once more to no effect, and what could
// not be stored the first time is not lost.
func admit[P point[P]](d *deltas, metric uint64, p P, by summing[P]) (*stream, arrival, error) {
	if err := by.fit(p); err != nil {
		return nil, 0, err
	}
	id := d.mix(metric) ^ d.hashAttrs(p.Attributes())
	s, mark, t := d.known[id], by.mark(p), p.Timestamp()
	what := grown
	switch {
	case s == nil && (len(d.known) >= d.most || d.cells >= deltaCells), d.cells >= 2*deltaCells:
		return nil, 0, errMany
	case s != nil && t < s.last:
		return nil, 0, errLate
	case s != nil && t == s.last && mark == s.mark:
		return s, again, nil
	case s != nil && t == s.last:
		return nil, 0, errTwice
	case s == nil, by.restarts(s, p):
		what = born
		if s != nil {
			d.cells -= s.cells
		}
		start := p.StartTimestamp()
		if start == 0 || start > t {
			start = t
		}
		s = &stream{start: start}
		d.known[id] = s
	}
	by.add(s, p)
	s.last, s.mark = t, mark
	d.cells -= s.cells
	s.cells = len(s.bounds) + len(s.buckets) + len(s.expo.positive.counts) + len(s.expo.negative.counts)
	d.cells += s.cells
	return s, what, nil
}

// sweep forgets idle series.
func (d *deltas) sweep(now time.Time) {
	if now.Sub(d.swept) < sweepEvery {
		return
	}
	d.swept = now
	for id, s := range d.known {
		if now.Sub(s.seen) > deltaIdle {
			d.cells -= s.cells
			delete(d.known, id)
		}
	}
}

// mix hashes words onto what was hashed so far.
func (d *deltas) mix(h uint64, words ...string) uint64 {
	var m maphash.Hash
	m.SetSeed(d.seed)
	_, _ = m.Write(binary.LittleEndian.AppendUint64(nil, h))
	for _, w := range words {
		_, _ = m.WriteString(w)
		_ = m.WriteByte(0xff) // in no UTF-8 text
	}
	return m.Sum64()
}

// hashAttrs does not depend on the order of attributes.
func (d *deltas) hashAttrs(attrs pcommon.Map) uint64 {
	var sum uint64
	for key, value := range attrs.All() {
		sum += d.mix(uint64(value.Type()), key, value.AsString())
	}
	return sum
}
