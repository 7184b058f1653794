package diagnose

import (
	"fmt"
	"runtime"
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
	spans := 0
	answer := func(q Query) Answer {
		a, ok := answers[q.ID]
		if !ok {
			a = w.answer(q)
			a.Profiles = a.Profiles[:min(len(a.Profiles), 15)] // four queries of CPU: sixty
			if a.Spans != nil {
				a.Spans = dressed(a.Spans)
				spans += a.Spans.Len()
			}
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
	for b.Loop() {
		diagnose()
	}
	b.ReportMetric(float64(spans), "spans")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(spans), "ns/span")
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
