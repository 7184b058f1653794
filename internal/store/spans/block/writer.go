package block

import (
	"context"
	"slices"
	"unicode/utf8"

	"github.com/pitwall/pitwall"
)

// writer turns rows into row groups. It belongs to one Write.
type writer struct {
	r        Rows
	out      *output
	enc      *encoder
	order    []uint32
	leaves   []leaf
	columnOf []int32 // word -> attribute column, or -1
	strings  []string
	kindWord [256]uint32 // kind -> number in strings, plus one
	group    int         // rows per row group
	page     int         // rows per page

	cells [][]uint32 // of the attribute columns: word plus one, 0: absent
	rest  entries
	foot  footer
	nums  []int64
	ids   []uint64
	trace []pitwall.TraceID
	bools []bool
	text  []uint32
}

func newWriter(r Rows, rowsPerGroup int) *writer {
	keys, columnOf := columnKeys(r.Batch)
	w := &writer{r: r, out: &output{}, order: order(r.Batch), leaves: leavesFor(keys), columnOf: columnOf}
	w.strings = slices.Clip(r.Batch.Strings) // a clone is made when kinds are appended
	for _, kind := range r.Batch.Kind {
		if w.kindWord[kind] == 0 {
			w.strings = append(w.strings, kindName(kind))
			w.kindWord[kind] = uint32(len(w.strings))
		}
	}
	w.enc = newEncoder(w.out, len(w.strings))
	w.group, w.page = rowsPerGroup, min(pageRows, rowsPerGroup)
	for most := mostAttrs(r.Batch); w.page > 1 && w.page*(most+1) > maxEntries; {
		w.page /= 2
	}
	w.cells = make([][]uint32, len(keys))
	for i := range w.cells {
		w.cells[i] = make([]uint32, min(w.group, r.Batch.Len()))
	}
	w.markBytes()
	return w
}

// groupSize is how many rows a row group can have: fewer than usual only if the
// texts are so long that Parquet's 31-bit lengths could not hold a column.
func groupSize(b *pitwall.SpanBatch) int {
	const most = maxPage / 2
	longest := 0
	for _, s := range b.Strings {
		longest = max(longest, len(s)+4)
	}
	if longest*(6*groupRows+min(len(b.AttrKey)*2, 16*groupRows)) <= most {
		return groupRows
	}
	total, largest, first := 0, 0, uint32(0)
	size := func(word uint32) int { return len(b.Strings[word]) + 4 }
	for row, end := range b.AttrEnd {
		bytes := size(b.Service[row]) + size(b.Version[row]) + size(b.Operation[row]) + size(b.Peer[row]) + size(b.Statement[row])
		for ; first < end; first++ {
			bytes += size(b.AttrKey[first]) + size(b.AttrValue[first])
		}
		total, largest = total+bytes, max(largest, bytes)
	}
	rows := groupRows
	for total > most && rows > 1 && rows*largest > most {
		rows /= 2
	}
	return rows
}

// markBytes finds the columns whose text is not UTF-8.
func (w *writer) markBytes() {
	b := w.r.Batch
	var bad []bool
	for i, s := range b.Strings {
		if !utf8.ValidString(s) {
			if bad == nil {
				bad = make([]bool, len(b.Strings))
			}
			bad[i] = true
		}
	}
	if bad == nil {
		return
	}
	anyBad := func(words []uint32) bool {
		return slices.ContainsFunc(words, func(word uint32) bool { return bad[word] })
	}
	for col, words := range map[int][]uint32{
		colService: b.Service, colVersion: b.Version, colOperation: b.Operation, colPeer: b.Peer, colStatement: b.Statement,
		len(w.leaves) - 2: b.AttrKey, len(w.leaves) - 1: b.AttrValue,
	} {
		w.leaves[col].bytes = anyBad(words)
	}
	for i, key := range b.AttrKey {
		if c := w.columnOf[key]; c >= 0 && bad[b.AttrValue[i]] {
			w.leaves[fixedColumns+int(c)].bytes = true
		}
	}
}

func (w *writer) write(ctx context.Context, o WriteOptions) (Meta, error) {
	if err := w.out.write([]byte(magic)); err != nil {
		return Meta{}, err
	}
	for from := 0; from < len(w.order); from += w.group {
		if err := ctx.Err(); err != nil {
			return Meta{}, err
		}
		if err := w.rowGroup(w.order[from:min(len(w.order), from+w.group)]); err != nil {
			return Meta{}, err
		}
	}
	return w.finish(o)
}
