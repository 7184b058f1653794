package block

import (
	"context"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/klauspost/compress/snappy"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// maxEntries bounds the attributes in one page of attrs, because run lengths let
// a few bytes stand for many.
const maxEntries = 1 << 24

// padding is how many bytes behind a page the unpacking of bits may look at.
const padding = 64

// reader decodes pages of one block for one question. It holds one page of each
// column that the question reads, and the dictionaries of one row group.
type reader struct {
	b     *Block
	ctx   context.Context
	group int
	page  int // within the group
	first int // row of the group
	rows  int // of the page

	raw     []byte
	plain   []byte
	thrift  thrift.BytesReader
	decode  *thrift.Decoder
	header  format.PageHeader
	levels  []byte
	values  []int32
	traceOf []int32 // of traces

	dictionaries []*dictionary // of the group, by leaf; nil: not read yet
	texts        []textPage    // by leaf
	numbers      map[int]*numberPage
	rest         listPage
	defined      []byte
	matched      []uint32
}

// body is one data page taken apart.
type body struct {
	values, nulls          int
	repetition, definition []byte
	data                   []byte
}

func (b *Block) newReader(ctx context.Context) *reader {
	r := &reader{b: b, ctx: ctx, thrift: new(thrift.CompactProtocol).NewReaderFromBytes(nil), group: -1}
	r.decode = thrift.NewDecoder(r.thrift)
	r.dictionaries, r.texts, r.numbers = make([]*dictionary, len(b.names)), make([]textPage, len(b.names)), map[int]*numberPage{}
	return r
}

// enter turns to a row group; what was read of another is forgotten.
func (r *reader) enter(group int) {
	if r.group != group {
		r.group, r.page = group, -1
		clear(r.dictionaries)
	}
}

// turn turns to a page of the group.
func (r *reader) turn(page int) error {
	r.page, r.first = page, page*r.b.notes.PageRows
	r.rows = min(r.b.notes.PageRows, r.b.groups[r.group].rows-r.first)
	return r.ctx.Err()
}

// where words the present place for an error.
func (r *reader) where(leaf int, err error) error {
	return fmt.Errorf("row group %d, page %d of column %s: %w", r.group, r.page, r.b.names[leaf], err)
}

// fetch reads a page and checks it against its header and checksum.
func (r *reader) fetch(at span, packable bool) (body []byte, err error) {
	defer rescue(&err)
	r.raw = slices.Grow(r.raw[:0], int(at.size)+padding)[:at.size]
	if _, err := r.b.file.ReadAt(r.raw, at.offset); err != nil {
		return nil, err
	}
	r.thrift.ResetBytes(r.raw)
	r.header = format.PageHeader{}
	if err := r.decode.Decode(&r.header); err != nil {
		return nil, damaged("its header: %v", err)
	}
	body = r.raw[r.thrift.BytesRead():]
	h := &r.header
	if int(h.CompressedPageSize) != len(body) || uint32(h.CRC) != crc32.ChecksumIEEE(body) {
		return nil, damaged("wrong checksum")
	}
	// Snappy makes at most 22 of one byte, so a forged size allocates little.
	if h.UncompressedPageSize < 0 || int64(h.UncompressedPageSize) > 64*int64(len(body))+64 || !packable && int(h.UncompressedPageSize) != len(body) {
		return nil, damaged("%d bytes become %d", len(body), h.UncompressedPageSize)
	}
	return body, nil
}

// unpack gives the size bytes that were compressed into data.
func (r *reader) unpack(data []byte, size int) ([]byte, error) {
	n, err := snappy.DecodedLen(data)
	if err != nil || n != size {
		return nil, damaged("not compressed as its header says")
	}
	r.plain = slices.Grow(r.plain[:0], size+padding)
	if r.plain, err = snappy.Decode(r.plain[:size], data); err != nil {
		return nil, damaged("%v", err)
	}
	return r.plain, nil
}

// data reads the present page of a column.
func (r *reader) data(leaf int) (p body, err error) {
	c := &r.b.groups[r.group].columns[leaf]
	raw, err := r.fetch(c.pages[r.page], c.packed)
	if err != nil {
		return body{}, err
	}
	v, ok := r.header.DataPageHeaderV2.Get()
	if !ok || r.header.Type != format.DataPageV2 || v.Encoding != c.encoding || int(v.NumRows) != r.rows ||
		v.NumNulls < 0 || v.NumNulls > v.NumValues {
		return body{}, damaged("its header does not fit")
	}
	if list := leaf >= len(r.b.names)-listLeaves; !list && v.NumValues != v.NumRows || v.NumValues < v.NumRows || v.NumValues > maxEntries {
		return body{}, damaged("%d values in %d rows", v.NumValues, v.NumRows)
	}
	rep, def := int(v.RepetitionLevelsByteLength), int(v.DefinitionLevelsByteLength)
	if rep < 0 || def < 0 || rep+def > len(raw) {
		return body{}, damaged("its levels do not fit")
	}
	p = body{int(v.NumValues), int(v.NumNulls), raw[:rep], raw[rep : rep+def], raw[rep+def:]}
	size := int(r.header.UncompressedPageSize) - rep - def
	// A page is compressed only if that makes it smaller, so that the flag and
	// the sizes vouch for each other.
	if v.IsCompressed.V != (size != len(p.data)) || v.IsCompressed.V && !c.packed || size < 0 {
		return body{}, damaged("its sizes do not fit")
	}
	if v.IsCompressed.V {
		p.data, err = r.unpack(p.data, size)
	}
	return p, err
}
