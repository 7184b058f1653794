package record

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// values are the numbers of one series, by interval; NaN where there is none.
func values(rows []row, g grid, service, metric, stat string) []float64 {
	out := make([]float64, g.len())
	for i := range out {
		out[i] = math.NaN()
		for _, r := range rows {
			if r.at == g.second(i) && r.service == service && r.metric == metric && r.stat == stat {
				out[i] = r.value
			}
		}
	}
	return out
}

func TestMeterRows(t *testing.T) {
	g := grid{stretch(10, 30), every} // four intervals
	old, fresh := source{"pay", "v7", "pay-v7-1"}, source{"pay", "v8", "pay-v8-2"}
	nan := math.NaN()
	f := func(name string, all []pmetric.Metrics, metric, stat string, want ...float64) {
		t.Helper()
		list, skipped := meters(all)
		if skipped != 0 {
			t.Errorf("%s: %d metrics were not read", name, skipped)
		}
		got := values(meterRows(list, g), g, "pay", metric, stat)
		same := cmp.Comparer(func(a, b float64) bool {
			return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 1e-9
		})
		if d := cmp.Diff(want, got, same); d != "" {
			t.Errorf("%s: want, got:\n%s", name, d)
		}
	}
	count := func(s source, name string, attrs []string, points ...float64) []pmetric.Metrics { // at, value, at, value …
		var out []pmetric.Metrics
		for i := 0; i < len(points); i += 2 {
			out = append(out, s.metric(name, "s", counted(points[i], 0, points[i+1], attrs...)))
		}
		return out
	}
	cpu := func(s source, points ...float64) []pmetric.Metrics {
		return count(s, "process.cpu.time", nil, points...)
	}

	f("a counter", cpu(old, 9, 1, 14, 2, 19, 4, 24, 5, 29, 5), "cpu_cores", "value", .2, .4, .2, 0)
	f("two streams and two processes", slices.Concat(
		count(old, "process.cpu.time", []string{"cpu.mode", "user"}, 10, 0, 15, 5, 20, 10, 25, 15, 30, 20),
		count(old, "process.cpu.time", []string{"cpu.mode", "system"}, 10, 0, 15, 1, 20, 2, 25, 3, 30, 4),
		[]pmetric.Metrics{fresh.metric("process.cpu.time", "s", counted(20, 18, 1)), fresh.metric("process.cpu.time", "s", counted(25, 18, 6)), fresh.metric("process.cpu.time", "s", counted(30, 18, 6))},
	), "cpu_cores", "value", 1.2, 1.2+.5, 2.2, 1.2)
	f("it began anew", cpu(old, 10, 100, 15, 110, 20, 2, 25, 4, 30, 6), "cpu_cores", "value", 2, .4, .4, .4)
	f("a counter nobody mentioned before", slices.Concat(cpu(old, 8, 0, 30, 0), count(old, "http.client.request.retries", nil, 22, 10, 27, 20)),
		"retries", "rate", 0, 0, 10./2, 2)
	f("silence is no zero", cpu(old, 9, 1, 14, 2), "cpu_cores", "value", .2, nan, nan, nan)

	f("the busier of two processes", slices.Concat(cpu(old, 9, 0, 14, 4, 19, 4, 24, 4, 30, 4), []pmetric.Metrics{
		fresh.metric("process.cpu.time", "s", counted(15, 15, 0)), fresh.metric("process.cpu.time", "s", counted(19, 15, 3)), fresh.metric("process.cpu.time", "s", counted(30, 15, 9)),
		old.metric("process.memory.usage", "By", gauged(12, 300)), old.metric("process.memory.usage", "By", gauged(17, 300)), old.metric("process.memory.usage", "By", gauged(27, 300)),
		fresh.metric("process.memory.usage", "By", gauged(16, 90)), fresh.metric("process.memory.usage", "By", gauged(18, 110)), fresh.metric("process.memory.usage", "By", gauged(28, 120)),
	}), "memory", "value", 300, 100, nan, 120)
	f("the larger where nobody says how busy it is", []pmetric.Metrics{
		old.metric("process.memory.usage", "By", gauged(12, 100)), old.metric("process.memory.usage", "By", gauged(17, 100)),
		fresh.metric("process.memory.usage", "By", gauged(18, 300)), fresh.metric("process.memory.usage", "By", gauged(29, 310)),
	}, "memory", "value", 100, 300, nan, 310)
	f("one attribute of several", []pmetric.Metrics{
		old.metric("db.client.connection.count", "", gauged(12, 7, "db.client.connection.state", "used")),
		old.metric("db.client.connection.count", "", gauged(12, 90, "db.client.connection.state", "idle")),
	}, "db_pool_in_use", "value", 7, nan, nan, nan)

	wait := []pmetric.Metrics{
		old.metric("db.client.connection.wait_time", "s", spread(10, 0, 5, 5, 5, 5)),
		old.metric("db.client.connection.wait_time", "s", spread(15, 0, 105, 5, 5, 5)),
		old.metric("db.client.connection.wait_time", "s", spread(20, 0, 105, 105, 5, 5)),
	}
	f("a histogram's mean", wait, "db_pool_wait_seconds", "avg", 1, 1, nan, nan)
	f("a histogram's tail", wait, "db_pool_wait_seconds", "p99", .99, 1.99, nan, nan)

	caches := slices.Concat(count(old, "cache.hits", nil, 10, 0, 15, 9, 20, 9), count(old, "cache.misses", nil, 10, 0, 15, 1, 20, 11))
	f("a share of both", caches, "cache_hit_ratio", "ratio", .9, 0, nan, nan)
	f("a share of its limit", slices.Concat(cpu(old, 10, 0, 15, 4), []pmetric.Metrics{old.metric("go.processor.limit", "", gauged(12, 2))}), "cpu", "value", .4, nan, nan, nan)
	f("a metric without a word", []pmetric.Metrics{old.metric("shop.Basket-Size", "", gauged(12, 3))}, "shop_basket_size", "value", 3, nan, nan, nan)

	f("the watcher of a machine", []pmetric.Metrics{old.metric("system.cpu.utilization", "1", gauged(12, .5)), old.metric("process.memory.usage", "By", gauged(12, 9))}, "memory", "value", nan, nan, nan, nan)
	f("a machine", []pmetric.Metrics{old.metric("system.cpu.utilization", "1", gauged(11, .5)), old.metric("system.cpu.utilization", "1", gauged(12, .7))}, "node_cpu", "value", .6, nan, nan, nan)
	again := []pmetric.Metrics{old.metric("process.uptime", "s", gauged(5, 1)), source{"pay", "v7", "pay-v7-9"}.metric("process.uptime", "s", gauged(21, 1)), fresh.metric("process.uptime", "s", gauged(12, 1))}
	f("restarts, not deploys", again, "restarts", "value", 0, 0, 1, 1)
}

func TestDeltaBecomesCumulative(t *testing.T) {
	g := grid{stretch(0, 15), every}
	var all []pmetric.Metrics
	for _, at := range []float64{5, 10, 15} {
		all = append(all, source{"pay", "v7", "a"}.metric("http.client.request.retries", "", func(m pmetric.Metric) {
			counted(at, at-5, 10)(m)
			m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		}))
	}
	list, _ := meters(all)
	if d := cmp.Diff([]float64{2, 2, 2}, values(meterRows(list, g), g, "pay", "retries", "rate")); d != "" {
		t.Error(d)
	}
}

func TestServedRows(t *testing.T) {
	g := grid{stretch(0, 15), every}
	m := newMade(1)
	td := []ask{{at: 1, took: .1}, {at: 2, took: .3, failed: true}, {at: 4.9, took: .2}}
	var all []span
	for _, a := range td {
		all = append(all, flatten([]ptraceTraces{m.trace(a)})...)
	}
	rows := append(servedRows(all, g), sliRows(all, question{"edge", "POST /checkout", "latency"}, g)...)
	nan := math.NaN()
	f := func(service, metric, stat string, want ...float64) {
		t.Helper()
		got := values(rows, g, service, metric, stat)
		same := cmp.Comparer(func(a, b float64) bool { return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 1e-6 })
		if d := cmp.Diff(want, got, same); d != "" {
			t.Errorf("%s %s %s: want, got:\n%s", service, metric, stat, d)
		}
	}
	f("edge", "requests", "rate", .4, .2, 0)
	f("edge", "latency_seconds", "avg", .2, .2, nan) // the third was answered in the second interval
	f("edge", "latency_seconds", "p99", .3, .2, nan)
	f("edge", "errors", "ratio", .5, 0, nan)
	f("edge", "client_latency_seconds", "avg", .198, .198, nan)
	f("payment", "latency_seconds", "avg", .196, .196, nan)
	f("cards-db", "latency_seconds", "avg", .194, .194, nan) // it tells nothing itself
	f("edge", "sli_latency_seconds", "p50", .1, .2, nan)
	f("edge", "sli_availability", "avg", .5, 1, nan)
}

func TestWriteRows(t *testing.T) {
	var buf bytes.Buffer
	rows := []row{
		{20, "b", "cpu", "value", .5, "x"}, {10, "a", "cpu", "value", 1e9, "a,b"}, {10, "a", "cpu", "value", 7, "the second of its kind"},
		{10, "a", "errors", "ratio", math.NaN(), ""}, {10, "a", "errors", "rate", math.Inf(1), ""},
	}
	if err := writeRows(&buf, rows); err != nil {
		t.Fatal(err)
	}
	want := "time,service,metric,stat,value,source\n10,a,cpu,value,1e+09,\"a,b\"\n20,b,cpu,value,0.5,x\n"
	if d := cmp.Diff(want, buf.String()); d != "" {
		t.Error(d)
	}
}

func TestQuantile(t *testing.T) {
	f := func(want, q float64, buckets ...float64) {
		t.Helper()
		if got := quantile(q, []float64{1, 2, 4}, buckets); math.Abs(got-want) > 1e-9 && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("quantile %g of %v is %g, want %g", q, buckets, got, want)
		}
	}
	f(.5, .5, 10, 0, 0, 0)
	f(1.5, .75, 50, 50, 0, 0)
	f(4, .99, 0, 0, 0, 5)
	f(3, .5, 0, 0, 2, 0)
	f(math.NaN(), .5, 0, 0, 0, 0)
	f(math.NaN(), .5, 1, 2)
}
