package telemetry_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	_ "modernc.org/sqlite" // driver "sqlite"

	"github.com/pitwall/pitwall/lab/telemetry"
)

// everything keeps log texts with their trace ids, and names of metrics.
type everything struct {
	mu      sync.Mutex
	lines   map[string]string
	metrics map[string]bool
	fail    int // answers with 503 that are left
}

func (e *everything) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch r.URL.Path {
	case "/v1/logs":
		req := plogotlp.NewExportRequest()
		if req.UnmarshalProto(body) != nil {
			return
		}
		for _, rl := range req.Logs().ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, l := range sl.LogRecords().All() {
					e.lines[l.SeverityText()+" "+l.Body().Str()] = l.TraceID().String()
				}
			}
		}
	case "/v1/metrics":
		req := pmetricotlp.NewExportRequest()
		if req.UnmarshalProto(body) != nil {
			return
		}
		for _, rm := range req.Metrics().ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					e.metrics[m.Name()] = true
				}
			}
		}
	}
}

// TestASickServiceTells: what a diagnosis reads besides spans.
func TestASickServiceTells(t *testing.T) {
	rc := &everything{lines: map[string]string{}, metrics: map[string]bool{}}
	srv := httptest.NewServer(rc)
	defer srv.Close()
	ctx := context.Background()
	tel, err := telemetry.Start(ctx, telemetry.Config{Service: "auth", Version: "v1", OTLP: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+t.TempDir()+"/x.db")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := tel.ObserveDB("x", db); err != nil {
		t.Fatal(err)
	}
	conn, err := tel.Conn(ctx, "x", db)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	tel.Retried(ctx, "payment")
	tel.TimedOut(ctx, "payment")
	tel.CacheLookup(ctx, "sessions", true)
	tel.CacheLookup(ctx, "sessions", false)
	var id string
	h := tel.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		id, _ = telemetry.TraceIDs(r.Context())
		telemetry.Failed(r.Context(), errors.New("boom"))
		tel.Log(r.Context(), telemetry.Error, "it broke")
	}))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/x", nil))
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := tel.Close(ctx); err != nil {
		t.Fatal(err)
	}
	rc.mu.Lock()
	defer rc.mu.Unlock()
	if got := rc.lines["ERROR it broke"]; got != id || id == "" {
		t.Errorf("the line's trace is %q, want %q, of %v", got, id, rc.lines)
	}
	for _, name := range []string{
		"process.cpu.time", "process.memory.usage", "process.uptime", "process.thread.count", "go.gc.cpu.time", "go.gc.cpu.ratio",
		"go.sync.mutex.wait.time", "go.memory.heap.live", "go.memory.allocated", "go.memory.allocations", "go.schedule.duration", "go.goroutine.count",
		"db.client.connection.count", "db.client.connection.max", "db.client.connection.wait_time",
		"cache.hits", "cache.misses", "http.client.request.retries", "http.client.request.timeouts",
	} {
		if !rc.metrics[name] {
			t.Errorf("no metric %s was sent", name)
		}
	}
}
