package block

import (
	"slices"

	"github.com/pitwall/pitwall"
)

// rowGroup writes the columns of these rows.
func (w *writer) rowGroup(rows []uint32) error {
	b := w.r.Batch
	chunks := make([]*chunk, 0, len(w.leaves))
	add := func(c *chunk, err error) error {
		chunks = append(chunks, c)
		return err
	}
	w.trace = pick(w.trace, b.TraceID, rows)
	traces, distinct, err := w.enc.traces(w.leaves[colTrace], w.trace, w.page)
	if err := add(traces, err); err != nil {
		return err
	}
	w.ids = pick(w.ids, b.SpanID, rows)
	if err := add(w.enc.ids(w.leaves[colSpan], w.ids, w.page)); err != nil {
		return err
	}
	w.ids = pick(w.ids, b.ParentID, rows)
	if err := add(w.enc.parents(w.leaves[colParent], w.ids, w.page)); err != nil {
		return err
	}
	for i, numbers := range [][]int64{b.Start, b.Duration, w.r.Self, w.r.Critical} {
		if err := add(w.integers(colStart+i, numbers, rows)); err != nil {
			return err
		}
	}
	w.foot.bounds(w, rows)
	w.bools = pick(w.bools, b.Failed, rows)
	if err := add(w.enc.bools(w.leaves[colFailed], w.bools, w.page)); err != nil {
		return err
	}
	for i, numbers := range [][]int64{b.ReqBytes, b.RespBytes} {
		if err := add(w.integers(colReq+i, numbers, rows)); err != nil {
			return err
		}
	}
	texts, err := w.texts(rows)
	if err != nil {
		return err
	}
	chunks = append(chunks, texts...)
	return w.foot.group(w, chunks, len(rows), distinct)
}

// texts writes all columns of text.
func (w *writer) texts(rows []uint32) (chunks []*chunk, err error) {
	b := w.r.Batch
	for col, words := range [][]uint32{b.Service, b.Version, b.Operation, nil, b.Peer, b.Statement} {
		w.text = w.text[:0]
		if words == nil {
			for _, row := range rows {
				w.text = append(w.text, w.kindWord[b.Kind[row]])
			}
		}
		if words != nil {
			for _, row := range rows {
				w.text = append(w.text, words[row]+1)
			}
		}
		c, err := w.enc.text(w.leaves[colService+col], w.text, w.strings, w.page)
		if err != nil {
			return nil, err
		}
		chunks = append(chunks, c)
	}
	w.pivot(rows)
	for i, cells := range w.cells {
		c, err := w.enc.text(w.leaves[fixedColumns+i], cells[:len(rows)], w.strings, w.page)
		if err != nil {
			return nil, err
		}
		chunks = append(chunks, c)
	}
	for i, of := range [][]uint32{w.rest.key, w.rest.value} {
		l := w.leaves[len(w.leaves)-listLeaves+i]
		c, err := w.enc.list(l, &w.rest, of, listOptions{w.strings, w.page})
		if err != nil {
			return nil, err
		}
		chunks = append(chunks, c)
	}
	return chunks, nil
}

// pivot turns the attributes of the rows into columns. The first value of a key
// goes to the key's column, everything else to the rest.
func (w *writer) pivot(rows []uint32) {
	b := w.r.Batch
	for _, cells := range w.cells {
		clear(cells)
	}
	w.rest.end, w.rest.key, w.rest.value = w.rest.end[:0], w.rest.key[:0], w.rest.value[:0]
	for i, row := range rows {
		from := uint32(0)
		if row > 0 {
			from = b.AttrEnd[row-1]
		}
		to := b.AttrEnd[row]
		values := b.AttrValue[from:to]
		for j, key := range b.AttrKey[from:to] {
			if c := w.columnOf[key]; c >= 0 {
				if cell := &w.cells[c][i]; *cell == 0 {
					*cell = values[j] + 1
					continue
				}
			}
			w.rest.key, w.rest.value = append(w.rest.key, key+1), append(w.rest.value, values[j]+1)
		}
		w.rest.end = append(w.rest.end, uint32(len(w.rest.key)))
	}
}

// integers writes a column of numbers; one that was not given is -1 throughout.
func (w *writer) integers(col int, numbers []int64, rows []uint32) (*chunk, error) {
	if numbers != nil {
		w.nums = pick(w.nums, numbers, rows)
	} else {
		w.nums = slices.Grow(w.nums[:0], len(rows))[:len(rows)]
		for i := range w.nums {
			w.nums[i] = -1
		}
	}
	return w.enc.integers(w.leaves[col], w.nums, w.page)
}

// pick copies the rows of a column into dst.
func pick[T int64 | uint64 | bool | pitwall.TraceID](dst, column []T, rows []uint32) []T {
	dst = slices.Grow(dst[:0], len(rows))[:len(rows)]
	for i, row := range rows {
		dst[i] = column[row]
	}
	return dst
}
