package wire

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkresource "go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// sdkBodies are what the real SDK and its exporter send.
func sdkBodies(t testing.TB) [][]byte {
	t.Helper()
	var mu sync.Mutex
	var bodies [][]byte
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, body)
	}))
	defer srv.Close()
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, sdktrace.WithMaxExportBatchSize(6)), sdktrace.WithResource(sdkresource.NewSchemaless(
		sdk.String("service.name", "inventory"), sdk.String("service.version", "v41"), sdk.StringSlice("process.command_args", []string{"a", "b"}))))
	tracer := tp.Tracer("test", trace.WithInstrumentationVersion("1"))
	for i := range 15 {
		begin := time.Unix(500, int64(i))
		parent, server := tracer.Start(ctx, "POST /v1/items/lookup", trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(begin),
			trace.WithAttributes(sdk.String("http.route", "/v1/items/lookup"), sdk.Int("http.response.status_code", 500+i%2),
				sdk.Int("http.response.body.size", 85_000), sdk.Float64("load", 0.1*float64(i)), sdk.Bool("cached", i%2 == 0)))
		_, client := tracer.Start(parent, "SELECT items", trace.WithSpanKind(trace.SpanKindClient), trace.WithLinks(trace.Link{SpanContext: server.SpanContext()}),
			trace.WithAttributes(sdk.String("db.query.text", strings.Repeat("SELECT * FROM items WHERE sku = ? AND ", 9)), sdk.String("server.address", "db.local"),
				sdk.IntSlice("rows", []int{1, 2, i})))
		client.RecordError(errors.New("gone"))
		client.SetStatus(codes.Error, "connection lost")
		client.End()
		server.End(trace.WithTimestamp(begin.Add(10 * time.Millisecond)))
	}
	if err := tp.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if len(bodies) < 5 {
		t.Fatalf("the SDK sent %d requests, want 5", len(bodies))
	}
	return bodies
}
