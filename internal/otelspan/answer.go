package otelspan

import (
	"cmp"
	"slices"

	"github.com/pitwall/pitwall"
)

// place is a row of one of several batches.
type place struct{ batch, row int }

// chosen is a question at work on the traces a server gave.
type chosen struct {
	from []*pitwall.SpanBatch
	q    pitwall.SpanQuery
}

// Answer chooses from whole traces what a SpanQuery asks for, in order of their
// ends. The same span may be in several batches and is given once. A span is of
// the period it ended in.
func Answer(batches []*pitwall.SpanBatch, q pitwall.SpanQuery) *pitwall.SpanBatch {
	c := chosen{batches, q}
	all := c.distinct()
	var hits []place
	for _, at := range all {
		if c.matches(at) {
			hits = append(hits, at)
		}
	}
	if q.WholeTraces {
		hits = c.wholeTraces(all, hits)
	} else {
		hits = thin(hits, q.Limit)
	}
	out := &pitwall.SpanBatch{}
	out.Intern("")
	for _, at := range hits {
		out.AppendFrom(batches[at.batch], at.row)
	}
	return out
}

// distinct lists every span once, by its end. Client and server of one call may
// share an id, as Zipkin has it, so the kind counts too.
func (c chosen) distinct() []place {
	type identity struct {
		trace pitwall.TraceID
		id    uint64
		kind  pitwall.SpanKind
	}
	seen := map[identity]struct{}{}
	var all []place
	for i, b := range c.from {
		for row := range b.Len() {
			id := identity{b.TraceID[row], b.SpanID[row], b.Kind[row]}
			if _, old := seen[id]; !old {
				seen[id] = struct{}{}
				all = append(all, place{i, row})
			}
		}
	}
	slices.SortStableFunc(all, func(x, y place) int { return cmp.Compare(c.end(x), c.end(y)) })
	return all
}

func (c chosen) end(at place) int64 {
	b := c.from[at.batch]
	return b.Start[at.row] + b.Duration[at.row]
}

func (c chosen) matches(at place) bool {
	b, i, q := c.from[at.batch], at.row, c.q
	if !q.Period.IsZero() && (c.end(at) < q.Period.From.UnixNano() || c.end(at) >= q.Period.To.UnixNano()) {
		return false
	}
	return (q.Service == "" || b.Strings[b.Service[i]] == string(q.Service)) &&
		(q.Operation == "" || b.Strings[b.Operation[i]] == q.Operation) &&
		(q.Version == "" || b.Strings[b.Version[i]] == string(q.Version)) &&
		b.Duration[i] >= int64(q.MinDuration) && (!q.Failed || b.Failed[i]) && carries(b, i, q.Attrs)
}

// carries says whether span i has all the attributes.
func carries(b *pitwall.SpanBatch, i int, want []pitwall.Attr) bool {
	from, to := uint32(0), b.AttrEnd[i]
	if i > 0 {
		from = b.AttrEnd[i-1]
	}
	for _, a := range want {
		found := false
		for j := from; j < to && !found; j++ {
			found = b.Strings[b.AttrKey[j]] == a.Key && b.Strings[b.AttrValue[j]] == a.Value
		}
		if !found {
			return false
		}
	}
	return true
}

// wholeTraces gives every span of the traces that have a hit, as many of them
// as the limit allows.
func (c chosen) wholeTraces(all, hits []place) []place {
	seen := map[pitwall.TraceID]bool{} // true: kept
	var ids []pitwall.TraceID
	for _, at := range hits {
		id := c.from[at.batch].TraceID[at.row]
		if _, old := seen[id]; !old {
			seen[id] = false
			ids = append(ids, id)
		}
	}
	for _, id := range thin(ids, c.q.Limit) {
		seen[id] = true
	}
	return slices.DeleteFunc(all, func(at place) bool { return !seen[c.from[at.batch].TraceID[at.row]] })
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
