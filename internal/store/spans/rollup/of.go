package rollup

import (
	"github.com/pitwall/pitwall"
)

// Times is what closing traces computed, in nanoseconds and parallel to a
// batch; -1 where a trace was not complete. Nil columns: nothing is known.
type Times struct{ Self, Critical []int64 }

// Of adds up the first n spans of a batch.
func Of(b *pitwall.SpanBatch, n int, times Times, l Limits) *Table {
	a := &adder{b: b, limits: l, table: &Table{}, minutes: map[int64]*minute{}, rows: map[uint64]uint32{}, others: map[Key]uint32{}}
	a.grow(1 << 10)
	rowOf := make([]uint32, n)
	for i := range n {
		end := b.Start[i] + b.Duration[i]
		m := end / 60e9
		if end%60e9 < 0 {
			m--
		}
		if !l.keeps(m) {
			rowOf[i] = noRow
			a.table.Skewed++
			continue
		}
		row := a.row(i, m)
		rowOf[i] = row
		t := &a.table.Rows[row].Totals
		t.Count++
		t.Total += min(b.Duration[i], longest)
		if b.Failed[i] {
			t.Failed++
		}
		if times.Self != nil && times.Self[i] >= 0 {
			t.Closed++
			t.Self += min(times.Self[i], longest)
			t.Critical += min(max(0, times.Critical[i]), longest)
		}
	}
	fillBins(a.table.Rows, rowOf, b.Duration)
	a.table.order()
	return a.table
}

const (
	noRow = 1<<32 - 1
	// longest is what a duration counts for at most, 104 days: sums of what a
	// broken clock sends must not run over.
	longest = 1 << 53
)

// adder finds the row of a span with one look into a table of rows: the key of
// a span lies in the batch's columns, and a key's spans mostly end in the same
// minute.
type adder struct {
	b       *pitwall.SpanBatch
	limits  Limits
	table   *Table
	slot    []int32 // open addressing: number of the key + 1; 0: free
	like    []int32 // a span of each key
	last    []place // the row each key was last seen in
	minutes map[int64]*minute
	rows    map[uint64]uint32 // minute's number<<32 | key
	others  map[Key]uint32
}

type place struct {
	minute int64
	row    uint32
	known  bool
}

type minute struct {
	number   uint64
	keys     int                          // without Other
	services map[pitwall.ServiceName]bool // that have an Other
}

func (a *adder) peer(i int) uint32 {
	if k := a.b.Kind[i]; k == pitwall.SpanClient || k == pitwall.SpanProducer {
		return a.b.Peer[i]
	}
	return 0
}

func (a *adder) hash(i int) uint64 {
	b := a.b
	h := uint64(b.Service[i])<<32 | uint64(b.Operation[i])
	h = (h ^ h>>29) * 0xbf58476d1ce4e5b9
	h ^= uint64(b.Version[i])<<40 ^ uint64(a.peer(i))<<8 ^ uint64(b.Kind[i])
	h = (h ^ h>>32) * 0x94d049bb133111eb
	return h ^ h>>29
}

func (a *adder) same(i, j int) bool {
	b := a.b
	return b.Operation[i] == b.Operation[j] && b.Service[i] == b.Service[j] && b.Version[i] == b.Version[j] &&
		b.Kind[i] == b.Kind[j] && a.peer(i) == a.peer(j)
}

func (a *adder) grow(size int) {
	a.slot = make([]int32, size)
	for k, i := range a.like {
		if i >= 0 {
			*a.find(int(i)) = int32(k) + 1
		}
	}
}

func (a *adder) find(i int) *int32 {
	mask := uint64(len(a.slot) - 1)
	for at := a.hash(i) & mask; ; at = (at + 1) & mask {
		if s := &a.slot[at]; *s == 0 || a.same(int(a.like[*s-1]), i) {
			return s
		}
	}
}

// key gives the number of a span's key.
func (a *adder) key(i int) uint32 {
	s := a.find(i)
	if *s == 0 {
		if 2*len(a.table.Keys) >= len(a.slot) {
			a.grow(4 * len(a.slot))
			s = a.find(i)
		}
		b := a.b
		*s = int32(a.newKey(i, Key{
			Service: pitwall.ServiceName(b.Strings[b.Service[i]]), Version: pitwall.Version(b.Strings[b.Version[i]]),
			Operation: b.Strings[b.Operation[i]], Kind: b.Kind[i], Peer: b.Strings[a.peer(i)],
		})) + 1
	}
	return uint32(*s - 1)
}

func (a *adder) newKey(like int, k Key) uint32 {
	a.table.Keys = append(a.table.Keys, k)
	a.like = append(a.like, int32(like))
	a.last = append(a.last, place{})
	return uint32(len(a.table.Keys) - 1)
}

// row gives the row of span i, which ended in minute m.
func (a *adder) row(i int, m int64) uint32 {
	key := a.key(i)
	if l := a.last[key]; l.known && l.minute == m {
		return l.row
	}
	of := a.minutes[m]
	if of == nil {
		of = &minute{number: uint64(len(a.minutes)), services: map[pitwall.ServiceName]bool{}}
		a.minutes[m] = of
	}
	row, ok := a.rows[of.number<<32|uint64(key)]
	if !ok {
		if of.keys >= a.limits.perMinute() {
			a.table.Folded++
			return a.other(of, m, otherOf(a.table.Keys[key].Service, of.services, a.limits))
		}
		of.keys++
		row = a.newRow(of, m, key)
	}
	a.last[key] = place{m, row, true}
	return row
}

// other gives the row of what there is no room for.
func (a *adder) other(of *minute, m int64, k Key) uint32 {
	key, ok := a.others[k]
	if !ok {
		key = a.newKey(-1, k)
		a.others[k] = key
	}
	if row, ok := a.rows[of.number<<32|uint64(key)]; ok {
		return row
	}
	return a.newRow(of, m, key)
}

func (a *adder) newRow(of *minute, m int64, key uint32) uint32 {
	row := uint32(len(a.table.Rows))
	a.table.Rows = append(a.table.Rows, Row{Minute: m, Key: key})
	a.rows[of.number<<32|uint64(key)] = row
	return row
}
