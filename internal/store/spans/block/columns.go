package block

import (
	"encoding/binary"
	"slices"

	"github.com/parquet-go/parquet-go/format"

	"github.com/pitwall/pitwall"
)

// none is the number of a text that is not there.
const none = int32(-1)

// textPage is the present page of a column of text: row i has word of[i] of
// words, or none.
type textPage struct {
	group, page int // where it was read, plus one
	of          []int32
	words       *dictionary
	own         dictionary // of a page without a dictionary
	spare       []int32
}

// text reads the present page of a column of text.
func (r *reader) text(leaf int) (*textPage, error) {
	t := &r.texts[leaf]
	if t.group == r.group+1 && t.page == r.page+1 {
		return t, nil
	}
	shared, err := r.words(leaf)
	if err != nil {
		return nil, err
	}
	p, err := r.data(leaf)
	if err == nil {
		err = r.readText(t, p, shared, leaf >= fixedColumns)
	}
	if err != nil {
		return nil, r.where(leaf, err)
	}
	t.group, t.page = r.group+1, r.page+1
	return t, nil
}

func (r *reader) readText(t *textPage, p body, shared *dictionary, optional bool) (err error) {
	present := p.values - p.nulls
	if !optional {
		if p.nulls != 0 {
			return damaged("%d nulls in a column that has none", p.nulls)
		}
		return r.readWords(t, p.data, present, shared)
	}
	ones := 0
	if r.levels, ones, err = r.unpackLevels(r.levels, p.definition, p.values); err != nil {
		return err
	}
	if ones != present {
		return damaged("%d values, %d by its levels", present, ones)
	}
	if err := r.readWords(t, p.data, present, shared); err != nil {
		return err
	}
	if present < r.rows {
		t.spare, t.of = t.of, spread(t.spare, t.of, r.levels)
	}
	return nil
}

// readWords fills t with the n values of a page, one behind the other.
func (r *reader) readWords(t *textPage, data []byte, n int, shared *dictionary) (err error) {
	if t.words = shared; shared != nil {
		t.of, err = unpackNumbers(t.of, data, numbers{n, len(shared.ends)})
		return err
	}
	t.words, t.of = &t.own, slices.Grow(t.of[:0], n)
	for i := range n {
		t.of = append(t.of, int32(i))
	}
	return t.own.parse(append(t.own.data[:0], data...), n)
}

// spread puts values on the rows whose level is 1, without branches: levels are
// hard to foretell.
func spread(dst, values []int32, levels []byte) []int32 {
	values = append(values, 0) // looked at behind the last
	dst = slices.Grow(dst[:0], len(levels))[:len(levels)]
	from := 0
	for i, level := range levels {
		dst[i] = values[from] | (int32(level) - 1)
		from += int(level)
	}
	return dst
}

// numberPage is the present page of a column of numbers.
type numberPage struct {
	group, page int // where it was read, plus one
	ints        []int64
	packed      []int64 // without the nulls
}

// ints reads the present page of a column of numbers; null is -1.
func (r *reader) ints(leaf int) ([]int64, error) {
	n := r.numbers[leaf]
	if n == nil {
		n = &numberPage{}
		r.numbers[leaf] = n
	}
	if n.group == r.group+1 && n.page == r.page+1 {
		return n.ints, nil
	}
	p, err := r.data(leaf)
	if err == nil {
		err = r.readInts(n, p)
	}
	if err != nil {
		return nil, r.where(leaf, err)
	}
	n.group, n.page = r.group+1, r.page+1
	return n.ints, nil
}

func (r *reader) readInts(n *numberPage, p body) error {
	present, optional := p.values-p.nulls, len(p.definition) > 0
	if !optional && p.nulls != 0 {
		return damaged("%d nulls in a column that has none", p.nulls)
	}
	if optional {
		var ones int
		var err error
		if r.levels, ones, err = r.unpackLevels(r.levels, p.definition, p.values); err != nil {
			return err
		}
		if ones != present {
			return damaged("%d values, %d by its levels", present, ones)
		}
	}
	var err error
	if n.packed, err = unpackDeltas(n.packed, p.data, present); err != nil {
		return err
	}
	if present == r.rows {
		n.packed, n.ints = n.ints, n.packed
		return nil
	}
	n.packed = append(n.packed, 0) // looked at behind the last
	n.ints = slices.Grow(n.ints[:0], r.rows)[:r.rows]
	from := 0
	for i, level := range r.levels {
		n.ints[i] = n.packed[from] | (int64(level) - 1)
		from += int(level)
	}
	return nil
}

// ids appends the ids of the present page that are selected.
func (r *reader) ids(dst []uint64, leaf int, rows []uint32) ([]uint64, error) {
	c := &r.b.groups[r.group].columns[leaf]
	var plain []byte
	if c.encoding == format.RLEDictionary {
		d, err := r.fixedDictionary(leaf, 8)
		if err != nil {
			return nil, err
		}
		plain = d.data
	}
	p, err := r.data(leaf)
	if err == nil && (p.nulls != 0 || plain == nil && len(p.data) != 8*r.rows) {
		err = damaged("%d bytes for %d ids", len(p.data), r.rows)
	}
	if err != nil {
		return nil, r.where(leaf, err)
	}
	if plain == nil {
		for _, row := range rows {
			dst = append(dst, binary.LittleEndian.Uint64(p.data[8*row:]))
		}
		return dst, nil
	}
	if r.values, err = unpackNumbers(r.values, p.data, numbers{r.rows, len(plain) / 8}); err != nil {
		return nil, r.where(leaf, err)
	}
	for _, row := range rows {
		dst = append(dst, binary.LittleEndian.Uint64(plain[8*r.values[row]:]))
	}
	return dst, nil
}

// traces gives the trace ids of the group in order, and for each row of the
// present page the number of its own.
func (r *reader) traces() (ids []byte, of []int32, err error) {
	d, err := r.fixedDictionary(colTrace, len(pitwall.TraceID{}))
	if err != nil {
		return nil, nil, err
	}
	p, err := r.data(colTrace)
	if err == nil && p.nulls != 0 {
		err = damaged("%d nulls in a column that has none", p.nulls)
	}
	if err == nil {
		r.traceOf, err = unpackNumbers(r.traceOf, p.data, numbers{r.rows, len(d.data) / len(pitwall.TraceID{})})
	}
	if err != nil {
		return nil, nil, r.where(colTrace, err)
	}
	return d.data, r.traceOf, nil
}

// bools reads the bits of the present page.
func (r *reader) bools(leaf int) ([]byte, error) {
	p, err := r.data(leaf)
	if err == nil && (p.nulls != 0 || len(p.data) != (r.rows+7)/8) {
		err = damaged("%d bytes for %d bits", len(p.data), r.rows)
	}
	if err != nil {
		return nil, r.where(leaf, err)
	}
	return p.data, nil
}

func bit(bits []byte, row uint32) bool { return bits[row/8]>>(row%8)&1 == 1 }
