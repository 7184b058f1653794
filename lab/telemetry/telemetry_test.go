package telemetry_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/pitwall/pitwall/lab/telemetry"
)

// receiver keeps the spans it is sent, by name and kind.
type receiver struct {
	mu    sync.Mutex
	spans map[string]ptrace.Span
	res   map[string]any
	paths map[string]int
}

func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	rc.paths[r.URL.Path]++
	if r.URL.Path != "/v1/traces" {
		return
	}
	body, _ := io.ReadAll(r.Body)
	req := ptraceotlp.NewExportRequest()
	if err := req.UnmarshalProto(body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, rs := range req.Traces().ResourceSpans().All() {
		rc.res = rs.Resource().Attributes().AsRaw()
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				rc.spans[s.Kind().String()+" "+s.Name()] = s
			}
		}
	}
}

func (rc *receiver) wait(t *testing.T, n int) map[string]ptrace.Span {
	t.Helper()
	for range 100 {
		rc.mu.Lock()
		done := len(rc.spans) >= n && rc.paths["/v1/metrics"] > 0
		rc.mu.Unlock()
		if done {
			return rc.spans
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("received %d spans and %v, want %d spans and metrics", len(rc.spans), rc.paths, n)
	return nil
}

// unused is an address on which nobody listens yet.
func unused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// toServer sends any peer's calls to one test server.
type toServer struct{ host string }

func (s toServer) RoundTrip(r *http.Request) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.URL = &url.URL{Scheme: "http", Host: s.host, Path: r.URL.Path}
	return http.DefaultTransport.RoundTrip(out)
}

// The receiver comes up only after the spans were made: they must arrive all
// the same, with the sizes the wire really carried.
func TestSpansReachAReceiverThatWasDown(t *testing.T) {
	addr := unused(t)
	ctx := context.Background()
	tel, err := telemetry.Start(ctx, telemetry.Config{Service: "inventory", Version: "v40", Instance: "i-1", OTLP: "http://" + addr})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /lookup", tel.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		q := telemetry.Query{System: "sqlite", Operation: "INSERT", Text: "INSERT INTO t VALUES (?)", Table: "t"}
		if err := tel.Database(r.Context(), q, func(context.Context) error { return nil }); err != nil {
			t.Error(err)
		}
		_, _ = fmt.Fprint(w, strings.Repeat("x", 5_000))
	})))
	srv := httptest.NewServer(mux)
	defer srv.Close()
	res, err := tel.Client("inventory", toServer{strings.TrimPrefix(srv.URL, "http://")}).Post("http://inventory/lookup", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()

	time.Sleep(800 * time.Millisecond) // the first export has failed by now
	rc := &receiver{spans: map[string]ptrace.Span{}, paths: map[string]int{}}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skipf("the port was taken meanwhile: %v", err)
	}
	up := &http.Server{Handler: rc}
	go func() { _ = up.Serve(l) }()
	defer func() { _ = up.Close() }()
	spans := rc.wait(t, 3)
	check(t, spans, rc.res)
	if err := tel.Close(ctx); err != nil {
		t.Error(err)
	}
}

func check(t *testing.T, spans map[string]ptrace.Span, res map[string]any) {
	t.Helper()
	f := func(span string, want map[string]any) {
		t.Helper()
		s, ok := spans[span]
		if !ok {
			t.Fatalf("no span %q among %v", span, spans)
		}
		got := s.Attributes().AsRaw()
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s: %s is %v, want %v", span, k, got[k], v)
			}
		}
	}
	http := map[string]any{
		"http.request.method": "POST", "http.route": "/lookup", "http.response.status_code": int64(200),
		"http.request.body.size": int64(5), "http.response.body.size": int64(5_000), "server.address": "inventory",
	}
	f("Server POST /lookup", http)
	http["peer.service"] = "inventory"
	f("Client POST /lookup", http)
	f("Client INSERT t", map[string]any{
		"db.system.name": "sqlite", "db.operation.name": "INSERT", "db.query.text": "INSERT INTO t VALUES (?)",
	})
	client, server := spans["Client POST /lookup"], spans["Server POST /lookup"]
	if client.TraceID() != server.TraceID() || server.ParentSpanID() != client.SpanID() {
		t.Error("the server span is no child of the client span")
	}
	if res["service.name"] != "inventory" || res["service.version"] != "v40" || res["service.instance.id"] != "i-1" || res["deployment.environment"] != "lab" {
		t.Errorf("resource %v", res)
	}
}

func TestWithoutAReceiverTraceIDsAreStillValid(t *testing.T) {
	tel, err := telemetry.Start(context.Background(), telemetry.Config{Service: "edge", Version: "v5"})
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	tel.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		id, _ := telemetry.TraceIDs(r.Context())
		if strings.Trim(id, "0") == "" {
			t.Errorf("trace id is %q", id)
		}
	})).ServeHTTP(rec, httptest.NewRequest("GET", "/x", nil))
	if err := tel.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
