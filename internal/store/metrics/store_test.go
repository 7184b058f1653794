package metrics

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/pitwall/pitwall"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func fixed(t time.Time) func() time.Time { return func() time.Time { return t } }

func mustOpen(t *testing.T, dir string, now time.Time) *Store {
	t.Helper()
	s, err := Open(dir, Options{Retention: 24 * time.Hour, Now: fixed(now)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// sender makes OTLP requests by hand, so that a test decides every timestamp.
type sender struct {
	md    pmetric.Metrics
	scope pmetric.ScopeMetrics
}

func newSender(attrs ...string) sender {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	for i := 0; i < len(attrs); i += 2 {
		rm.Resource().Attributes().PutStr(attrs[i], attrs[i+1])
	}
	return sender{md, rm.ScopeMetrics().AppendEmpty()}
}

func (s sender) counter(name string, at time.Time, v float64) pmetric.Sum {
	m := s.scope.Metrics().AppendEmpty()
	m.SetName(name)
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := sum.DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(at))
	p.SetDoubleValue(v)
	return sum
}

func (s sender) body(t *testing.T) []byte {
	t.Helper()
	b, err := new(pmetric.ProtoMarshaler).MarshalMetrics(s.md)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// one evaluates an instant query that must give one series.
func one(t *testing.T, s *Store, query string, at time.Time) float64 {
	t.Helper()
	series, err := s.Query(context.Background(), query, at)
	if err != nil {
		t.Fatal(err)
	}
	if len(series) != 1 {
		t.Fatalf("%s gave %d series, want 1: %v", query, len(series), series)
	}
	return series[0].V[0]
}

func TestOpenTelemetrySDKToPromQL(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || s.AppendOTLPMetrics(r.Context(), body) != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer receiver.Close()

	ctx := context.Background()
	exporter, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(receiver.URL))
	if err != nil {
		t.Fatal(err)
	}
	reader := sdk.NewPeriodicReader(exporter, sdk.WithInterval(time.Hour))
	provider := sdk.NewMeterProvider(sdk.WithReader(reader), sdk.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "checkout"), attribute.String("service.version", "v12"),
		attribute.String("service.instance.id", "c-1"))))
	meter := provider.Meter("test")
	duration, err := meter.Float64Histogram("http.server.request.duration", metric.WithUnit("s"),
		metric.WithExplicitBucketBoundaries(0.1, 0.2, 0.4))
	if err != nil {
		t.Fatal(err)
	}
	orders, err := meter.Int64Counter("shop.orders")
	if err != nil {
		t.Fatal(err)
	}
	record := func(n int, seconds float64) {
		for range n {
			duration.Record(ctx, seconds, metric.WithAttributes(attribute.String("http.route", "/checkout")))
			orders.Add(ctx, 2)
		}
	}
	// The same mix before and after, so that PromQL's extrapolation towards a
	// young counter's zero cancels out of the ratios below.
	record(3, 0.05)
	record(2, 0.3)
	if err := provider.ForceFlush(ctx); err != nil {
		t.Fatal(err)
	}
	time.Sleep(250 * time.Millisecond)
	record(60, 0.05)
	record(40, 0.3)
	if err := provider.ForceFlush(ctx); err != nil {
		t.Fatal(err)
	}
	now := time.Now()

	const sel = `{service_name="checkout",service_version="v12",instance="c-1",http_route="/checkout"}`
	if got := one(t, s, `http_server_request_duration_seconds_count`+sel, now); got != 105 {
		t.Errorf("count = %v, want 105", got)
	}
	if got := one(t, s, `shop_orders_total{service_name="checkout",service_version="v12",job="checkout"}`, now); got != 210 {
		t.Errorf("orders = %v, want 210", got)
	}
	// Three in five requests are in the first bucket.
	ratio := `sum(rate(http_server_request_duration_seconds_bucket{le="0.1"}[1m])) / sum(rate(http_server_request_duration_seconds_count{service_name="checkout"}[1m]))`
	if got := one(t, s, ratio, now); math.Abs(got-0.6) > 1e-9 {
		t.Errorf("share of fast requests = %v, want 0.6", got)
	}
	// The 90th percentile is three quarters into the bucket of 0.2 to 0.4 s.
	p90 := `histogram_quantile(0.9, sum by (le) (rate(http_server_request_duration_seconds_bucket{service_name="checkout"}[1m])))`
	if got := one(t, s, p90, now); math.Abs(got-0.35) > 1e-9 {
		t.Errorf("p90 = %v, want 0.35", got)
	}
	if err := provider.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestRateOverPeriodIsHalfOpen(t *testing.T) {
	end := start.Add(2 * time.Minute)
	s := mustOpen(t, t.TempDir(), end)
	for at := start; !at.After(end); at = at.Add(10 * time.Second) {
		m := newSender("service.name", "checkout", "service.version", "v11")
		m.counter("hits", at, 5*at.Sub(start).Seconds())
		if err := s.AppendOTLPMetrics(context.Background(), m.body(t)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.QueryRange(context.Background(), `sum by (service_version) (rate(hits_total{service_name="checkout"}[30s]))`,
		pitwall.Period{From: start.Add(time.Minute), To: end}, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	ms := start.UnixMilli()
	want := []pitwall.Series{{
		Labels: map[string]string{"service_version": "v11"},
		T:      []int64{ms + 60_000, ms + 80_000, ms + 100_000},
		V:      []float64{5, 5, 5},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("rate (-want +got):\n%s", d)
	}
}

func TestNoDataIsNoSeries(t *testing.T) {
	s := mustOpen(t, t.TempDir(), start)
	for _, query := range []string{`nothing_here`, `vector(0)/vector(0)`, `vector(1)/vector(0)`} {
		got, err := s.Query(context.Background(), query, start)
		if err != nil || len(got) != 0 {
			t.Errorf("%s: %v, %v; want no series and no error", query, got, err)
		}
	}
}

func TestBadQueries(t *testing.T) {
	s := mustOpen(t, t.TempDir(), start)
	hour := pitwall.Period{From: start.Add(-time.Hour), To: start}
	for _, c := range []struct {
		query string
		p     pitwall.Period
		step  time.Duration
		want  string
	}{
		{"sum(rate(hits[30s])", hour, time.Minute, "line 1, column 20: unclosed left parenthesis"},
		{"sum(\n  rate(hits))", hour, time.Minute, "line 2, column 8: expected type range vector"},
		{"hits", hour, 0, "step 0s is shorter"},
		{"hits", hour, 300 * time.Millisecond, "more than 11000 points"},
		{"hits", pitwall.Period{From: start, To: start}, time.Minute, "no later than it begins"},
		{`"text"`, hour, time.Minute, "string"},
	} {
		_, err := s.QueryRange(context.Background(), c.query, c.p, c.step)
		if pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q step %v: error %v (%s), want invalid with %q", c.query, c.step, err, pitwall.KindOf(err), c.want)
		}
	}
}

func TestSamplesAtWrongTimes(t *testing.T) {
	s := mustOpen(t, t.TempDir(), start)
	send := func(at time.Time, v float64) error {
		m := newSender("service.name", "checkout")
		m.counter("hits", at, v)
		return s.AppendOTLPMetrics(context.Background(), m.body(t))
	}
	if err := send(start, 10); err != nil {
		t.Fatal(err)
	}
	if err := send(start.Add(-4*time.Minute), 9); err != nil {
		t.Errorf("four minutes late is inside the window: %v", err)
	}
	if err := send(start, 10); err != nil {
		t.Errorf("the same sample again (a retry): %v", err)
	}
	for name, at := range map[string]time.Time{"late": start.Add(-30 * time.Hour), "future": start.Add(time.Hour)} {
		if err := send(at, 1); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%s sample: %v, want invalid", name, err)
		}
	}
	// The refused future sample must not have moved the head along.
	if err := send(start.Add(time.Second), 11); err != nil {
		t.Errorf("a good sample after a bad clock: %v", err)
	}
	if got := one(t, s, "count_over_time(hits_total[10m])", start.Add(time.Second)); got != 3 {
		t.Errorf("%v samples stored, want 3", got)
	}
}

func TestSendersWithoutIdentityStayApart(t *testing.T) {
	s := mustOpen(t, t.TempDir(), start)
	for i, host := range []string{"a", "b"} {
		m := newSender("host.name", host, "process.pid", "7")
		m.counter("hits", start, float64(i+1))
		if err := s.AppendOTLPMetrics(context.Background(), m.body(t)); err != nil {
			t.Fatal(err)
		}
	}
	if got := one(t, s, `hits_total{service_name="unknown_service",instance="b:7"}`, start); got != 2 {
		t.Errorf("b's count = %v, want 2", got)
	}
}

func TestGarbage(t *testing.T) {
	s := mustOpen(t, t.TempDir(), start)
	err := s.AppendOTLPMetrics(context.Background(), []byte("GET / HTTP/1.1"))
	if pitwall.KindOf(err) != pitwall.Invalid || pitwall.HintOf(err) == "" {
		t.Errorf("error %v, want invalid with a hint", err)
	}
	if err := s.AppendOTLPMetrics(context.Background(), nil); err != nil {
		t.Errorf("an empty request is no error: %v", err)
	}
}

func TestReopenAndLock(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, start)
	m := newSender("service.name", "checkout")
	m.counter("hits", start, 42)
	if err := s.AppendOTLPMetrics(context.Background(), m.body(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); pitwall.KindOf(err) != pitwall.Conflict {
		t.Errorf("second open: %v, want a conflict", err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Query(context.Background(), "hits_total", start); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("query after close: %v, want unavailable", err)
	}
	if h := s.Health()[0]; h.Up {
		t.Errorf("a closed store says it is up: %+v", h)
	}
	if got := one(t, mustOpen(t, dir, start), "hits_total", start); got != 42 {
		t.Errorf("after reopening hits_total = %v, want 42", got)
	}
}

func TestBlocksGrowWithRetention(t *testing.T) {
	for retention, want := range map[time.Duration]time.Duration{
		time.Hour: 2 * time.Hour, 30 * 24 * time.Hour: 72 * time.Hour,
	} {
		got := databaseOptions(Options{Retention: retention}.withDefaults()).MaxBlockDuration
		if got != want.Milliseconds() {
			t.Errorf("retention %v: blocks up to %d ms, want %v", retention, got, want)
		}
	}
}

func FuzzAppend(f *testing.F) {
	m := newSender("service.name", "checkout")
	m.counter("hits", start, 1)
	body, err := new(pmetric.ProtoMarshaler).MarshalMetrics(m.md)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	n := newSender("service.name", "checkout")
	n.delta("hits", start.Add(-time.Minute), start, 2)
	n.classic("wait", start.Add(-time.Minute), start, []float64{1, 2}, []uint64{1, 0, 4})
	n.expo("size", start.Add(-time.Minute), start, []float64{0.1, 1, 9, 9.5}, 5)
	deltas, err := new(pmetric.ProtoMarshaler).MarshalMetrics(n.md)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(deltas)
	f.Add(body[:len(body)-3])
	f.Add([]byte{})
	s, err := Open(f.TempDir(), Options{Now: fixed(start)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := s.AppendOTLPMetrics(context.Background(), body); err != nil && pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("bad input gave %v (%s), want invalid", err, pitwall.KindOf(err))
		}
	})
}
