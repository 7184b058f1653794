package engine

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

// trait is how one version of inventory behaves.
type trait struct {
	reply float64       // bytes of an items reply
	extra time.Duration // on top, per items reply
	page  int64         // bytes of a catalogue page; 0: 900
	shelf time.Duration // extra, per catalogue page
	fails float64       // share of items requests that fail
}

// shop makes the traffic of a small shop: edge → checkout → inventory, payment,
// orders; and a catalogue page straight from inventory. How an inventory
// request goes depends on the version that the weights of its moment choose.
// Request i draws from a generator of its own, so that two runs with the same
// weights see the same requests.
type shop struct {
	seed      uint64
	perSecond float64
	pages     float64 // share of catalogue pages
	traits    map[pitwall.Version]trait
	route     func() map[pitwall.Version]int // weights now
	slow      func(*rand.Rand) time.Duration // added to every checkout; nil: none
	silent    bool                           // nobody calls, or nobody tells

	arrivals *rand.Rand
	next     time.Time
	n        uint64
	pending  []journey
}

// journey is the spans of one request, done at its end.
type journey struct {
	end  time.Time
	rows []pitwall.SpanRow
}

// until makes the requests that begin up to an instant and gives those that
// have ended by then, in order of their ends.
func (s *shop) until(now time.Time) []journey {
	for !s.next.After(now) {
		if !s.silent {
			s.pending = append(s.pending, s.request(s.next))
		}
		s.n++
		s.next = s.next.Add(time.Duration(s.arrivals.ExpFloat64() / s.perSecond * 1e9))
	}
	slices.SortStableFunc(s.pending, func(a, b journey) int { return a.end.Compare(b.end) })
	done := sort.Search(len(s.pending), func(i int) bool { return s.pending[i].end.After(now) })
	out := s.pending[:done]
	s.pending = s.pending[done:]
	if s.silent {
		return nil
	}
	return out
}

// linkRate is what the wires between services carry, in bytes a second.
const linkRate = 200e3

func (s *shop) request(at time.Time) journey {
	d := &drawing{rng: rand.New(rand.NewPCG(s.seed, s.n))}
	binary.BigEndian.PutUint64(d.id[:], s.n+1)
	version := pick(s.route(), d.rng)
	v := s.traits[version]
	if d.rng.Float64() < s.pages {
		page := max(900, v.page)
		end := d.serve(at, "edge", "GET /catalog", page, func(at time.Time, parent uint64) time.Time {
			return d.call(at, hop{parent: parent, from: "edge", to: "inventory", version: version, name: "GET /catalog", reply: page,
				path: "/catalog", work: func(at time.Time, _ uint64) time.Time { return at.Add(d.takes(20*time.Millisecond) + v.shelf) }})
		})
		return journey{end, d.rows}
	}
	end := d.serve(at, "edge", "POST /checkout", 700, func(at time.Time, parent uint64) time.Time {
		return d.call(at, hop{parent: parent, from: "edge", to: "checkout", version: "v12", name: "POST /checkout", reply: 700,
			work: func(at time.Time, parent uint64) time.Time { return d.checkout(at, parent, s, version) }})
	})
	return journey{end, d.rows}
}

func (d *drawing) checkout(at time.Time, parent uint64, s *shop, version pitwall.Version) time.Time {
	v := s.traits[version]
	reply := v.reply * math.Exp(0.15*d.rng.NormFloat64())
	d.failed = d.rng.Float64() < v.fails
	at = d.call(at.Add(d.takes(20*time.Millisecond)), hop{parent: parent, from: "checkout", to: "inventory", version: version,
		name: "GET /v1/items", reply: int64(reply), path: "/v1/items", query: "ids=SKU-" + string(rune('A'+d.rng.IntN(20))),
		work: func(at time.Time, _ uint64) time.Time { return at.Add(d.takes(8*time.Millisecond) + v.extra) }})
	if d.failed {
		return at
	}
	at = at.Add(d.takes(20 * time.Millisecond)).Add(time.Duration(reply / 1e6 * 1e9)) // reading the items
	if s.slow != nil {
		at = at.Add(s.slow(d.rng))
	}
	at = d.call(at, hop{parent: parent, from: "checkout", to: "payment", version: "v7", name: "POST /charge", reply: 150,
		work: func(at time.Time, _ uint64) time.Time { return at.Add(d.takes(30 * time.Millisecond)) }})
	return d.call(at, hop{parent: parent, from: "checkout", to: "orders", version: "v21", name: "POST /orders", asks: int64(reply / 4), reply: 120,
		work: func(at time.Time, _ uint64) time.Time { return at.Add(d.takes(10 * time.Millisecond)) }})
}

func pick(weights map[pitwall.Version]int, rng *rand.Rand) pitwall.Version {
	at := rng.IntN(100)
	for _, v := range slices.Sorted(func(yield func(pitwall.Version) bool) {
		for v := range weights {
			if !yield(v) {
				return
			}
		}
	}) {
		if at -= weights[v]; at < 0 {
			return v
		}
	}
	return ""
}

// drawing makes the spans of one request.
type drawing struct {
	rng    *rand.Rand
	id     pitwall.TraceID
	spans  uint64
	failed bool
	rows   []pitwall.SpanRow
}

type hop struct {
	parent      uint64
	from, to    pitwall.ServiceName
	version     pitwall.Version
	name        string
	asks, reply int64
	path, query string
	work        func(time.Time, uint64) time.Time
}

func (d *drawing) takes(t time.Duration) time.Duration {
	return time.Duration(float64(t) * math.Exp(0.2*d.rng.NormFloat64()))
}

func (d *drawing) wire(bytes int64) time.Duration {
	return d.takes(2*time.Millisecond) + time.Duration(float64(bytes)/linkRate*1e9)
}

func (d *drawing) span(row pitwall.SpanRow) { row.TraceID = d.id; d.rows = append(d.rows, row) }

func (d *drawing) reserve() uint64 { d.spans++; return d.spans }

func (d *drawing) serve(at time.Time, s pitwall.ServiceName, name string, reply int64, work func(time.Time, uint64) time.Time) time.Time {
	id := d.reserve()
	end := work(at.Add(time.Millisecond), id)
	d.span(pitwall.SpanRow{SpanID: id, Start: at, Duration: end.Sub(at), Service: s, Version: "v5", Operation: name, Kind: pitwall.SpanServer, ReqBytes: 300, RespBytes: reply, Failed: d.failed})
	return end
}

func (d *drawing) call(at time.Time, h hop) time.Time {
	client, server := d.reserve(), d.reserve()
	begun := at.Add(d.wire(h.asks))
	done := h.work(begun, server)
	end := done.Add(d.wire(h.reply))
	d.span(pitwall.SpanRow{SpanID: client, ParentID: h.parent, Start: at, Duration: end.Sub(at), Service: h.from, Operation: h.name, Peer: string(h.to),
		Kind: pitwall.SpanClient, ReqBytes: h.asks, RespBytes: h.reply, Failed: d.failed})
	row := pitwall.SpanRow{SpanID: server, ParentID: client, Start: begun, Duration: done.Sub(begun), Service: h.to, Version: h.version, Operation: h.name,
		Kind: pitwall.SpanServer, ReqBytes: h.asks, RespBytes: h.reply, Failed: d.failed}
	if h.path != "" {
		row.Attrs = []pitwall.Attr{{Key: "http.request.method", Value: "GET"}, {Key: "url.path", Value: h.path}, {Key: "url.query", Value: h.query}}
	}
	d.span(row)
	return end
}

// fakeSpans is a span log in memory: batches get numbers, a reader gets spans by
// the time of their end, as from the real store.
type fakeSpans struct {
	mu      sync.Mutex
	all     pitwall.SpanBatch
	traces  []placed
	batches []int                        // batch i, counted from 1, ends before trace batches[i-1]
	broken  error                        // what a reader is answered with
	odd     func(pitwall.SpanQuery) bool // what panics; nil: nothing
}

type placed struct {
	from, to   int // rows
	start, end int64
}

// longest bounds how long a request takes.
const longest = int64(20 * time.Second)

// append adds a batch and gives its position.
func (f *fakeSpans) append(list []journey) (uint64, *pitwall.SpanBatch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := len(f.traces)
	for _, j := range list {
		p := placed{from: f.all.Len(), start: j.rows[0].Start.UnixNano(), end: j.end.UnixNano()}
		for _, r := range j.rows {
			f.all.Add(r)
		}
		p.to = f.all.Len()
		f.traces = append(f.traces, p)
	}
	f.batches = append(f.batches, len(f.traces))
	return uint64(len(f.batches)), f.batch(first, len(f.traces))
}

// after gives every batch behind a position, as the log replays it to a tap.
func (f *fakeSpans) after(position uint64, feed func(uint64, *pitwall.SpanBatch)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := int(position); i < len(f.batches); i++ {
		from := 0
		if i > 0 {
			from = f.batches[i-1]
		}
		feed(uint64(i+1), f.batch(from, f.batches[i]))
	}
}

func (f *fakeSpans) batch(from, to int) *pitwall.SpanBatch {
	if from == to {
		return f.rows(nil)
	}
	return f.rows([][2]int{{f.traces[from].from, f.traces[to-1].to}})
}

func (f *fakeSpans) Spans(ctx context.Context, q pitwall.SpanQuery) (*pitwall.SpanBatch, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f.broken != nil {
		return nil, f.broken
	}
	if f.odd != nil && f.odd(q) {
		panic("slice bounds out of range")
	}
	from, to := q.Period.From.UnixNano(), q.Period.To.UnixNano()
	service, operation := f.all.Intern(string(q.Service)), f.all.Intern(q.Operation)
	var found [][2]int
	first := sort.Search(len(f.traces), func(i int) bool { return f.traces[i].end >= from })
	for _, t := range f.traces[first:] {
		if t.end-longest > to {
			break
		}
		for i := t.from; i < t.to; i++ {
			end := f.all.Start[i] + f.all.Duration[i]
			if end < from || end >= to || service != 0 && f.all.Service[i] != service || operation != 0 && f.all.Operation[i] != operation {
				continue
			}
			if !q.WholeTraces {
				found = append(found, [2]int{i, i + 1})
				continue
			}
			if n := len(found); n > 0 && found[n-1][1] == t.from {
				found[n-1][1] = t.to
			} else {
				found = append(found, [2]int{t.from, t.to})
			}
			break
		}
	}
	return f.rows(found), nil
}

// rows copies runs of rows out.
func (f *fakeSpans) rows(found [][2]int) *pitwall.SpanBatch {
	n := 0
	for _, r := range found {
		n += r[1] - r[0]
	}
	out := &pitwall.SpanBatch{
		Strings: slices.Clip(f.all.Strings), TraceID: make([]pitwall.TraceID, 0, n), SpanID: make([]uint64, 0, n), ParentID: make([]uint64, 0, n),
		Start: make([]int64, 0, n), Duration: make([]int64, 0, n), Service: make([]uint32, 0, n), Version: make([]uint32, 0, n),
		Operation: make([]uint32, 0, n), Peer: make([]uint32, 0, n), Statement: make([]uint32, 0, n), Kind: make([]pitwall.SpanKind, 0, n),
		Failed: make([]bool, 0, n), ReqBytes: make([]int64, 0, n), RespBytes: make([]int64, 0, n), AttrEnd: make([]uint32, 0, n),
	}
	for _, r := range found {
		f.copy(out, r[0], r[1])
	}
	return out
}

func (f *fakeSpans) copy(out *pitwall.SpanBatch, from, to int) {
	a := &f.all
	first := uint32(0)
	if from > 0 {
		first = a.AttrEnd[from-1]
	}
	shift := uint32(len(out.AttrKey)) - first
	for _, end := range a.AttrEnd[from:to] {
		out.AttrEnd = append(out.AttrEnd, end+shift)
	}
	out.AttrKey = append(out.AttrKey, a.AttrKey[first:a.AttrEnd[to-1]]...)
	out.AttrValue = append(out.AttrValue, a.AttrValue[first:a.AttrEnd[to-1]]...)
	out.TraceID, out.SpanID, out.ParentID = append(out.TraceID, a.TraceID[from:to]...), append(out.SpanID, a.SpanID[from:to]...), append(out.ParentID, a.ParentID[from:to]...)
	out.Start, out.Duration = append(out.Start, a.Start[from:to]...), append(out.Duration, a.Duration[from:to]...)
	out.Service, out.Version = append(out.Service, a.Service[from:to]...), append(out.Version, a.Version[from:to]...)
	out.Operation, out.Peer = append(out.Operation, a.Operation[from:to]...), append(out.Peer, a.Peer[from:to]...)
	out.Statement, out.Kind = append(out.Statement, a.Statement[from:to]...), append(out.Kind, a.Kind[from:to]...)
	out.Failed, out.ReqBytes = append(out.Failed, a.Failed[from:to]...), append(out.ReqBytes, a.ReqBytes[from:to]...)
	out.RespBytes = append(out.RespBytes, a.RespBytes[from:to]...)
}
