package block

import (
	"math"
	"slices"

	"github.com/pitwall/pitwall"
)

// window is a period in unix nanoseconds of a span's end.
type window struct{ from, to int64 }

// windowOf gives the window of a period; a zero period has no bounds.
func windowOf(p pitwall.Period) window {
	if p.IsZero() {
		return window{math.MinInt64, math.MaxInt64}
	}
	return window{p.From.UnixNano(), p.To.UnixNano()}
}

func (w window) all() bool { return w.from == math.MinInt64 && w.to == math.MaxInt64 }

func (w window) touches(minEnd, maxEnd int64) bool {
	return w.all() || minEnd < w.to && maxEnd >= w.from
}

func (w window) covers(minEnd, maxEnd int64) bool {
	return w.all() || minEnd >= w.from && maxEnd < w.to
}

// condition is one text that a span must carry: in a column, or for attributes
// perhaps in the list.
type condition struct {
	leaf       int // -1: no column
	key        string
	value      string
	attr       bool
	hits       []bool // by number of the column's dictionary, in this group; nil: in none
	keys, vals []bool // the same for the list
}

// question is a SpanQuery made ready for one block.
type question struct {
	window      window
	conditions  []condition
	minDuration int64
	failed      bool
}

func (b *Block) question(q pitwall.SpanQuery) *question {
	ask := &question{window: windowOf(q.Period), minDuration: int64(q.MinDuration), failed: q.Failed}
	for leaf, value := range map[int]string{colService: string(q.Service), colVersion: string(q.Version), colOperation: q.Operation} {
		if value != "" {
			ask.conditions = append(ask.conditions, condition{leaf: leaf, value: value})
		}
	}
	// The operation comes first: it excludes most.
	slices.SortFunc(ask.conditions, func(x, y condition) int { return y.leaf - x.leaf })
	for _, a := range q.Attrs {
		c := condition{leaf: -1, key: a.Key, value: a.Value, attr: true}
		if leaf, ok := b.attrs[a.Key]; ok {
			c.leaf = leaf
		}
		ask.conditions = append(ask.conditions, c)
	}
	return ask
}

// each visits every page that has matching rows.
func (b *Block) each(r *reader, ask *question, visit func(rows []uint32) error) error {
	for g := range b.groups {
		r.enter(g)
		if err := r.eachPage(ask, visit); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) eachPage(ask *question, visit func(rows []uint32) error) error {
	notes, group, prepared := &r.b.notes, &r.b.groups[r.group], false
	for p := range group.pageCount(notes.PageRows) {
		at := group.firstPage + p
		minEnd, maxEnd := notes.MinEnd[at], notes.MaxEnd[at]
		if !ask.window.touches(minEnd, maxEnd) || notes.MaxDuration[at] < ask.minDuration {
			continue
		}
		if !prepared {
			if possible, err := r.prepare(ask); err != nil || !possible {
				return err
			}
			prepared = true
		}
		if err := r.turn(p); err != nil {
			return err
		}
		rows, err := r.match(ask, ask.window.covers(minEnd, maxEnd))
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			continue
		}
		if err := visit(rows); err != nil {
			return err
		}
	}
	return nil
}

// prepare looks the texts up in the group's dictionaries; false: one of them is
// not there, so that no row can match.
func (r *reader) prepare(ask *question) (bool, error) {
	for i := range ask.conditions {
		c := &ask.conditions[i]
		c.hits, c.keys, c.vals = nil, nil, nil
		possible := false
		if c.leaf >= 0 {
			d, err := r.words(c.leaf)
			if err != nil {
				return false, err
			}
			if d != nil {
				c.hits = d.find(c.value)
			}
			possible = d == nil || c.hits != nil
		}
		if c.attr {
			listed, err := r.prepareList(c)
			if err != nil {
				return false, err
			}
			possible = possible || listed
		}
		if !possible {
			return false, nil
		}
	}
	return true, nil
}

// prepareList does the same for the attributes without a column.
func (r *reader) prepareList(c *condition) (bool, error) {
	keys, err := r.words(len(r.b.names) - 2)
	if err != nil || keys == nil && r.listEmpty() {
		return false, err
	}
	if keys != nil {
		if c.keys = keys.find(c.key); c.keys == nil {
			return false, nil
		}
	}
	values, err := r.words(len(r.b.names) - 1)
	if err != nil || values == nil {
		return err == nil, err
	}
	c.vals = values.find(c.value)
	return c.vals != nil, nil
}

// listEmpty says whether no row of the group has an entry in attrs.
func (r *reader) listEmpty() bool { return r.empty(len(r.b.names) - 1) }

// empty says whether no row of the group has a value in a column.
func (r *reader) empty(leaf int) bool { return r.b.groups[r.group].columns[leaf].empty }

// match gives the rows of the present page that the question asks for. inside
// says that the whole page lies in the window.
func (r *reader) match(ask *question, inside bool) ([]uint32, error) {
	rows := slices.Grow(r.matched[:0], r.rows)
	for i := range r.rows {
		rows = append(rows, uint32(i))
	}
	r.matched = rows
	for i := range ask.conditions {
		var err error
		if rows, err = r.filterText(rows, &ask.conditions[i]); err != nil || len(rows) == 0 {
			return rows[:0], err
		}
	}
	if ask.failed {
		bits, err := r.bools(colFailed)
		if err != nil {
			return nil, err
		}
		rows = slices.DeleteFunc(rows, func(row uint32) bool { return !bit(bits, row) })
	}
	if len(rows) == 0 || inside && ask.minDuration <= 0 {
		return rows, nil
	}
	duration, err := r.ints(colDuration)
	if err != nil {
		return nil, err
	}
	if ask.minDuration > 0 {
		rows = slices.DeleteFunc(rows, func(row uint32) bool { return duration[row] < ask.minDuration })
	}
	if inside || len(rows) == 0 {
		return rows, nil
	}
	start, err := r.ints(colStart)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(rows, func(row uint32) bool {
		end := start[row] + duration[row]
		return end < ask.window.from || end >= ask.window.to
	}), nil
}

// filterText keeps the rows that carry a text.
func (r *reader) filterText(rows []uint32, c *condition) ([]uint32, error) {
	var listed []bool // by row; nil: none
	if c.attr {
		var err error
		if listed, err = r.listed(c); err != nil {
			return nil, err
		}
	}
	if c.leaf < 0 {
		return keepRows(rows, func(row uint32) bool { return listed != nil && listed[row] }), nil
	}
	t, err := r.text(c.leaf)
	if err != nil {
		return nil, err
	}
	hits := c.hits
	if t.words == &t.own {
		hits = t.own.find(c.value)
	}
	kept := rows[:0]
	for _, row := range rows {
		if n := t.of[row]; n != none && hits != nil && hits[n] || listed != nil && listed[row] {
			kept = append(kept, row)
		}
	}
	return kept, nil
}

func keepRows(rows []uint32, keep func(uint32) bool) []uint32 {
	return slices.DeleteFunc(rows, func(row uint32) bool { return !keep(row) })
}

// listed finds the rows that carry an attribute in the list.
func (r *reader) listed(c *condition) (rows []bool, err error) {
	keysKnown := r.b.groups[r.group].columns[len(r.b.names)-2].dictionary.size > 0
	valsKnown := r.b.groups[r.group].columns[len(r.b.names)-1].dictionary.size > 0
	if r.listEmpty() || keysKnown && c.keys == nil || valsKnown && c.vals == nil {
		return nil, nil
	}
	l, err := r.list()
	if err != nil {
		return nil, err
	}
	keys, vals := c.keys, c.vals
	if !keysKnown {
		keys = l.key.own.find(c.key)
	}
	if !valsKnown {
		vals = l.value.own.find(c.value)
	}
	if keys == nil || vals == nil {
		return nil, nil
	}
	from := uint32(0)
	for row, end := range l.end {
		for ; from < end; from++ {
			if keys[l.key.of[from]] && vals[l.value.of[from]] {
				if rows == nil {
					rows = make([]bool, r.rows)
				}
				rows[row] = true
			}
		}
	}
	return rows, nil
}
