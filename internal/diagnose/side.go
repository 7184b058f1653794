package diagnose

import (
	"cmp"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/trace"
)

// side is everything the spans of one period say about the headline requests
// and what happened beneath them. Numbers per request are means over all
// headline requests of the period, so they add up.
type side struct {
	g        *graph
	blocks   int
	first    int64 // start of the first and last headline request, unix nanoseconds
	last     int64
	requests []float64 // headline requests per block
	rate     series    // requests per second
	latency  series    // seconds
	bad      series    // share slower than the objective or failed
	failed   series    // share failed
	duration []sample  // seconds, every headline request
	lost     []float64 // seconds under calls whose answering span is missing, per block
	ops      []*opSide
	calls    []*callSide
	versions map[pitwall.ServiceName]map[pitwall.Version]int
}

// opSide is one operation on one side.
type opSide struct {
	path     []float64 // seconds of own work that headline requests waited for, per block
	self     series    // own time per span, seconds
	total    series    // duration per span, seconds
	children series    // calls per span
	failed   series    // share failed
	origin   []float64 // headline failures that began here, per block
	req      []sample  // body bytes
	resp     []sample
	reqLen   series // the same per block, for the test
	respLen  series
}

// callSide is one kind of call on one side.
type callSide struct {
	gap     []float64 // seconds on the way (or in the leaf) that headline requests waited for, per block
	whole   []float64 // the same including the callee
	n       []float64 // calls per block
	took    series    // duration per call, seconds
	way     series    // client minus server duration per call, seconds
	failed  series    // share failed
	origin  []float64
	req     []sample
	resp    []sample
	reqLen  series
	respLen series
}

func (s *side) op(id int) *opSide {
	for len(s.ops) <= id {
		n := s.blocks
		s.ops = append(s.ops, &opSide{
			path: make([]float64, n), origin: make([]float64, n), self: newSeries(n), total: newSeries(n),
			children: newSeries(n), failed: newSeries(n), reqLen: newSeries(n), respLen: newSeries(n),
		})
	}
	return s.ops[id]
}

func (s *side) call(id int) *callSide {
	for len(s.calls) <= id {
		n := s.blocks
		s.calls = append(s.calls, &callSide{
			gap: make([]float64, n), whole: make([]float64, n), n: make([]float64, n), origin: make([]float64, n),
			took: newSeries(n), way: newSeries(n), failed: newSeries(n), reqLen: newSeries(n), respLen: newSeries(n),
		})
	}
	return s.calls[id]
}

// count is the number of headline requests.
func (s *side) count() int64 { return int64(len(s.duration)) }

// perRequest makes a series of a sum per block over the headline requests.
func (s *side) perRequest(sum []float64) series { return series{sum, s.requests} }

// runs says which version of a service served most on this side.
func (s *side) runs(name pitwall.ServiceName) pitwall.Version {
	var best pitwall.Version
	most := 0
	for v, n := range s.versions[name] {
		if n > most || n == most && v > best {
			best, most = v, n
		}
	}
	return best
}

// folder reads one batch into a side.
type folder struct {
	*side
	b      *pitwall.SpanBatch
	f      *trace.Forest
	self   []int64
	owner  []int32 // operation that a span belongs to; -1: not beneath a headline span
	callOf []int32 // call of a client span, or -1
	under  []int32 // block of the headline request a span belongs to
	shapes map[uint32]string
	dbKeys map[uint32]bool
}

// foldSpec says what to read and how.
type foldSpec struct {
	headline operation
	period   pitwall.Period
	slowest  time.Duration // a longer request is bad; 0: only failures are
}

// fold reads a batch. The result has no requests when the batch has none.
func fold(g *graph, b *pitwall.SpanBatch, in foldSpec) *side {
	s := &side{g: g, versions: map[pitwall.ServiceName]map[pitwall.Version]int{}}
	if b == nil || b.Len() == 0 {
		return s
	}
	f := &folder{side: s, b: b, f: trace.Build(b), shapes: map[uint32]string{}, dbKeys: map[uint32]bool{}}
	for _, key := range []string{"db.system.name", "db.system"} {
		if id, ok := b.Lookup(key); ok {
			f.dbKeys[id] = true
		}
	}
	heads := f.heads(in)
	if len(heads) == 0 {
		return s
	}
	f.layBlocks(heads)
	f.self = trace.SelfTimes(b, f.f)
	f.owner, f.callOf, f.under = filled(b.Len()), filled(b.Len()), make([]int32, b.Len())
	for _, h := range heads {
		f.headline(int(h), in)
		f.place(int(h))
		f.walk(int(h))
		if b.Failed[h] {
			f.blame(int(h))
		}
	}
	s.op(len(g.ops) - 1)
	if len(g.calls) > 0 {
		s.call(len(g.calls) - 1)
	}
	return s
}

func filled(n int) []int32 {
	v := make([]int32, n)
	for i := range v {
		v[i] = leaf
	}
	return v
}

// heads are the headline's server spans that ended in the period, by start.
// One beneath another is the same request seen twice.
func (f *folder) heads(in foldSpec) []int32 {
	service, ok := f.b.Lookup(string(in.headline.service))
	if !ok {
		return nil
	}
	name, named := f.b.Lookup(in.headline.name)
	is := func(i int) bool {
		return f.b.Service[i] == service && f.b.Kind[i] == pitwall.SpanServer &&
			(in.headline.name == "" || named && f.b.Operation[i] == name)
	}
	var heads []int32
	for i := range f.b.Len() {
		if !is(i) || !in.period.Contains(time.Unix(0, f.b.Start[i]+f.b.Duration[i])) {
			continue
		}
		nested := false
		for p := f.f.Parent[i]; p >= 0 && !nested; p = f.f.Parent[p] {
			nested = is(int(p))
		}
		if !nested {
			heads = append(heads, int32(i))
		}
	}
	slices.SortFunc(heads, func(x, y int32) int { return cmp.Compare(f.b.Start[x], f.b.Start[y]) })
	return heads
}

// layBlocks cuts the time between the first and the last request into at least
// four and at most sixteen blocks, of five requests or more where it can. Time
// in which nothing was recorded at either end is not counted as silence.
func (f *folder) layBlocks(heads []int32) {
	f.first, f.last = f.b.Start[heads[0]], f.b.Start[heads[len(heads)-1]]
	f.blocks = min(16, max(4, len(heads)/5))
	f.requests, f.lost = make([]float64, f.blocks), make([]float64, f.blocks)
	f.latency, f.bad, f.failed = newSeries(f.blocks), newSeries(f.blocks), newSeries(f.blocks)
	f.rate = newSeries(f.blocks)
	seconds := float64(f.last-f.first) / 1e9 / float64(f.blocks)
	for i := range f.rate.den {
		f.rate.den[i] = seconds
	}
}

func (f *folder) block(start int64) int {
	if f.last == f.first {
		return 0
	}
	at := float64(start-f.first) / float64(f.last-f.first) * float64(f.blocks)
	return min(f.blocks-1, max(0, int(at)))
}

func (f *folder) headline(h int, in foldSpec) {
	block := f.block(f.b.Start[h])
	took := time.Duration(f.b.Duration[h])
	f.duration = append(f.duration, sample{f.b.Start[h], took.Seconds()})
	f.requests[block]++
	f.rate.num[block]++
	f.latency.add(block, took.Seconds())
	f.failed.add(block, share(f.b.Failed[h]))
	f.bad.add(block, share(f.b.Failed[h] || in.slowest > 0 && took > in.slowest))
}

func share(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
