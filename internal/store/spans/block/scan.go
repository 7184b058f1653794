package block

import (
	"context"
	"slices"

	"github.com/pitwall/pitwall"
)

// Columns says which columns a scan reads; every other field of a Chunk stays
// empty.
type Columns struct {
	TraceID, SpanID, ParentID       bool
	Start, Duration, Self, Critical bool
	Service, Version, Operation     bool
	Kind, Peer, Statement, Failed   bool
	ReqBytes, RespBytes             bool
	// Attrs are attribute keys. Of a span with several values of a key the first
	// counts.
	Attrs []string
}

// Absent is the number of an attribute that a span does not have.
const Absent = ^uint32(0)

// Chunk is a run of rows as columns, at most 8,192; row i of every column is
// span i. Texts are numbers into Strings, as in a SpanBatch: 0 is "". Strings
// only grows during a scan, so a number means the same in every chunk of it.
// Everything is used again for the next chunk.
type Chunk struct {
	Rows                                         int
	Strings                                      []string
	TraceID                                      []pitwall.TraceID
	SpanID, ParentID                             []uint64
	Start, Duration, Self, Critical              []int64 // Self and Critical: -1 where the trace was not complete
	Service, Version, Operation, Peer, Statement []uint32
	Kind                                         []pitwall.SpanKind
	Failed                                       []bool
	ReqBytes, RespBytes                          []int64    // -1: unknown
	Attrs                                        [][]uint32 // parallel to Columns.Attrs; Absent: the span has none
}

// Scan gives the columns of all spans that match, chunk by chunk. An error of
// each ends the scan and is given back as it is. The query's WholeTraces and
// Limit mean nothing here.
func (b *Block) Scan(ctx context.Context, q pitwall.SpanQuery, columns Columns, each func(*Chunk) error) error {
	s := &scan{numberer: newNumberer(len(b.names)), b: b, columns: columns}
	s.chunk.Attrs = make([][]uint32, len(columns.Attrs))
	var theirs error
	err := b.read(ctx, func(r *reader) error {
		return b.each(r, b.question(q), func(rows []uint32) error {
			if err := s.fill(r, rows); err != nil {
				return err
			}
			theirs = each(&s.chunk)
			return theirs
		})
	})
	if theirs != nil {
		return theirs
	}
	return err
}

// scan fills one chunk after the other.
type scan struct {
	numberer // its batch is only a dictionary
	b        *Block
	columns  Columns
	chunk    Chunk
}

func (s *scan) fill(r *reader, rows []uint32) error {
	s.enter(r.group)
	s.chunk.Rows = len(rows)
	if err := s.fillIDs(r, rows); err != nil {
		return err
	}
	if err := s.fillNumbers(r, rows); err != nil {
		return err
	}
	if err := s.fillTexts(r, rows); err != nil {
		return err
	}
	for i, key := range s.columns.Attrs {
		if err := s.fillAttr(r, rows, i, key); err != nil {
			return err
		}
	}
	s.chunk.Strings = s.batch.Strings
	return nil
}

func (s *scan) fillIDs(r *reader, rows []uint32) (err error) {
	c := &s.chunk
	if s.columns.TraceID {
		ids, of, err := r.traces()
		if err != nil {
			return err
		}
		c.TraceID = c.TraceID[:0]
		for _, row := range rows {
			c.TraceID = append(c.TraceID, pitwall.TraceID(ids[16*of[row]:]))
		}
	}
	if s.columns.SpanID {
		if c.SpanID, err = r.ids(c.SpanID[:0], colSpan, rows); err != nil {
			return err
		}
	}
	if s.columns.ParentID {
		c.ParentID, err = r.ids(c.ParentID[:0], colParent, rows)
	}
	return err
}

func (s *scan) fillNumbers(r *reader, rows []uint32) error {
	c, w := &s.chunk, &s.columns
	for _, f := range []struct {
		on   bool
		leaf int
		to   *[]int64
	}{
		{w.Start, colStart, &c.Start}, {w.Duration, colDuration, &c.Duration}, {w.Self, colSelf, &c.Self},
		{w.Critical, colCritical, &c.Critical}, {w.ReqBytes, colReq, &c.ReqBytes}, {w.RespBytes, colResp, &c.RespBytes},
	} {
		if !f.on {
			continue
		}
		values, err := r.ints(f.leaf)
		if err != nil {
			return err
		}
		if len(rows) == r.rows { // all
			*f.to = append((*f.to)[:0], values...)
			continue
		}
		*f.to = pick(*f.to, values, rows)
	}
	if !w.Failed {
		return nil
	}
	bits, err := r.bools(colFailed)
	if err != nil {
		return err
	}
	c.Failed = c.Failed[:0]
	for _, row := range rows {
		c.Failed = append(c.Failed, bit(bits, row))
	}
	return nil
}

func (s *scan) fillTexts(r *reader, rows []uint32) error {
	c, w := &s.chunk, &s.columns
	for _, f := range []struct {
		on   bool
		leaf int
		to   *[]uint32
	}{
		{w.Service, colService, &c.Service}, {w.Version, colVersion, &c.Version}, {w.Operation, colOperation, &c.Operation},
		{w.Peer, colPeer, &c.Peer}, {w.Statement, colStatement, &c.Statement},
	} {
		if !f.on {
			continue
		}
		t, err := r.text(f.leaf)
		if err != nil {
			return err
		}
		*f.to = s.translate(*f.to, f.leaf, t, rows)
	}
	if !w.Kind {
		return nil
	}
	t, err := r.text(colKind)
	if err != nil {
		return err
	}
	kinds, err := kindsOf(t)
	if err != nil {
		return r.where(colKind, err)
	}
	c.Kind = c.Kind[:0]
	for _, row := range rows {
		c.Kind = append(c.Kind, kinds[t.of[row]])
	}
	return nil
}

// translate gives the rows' texts as numbers of the scan.
func (s *scan) translate(dst []uint32, leaf int, t *textPage, rows []uint32) []uint32 {
	number := s.numbering(leaf, t)
	dst = slices.Grow(dst[:0], len(rows))
	for _, row := range rows {
		word := t.of[row]
		if word == none {
			dst = append(dst, Absent)
			continue
		}
		dst = append(dst, s.intern(number, t, word))
	}
	return dst
}

// fillAttr reads one attribute: from its column, and where that has nothing from
// the list.
func (s *scan) fillAttr(r *reader, rows []uint32, i int, key string) error {
	dst := &s.chunk.Attrs[i]
	leaf, ok := s.b.attrs[key]
	if ok {
		t, err := r.text(leaf)
		if err != nil {
			return err
		}
		*dst = s.translate(*dst, leaf, t, rows)
	}
	if !ok {
		*dst = slices.Grow((*dst)[:0], len(rows))[:len(rows)]
		for k := range *dst {
			(*dst)[k] = Absent
		}
	}
	if r.listEmpty() {
		return nil
	}
	keys, err := r.words(len(s.b.names) - 2)
	if err != nil {
		return err
	}
	var hits []bool
	if keys != nil {
		if hits = keys.find(key); hits == nil {
			return nil
		}
	}
	l, err := r.list()
	if err != nil {
		return err
	}
	if keys == nil {
		hits = l.key.own.find(key)
	}
	if hits != nil {
		s.fillListed(l, hits, rows, *dst)
	}
	return nil
}

// fillListed takes the first value of a key from the list for the rows that have
// none yet.
func (s *scan) fillListed(l *listPage, hits []bool, rows, dst []uint32) {
	number := s.numbering(len(s.b.names)-1, &l.value)
	for k, row := range rows {
		if dst[k] != Absent {
			continue
		}
		from := uint32(0)
		if row > 0 {
			from = l.end[row-1]
		}
		for ; from < l.end[row]; from++ {
			if !hits[l.key.of[from]] {
				continue
			}
			dst[k] = s.intern(number, &l.value, l.value.of[from])
			break
		}
	}
}
