package block

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/pitwall/pitwall"
)

// group is one trace of a batch: where its rows begin in the order, how many
// there are, and when the first of them started.
type group struct {
	start int64
	rows  uint32
	next  uint32
	first uint32 // a row of it, for its id
}

// order gives the rows of a batch as a block has them: the spans of a trace side
// by side by their start, traces by their first start.
func order(b *pitwall.SpanBatch) []uint32 {
	traceOf, groups := gather(b)
	ranks := make([]uint32, len(groups))
	for i := range ranks {
		ranks[i] = uint32(i)
	}
	slices.SortFunc(ranks, func(x, y uint32) int {
		p, q := &groups[x], &groups[y]
		if p.start != q.start {
			return cmp.Compare(p.start, q.start)
		}
		return bytes.Compare(b.TraceID[p.first][:], b.TraceID[q.first][:])
	})
	next := uint32(0)
	for _, g := range ranks {
		groups[g].next = next
		next += groups[g].rows
	}
	rows := make([]uint32, b.Len())
	for row, g := range traceOf {
		rows[groups[g].next] = uint32(row)
		groups[g].next++
	}
	for i := range groups {
		g := &groups[i]
		sortByStart(rows[g.next-g.rows:g.next], b.Start)
	}
	return rows
}

// gather numbers the traces of a batch and gives each row its number.
func gather(b *pitwall.SpanBatch) (traceOf []uint32, groups []group) {
	number := make(map[pitwall.TraceID]uint32, b.Len()/4+1)
	traceOf = make([]uint32, b.Len())
	g := uint32(0)
	for row, id := range b.TraceID {
		if row == 0 || id != b.TraceID[row-1] {
			known := false
			if g, known = number[id]; !known {
				g = uint32(len(groups))
				number[id] = g
				groups = append(groups, group{start: b.Start[row], first: uint32(row)})
			}
		}
		traceOf[row] = g
		groups[g].rows++
		groups[g].start = min(groups[g].start, b.Start[row])
	}
	return traceOf, groups
}

// sortByStart orders the few rows of one trace; rows of one start keep the order
// they came in.
func sortByStart(rows []uint32, start []int64) {
	if len(rows) > 32 {
		slices.SortStableFunc(rows, func(x, y uint32) int { return cmp.Compare(start[x], start[y]) })
		return
	}
	for i := 1; i < len(rows); i++ {
		row, at := rows[i], start[rows[i]]
		j := i
		for ; j > 0 && start[rows[j-1]] > at; j-- {
			rows[j] = rows[j-1]
		}
		rows[j] = row
	}
}

// sortByCount puts the most frequent numbers first.
func sortByCount(numbers []uint32, count []int) {
	slices.SortFunc(numbers, func(x, y uint32) int {
		return cmp.Or(cmp.Compare(count[y], count[x]), cmp.Compare(x, y))
	})
}
