package fold

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// hour makes requests of a small shop as its spans come in: 25 spans each over
// six services, with internal spans, a loop of statements, bodies, five
// attributes a span, and traces that arrive side by side.
func hour(requests int, slower float64, seed uint64) *pitwall.SpanBatch {
	r := rand.New(rand.NewPCG(seed, 1))
	b := &pitwall.SpanBatch{}
	services := []string{"edge", "checkout", "inventory", "pricing", "payment", "users"}
	statements := make([]string, 200)
	for i := range statements {
		statements[i] = fmt.Sprintf("SELECT * FROM items WHERE id = %d AND shop = 'x'", i)
	}
	pods := []string{"a-1", "a-2", "b-1"}
	begin := time.Unix(1_760_000_000, 0)
	for q := range requests {
		trace := pitwall.TraceID{0: byte(q), 1: byte(q >> 8), 2: byte(q >> 16), 8: byte(r.Uint32()), 15: byte(seed)}
		start := begin.Add(time.Duration(q) * time.Hour / time.Duration(requests))
		next := uint64(0)
		span := func(parent uint64, service, op string, kind pitwall.SpanKind, at time.Time, took time.Duration) uint64 {
			next++
			row := pitwall.SpanRow{TraceID: trace, SpanID: uint64(q)<<8 | next, ParentID: parent, Service: pitwall.ServiceName(service), Version: "v7",
				Operation: op, Kind: kind, Start: at, Duration: took, ReqBytes: -1, RespBytes: -1, Failed: r.IntN(500) == 0,
				Attrs: []pitwall.Attr{{Key: "k8s.pod.name", Value: pods[r.IntN(3)]}, {Key: "host.name", Value: "node-1"}, {Key: "http.route", Value: op},
					{Key: "http.response.status_code", Value: "200"}, {Key: "tenant", Value: fmt.Sprint("t", r.IntN(500))}}}
			if kind == pitwall.SpanServer {
				row.RespBytes = 500 + r.Int64N(4000)
			}
			if op == "SELECT" {
				row.Statement, row.Peer = statements[r.IntN(len(statements))], "pg"
			}
			b.Add(row)
			return uint64(q)<<8 | next
		}
		ms := func(v float64) time.Duration { return time.Duration(v * float64(time.Millisecond)) }
		root := span(0, "edge", "GET /checkout", pitwall.SpanServer, start, ms(100+20*slower))
		call := span(root, "edge", "POST", pitwall.SpanClient, start.Add(ms(2)), ms(95+20*slower))
		srv := span(call, "checkout", "POST /checkout", pitwall.SpanServer, start.Add(ms(3)), ms(92+20*slower))
		work := span(srv, "checkout", "price cart", pitwall.SpanInternal, start.Add(ms(4)), ms(80+20*slower))
		at := start.Add(ms(5))
		for k, s := range services[2:] { // 4 calls with 2 spans and 3 statements each: 20 spans
			took := ms(10 + 5*r.Float64() + slower*float64(k))
			c := span(work, "checkout", "POST", pitwall.SpanClient, at, took)
			v := span(c, s, "POST /v1/"+s, pitwall.SpanServer, at.Add(ms(0.5)), took-ms(1))
			for j := range 3 {
				span(v, s, "SELECT", pitwall.SpanClient, at.Add(ms(1+float64(j)*2)), ms(1.5))
			}
			at = at.Add(took)
		}
		span(srv, "checkout", "render", pitwall.SpanInternal, start.Add(ms(85+20*slower)), ms(5))
	}
	return b
}

// BenchmarkHour folds both sides of a diagnosis over an hour: a million spans.
func BenchmarkHour(b *testing.B) {
	base, head := hour(20_000, 0, 1), hour(20_000, 1, 2)
	in := Spec{Headline: Operation{"edge", "GET /checkout"},
		Period: pitwall.Period{From: time.Unix(1_759_000_000, 0), To: time.Unix(1_761_000_000, 0)}, Slowest: 110 * time.Millisecond}
	runtime.GC()
	b.ReportAllocs()
	for b.Loop() {
		g := NewGraph()
		if Fold(g, base, in).Count() != 20_000 || Fold(g, head, in).Count() != 20_000 {
			b.Fatal("not all requests were folded")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(base.Len()+head.Len()), "ns/span")
}
