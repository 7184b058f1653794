package jaeger

import (
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/otelspan"
	"github.com/pitwall/pitwall/internal/store/storetest"
)

// BenchmarkDecode reads an answer of api/v3 with 57 spans and chooses from it.
func BenchmarkDecode(b *testing.B) {
	load := storetest.FixedTraces()
	body := []byte(`{"result":` + strings.TrimSpace(string(storetest.OTLP(load))) + `}`)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		got, _, _, err := decodeV3(body)
		if err != nil || otelspan.Answer([]*pitwall.SpanBatch{got}, pitwall.SpanQuery{}).Len() != load.Len() {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(load.Len())*float64(b.N)/b.Elapsed().Seconds(), "spans/s")
}
