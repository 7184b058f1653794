package spans

import (
	"context"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/spans/block"
)

// choice says which of the matching spans a Limit keeps: of each block, and last
// of what is in memory.
type choice struct {
	all  bool
	rows [][]int // of each source, rising
}

// of gives the chosen matches of one source.
func (c choice) of(source int) (rows []int, all bool) {
	if c.all {
		return nil, true
	}
	return c.rows[source], false
}

// choice counts the matches, which needs few columns, and spreads the Limit
// over them.
func (a *question) choice(ctx context.Context, hits []hit) (choice, error) {
	if a.q.Limit <= 0 {
		return choice{all: true}, nil
	}
	counts := make([]int, len(a.blocks)+1)
	total := 0
	for i, v := range a.blocks {
		if err := a.read(ctx, v, func(b *block.Block) error {
			return b.Scan(ctx, a.q, block.Columns{}, func(c *block.Chunk) error {
				counts[i] += c.Rows
				return nil
			})
		}); err != nil {
			return choice{}, err
		}
		total += counts[i]
	}
	for _, h := range hits {
		counts[len(a.blocks)] += h.to - h.from
	}
	total += counts[len(a.blocks)]
	if total <= a.q.Limit {
		return choice{all: true}, nil
	}
	c := choice{rows: make([][]int, len(counts))}
	source, begin := 0, 0
	for i := range a.q.Limit {
		at := i * total / a.q.Limit
		for at >= begin+counts[source] {
			begin += counts[source]
			source++
		}
		c.rows[source] = append(c.rows[source], at-begin)
	}
	return c, nil
}

// few is how many times fewer spans than match must be wanted of a block, so
// that finding them by their ids pays.
const few = 16

// chosen gives the n-th matches of a block. Where they are few it does not read
// all columns of all matches, but those of the traces they are in.
func (a *question) chosen(ctx context.Context, b *block.Block, rows []int) (*pitwall.SpanBatch, error) {
	if len(rows)*few > b.Meta().Spans {
		found, err := b.Spans(ctx, a.q)
		if err != nil {
			return nil, err
		}
		return picked(found, pick([]hit{{0, 0, found.Len()}}, rows)), nil
	}
	type span struct {
		trace pitwall.TraceID
		id    uint64
	}
	wanted, traces := map[span]int{}, map[pitwall.TraceID]struct{}{}
	begin, i := 0, 0
	if err := b.Scan(ctx, a.q, block.Columns{TraceID: true, SpanID: true}, func(c *block.Chunk) error {
		for ; i < len(rows) && rows[i] < begin+c.Rows; i++ {
			at := rows[i] - begin
			wanted[span{c.TraceID[at], c.SpanID[at]}]++
			traces[c.TraceID[at]] = struct{}{}
		}
		begin += c.Rows
		return nil
	}); err != nil {
		return nil, err
	}
	found, err := b.Traces(ctx, traces)
	if err != nil {
		return nil, err
	}
	v := view{b: *found, minEnd: -1 << 62, maxEnd: 1 << 62}
	var hits []hit
	for _, h := range match(nil, &v, 0, a.q, windowOf(a.q.Period)) {
		for row := h.from; row < h.to; row++ {
			if s := (span{found.TraceID[row], found.SpanID[row]}); wanted[s] > 0 {
				wanted[s]--
				hits = append(hits, hit{0, row, row + 1})
			}
		}
	}
	return picked(found, hits), nil
}

func picked(b *pitwall.SpanBatch, hits []hit) *pitwall.SpanBatch {
	out := &pitwall.SpanBatch{}
	out.Intern("")
	copyOut(out, []view{{b: *b}}, hits)
	return out
}

// pick gives the n-th matches of hits.
func pick(hits []hit, rows []int) (picked []hit) {
	begin, i := 0, 0
	for _, h := range hits {
		for ; i < len(rows) && rows[i] < begin+h.to-h.from; i++ {
			row := h.from + rows[i] - begin
			picked = append(picked, hit{h.view, row, row + 1})
		}
		begin += h.to - h.from
	}
	return picked
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

// fewTraces is how many traces are told apart exactly whatever the Limit.
const fewTraces = 1 << 16

// traceSet collects traces in order of first appearance. With a limit it holds
// at most a small multiple of it: when there are more it goes on with half of
// all traces, by their hash, and so on.
type traceSet struct {
	ids   []pitwall.TraceID
	seen  map[pitwall.TraceID]struct{}
	most  int    // 0: no limit
	below uint64 // only traces with a hash up to this
}

func newTraceSet(limit int) *traceSet {
	t := &traceSet{seen: map[pitwall.TraceID]struct{}{}, below: 1<<64 - 1}
	if limit > 0 {
		t.most = max(fewTraces, 4*limit)
	}
	return t
}

func (t *traceSet) add(id pitwall.TraceID) {
	if n := len(t.ids); n > 0 && t.ids[n-1] == id || traceHash(id) > t.below {
		return
	}
	if _, old := t.seen[id]; old {
		return
	}
	t.seen[id] = struct{}{}
	t.ids = append(t.ids, id)
	for t.most > 0 && len(t.ids) > t.most {
		t.below /= 2
		kept := t.ids[:0]
		for _, id := range t.ids {
			if traceHash(id) <= t.below {
				kept = append(kept, id)
				continue
			}
			delete(t.seen, id)
		}
		t.ids = kept
	}
}
