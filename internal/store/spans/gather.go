package spans

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/spans/block"
	"github.com/pitwall/pitwall/internal/store/spans/rollup"
)

// piece is the spans of a cut with what was computed of them.
type piece struct {
	batch *pitwall.SpanBatch
	times rollup.Times
	table *rollup.Table
}

// far is how far in the future a span may end and still be added up: clocks of
// senders differ.
const far = time.Hour

// gather copies the chunks of a cut into one batch and closes their traces,
// looking also at what of them stays in memory.
func (s *Store) gather(now time.Time, cut []*chunk, rest []staying) piece {
	n, attrs := 0, 0
	for _, c := range cut {
		n += c.b.Len()
		attrs += len(c.b.AttrKey)
	}
	b := emptied(&s.cutter.batch, n+n/8, attrs+attrs/8) // an eighth for traces that stay in part
	idleBefore := now.Add(-s.opt.TraceIdle).UnixNano()
	var idle []bool
	for _, c := range cut {
		for range appendAll(b, &c.b) {
			idle = append(idle, c.arrival < idleBefore)
		}
	}
	others := addRest(b, rest)
	for _, o := range others {
		idle = append(idle, o.of.arrival < idleBefore)
	}
	times := closeTraces(b, func(row int) bool { return idle[row] })
	s.recall(times, cut)
	s.remember(times, n, others)
	shorten(b, n)
	times.Self, times.Critical = times.Self[:n], times.Critical[:n]
	table := &rollup.Table{}
	if !cut[0].addedUp {
		table = rollup.Of(b, n, times, s.limits(now))
	}
	return piece{b, times, table}
}

// limits are those of everything that is added up.
func (s *Store) limits(now time.Time) rollup.Limits {
	return rollup.Limits{
		PerMinute: s.opt.RollupKeys, From: now.Add(-s.opt.RollupRetention).Unix() / 60, To: now.Add(far).Unix() / 60,
	}
}

// staying is a chunk that stays in memory, as it was when the cut was chosen:
// the writer goes on adding behind these columns.
type staying struct {
	chunk   *chunk
	b       pitwall.SpanBatch
	arrival int64
}

// other is a row that stays in memory.
type other struct {
	of  *staying
	row int32
}

// addRest appends the rows of other chunks that belong to traces of the batch.
func addRest(b *pitwall.SpanBatch, rest []staying) (others []other) {
	if len(rest) == 0 {
		return nil
	}
	traces := make(map[pitwall.TraceID]struct{}, b.Len()/4+1)
	for i, id := range b.TraceID {
		if i == 0 || id != b.TraceID[i-1] {
			traces[id] = struct{}{}
		}
	}
	var number []uint32
	for i := range rest {
		c, from, wanted := &rest[i], len(others), false
		var hits []hit
		for row, id := range c.b.TraceID {
			if row == 0 || id != c.b.TraceID[row-1] {
				_, wanted = traces[id]
			}
			if wanted {
				others = append(others, other{c, int32(row)})
				hits = addHit(hits, 0, row)
			}
		}
		if len(others) == from {
			continue
		}
		number = wordsUsed(b, &c.b, hits, number)
		for _, h := range hits {
			appendRows(b, &c.b, h.from, h.to, number)
		}
	}
	return others
}

// remember keeps what was computed of rows that stay in memory.
func (s *Store) remember(times rollup.Times, n int, others []other) {
	for i, o := range others {
		if times.Self[n+i] < 0 {
			continue
		}
		if s.cutter.early == nil {
			s.cutter.early = map[*chunk]map[int32]early{}
		}
		of := s.cutter.early[o.of.chunk]
		if of == nil {
			of = map[int32]early{}
			s.cutter.early[o.of.chunk] = of
		}
		of[o.row] = early{times.Self[n+i], times.Critical[n+i]}
	}
}

// recall puts in what earlier cuts computed of rows of these chunks: they knew
// the whole trace.
func (s *Store) recall(times rollup.Times, cut []*chunk) {
	at := 0
	for _, c := range cut {
		for row, e := range s.cutter.early[c] {
			times.Self[at+int(row)], times.Critical[at+int(row)] = e.self, e.critical
		}
		at += c.b.Len()
	}
}

// appendAll appends every row of src and gives how many.
func appendAll(dst, src *pitwall.SpanBatch) int {
	number := make([]uint32, len(src.Strings))
	for i, s := range src.Strings {
		number[i] = dst.Intern(s)
	}
	appendRows(dst, src, 0, src.Len(), number)
	return src.Len()
}

// emptied makes a batch without rows of the memory of another, with room for
// some rows and attributes.
func emptied(b *pitwall.SpanBatch, rows, attrs int) *pitwall.SpanBatch {
	*b = pitwall.SpanBatch{
		TraceID: room(b.TraceID, rows), SpanID: room(b.SpanID, rows), ParentID: room(b.ParentID, rows),
		Start: room(b.Start, rows), Duration: room(b.Duration, rows),
		Service: room(b.Service, rows), Version: room(b.Version, rows), Operation: room(b.Operation, rows),
		Peer: room(b.Peer, rows), Statement: room(b.Statement, rows), Kind: room(b.Kind, rows), Failed: room(b.Failed, rows),
		ReqBytes: room(b.ReqBytes, rows), RespBytes: room(b.RespBytes, rows), AttrEnd: room(b.AttrEnd, rows),
		AttrKey: room(b.AttrKey, attrs), AttrValue: room(b.AttrValue, attrs),
	}
	b.Intern("")
	return b
}

// room empties a column and makes sure that n values fit.
func room[T any](column []T, n int) []T {
	if cap(column) < n {
		return make([]T, 0, n)
	}
	return column[:0]
}

// shorten keeps the first n rows.
func shorten(b *pitwall.SpanBatch, n int) {
	b.TraceID, b.SpanID, b.ParentID = b.TraceID[:n], b.SpanID[:n], b.ParentID[:n]
	b.Start, b.Duration, b.Kind, b.Failed = b.Start[:n], b.Duration[:n], b.Kind[:n], b.Failed[:n]
	b.Service, b.Version, b.Operation = b.Service[:n], b.Version[:n], b.Operation[:n]
	b.Peer, b.Statement, b.ReqBytes, b.RespBytes = b.Peer[:n], b.Statement[:n], b.ReqBytes[:n], b.RespBytes[:n]
	b.AttrEnd = b.AttrEnd[:n]
	last := uint32(0)
	if n > 0 {
		last = b.AttrEnd[n-1]
	}
	b.AttrKey, b.AttrValue = b.AttrKey[:last], b.AttrValue[:last]
}

// sampled leaves out the traces that sampling does not keep.
func (s *Store) sampled(p piece) block.Rows {
	all := block.Rows{Batch: p.batch, Self: p.times.Self, Critical: p.times.Critical}
	if s.opt.Sample >= 1 {
		return all
	}
	chosen := s.choices(p.batch)
	limit := uint64(s.opt.Sample * math.MaxUint64)
	out := block.Rows{Batch: &pitwall.SpanBatch{}}
	var hits []hit
	for row, id := range p.batch.TraceID {
		if _, ok := chosen[id]; !ok && traceHash(id) > limit {
			continue
		}
		hits = addHit(hits, 0, row)
		out.Self = append(out.Self, p.times.Self[row])
		out.Critical = append(out.Critical, p.times.Critical[row])
	}
	out.Batch.Intern("")
	copyOut(out.Batch, []view{{b: *p.batch}}, hits)
	return out
}

// choices are the traces that are kept whatever their hash: with a failed span,
// the slowest of an operation, and those chosen a cut ago, whose last spans may
// be among these.
func (s *Store) choices(b *pitwall.SpanBatch) map[pitwall.TraceID]struct{} {
	slowest := map[uint64]int{} // service and operation -> row
	chosen := map[pitwall.TraceID]struct{}{}
	for row, failed := range b.Failed {
		if failed {
			chosen[b.TraceID[row]] = struct{}{}
		}
		key := uint64(b.Service[row])<<32 | uint64(b.Operation[row])
		if at, ok := slowest[key]; !ok || b.Duration[row] > b.Duration[at] {
			slowest[key] = row
		}
	}
	for _, row := range slowest {
		chosen[b.TraceID[row]] = struct{}{}
	}
	c := &s.cutter
	before := c.chosen
	c.chosen = chosen
	all := make(map[pitwall.TraceID]struct{}, len(chosen)+len(before))
	for _, m := range []map[pitwall.TraceID]struct{}{chosen, before} {
		for id := range m {
			all[id] = struct{}{}
		}
	}
	return all
}

// traceHash spreads trace ids evenly, also ids that are counters; the same id
// has the same hash for ever, so that all pieces of a trace fare alike.
func traceHash(id pitwall.TraceID) uint64 {
	x := binary.LittleEndian.Uint64(id[:8]) ^ binary.LittleEndian.Uint64(id[8:])*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
