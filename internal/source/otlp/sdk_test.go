package otlp

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdkresource "go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/pitwall/pitwall"
)

var shop = sdkresource.NewSchemaless(
	attribute.String("service.name", "inventory"), attribute.String("service.version", "v41"),
	attribute.String("service.instance.id", "inventory-1"), attribute.String("telemetry.sdk.name", "opentelemetry"),
)

// sendSpans makes a small trace with the SDK and sends it with its exporter.
func sendSpans(t *testing.T, exporter sdktrace.SpanExporter) error {
	t.Helper()
	tp := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(shop))
	defer func() { _ = tp.Shutdown(context.Background()) }()
	tracer := tp.Tracer("test")
	begin := time.Unix(500, 0)
	ctx, server := tracer.Start(t.Context(), "POST /v1/items/lookup", trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(begin),
		trace.WithAttributes(attribute.String("http.route", "/v1/items/lookup"), attribute.Int("http.response.status_code", 503),
			attribute.Int("http.request.body.size", 120), attribute.Int("http.response.body.size", 85_000),
			attribute.String("server.address", "inventory"), attribute.Int("network.peer.port", 40123)))
	_, client := tracer.Start(ctx, "SELECT items", trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(begin.Add(time.Millisecond)),
		trace.WithAttributes(attribute.String("db.query.text", "SELECT * FROM items WHERE sku = ?"), attribute.String("server.address", "db.local")))
	client.RecordError(errors.New("gone"), trace.WithTimestamp(begin))
	client.SetStatus(codes.Error, "connection lost")
	client.End(trace.WithTimestamp(begin.Add(3 * time.Millisecond)))
	server.End(trace.WithTimestamp(begin.Add(10 * time.Millisecond)))
	return tp.ForceFlush(t.Context())
}

func checkSpans(t *testing.T, s *sink) {
	t.Helper()
	if len(s.spans) != 2 {
		t.Fatalf("%d spans came through, want 2", len(s.spans))
	}
	client, server := s.spans[0], s.spans[1]
	if server.TraceID == (pitwall.TraceID{}) || client.TraceID != server.TraceID || client.ParentID != server.SpanID || server.ParentID != 0 {
		t.Errorf("ids do not fit: %+v and %+v", client, server)
	}
	client.TraceID, client.SpanID, client.ParentID = pitwall.TraceID{}, 0, 0
	server.TraceID, server.SpanID = pitwall.TraceID{}, 0
	instance := pitwall.Attr{Key: "service.instance.id", Value: "inventory-1"}
	want := pitwall.SpanRow{
		Start: time.Unix(500, 0), Duration: 10 * time.Millisecond, Service: "inventory", Version: "v41", Operation: "POST /v1/items/lookup",
		Kind: pitwall.SpanServer, Failed: true, ReqBytes: 120, RespBytes: 85_000,
		Attrs: []pitwall.Attr{instance, {Key: "http.route", Value: "/v1/items/lookup"}, {Key: "http.response.status_code", Value: "503"},
			{Key: "server.address", Value: "inventory"}},
	}
	if diff := cmp.Diff(want, server); diff != "" {
		t.Errorf("server span (-want +got):\n%s", diff)
	}
	want = pitwall.SpanRow{
		Start: time.Unix(500, int64(time.Millisecond)), Duration: 2 * time.Millisecond, Service: "inventory", Version: "v41", Operation: "SELECT items",
		Peer: "db.local", Statement: "SELECT * FROM items WHERE sku = ?", Kind: pitwall.SpanClient, Failed: true, ReqBytes: -1, RespBytes: -1,
		Attrs: []pitwall.Attr{instance, {Key: "otel.status_description", Value: "connection lost"}, {Key: "exception.type", Value: "*errors.errorString"}},
	}
	if diff := cmp.Diff(want, client); diff != "" {
		t.Errorf("client span (-want +got):\n%s", diff)
	}
}

func TestSDKOverHTTP(t *testing.T) {
	for _, compression := range []otlptracehttp.Compression{otlptracehttp.NoCompression, otlptracehttp.GzipCompression} {
		s := &sink{}
		srv := httptest.NewServer(receiver(s).Handler())
		defer srv.Close()
		exporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(srv.URL+"/v1/traces"), otlptracehttp.WithCompression(compression))
		if err != nil {
			t.Fatal(err)
		}
		if err := sendSpans(t, exporter); err != nil {
			t.Fatal(err)
		}
		checkSpans(t, s)
	}
}

// grpcServer serves r and gives its address; it is stopped, and waited for,
// when the test ends.
func grpcServer(t *testing.T, r *Receiver) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.ServeGRPC(ctx, lis) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	return lis.Addr().String()
}

func TestSDKOverGRPC(t *testing.T) {
	for _, options := range [][]otlptracegrpc.Option{nil, {otlptracegrpc.WithCompressor("gzip")}} {
		s := &sink{}
		options = append(options, otlptracegrpc.WithInsecure(), otlptracegrpc.WithEndpoint(grpcServer(t, receiver(s))))
		exporter, err := otlptracegrpc.New(t.Context(), options...)
		if err != nil {
			t.Fatal(err)
		}
		if err := sendSpans(t, exporter); err != nil {
			t.Fatal(err)
		}
		checkSpans(t, s)
	}
}

// TestSendersTryAgain proves that nothing is lost when the sink refuses once:
// the real exporters understand the refusal.
func TestSendersTryAgain(t *testing.T) {
	full := pitwall.Errorf(pitwall.Unavailable, "writing span log", "no space left on device")
	t.Run("http", func(t *testing.T) {
		s := &sink{fail: []error{full}}
		srv := httptest.NewServer(receiver(s).Handler())
		defer srv.Close()
		exporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(srv.URL+"/v1/traces"),
			otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: time.Millisecond, MaxInterval: time.Second, MaxElapsedTime: 5 * time.Second}))
		if err != nil {
			t.Fatal(err)
		}
		if err := sendSpans(t, exporter); err != nil {
			t.Fatal(err)
		}
		checkSpans(t, s)
	})
	t.Run("grpc", func(t *testing.T) {
		s := &sink{fail: []error{full}}
		exporter, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithInsecure(), otlptracegrpc.WithEndpoint(grpcServer(t, receiver(s))),
			otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: true, InitialInterval: time.Millisecond, MaxInterval: time.Second, MaxElapsedTime: 5 * time.Second}))
		if err != nil {
			t.Fatal(err)
		}
		if err := sendSpans(t, exporter); err != nil {
			t.Fatal(err)
		}
		checkSpans(t, s)
	})
}

func TestMetricsFromTheSDK(t *testing.T) {
	s := &sink{}
	r := receiver(s)
	srv := httptest.NewServer(r.Handler())
	defer srv.Close()
	overHTTP, err := otlpmetrichttp.New(t.Context(), otlpmetrichttp.WithEndpointURL(srv.URL+"/v1/metrics"), otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression))
	if err != nil {
		t.Fatal(err)
	}
	overGRPC, err := otlpmetricgrpc.New(t.Context(), otlpmetricgrpc.WithInsecure(), otlpmetricgrpc.WithEndpoint(grpcServer(t, r)))
	if err != nil {
		t.Fatal(err)
	}
	for _, exporter := range []sdkmetric.Exporter{overHTTP, overGRPC} {
		mp := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter)), sdkmetric.WithResource(shop))
		counter, err := mp.Meter("test").Int64Counter("orders")
		if err != nil {
			t.Fatal(err)
		}
		counter.Add(t.Context(), 42)
		if err := mp.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// And the same request once more as JSON: the sink always gets protobuf.
	first := pmetricotlp.NewExportRequest()
	if len(s.metrics) == 0 || first.UnmarshalProto(s.metrics[0]) != nil {
		t.Fatalf("%d requests came through, want a sound one", len(s.metrics))
	}
	asJSON, err := first.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if res := post(t, r, "/v1/metrics", typeJSON, "", asJSON); res.Code != http.StatusOK {
		t.Fatalf("JSON metrics: %d %s", res.Code, res.Body)
	}
	if len(s.metrics) != 3 {
		t.Fatalf("%d requests came through, want 3", len(s.metrics))
	}
	for _, body := range s.metrics {
		req := pmetricotlp.NewExportRequest()
		if err := req.UnmarshalProto(body); err != nil {
			t.Fatal(err)
		}
		m := req.Metrics().ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0)
		if m.Name() != "orders" || m.Sum().DataPoints().At(0).IntValue() != 42 {
			t.Errorf("metric %q came through as %v", m.Name(), m.Sum().DataPoints().At(0).IntValue())
		}
	}
	if h := r.Health()[1]; h.Accepted != 3 || !h.Up || h.Rejected != 0 {
		t.Errorf("health of metrics: %+v", h)
	}
}
