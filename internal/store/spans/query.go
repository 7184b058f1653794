package spans

import (
	"context"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/spans/block"
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

// question is a query with what there is to look into: chunks in memory and
// blocks, as they were at one moment.
type question struct {
	s      *Store
	q      pitwall.SpanQuery
	w      window
	head   []view
	blocks []*volume
}

// ask takes what is kept of a window at one moment, under one lock, so that a
// chunk that is becoming a block is seen once.
func (s *Store) ask(q pitwall.SpanQuery, w window) *question {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a := &question{s: s, q: q, w: w, blocks: s.shelf.touching(w)}
	for _, c := range s.head.chunks {
		// Readers need no lock after this: rows are only ever added behind the ends
		// of the slices taken here.
		if v := (view{c.b, c.minEnd, c.maxEnd}); w.touches(&v) {
			a.head = append(a.head, v)
		}
	}
	return a
}

// Spans gives the spans that ended in the period (a zero period means all that
// is kept): those of blocks, the oldest block first, then those in memory in
// order of arrival. With WholeTraces it gives all spans of every trace that has
// a match, also those outside the period. A Limit keeps traces, or spans, spread
// evenly over the matches. A block that proves damaged is set aside and told by
// Health; the answer is without it.
func (s *Store) Spans(ctx context.Context, q pitwall.SpanQuery) (*pitwall.SpanBatch, error) {
	w := windowOf(q.Period)
	if !q.WholeTraces {
		return s.ask(q, w).spans(ctx)
	}
	wide := s.ask(q, w.wider(traceSpread))
	ids, err := wide.traces(ctx, w)
	if err != nil {
		return nil, err
	}
	return wide.whole(ctx, ids)
}

// Trace gives every kept span of one trace.
func (s *Store) Trace(ctx context.Context, id pitwall.TraceID) (*pitwall.SpanBatch, error) {
	b, err := s.ask(pitwall.SpanQuery{}, windowOf(pitwall.Period{})).whole(ctx, []pitwall.TraceID{id})
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

// read gives a block to f and tells of damage.
func (a *question) read(ctx context.Context, v *volume, f func(*block.Block) error) error {
	damaged, err := a.s.shelf.read(ctx, v, f)
	if damaged != "" {
		a.s.mu.Lock()
		a.s.health.tell(damaged)
		a.s.mu.Unlock()
	}
	return err
}

// spans gives the matching spans.
func (a *question) spans(ctx context.Context) (*pitwall.SpanBatch, error) {
	hits, err := a.hits(ctx)
	if err != nil {
		return nil, err
	}
	choose, err := a.choice(ctx, hits)
	if err != nil {
		return nil, err
	}
	out := &pitwall.SpanBatch{}
	out.Intern("")
	for i, v := range a.blocks {
		rows, all := choose.of(i)
		if !all && len(rows) == 0 {
			continue
		}
		if err := a.read(ctx, v, func(b *block.Block) error {
			var found *pitwall.SpanBatch
			var err error
			if all {
				found, err = b.Spans(ctx, a.q)
			} else {
				found, err = a.chosen(ctx, b, rows)
			}
			if err == nil {
				copyRows(out, found)
			}
			return err
		}); err != nil {
			return nil, err
		}
	}
	if rows, all := choose.of(len(a.blocks)); !all {
		hits = pick(hits, rows)
	}
	copyOut(out, a.head, hits)
	return out, nil
}

// hits finds the matching rows in memory.
func (a *question) hits(ctx context.Context) (hits []hit, err error) {
	for i := range a.head {
		if err := ctx.Err(); err != nil {
			return nil, &pitwall.Error{Op: "reading spans", Kind: pitwall.Unavailable, Err: err}
		}
		hits = match(hits, &a.head[i], i, a.q, windowOf(a.q.Period))
	}
	return hits, nil
}

// traces lists the traces that have a match in a window, at most Limit.
func (a *question) traces(ctx context.Context, w window) ([]pitwall.TraceID, error) {
	found := newTraceSet(a.q.Limit)
	for _, v := range a.blocks {
		if v.meta.MinEnd >= w.to || v.meta.MaxEnd < w.from {
			continue
		}
		if err := a.read(ctx, v, func(b *block.Block) error { return b.Matches(ctx, a.q, found.add) }); err != nil {
			return nil, err
		}
	}
	hits, err := a.hits(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range hits {
		for _, id := range a.head[h.view].b.TraceID[h.from:h.to] {
			found.add(id)
		}
	}
	return thin(found.ids, a.q.Limit), nil
}

// whole gives every span of some traces.
func (a *question) whole(ctx context.Context, ids []pitwall.TraceID) (*pitwall.SpanBatch, error) {
	out := &pitwall.SpanBatch{}
	out.Intern("")
	if len(ids) == 0 {
		return out, nil
	}
	keep := make(map[pitwall.TraceID]struct{}, len(ids))
	for _, id := range ids {
		keep[id] = struct{}{}
	}
	for _, v := range a.blocks {
		if err := a.read(ctx, v, func(b *block.Block) error {
			found, err := b.Traces(ctx, keep)
			if err == nil {
				copyRows(out, found)
			}
			return err
		}); err != nil {
			return nil, err
		}
	}
	var hits []hit
	for i := range a.head {
		if err := ctx.Err(); err != nil {
			return nil, &pitwall.Error{Op: "reading traces", Kind: pitwall.Unavailable, Err: err}
		}
		hits = rowsOf(hits, &a.head[i], i, keep)
	}
	copyOut(out, a.head, hits)
	return out, nil
}

// rowsOf adds the rows of a view that belong to some traces.
func rowsOf(hits []hit, v *view, number int, keep map[pitwall.TraceID]struct{}) []hit {
	kept := false
	for row, id := range v.b.TraceID {
		if row == 0 || id != v.b.TraceID[row-1] {
			_, kept = keep[id]
		}
		if kept {
			hits = addHit(hits, number, row)
		}
	}
	return hits
}
