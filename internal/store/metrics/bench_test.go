//go:build unix

package metrics

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

func cpu() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkAppendOTLP stores requests of 1,000 counters with three attributes,
// from bytes to the log.
func BenchmarkAppendOTLP(b *testing.B) {
	for _, t := range []pmetric.AggregationTemporality{pmetric.AggregationTemporalityCumulative, pmetric.AggregationTemporalityDelta} {
		b.Run(t.String(), func(b *testing.B) {
			const points = 1000
			bodies := make([][]byte, b.N)
			for i := range bodies {
				m := newSender("service.name", "checkout", "service.version", "v12", "service.instance.id", "a")
				sum := m.counter("shop.orders", start, 0)
				sum.SetAggregationTemporality(t)
				sum.DataPoints().RemoveIf(func(pmetric.NumberDataPoint) bool { return true })
				for j := range points {
					p := sum.DataPoints().AppendEmpty()
					p.SetStartTimestamp(stampOf(start.Add(time.Duration(i) * 15 * time.Second)))
					p.SetTimestamp(stampOf(start.Add(time.Duration(i+1) * 15 * time.Second)))
					p.SetIntValue(int64(i * j))
					p.Attributes().PutStr("http.route", fmt.Sprint("/route/", j/100))
					p.Attributes().PutStr("customer", fmt.Sprint(j%100))
					p.Attributes().PutStr("method", "GET")
				}
				var err error
				if bodies[i], err = new(pmetric.ProtoMarshaler).MarshalMetrics(m.md); err != nil {
					b.Fatal(err)
				}
			}
			s, err := Open(b.TempDir(), Options{Retention: 20_000 * time.Hour, Now: fixed(start.Add(10_000 * time.Hour))})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.ReportAllocs()
			before := cpu()
			b.ResetTimer()
			for _, body := range bodies {
				if err := s.AppendOTLPMetrics(b.Context(), body); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N*points)/(cpu()-before).Seconds(), "points/CPU-s")
		})
	}
}
