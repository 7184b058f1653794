package fold

import (
	"cmp"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/trace"
)

// Side is everything the spans of one period say about the headline requests
// and what happened beneath them. Numbers per request are means over all
// headline requests of the period, so they add up.
type Side struct {
	g        *Graph
	blocks   int
	first    int64 // start of the first and last headline request, unix nanoseconds
	last     int64
	requests []float64 // headline requests per block
	Rate     Series    // requests per second
	Latency  Series    // seconds
	Bad      Series    // share slower than the objective or failed
	Failed   Series    // share failed
	Duration []Sample  // seconds, every headline request
	Lost     []float64 // seconds under calls whose answering span is missing, per block
	Refused  float64   // headline failures that began with the answer that what is asked is wrong
	ops      []*OpSide
	calls    []*CallSide
	Versions map[pitwall.ServiceName]map[pitwall.Version]int
	Began    map[Instance]int64 // first request that each instance was seen to answer, unix nanoseconds
	Batch    *pitwall.SpanBatch // what was read, for who wants to look at single requests; nil: nothing
	Forest   *trace.Forest
	Heads    []int32 // rows of the headline requests, by start
}

// Instance is one running copy of a service, as its spans name it.
type Instance struct {
	Service pitwall.ServiceName
	ID      string
}

// OpSide is one operation on one side.
type OpSide struct {
	Path     []float64      // seconds of own work that headline requests waited for, per block
	Self     Series         // own time per span, seconds
	Total    Series         // duration per span, seconds
	Children Series         // calls per span
	Failed   Series         // share failed
	Threw    Series         // share failed with no failed call beneath: it failed by itself
	Lead     Series         // own time before the first call of a run that makes one, seconds
	Origin   []float64      // headline failures that began here, per block
	Why      map[string]int // what the spans of those failures say of them: the error's type, or its words
	Req      []Sample       // body bytes
	Resp     []Sample
	ReqLen   Series // the same per block, for the test
	RespLen  Series
}

// CallSide is one kind of call on one side.
type CallSide struct {
	Gap     []float64 // seconds on the way (or in the leaf) that headline requests waited for, per block
	Whole   []float64 // the same including the callee
	N       []float64 // calls per block
	Took    Series    // duration per call, seconds
	Way     Series    // client minus server duration per call, seconds
	Failed  Series    // share failed
	Cut     Series    // share that the caller gave up while the callee was still at work
	Again   Series    // share that repeats a request that failed, by http.request.resend_count
	Tries   int       // the highest http.request.resend_count seen
	Passed  []Sample  // seconds of each call that did not fail
	Broke   []Sample  // seconds of each that did
	Origin  []float64
	Req     []Sample
	Resp    []Sample
	ReqLen  Series
	RespLen Series
}

// Op is one operation by the graph's number, empty when this side never saw it.
func (s *Side) Op(id int) *OpSide {
	for len(s.ops) <= id {
		n := s.blocks
		s.ops = append(s.ops, &OpSide{
			Path: make([]float64, n), Origin: make([]float64, n), Self: NewSeries(n), Total: NewSeries(n),
			Children: NewSeries(n), Failed: NewSeries(n), Threw: NewSeries(n), Lead: NewSeries(n),
			ReqLen: NewSeries(n), RespLen: NewSeries(n), Why: map[string]int{},
		})
	}
	return s.ops[id]
}

// Call is one kind of call by the graph's number, likewise.
func (s *Side) Call(id int) *CallSide {
	for len(s.calls) <= id {
		n := s.blocks
		s.calls = append(s.calls, &CallSide{
			Gap: make([]float64, n), Whole: make([]float64, n), N: make([]float64, n), Origin: make([]float64, n),
			Took: NewSeries(n), Way: NewSeries(n), Failed: NewSeries(n), Cut: NewSeries(n), Again: NewSeries(n),
			ReqLen: NewSeries(n), RespLen: NewSeries(n),
		})
	}
	return s.calls[id]
}

// Count is the number of headline requests.
func (s *Side) Count() int64 { return int64(len(s.Duration)) }

// PerRequest makes a series of a sum per block over the headline requests.
func (s *Side) PerRequest(sum []float64) Series { return Series{sum, s.requests} }

// Runs says which version of a service served most on this side.
func (s *Side) Runs(name pitwall.ServiceName) pitwall.Version {
	var best pitwall.Version
	most := 0
	for v, n := range s.Versions[name] {
		if n > most || n == most && v > best {
			best, most = v, n
		}
	}
	return best
}

// folder reads one batch into a side.
type folder struct {
	*Side
	b       *pitwall.SpanBatch
	f       *trace.Forest
	self    []int64
	owner   []int32 // operation that a span belongs to; -1: not beneath a headline span
	callOf  []int32 // call of a client span, or -1
	under   []int32 // block of the headline request a span belongs to
	names   names
	walker  *trace.Walker
	tree    []int32 // the request under way: parents before children
	waited  []int64 // nanoseconds the request waited for a span and what is beneath it
	todo    []int32 // stacks, kept for their memory
	inner   []int32
	began   map[[2]uint32]int64 // by dictionary numbers of service and instance
	runner  uint32              // dictionary number of the attribute that names an instance; 0: nobody has it
	resend  uint32              // dictionary number of the attribute that counts repetitions; 0: nobody has it
	replied []uint32            // those of the attributes that hold the status of an answer
	why     []uint32            // those of the attributes that say why a span failed, the most telling first
}

// Spec says what to read and how.
type Spec struct {
	Headline Operation
	Period   pitwall.Period
	Slowest  time.Duration // a longer request is bad; 0: only failures are
}

// Fold reads a batch. The result has no requests when the batch has none.
func Fold(g *Graph, b *pitwall.SpanBatch, in Spec) *Side {
	s := &Side{g: g, Versions: map[pitwall.ServiceName]map[pitwall.Version]int{}}
	if b == nil || b.Len() == 0 {
		return s
	}
	f := &folder{Side: s, b: b, f: trace.Build(b), names: newNames(b)}
	f.began = map[[2]uint32]int64{}
	for _, key := range []string{"k8s.pod.name", "service.instance.id"} {
		if id, ok := b.Lookup(key); ok {
			f.runner = id
		}
	}
	f.resend, _ = b.Lookup("http.request.resend_count")
	for _, key := range []string{"exception.type", "error.type", "exception.message", "otel.status_description"} {
		if id, ok := b.Lookup(key); ok {
			f.why = append(f.why, id)
		}
	}
	for _, key := range []string{"http.response.status_code", "http.status_code"} {
		if id, ok := b.Lookup(key); ok {
			f.replied = append(f.replied, id)
		}
	}
	heads := f.heads(in)
	if len(heads) == 0 {
		return s
	}
	s.Batch, s.Forest, s.Heads = b, f.f, heads
	f.layBlocks(heads)
	f.self = trace.SelfTimes(b, f.f)
	f.owner, f.callOf, f.under = filled(b.Len()), filled(b.Len()), make([]int32, b.Len())
	f.walker, f.waited = trace.NewWalker(b, f.f), make([]int64, b.Len())
	for _, h := range heads {
		f.headline(int(h), in)
		f.place(int(h))
		f.walk(int(h))
		if b.Failed[h] {
			f.blame(int(h))
		}
	}
	f.tellVersions()
	s.Began = make(map[Instance]int64, len(f.began))
	for key, at := range f.began {
		s.Began[Instance{pitwall.ServiceName(b.Strings[key[0]]), b.Strings[key[1]]}] = at
	}
	s.Op(len(g.Ops) - 1)
	if len(g.Calls) > 0 {
		s.Call(len(g.Calls) - 1)
	}
	return s
}

func filled(n int) []int32 {
	v := make([]int32, n)
	for i := range v {
		v[i] = Leaf
	}
	return v
}

// heads are the headline's server spans that ended in the period, by start.
// One beneath another is the same request seen twice.
func (f *folder) heads(in Spec) []int32 {
	service, ok := f.b.Lookup(string(in.Headline.Service))
	if !ok {
		return nil
	}
	name, named := f.b.Lookup(in.Headline.Name)
	is := func(i int) bool {
		return f.b.Service[i] == service && f.b.Kind[i] == pitwall.SpanServer &&
			(in.Headline.Name == "" || named && f.b.Operation[i] == name)
	}
	var heads []int32
	known := make([]nesting, f.b.Len())
	for i := range f.b.Len() {
		if !is(i) || !in.Period.Contains(time.Unix(0, f.b.Start[i]+f.b.Duration[i])) {
			continue
		}
		if f.nested(known, i, is) == outermost {
			heads = append(heads, int32(i))
		}
	}
	slices.SortFunc(heads, func(x, y int32) int { return cmp.Compare(f.b.Start[x], f.b.Start[y]) })
	return heads
}

// nesting is whether a span lies beneath a headline span.
type nesting uint8

const (
	unknown nesting = iota
	outermost
	beneath
)

// nested looks upwards, no further than it or an earlier look has been.
func (f *folder) nested(known []nesting, i int, is func(int) bool) nesting {
	at, found := i, unknown
	for found == unknown {
		p := int(f.f.Parent[at])
		switch {
		case known[at] != unknown:
			found = known[at]
		case p < 0:
			found = outermost
		case is(p):
			found = beneath
		default:
			at = p
		}
	}
	for up := i; known[up] == unknown; up = int(f.f.Parent[up]) {
		known[up] = found
		if up == at {
			break
		}
	}
	return found
}

// layBlocks cuts the time between the first and the last request into at least
// four and at most sixteen blocks, of five requests or more where it can. Time
// in which nothing was recorded at either end is not counted as silence.
func (f *folder) layBlocks(heads []int32) {
	f.first, f.last = f.b.Start[heads[0]], f.b.Start[heads[len(heads)-1]]
	f.blocks = min(16, max(4, len(heads)/5))
	f.requests, f.Lost = make([]float64, f.blocks), make([]float64, f.blocks)
	f.Latency, f.Bad, f.Failed = NewSeries(f.blocks), NewSeries(f.blocks), NewSeries(f.blocks)
	f.Rate = NewSeries(f.blocks)
	seconds := float64(f.last-f.first) / 1e9 / float64(f.blocks)
	for i := range f.Rate.Den {
		f.Rate.Den[i] = seconds
	}
}

func (f *folder) block(start int64) int {
	if f.last == f.first {
		return 0
	}
	at := float64(start-f.first) / float64(f.last-f.first) * float64(f.blocks)
	return min(f.blocks-1, max(0, int(at)))
}

func (f *folder) headline(h int, in Spec) {
	block := f.block(f.b.Start[h])
	took := time.Duration(f.b.Duration[h])
	f.Duration = append(f.Duration, Sample{f.b.Start[h], took.Seconds()})
	f.requests[block]++
	f.Rate.Num[block]++
	f.Latency.Add(block, took.Seconds())
	f.Failed.Add(block, share(f.b.Failed[h]))
	f.Bad.Add(block, share(f.b.Failed[h] || in.Slowest > 0 && took > in.Slowest))
}

func share(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
