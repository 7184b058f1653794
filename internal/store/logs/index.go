package logs

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/logs"
)

const (
	indexVersion = 1
	maxExample   = 1024 // bytes of a pattern's example
	minute       = int64(60e9)
)

// index says what is in a block without its records.
type index struct {
	series     []series // with examples
	chunks     []chunkInfo
	cells      []cell // by series, then minute
	deliveries []delivery
}

// chunkInfo is one chunk of a block.
type chunkInfo struct {
	at           int64 // where in the file its frame begins
	size         int   // of the frame
	rows         int
	minAt, maxAt int64
	series       []uint32 // the chunk's series by number as the block numbers them
}

// cell counts the records of one series in one minute.
type cell struct {
	series      uint32
	minute      int64 // since 1970
	count       int64
	first, last int64 // unix nanoseconds
}

// minuteOf rounds down, also before 1970.
func minuteOf(at int64) int64 {
	m := at / minute
	if at%minute < 0 {
		m--
	}
	return m
}

// indexOf adds up full chunks; where they lie in the file is filled in later.
func indexOf(chunks []*chunk) *index {
	ix := &index{chunks: make([]chunkInfo, len(chunks))}
	numbers := map[seriesKey]uint32{}
	type place struct {
		series uint32
		minute int64
	}
	cells := map[place]*cell{}
	for i, c := range chunks {
		info := &ix.chunks[i]
		*info = chunkInfo{rows: c.rows(), minAt: c.minAt, maxAt: c.maxAt, series: make([]uint32, len(c.series))}
		ix.deliveries = append(ix.deliveries, c.deliveries...)
		for k := range c.series {
			s := c.series[k]
			n, old := numbers[s.seriesKey]
			if !old {
				n = uint32(len(ix.series))
				numbers[s.seriesKey] = n
				s.example = exampleOf(c.textOf(int(s.first)))
				ix.series = append(ix.series, s)
			}
			info.series[k] = n
		}
		var last *cell
		for row, at := range c.at {
			p := place{info.series[c.number[row]], minuteOf(at)}
			if last == nil || last.series != p.series || last.minute != p.minute {
				if last = cells[p]; last == nil {
					last = &cell{series: p.series, minute: p.minute, first: at, last: at}
					cells[p] = last
				}
			}
			last.count++
			last.first, last.last = min(last.first, at), max(last.last, at)
		}
	}
	for _, c := range cells {
		ix.cells = append(ix.cells, *c)
	}
	slices.SortFunc(ix.cells, func(x, y cell) int {
		return cmp.Or(cmp.Compare(x.series, y.series), cmp.Compare(x.minute, y.minute))
	})
	return ix
}

// exampleOf is a text short enough for an example.
func exampleOf(text []byte) string {
	n := min(len(text), maxExample)
	for n > 0 && n < len(text) && text[n]&0xc0 == 0x80 { // not in the middle of a rune
		n--
	}
	return string(text[:n])
}

// encodeIndex writes names once, and templates and examples together, so that
// reading them makes few strings.
func encodeIndex(dst []byte, ix *index) []byte {
	dst = append(dst, indexVersion)
	numbers, names := map[string]uint64{}, []string(nil)
	number := func(name string) uint64 {
		n, old := numbers[name]
		if !old {
			n = uint64(len(names))
			numbers[name] = n
			names = append(names, name)
		}
		return n
	}
	var rows, text []byte
	for i := range ix.series {
		s := &ix.series[i]
		rows = binary.AppendUvarint(binary.AppendUvarint(rows, number(string(s.service))), number(string(s.version)))
		rows = binary.LittleEndian.AppendUint64(append(rows, byte(s.severity)), s.pattern)
		rows = binary.AppendUvarint(binary.AppendUvarint(rows, uint64(len(s.template))), uint64(len(s.example)))
		text = append(append(text, s.template...), s.example...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(names)))
	for _, name := range names {
		dst = appendText(dst, name)
	}
	dst = append(binary.AppendUvarint(dst, uint64(len(ix.series))), rows...)
	dst = append(binary.AppendUvarint(dst, uint64(len(text))), text...)
	dst = binary.AppendUvarint(dst, uint64(len(ix.chunks)))
	for i := range ix.chunks {
		c := &ix.chunks[i]
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(c.at)), uint64(c.size))
		dst = binary.AppendUvarint(dst, uint64(c.rows))
		dst = binary.AppendVarint(binary.AppendVarint(dst, c.minAt), c.maxAt)
		dst = binary.AppendUvarint(dst, uint64(len(c.series)))
		dst = appendNumbers(dst, c.series)
	}
	dst = binary.AppendUvarint(dst, uint64(len(ix.cells)))
	last := int64(0)
	for _, c := range ix.cells {
		dst = binary.AppendUvarint(dst, uint64(c.series))
		dst = binary.AppendVarint(dst, c.minute-last)
		dst = binary.AppendUvarint(dst, uint64(c.count))
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(c.first-c.minute*minute)), uint64(c.last-c.first))
		last = c.minute
	}
	dst = binary.AppendUvarint(dst, uint64(len(ix.deliveries)))
	for _, d := range ix.deliveries {
		dst = binary.LittleEndian.AppendUint64(dst, d.number)
		dst = binary.AppendVarint(dst, d.arrival)
	}
	return dst
}

// decodeIndex reads what encodeIndex wrote, and checks it as decodeChunk does.
func decodeIndex(data []byte) (*index, error) {
	r := &reader{data: data}
	if v := r.byte(); v != indexVersion {
		return nil, fmt.Errorf("index version %d, this binary reads %d", v, indexVersion)
	}
	ix := &index{}
	if err := r.namedSeries(ix); err != nil {
		return nil, err
	}
	ix.chunks = make([]chunkInfo, r.count(6))
	for i := range ix.chunks {
		c := &ix.chunks[i]
		c.at, c.size, c.rows = int64(r.uvarint()), int(r.uvarint()), int(r.uvarint())
		c.minAt, c.maxAt = r.varint(), r.varint()
		c.series = r.numbers(r.count(1))
		if slices.ContainsFunc(c.series, func(n uint32) bool { return int(n) >= len(ix.series) }) {
			return nil, fmt.Errorf("chunk %d points beyond the %d series", i, len(ix.series))
		}
	}
	ix.cells = make([]cell, r.count(5))
	last := int64(0)
	for i := range ix.cells {
		c := &ix.cells[i]
		c.series = uint32(min(r.uvarint(), 1<<32-1))
		last += r.varint()
		c.minute, c.count = last, int64(r.uvarint())
		c.first = last*minute + int64(r.uvarint())
		c.last = c.first + int64(r.uvarint())
		if int(c.series) >= len(ix.series) {
			return nil, errors.New("a count points beyond the series")
		}
	}
	ix.deliveries = make([]delivery, r.count(9))
	for i := range ix.deliveries {
		ix.deliveries[i] = delivery{r.uint64(), r.varint()}
	}
	switch {
	case r.short:
		return nil, errShort
	case len(r.data) > 0:
		return nil, fmt.Errorf("%d bytes too many", len(r.data))
	}
	return ix, nil
}

// namedSeries reads the series. Their templates and examples are parts of one
// string.
func (r *reader) namedSeries(ix *index) error {
	names := make([]string, r.count(1))
	for i := range names {
		names[i] = r.text()
	}
	ix.series = make([]series, r.count(13))
	lengths := make([]int, 2*len(ix.series))
	for i := range ix.series {
		service, version := r.uvarint(), r.uvarint()
		if service >= uint64(len(names)) || version >= uint64(len(names)) {
			return fmt.Errorf("series %d points beyond the %d names", i, len(names))
		}
		s := &ix.series[i]
		s.service, s.version = pitwall.ServiceName(names[service]), pitwall.Version(names[version])
		s.severity, s.pattern = pitwall.LogSeverity(r.byte()), r.uint64()
		lengths[2*i], lengths[2*i+1] = int(min(r.uvarint(), maxUnpacked)), int(min(r.uvarint(), maxUnpacked))
	}
	text := r.text()
	next := func(n int) string {
		if n > len(text) {
			r.fail()
			return ""
		}
		part := text[:n]
		text = text[n:]
		return part
	}
	for i := range ix.series {
		ix.series[i].template, ix.series[i].example = next(lengths[2*i]), next(lengths[2*i+1])
	}
	if len(text) > 0 {
		return fmt.Errorf("%d bytes of text too many", len(text))
	}
	return nil
}

// overflow is the pattern of what is too varied to be counted apart.
func overflow() series {
	return series{seriesKey: seriesKey{pattern: logs.Sum([]byte(logs.Wildcard))}, template: logs.Wildcard}
}
