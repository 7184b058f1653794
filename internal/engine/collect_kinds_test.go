package engine

import (
	"math"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

// hour is a full hour of samples every 30 s of everything a standard indicator
// asks for; from the 30th minute to the 36th something is wrong everywhere.
func hour(begin time.Time) (list []pitwall.Series) {
	type line struct {
		labels map[string]string
		value  func(i int, broken bool) float64
	}
	label := func(kv ...string) map[string]string {
		m := map[string]string{"job": "shop", "instance": "a"}
		for i := 0; i+1 < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return m
	}
	gauge := func(fine, wrong float64) func(int, bool) float64 {
		return func(_ int, broken bool) float64 {
			if broken {
				return wrong
			}
			return fine
		}
	}
	counter := func(fine, wrong float64) func(int, bool) float64 {
		sum := 100.0
		return func(_ int, broken bool) float64 {
			sum += gauge(fine, wrong)(0, broken)
			return sum
		}
	}
	for _, l := range []line{
		{label("__name__", "probe_success"), gauge(1, 0)},
		{label("__name__", "up"), gauge(1, 0)},
		{label("__name__", "backup_done_timestamp_seconds"), func(i int, _ bool) float64 {
			if i >= 60 && i < 72 {
				i = 60
			}
			return float64(begin.Add(time.Duration(i) * 30 * time.Second).Unix())
		}},
		{label("__name__", "cpu_used_cores"), gauge(1, 1.8)},
		{label("__name__", "cpu_limit_cores"), gauge(2, 2)},
		{label("__name__", "orders_total"), counter(60, 6)},
		{label("__name__", "cache_hits_total"), counter(90, 50)},
		{label("__name__", "cache_misses_total"), counter(10, 50)},
		{label("__name__", "cold_start_seconds_bucket", "le", "1"), counter(4, 1)},
		{label("__name__", "cold_start_seconds_count"), counter(4, 4)},
		{label("__name__", "cost_dollars_total"), counter(0.5, 5)},
		{label("__name__", "deploys_total", "result", "success"), counter(1, 0)},
		{label("__name__", "deploys_total", "result", "failure"), counter(0, 1)},
		{label("__name__", "pitwall_journey_success", "journey", "checkout"), gauge(1, 0)},
	} {
		s := pitwall.Series{Labels: l.labels}
		for i := range 121 {
			// A sample 15 s into the step and one 45 s into it.
			s.T = append(s.T, begin.Add(time.Duration(i)*30*time.Second-15*time.Second).UnixMilli())
			s.V = append(s.V, l.value(i, i > 60 && i <= 72))
		}
		list = append(list, s)
	}
	return list
}

// TestEveryKindOfIndicator counts an hour in which each is wrong for six minutes.
func TestEveryKindOfIndicator(t *testing.T) {
	begin := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	end := begin.Add(time.Hour)
	store := openMetrics(t, end.Add(time.Minute))
	appendInOrder(t, store, hour(begin))
	value := func(query string, op pitwall.Compare, limit float64) pitwall.SLIQuery {
		return pitwall.SLIQuery{Value: query, Op: op, Limit: limit}
	}
	for _, c := range []struct {
		name       string
		query      pitwall.SLIQuery
		bad, total uint64
	}{
		{"boolean probe", value(`probe_success{job="shop"}`, pitwall.GreaterEqual, 1), 12, 120},
		{"availability of a target", pitwall.SLIQuery{Ratio: `avg_over_time(up{job="shop"}[5m])`}, 12, 120},
		{"availability by two counts", pitwall.SLIQuery{Good: `sum(sum_over_time(up[{{.window}}]))`, Total: `sum(count_over_time(up[{{.window}}]))`}, 12, 120},
		// Six minutes without a backup: 60 s and more behind from the second end of a step on.
		{"freshness", value(`time() - backup_done_timestamp_seconds`, pitwall.Less, 60), 5, 60},
		{"saturation", value(`cpu_used_cores / cpu_limit_cores`, pitwall.LessEqual, 0.7), 6, 60},
		{"saturation as a ratio", pitwall.SLIQuery{Ratio: `cpu_used_cores / cpu_limit_cores`, RatioOfBad: true}, 6*900 + 54*500, 60_000},
		{"throughput", value(`sum(rate(orders_total[1m]))`, pitwall.GreaterEqual, 1), 6, 60},
		{"cache hits", pitwall.SLIQuery{Good: `sum(rate(cache_hits_total[5m]))`, Total: `sum(rate(cache_hits_total[5m])) + sum(rate(cache_misses_total[5m]))`}, 12*50 + 108*10, 12_000},
		{"cold start", pitwall.SLIQuery{Good: `cold_start_seconds_bucket{le="1"}`, Total: `cold_start_seconds_count`}, 12 * 3, 480},
		{"cost per order", value(`sum(increase(cost_dollars_total[1m])) / sum(increase(orders_total[1m]))`, pitwall.Less, 0.02), 6, 60},
		{"deployments", pitwall.SLIQuery{Bad: `deploys_total{result="failure"}`, Total: `deploys_total`}, 12, 120},
		{"synthetic journey", value(`pitwall_journey_success{journey="checkout"}`, pitwall.GreaterEqual, 1), 12, 120},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := pitwall.SLO{Name: "o", Target: 0.9, Window: time.Hour, SLI: pitwall.SLI{Query: &c.query}}
			ledger := slo.NewLedger([]pitwall.SLO{s}, time.Minute)
			k := NewCollector(CollectConfig{SLOs: []pitwall.SLO{s}, Ledger: ledger, Samples: store, Metrics: store, Settle: 30 * time.Second,
				Now: func() time.Time { return end.Add(30 * time.Second) }})
			if k.Round(t.Context()) || len(k.Health()) != 1 {
				t.Fatalf("%+v", k.Health())
			}
			got := ledger.Sum("o", pitwall.Period{From: begin, To: end})
			if got.Bad != c.bad || got.Total() != c.total {
				t.Errorf("%d bad of %d, want %d of %d", got.Bad, got.Total(), c.bad, c.total)
			}
		})
	}
}

// TestNativeHistograms counts real native histograms, as OpenTelemetry sends
// them: the number of requests exactly, how many were fast enough as well as
// the buckets tell, even of a series that begins anew.
func TestNativeHistograms(t *testing.T) {
	begin := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	end := begin.Add(time.Hour)
	store := openMetrics(t, end.Add(time.Minute))
	const scale = 4 // each bucket ends 4.4 % above where it begins
	counts := make([]uint64, 160)
	bucket := func(seconds float64) int { return int(math.Ceil(math.Log2(seconds)*(1<<scale))) - 1 + 80 }
	for i := range 121 {
		slow := uint64(1)
		if i > 60 && i <= 72 {
			slow = 20
		}
		if i == 90 { // the process was restarted
			clear(counts)
		}
		counts[bucket(0.1)] += 40
		counts[bucket(0.9)] += slow
		at := begin.Add(time.Duration(i)*30*time.Second - 15*time.Second)
		if err := store.AppendOTLPMetrics(t.Context(), histogram(t, at, scale, -80, counts)); err != nil {
			t.Fatal(err)
		}
	}
	const h = `http_server_duration_seconds`
	for name, q := range map[string]pitwall.SLIQuery{
		"two counts": {Good: `histogram_fraction(0, 0.5, sum(rate(` + h + `[5m]))) * histogram_count(sum(rate(` + h + `[5m])))`, Total: `histogram_count(sum(rate(` + h + `[5m])))`},
		"a fraction": {Ratio: `histogram_fraction(0, 0.5, sum(rate(` + h + `[5m])))`},
	} {
		s := pitwall.SLO{Name: "o", Target: 0.9, Window: time.Hour, SLI: pitwall.SLI{Query: &q}}
		ledger := slo.NewLedger([]pitwall.SLO{s}, time.Minute)
		k := NewCollector(CollectConfig{SLOs: []pitwall.SLO{s}, Ledger: ledger, Samples: store, Metrics: store, Settle: 30 * time.Second,
			Now: func() time.Time { return end.Add(30 * time.Second) }})
		if k.Round(t.Context()) || len(k.Health()) != 1 {
			t.Fatalf("%+v", k.Health())
		}
		got := ledger.Sum("o", pitwall.Period{From: begin, To: end})
		if bad := uint64(12*20 + 108); got.Bad != bad || got.Total() != 120*40+bad {
			t.Errorf("%s: %d bad of %d, want %d of %d", name, got.Bad, got.Total(), bad, 120*40+bad)
		}
	}
}

// histogram is one export request of a cumulative exponential histogram.
func histogram(t *testing.T, at time.Time, scale, offset int32, counts []uint64) []byte {
	t.Helper()
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "checkout")
	rm.Resource().Attributes().PutStr("service.instance.id", "1")
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("http.server.duration")
	m.SetUnit("s")
	all := m.SetEmptyExponentialHistogram()
	all.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := all.DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(at))
	p.SetScale(scale)
	p.Positive().SetOffset(offset)
	p.Positive().BucketCounts().FromRaw(counts)
	var n uint64
	for _, c := range counts {
		n += c
	}
	p.SetCount(n)
	p.SetSum(float64(n))
	body, err := new(pmetric.ProtoMarshaler).MarshalMetrics(md)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
