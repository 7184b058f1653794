package measured

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/store/metrics"
)

// store answers queries that hold a text, and remembers what it was asked.
type store struct {
	answers map[string][]pitwall.Series
	asked   []string
}

func (s *store) Query(context.Context, string, time.Time) ([]pitwall.Series, error) { return nil, nil }

func (s *store) QueryRange(_ context.Context, q string, _ pitwall.Period, _ time.Duration) ([]pitwall.Series, error) {
	s.asked = append(s.asked, q)
	for text, series := range s.answers {
		if strings.Contains(q, text) {
			return series, nil
		}
	}
	return nil, nil
}

func TestMeasured(t *testing.T) {
	from := time.Unix(1_700_000_000, 0)
	one := func(labels map[string]string) []pitwall.Series {
		return []pitwall.Series{{Labels: labels, T: []int64{1, 2}, V: []float64{3, 4}}}
	}
	s := &store{answers: map[string][]pitwall.Series{
		"go_memstats_heap_alloc_bytes": one(map[string]string{"job": "shop/cart"}),
		// Exported once a minute: only the wide range holds two samples.
		"count_over_time(process_cpu_seconds_total[5m0s])": {{Labels: map[string]string{"service_name": "cart", "job": "x"}, T: []int64{1}, V: []float64{5}}},
		"rate(process_cpu_seconds_total[2m30s])":           one(map[string]string{"service_name": "cart", "job": "x"}),
	}}
	got, err := New(s).Measured(t.Context(), pitwall.Period{From: from, To: from.Add(10 * time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]pitwall.Measured{}
	for _, m := range got {
		by[m.Metric+" "+m.Stat] = m
	}
	want := map[string]pitwall.Measured{
		"heap value":      {Service: "cart", Metric: "heap", Stat: "value", T: []int64{1, 2}, V: []float64{3, 4}},
		"cpu_cores value": {Service: "cart", Metric: "cpu_cores", Stat: "value", T: []int64{1, 2}, V: []float64{3, 4}},
	}
	for key, w := range want {
		if d := cmp.Diff(w, by[key]); d != "" {
			t.Errorf("%s: %s", key, d)
		}
	}
}

// TestEveryQueryIsPromQL: nothing is left unreplaced, and every metric has a name once.
func TestEveryQueryIsPromQL(t *testing.T) {
	exported := []pitwall.Series{
		{Labels: map[string]string{"service_name": "cart", "job": "x"}, T: []int64{1}, V: []float64{60}},
		{Labels: map[string]string{"job": "a\"b"}, T: []int64{1}, V: []float64{2}},
	}
	s := &store{answers: map[string][]pitwall.Series{"count_over_time": exported}}
	if _, err := New(s).Measured(t.Context(), pitwall.Period{From: time.Unix(0, 0), To: time.Unix(600, 0)}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(s.asked)
	if again := len(s.asked) - len(slices.Compact(slices.Clone(s.asked))); len(s.asked) < 100 || again > 0 {
		t.Errorf("of %d queries %d were asked before", len(s.asked), again)
	}
	for _, q := range s.asked {
		if _, err := promql.Parse(q); err != nil {
			t.Errorf("no query: %s: %v", q, err)
		}
	}
	seen := map[string]bool{}
	for _, m := range known() {
		if key := m.metric + " " + m.stat; seen[key] {
			t.Errorf("%s twice", key)
		} else {
			seen[key] = true
		}
	}
}

// TestARealStoreAnswers: the real language reads every query, and counters as
// OpenTelemetry's Go runtime writes them become rates.
func TestARealStoreAnswers(t *testing.T) {
	now := time.Unix(1_700_000_000, 0).UTC()
	db, err := metrics.Open(t.TempDir(), metrics.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	series := func(name string, v func(sec float64) float64, labels ...string) pitwall.Series {
		s := pitwall.Series{Labels: map[string]string{"__name__": name, "service_name": "cart", "job": "shop/cart"}}
		for i := 0; i+1 < len(labels); i += 2 {
			s.Labels[labels[i]] = labels[i+1]
		}
		for sec := 0.0; sec <= 300; sec += 5 {
			s.T, s.V = append(s.T, now.Add(time.Duration(sec-300)*time.Second).UnixMilli()), append(s.V, v(sec))
		}
		return s
	}
	err = db.AppendSeries(t.Context(), []pitwall.Series{
		series("process_cpu_time_seconds_total", func(s float64) float64 { return s / 4 }),
		series("db_client_connection_count", func(float64) float64 { return 3 }, "db_client_connection_state", "used"),
		series("cache_hits_total", func(s float64) float64 { return 9 * s }),
		series("cache_misses_total", func(s float64) float64 { return s }),
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := New(db).Measured(t.Context(), pitwall.Period{From: now.Add(-4 * time.Minute), To: now})
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]float64{}
	for _, m := range got {
		last[m.Metric] = m.V[len(m.V)-1]
		if m.Service != "cart" {
			t.Errorf("%s is of %q", m.Metric, m.Service)
		}
	}
	want := map[string]float64{"cpu_cores": 0.25, "db_pool_in_use": 3, "cache_hit_ratio": 0.9}
	if d := cmp.Diff(want, last, cmpopts.EquateApprox(0, 1e-9)); d != "" {
		t.Error(d)
	}
}
