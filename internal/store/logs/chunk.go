package logs

import (
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/logs"
)

const (
	chunkRows   = 2048 // after which a chunk is full, at most,
	bytesPerRow = 256  // or after so many bytes of text for each row it may have
	// What a row, an attribute, a word and a series take in memory besides
	// their text; bytes, roughly.
	rowBytes, attrBytes, wordBytes, seriesBytes = 48, 8, 64, 160
)

// seriesKey is what all records of a series share.
type seriesKey struct {
	service  pitwall.ServiceName
	version  pitwall.Version
	severity pitwall.LogSeverity
	pattern  uint64
}

// series is the records of one pattern, service, version and severity in one
// chunk or block.
type series struct {
	seriesKey
	template string
	example  string // in a block; in a chunk it is the text of row first
	first    uint32
}

// delivery is a delivery's number and when it came (unix nanoseconds).
type delivery struct {
	number  uint64
	arrival int64
}

// chunk is a run of records in order of arrival as columns; row i of every
// column is record i. Words are numbers into its dictionary, in which 0 is "".
type chunk struct {
	words  []string // of attributes
	series []series

	at        []int64  // unix nanoseconds
	number    []uint32 // of the row's series
	trace     []pitwall.TraceID
	span      []uint64
	textEnd   []uint32 // one past the row's text
	text      []byte
	attrEnd   []uint32 // one past the row's last entry in attrKey and attrValue
	attrKey   []uint32
	attrValue []uint32

	minAt, maxAt int64 // of at
	arrival      int64 // of the newest record
	position     uint64
	whole        bool // position is that of the last row's batch, and all of it is in
	deliveries   []delivery
	heavy        int // bytes in memory besides columns and text

	wordOf   map[string]uint32 // nil: no more is added
	seriesOf map[seriesKey]uint32
}

func newChunk(rows, text int) *chunk {
	return &chunk{
		words: []string{""}, wordOf: map[string]uint32{"": 0}, seriesOf: map[seriesKey]uint32{}, minAt: 1<<63 - 1, maxAt: -1 << 63,
		at: make([]int64, 0, rows), number: make([]uint32, 0, rows), trace: make([]pitwall.TraceID, 0, rows), span: make([]uint64, 0, rows),
		textEnd: make([]uint32, 0, rows), attrEnd: make([]uint32, 0, rows), text: make([]byte, 0, text),
	}
}

func (c *chunk) rows() int { return len(c.at) }

// bytes is what the chunk takes in memory, roughly.
func (c *chunk) bytes() int {
	return cap(c.at)*rowBytes + cap(c.text) + cap(c.attrKey)*attrBytes + c.heavy
}

// close lets go of what only adding needs.
func (c *chunk) close() {
	c.wordOf, c.seriesOf = nil, nil
	if cap(c.text)-len(c.text) > cap(c.text)/4 {
		c.text = append(make([]byte, 0, len(c.text)), c.text...)
	}
}

// ofRecords makes a chunk of a batch. A record without a time that unix
// nanoseconds can hold has the time of its arrival.
func ofRecords(records []pitwall.LogRecord, arrival int64) *chunk {
	text := 0
	for i := range records {
		text += len(records[i].Text)
	}
	c := newChunk(len(records), text)
	var template []byte
	for i := range records {
		r := &records[i]
		template = logs.AppendTemplate(template[:0], r.Text)
		key := seriesKey{r.Service, r.Version, r.Severity, logs.Sum(template)}
		n, old := c.seriesOf[key]
		if !old {
			n = c.addSeries(series{seriesKey: key, template: string(template), first: uint32(i)})
		}
		for _, a := range r.Attrs {
			c.attrKey, c.attrValue = append(c.attrKey, c.word(a.Key)), append(c.attrValue, c.word(a.Value))
		}
		c.text = append(c.text, r.Text...)
		c.addRow(row{timeOf(r.At, arrival), n, r.Trace, r.Span})
	}
	return c
}

// row is what a record has besides text and attributes.
type row struct {
	at     int64
	number uint32
	trace  pitwall.TraceID
	span   uint64
}

// addRow ends a record whose text and attributes have been added.
func (c *chunk) addRow(r row) {
	c.at, c.number = append(c.at, r.at), append(c.number, r.number)
	c.trace, c.span = append(c.trace, r.trace), append(c.span, r.span)
	c.textEnd, c.attrEnd = append(c.textEnd, uint32(len(c.text))), append(c.attrEnd, uint32(len(c.attrKey)))
	c.minAt, c.maxAt = min(c.minAt, r.at), max(c.maxAt, r.at)
}

func timeOf(t time.Time, arrival int64) int64 {
	const most = 1<<63/1_000_000_000 - 1 // seconds that nanoseconds can hold
	if s := t.Unix(); t.IsZero() || s < -most || s > most {
		return arrival
	}
	return t.UnixNano()
}

// word gives the dictionary number of s. The dictionary keeps a copy: s may be
// a part of something large.
func (c *chunk) word(s string) uint32 {
	n, old := c.wordOf[s]
	if !old {
		n, s = uint32(len(c.words)), strings.Clone(s)
		c.words = append(c.words, s)
		c.wordOf[s] = n
		c.heavy += wordBytes + len(s)
	}
	return n
}

func (c *chunk) addSeries(s series) uint32 {
	s.service, s.version = pitwall.ServiceName(strings.Clone(string(s.service))), pitwall.Version(strings.Clone(string(s.version)))
	n := uint32(len(c.series))
	c.series = append(c.series, s)
	c.seriesOf[s.seriesKey] = n
	c.heavy += seriesBytes + len(s.service) + len(s.version) + len(s.template)
	return n
}

// textOf is the text of row i.
func (c *chunk) textOf(i int) []byte { return c.text[start(c.textEnd, i):c.textEnd[i]] }

// start is where the entries of row i begin, given where each row's end.
func start(ends []uint32, i int) uint32 {
	if i == 0 {
		return 0
	}
	return ends[i-1]
}

// record is row i as a record of its own.
func (c *chunk) record(i int) pitwall.LogRecord {
	s := &c.series[c.number[i]]
	r := pitwall.LogRecord{
		At: timeAt(c.at[i]), Service: s.service, Version: s.version, Severity: s.severity,
		Text: string(c.textOf(i)), Trace: c.trace[i], Span: c.span[i],
	}
	if from, to := start(c.attrEnd, i), c.attrEnd[i]; from < to {
		r.Attrs = make([]pitwall.Attr, 0, to-from)
		for k := from; k < to; k++ {
			r.Attrs = append(r.Attrs, pitwall.Attr{Key: strings.Clone(c.words[c.attrKey[k]]), Value: strings.Clone(c.words[c.attrValue[k]])})
		}
	}
	return r
}

// take appends rows [from, to) of another chunk; words and numbers are scratch
// for the translation, filled by translate.
func (c *chunk) take(src *chunk, from, to int, t *translation) {
	shift := uint32(len(c.text)) - start(src.textEnd, from)
	first, last := start(src.attrEnd, from), src.attrEnd[to-1]
	attrs := uint32(len(c.attrKey)) - first
	c.text = append(c.text, src.text[start(src.textEnd, from):src.textEnd[to-1]]...)
	for k := first; k < last; k++ {
		c.attrKey, c.attrValue = append(c.attrKey, t.word(c, src, src.attrKey[k])), append(c.attrValue, t.word(c, src, src.attrValue[k]))
	}
	for i := from; i < to; i++ {
		c.at, c.number = append(c.at, src.at[i]), append(c.number, t.series(c, src, src.number[i]))
		c.textEnd, c.attrEnd = append(c.textEnd, src.textEnd[i]+shift), append(c.attrEnd, src.attrEnd[i]+attrs)
		c.minAt, c.maxAt = min(c.minAt, src.at[i]), max(c.maxAt, src.at[i])
	}
	c.trace, c.span = append(c.trace, src.trace[from:to]...), append(c.span, src.span[from:to]...)
}

// translation maps the numbers of one chunk to those of another as they are met.
type translation struct {
	words   []uint32 // one more than the number; 0: not met yet
	numbers []uint32
}

func (t *translation) reset(src *chunk) {
	t.words = append(t.words[:0], make([]uint32, len(src.words))...)
	t.numbers = append(t.numbers[:0], make([]uint32, len(src.series))...)
}

func (t *translation) word(dst, src *chunk, n uint32) uint32 {
	if t.words[n] == 0 {
		t.words[n] = dst.word(src.words[n]) + 1
	}
	return t.words[n] - 1
}

func (t *translation) series(dst, src *chunk, n uint32) uint32 {
	if t.numbers[n] == 0 {
		s := src.series[n]
		number, old := dst.seriesOf[s.seriesKey]
		if !old {
			s.first = uint32(len(dst.number)) // the row being added
			number = dst.addSeries(s)
		}
		t.numbers[n] = number + 1
	}
	return t.numbers[n] - 1
}

// name finds the patterns of a decoded chunk's series from their first rows.
func (c *chunk) name() {
	named := make([]bool, len(c.series))
	for i, n := range c.number {
		if named[n] {
			continue
		}
		named[n] = true
		s := &c.series[n]
		template := logs.AppendTemplate(nil, string(c.textOf(i)))
		s.pattern, s.template, s.first = logs.Sum(template), string(template), uint32(i)
	}
}
