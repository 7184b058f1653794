//go:build unix

package engine

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/store/metrics"
)

func cpuTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkRound counts a minute of objectives that share nothing, each two
// series with a sample every 30 s, from the real store into the real ledger.
func BenchmarkRound(b *testing.B) {
	for _, objectives := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(objectives), func(b *testing.B) {
			const warm = 10
			now := dawn
			store, err := metrics.Open(b.TempDir(), metrics.Options{Now: func() time.Time { return now }})
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			var slos []pitwall.SLO
			var series []pitwall.Series
			for i := range objectives {
				slos = append(slos, events(fmt.Sprint("o", i), fmt.Sprintf(`http_requests_total{service="s%d",code=~"5.."}`, i), fmt.Sprintf(`http_requests_total{service="s%d"}`, i)))
				slos[i].Window = warm * time.Minute
				for _, code := range []string{"200", "500"} {
					series = append(series, pitwall.Series{T: []int64{0}, V: []float64{0}, Labels: map[string]string{
						"__name__": "http_requests_total", "job": "j", "instance": fmt.Sprint("10.0.0.", i%50), "service": fmt.Sprint("s", i), "code": code}})
				}
			}
			minute := func() {
				for range 2 {
					now = now.Add(30 * time.Second)
					for i := range series {
						series[i].T[0], series[i].V[0] = now.UnixMilli(), series[i].V[0]+3
					}
					if err := store.AppendSeries(b.Context(), series); err != nil {
						b.Fatal(err)
					}
				}
			}
			for range warm {
				minute()
			}
			ledger := slo.NewLedger(slos, time.Minute)
			k := NewCollector(CollectConfig{SLOs: slos, Ledger: ledger, Samples: store, Metrics: store, Settle: time.Millisecond, Now: func() time.Time { return now }})
			k.Round(b.Context())
			b.ReportAllocs()
			b.ResetTimer()
			var spent time.Duration
			for range b.N {
				b.StopTimer()
				minute()
				b.StartTimer()
				before := cpuTime()
				k.Round(b.Context())
				spent += cpuTime() - before
			}
			b.StopTimer()
			if h := k.Health(); len(h) != 1 || !h[0].Up {
				b.Fatalf("%+v", h)
			}
			b.ReportMetric(float64(spent.Microseconds())/float64(b.N*objectives), "CPU-µs/objective")
		})
	}
}
