package fold

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/trace"
)

// tangle makes traces of all kinds of spans under a headline span, with calls
// that nobody answers, headline spans beneath headline spans, and spans that
// lie outside of their parents.
func tangle(r *rand.Rand) *pitwall.SpanBatch {
	b := &pitwall.SpanBatch{}
	for t := range 1 + r.IntN(12) {
		n := 1 + r.IntN(30)
		for i := range n {
			row := pitwall.SpanRow{TraceID: pitwall.TraceID{15: byte(t + 1)}, SpanID: uint64(i + 1), Kind: pitwall.SpanKind(r.IntN(6)),
				Service: pitwall.ServiceName(fmt.Sprint("s", r.IntN(3))), Version: pitwall.Version(fmt.Sprint("v", r.IntN(3))), Operation: fmt.Sprint("op", r.IntN(3)),
				Start: time.Unix(100, r.Int64N(1000)), Duration: time.Duration(r.Int64N(600)), Failed: r.IntN(4) == 0, ReqBytes: -1, RespBytes: r.Int64N(9) - 1}
			if i == 0 {
				row.Kind, row.Service, row.Operation, row.Start, row.Duration = pitwall.SpanServer, "s0", "op0", time.Unix(100, int64(100*t)), time.Duration(900+r.Int64N(90))
			} else {
				row.ParentID = uint64(1 + r.IntN(i))
			}
			if row.Kind == pitwall.SpanClient {
				row.Peer = []string{"", "s1", "pg"}[r.IntN(3)]
				row.Statement = []string{"", "", "SELECT 1", "SELECT 2"}[r.IntN(4)]
				if r.IntN(4) == 0 {
					row.Attrs = []pitwall.Attr{{Key: "db.system.name", Value: "pg"}}
				}
			}
			b.Add(row)
		}
	}
	return b
}

// plain tells a span's operation and call the long way, from texts.
type plain struct {
	b    *pitwall.SpanBatch
	f    *trace.Forest
	head int
}

func (p plain) owner(i int) Operation {
	up := int(p.f.Parent[i])
	opens := i == p.head || p.b.Kind[i] == pitwall.SpanServer || p.b.Kind[i] == pitwall.SpanConsumer
	if !opens && p.b.Service[up] == p.b.Service[i] {
		return p.owner(up)
	}
	r := p.b.Row(i)
	return Operation{r.Service, r.Operation}
}

func (p plain) call(g *Graph, i int) Call {
	r := p.b.Row(i)
	c := Call{From: g.OpID[p.owner(i)], To: Leaf, Peer: r.Peer, Name: r.Operation}
	for _, child := range p.f.Children(i) {
		if s := p.b.Row(int(child)); s.Kind == pitwall.SpanServer {
			c.To, c.Peer = g.OpID[Operation{s.Service, s.Operation}], string(s.Service)
		}
	}
	if c.To == Leaf {
		c.Statement = trace.StatementShape(r.Statement)
		c.DB = r.Statement != "" || len(r.Attrs) > 0
	}
	return c
}

// TestFoldAgainstTheLongWay: what every call and place was waited for, span by
// span from the texts, is what the fold says with its numbers and caches.
func TestFoldAgainstTheLongWay(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	in := Spec{Headline: Operation{"s0", "op0"}, Period: pitwall.Period{From: time.Unix(99, 0), To: time.Unix(200, 0)}}
	for try := range 300 {
		b := tangle(r)
		g := NewGraph()
		s := Fold(g, b, in)
		f := trace.Build(b)
		whole, versions, waited, requests := map[Call]float64{}, map[string]int{}, 0.0, 0
		for i := range b.Len() {
			if f.Parent[i] != -1 {
				continue
			}
			requests++
			waited += seconds(b.Duration[i])
			p := plain{b, f, i}
			for _, sec := range trace.CriticalPath(b, f, i) {
				for at := sec.Span; at != -1; at = int(f.Parent[at]) {
					if b.Kind[at] == pitwall.SpanClient {
						whole[p.call(g, at)] += seconds(sec.Duration())
					}
				}
			}
			for _, row := range f.Spans(int(f.TraceOf[i])) {
				v := b.Row(int(row))
				versions[string(v.Service)+" "+string(v.Version)]++
			}
		}
		if int(s.Count()) != requests {
			t.Fatalf("try %d: %d requests, want %d", try, s.Count(), requests)
		}
		placed := total(s.Lost)
		for id := range g.Ops {
			placed += total(s.Op(id).Path)
		}
		for id, c := range g.Calls {
			placed += total(s.Call(id).Gap)
			near(t, try, g.Edge(c)+" "+c.Statement, whole[c], total(s.Call(id).Whole))
		}
		near(t, try, "all places", waited, placed)
		for service, list := range s.Versions {
			for v, n := range list {
				if versions[string(service)+" "+string(v)] != n {
					t.Fatalf("try %d: %d spans of %s %s, want %d", try, n, service, v, versions[string(service)+" "+string(v)])
				}
			}
		}
	}
}

func total(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum
}

func near(t *testing.T, try int, what string, want, got float64) {
	t.Helper()
	if math.Abs(want-got) > 1e-9*(want+1e-9) {
		t.Fatalf("try %d: %s: %g s, want %g", try, what, got, want)
	}
}

// TestFoldOfDeepAndWideTraces ends soon, whatever the form: one trace of two
// hundred thousand spans on top of or beside each other.
func TestFoldOfDeepAndWideTraces(t *testing.T) {
	for name, parent := range map[string]func(i int) uint64{
		"deep": func(i int) uint64 { return uint64(i) },
		"wide": func(int) uint64 { return 1 },
		"comb": func(i int) uint64 { return uint64(max(1, i-i%2)) },
	} {
		const n = 200_000
		b := &pitwall.SpanBatch{}
		for i := range n {
			row := pitwall.SpanRow{TraceID: pitwall.TraceID{1}, SpanID: uint64(i + 1), Kind: pitwall.SpanKind(2 + i%2), Service: "s", Operation: fmt.Sprint("op", i%7),
				Start: time.Unix(100, int64(i)), Duration: time.Duration(2 * (n - i)), ReqBytes: -1, RespBytes: -1}
			if i > 0 {
				row.ParentID = parent(i)
			}
			b.Add(row)
		}
		begin := time.Now()
		s := Fold(NewGraph(), b, Spec{Headline: Operation{"s", ""}, Period: pitwall.Period{From: time.Unix(99, 0), To: time.Unix(200, 0)}})
		if took := time.Since(begin); s.Count() != 1 || took > 20*time.Second {
			t.Errorf("%s: %d requests in %v", name, s.Count(), took)
		}
	}
}
