//go:build unix

package measured

import (
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/metrics"
)

// The bounds that OpenTelemetry's conventions give the durations of HTTP.
var bounds = []string{"0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5", "5", "7.5", "10", "+Inf"} // read-only

const (
	fleetServices  = 40
	fleetInstances = 20
)

// fleet is what forty services of twenty instances export: histograms of three
// routes, and the numbers of their runtimes; 48,800 series, a point every
// fifteen seconds.
func fleet(now time.Time, d time.Duration) []pitwall.Series {
	rng := rand.New(rand.NewPCG(1, 2))
	var list []pitwall.Series
	add := func(name, service, instance string, rise float64, labels ...string) {
		s := pitwall.Series{Labels: map[string]string{"__name__": name, "service_name": service, "instance": instance, "job": "shop/" + service}}
		for i := 0; i+1 < len(labels); i += 2 {
			s.Labels[labels[i]] = labels[i+1]
		}
		v := 0.0
		for at := now.Add(-d); !at.After(now); at = at.Add(15 * time.Second) {
			v += 15 * rise * rng.Float64()
			s.T, s.V = append(s.T, at.UnixMilli()), append(s.V, float64(int(v)))
		}
		list = append(list, s)
	}
	for service := range fleetServices {
		for instance := range fleetInstances {
			s, i := "service-"+strconv.Itoa(service), pod(instance)
			for route := range 3 {
				request := []string{"http_request_method", "GET", "http_route", "/" + strconv.Itoa(route), "http_response_status_code", "200", "url_scheme", "http"}
				for k, le := range bounds {
					add("http_server_request_duration_seconds_bucket", s, i, float64(k+1), append([]string{"le", le}, request...)...)
				}
				add("http_server_request_duration_seconds_count", s, i, float64(len(bounds)), request...)
				add("http_server_request_duration_seconds_sum", s, i, 1, request...)
			}
			for _, name := range []string{"process_cpu_time_seconds_total", "process_memory_usage_bytes", "go_memory_allocated_bytes_total", "go_goroutine_count",
				"go_memory_limit_bytes", "process_uptime_seconds", "go_sync_mutex_wait_time_seconds_total", "db_client_connection_max", "cache_hits_total", "cache_misses_total"} {
				add(name, s, i, 10)
			}
		}
	}
	return list
}

func pod(instance int) string { return "7c9f6d-" + strconv.Itoa(instance) }

// BenchmarkMeasured is what one diagnosis of a quarter of an hour, with as long
// before, asks of a store that holds a fleet. cpu-s is the processor's time.
func BenchmarkMeasured(b *testing.B) {
	now := time.Unix(1_700_000_000, 0).UTC()
	db, err := metrics.Open(b.TempDir(), metrics.Options{Now: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	series := fleet(now, 30*time.Minute)
	if err := db.AppendSeries(b.Context(), series); err != nil {
		b.Fatal(err)
	}
	const typed = 13 // metrics and statistics that each service of the fleet has
	b.ReportAllocs()
	start := cpu(b)
	for b.Loop() {
		got, err := New(db).Measured(b.Context(), pitwall.Period{From: now.Add(-30 * time.Minute), To: now})
		if err != nil || len(got) != fleetServices*typed {
			b.Fatalf("%d series, %v", len(got), err)
		}
	}
	b.ReportMetric((cpu(b)-start).Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(len(series)), "series")
}

// cpu is the processor's time this process has used, system's included.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
