//go:build unix

package otlp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/pitwall/pitwall"
)

// counting is a sink that only counts.
type counting struct{ spans atomic.Int64 }

func (c *counting) AppendSpans(_ context.Context, b *pitwall.SpanBatch) error {
	c.spans.Add(int64(b.Len()))
	return nil
}

// BenchmarkHTTP is the way of a request of 500 spans with eight attributes each
// through net/http on loopback to a sink that only counts. Time is that of the
// processor, and the client's is in it.
func BenchmarkHTTP(b *testing.B) {
	td := ptrace.NewTraces()
	for s := range 8 {
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", fmt.Sprint("service-", s))
		spans := rs.ScopeSpans().AppendEmpty().Spans()
		for i := s; i < 500; i += 8 {
			span := spans.AppendEmpty()
			span.SetTraceID([16]byte{1, 14: byte(i / 10 >> 8), 15: byte(i / 10)})
			span.SetSpanID([8]byte{1, 6: byte(i >> 8), 7: byte(i)})
			span.SetName(fmt.Sprint("GET /api/v1/resource/", i%40))
			span.SetKind(ptrace.SpanKindServer)
			span.SetStartTimestamp(1_760_000_000_000_000_000)
			span.SetEndTimestamp(1_760_000_000_001_000_000)
			for k := range 8 {
				span.Attributes().PutStr(fmt.Sprint("some.attribute.", k), fmt.Sprint("some value of it ", i*k%37))
			}
		}
	}
	body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name, encoding string
		body           []byte
	}{{"plain", "", body}, {"gzip", "gzip", zip(b, body)}} {
		b.Run(c.name, func(b *testing.B) {
			sink := &counting{}
			srv := httptest.NewServer(New(Config{Spans: sink}).Handler())
			defer srv.Close()
			b.SetBytes(int64(len(body)))
			start := cpu(b)
			for b.Loop() {
				export(b, srv, c.encoding, c.body)
			}
			used := (cpu(b) - start).Seconds()
			if sink.spans.Load() != 500*int64(b.N) {
				b.Fatalf("%d spans came through, want %d", sink.spans.Load(), 500*b.N)
			}
			b.ReportMetric(500*float64(b.N)/used, "spans/cpu-s")
			b.ReportMetric(used/float64(b.N)/500*1e9, "cpu-ns/span")
		})
	}
}

func export(b *testing.B, srv *httptest.Server, encoding string, body []byte) {
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, srv.URL+"/v1/traces", bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", typeProto)
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b.Fatal(res.StatusCode)
	}
}

// cpu is the processor time of this process.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
