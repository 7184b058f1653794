package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/logs"
)

const (
	defaultLimit = 1000
	mostLimit    = 10_000
)

// window is a period in unix nanoseconds, from which it begins and before which
// it ends.
type window struct{ from, to int64 }

// windowOf takes an end that was not set for no end.
func windowOf(p pitwall.Period) window {
	w := window{math.MinInt64, math.MaxInt64}
	if !p.From.IsZero() {
		w.from = timeOf(p.From, w.from)
	}
	if !p.To.IsZero() {
		w.to = timeOf(p.To, w.to)
	}
	return w
}

func (w window) touches(minAt, maxAt int64) bool { return minAt < w.to && maxAt >= w.from }

func (w window) holds(at int64) bool { return w.from <= at && at < w.to }

// question is a LogQuery made ready.
type question struct {
	window
	pitwall.LogQuery
	pattern  uint64
	hash     uint64 // of the trace
	hasTrace bool
	contains contains
	none     bool // nothing can match
}

func questionOf(q pitwall.LogQuery) *question {
	a := &question{window: windowOf(q.Period), LogQuery: q, hasTrace: q.Trace != pitwall.TraceID{}, contains: containsOf(q.Contains)}
	a.hash = hashOf(q.Trace)
	if q.Limit <= 0 {
		a.Limit = defaultLimit
	}
	a.Limit = min(a.Limit, mostLimit)
	if q.Pattern != "" {
		sum, ok := logs.ParseID(q.Pattern)
		a.pattern, a.none = sum, !ok
	}
	return a
}

// skips says whether nothing in a chunk can match, as far as a glance tells.
func (q *question) skips(c *chunk) bool {
	return !q.touches(c.minAt, c.maxAt) || q.hasTrace && !slices.Contains(c.trace, q.Trace)
}

// wants says which of some series match; any is false when none does.
func (q *question) wants(all []series) (wanted []bool, any bool) {
	wanted = make([]bool, len(all))
	for i := range all {
		s := &all[i]
		wanted[i] = (q.Service == "" || s.service == q.Service) && (q.Version == "" || s.version == q.Version) &&
			s.severity >= q.MinSeverity && (q.Pattern == "" || s.pattern == q.pattern)
		any = any || wanted[i]
	}
	return wanted, any
}

// rowsOf gives each matching row of a chunk, the last first.
func (q *question) rowsOf(c *chunk, wanted []bool, each func(row int)) {
	for i := len(c.at) - 1; i >= 0; i-- {
		if !wanted[c.number[i]] || !q.holds(c.at[i]) || q.hasTrace && c.trace[i] != q.Trace {
			continue
		}
		if q.contains.in(c.textOf(i)) {
			each(i)
		}
	}
}

// view is the store as it was at one moment. Chunks that still grow do so
// behind the ends of the slices taken here.
type view struct {
	chunks []chunk
	blocks []block
}

func (s *Store) view() view {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v := view{chunks: make([]chunk, len(s.head.chunks)), blocks: slices.Clone(s.blocks)}
	for i, c := range s.head.chunks {
		v.chunks[i] = *c
	}
	return v
}

// Logs gives the records that match, newest first by their own time. Without a
// limit, or with one of more than 10,000, it gives 1,000, or 10,000; and less
// when they are very large.
func (s *Store) Logs(ctx context.Context, lq pitwall.LogQuery) ([]pitwall.LogRecord, error) {
	q := questionOf(lq)
	if q.none {
		return nil, nil
	}
	v, newest := s.view(), newestOf(q.Limit)
	for i := range v.chunks {
		c := &v.chunks[i]
		if q.skips(c) {
			continue
		}
		if wanted, any := q.wants(c.series); any {
			q.rowsOf(c, wanted, func(row int) { newest.offer(c, row, place(len(v.blocks), i, row)) })
		}
	}
	order := make([]int, len(v.blocks))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(v.blocks[y].maxAt, v.blocks[x].maxAt) })
	for _, i := range order {
		b := &v.blocks[i]
		if b.chunks == 0 || !q.touches(b.minAt, b.maxAt) || !newest.takes(b.maxAt) {
			continue
		}
		if err := s.logsOf(ctx, b, i, q, newest); err != nil {
			return nil, err
		}
	}
	return newest.records(), nil
}

// logsOf offers what matches in a block, its newest chunks first.
func (s *Store) logsOf(ctx context.Context, b *block, number int, q *question, newest *newest) error {
	return s.read(b, q, func(o *opened) error {
		order := o.candidates(q)
		slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(o.index.chunks[y].maxAt, o.index.chunks[x].maxAt) })
		for _, i := range order {
			if err := ctx.Err(); err != nil {
				return &pitwall.Error{Op: "reading logs", Kind: pitwall.Unavailable, Err: err}
			}
			if !newest.takes(o.index.chunks[i].maxAt) {
				return nil
			}
			c := o.chunk(i)
			if c == nil {
				continue
			}
			wanted, _ := q.wants(c.series)
			q.rowsOf(c, wanted, func(row int) { newest.offer(c, row, place(number, i, row)) })
		}
		return nil
	})
}

// opened is a block being read.
type opened struct {
	*block
	s     *Store
	file  *os.File
	index *index
	row   []byte // of the filter, that decides about the trace asked for; nil: every chunk may have it
}

// read opens a block for a while, unless it cannot have the trace that is asked
// for. One that retention has taken meanwhile has nothing to say, and neither
// has one that cannot be read, which is told.
func (s *Store) read(b *block, q *question, f func(*opened) error) error {
	file, err := os.Open(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &pitwall.Error{Op: "reading logs", Kind: pitwall.Unavailable, Err: err}
	}
	defer file.Close()
	o := &opened{block: b, s: s, file: file}
	if q.hasTrace && !o.mayHave(q.hash) {
		return nil
	}
	if o.index, err = b.readIndex(file); err != nil {
		o.tell("its index", err)
		return nil
	}
	return f(o)
}

func (o *opened) tell(what string, err error) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	o.s.health.tell(fmt.Sprintf("%s: skipped %s: %v", filepath.Base(o.path), what, err))
}

// chunk reads one chunk; nil when it is damaged.
func (o *opened) chunk(i int) *chunk {
	c, err := o.readChunk(o.file, o.index, i)
	if err != nil {
		o.tell(fmt.Sprintf("%d records of chunk %d", o.index.chunks[i].rows, i), err)
		return nil
	}
	return c
}

// candidates lists the chunks that may have a match.
func (o *opened) candidates(q *question) (chunks []int) {
	wanted, any := q.wants(o.index.series)
	if !any {
		return nil
	}
	for i := range o.index.chunks {
		c := &o.index.chunks[i]
		if q.touches(c.minAt, c.maxAt) && (o.row == nil || mayHold(o.row, i, q.hash)) &&
			slices.ContainsFunc(c.series, func(n uint32) bool { return wanted[n] }) {
			chunks = append(chunks, i)
		}
	}
	return chunks
}

// mayHave reads what the filter says about a trace. When that is damaged every
// chunk may have it.
func (o *opened) mayHave(h uint64) bool {
	if o.filterRows == 0 {
		return false // no record has a trace
	}
	row := make([]byte, filterRowBytes(o.chunks))
	if _, err := o.file.ReadAt(row, o.filterAt+int64(rowOf(h, o.filterRows)*len(row))); err != nil || !soundRow(row) {
		o.tell("its filter of traces", cmp.Or(err, errors.New("a row is damaged")))
		return true
	}
	o.row = row
	for i := range o.chunks {
		if mayHold(row, i, h) {
			return true
		}
	}
	return false
}

// contains looks for a text whatever its case.
type contains struct {
	lower string
	ascii bool
}

func containsOf(s string) contains {
	c := contains{lower: strings.ToLower(s), ascii: true}
	for i := range len(c.lower) {
		c.ascii = c.ascii && c.lower[i] < 0x80
	}
	return c
}

func (c contains) in(text []byte) bool {
	if !c.ascii {
		return strings.Contains(strings.ToLower(string(text)), c.lower)
	}
	for i := 0; i+len(c.lower) <= len(text); i++ {
		if c.at(text[i:]) {
			return true
		}
	}
	return c.lower == ""
}

func (c contains) at(text []byte) bool {
	for i := range len(c.lower) {
		b := text[i]
		if 'A' <= b && b <= 'Z' {
			b |= 0x20
		}
		if b != c.lower[i] {
			return false
		}
	}
	return true
}

// timeAt is a record's time.
func timeAt(at int64) time.Time { return time.Unix(0, at).UTC() }
