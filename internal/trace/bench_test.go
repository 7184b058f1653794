package trace_test

import (
	"math/rand/v2"
	"testing"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/trace"
)

// shape is a trace of one form, of n spans or a little more.
type shape struct {
	name string
	make func(n int) *pitwall.SpanBatch
}

// shapes are the forms that are hard on a walk: wide, deep, all at once, and
// those in which a walk that looks again and again for the next child would
// never end.
func shapes() []shape {
	under := func(parent func(i int) uint64, when func(i, n int) (from, d int64)) func(int) *pitwall.SpanBatch {
		return func(n int) *pitwall.SpanBatch {
			b := &pitwall.SpanBatch{}
			b.Add(row(1, 1, 0, pitwall.SpanServer, "root", 0, int64(n)*10+10))
			for i := 1; i < n; i++ {
				from, d := when(i, n)
				b.Add(row(1, uint64(i+1), parent(i), pitwall.SpanClient, "call", from, d))
			}
			return b
		}
	}
	root := func(int) uint64 { return 1 }
	r := rand.New(rand.NewPCG(5, 6))
	return []shape{
		{"sequential", under(root, func(i, _ int) (int64, int64) { return int64(i)*10 + 5, 8 })},
		{"touching", under(root, func(i, _ int) (int64, int64) { return int64(i) * 10, 10 })},
		{"identical", under(root, func(_, n int) (int64, int64) { return 5, int64(n) })},
		{"staircase", under(root, func(i, n int) (int64, int64) { return int64(i), int64(n) * 5 })},
		{"nested intervals", under(root, func(i, n int) (int64, int64) { return int64(i), int64(2 * (n - i)) })},
		{"overlapping at random", under(root, func(_, n int) (int64, int64) { return r.Int64N(int64(n) * 10), r.Int64N(int64(n) * 10) })},
		{"chain", under(func(i int) uint64 { return uint64(i) }, func(i, n int) (int64, int64) { return int64(i), int64(2 * (n - i)) })},
		{"chain of equals", under(func(i int) uint64 { return uint64(i) }, func(_, n int) (int64, int64) { return 0, int64(n)*10 + 10 })},
		{"random tree", randomTree(r)},
		{"comb", under(func(i int) uint64 { return uint64(max(1, i-i%2)) }, func(i, n int) (int64, int64) {
			return int64(i), 2 * int64(n-i) / int64(2-i%2) // a chain of the odd ones, a leaf on each
		})},
	}
}

// randomTree hangs each span somewhere inside an earlier one.
func randomTree(r *rand.Rand) func(int) *pitwall.SpanBatch {
	return func(n int) *pitwall.SpanBatch {
		b := &pitwall.SpanBatch{}
		b.Add(row(1, 1, 0, pitwall.SpanServer, "root", 0, 1<<40))
		for i := 1; i < n; i++ {
			p := r.IntN(i)
			from := b.Start[p] + r.Int64N(b.Duration[p]*3/4+1)
			b.Add(row(1, uint64(i+1), uint64(p+1), pitwall.SpanInternal, "call", from, b.Duration[p]/4))
		}
		return b
	}
}

// BenchmarkCriticalPath walks each form with 5,000 (the n+1 of a busy page) and
// 100,000 spans.
func BenchmarkCriticalPath(b *testing.B) {
	for _, s := range shapes() {
		for _, n := range []int{5_000, 100_000} {
			batch := s.make(n)
			f := trace.Build(batch)
			w := trace.NewWalker(batch, f)
			b.Run(s.name+"/"+map[bool]string{true: "5k", false: "100k"}[n == 5_000], func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					w.CriticalPath(0)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/span")
			})
		}
	}
}

// BenchmarkBuildShapes finds the trees of each form, with self times.
func BenchmarkBuildShapes(b *testing.B) {
	for _, s := range shapes() {
		batch := s.make(100_000)
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				trace.SelfTimes(batch, trace.Build(batch))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(batch.Len()), "ns/span")
		})
	}
}

// BenchmarkBuild finds the trees of 10,000 small traces, with self times.
func BenchmarkBuild(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	batch := &pitwall.SpanBatch{}
	for t := range 10_000 {
		for i := range 10 {
			parent := uint64(0)
			if i > 0 {
				parent = uint64(t*10 + r.IntN(i) + 1)
			}
			s := row(0, uint64(t*10+i+1), parent, pitwall.SpanServer, "op", r.Int64N(1e9), 1000)
			s.TraceID = pitwall.TraceID{0: byte(t), 1: byte(t >> 8)}
			batch.Add(s)
		}
	}
	for b.Loop() {
		trace.SelfTimes(batch, trace.Build(batch))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(batch.Len()), "ns/span")
}
