package logs

import (
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// traffic makes batches as an exporter sends them: n lines of forty formats
// from twenty services, three of four within a trace of four lines, four
// attributes each, spread evenly over a time.
func traffic(n, batch int, over time.Duration) []*pitwall.LogBatch {
	r := rand.New(rand.NewPCG(1, 2))
	verbs := []string{"read", "wrote", "skipped", "retried", "refused", "queued", "locked", "cached", "parsed", "sent"}
	things := []string{"order %d of user %d in %d ms", "cart %08x with %d items for %d ms", "payment %d: attempt %d took %dms", `{"id":%d,"msg":"row %d","ms":%d}`}
	var batches []*pitwall.LogBatch
	b := &pitwall.LogBatch{}
	for i := range n {
		rec := pitwall.LogRecord{
			At: at(time.Duration(i) * over / time.Duration(n)), Service: pitwall.ServiceName(fmt.Sprint("service-", i%20)), Version: "v41",
			Severity: pitwall.LogSeverity([]int{9, 9, 9, 9, 9, 9, 5, 13, 17}[i%9]),
			Text:     verbs[r.IntN(10)] + " " + fmt.Sprintf(things[r.IntN(4)], r.IntN(1_000_000), r.IntN(5000), r.IntN(900)),
		}
		if trace := i / 4; i%4 != 0 {
			rec.Trace = pitwall.TraceID{0: 7, 1: byte(trace * 131), 12: byte(trace >> 24), 13: byte(trace >> 16), 14: byte(trace >> 8), 15: byte(trace)}
			rec.Span = r.Uint64()
		}
		for k := range 4 {
			rec.Attrs = append(rec.Attrs, pitwall.Attr{Key: fmt.Sprint("attribute.", k), Value: fmt.Sprint("value-", i*(k+1)%500)})
		}
		b.Records = append(b.Records, rec)
		if len(b.Records) == batch || i == n-1 {
			batches = append(batches, b)
			b = &pitwall.LogBatch{}
		}
	}
	return batches
}

// cpu is what this process has used so far.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkAppend is the way of a batch of 500 records to its acknowledgement
// and on into compressed blocks: patterns, encoding, write(2), columns. records
// a second are of processor time, all threads together.
func BenchmarkAppend(b *testing.B) {
	batches := traffic(100_000, 500, time.Minute)
	s := open(b, b.TempDir(), Options{})
	n, before := 0, cpu(b)
	for b.Loop() {
		if err := s.AppendLogs(b.Context(), batches[n%len(batches)]); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if err := s.seal(s.opt.MemoryBytes); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(n*500)/(cpu(b)-before).Seconds(), "records/cpu-s")
	b.ReportMetric(float64(n*500)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(len(encodeFrame(nil, 1, ofRecords(batches[0].Records, 0))))/500, "B/record-in-log")
	records, size := int64(0), int64(0)
	for _, block := range s.view().blocks {
		records, size = records+block.records, size+block.size
	}
	if records > 0 {
		b.ReportMetric(float64(size)/float64(records), "B/record-in-blocks")
	}
}

// BenchmarkQuery asks a million records of one hour.
func BenchmarkQuery(b *testing.B) {
	dir := b.TempDir()
	s := open(b, dir, Options{})
	for _, batch := range traffic(1_000_000, 500, time.Hour) {
		if err := s.AppendLogs(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	hour := pitwall.Period{From: at(0), To: at(time.Hour)}
	logsOf := func(name string, want int, q pitwall.LogQuery) {
		b.Run(name, func(b *testing.B) {
			before, n := cpu(b), 0
			for b.Loop() {
				if got := ask(b, s, q); len(got) != want && want >= 0 {
					b.Fatalf("%d records, want %d", len(got), want)
				}
				n++
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/1000/float64(n), "cpu-ms/op")
		})
	}
	all := ask(b, s, pitwall.LogQuery{Period: pitwall.Period{From: at(10 * time.Minute), To: at(10*time.Minute + time.Second)}})
	b.Logf("%d blocks, %d chunks in memory", len(s.view().blocks), len(s.view().chunks))
	var old pitwall.TraceID
	for _, r := range all {
		if r.Trace != old {
			old = r.Trace
		}
	}
	logsOf("trace", 3, pitwall.LogQuery{Trace: old})
	logsOf("no such trace", 0, pitwall.LogQuery{Trace: pitwall.TraceID{99}})
	logsOf("newest errors of a service", 1000, pitwall.LogQuery{Period: hour, Service: "service-7", MinSeverity: pitwall.SeverityError})
	logsOf("contains, old", -1, pitwall.LogQuery{Period: pitwall.Period{From: at(10 * time.Minute), To: at(15 * time.Minute)}, Contains: "ATTEMPT 4999"})
	logsOf("contains, all", -1, pitwall.LogQuery{Period: hour, Contains: "no such text"})
	counted := func(name string, p pitwall.Period) {
		b.Run(name, func(b *testing.B) {
			before, n := cpu(b), 0
			for b.Loop() {
				b.ReportMetric(float64(len(patterns(b, s, pitwall.LogQuery{Period: p, Limit: 10_000}))), "patterns")
				n++
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/1000/float64(n), "cpu-ms/op")
		})
	}
	counted("patterns of an hour", hour)
	counted("patterns of an hour cut anywhere", pitwall.Period{From: at(7 * time.Second), To: at(time.Hour - 7*time.Second)})
	b.Run("open", func(b *testing.B) {
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			again, err := Open(dir, Options{Now: s.opt.Now})
			if err != nil {
				b.Fatal(err)
			}
			if err := again.Close(); err != nil {
				b.Fatal(err)
			}
		}
		entries, _ := os.ReadDir(dir)
		b.ReportMetric(float64(len(entries)), "files")
	})
}
