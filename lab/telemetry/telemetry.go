// Package telemetry instruments the shop the way a careful team would, with
// the OpenTelemetry Go SDK and nothing else.
//
// In: a service's name, version and the addresses of receivers. Out: wrapped
// handlers, HTTP clients and database spans, and OTLP on the wire. It refuses
// to know who receives and what the shop sells. Without a receiver it still
// makes valid trace ids, and exports nothing.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/runtime"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

// The receiver may die and be back two seconds later: retry fast and keep
// enough in the queue for half a minute of the busiest service.
const (
	batchDelay     = 500 * time.Millisecond
	queueSpans     = 32_768
	batchSpans     = 2_048
	metricInterval = time.Second
	retryFirst     = 200 * time.Millisecond
	retryMost      = 500 * time.Millisecond
	retryFor       = 30 * time.Second
)

// scope names the shop's own instrumentation.
const scope = "github.com/pitwall/pitwall/lab"

// Config says who is speaking and to whom.
type Config struct {
	Service, Version, Instance string
	OTLP                       string // base URL of an OTLP/HTTP receiver; "" exports nothing
	OTLPGRPC                   string // host:port of an OTLP/gRPC receiver; wins over OTLP
}

// Telemetry is one process' instrumentation.
type Telemetry struct {
	service string
	traces  *sdktrace.TracerProvider
	metrics *sdkmetric.MeterProvider
	logs    *logExporter // nil: nobody receives
	tracer  trace.Tracer
	meter   metric.Meter
	counts  counts
	prop    propagation.TextMapPropagator
}

// Start begins exporting. Nothing global is touched.
func Start(ctx context.Context, c Config) (*Telemetry, error) {
	about := []attribute.KeyValue{
		attribute.String("service.name", c.Service),
		attribute.String("service.version", c.Version),
		attribute.String("service.instance.id", c.Instance),
		attribute.String("service.namespace", "shop"),
		attribute.String("deployment.environment", "lab"),
		attribute.String("deployment.environment.name", "lab"),
		attribute.String("telemetry.sdk.language", "go"),
		attribute.Int("process.pid", os.Getpid()),
	}
	if host, err := os.Hostname(); err == nil {
		about = append(about, attribute.String("host.name", host))
	}
	res := resource.NewSchemaless(about...)
	spans, points, err := exporters(ctx, c)
	if err != nil {
		return nil, err
	}
	topts := []sdktrace.TracerProviderOption{sdktrace.WithResource(res), sdktrace.WithSampler(sdktrace.AlwaysSample())}
	if spans != nil {
		topts = append(topts, sdktrace.WithBatcher(spans,
			sdktrace.WithBatchTimeout(batchDelay),
			sdktrace.WithMaxQueueSize(queueSpans),
			sdktrace.WithMaxExportBatchSize(batchSpans)))
	}
	mopts := append(views(), sdkmetric.WithResource(res))
	if points != nil {
		mopts = append(mopts, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(points,
			sdkmetric.WithInterval(metricInterval), sdkmetric.WithProducer(runtime.NewProducer()))))
	}
	t := &Telemetry{
		service: c.Service,
		traces:  sdktrace.NewTracerProvider(topts...),
		metrics: sdkmetric.NewMeterProvider(mopts...),
		prop:    propagation.TraceContext{},
	}
	t.tracer, t.meter = t.traces.Tracer(scope), t.metrics.Meter(scope)
	if t.counts, err = newCounts(t.meter); err != nil {
		return nil, err
	}
	if t.logs, err = newLogExporter(c, about); err != nil || points == nil {
		return t, err
	}
	if err := runtime.Start(runtime.WithMeterProvider(t.metrics), runtime.WithMinimumReadMemStatsInterval(time.Second)); err != nil {
		return nil, fmt.Errorf("starting runtime metrics: %w", err)
	}
	return t, t.observeProcess(time.Now())
}

// Meter makes instruments of the caller's own.
func (t *Telemetry) Meter() metric.Meter { return t.meter }

// Close sends what is left, as long as ctx allows.
func (t *Telemetry) Close(ctx context.Context) error {
	err := errors.Join(t.traces.Shutdown(ctx), t.metrics.Shutdown(ctx))
	if t.logs == nil {
		return err
	}
	return errors.Join(err, t.logs.close(ctx))
}

// exporters chooses the wire: gRPC if an address is given, else HTTP, else none.
func exporters(ctx context.Context, c Config) (sdktrace.SpanExporter, sdkmetric.Exporter, error) {
	switch {
	case c.OTLPGRPC != "":
		return grpcExporters(ctx, c.OTLPGRPC)
	case c.OTLP != "":
		return httpExporters(ctx, c.OTLP)
	}
	return nil, nil, nil
}

func httpExporters(ctx context.Context, base string) (sdktrace.SpanExporter, sdkmetric.Exporter, error) {
	client := &http.Client{Transport: unavailable{http.DefaultTransport}, Timeout: 5 * time.Second}
	spans, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpointURL(base+"/v1/traces"),
		otlptracehttp.WithHTTPClient(client),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMost, MaxElapsedTime: retryFor,
		}))
	if err != nil {
		return nil, nil, fmt.Errorf("making OTLP/HTTP trace exporter: %w", err)
	}
	points, err := otlpmetrichttp.New(ctx,
		otlpmetrichttp.WithEndpointURL(base+"/v1/metrics"),
		otlpmetrichttp.WithHTTPClient(client),
		otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{
			Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMost, MaxElapsedTime: retryFor,
		}))
	if err != nil {
		return nil, nil, fmt.Errorf("making OTLP/HTTP metric exporter: %w", err)
	}
	return spans, points, nil
}

func grpcExporters(ctx context.Context, addr string) (sdktrace.SpanExporter, sdkmetric.Exporter, error) {
	// Reconnect within half a second rather than gRPC's growing minutes.
	dial := grpc.WithConnectParams(grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: retryFirst, Multiplier: 1.6, Jitter: 0.2, MaxDelay: retryMost},
		MinConnectTimeout: time.Second,
	})
	spans, err := otlptracegrpc.New(ctx,
		otlptracegrpc.WithEndpoint(addr), otlptracegrpc.WithInsecure(), otlptracegrpc.WithDialOption(dial),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{
			Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMost, MaxElapsedTime: retryFor,
		}))
	if err != nil {
		return nil, nil, fmt.Errorf("making OTLP/gRPC trace exporter: %w", err)
	}
	points, err := otlpmetricgrpc.New(ctx,
		otlpmetricgrpc.WithEndpoint(addr), otlpmetricgrpc.WithInsecure(), otlpmetricgrpc.WithDialOption(dial),
		otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{
			Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMost, MaxElapsedTime: retryFor,
		}))
	if err != nil {
		return nil, nil, fmt.Errorf("making OTLP/gRPC metric exporter: %w", err)
	}
	return spans, points, nil
}

// unavailable turns "nobody listens" into a 503, which OTLP exporters retry;
// a refused connection they would give up on at once.
type unavailable struct{ next http.RoundTripper }

// RoundTrip answers 503 where the connection failed.
func (u unavailable) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := u.next.RoundTrip(r)
	if err == nil || r.Context().Err() != nil {
		return res, err
	}
	return &http.Response{
		Status: "503 Service Unavailable", StatusCode: http.StatusServiceUnavailable,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: r,
	}, nil
}
