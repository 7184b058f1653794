package measured

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/metrics"
)

var now = time.Unix(1_700_000_000, 0).UTC() // read-only

const shown = 20 * time.Minute // what the tests write, and ask for

// open is a store that holds some series.
func open(t *testing.T, o metrics.Options, series ...pitwall.Series) *metrics.Store {
	t.Helper()
	o.Now = func() time.Time { return now }
	db, err := metrics.Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.AppendSeries(t.Context(), series); err != nil {
		t.Fatal(err)
	}
	return db
}

// every is a series with a point each so often, of seconds since the first.
func every(d time.Duration, v func(sec float64) float64, labels ...string) pitwall.Series {
	s := pitwall.Series{Labels: map[string]string{}}
	for i := 0; i+1 < len(labels); i += 2 {
		s.Labels[labels[i]] = labels[i+1]
	}
	for at := now.Add(-shown); !at.After(now); at = at.Add(d) {
		s.T, s.V = append(s.T, at.UnixMilli()), append(s.V, v(at.Sub(now.Add(-shown)).Seconds()))
	}
	return s
}

// rising is a counter; level what stays.
func rising(perSecond float64) func(float64) float64 {
	return func(s float64) float64 { return perSecond * s }
}

func flat(v float64) func(float64) float64 { return func(float64) float64 { return v } }

// read is the whole answer, and refuses two series of one key.
func read(t *testing.T, from pitwall.MetricReader) map[string]pitwall.Measured {
	t.Helper()
	list, err := New(from).Measured(t.Context(), pitwall.Period{From: now.Add(-shown), To: now})
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]pitwall.Measured{}
	for _, m := range list {
		key := string(m.Service) + " " + m.Metric + " " + m.Stat
		if _, ok := by[key]; ok {
			t.Errorf("two series of %s", key)
		}
		if !slices.IsSorted(m.T) || len(m.T) != len(m.V) || len(m.T) == 0 {
			t.Errorf("%s is no series", key)
		}
		by[key] = m
	}
	return by
}

// lasts are the newest points.
func lasts(by map[string]pitwall.Measured) map[string]float64 {
	last := map[string]float64{}
	for key, m := range by {
		last[key] = m.V[len(m.V)-1]
	}
	return last
}

// TestOneSeriesOfManyJobs: what two jobs export of one service is one series, by
// what the number means.
func TestOneSeriesOfManyJobs(t *testing.T) {
	const d = 5 * time.Second
	blue := []string{"service_name", "cart", "job", "blue/cart", "instance", "1"}
	green := []string{"job", "green/cart", "instance", "2"} // as a scrape has it
	of := func(labels []string, name string, more ...string) []string {
		return slices.Concat([]string{"__name__", name}, labels, more)
	}
	const served = "http_server_request_duration_seconds"
	db := open(t, metrics.Options{},
		every(d, rising(30), of(blue, served+"_count")...), every(d, rising(3), of(blue, served+"_sum")...),
		every(d, rising(10), of(green, served+"_count", "http_response_status_code", "500")...), every(d, rising(9), of(green, served+"_sum", "http_response_status_code", "500")...),
		// All of blue within 0.1 s; of green, a quarter of all, within 1 s.
		every(d, rising(30), of(blue, served+"_bucket", "le", "0.1")...), every(d, rising(30), of(blue, served+"_bucket", "le", "1")...), every(d, rising(30), of(blue, served+"_bucket", "le", "+Inf")...),
		every(d, flat(0), of(green, served+"_bucket", "le", "0.1")...), every(d, rising(10), of(green, served+"_bucket", "le", "1")...), every(d, rising(10), of(green, served+"_bucket", "le", "+Inf")...),
		every(d, flat(100), of(blue, "go_goroutine_count")...), every(d, flat(20), of(green, "go_goroutine_count")...),
		every(d, flat(7e6), of(blue, "process_memory_usage_bytes")...), every(d, flat(9e6), of(green, "process_memory_usage_bytes")...),
		every(d, flat(0.9), of(blue, "system_cpu_utilization_ratio")...), every(d, flat(0.3), of(green, "system_cpu_utilization_ratio", "cpu", "0")...), every(d, flat(0.3), of(green, "system_cpu_utilization_ratio", "cpu", "1")...),
	)
	want := map[string]float64{
		"cart requests rate":       40,
		"cart errors ratio":        0.25,
		"cart latency_seconds avg": 12. / 40,
		// The 99th of 100: 75 lie below 0.1 s, 25 between it and 1 s.
		"cart latency_seconds p99": 0.1 + 0.9*24/25,
		"cart goroutines value":    120,
		"cart memory value":        9e6,
		"cart node_cpu value":      0.5, // of three processors, not of two means
	}
	if diff := cmp.Diff(want, lasts(read(t, db)), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Error(diff)
	}
}

// TestEachServiceByWhatItExports: one service's names, and how often it exports,
// take nothing from another.
func TestEachServiceByWhatItExports(t *testing.T) {
	of := func(service, name string, more ...string) []string {
		return append([]string{"__name__", name, "service_name", service, "job", service}, more...)
	}
	heap := func(pool string) []string {
		return of("search", "jvm_memory_used_bytes", "instance", "1", "jvm_memory_type", "heap", "jvm_memory_pool_name", pool)
	}
	db := open(t, metrics.Options{},
		every(5*time.Second, flat(3e6), of("cart", "go_memstats_heap_alloc_bytes")...),
		every(time.Minute, flat(4e6), heap("eden")...), every(time.Minute, flat(5e6), heap("old")...),
		every(5*time.Second, rising(0.5), of("cart", "process_cpu_time_seconds_total")...),
		every(time.Minute, rising(0.25), of("search", "process_cpu_time_seconds_total")...),
		every(5*time.Second, rising(8), of("cart", "container_cpu_usage_seconds_total")...), // the first name counts
		every(time.Minute, rising(2), of("ledger", "container_cpu_usage_seconds_total")...),
		every(time.Minute, rising(0.1), of("search", "jvm_gc_duration_seconds_sum", "instance", "1")...),
		every(time.Minute, rising(0.3), of("search", "jvm_gc_duration_seconds_sum", "instance", "2")...),
		pitwall.Series{Labels: map[string]string{"__name__": "process_cpu_time_seconds_total", "service_name": "young"},
			T: []int64{now.Add(-45 * time.Second).UnixMilli(), now.Add(-30 * time.Second).UnixMilli()}, V: []float64{0, 15}},
		every(5*time.Second, flat(0.7), of("node", "system_cpu_utilization_ratio", "state", "idle")...),
		every(5*time.Second, flat(0.3), of("node", "system_cpu_utilization_ratio", "state", "user")...),
	)
	want := map[string]float64{
		"cart heap value": 3e6, "search heap value": 9e6,
		"cart cpu_cores value": 0.5, "search cpu_cores value": 0.25, "ledger cpu_cores value": 2,
		"young cpu_cores value":        30. / 150, // 15 in 15 seconds, as far again up to the query's moment, of a wide range
		"search go_gc_cpu_ratio ratio": 0.2,
		"node node_cpu value":          0.3,
	}
	if diff := cmp.Diff(want, lasts(read(t, db)), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Error(diff)
	}
}

// shop is three services of three instances: counters begin anew now and then,
// one instance of each is gone for a while, and the service "idle" counts nothing.
func shop() (series []pitwall.Series) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, service := range []string{"cart", "web", "idle"} {
		for _, instance := range []string{"1", "2", "3"} {
			counts := func(scale float64) func(float64) float64 {
				v := 0.0
				return func(float64) float64 {
					if v += scale * rng.Float64(); rng.IntN(40) == 0 {
						v = 0
					}
					if service == "idle" {
						return 5
					}
					return v
				}
			}
			add := func(name string, v func(float64) float64, more ...string) {
				s := every(15*time.Second, v, append([]string{"__name__", name, "service_name", service, "job", "shop/" + service, "instance", instance}, more...)...)
				if k := 30 + rng.IntN(20); instance == "3" { // gone for a while
					s.T, s.V = slices.Delete(s.T, k, k+20), slices.Delete(s.V, k, k+20)
				}
				series = append(series, s)
			}
			const served = "http_server_request_duration_seconds"
			for i, le := range []string{"0.01", "0.1", "1", "+Inf"} {
				add(served+"_bucket", counts(float64(i+1)), "le", le)
			}
			add(served+"_sum", counts(1))
			add(served+"_count", counts(50), "http_response_status_code", "200")
			if service == "web" {
				add(served+"_count", counts(3), "http_response_status_code", "503")
			}
			add("process_cpu_time_seconds_total", counts(4))
			add("go_cpu_time_seconds_total", counts(1), "go_cpu_state", "gc")
			add("cache_hits_total", counts(9))
			add("cache_misses_total", counts(2))
			add("go_goroutine_count", counts(10))
			add("process_memory_usage_bytes", counts(1e6))
			add("node_filesystem_avail_bytes", flat(1), "mountpoint", "/")
			add("node_filesystem_size_bytes", counts(9), "mountpoint", "/")
		}
	}
	return series
}

// TestSameAsPlainQueries: where each service is one job, the answers are those
// of the queries one would write by hand, point by point.
func TestSameAsPlainQueries(t *testing.T) {
	db := open(t, metrics.Options{}, shop()...)
	got := read(t, db)
	const by, n = "sum by (service_name, job)", "http_server_request_duration_seconds"
	plain := map[string]string{
		"requests rate":         by + " (rate(" + n + "_count[30s]))",
		"errors ratio":          "(" + by + " (rate(" + n + `_count{http_response_status_code=~"5.."}[30s])) or 0 * ` + by + " (rate(" + n + "_count[30s]))) / " + by + " (rate(" + n + "_count[30s]))",
		"latency_seconds avg":   by + " (rate(" + n + "_sum[30s])) / " + by + " (rate(" + n + "_count[30s]))",
		"latency_seconds p99":   "histogram_quantile(0.99, sum by (service_name, job, le) (rate(" + n + "_bucket[30s])))",
		"cpu_cores value":       by + " (rate(process_cpu_time_seconds_total[30s]))",
		"go_gc_cpu_ratio ratio": by + ` (rate(go_cpu_time_seconds_total{go_cpu_state="gc"}[30s])) / ` + by + " (rate(process_cpu_time_seconds_total[30s]))",
		"cache_hit_ratio ratio": by + " (rate(cache_hits_total[30s])) / (" + by + " (rate(cache_hits_total[30s])) + " + by + " (rate(cache_misses_total[30s])))",
		"goroutines value":      by + " (go_goroutine_count)",
		"memory value":          "max by (service_name, job) (process_memory_usage_bytes)",
		"disk_used_ratio value": "max by (service_name, job) (1 - node_filesystem_avail_bytes / node_filesystem_size_bytes)",
	}
	points := 0
	for key, query := range plain {
		answers, err := db.QueryRange(t.Context(), query, pitwall.Period{From: now.Add(-shown), To: now}, 15*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range answers {
			of := a.Labels["service_name"] + " " + key
			if diff := cmp.Diff(line{a.T, a.V}, line{got[of].T, got[of].V}, cmp.AllowUnexported(line{})); diff != "" {
				t.Errorf("%s: by hand against read: %s", of, diff)
			}
			delete(got, of)
			points += len(a.T)
		}
	}
	if len(got) > 0 || points < 1500 {
		t.Errorf("%d points compared; and more is read than asked by hand: %v", points, lasts(got))
	}
}

// TestManyBuckets: buckets are asked for service by service, so that all of them
// together may hold more samples than the store lets one query hold.
func TestManyBuckets(t *testing.T) {
	const services, instances = 8, 10
	var series []pitwall.Series
	for service := range services {
		for i := range instances {
			for k, name := range []string{"_count", `_bucket`, `_bucket`} {
				labels := []string{"__name__", "rpc_server_duration_seconds" + name, "service_name", string(rune('a' + service)), "instance", string(rune('0' + i))}
				if k > 0 {
					labels = append(labels, "le", []string{"1", "+Inf"}[k-1])
				}
				series = append(series, every(30*time.Second, rising(1), labels...))
			}
		}
	}
	db := open(t, metrics.Options{QuerySamples: services*instances*points + services*points + 1000}, series...)
	if _, err := db.QueryRange(t.Context(), "sum by (le) (rate(rpc_server_duration_seconds_bucket[1m]))", pitwall.Period{From: now.Add(-shown), To: now}, shown/points); err == nil {
		t.Error("one query may hold them all: this shows nothing")
	}
	if got := read(t, db); len(got) != 2*services { // requests and a p99
		t.Errorf("%d series: %v", len(got), lasts(got))
	}
}

func TestLines(t *testing.T) {
	a, b := line{[]int64{1, 2, 4}, []float64{1, 2, 4}}, line{[]int64{2, 3, 4, 5}, []float64{20, 30, 0, 50}}
	for what, c := range map[string]struct{ got, want line }{
		"sum":             {merged(a, b, false), line{[]int64{1, 2, 3, 4, 5}, []float64{1, 22, 30, 4, 50}}},
		"the other way":   {merged(b, a, false), merged(a, b, false)},
		"peak":            {merged(a, b, true), line{[]int64{1, 2, 3, 4, 5}, []float64{1, 20, 30, 4, 50}}},
		"with nothing":    {merged(line{}, b, true), b},
		"quotient":        {quotient(a, b, false), line{[]int64{2}, []float64{0.1}}}, // 4/0 is no number
		"missing is zero": {quotient(a, b, true), line{[]int64{2, 3, 5}, []float64{0.1, 0, 0}}},
		"no part":         {quotient(line{}, a, false), line{}},
	} {
		if diff := cmp.Diff(c.want, c.got, cmp.AllowUnexported(line{})); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}
