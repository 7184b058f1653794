package block

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"github.com/klauspost/compress/snappy"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// maxPage bounds one page before compression; Parquet's lengths are 31 bit.
const maxPage = 1 << 30

// encoder makes pages and column chunks. Its buffers are used again and again;
// it belongs to one Write.
type encoder struct {
	out    *output
	header bytes.Buffer
	thrift *thrift.Encoder

	values []byte // of a page
	levels []byte
	packed []byte
	marks  []byte // definition levels before they are packed
	indexs []int32
	ints   []int64
	remap  []uint32 // dictionary of the batch -> dictionary of the chunk, from 1
	words  []uint32 // dictionary of the chunk -> of the batch
}

// newEncoder makes an encoder for text numbered up to words.
func newEncoder(out *output, words int) *encoder {
	e := &encoder{out: out, remap: make([]uint32, words+1)}
	e.thrift = thrift.NewEncoder(new(thrift.CompactProtocol).NewWriter(&e.header))
	return e
}

// page is one data page to be written. Levels are encoded already.
type page struct {
	rows, values, nulls int
	repetition          []byte
	definition          []byte
	data                []byte
}

// chunk is what the footer says of one column of one row group.
type chunk struct {
	meta  format.ColumnMetaData
	pages []format.PageLocation
	// bounds of the values of each page; of integer columns
	least, most []int64
}

// begin opens the chunk of a leaf at the present place of the file. Only text is
// compressed: ids and differences are as good as random. Snappy, because reading
// it needs no state and bounds what a page becomes; zstd makes blocks of unique
// texts a tenth smaller and others not, at the same cost of writing.
func (e *encoder) begin(l leaf, enc format.Encoding) *chunk {
	c := &chunk{meta: format.ColumnMetaData{
		Type:         l.physical,
		Encoding:     thrift.Slice[format.Encoding]{format.RLE, enc},
		PathInSchema: l.path(),
		Codec:        format.Uncompressed,
	}}
	if l.physical == format.ByteArray {
		c.meta.Codec = format.Snappy
	}
	if enc == format.RLEDictionary {
		c.meta.Encoding = append(c.meta.Encoding, format.Plain)
	}
	return c
}

// encoding is that of the chunk's data pages.
func (c *chunk) encoding() format.Encoding { return c.meta.Encoding[1] }

// dictionary writes the dictionary page; plain has n values in plain encoding.
func (e *encoder) dictionary(c *chunk, n int, plain []byte) error {
	body := plain
	if c.meta.Codec == format.Snappy { // a dictionary page has no flag that says it is not compressed
		body = e.compress(plain)
	}
	h := format.PageHeader{Type: format.DictionaryPage}
	h.DictionaryPageHeader.Set(format.DictionaryPageHeader{NumValues: int32(n), Encoding: format.Plain})
	c.meta.DictionaryPageOffset = e.out.offset
	_, err := e.write(c, h, len(plain), body)
	return err
}

// data writes one data page, compressed if that saves an eighth.
func (e *encoder) data(c *chunk, p page, firstRow int) error {
	body, packed := p.data, false
	if c.meta.Codec == format.Snappy && len(body) > 64 {
		if small := e.compress(body); len(small) < len(body)-len(body)/8 {
			body, packed = small, true
		}
	}
	h := format.PageHeader{Type: format.DataPageV2}
	v2 := format.DataPageHeaderV2{
		NumValues: int32(p.values), NumNulls: int32(p.nulls), NumRows: int32(p.rows), Encoding: c.encoding(),
		DefinitionLevelsByteLength: int32(len(p.definition)), RepetitionLevelsByteLength: int32(len(p.repetition)),
		IsCompressed: thrift.New(packed),
	}
	h.DataPageHeaderV2.Set(v2)
	if len(c.pages) == 0 {
		c.meta.DataPageOffset = e.out.offset
	}
	location := format.PageLocation{Offset: e.out.offset, FirstRowIndex: int64(firstRow)}
	size, err := e.write(c, h, len(p.repetition)+len(p.definition)+len(p.data), p.repetition, p.definition, body)
	location.CompressedPageSize = int32(size)
	c.pages = append(c.pages, location)
	c.meta.NumValues += int64(p.values)
	c.meta.Statistics.NullCount += int64(p.nulls)
	return err
}

func (e *encoder) compress(plain []byte) []byte {
	e.packed = slices.Grow(e.packed[:0], max(0, snappy.MaxEncodedLen(len(plain))))
	return snappy.Encode(e.packed[:cap(e.packed)], plain)
}

// write puts a page with its header into the file and gives the size of both.
func (e *encoder) write(c *chunk, h format.PageHeader, plainSize int, parts ...[]byte) (int, error) {
	size, sum := 0, uint32(0)
	for _, part := range parts {
		size += len(part)
		sum = crc32.Update(sum, crc32.IEEETable, part)
	}
	if max(size, plainSize) > maxPage {
		return 0, fmt.Errorf("a page of %s has %d bytes, at most %d are possible", c.meta.PathInSchema, plainSize, maxPage)
	}
	h.UncompressedPageSize, h.CompressedPageSize, h.CRC = int32(plainSize), int32(size), int32(sum)
	e.header.Reset()
	if err := e.thrift.Encode(&h); err != nil {
		return 0, err
	}
	c.meta.TotalUncompressedSize += int64(e.header.Len() + plainSize)
	c.meta.TotalCompressedSize += int64(e.header.Len() + size)
	if err := e.out.write(e.header.Bytes()); err != nil {
		return 0, err
	}
	for _, part := range parts {
		if err := e.out.write(part); err != nil {
			return 0, err
		}
	}
	return e.header.Len() + size, nil
}

// ids writes 64-bit numbers as they are: they are random, nothing makes them
// smaller.
func (e *encoder) ids(l leaf, ids []uint64, pageRows int) (*chunk, error) {
	c := e.begin(l, format.Plain)
	for from := 0; from < len(ids); from += pageRows {
		rows := ids[from:min(len(ids), from+pageRows)]
		e.values = e.values[:0]
		for _, id := range rows {
			e.values = binary.LittleEndian.AppendUint64(e.values, id)
		}
		if err := e.data(c, page{rows: len(rows), values: len(rows), data: e.values}, from); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// nearParents is how far back a parent is looked for among those seen last.
const nearParents = 32

// parents writes the parents' ids through a dictionary, because spans of one
// trace share them; the same id may have several entries. Chains of spans, each
// with a parent of its own, are written as they are.
func (e *encoder) parents(l leaf, ids []uint64, pageRows int) (*chunk, error) {
	distinct := append(make([]uint64, 0, len(ids)/2+1), 0) // 0: root
	e.indexs = slices.Grow(e.indexs[:0], len(ids))
	for _, id := range ids {
		if len(distinct) > len(ids)*3/4 {
			return e.ids(l, ids, pageRows)
		}
		at := 0
		if id != 0 {
			low := max(1, len(distinct)-nearParents)
			if at = low + slices.Index(distinct[low:], id); at < low {
				at = len(distinct)
				distinct = append(distinct, id)
			}
		}
		e.indexs = append(e.indexs, int32(at))
	}
	e.values = e.values[:0]
	for _, id := range distinct {
		e.values = binary.LittleEndian.AppendUint64(e.values, id)
	}
	c := e.begin(l, format.RLEDictionary)
	if err := e.dictionary(c, len(distinct), e.values); err != nil {
		return nil, err
	}
	return c, e.numbered(c, e.indexs, pageRows)
}

// numbered writes dictionary numbers, which no row lacks.
func (e *encoder) numbered(c *chunk, rows []int32, pageRows int) (err error) {
	for from := 0; from < len(rows); from += pageRows {
		part := rows[from:min(len(rows), from+pageRows)]
		if e.values, err = new(rle.DictionaryEncoding).EncodeInt32(e.values, part); err != nil {
			return err
		}
		if err := e.data(c, page{rows: len(part), values: len(part), data: e.values}, from); err != nil {
			return err
		}
	}
	return nil
}

// bools writes one bit per row.
func (e *encoder) bools(l leaf, rows []bool, pageRows int) (*chunk, error) {
	c := e.begin(l, format.Plain)
	for from := 0; from < len(rows); from += pageRows {
		part := rows[from:min(len(rows), from+pageRows)]
		e.values = slices.Grow(e.values[:0], len(part)/8+1)[:(len(part)+7)/8]
		clear(e.values)
		for i, on := range part {
			if on {
				e.values[i/8] |= 1 << (i % 8)
			}
		}
		if err := e.data(c, page{rows: len(part), values: len(part), data: e.values}, from); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// integers writes numbers by their differences; in an optional column -1 is
// null.
func (e *encoder) integers(l leaf, rows []int64, pageRows int) (*chunk, error) {
	c := e.begin(l, format.DeltaBinaryPacked)
	for from := 0; from < len(rows); from += pageRows {
		part := rows[from:min(len(rows), from+pageRows)]
		p := page{rows: len(part), values: len(part)}
		if l.optional {
			part = e.present(part)
			p.nulls = p.rows - len(part)
			if err := e.define(&p); err != nil {
				return nil, err
			}
		}
		c.bound(part)
		var err error
		if e.values, err = new(delta.BinaryPackedEncoding).EncodeInt64(e.values, part); err != nil {
			return nil, err
		}
		p.data = e.values
		if err := e.data(c, p, from); err != nil {
			return nil, err
		}
	}
	c.summarise()
	return c, nil
}

// present copies what is not -1 and marks where it was.
func (e *encoder) present(rows []int64) []int64 {
	e.ints, e.marks = slices.Grow(e.ints[:0], len(rows)), slices.Grow(e.marks[:0], len(rows))
	for _, v := range rows {
		if v == -1 {
			e.marks = append(e.marks, 0)
			continue
		}
		e.marks = append(e.marks, 1)
		e.ints = append(e.ints, v)
	}
	return e.ints
}

// define packs the marks as the definition levels of the page.
func (e *encoder) define(p *page) (err error) {
	e.levels, err = (&rle.Encoding{BitWidth: 1}).EncodeLevels(e.levels, e.marks)
	p.definition = e.levels
	return err
}

func (c *chunk) bound(values []int64) {
	least, most := int64(math.MaxInt64), int64(math.MinInt64)
	for _, v := range values {
		least, most = min(least, v), max(most, v)
	}
	c.least, c.most = append(c.least, least), append(c.most, most)
}

// summarise gives the chunk the bounds of its pages.
func (c *chunk) summarise() {
	if c.meta.NumValues == c.meta.Statistics.NullCount {
		return
	}
	c.meta.Statistics.MinValue = binary.LittleEndian.AppendUint64(nil, uint64(slices.Min(c.least)))
	c.meta.Statistics.MaxValue = binary.LittleEndian.AppendUint64(nil, uint64(slices.Max(c.most)))
}
