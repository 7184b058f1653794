package rollup

import (
	"cmp"
	"slices"

	"github.com/pitwall/pitwall"
)

// Other is the operation under which spans are added up that there is no room
// for: of their service, or of all services together when that is too many too.
const Other = "(other)"

// Key is what spans are added up by. Peer is only that of a client or producer.
type Key struct {
	Service   pitwall.ServiceName
	Version   pitwall.Version
	Operation string
	Kind      pitwall.SpanKind
	Peer      string
}

// Totals is what spans add up to, times in nanoseconds. Self and Critical are of
// the Closed spans, those whose trace was complete.
type Totals struct {
	Count, Failed, Closed int64
	Total, Self, Critical int64
}

func (t *Totals) add(o Totals) {
	t.Count += o.Count
	t.Failed += o.Failed
	t.Closed += o.Closed
	t.Total += o.Total
	t.Self += o.Self
	t.Critical += o.Critical
}

// Bin is how many durations fell into one bucket of a pitwall.Histogram.
type Bin struct {
	Bucket int32
	N      int64
}

// Row is what the spans of one key that ended in one minute add up to.
type Row struct {
	Minute int64  // unix minutes
	Key    uint32 // of the table
	Totals
	Bins []Bin // by bucket
}

// Table is rows by minute, then key.
type Table struct {
	Keys []Key
	Rows []Row
	// Folded spans were added up under Other; Skewed ones are in no row, for they
	// ended in a minute that is not kept: long ago, or in the future.
	Folded, Skewed int64
}

// Limits bound a table.
type Limits struct {
	PerMinute int   // keys in one minute; the rest is Other. 0: 20,000
	From, To  int64 // unix minutes that are kept, half-open; both 0: all
}

func (l Limits) perMinute() int { return cmp.Or(max(0, l.PerMinute), 20_000) }

// others is how many services may have an Other of their own in a minute.
func (l Limits) others() int { return max(1, l.perMinute()/20) }

func (l Limits) keeps(minute int64) bool {
	return l.From == 0 && l.To == 0 || l.From <= minute && minute < l.To
}

// merge adds tables up into one. With hourly the minutes become the first of
// their hour.
func merge(tables []*Table, l Limits, hourly bool) *Table {
	out := &Table{}
	index := map[Key]uint32{}
	for _, t := range tables {
		number := make([]uint32, len(t.Keys))
		for i, k := range t.Keys {
			number[i] = intern(out, index, k)
		}
		for _, r := range t.Rows {
			r.Key = number[r.Key]
			if hourly {
				r.Minute -= mod(r.Minute, 60)
			}
			out.Rows = append(out.Rows, r)
		}
	}
	out.Rows = addUp(out.Rows)
	if fold(out, index, l) {
		out.Rows = addUp(out.Rows)
		out.order()
	}
	return out
}

func intern(t *Table, index map[Key]uint32, k Key) uint32 {
	n, ok := index[k]
	if !ok {
		n = uint32(len(t.Keys))
		index[k] = n
		t.Keys = append(t.Keys, k)
	}
	return n
}

// addUp sorts rows and makes one of those of one key and minute.
func addUp(rows []Row) []Row {
	slices.SortFunc(rows, func(x, y Row) int { return cmp.Or(cmp.Compare(x.Minute, y.Minute), cmp.Compare(x.Key, y.Key)) })
	out := rows[:0]
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && rows[to].Minute == rows[from].Minute && rows[to].Key == rows[from].Key {
			to++
		}
		r := rows[from]
		if to-from > 1 {
			r.Bins = slices.Clone(r.Bins)
			for _, o := range rows[from+1 : to] {
				r.add(o.Totals)
				r.Bins = append(r.Bins, o.Bins...)
			}
			r.Bins = addUpBins(r.Bins)
		}
		out = append(out, r)
		from = to
	}
	return out
}

func addUpBins(bins []Bin) []Bin {
	slices.SortFunc(bins, func(x, y Bin) int { return cmp.Compare(x.Bucket, y.Bucket) })
	out := bins[:0]
	for _, b := range bins {
		if n := len(out); n > 0 && out[n-1].Bucket == b.Bucket {
			out[n-1].N += b.N
			continue
		}
		out = append(out, b)
	}
	return out
}

// fold gives rows beyond the limit of their minute, those of the fewest spans,
// to Other; it says whether there were any.
func fold(t *Table, index map[Key]uint32, l Limits) (folded bool) {
	for from := 0; from < len(t.Rows); {
		to := from
		for to < len(t.Rows) && t.Rows[to].Minute == t.Rows[from].Minute {
			to++
		}
		if minute := t.Rows[from:to]; len(minute) > l.perMinute()+l.others()+1 {
			folded = true
			slices.SortStableFunc(minute, func(x, y Row) int {
				return cmp.Or(cmp.Compare(isOther(t, y), isOther(t, x)), cmp.Compare(y.Count, x.Count))
			})
			services := map[pitwall.ServiceName]bool{}
			for i := l.perMinute(); i < len(minute); i++ {
				r := &minute[i]
				t.Folded += r.Count
				r.Key = intern(t, index, otherOf(t.Keys[r.Key].Service, services, l))
			}
		}
		from = to
	}
	return folded
}

// otherOf is the key of what there is no room for; services lists those that
// have one of their own.
func otherOf(s pitwall.ServiceName, services map[pitwall.ServiceName]bool, l Limits) Key {
	if !services[s] {
		if len(services) >= l.others() {
			return Key{Operation: Other}
		}
		services[s] = true
	}
	return Key{Service: s, Operation: Other}
}

func isOther(t *Table, r Row) int {
	if t.Keys[r.Key].Operation == Other {
		return 1
	}
	return 0
}

// order sorts the rows and drops keys that have none.
func (t *Table) order() {
	const unused = 1<<32 - 1
	number := make([]uint32, len(t.Keys))
	for i := range number {
		number[i] = unused
	}
	var keys []Key
	for i := range t.Rows {
		r := &t.Rows[i]
		if number[r.Key] == unused {
			number[r.Key] = uint32(len(keys))
			keys = append(keys, t.Keys[r.Key])
		}
		r.Key = number[r.Key]
	}
	t.Keys = keys
	slices.SortFunc(t.Rows, func(x, y Row) int { return cmp.Or(cmp.Compare(x.Minute, y.Minute), cmp.Compare(x.Key, y.Key)) })
}

func mod(a, b int64) int64 { return ((a % b) + b) % b }
