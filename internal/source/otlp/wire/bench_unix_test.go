//go:build unix

package wire

import (
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/pitwall/pitwall"
)

// BenchmarkWalk is the way of a request of 500 spans, 380 bytes and eight
// attributes each, from its bytes to columns: by this package, and by the
// collector's objects. Time is that of the processor. With "unique", each span has a ninth attribute whose value
// was never seen before.
func BenchmarkWalk(b *testing.B) {
	report := func(b *testing.B, body []byte, start time.Duration) {
		used := (cpu(b) - start).Seconds()
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		b.ReportMetric(500*float64(b.N)/used, "spans/cpu-s")
		b.ReportMetric(used/float64(b.N)/500*1e9, "cpu-ns/span")
	}
	body := typicalBody(b, false) // the collector writes fields last first
	for _, c := range []struct {
		name string
		body []byte
	}{{"walk", reversed(body, kindTracesForTest)}, {"walk collector's order", body}} {
		b.Run(c.name, func(b *testing.B) {
			w, batch := NewWalker(), &pitwall.SpanBatch{}
			start := cpu(b)
			for b.Loop() {
				if _, err := w.Traces(batch, c.body); err != nil || batch.Len() != 500 {
					b.Fatal(batch.Len(), err)
				}
			}
			report(b, c.body, start)
		})
	}
	b.Run("walk unique", func(b *testing.B) {
		w, batch, body := NewWalker(), &pitwall.SpanBatch{}, typicalBody(b, true)
		at := marks(b, body)
		start := cpu(b)
		for n := uint64(0); b.Loop(); n++ {
			for i, pos := range at {
				for k := range 16 {
					body[pos+k] = "0123456789abcdef"[(n*500+uint64(i))>>(4*k)&15]
				}
			}
			if _, err := w.Traces(batch, body); err != nil || batch.Len() != 500 {
				b.Fatal(batch.Len(), err)
			}
		}
		report(b, body, start)
	})
	b.Run("objects", func(b *testing.B) {
		start := cpu(b)
		for b.Loop() {
			req := ptraceotlp.NewExportRequest()
			if err := req.UnmarshalProto(body); err != nil {
				b.Fatal(err)
			}
			if batch, _ := toBatch(req.Traces()); batch.Len() != 500 {
				b.Fatal(batch.Len())
			}
		}
		report(b, body, start)
	})
}

// marks finds where the unique texts of a body stand.
func marks(b *testing.B, body []byte) (at []int) {
	key := "\n\tapp.order" // behind the value
	for i := range body[:len(body)-len(key)] {
		if string(body[i:i+len(key)]) == key {
			at = append(at, i-16) // the first half stays
		}
	}
	if len(at) != 500 {
		b.Fatalf("%d unique texts, want 500", len(at))
	}
	return at
}

// cpu is the processor time of this process, which, unlike the time of day, says
// something on a machine that others use too.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkDelivery hashes a body.
func BenchmarkDelivery(b *testing.B) {
	body := typicalBody(b, false)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		Delivery(body, pitwall.SignalTraces)
	}
}
