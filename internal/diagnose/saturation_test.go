package diagnose

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
	"github.com/pitwall/pitwall/internal/prof"
)

// burning is a service, payment, between checkout that calls it and bank that it
// calls, of which a request computes more since. Numbers are of a request and
// of now; before, a request took 2 ms of CPU in 10 ms, a tenth of a processor ran.
type burning struct {
	cpu        float64 // seconds
	cores      float64 // in use
	processors float64 // it may use; 0: nobody says
	wait       float64 // for a processor, seconds; 0: not measured
	lost, were float64 // of ten calls to it unanswered, and before
	database   float64 // CPU of a database in the process, seconds a request; 0: no profile
	garbage    float64 // CPU of the collector, likewise
	alloc      float64 // by what factor more is allocated; 0: not measured
	misses     bool    // a cache of it began to miss
}

// even is a quantity that is a little uneven, so that there is something to test against.
func even(value, per float64) fold.Series {
	s := fold.NewSeries(evenBlocks)
	for i := range s.Num {
		s.Num[i], s.Den[i] = value*per*(1+0.01*float64(i%3)), per
	}
	return s
}

// evenBlocks is into how many blocks sixty requests are cut, of five each.
const evenBlocks = 12

// requests is a side of sixty requests of checkout in a minute.
func requests(g *fold.Graph, p pitwall.Period) *fold.Side {
	b := &pitwall.SpanBatch{}
	for i := range 60 {
		b.Add(pitwall.SpanRow{
			TraceID: pitwall.TraceID{byte(i), 1}, SpanID: 1, Start: p.From.Add(time.Duration(i) * 900 * time.Millisecond), Duration: time.Millisecond,
			Service: "checkout", Operation: "POST /checkout", Kind: pitwall.SpanServer,
		})
	}
	return fold.Fold(g, b, fold.Spec{Headline: fold.Operation{Service: "checkout", Name: "POST /checkout"}, Period: p})
}

// places of the world of burning, in their order.
const (
	ownWork = iota
	wayIn
	unanswered
	toBank
	elsewhere
)

func (b burning) inquiry() *inquiry {
	x := &inquiry{g: fold.NewGraph(), profiles: map[profileKey]profileAnswer{}}
	x.q.Regression.Service = "checkout"
	x.q.Baseline = pitwall.Period{From: epoch, To: epoch.Add(time.Minute)}
	x.q.Window = pitwall.Period{From: epoch.Add(time.Minute), To: epoch.Add(2 * time.Minute)}
	x.base, x.head = requests(x.g, x.q.Baseline), requests(x.g, x.q.Window)
	for i, name := range []string{"payment", "auth"} {
		op := fold.Operation{Service: pitwall.ServiceName(name), Name: "POST /" + name}
		x.g.Ops, x.g.OpID[op] = append(x.g.Ops, op), i+1
	}
	x.g.Calls = []fold.Call{
		{From: 0, To: 1, Peer: "payment", Name: "POST /payment"},
		{From: 0, To: fold.Leaf, Peer: "payment", Name: "POST /payment"},
		{From: 1, To: fold.Leaf, Peer: "bank", Name: "POST /authorise"},
		{From: 0, To: 2, Peer: "auth", Name: "POST /auth"},
	}
	for side, lost := range map[*fold.Side]float64{x.base: b.were, x.head: b.lost} {
		for id, n := range []float64{10 - lost, lost, 10, 10} {
			side.Call(id).N = even(n/10, 5).Num
		}
		side.Call(1).Failed.Num = side.Call(1).N // nobody waits for ever
		for id := range x.g.Ops {
			side.Op(id).Total = even(0.01, 5)
		}
	}
	x.base.Op(1).Self, x.head.Op(1).Self = even(0.01, 5), even(4, 5)
	place := func(p part, id int, after float64, beyond bool) {
		x.places = append(x.places, place{p, id, fold.Shift{Before: 0.01, After: after, Beyond: beyond, Known: true, Noise: fold.MinNoise}})
	}
	place(partSelf, 1, 4, true)
	place(partHop, 0, 2, true)
	place(partLeaf, 1, 3, false)
	place(partLeaf, 2, 0.5, false)
	place(partHop, 3, 0.3, true)
	x.latency = fold.Shift{Before: 0.05, After: 9.8, Known: true, Beyond: true, Noise: fold.MinNoise}
	x.typed = indexMeasured(Answer{Measured: b.measured()})
	if b.database+b.garbage > 0 {
		rows := []pitwall.FrameDelta{
			{Name: string(prof.FamilyDatabase), After: b.database}, {Name: string(prof.FamilyGC), After: b.garbage},
			{Name: "own", Before: 0.002, After: b.cpu - b.database - b.garbage},
		}
		x.profiles[profileKey{"payment", pitwall.ProfileCPU}] = profileAnswer{diff: pitwall.FlameDiff{Unit: pitwall.UnitCPUPerReq, Families: rows}}
	}
	return x
}

func (b burning) measured() []pitwall.Measured {
	var list []pitwall.Measured
	series := func(metric, stat string, before, after float64) {
		if after == 0 {
			return
		}
		m := pitwall.Measured{Service: "payment", Metric: metric, Stat: stat}
		for i := range 24 {
			v := before
			if i >= 12 {
				v = after
			}
			m.T, m.V = append(m.T, epoch.Add(time.Duration(5*i)*time.Second).UnixMilli()), append(m.V, v*(1+0.01*float64(i%3)))
		}
		list = append(list, m)
	}
	rate := b.cores / b.cpu
	series(metricRequests, "rate", 50, rate)
	series(metricCPU, "value", 0.1, b.cores)
	series(metricProcessors, "value", b.processors, b.processors)
	series(metricSched, "avg", 0.0001, b.wait)
	series(metricAlloc, "rate", 50e3, b.alloc*1e3*rate)
	if b.misses {
		series(metricCache, "ratio", 0.95, 0.1)
	}
	return list
}

// full computes four times as much and uses nine tenths of two processors.
func full() burning { return burning{cpu: 0.008, cores: 1.8, processors: 2} }

func (b burning) with(change func(*burning)) burning { change(&b); return b }

func TestSaturated(t *testing.T) {
	idle := full().with(func(b *burning) { b.cores, b.processors = 0.25, 8 })
	for name, c := range map[string]struct {
		world burning
		want  bool
	}{
		"busy":                        {full(), true},
		"a busy half":                 {full().with(func(b *burning) { b.cores = 0.85 }), true},
		"little more work":            {full().with(func(b *burning) { b.cpu = 0.0024 }), false},
		"many processors":             {full().with(func(b *burning) { b.processors = 8 }), false},
		"nobody says how many":        {full().with(func(b *burning) { b.processors = 0 }), false},
		"idle":                        {idle, false},
		"idle, and waits":             {idle.with(func(b *burning) { b.wait = 0.001 }), true},
		"it waits for somebody else":  {idle.with(func(b *burning) { b.cores, b.wait = 0.15, 0.001 }), false},
		"idle, and waits a little":    {idle.with(func(b *burning) { b.wait = 0.0004 }), false},
		"idle, and leaves unanswered": {idle.with(func(b *burning) { b.lost = 2 }), true},
		"idle, and always did":        {idle.with(func(b *burning) { b.lost, b.were = 2, 0.5 }), false},
		"idle, and one in twenty":     {idle.with(func(b *burning) { b.lost = 0.5 }), false},
		"its database works":          {full().with(func(b *burning) { b.database = 0.005 }), false},
		"its database works a little": {full().with(func(b *burning) { b.database = 0.002 }), true},
	} {
		if got := c.world.inquiry().saturated("payment"); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestQueueOfABusyProcessor: what stands in the queue in front of a busy
// processor belongs to the work, little as that is of the time.
func TestQueueOfABusyProcessor(t *testing.T) {
	list := ownTime(full().inquiry()).findings
	if len(list) != 1 || list[0].class != pitwall.BottleneckCPU || list[0].weak != "" || !list[0].starves {
		t.Fatalf("%d findings: %+v", len(list), list)
	}
	for id, want := range []bool{ownWork: true, wayIn: true, unanswered: true, toBank: true, elsewhere: false} {
		if list[0].covers[id] != want {
			t.Errorf("it covers place %d: %v", id, list[0].covers[id])
		}
	}
	if list[0].explained < 9 {
		t.Errorf("it explains %v s", list[0].explained)
	}
	for name, b := range map[string]burning{
		"idle":               full().with(func(b *burning) { b.cores, b.processors = 0.15, 8 }),
		"its database works": full().with(func(b *burning) { b.database = 0.005 }),
	} {
		for _, f := range ownTime(b.inquiry()).findings {
			if f.class == pitwall.BottleneckCPU || f.covers[wayIn] || f.covers[unanswered] {
				t.Errorf("%s: %s covers %v", name, f.class, f.covers)
			}
		}
	}
}

// TestSeveralWays: what all ways around a service grew by is its own, if each grew
// by less than its work does, however many they are; a longer one is not.
func TestSeveralWays(t *testing.T) {
	for name, c := range map[string]struct {
		in, out float64
		want    bool
	}{
		"each less, together more": {0.016, 0.017, true},
		"one more":                 {0.03, 0.017, false},
	} {
		x := full().with(func(b *burning) { b.cores, b.processors = 0.25, 8 }).inquiry()
		x.head.Op(1).Self, x.latency.After = even(0.018, 5), 0.15
		for id, after := range map[int]float64{ownWork: 0.018, wayIn: c.in, unanswered: 0.01, toBank: c.out, elsewhere: 0.011} {
			x.places[id].shift.After, x.places[id].shift.Beyond = after, true
		}
		list := ownTime(x).findings
		if len(list) != 1 || list[0].class != pitwall.BottleneckCPU {
			t.Fatalf("%s: %+v", name, list)
		}
		if f := list[0]; f.covers[wayIn] != c.want || f.covers[toBank] != c.want || f.covers[elsewhere] {
			t.Errorf("%s: it covers %v", name, f.covers)
		}
	}
}

// TestGarbageIsAThirdOfTheWork: with several times the allocations.
func TestGarbageIsAThirdOfTheWork(t *testing.T) {
	for name, c := range map[string]struct {
		garbage, alloc float64
		want           pitwall.Bottleneck
	}{
		"a third, several times":     {0.0025, 4, pitwall.BottleneckAllocation},
		"a third, twice":             {0.0025, 2, pitwall.BottleneckCPU},
		"a third, nobody knows":      {0.0025, 0, pitwall.BottleneckCPU},
		"a fifth, several times":     {0.0012, 4, pitwall.BottleneckCPU},
		"more than half, as it were": {0.0040, 1, pitwall.BottleneckAllocation},
	} {
		x := full().with(func(b *burning) { b.garbage, b.alloc = c.garbage, c.alloc }).inquiry()
		if list := ownTime(x).findings; len(list) != 1 || list[0].class != c.want {
			t.Errorf("%s: %+v, want %s", name, list, c.want)
		}
	}
}

// TestDatabaseInTheProcess: work that a database in the process does is blamed on
// the statement that takes longer, where there is one.
func TestDatabaseInTheProcess(t *testing.T) {
	for name, c := range map[string]struct {
		database, took float64
		want           pitwall.Bottleneck
	}{
		"a statement takes longer":          {0.005, 0.004, pitwall.BottleneckIODB},
		"statements take as long as before": {0.005, 0.001, pitwall.BottleneckCPU},
		"its own code computes":             {0.002, 0.004, pitwall.BottleneckCPU},
	} {
		x := full().with(func(b *burning) { b.database = c.database }).inquiry()
		x.g.Calls = append(x.g.Calls, fold.Call{From: 1, To: fold.Leaf, Peer: "db", Name: "SELECT", Statement: "SELECT total FROM orders WHERE customer = ?", DB: true})
		x.base.Call(4).Took, x.head.Call(4).Took = even(0.001, 5), even(c.took, 5)
		x.head.Op(1).Self = even(0.03, 5)
		list := ownTime(x).findings
		if len(list) != 1 || list[0].class != c.want {
			t.Fatalf("%s: %+v, want %s", name, list, c.want)
		}
		told := slices.ContainsFunc(list[0].evidence, func(e pitwall.Evidence) bool { return strings.Contains(e.Claim, "SELECT total") })
		if told != (c.want == pitwall.BottleneckIODB) {
			t.Errorf("%s: the statement is told: %v", name, told)
		}
	}
}

// TestCacheOfABusyProcessor: the queue is behind the cache that no longer spares
// the work, and so is the work.
func TestCacheOfABusyProcessor(t *testing.T) {
	for name, c := range map[string]struct {
		world burning
		queue bool
	}{
		"busy": {full().with(func(b *burning) { b.misses = true }), true},
		"idle": {full().with(func(b *burning) { b.misses, b.processors = true, 8 }), false},
	} {
		x := c.world.inquiry()
		missed := cache(x).findings
		if len(missed) != 1 {
			t.Fatalf("%s: %d findings", name, len(missed))
		}
		f := missed[0]
		if f.covers[wayIn] != c.queue || f.covers[unanswered] != c.queue || f.covers[elsewhere] || !f.covers[ownWork] {
			t.Errorf("%s: it covers %v", name, f.covers)
		}
		if !c.queue {
			continue
		}
		list := x.weigh(append(missed, ownTime(x).findings...))
		markEffects(list)
		at := slices.IndexFunc(list, func(f *finding) bool { return f.class == pitwall.BottleneckCPU })
		if at < 0 || list[at].effectOf != f || f.effectOf != nil || f.share < causeShare {
			t.Errorf("%s: the work is not the effect of the cache: %+v", name, list)
		}
	}
}
