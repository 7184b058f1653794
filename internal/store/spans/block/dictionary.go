package block

import (
	"encoding/binary"
	"slices"

	"github.com/parquet-go/parquet-go/format"
)

// dictionary holds texts by number.
type dictionary struct {
	data []byte
	ends []uint32 // word i ends before ends[i] and begins four bytes after ends[i-1]
}

func (d *dictionary) word(i uint32) []byte {
	from := uint32(0)
	if i > 0 {
		from = d.ends[i-1]
	}
	return d.data[from+4 : d.ends[i]]
}

// parse notes where the n texts of data are.
func (d *dictionary) parse(data []byte, n int) error {
	d.data, d.ends = data, slices.Grow(d.ends[:0], n)
	at := 0
	for range n {
		if len(data)-at < 4 {
			return damaged("its texts end early")
		}
		size := int64(binary.LittleEndian.Uint32(data[at:]))
		if size > int64(len(data)-at-4) {
			return damaged("its texts end early")
		}
		at += 4 + int(size)
		d.ends = append(d.ends, uint32(at))
	}
	if at != len(data) {
		return damaged("bytes behind its texts")
	}
	return nil
}

// find gives the numbers of a word: a table with true for each, nil for none.
func (d *dictionary) find(word string) (hits []bool) {
	from := uint32(0)
	for i, end := range d.ends {
		if int(end-from) == len(word)+4 && string(d.data[from+4:end]) == word {
			if hits == nil {
				hits = make([]bool, len(d.ends))
			}
			hits[i] = true
		}
		from = end
	}
	return hits
}

// dictionaryPage reads the dictionary page of a column: n values in plain
// encoding, in memory of its own.
func (r *reader) dictionaryPage(leaf int) (plain []byte, n int, err error) {
	c := &r.b.groups[r.group].columns[leaf]
	raw, err := r.fetch(c.dictionary, c.packed)
	if err != nil {
		return nil, 0, err
	}
	h, ok := r.header.DictionaryPageHeader.Get()
	// Every value takes at least four bytes.
	if !ok || r.header.Type != format.DictionaryPage || h.Encoding != format.Plain || h.NumValues < 0 || h.NumValues > r.header.UncompressedPageSize/4 {
		return nil, 0, damaged("its dictionary's header does not fit")
	}
	if c.packed {
		if raw, err = r.unpack(raw, int(r.header.UncompressedPageSize)); err != nil {
			return nil, 0, err
		}
	}
	return append([]byte(nil), raw...), int(h.NumValues), nil
}

// words gives the dictionary of a column of text; nil: it has none.
func (r *reader) words(leaf int) (*dictionary, error) {
	c := &r.b.groups[r.group].columns[leaf]
	if c.encoding != format.RLEDictionary {
		return nil, nil
	}
	if d := r.dictionaries[leaf]; d != nil {
		return d, nil
	}
	plain, n, err := r.dictionaryPage(leaf)
	if err != nil {
		return nil, r.where(leaf, err)
	}
	d := &dictionary{}
	if err := d.parse(plain, n); err != nil {
		return nil, r.where(leaf, err)
	}
	r.dictionaries[leaf] = d
	return d, nil
}

// fixedDictionary gives the dictionary of a column whose values have size bytes.
func (r *reader) fixedDictionary(leaf, size int) (*dictionary, error) {
	if d := r.dictionaries[leaf]; d != nil {
		return d, nil
	}
	plain, n, err := r.dictionaryPage(leaf)
	if err == nil && len(plain) != n*size {
		err = damaged("%d bytes for %d ids", len(plain), n)
	}
	if err != nil {
		return nil, r.where(leaf, err)
	}
	d := &dictionary{data: plain}
	r.dictionaries[leaf] = d
	return d, nil
}
