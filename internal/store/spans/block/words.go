package block

import (
	"encoding/binary"
	"slices"

	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"

	"github.com/pitwall/pitwall"
)

// minPlain is how many different texts a column chunk needs before it can do
// without a dictionary: to read one page of it costs reading the dictionary.
const minPlain = 1 << 12

// text writes a column of texts. rows holds dictionary numbers of the batch plus
// one; 0 is null, which only an optional column has.
func (e *encoder) text(l leaf, rows []uint32, strings []string, pageRows int) (*chunk, error) {
	e.number(rows)
	defer e.forget()
	enc := format.RLEDictionary
	if len(e.indexs) == 0 || len(e.words) > minPlain && len(e.words) > len(e.indexs)/2 {
		enc = format.Plain
	}
	c := e.begin(l, enc)
	if enc == format.RLEDictionary {
		if err := e.wordDictionary(c, strings); err != nil {
			return nil, err
		}
	}
	indexs := e.indexs
	for from := 0; from < len(rows); from += pageRows {
		part := rows[from:min(len(rows), from+pageRows)]
		p := page{rows: len(part), values: len(part)}
		if l.optional {
			p.nulls = e.mark(part)
			if err := e.define(&p); err != nil {
				return nil, err
			}
		}
		n := p.values - p.nulls
		if err := e.encodeWords(enc, indexs[:n], strings); err != nil {
			return nil, err
		}
		indexs = indexs[n:]
		p.data = e.values
		if err := e.data(c, p, from); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// number gives every text of the rows its number in the chunk's dictionary, in
// order of first appearance.
func (e *encoder) number(rows []uint32) {
	e.indexs, e.words = slices.Grow(e.indexs[:0], len(rows)), e.words[:0]
	for _, word := range rows {
		if word == 0 {
			continue
		}
		n := e.remap[word]
		if n == 0 {
			e.words = append(e.words, word)
			n = uint32(len(e.words))
			e.remap[word] = n
		}
		e.indexs = append(e.indexs, int32(n-1))
	}
}

// forget clears the numbering for the next column.
func (e *encoder) forget() {
	for _, word := range e.words {
		e.remap[word] = 0
	}
}

func (e *encoder) wordDictionary(c *chunk, strings []string) error {
	e.values = e.values[:0]
	for _, word := range e.words {
		e.values = appendText(e.values, strings[word-1])
	}
	return e.dictionary(c, len(e.words), e.values)
}

// encodeWords puts the values of one page into e.values.
func (e *encoder) encodeWords(enc format.Encoding, indexs []int32, strings []string) (err error) {
	if enc == format.RLEDictionary {
		if len(indexs) == 0 { // the width of numbers that are not there
			e.values = append(e.values[:0], 0)
			return nil
		}
		e.values, err = new(rle.DictionaryEncoding).EncodeInt32(e.values, indexs)
		return err
	}
	e.values = e.values[:0]
	for _, i := range indexs {
		e.values = appendText(e.values, strings[e.words[i]-1])
	}
	return nil
}

// mark notes which rows are not null and gives how many are.
func (e *encoder) mark(rows []uint32) (nulls int) {
	e.marks = slices.Grow(e.marks[:0], len(rows))[:len(rows)]
	for i, word := range rows {
		on := byte(1)
		if word == 0 {
			on = 0
			nulls++
		}
		e.marks[i] = on
	}
	return nulls
}

// traces writes the trace ids, which come in runs, through a dictionary. It gives
// the distinct ids as well.
func (e *encoder) traces(l leaf, ids []pitwall.TraceID, pageRows int) (*chunk, []pitwall.TraceID, error) {
	var distinct []pitwall.TraceID
	e.indexs, e.values = slices.Grow(e.indexs[:0], len(ids)), e.values[:0]
	for i, id := range ids {
		if i == 0 || id != ids[i-1] {
			distinct = append(distinct, id)
			e.values = append(e.values, id[:]...)
		}
		e.indexs = append(e.indexs, int32(len(distinct)-1))
	}
	c := e.begin(l, format.RLEDictionary)
	if err := e.dictionary(c, len(distinct), e.values); err != nil {
		return nil, nil, err
	}
	if err := e.numbered(c, e.indexs, pageRows); err != nil {
		return nil, nil, err
	}
	return c, distinct, nil
}

func appendText(dst []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(s))), s...)
}

// entries are the attributes without a column, span by span.
type entries struct {
	end   []uint32 // end[i] is one past row i's last entry
	key   []uint32 // dictionary numbers of the batch plus one
	value []uint32
}

// list writes one of the two leaves of attrs: of is the keys or the values.
func (e *encoder) list(l leaf, all *entries, of []uint32, in listOptions) (*chunk, error) {
	e.number(of)
	defer e.forget()
	enc := format.RLEDictionary
	if len(of) == 0 || len(e.words) > minPlain && len(e.words) > len(of)/2 {
		enc = format.Plain
	}
	c := e.begin(l, enc)
	if enc == format.RLEDictionary {
		if err := e.wordDictionary(c, in.strings); err != nil {
			return nil, err
		}
	}
	var repetition []byte
	for from, first := 0, uint32(0); from < len(all.end); from += in.pageRows {
		ends := all.end[from:min(len(all.end), from+in.pageRows)]
		last := ends[len(ends)-1]
		p := page{rows: len(ends)}
		var err error
		if repetition, p.nulls, err = e.nest(repetition, ends, first); err != nil {
			return nil, err
		}
		p.values, p.repetition, p.definition = int(last-first)+p.nulls, repetition, e.levels
		if err := e.encodeWords(enc, e.indexs[first:last], in.strings); err != nil {
			return nil, err
		}
		p.data = e.values
		if err := e.data(c, p, from); err != nil {
			return nil, err
		}
		first = last
	}
	return c, nil
}

type listOptions struct {
	strings  []string
	pageRows int
}

// nest encodes the levels of a list: a row's first entry has repetition 0, its
// others 1; a row without entries is one null. Definition levels are left in
// e.levels.
func (e *encoder) nest(repetition []byte, ends []uint32, first uint32) (_ []byte, nulls int, err error) {
	size := int(ends[len(ends)-1]-first) + len(ends)
	repeated := make([]byte, 0, size)
	e.marks = slices.Grow(e.marks[:0], size)
	for _, end := range ends {
		switch {
		case end == first:
			nulls++
			repeated, e.marks = append(repeated, 0), append(e.marks, 0)
		default:
			for i := first; i < end; i++ {
				again := byte(1)
				if i == first {
					again = 0
				}
				repeated, e.marks = append(repeated, again), append(e.marks, 1)
			}
		}
		first = end
	}
	levels := &rle.Encoding{BitWidth: 1}
	if repetition, err = levels.EncodeLevels(repetition, repeated); err != nil {
		return nil, 0, err
	}
	e.levels, err = levels.EncodeLevels(e.levels, e.marks)
	return repetition, nulls, err
}
