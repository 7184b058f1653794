package rollup

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
)

// A file is sections, one footer, one trailer:
//
//	for each hour the rows of its minutes, then the rows of the hour
//	keys
//	footer: what the file covers, and where each section is, with its checksum
//	footer's length, 4 bytes | its CRC-32C, 4 | magic "PWR1", 4
//
// Numbers are varints unless said otherwise. Minutes are left out of hours that
// are long over.
const (
	magic       = "PWR1"
	trailerSize = 12
)

// castagnoli is read-only.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Cover is a stretch of the span log that a file adds up, both ends included.
type Cover struct {
	First, Last uint64
	Block       bool // its spans were put into a block
}

// section is where some bytes of the file are.
type section struct {
	offset, size int64
	sum          uint32
}

// hour is what a file holds of an hour.
type hour struct {
	hour    int64 // unix hours
	minutes section
	whole   section
}

// footer is what is known of a file without reading its rows.
type footer struct {
	covers  []Cover
	settled bool // not the last cut any more, whatever files come after
	keys    section
	hours   []hour // rising
	arrival int64  // of the newest span, unix nanoseconds
}

// writer writes a file front to back.
type writer struct {
	w      *bufio.Writer
	offset int64
	err    error
	buf    []byte
	keys   []Key // of the whole file, as they are met
	index  map[Key]uint32
}

func newWriter(w io.Writer) *writer {
	return &writer{w: bufio.NewWriterSize(w, 1<<16), index: map[Key]uint32{}}
}

// number gives a key its number in the file.
func (w *writer) number(k Key) uint32 {
	n, ok := w.index[k]
	if !ok {
		n = uint32(len(w.keys))
		w.index[k] = n
		w.keys = append(w.keys, k)
	}
	return n
}

// section writes some bytes and says where they are.
func (w *writer) section(data []byte) section {
	s := section{offset: w.offset, size: int64(len(data)), sum: crc32.Checksum(data, castagnoli)}
	if w.err == nil {
		_, w.err = w.w.Write(data)
	}
	w.offset += s.size
	return s
}

// rows writes a table whose minutes lie in one hour.
func (w *writer) rows(t *Table, hour int64) section {
	const unset = 1<<32 - 1
	number := make([]uint32, len(t.Keys))
	for i := range number {
		number[i] = unset
	}
	b := binary.AppendUvarint(w.buf[:0], uint64(len(t.Rows)))
	for _, r := range t.Rows {
		if number[r.Key] == unset {
			number[r.Key] = w.number(t.Keys[r.Key])
		}
		b = binary.AppendUvarint(b, uint64(r.Minute-hour*60))
		b = binary.AppendUvarint(b, uint64(number[r.Key]))
		for _, v := range [...]int64{r.Count, r.Failed, r.Closed, r.Total, r.Self, r.Critical, int64(len(r.Bins))} {
			b = binary.AppendUvarint(b, uint64(v))
		}
		last := int32(0)
		for _, bin := range r.Bins {
			b = binary.AppendUvarint(b, uint64(bin.Bucket-last))
			b = binary.AppendUvarint(b, uint64(bin.N))
			last = bin.Bucket
		}
	}
	w.buf = b
	return w.section(b)
}

func (w *writer) keySection() section {
	b := binary.AppendUvarint(w.buf[:0], uint64(len(w.keys)))
	for _, k := range w.keys {
		for _, s := range [...]string{string(k.Service), string(k.Version), k.Operation, k.Peer} {
			b = binary.AppendUvarint(b, uint64(len(s)))
			b = append(b, s...)
		}
		b = append(b, byte(k.Kind))
	}
	w.buf = b
	return w.section(b)
}

// finish writes keys, footer and trailer.
func (w *writer) finish(f footer) error {
	f.keys = w.keySection()
	b := binary.AppendUvarint(w.buf[:0], uint64(len(f.covers)))
	for _, c := range f.covers {
		b = binary.AppendUvarint(b, c.First)
		b = binary.AppendUvarint(b, c.Last)
		b = append(b, bit(c.Block))
	}
	b = append(b, bit(f.settled))
	b = binary.AppendVarint(b, f.arrival)
	b = appendSection(b, f.keys)
	b = binary.AppendUvarint(b, uint64(len(f.hours)))
	for _, h := range f.hours {
		b = binary.AppendVarint(b, h.hour)
		b = appendSection(b, h.minutes)
		b = appendSection(b, h.whole)
	}
	sum := crc32.Checksum(b, castagnoli)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(b)))
	b = binary.LittleEndian.AppendUint32(b, sum)
	b = append(b, magic...)
	w.buf = b
	w.section(b)
	if w.err == nil {
		w.err = w.w.Flush()
	}
	return w.err
}

func appendSection(b []byte, s section) []byte {
	b = binary.AppendUvarint(b, uint64(s.offset))
	b = binary.AppendUvarint(b, uint64(s.size))
	return binary.LittleEndian.AppendUint32(b, s.sum)
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
