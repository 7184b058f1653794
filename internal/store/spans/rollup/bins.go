package rollup

import (
	"cmp"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// manySpans is from how many durations on a row counts its buckets in an array
// instead of sorting them.
const manySpans = 64

// fillBins makes the histograms of rows in memory in proportion to the spans,
// whatever their durations: it sorts the spans' buckets by row, then each row's.
func fillBins(rows []Row, rowOf []uint32, durations []int64) {
	next := make([]int, len(rows)) // where the row's next bucket goes, in the end one past its last
	total := 0
	for r := range rows {
		next[r] = total
		total += int(rows[r].Count)
	}
	buckets := make([]uint16, total)
	for i, r := range rowOf {
		if r != noRow {
			buckets[next[r]] = uint16(pitwall.Bucket(time.Duration(durations[i])))
			next[r]++
		}
	}
	var bins []Bin
	counted := make([]int64, pitwall.Bucket(1<<63-1)+1)
	from := 0
	for r := range rows {
		first := len(bins)
		if of := buckets[from:next[r]]; len(of) < manySpans {
			slices.Sort(of)
			for _, b := range of {
				if n := len(bins); n > first && bins[n-1].Bucket == int32(b) {
					bins[n-1].N++
					continue
				}
				bins = append(bins, Bin{int32(b), 1})
			}
		} else {
			bins = count(bins, of, counted)
		}
		rows[r].Bins = bins[first:len(bins):len(bins)]
		from = next[r]
	}
}

// count appends the bins of many buckets; counted is all zero before and after.
func count(bins []Bin, buckets []uint16, counted []int64) []Bin {
	low, high := buckets[0], buckets[0]
	for _, b := range buckets {
		low, high = min(low, b), max(high, b)
		counted[b]++
	}
	for b := int(low); b <= int(high); b++ {
		if counted[b] > 0 {
			bins = append(bins, Bin{int32(b), counted[b]})
			counted[b] = 0
		}
	}
	return bins
}

// Sum adds rows up over a stretch of time, each key once.
type Sum struct {
	query  pitwall.OperationQuery
	from   int64 // unix minutes, half-open
	to     int64
	index  map[Key]int
	totals []pitwall.OperationTotals
}

// NewSum asks for what a query selects: minutes that begin in its period.
func NewSum(q pitwall.OperationQuery) *Sum {
	s := &Sum{query: q, from: -1 << 60, to: 1 << 60, index: map[Key]int{}}
	if !q.Period.IsZero() {
		s.from, s.to = minuteFrom(q.Period.From.UnixNano()), minuteFrom(q.Period.To.UnixNano())
	}
	return s
}

// minuteFrom is the first minute that begins at or after a time.
func minuteFrom(ns int64) int64 {
	m := ns / 60e9
	if ns%60e9 > 0 {
		m++
	}
	return m
}

func (s *Sum) wants(k Key) bool {
	q := &s.query
	return (q.Service == "" || q.Service == k.Service) && (q.Version == "" || q.Version == k.Version) &&
		(q.Operation == "" || q.Operation == k.Operation)
}

// none marks a key that is not asked for.
const none = -1

// numbers gives for each key its place in the sum, or none.
func (s *Sum) numbers(keys []Key) []int {
	of := make([]int, len(keys))
	for i, k := range keys {
		if of[i] = none; s.wants(k) {
			of[i] = s.number(k)
		}
	}
	return of
}

// mostTotals bounds what one answer holds.
const mostTotals = 100_000

func (s *Sum) number(k Key) int {
	n, ok := s.index[k]
	switch {
	case ok:
		return n
	case len(s.totals) >= mostTotals && k != Key{Operation: Other}:
		return s.number(Key{Operation: Other})
	}
	n = len(s.totals)
	s.index[k] = n
	s.totals = append(s.totals, pitwall.OperationTotals{
		Service: k.Service, Version: k.Version, Operation: k.Operation, Kind: k.Kind, Peer: k.Peer,
	})
	return n
}

// Add adds a table.
func (s *Sum) Add(t *Table) {
	of := s.numbers(t.Keys)
	for _, r := range t.Rows {
		if of[r.Key] != none && s.from <= r.Minute && r.Minute < s.to {
			s.addRow(of[r.Key], r)
		}
	}
}

func (s *Sum) addRow(n int, r Row) {
	t := &s.totals[n]
	t.Count += r.Count
	t.Failed += r.Failed
	t.Closed += r.Closed
	t.Total += time.Duration(r.Total)
	t.Self += time.Duration(r.Self)
	t.Critical += time.Duration(r.Critical)
	// Its ends first: the histogram is then as wide as it has to be at once.
	if len(r.Bins) > 1 {
		t.Latency.Add(int(r.Bins[0].Bucket), 0)
		t.Latency.Add(int(r.Bins[len(r.Bins)-1].Bucket), 0)
	}
	for _, b := range r.Bins {
		t.Latency.Add(int(b.Bucket), b.N)
	}
}

// Totals gives the sums, the greatest total duration first.
func (s *Sum) Totals() []pitwall.OperationTotals {
	out := slices.DeleteFunc(s.totals, func(t pitwall.OperationTotals) bool { return t.Count == 0 })
	slices.SortFunc(out, func(x, y pitwall.OperationTotals) int {
		return cmp.Or(cmp.Compare(y.Total, x.Total), cmp.Compare(x.Service, y.Service), cmp.Compare(x.Operation, y.Operation),
			cmp.Compare(x.Version, y.Version), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Peer, y.Peer))
	})
	return out
}
