package trace

import (
	"cmp"
	"slices"
)

// savedBy is how much earlier n would end if all that failed beneath it took no
// time. Its children fall into blocks that ran one after the other; inside a
// block a child still begins as long after those that ended before it as it
// did.
func (c *crisp) savedBy(n *crispNode) int64 {
	if n.failed {
		return n.took
	}
	if n.first == n.last {
		return 0
	}
	o := c.orderOf(n)
	slices.SortFunc(o.byEnd, func(x, y int) int { // of two that end together the shorter first: taken from the back
		a, b := &c.nodes[x], &c.nodes[y]
		return cmp.Or(cmp.Compare(a.to, b.to), cmp.Compare(b.from, a.from), cmp.Compare(b.row, a.row))
	})
	saved, overlap := int64(0), int64(0)
	last := len(o.byEnd) // the block under way is o.byEnd[at:last]
	first := none        // its earliest
	for at := last - 1; at >= 0; at-- {
		i := o.byEnd[at]
		switch {
		case first == none:
			first = i
		case o.before(&c.nodes[i], &c.nodes[first]):
			saved += max(0, c.savedInBlock(o.byEnd[at+1:last])-overlap)
			overlap = max(0, c.nodes[i].to-c.nodes[first].from)
			first, last = i, at+1
		case c.nodes[i].from < c.nodes[first].from:
			first = i
		}
	}
	saved += max(0, c.savedInBlock(o.byEnd[:last])-overlap)
	return min(saved, n.took)
}

// savedInBlock is how much earlier the last of siblings ends.
func (c *crisp) savedInBlock(block []int) int64 {
	// Zero-length ones first, so that what is before a span is done before it.
	inTime := func(x, y int) int {
		a, b := &c.nodes[x], &c.nodes[y]
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(x, y))
	}
	starts, ends := slices.Clone(block), slices.Clone(block)
	slices.SortFunc(starts, inTime)
	slices.SortFunc(ends, func(x, y int) int { return cmp.Or(cmp.Compare(c.nodes[x].to, c.nodes[y].to), inTime(x, y)) })
	begin := c.nodes[starts[0]].from
	newEnd := make(map[int]int64, len(block))
	wasEnd, isEnd := begin, begin // latest end of those before: as it was, as it would be
	done, latest, newLatest := 0, begin, begin
	for _, i := range starts {
		n := &c.nodes[i]
		for done < len(ends) && c.nodes[ends[done]].to <= n.from {
			e, known := newEnd[ends[done]]
			if !known {
				break // of no length, and not before itself
			}
			wasEnd, isEnd = c.nodes[ends[done]].to, max(isEnd, e)
			done++
		}
		end := isEnd + (n.from - wasEnd) + (n.took - n.saved)
		newEnd[i] = end
		latest, newLatest = max(latest, n.to), max(newLatest, end)
	}
	return latest - newLatest
}
