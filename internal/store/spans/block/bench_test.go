package block

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// cpu is what this process has used, user and system.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkWrite makes a block of 250,000 spans; spans/cpu-s is by the process's
// own CPU time, so that waiting for the disk does not count.
func BenchmarkWrite(b *testing.B) {
	for _, high := range []bool{false, true} {
		name := "six to eight attributes"
		if high {
			name += ", one unique"
		}
		b.Run(name, func(b *testing.B) {
			r := traffic(shape{spans: 250_000, start: epoch, gap: 7_200_000, seed: 1, highValue: high})
			dir := b.TempDir()
			b.ReportAllocs()
			used, n := cpu(), 0
			var m Meta
			for b.Loop() {
				var err error
				if m, err = Write(b.Context(), filepath.Join(dir, fmt.Sprint(n%4)), r, WriteOptions{First: 1, Last: 9}); err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64(n*m.Spans)/(cpu()-used).Seconds(), "spans/cpu-s")
			b.ReportMetric(float64(m.Bytes)/float64(m.Spans), "B/span")
		})
	}
}

const benchBlocks, benchSpans = 20, 250_000

// fiveMillion writes 20 blocks of three minutes and 250,000 spans each: an hour.
func fiveMillion(b *testing.B) (blocks []*Block, some pitwall.TraceID) {
	b.Helper()
	dir, gap := b.TempDir(), int64(7_200_000)
	for i := range benchBlocks {
		r := traffic(shape{spans: benchSpans, start: epoch + int64(i)*gap*benchSpans/10, gap: gap, seed: uint64(i)})
		path := filepath.Join(dir, fmt.Sprint(i))
		if _, err := Write(b.Context(), path, r, WriteOptions{}); err != nil {
			b.Fatal(err)
		}
		block, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = block.Close() })
		blocks, some = append(blocks, block), r.Batch.TraceID[benchSpans/2]
	}
	return blocks, some
}

// BenchmarkQuery asks five million spans in 20 blocks, one after the other.
func BenchmarkQuery(b *testing.B) {
	blocks, some := fiveMillion(b)
	from := time.Unix(0, epoch)
	ask := func(name string, f func(block *Block) int) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			used, rows := cpu(), 0
			for b.Loop() {
				rows = 0
				for _, block := range blocks {
					rows += f(block)
				}
			}
			b.ReportMetric(float64((cpu()-used).Microseconds())/float64(b.N)/1000, "cpu-ms/op")
			b.ReportMetric(float64(rows), "rows")
		})
	}
	must := func(batch *pitwall.SpanBatch, err error) int {
		if err != nil {
			b.Fatal(err)
		}
		return batch.Len()
	}
	ask("trace by id", func(k *Block) int {
		return must(k.Traces(b.Context(), map[pitwall.TraceID]struct{}{some: {}}))
	})
	five := pitwall.Period{From: from.Add(20 * time.Minute), To: from.Add(25 * time.Minute)}
	one := pitwall.SpanQuery{Period: five, Service: "service-03", Operation: "GET /api/v1/things/46/{id}"}
	ask("one operation, five minutes", func(k *Block) int { return must(k.Spans(b.Context(), one)) })
	ask("its traces, five minutes", func(k *Block) int {
		keep := map[pitwall.TraceID]struct{}{}
		if err := k.Matches(b.Context(), one, func(id pitwall.TraceID) { keep[id] = struct{}{} }); err != nil {
			b.Fatal(err)
		}
		if len(keep) == 0 {
			return 0
		}
		return must(k.Traces(b.Context(), keep))
	})
	ask("one attribute, an hour", func(k *Block) int {
		return must(k.Spans(b.Context(), pitwall.SpanQuery{Attrs: []pitwall.Attr{{Key: "tenant.id", Value: "tena-value-190"}}}))
	})
	total := map[uint32]int64{}
	scan := func(k *Block, q pitwall.SpanQuery, c Columns, each func(*Chunk)) {
		if err := k.Scan(b.Context(), q, c, func(c *Chunk) error { each(c); return nil }); err != nil {
			b.Fatal(err)
		}
	}
	ask("operation, duration, failed of all", func(k *Block) (rows int) {
		scan(k, pitwall.SpanQuery{}, Columns{Operation: true, Duration: true, Failed: true}, func(c *Chunk) {
			for i, op := range c.Operation {
				if !c.Failed[i] {
					total[op] += c.Duration[i]
				}
			}
			rows += c.Rows
		})
		return rows
	})
	ask("contrast of one attribute, two windows of 30 minutes", func(k *Block) (rows int) {
		for half := range 2 {
			at := from.Add(time.Duration(half) * 30 * time.Minute)
			q := pitwall.SpanQuery{Period: pitwall.Period{From: at, To: at.Add(30 * time.Minute)}}
			scan(k, q, Columns{Operation: true, Duration: true, Failed: true, Attrs: []string{"tenant.id"}}, func(c *Chunk) {
				for i, v := range c.Attrs[0] {
					if v != Absent {
						total[v] += c.Duration[i]
					}
				}
				rows += c.Rows
			})
		}
		return rows
	})
}

// BenchmarkOpen reads the footer of a block of 250,000 spans.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "b")
	if _, err := Write(b.Context(), path, traffic(shape{spans: benchSpans, start: epoch, gap: 7_200_000}), WriteOptions{}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		block, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		_ = block.Close()
	}
}
