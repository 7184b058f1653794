package tempo

import (
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/otelspan"
	"github.com/pitwall/pitwall/internal/store/storetest"
)

// BenchmarkDecode reads a trace of 57 spans in protobuf and chooses from it.
func BenchmarkDecode(b *testing.B) {
	td, err := new(ptrace.JSONUnmarshaler).UnmarshalTraces(storetest.OTLP(storetest.FixedTraces()))
	if err != nil {
		b.Fatal(err)
	}
	trace, err := new(ptrace.ProtoMarshaler).MarshalTraces(td)
	if err != nil {
		b.Fatal(err)
	}
	body := field(fieldTrace, trace)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		a, err := decodeV2(body)
		if err != nil || otelspan.Answer([]*pitwall.SpanBatch{a.spans}, pitwall.SpanQuery{}).Len() != 57 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(57*float64(b.N)/b.Elapsed().Seconds(), "spans/s")
}
