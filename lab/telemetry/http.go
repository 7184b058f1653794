package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Handler instruments one route. It must stand behind the mux, which has
// matched the route by then: the span's name is "METHOD /route".
func (t *Telemetry) Handler(h http.Handler) http.Handler {
	return otelhttp.NewHandler(withQuery(h), t.service,
		otelhttp.WithTracerProvider(t.traces),
		otelhttp.WithMeterProvider(t.metrics),
		otelhttp.WithPropagators(t.prop),
		otelhttp.WithServerName(t.service))
}

// withQuery puts the query string on the server span, which otelhttp leaves out.
func withQuery(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.RawQuery; q != "" {
			trace.SpanFromContext(r.Context()).SetAttributes(attribute.String("url.query", q))
		}
		h.ServeHTTP(w, r)
	})
}

// Client calls one peer service. Requests are addressed to http://{peer}/path;
// where that really is, next knows. All routes of the shop are fixed paths, so
// the path is the route.
func (t *Telemetry) Client(peer string, next http.RoundTripper) *http.Client {
	return &http.Client{Transport: otelhttp.NewTransport(sized{next},
		otelhttp.WithTracerProvider(t.traces),
		otelhttp.WithMeterProvider(t.metrics),
		otelhttp.WithPropagators(t.prop),
		otelhttp.WithSpanOptions(trace.WithAttributes(attribute.String("peer.service", peer))),
		otelhttp.WithMetricAttributesFn(func(r *http.Request) []attribute.KeyValue {
			return []attribute.KeyValue{attribute.String("peer.service", peer), attribute.String("http.route", r.URL.Path)}
		}),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }))}
}

// TraceIDs returns the trace and span id of the current span in hex.
func TraceIDs(ctx context.Context) (traceID, spanID string) {
	sc := trace.SpanContextFromContext(ctx)
	return sc.TraceID().String(), sc.SpanID().String()
}

// attemptKey finds the number of an attempt in a context.
type attemptKey struct{}

// Attempt marks a context as the n-th repetition of a request; 0 is the first
// try. Its client span tells.
func Attempt(ctx context.Context, n int) context.Context {
	return context.WithValue(ctx, attemptKey{}, n)
}

func attempt(ctx context.Context) int {
	n, _ := ctx.Value(attemptKey{}).(int)
	return n
}

// Annotate puts an attribute on the current span.
func Annotate(ctx context.Context, key, value string) {
	trace.SpanFromContext(ctx).SetAttributes(attribute.String(key, value))
}

// Failed records an error as an exception of the current span, with the stack
// where it was caught.
func Failed(ctx context.Context, err error) {
	span := trace.SpanFromContext(ctx)
	span.RecordError(err, trace.WithStackTrace(true))
	span.SetStatus(codes.Error, err.Error())
}

// Inside runs do in an internal span, for work a reader of the trace would ask
// about.
func (t *Telemetry) Inside(ctx context.Context, name string, do func(context.Context)) {
	ctx, span := t.tracer.Start(ctx, name)
	defer span.End()
	do(ctx)
}

// sized writes what the wire really carried on the client span, which otelhttp
// leaves out: body bytes in both directions, and the route.
type sized struct{ next http.RoundTripper }

// RoundTrip counts the body's bytes as they pass.
func (s sized) RoundTrip(r *http.Request) (*http.Response, error) {
	span := trace.SpanFromContext(r.Context())
	span.SetAttributes(attribute.String("http.route", r.URL.Path))
	if n := attempt(r.Context()); n > 0 {
		span.SetAttributes(attribute.Int("http.request.resend_count", n))
	}
	if r.ContentLength > 0 {
		span.SetAttributes(attribute.Int64("http.request.body.size", r.ContentLength))
	}
	res, err := s.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &countedBody{ReadCloser: res.Body, span: span}
	return res, nil
}

// countedBody reports its size on the span when it ends, which is just before
// otelhttp ends the span.
type countedBody struct {
	io.ReadCloser
	span trace.Span
	n    int64
	done bool
}

// Read counts.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	if errors.Is(err, io.EOF) {
		b.report()
	}
	return n, err
}

// Close reports a body nobody read to its end.
func (b *countedBody) Close() error {
	b.report()
	return b.ReadCloser.Close()
}

func (b *countedBody) report() {
	if !b.done {
		b.done = true
		b.span.SetAttributes(attribute.Int64("http.response.body.size", b.n))
	}
}

// Query is one database call as its span shows it.
type Query struct {
	System    string // db.system.name: "sqlite", "postgresql"
	Operation string // db.operation.name: "INSERT"
	Text      string // db.query.text, with placeholders, never values
	Table     string // db.collection.name
	Peer      string // peer.service; orders-db unless given
}

// Database runs do inside a client span named "INSERT orders".
func (t *Telemetry) Database(ctx context.Context, q Query, do func(context.Context) error) error {
	name := q.Operation
	if q.Table != "" {
		name += " " + q.Table
	}
	if q.Peer == "" {
		q.Peer = "orders-db"
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("db.system.name", q.System),
		attribute.String("db.operation.name", q.Operation),
		attribute.String("db.query.text", q.Text),
		attribute.String("db.collection.name", q.Table),
		attribute.String("peer.service", q.Peer),
	))
	defer span.End()
	err := do(ctx)
	if err != nil {
		span.SetAttributes(attribute.String("error.type", fmt.Sprintf("%T", err)))
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}
