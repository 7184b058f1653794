package block

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/pitwall/pitwall"
)

const (
	magic     = "PAR1"
	sealMagic = "PITWALL1" // before the checksum of the footer
	sealBytes = len(sealMagic) + 4
	metaKey   = "pitwall.block"
	// formatVersion rises when an old binary could not read a new block.
	formatVersion = 1
	bloomBits     = 10 // per trace: about one in a hundred is looked for in vain
)

// notes are the footer's entry pitwall.block.
type notes struct {
	Format  int    `json:"format"`
	First   uint64 `json:"first"`
	Last    uint64 `json:"last"`
	Arrival int64  `json:"arrival_ns"`
	// PageRows and GroupRows are how many rows a page and a row group have; the
	// last has fewer.
	PageRows  int `json:"page_rows"`
	GroupRows int `json:"group_rows"`
	// Bounds of every page, page by page.
	MinEnd      []int64 `json:"min_end_ns"`
	MaxEnd      []int64 `json:"max_end_ns"`
	MaxDuration []int64 `json:"max_duration_ns"`
	// Filters holds the checksum of every row group's Bloom filter.
	Filters []uint32 `json:"filter_crc32"`
	// Index is where the page locations of all columns are, and their checksum.
	Index      int64  `json:"index"`
	IndexBytes int    `json:"index_bytes"`
	IndexSum   uint32 `json:"index_crc32"`
}

// footer collects what is known only when the row groups are written.
type footer struct {
	notes  notes
	groups []format.RowGroup
	chunks [][]*chunk
}

// bounds notes the time range of each page of these rows.
func (f *footer) bounds(w *writer, rows []uint32) {
	b := w.r.Batch
	for from := 0; from < len(rows); from += w.page {
		minEnd, maxEnd, longest := int64(math.MaxInt64), int64(math.MinInt64), int64(math.MinInt64)
		for _, row := range rows[from:min(len(rows), from+w.page)] {
			end := b.Start[row] + b.Duration[row]
			minEnd, maxEnd, longest = min(minEnd, end), max(maxEnd, end), max(longest, b.Duration[row])
		}
		n := &f.notes
		n.MinEnd, n.MaxEnd, n.MaxDuration = append(n.MinEnd, minEnd), append(n.MaxEnd, maxEnd), append(n.MaxDuration, longest)
	}
}

// group ends a row group: its Bloom filter and its entry in the footer.
func (f *footer) group(w *writer, chunks []*chunk, rows int, traces []pitwall.TraceID) error {
	if len(f.groups) == math.MaxInt16 {
		return fmt.Errorf("the texts are so long that %d row groups do not hold them", math.MaxInt16)
	}
	g := format.RowGroup{NumRows: int64(rows), Ordinal: int16(len(f.groups)), FileOffset: firstOffset(chunks[0])}
	if err := f.filter(w, chunks[colTrace], traces); err != nil {
		return err
	}
	for _, c := range chunks {
		g.TotalByteSize += c.meta.TotalUncompressedSize
		g.TotalCompressedSize += c.meta.TotalCompressedSize
	}
	f.groups, f.chunks = append(f.groups, g), append(f.chunks, chunks)
	return nil
}

func firstOffset(c *chunk) int64 {
	if c.meta.DictionaryPageOffset != 0 {
		return c.meta.DictionaryPageOffset
	}
	return c.meta.DataPageOffset
}

// filter writes the Bloom filter of the traces.
func (f *footer) filter(w *writer, c *chunk, traces []pitwall.TraceID) error {
	blocks := make(bloom.SplitBlockFilter, bloom.NumSplitBlocksOf(int64(len(traces)), bloomBits))
	for _, id := range traces {
		blocks.Insert(hashOf(id))
	}
	h := format.BloomFilterHeader{NumBytes: int32(len(blocks.Bytes()))}
	h.Algorithm.Value, h.Hash.Value, h.Compression.Value = new(format.SplitBlockAlgorithm), new(format.XxHash), new(format.BloomFilterUncompressed)
	header, err := thrift.Marshal(new(thrift.CompactProtocol), &h)
	if err != nil {
		return err
	}
	c.meta.BloomFilterOffset, c.meta.BloomFilterLength = w.out.offset, int32(len(header)+len(blocks.Bytes()))
	f.notes.Filters = append(f.notes.Filters, crc32.Update(crc32.ChecksumIEEE(header), crc32.IEEETable, blocks.Bytes()))
	if err := w.out.write(header); err != nil {
		return err
	}
	return w.out.write(blocks.Bytes())
}

func hashOf(id pitwall.TraceID) uint64 { return bloom.XXH64{}.Sum64Uint128(id) }

// finish writes the page locations, the footer with its seal, and the end.
func (w *writer) finish(o WriteOptions) (Meta, error) {
	m := Meta{Spans: len(w.order), First: o.First, Last: o.Last, Arrival: o.Arrival}
	n := &w.foot.notes
	m.MinEnd, m.MaxEnd = boundsOf(n)
	n.Format, n.First, n.Last, n.Arrival, n.PageRows, n.GroupRows = formatVersion, o.First, o.Last, o.Arrival, w.page, w.group
	if err := w.foot.index(w.out); err != nil {
		return Meta{}, err
	}
	text, err := json.Marshal(n)
	if err != nil {
		return Meta{}, err
	}
	meta := &format.FileMetaData{
		Version: 2, Schema: schemaOf(w.leaves), NumRows: int64(len(w.order)), RowGroups: w.foot.groups, CreatedBy: "pitwall",
		KeyValueMetadata: []format.KeyValue{{Key: metaKey, Value: string(text)}},
	}
	for range w.leaves {
		meta.ColumnOrders = append(meta.ColumnOrders, format.ColumnOrder{Value: new(format.TypeDefinedOrder)})
	}
	body, err := thrift.Marshal(new(thrift.CompactProtocol), meta)
	if err != nil {
		return Meta{}, err
	}
	tail := append([]byte(nil), sealMagic...)
	tail = binary.LittleEndian.AppendUint32(tail, crc32.ChecksumIEEE(body))
	tail = append(tail, body...)
	tail = binary.LittleEndian.AppendUint32(tail, uint32(len(body)))
	if err := w.out.write(append(tail, magic...)); err != nil {
		return Meta{}, err
	}
	m.Bytes = w.out.offset
	return m, nil
}

// index writes where every page is and completes the row groups' entries.
func (f *footer) index(out *output) error {
	var buf bytes.Buffer
	encoder := thrift.NewEncoder(new(thrift.CompactProtocol).NewWriter(&buf))
	f.notes.Index = out.offset
	for g, chunks := range f.chunks {
		for _, c := range chunks {
			from := buf.Len()
			if err := encoder.Encode(&format.OffsetIndex{PageLocations: c.pages}); err != nil {
				return err
			}
			f.groups[g].Columns = append(f.groups[g].Columns, format.ColumnChunk{
				MetaData: c.meta, OffsetIndexOffset: out.offset + int64(from), OffsetIndexLength: int32(buf.Len() - from),
			})
		}
	}
	f.notes.IndexBytes, f.notes.IndexSum = buf.Len(), crc32.ChecksumIEEE(buf.Bytes())
	return out.write(buf.Bytes())
}

func boundsOf(n *notes) (minEnd, maxEnd int64) {
	minEnd, maxEnd = int64(math.MaxInt64), int64(math.MinInt64)
	for i := range n.MinEnd {
		minEnd, maxEnd = min(minEnd, n.MinEnd[i]), max(maxEnd, n.MaxEnd[i])
	}
	return minEnd, maxEnd
}
