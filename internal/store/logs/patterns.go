package logs

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/logs"
	"github.com/pitwall/pitwall/internal/stats"
)

// maxPatterns bounds what is counted apart in one answer; the rest is counted
// as one pattern that is all wildcard.
const maxPatterns = 50_000

// tally is what is counted of a series.
type tally struct {
	series
	count       int64
	first, last int64
	minutes     map[int64]int64 // nil: not asked for
}

// tallies counts records by series over chunks and blocks.
type tallies struct {
	of         map[seriesKey]*tally
	byMinute   bool
	everything *tally // beyond maxPatterns
}

func (t *tallies) at(s *series, example func() string) *tally {
	if e := t.of[s.seriesKey]; e != nil {
		return e
	}
	if len(t.of) >= maxPatterns {
		if t.everything == nil {
			t.everything = &tally{series: overflow(), first: 1<<63 - 1, last: -1 << 63}
		}
		return t.everything
	}
	e := &tally{series: *s, first: 1<<63 - 1, last: -1 << 63}
	e.template, e.example = strings.Clone(s.template), strings.Clone(example()) // they are parts of an index
	if t.byMinute {
		e.minutes = map[int64]int64{}
	}
	t.of[s.seriesKey] = e
	return e
}

func (e *tally) add(minute, count, first, last int64) {
	e.count += count
	e.first, e.last = min(e.first, first), max(e.last, last)
	if e.minutes != nil {
		e.minutes[minute] += count
	}
}

// LogPatterns counts the records that match by pattern, service, version and
// severity, the most frequent first. Whole minutes are read from the blocks'
// indexes; records are read only where the period cuts a minute, or when they
// must be of one trace or contain a text.
func (s *Store) LogPatterns(ctx context.Context, lq pitwall.LogQuery) ([]pitwall.LogPattern, error) {
	q := questionOf(lq)
	t, err := s.count(ctx, q, false)
	if err != nil {
		return nil, err
	}
	all := make([]*tally, 0, len(t.of)+1)
	for _, e := range t.of {
		all = append(all, e)
	}
	if t.everything != nil {
		all = append(all, t.everything)
	}
	slices.SortFunc(all, func(x, y *tally) int {
		return cmp.Or(cmp.Compare(y.count, x.count), cmp.Compare(x.service, y.service), cmp.Compare(x.version, y.version),
			cmp.Compare(y.severity, x.severity), cmp.Compare(x.template, y.template))
	})
	all = all[:min(len(all), q.Limit)]
	patterns := make([]pitwall.LogPattern, len(all))
	for i, e := range all {
		patterns[i] = pitwall.LogPattern{
			ID: logs.FormatID(e.pattern), Service: e.service, Version: e.version, Severity: e.severity, Template: e.template,
			Count: e.count, First: timeAt(e.first), Last: timeAt(e.last), Example: e.example,
		}
	}
	return patterns, nil
}

// PatternDispersion tells how much more the records of each pattern in a minute
// vary than independent ones would, by pattern id, over the whole minutes of
// the period: what a comparison of two periods needs to tell a burst from a
// change. It is at least 1.
func (s *Store) PatternDispersion(ctx context.Context, lq pitwall.LogQuery) (map[string]float64, error) {
	q := questionOf(lq)
	t, err := s.count(ctx, q, true)
	if err != nil || len(t.of) == 0 {
		return nil, err
	}
	first, last := int64(1<<63-1), int64(-1<<63)
	counts := map[uint64]map[int64]int64{}
	for _, e := range t.of {
		first, last = min(first, minuteOf(e.first)), max(last, minuteOf(e.last))
		if counts[e.pattern] == nil {
			counts[e.pattern] = map[int64]int64{}
		}
		for m, n := range e.minutes {
			counts[e.pattern][m] += n
		}
	}
	if q.from != math.MinInt64 {
		first = minuteOf(q.from-1) + 1
	}
	if q.to != math.MaxInt64 {
		last = minuteOf(q.to) - 1
	}
	phi := map[string]float64{}
	if last-first < 1 || last-first > 7*24*60 {
		return phi, nil
	}
	for pattern, minutes := range counts {
		row := make([]float64, last-first+1)
		for m, n := range minutes {
			if first <= m && m <= last {
				row[m-first] = float64(n)
			}
		}
		phi[logs.FormatID(pattern)] = stats.CountDispersion(row)
	}
	return phi, nil
}

func (s *Store) count(ctx context.Context, q *question, byMinute bool) (*tallies, error) {
	t := &tallies{of: map[seriesKey]*tally{}, byMinute: byMinute}
	if q.none {
		return t, nil
	}
	v := s.view()
	for i := len(v.chunks) - 1; i >= 0; i-- { // the newest first, for their examples
		c := &v.chunks[i]
		if q.skips(c) {
			continue
		}
		if wanted, any := q.wants(c.series); any {
			t.rows(q, c, wanted)
		}
	}
	for i := len(v.blocks) - 1; i >= 0; i-- {
		b := &v.blocks[i]
		if b.chunks == 0 || !q.touches(b.minAt, b.maxAt) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, &pitwall.Error{Op: "counting log patterns", Kind: pitwall.Unavailable, Err: err}
		}
		if err := s.read(b, q, func(o *opened) error { return t.block(ctx, q, o) }); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// rows counts the matching rows of a chunk.
func (t *tallies) rows(q *question, c *chunk, wanted []bool) {
	of := make([]*tally, len(c.series))
	q.rowsOf(c, wanted, func(row int) {
		n := c.number[row]
		if of[n] == nil {
			of[n] = t.at(&c.series[n], func() string { return exampleOf(c.textOf(row)) })
		}
		of[n].add(minuteOf(c.at[row]), 1, c.at[row], c.at[row])
	})
}

// block counts what is in a block.
func (t *tallies) block(ctx context.Context, q *question, o *opened) error {
	if q.hasTrace || q.Contains != "" {
		return t.chunks(ctx, q, o, nil)
	}
	wanted, _ := q.wants(o.index.series)
	type place struct {
		series uint32
		minute int64
	}
	cut := map[place]bool{}
	of := make([]*tally, len(o.index.series))
	for _, c := range o.index.cells {
		switch {
		case !wanted[c.series] || !q.touches(c.first, c.last):
		case q.holds(c.first) && q.holds(c.last):
			if of[c.series] == nil {
				s := &o.index.series[c.series]
				of[c.series] = t.at(s, func() string { return s.example })
			}
			of[c.series].add(c.minute, c.count, c.first, c.last)
		default:
			cut[place{c.series, c.minute}] = true
		}
	}
	if len(cut) == 0 {
		return nil
	}
	return t.chunks(ctx, q, o, func(series uint32, at int64) bool { return cut[place{series, minuteOf(at)}] })
}

// chunks counts the matching rows of a block's chunks, of those that only says
// are counted row by row; nil: all.
func (t *tallies) chunks(ctx context.Context, q *question, o *opened, only func(series uint32, at int64) bool) error {
	for _, i := range o.candidates(q) {
		if err := ctx.Err(); err != nil {
			return &pitwall.Error{Op: "counting log patterns", Kind: pitwall.Unavailable, Err: err}
		}
		if only != nil && !cutsEdge(q.window, &o.index.chunks[i]) {
			continue
		}
		c := o.chunk(i)
		if c == nil {
			continue
		}
		numbers := o.index.chunks[i].series
		wanted, _ := q.wants(c.series)
		if only == nil {
			t.rows(q, c, wanted)
			continue
		}
		q.rowsOf(c, wanted, func(row int) {
			n := c.number[row]
			if only(numbers[n], c.at[row]) {
				t.at(&c.series[n], func() string { return exampleOf(c.textOf(row)) }).add(minuteOf(c.at[row]), 1, c.at[row], c.at[row])
			}
		})
	}
	return nil
}

// cutsEdge says whether a chunk has records in a minute that the window cuts.
func cutsEdge(w window, c *chunkInfo) bool {
	for _, edge := range []int64{w.from, w.to} {
		if from := minuteOf(edge) * minute; edge != math.MinInt64 && edge != math.MaxInt64 && (window{from, from + minute}).touches(c.minAt, c.maxAt) {
			return true
		}
	}
	return false
}
