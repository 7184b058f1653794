package storetest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pitwall/pitwall"
)

// MetricsBegin is the time of the first sample of the fixed series.
func MetricsBegin() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func metricsAt(d time.Duration) time.Time { return MetricsBegin().Add(d) }

// FixedSeries is half an hour of samples every fifteen seconds: two counters
// with steady rates, a gauge that falls silent for ten minutes, and one that is
// zero at first.
func FixedSeries() []pitwall.Series {
	name := func(metric string, kv ...string) map[string]string {
		m := map[string]string{"__name__": metric}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return m
	}
	good := pitwall.Series{Labels: name("shop_requests_total", "service_name", "checkout", "code", "200")}
	bad := pitwall.Series{Labels: name("shop_requests_total", "service_name", "checkout", "code", "500")}
	queue := pitwall.Series{Labels: name("shop_queue_depth", "service_name", "checkout")}
	orders := pitwall.Series{Labels: name("shop_orders", "service_name", "checkout")}
	for i := range 121 {
		t := metricsAt(time.Duration(i) * 15 * time.Second).UnixMilli()
		add := func(s *pitwall.Series, v float64) { s.T, s.V = append(s.T, t), append(s.V, v) }
		add(&good, float64(30*i))
		add(&bad, float64(3*i))
		if i < 40 || i >= 80 {
			add(&queue, float64(i%7))
		}
		add(&orders, max(0, float64(i-60)))
	}
	return []pitwall.Series{good, bad, queue, orders}
}

// metricCase is one query and what it gives: labels in braces and points as
// second=value, at the moments asked for.
type metricCase struct {
	name, query string
	from, to    time.Duration // to 0: at the instant from
	step        time.Duration
	want        []pitwall.Series
}

// RunMetrics checks the contract of a metrics store; open gives one that has the
// series of load and no others of their names, and is called once.
func RunMetrics(t *testing.T, open func(t *testing.T, load []pitwall.Series) pitwall.MetricReader) {
	s := open(t, FixedSeries())
	for _, c := range metricCases() {
		t.Run(c.name, func(t *testing.T) {
			var got []pitwall.Series
			var err error
			if c.to == 0 {
				got, err = s.Query(t.Context(), c.query, metricsAt(c.from))
			} else {
				got, err = s.QueryRange(t.Context(), c.query, pitwall.Period{From: metricsAt(c.from), To: metricsAt(c.to)}, c.step)
			}
			must(t, err)
			sameSeries(t, c.want, got)
		})
	}
	t.Run("WrongQueries", func(t *testing.T) { wrongQueries(t, s) })
	t.Run("WrongPeriods", func(t *testing.T) { wrongPeriods(t, s) })
	t.Run("CancelledContext", func(t *testing.T) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Query(gone, "vector(1)", metricsAt(0))
		kind(t, pitwall.Unavailable, err)
	})
}

func labelled(kv ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return m
}

// points makes a series of pairs: seconds after the begin, and value.
func points(labels map[string]string, pairs ...float64) pitwall.Series {
	s := pitwall.Series{Labels: labels}
	for i := 0; i < len(pairs); i += 2 {
		s.T = append(s.T, metricsAt(time.Duration(pairs[i]*float64(time.Second))).UnixMilli())
		s.V = append(s.V, pairs[i+1])
	}
	return s
}

func metricCases() []metricCase {
	bad := labelled("__name__", "shop_requests_total", "service_name", "checkout", "code", "500")
	none := labelled()
	const m = time.Minute
	one := func(s ...pitwall.Series) []pitwall.Series { return s }
	return []metricCase{
		{"Instant", `shop_requests_total{code="500"}`, 10 * m, 0, 0, one(points(bad, 600, 120))},
		{"InstantBetweenSamples", `shop_requests_total{code="500"}`, 10*m + 7*time.Second, 0, 0, one(points(bad, 607, 120))},
		{"InstantOfSeveral", `shop_requests_total`, 5 * m, 0, 0, one(
			points(labelled("__name__", "shop_requests_total", "service_name", "checkout", "code", "200"), 300, 600),
			points(bad, 300, 60))},
		{"Scalar", `1 + 1`, 1 * m, 0, 0, one(points(none, 60, 2))},
		{"NothingMatches", `shop_nothing`, 10 * m, 0, 0, nil},
		{"BeforeTheFirstSample", `shop_queue_depth`, -10 * m, 0, 0, nil},
		// The end of a period is not in it.
		{"Range", `shop_requests_total{code="500"}`, 10 * m, 12 * m, m, one(points(bad, 600, 120, 660, 132))},
		{"RangeWithARestOfAStep", `shop_requests_total{code="500"}`, 10 * m, 12*m + time.Second, m, one(points(bad, 600, 120, 660, 132, 720, 144))},
		{"RangeOfOneStep", `shop_requests_total{code="500"}`, 10 * m, 11 * m, 5 * m, one(points(bad, 600, 120))},
		{"RateDropsTheName", `rate(shop_requests_total{code="500"}[1m])`, 10 * m, 12 * m, m,
			one(points(labelled("service_name", "checkout", "code", "500"), 600, .2, 660, .2))},
		{"Aggregation", `sum by (service_name) (rate(shop_requests_total[1m]))`, 10 * m, 11 * m, m,
			one(points(labelled("service_name", "checkout"), 600, 2.2))},
		{"Quotient", `sum(rate(shop_requests_total{code="500"}[1m])) / sum(rate(shop_requests_total[1m]))`, 10 * m, 11 * m, m,
			one(points(none, 600, 1.0/11))},
		// Silent from 9m45s: the last sample is seen for five minutes.
		{"SilenceIsAGap", `shop_queue_depth`, 13 * m, 22 * m, m, one(points(
			labelled("__name__", "shop_queue_depth", "service_name", "checkout"), 780, 4, 840, 4, 1200, 3, 1260, 0))},
		// Zero orders until 15 m: 0/0 and 1/0 are no data.
		{"NotANumberIsNoData", `shop_orders / shop_orders`, 14 * m, 18 * m, m, one(points(labelled("service_name", "checkout"), 960, 1, 1020, 1))},
		{"InfinityIsNoData", `1 / sum(shop_orders)`, 14 * m, 18 * m, m, one(points(none, 960, .25, 1020, .125))},
		{"OnlyNotANumber", `shop_orders / shop_orders`, 10 * m, 0, 0, nil},
		{"Absent", `absent(shop_nothing{service_name="x"})`, m, 0, 0, one(points(labelled("service_name", "x"), 60, 1))},
	}
}

func wrongQueries(t *testing.T, s pitwall.MetricReader) {
	for _, q := range []string{``, `sum(`, `rate(shop_orders)`, `shop_orders{`, `"text"`,
		`shop_requests_total / ignoring(code) shop_requests_total`} {
		_, err := s.Query(t.Context(), q, metricsAt(10*time.Minute))
		if pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%q: kind %q (%v), want invalid", q, pitwall.KindOf(err), err)
		}
	}
	_, err := s.QueryRange(t.Context(), `sum(`, pitwall.Period{From: metricsAt(0), To: metricsAt(time.Minute)}, time.Minute)
	kind(t, pitwall.Invalid, err)
	if pitwall.HintOf(err) == "" {
		t.Errorf("no hint: %v", err)
	}
}

func wrongPeriods(t *testing.T, s pitwall.MetricReader) {
	f := func(from, to, step time.Duration) {
		t.Helper()
		_, err := s.QueryRange(t.Context(), `shop_orders`, pitwall.Period{From: metricsAt(from), To: metricsAt(to)}, step)
		kind(t, pitwall.Invalid, err)
	}
	f(time.Minute, time.Minute, time.Minute)
	f(time.Minute, 0, time.Minute)
	f(0, time.Minute, 0)
	f(0, time.Minute, -time.Second)
	f(0, time.Minute, time.Microsecond)
	f(0, 1000*24*time.Hour, time.Second)
}

// sameSeries compares series in order of their labels, values within rounding.
func sameSeries(t *testing.T, want, got []pitwall.Series) {
	t.Helper()
	sorted := func(list []pitwall.Series) []pitwall.Series {
		list = slices.Clone(list)
		slices.SortFunc(list, func(a, b pitwall.Series) int { return cmp.Compare(fmt.Sprint(a.Labels), fmt.Sprint(b.Labels)) })
		return list
	}
	near := gocmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a)) })
	if d := gocmp.Diff(sorted(want), sorted(got), near, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
