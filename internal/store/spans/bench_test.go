package spans

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	perTrace   = 10
	perBatch   = 500
	operations = 300
)

// shop makes batches as exporters send them: traces of ten spans over twenty
// services and 300 operations, seven attributes each, some with many values.
func shop(batches int) []*pitwall.SpanBatch {
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([]*pitwall.SpanBatch, batches)
	id := uint64(0)
	for n := range out {
		b := &pitwall.SpanBatch{}
		for range perBatch / perTrace {
			parents := []uint64{0}
			route := rng.IntN(30)
			for k := range perTrace {
				id++
				op := route*perTrace + k
				d := time.Duration(float64(perTrace-k) * (1 + rng.ExpFloat64()) * 2e6)
				r := pitwall.SpanRow{
					SpanID: id, ParentID: parents[max(0, len(parents)-1-rng.IntN(2))], Start: at(time.Duration(k) * time.Millisecond), Duration: d,
					Service: pitwall.ServiceName(fmt.Sprint("service-", op%20)), Version: "v41", Operation: fmt.Sprint("GET /thing/", op),
					Kind: pitwall.SpanKind(1 + k%3), Failed: rng.IntN(100) == 0, ReqBytes: -1, RespBytes: int64(rng.IntN(9000)),
				}
				if k > 0 && r.ParentID == 0 {
					r.ParentID = parents[1]
				}
				if r.Kind == pitwall.SpanClient {
					r.Peer, r.Statement = "db", fmt.Sprint("SELECT * FROM t WHERE id = ? -- ", op)
				}
				copy(r.TraceID[8:], fmt.Sprintf("%08d", id/perTrace))
				for a, values := range []int{3, 5, 20, 4, 200, 2, 2000} {
					r.Attrs = append(r.Attrs, pitwall.Attr{Key: fmt.Sprint("http.attribute.", a), Value: fmt.Sprint("value-", rng.IntN(values))})
				}
				parents = append(parents, id)
				b.Add(r)
			}
		}
		out[n] = b
	}
	return out
}

// again makes the same batch another round's: new traces, later.
func again(b *pitwall.SpanBatch, round int, later time.Duration) {
	for i := range b.TraceID {
		b.TraceID[i][0], b.TraceID[i][1], b.TraceID[i][2] = byte(round), byte(round>>8), byte(round>>16)|0x80
		b.Start[i] += int64(later)
	}
}

// cpu is the processor time of this process so far, as the system counts it.
func cpu(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rss is the resident memory of this process in bytes, now and at most.
func rss(t testing.TB) (now, most int64) {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(data)) {
		var kb int64
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kb); n == 1 {
			now = kb << 10
		}
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
			most = kb << 10
		}
	}
	return now, most
}

// BenchmarkAppend is the way of a batch of 500 spans to its acknowledgement,
// without blocks: encoding, write(2), columns, counters.
func BenchmarkAppend(b *testing.B) {
	batches := shop(200)
	s := open(b, b.TempDir(), Options{NoBlocks: true, MaxSpans: 1_000_000})
	n, before := 0, cpu(b)
	for b.Loop() {
		add(b, s, batches[n%len(batches)])
		n++
	}
	b.ReportMetric(float64(n*perBatch)/(cpu(b)-before).Seconds(), "spans/CPU-s")
	b.ReportMetric(float64(s.log.Bytes())/float64(n*perBatch), "log-B/span")
}

// BenchmarkPipe is the whole way into blocks, in processor time of all threads:
// log, memory, closing traces, sums, Parquet, deleting the log. One operation is
// a batch of 500 spans; run it with -benchtime=10000x for five million spans.
func BenchmarkPipe(b *testing.B) {
	batches := shop(200)
	var now atomic.Int64
	now.Store(at(0).UnixNano())
	s := open(b, b.TempDir(), Options{Now: func() time.Time { return time.Unix(0, now.Load()) }})
	n := 0
	runtime.GC()
	begin, _ := rss(b)
	before := cpu(b)
	for b.Loop() {
		batch := batches[n%len(batches)]
		again(batch, n/len(batches), 200*time.Millisecond)
		now.Add(int64(time.Millisecond))
		add(b, s, batch)
		n++
	}
	for s.cutOnce(b.Context()) {
		continue // what is due counts as well
	}
	used := cpu(b) - before
	st := s.Stats()
	if _, most := rss(b); n > 1000 {
		b.ReportMetric(float64(most)/1e6, "MB-RSS-most")
		b.ReportMetric(float64(begin)/1e6, "MB-RSS-before")
		b.ReportMetric(float64(st.BlockBytes)/float64(max(1, st.BlockSpans)), "block-B/span")
	}
	b.ReportMetric(float64(n*perBatch)/used.Seconds(), "spans/CPU-s")
	b.ReportMetric(float64(st.BlockSpans)/float64(n*perBatch), "share-in-blocks")
}

// BenchmarkQuery5M asks five million spans of an hour, nearly all in blocks.
func BenchmarkQuery5M(b *testing.B) {
	if testing.Short() {
		b.Skip("makes five million spans first")
	}
	batches := shop(200)
	var now atomic.Int64
	now.Store(at(0).UnixNano())
	s := open(b, b.TempDir(), Options{Now: func() time.Time { return time.Unix(0, now.Load()) }})
	for round := range 50 {
		for _, batch := range batches {
			again(batch, round, 72*time.Second)
			now.Add(int64(360 * time.Millisecond))
			add(b, s, batch)
		}
	}
	st := s.Stats()
	b.Logf("%d spans in %d blocks of %d bytes, %d in memory, %d rollup files of %d bytes",
		st.BlockSpans, st.Blocks, st.BlockBytes, st.HeadSpans, st.Rollups, st.RollupBytes)
	period := func(from, to time.Duration) pitwall.Period { return pitwall.Period{From: at(from), To: at(to)} }
	operation := pitwall.SpanQuery{Service: "service-4", Operation: "GET /thing/104"}
	totals := func(b *testing.B, q pitwall.OperationQuery) {
		got, err := s.Operations(b.Context(), q)
		if err != nil || len(got) < operations {
			b.Fatal(len(got), err)
		}
	}
	measure := func(name string, f func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			before := cpu(b)
			for b.Loop() {
				f(b)
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/1e3/float64(b.N), "CPU-ms/op")
		})
	}
	measure("top operations", func(b *testing.B) { totals(b, pitwall.OperationQuery{}) })
	measure("two windows", func(b *testing.B) {
		n := 0
		for _, p := range []pitwall.Period{period(5*time.Minute, 25*time.Minute), period(35*time.Minute, 55*time.Minute)} {
			totals(b, pitwall.OperationQuery{Period: p})
			q := operation
			q.Period = p
			got := ask(b, s, q)
			values := map[uint64]int{}
			for i, k := range got.AttrKey {
				values[uint64(k)<<32|uint64(got.AttrValue[i])]++
			}
			n += got.Len()
		}
		b.ReportMetric(float64(n), "spans")
	})
	measure("five minutes in whole traces", func(b *testing.B) {
		q := operation
		q.Period, q.WholeTraces, q.Limit = period(30*time.Minute, 35*time.Minute), true, 500
		b.ReportMetric(float64(ask(b, s, q).Len()), "spans")
	})
	measure("twenty of all spans", func(b *testing.B) {
		b.ReportMetric(float64(ask(b, s, pitwall.SpanQuery{Limit: 20}).Len()), "spans")
	})
	n := 0
	measure("trace by id", func(b *testing.B) {
		id := batches[n%len(batches)].TraceID[n%perBatch]
		id[0] = byte(n % 50)
		if _, err := s.Trace(b.Context(), id); err != nil {
			b.Fatal(err)
		}
		n++
	})
}

// BenchmarkOpen reads a log of a million spans, as after a crash.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := open(b, dir, Options{NoBlocks: true})
	for round := range 10 {
		for _, batch := range shop(200) {
			again(batch, round, 0)
			add(b, s, batch)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s := open(b, dir, Options{NoBlocks: true})
		if n := s.Stats().HeadSpans; n != 1_000_000 {
			b.Fatal(n)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
