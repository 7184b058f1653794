package spans

import (
	"context"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// traceSpread is how far outside the asked period the other spans of a matching
// trace are looked for.
const traceSpread = 2 * time.Minute

// view is a chunk as it was at one moment; rows added later are beyond its
// slices.
type view struct {
	b              pitwall.SpanBatch
	minEnd, maxEnd int64
}

// hit is a run of rows of a view: [from, to).
type hit struct {
	view     int
	from, to int
}

// window is a period in unix nanoseconds of a span's end.
type window struct{ from, to int64 }

func windowOf(p pitwall.Period) window {
	if p.IsZero() {
		return window{-1 << 62, 1 << 62}
	}
	return window{p.From.UnixNano(), p.To.UnixNano()}
}

func (w window) wider(d time.Duration) window { return window{w.from - int64(d), w.to + int64(d)} }

func (w window) touches(v *view) bool { return v.minEnd < w.to && v.maxEnd >= w.from }

// Spans gives the spans that ended in the period (a zero period means all that
// is kept), in order of arrival. With WholeTraces it gives all spans of every
// trace that has a match, also those outside the period. A Limit keeps traces,
// or spans, spread evenly over the period.
func (s *Store) Spans(ctx context.Context, q pitwall.SpanQuery) (*pitwall.SpanBatch, error) {
	views, w := s.snapshot(), windowOf(q.Period)
	var hits []hit
	for i := range views {
		if err := ctx.Err(); err != nil {
			return nil, &pitwall.Error{Op: "reading spans", Kind: pitwall.Unavailable, Err: err}
		}
		if w.touches(&views[i]) {
			hits = match(hits, views, i, q, w)
		}
	}
	if !q.WholeTraces {
		return copyOut(views, thin(hits, q.Limit)), nil
	}
	ids := tracesOf(views, hits)
	keep := make(map[pitwall.TraceID]struct{}, len(ids))
	for _, id := range thin(ids, q.Limit) {
		keep[id] = struct{}{}
	}
	if len(keep) == 0 {
		return copyOut(views, nil), nil
	}
	return s.wholeTraces(ctx, views, w.wider(traceSpread), keep)
}

// Trace gives every kept span of one trace.
func (s *Store) Trace(ctx context.Context, id pitwall.TraceID) (*pitwall.SpanBatch, error) {
	b, err := s.wholeTraces(ctx, s.snapshot(), windowOf(pitwall.Period{}), map[pitwall.TraceID]struct{}{id: {}})
	if err != nil {
		return nil, err
	}
	if b.Len() == 0 {
		e := pitwall.Errorf(pitwall.NotFound, "reading trace", "no span of trace %x is kept", id[:])
		e.Hint = "traces are kept for " + s.opt.Retention.String() + "; the services may also sample"
		return nil, e
	}
	return b, nil
}

func (s *Store) wholeTraces(ctx context.Context, views []view, w window, keep map[pitwall.TraceID]struct{}) (*pitwall.SpanBatch, error) {
	var hits []hit
	for i := range views {
		if err := ctx.Err(); err != nil {
			return nil, &pitwall.Error{Op: "reading traces", Kind: pitwall.Unavailable, Err: err}
		}
		if !w.touches(&views[i]) {
			continue
		}
		var last pitwall.TraceID
		kept := false
		for row, id := range views[i].b.TraceID {
			if id != last || row == 0 {
				last = id
				_, kept = keep[id]
			}
			if kept {
				hits = addHit(hits, i, row)
			}
		}
	}
	return copyOut(views, hits), nil
}

// snapshot lists the chunks as they are now. Readers then need no lock: rows
// are only ever added behind the ends of the slices taken here.
func (s *Store) snapshot() []view {
	s.mu.RLock()
	defer s.mu.RUnlock()
	views := make([]view, len(s.head.chunks))
	for i, c := range s.head.chunks {
		views[i] = view{c.b, c.minEnd, c.maxEnd}
	}
	return views
}

// match adds the rows of one view that the query asks for.
func match(hits []hit, views []view, i int, q pitwall.SpanQuery, w window) []hit {
	b := &views[i].b
	service, known := wordOf(b, string(q.Service))
	operation, knownToo := wordOf(b, q.Operation)
	if !known || !knownToo {
		return hits
	}
	for row, start := range b.Start {
		end := start + b.Duration[row]
		if end < w.from || end >= w.to ||
			q.Service != "" && b.Service[row] != service || q.Operation != "" && b.Operation[row] != operation {
			continue
		}
		hits = addHit(hits, i, row)
		if !q.WholeTraces && q.Limit > 0 { // thinning chooses among single spans
			hits[len(hits)-1].from = row
		}
	}
	return hits
}

// wordOf finds a dictionary number without the map, which belongs to the writer.
func wordOf(b *pitwall.SpanBatch, word string) (uint32, bool) {
	i := slices.Index(b.Strings, word)
	return uint32(i), i >= 0
}

func addHit(hits []hit, view, row int) []hit {
	if n := len(hits); n > 0 && hits[n-1].view == view && hits[n-1].to == row {
		hits[n-1].to = row + 1
		return hits
	}
	return append(hits, hit{view, row, row + 1})
}

// tracesOf lists the traces of the hits in order of first appearance.
func tracesOf(views []view, hits []hit) []pitwall.TraceID {
	seen := map[pitwall.TraceID]struct{}{}
	var ids []pitwall.TraceID
	for _, h := range hits {
		for _, id := range views[h.view].b.TraceID[h.from:h.to] {
			if _, old := seen[id]; !old {
				seen[id] = struct{}{}
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// thin keeps limit of the items, spread evenly; 0 keeps all.
func thin[T any](items []T, limit int) []T {
	if limit <= 0 || len(items) <= limit {
		return items
	}
	kept := make([]T, limit)
	for i := range kept {
		kept[i] = items[i*len(items)/limit]
	}
	return kept
}

// copyOut makes one batch of the hits, with a dictionary of only what they use.
func copyOut(views []view, hits []hit) *pitwall.SpanBatch {
	out := &pitwall.SpanBatch{}
	out.Intern("")
	var number []uint32
	for from := 0; from < len(hits); {
		to := from
		for to < len(hits) && hits[to].view == hits[from].view {
			to++
		}
		src := &views[hits[from].view].b
		number = wordsUsed(out, src, hits[from:to], number)
		for _, h := range hits[from:to] {
			appendRows(out, src, h.from, h.to, number)
		}
		from = to
	}
	return out
}

// wordsUsed interns the strings of the hits' rows and gives the translation.
func wordsUsed(out, src *pitwall.SpanBatch, hits []hit, number []uint32) []uint32 {
	const unset = 1<<32 - 1
	number = number[:0]
	for range src.Strings {
		number = append(number, unset)
	}
	use := func(words []uint32) {
		for _, v := range words {
			if number[v] == unset {
				number[v] = out.Intern(src.Strings[v])
			}
		}
	}
	for _, h := range hits {
		use(src.Service[h.from:h.to])
		use(src.Version[h.from:h.to])
		use(src.Operation[h.from:h.to])
		use(src.Peer[h.from:h.to])
		use(src.Statement[h.from:h.to])
		first := uint32(0)
		if h.from > 0 {
			first = src.AttrEnd[h.from-1]
		}
		use(src.AttrKey[first:src.AttrEnd[h.to-1]])
		use(src.AttrValue[first:src.AttrEnd[h.to-1]])
	}
	return number
}
