package spans

import (
	"fmt"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// traffic makes batches as an exporter sends them: n spans in traces of ten,
// over twenty services and forty operations, eight attributes each, a
// millisecond between traces.
func traffic(n, batch int) []*pitwall.SpanBatch {
	var batches []*pitwall.SpanBatch
	b := &pitwall.SpanBatch{}
	for i := range n {
		trace := i / 10
		r := pitwall.SpanRow{
			TraceID: pitwall.TraceID{0: 7, 12: byte(trace >> 24), 13: byte(trace >> 16), 14: byte(trace >> 8), 15: byte(trace)},
			SpanID:  uint64(i) + 1, ParentID: uint64(i), Start: at(time.Duration(trace) * time.Millisecond), Duration: time.Duration(i%97) * time.Millisecond / 3,
			Service: pitwall.ServiceName(fmt.Sprint("service-", i%20)), Version: "v41", Operation: fmt.Sprint("GET /thing/", i%40),
			Peer: "db", Statement: "SELECT * FROM t WHERE id = ?", Kind: pitwall.SpanKind(1 + i%3), ReqBytes: -1, RespBytes: int64(i % 9000),
		}
		for k := range 8 {
			r.Attrs = append(r.Attrs, pitwall.Attr{Key: fmt.Sprint("attribute.", k), Value: fmt.Sprint("value-", i*(k+1)%500)})
		}
		b.Add(r)
		if b.Len() == batch || i == n-1 {
			batches = append(batches, b)
			b = &pitwall.SpanBatch{}
		}
	}
	return batches
}

// BenchmarkAppend is the way of a batch of 500 spans to its acknowledgement:
// encoding, write(2), columns, counters.
func BenchmarkAppend(b *testing.B) {
	batches := traffic(100_000, 500)
	s := open(b, b.TempDir(), Options{MaxSpans: 1_000_000})
	n := 0
	for b.Loop() {
		add(b, s, batches[n%len(batches)])
		n++
	}
	b.ReportMetric(float64(n*500)/b.Elapsed().Seconds(), "spans/s")
	b.ReportMetric(float64(s.log.Bytes())/float64(n*500), "B/span")
}

// BenchmarkQuery asks a million spans for one operation over their 100 seconds,
// in whole traces.
func BenchmarkQuery(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	for _, batch := range traffic(1_000_000, 500) {
		add(b, s, batch)
	}
	b.Run("whole traces", func(b *testing.B) {
		for b.Loop() {
			got := ask(b, s, pitwall.SpanQuery{
				Period: pitwall.Period{From: at(0), To: at(100 * time.Second)}, Service: "service-3", Operation: "GET /thing/3", WholeTraces: true,
			})
			b.ReportMetric(float64(got.Len()), "spans")
		}
	})
	b.Run("ten seconds", func(b *testing.B) {
		for b.Loop() {
			got := ask(b, s, pitwall.SpanQuery{
				Period: pitwall.Period{From: at(40 * time.Second), To: at(50 * time.Second)}, Service: "service-3", WholeTraces: true,
			})
			b.ReportMetric(float64(got.Len()), "spans")
		}
	})
	b.Run("one trace", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Trace(b.Context(), pitwall.TraceID{0: 7, 14: 200, 15: 1}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open", func(b *testing.B) {
		dir := s.dir
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			again := open(b, dir, Options{})
			b.ReportMetric(float64(again.head.spans), "spans")
			if err := again.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
