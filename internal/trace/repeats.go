package trace

import (
	"cmp"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// Repeat is one kind of call that the spans of one operation make, and how
// often: a query in a loop (n+1) has a high Median and values that differ, a
// missing cache a high Same, a call that is tried again shows as Retries.
type Repeat struct {
	Service   pitwall.ServiceName // who calls
	Operation string
	Callee    pitwall.ServiceName // who answers, or else the peer the call names; may be ""
	Call      string              // name of the call's span
	Statement string              // shape of the database statement, or ""
	Callers   int                 // spans of the operation that make the call at all
	Calls     int
	// Median and P95 are over callers: how many of the calls one of them makes
	// one after the other, each beginning after the one before has ended.
	Median, P95 float64
	// Same is the share of the calls that ask, word for word, what the same
	// caller asked before.
	Same pitwall.Ratio
	// Retries are the calls made again after one that failed; RetrySeconds is
	// what the calls that failed and the waits after them took.
	Retries      int
	RetrySeconds float64
}

// Repeats reads the calls of every operation in a batch. What a span's internal
// spans call, it calls. The list is by service, operation and call.
func Repeats(b *pitwall.SpanBatch, f *Forest) []Repeat {
	r := newRepeats(b, f)
	for _, owner := range r.order { // parents first: the order does not matter, only that it is one
		if calls := r.callsOf(int(owner)); len(calls) > 0 {
			r.read(calls)
		}
	}
	return r.repeats()
}

// callKind is what makes calls alike; numbers of the dictionary, but for the
// statement's shape.
type callKind struct {
	service, operation, callee, call uint32
	statement                        int32
}

type tally struct {
	kind    callKind
	calls   int
	runs    []float64 // sequential calls of each caller
	same    int
	retries int
	lost    int64
}

type repeats struct {
	b        *pitwall.SpanBatch
	order    []int32 // all spans in trees, parents before children
	call     []int32 // calls by owner: call[callEnd[i-1]:callEnd[i]]
	callEnd  []int32
	kind     []int32 // number of a call's kind
	kinds    map[callKind]int32
	tallies  []tally
	urls     []uint32 // keys that say what exactly was asked for
	resends  []uint32
	asked    map[uint32]bool
	shapes   map[uint32]int32 // statement to shape
	shapeNo  map[string]int32
	shapeStr []string
}

func newRepeats(b *pitwall.SpanBatch, f *Forest) *repeats {
	r := &repeats{b: b, order: topDown(f), kind: make([]int32, b.Len()), kinds: map[callKind]int32{},
		urls:    lookups(b, "url.full", "http.url", "url.path", "http.target"),
		resends: lookups(b, "http.request.resend_count", "http.resend_count"),
		asked:   map[uint32]bool{}, shapes: map[uint32]int32{0: 0}, shapeNo: map[string]int32{"": 0}, shapeStr: []string{""}}
	owner := make([]int32, b.Len())
	caller := make([]int32, b.Len()) // of a call: its owner; -1: no call
	for i := range caller {
		caller[i] = none
	}
	for _, i := range r.order {
		p := f.Parent[i]
		if p == none || b.Kind[i] == pitwall.SpanServer || b.Kind[i] == pitwall.SpanConsumer || b.Service[p] != b.Service[i] {
			owner[i] = i
			continue
		}
		owner[i] = owner[p]
		if b.Kind[i] == pitwall.SpanClient || b.Kind[i] == pitwall.SpanProducer {
			caller[i] = owner[i]
			r.kind[i] = r.kindOf(f, int(i), int(owner[i]))
		}
	}
	r.call, r.callEnd = group(b.Len(), b.Len(), func(i int) int32 { return caller[i] })
	return r
}

// topDown lists all spans that hang in trees, parents before children.
func topDown(f *Forest) []int32 {
	order := make([]int32, 0, len(f.Parent))
	order = append(order, f.Roots...)
	for i := 0; i < len(order); i++ {
		order = append(order, f.Children(int(order[i]))...)
	}
	return order
}

func (r *repeats) callsOf(owner int) []int32 { return slot(r.call, r.callEnd, owner) }

func (r *repeats) kindOf(f *Forest, i, owner int) int32 {
	k := callKind{service: r.b.Service[owner], operation: r.b.Operation[owner], callee: r.b.Peer[i], call: r.b.Operation[i], statement: r.shapeOf(r.b.Statement[i])}
	for _, c := range f.Children(i) {
		if r.b.Kind[c] == pitwall.SpanServer || r.b.Kind[c] == pitwall.SpanConsumer {
			k.callee = r.b.Service[c]
			break
		}
	}
	no, ok := r.kinds[k]
	if !ok {
		no = int32(len(r.tallies))
		r.kinds[k] = no
		r.tallies = append(r.tallies, tally{kind: k})
	}
	return no
}

func (r *repeats) shapeOf(statement uint32) int32 {
	no, ok := r.shapes[statement]
	if ok {
		return no
	}
	text := StatementShape(r.b.Strings[statement])
	no, ok = r.shapeNo[text]
	if !ok {
		no = int32(len(r.shapeStr))
		r.shapeNo[text] = no
		r.shapeStr = append(r.shapeStr, text)
	}
	r.shapes[statement] = no
	return no
}

// read takes in what one span calls.
func (r *repeats) read(calls []int32) {
	slices.SortFunc(calls, func(x, y int32) int {
		return cmp.Or(cmp.Compare(r.kind[x], r.kind[y]), cmp.Compare(r.b.Start[x], r.b.Start[y]), cmp.Compare(x, y))
	})
	for from := 0; from < len(calls); {
		to := from + 1
		for to < len(calls) && r.kind[calls[to]] == r.kind[calls[from]] {
			to++
		}
		r.alike(&r.tallies[r.kind[calls[from]]], calls[from:to])
		from = to
	}
}

// alike takes in calls of one kind by one caller, by start.
func (r *repeats) alike(t *tally, calls []int32) {
	t.calls += len(calls)
	run, end, last := 0, int64(0), -1
	clear(r.asked)
	for _, c := range calls {
		i := int(c)
		if st := r.b.Statement[i]; st != 0 {
			if r.asked[st] {
				t.same++
			}
			r.asked[st] = true
		}
		if last >= 0 && r.b.Start[i] < end {
			continue // beside the one before, not after it
		}
		switch {
		case last >= 0 && r.b.Failed[last] && r.sameTarget(last, i):
			t.retries++
			t.lost += r.b.Start[i] - r.b.Start[last]
		case attribute(r.b, i, r.resends) > "0": // its client says so itself
			t.retries++
		}
		run, end, last = run+1, r.b.Start[i]+r.b.Duration[i], i
	}
	t.runs = append(t.runs, float64(run))
}

// sameTarget says whether two calls ask for the same; of statements the shape
// is the same already.
func (r *repeats) sameTarget(x, y int) bool {
	if r.b.Statement[x] != r.b.Statement[y] {
		return false
	}
	ux, uy := attribute(r.b, x, r.urls), attribute(r.b, y, r.urls)
	return ux == "" || uy == "" || ux == uy
}

func (r *repeats) repeats() []Repeat {
	list := make([]Repeat, 0, len(r.tallies))
	for _, t := range r.tallies {
		if t.calls == 0 {
			continue
		}
		slices.Sort(t.runs)
		s := r.b.Strings
		list = append(list, Repeat{
			Service: pitwall.ServiceName(s[t.kind.service]), Operation: s[t.kind.operation],
			Callee: pitwall.ServiceName(s[t.kind.callee]), Call: s[t.kind.call], Statement: r.shapeStr[t.kind.statement],
			Callers: len(t.runs), Calls: t.calls, Median: stats.Quantile(t.runs, 0.5), P95: stats.Quantile(t.runs, 0.95),
			Same: pitwall.Ratio(float64(t.same) / float64(t.calls)), Retries: t.retries, RetrySeconds: float64(t.lost) / 1e9,
		})
	}
	slices.SortStableFunc(list, func(x, y Repeat) int {
		return cmp.Or(cmp.Compare(x.Service, y.Service), cmp.Compare(x.Operation, y.Operation), cmp.Compare(x.Callee, y.Callee),
			cmp.Compare(x.Call, y.Call), cmp.Compare(x.Statement, y.Statement))
	})
	return list
}
