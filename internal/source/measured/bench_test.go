package measured

import (
	"strconv"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/metrics"
)

// fleet is what forty services of twenty instances export: histograms of three
// routes, and the numbers of their runtimes; some 50,000 series, a point every
// fifteen seconds.
func fleet(b *testing.B, now time.Time, d time.Duration) []pitwall.Series {
	b.Helper()
	var list []pitwall.Series
	add := func(name, service, instance, label, value string, rise float64) {
		s := pitwall.Series{Labels: map[string]string{"__name__": name, "service_name": service, "instance": instance, "job": "shop/" + service}}
		if label != "" {
			s.Labels[label] = value
		}
		for at := now.Add(-d); !at.After(now); at = at.Add(15 * time.Second) {
			s.T, s.V = append(s.T, at.UnixMilli()), append(s.V, rise*at.Sub(now.Add(-d)).Seconds())
		}
		list = append(list, s)
	}
	for service := range 40 {
		for instance := range 20 {
			s, i := "service-"+strconv.Itoa(service), strconv.Itoa(instance)
			for route := range 3 {
				r := i + "/" + strconv.Itoa(route)
				for le := range 15 {
					add("http_server_request_duration_seconds_bucket", s, r, "le", strconv.FormatFloat(float64(int(1)<<le)/1000, 'g', -1, 64), 10)
				}
				add("http_server_request_duration_seconds_count", s, r, "http_response_status_code", "200", 10)
				add("http_server_request_duration_seconds_sum", s, r, "http_response_status_code", "200", 1)
			}
			for _, name := range []string{"process_cpu_time_seconds_total", "process_memory_usage_bytes", "go_memory_allocated_bytes_total", "go_goroutine_count",
				"go_memory_limit_bytes", "process_uptime_seconds", "go_sync_mutex_wait_time_seconds_total", "db_client_connection_max", "cache_hits_total", "cache_misses_total"} {
				add(name, s, i, "", "", 1)
			}
		}
	}
	return list
}

// BenchmarkMeasured is what one diagnosis of a quarter of an hour, with as long
// before, asks of a store that holds a fleet.
func BenchmarkMeasured(b *testing.B) {
	now := time.Unix(1_700_000_000, 0).UTC()
	db, err := metrics.Open(b.TempDir(), metrics.Options{Now: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	series := fleet(b, now, 30*time.Minute)
	if err := db.AppendSeries(b.Context(), series); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(len(series)), "series")
	b.ReportAllocs()
	for b.Loop() {
		got, err := New(db).Measured(b.Context(), pitwall.Period{From: now.Add(-30 * time.Minute), To: now})
		if err != nil || len(got) < 40*8 {
			b.Fatalf("%d series, %v", len(got), err)
		}
	}
	b.ReportMetric(float64(len(series)), "series")
}
