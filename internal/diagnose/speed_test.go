package diagnose

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// BenchmarkHour diagnoses an hour of a million spans, five attributes each,
// with sixty profiles: half an hour that was good, and half an hour in which a
// response has grown.
func BenchmarkHour(b *testing.B) {
	w := world{seed: 1, baseline: 30 * time.Minute, window: 30 * time.Minute, profiles: true}
	w.good = normal().with(func(s *shop) { s.rate = 1_000_000 / 3600. / 15 })
	w.bad = w.good.with(func(s *shop) { s.lookupReply *= 10; s.versions["inventory"] = "v41" })
	answers := map[string]Answer{}
	spans, profiles := 0, 0
	answer := func(q Query) Answer {
		a, ok := answers[q.ID]
		if !ok {
			a = w.answer(q)
			a.Profiles = a.Profiles[:min(len(a.Profiles), 6)] // ten queries have an answer: sixty
			if a.Spans != nil {
				a.Spans = dressed(a.Spans)
				spans += a.Spans.Len()
			}
			profiles += len(a.Profiles)
			answers[q.ID] = a
		}
		return a
	}
	diagnose := func() pitwall.Diagnosis {
		s := New(w.question())
		for !s.Done() {
			var list []Answer
			for _, q := range s.Needs() {
				list = append(list, answer(q))
			}
			s.Step(list)
		}
		return s.Diagnosis()
	}
	if d := diagnose(); len(d.Hypotheses) == 0 || d.Hypotheses[0].Service != "inventory" {
		b.Fatalf("%s", d.Summary)
	}
	runtime.GC()
	b.ReportAllocs()
	before := usage(b)
	for b.Loop() {
		diagnose()
	}
	after := usage(b)
	b.ReportMetric((processor(after)-processor(before)).Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(after.Maxrss)/1e3, "peak-MB") // Linux counts in KiB; spans in memory and the making of them included
	b.ReportMetric(float64(spans), "spans")
	b.ReportMetric(float64(profiles), "profiles")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(spans), "ns/span")
}

func usage(b *testing.B) (u syscall.Rusage) {
	b.Helper()
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u
}

// processor is the time that was computed, in all threads.
func processor(u syscall.Rusage) time.Duration {
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// dressed gives every span the attributes that real ones have.
func dressed(from *pitwall.SpanBatch) *pitwall.SpanBatch {
	b := &pitwall.SpanBatch{}
	for i := range from.Len() {
		r := from.Row(i)
		r.Attrs = append(r.Attrs, pitwall.Attr{Key: "host.name", Value: fmt.Sprint("node-", i%5)}, pitwall.Attr{Key: "http.route", Value: r.Operation},
			pitwall.Attr{Key: "http.response.status_code", Value: "200"}, pitwall.Attr{Key: "tenant", Value: fmt.Sprint("t", i%700)},
			pitwall.Attr{Key: "k8s.pod.name", Value: fmt.Sprint(r.Service, "-", i%3)})
		b.Add(r)
	}
	return b
}
