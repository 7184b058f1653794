package httpd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/httpd"
	"github.com/pitwall/pitwall/internal/store/logs"
	"github.com/pitwall/pitwall/internal/store/spans"
	"github.com/pitwall/pitwall/internal/store/sqlite"
)

// stores are the real ones, filled with a little of everything.
func stores(t *testing.T) httpd.Signals {
	t.Helper()
	no := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	now := clock()
	sp, err := spans.Open(t.TempDir(), spans.Options{Now: clock})
	no(err)
	t.Cleanup(func() { no(sp.Close()) })
	lo, err := logs.Open(t.TempDir(), logs.Options{Now: clock})
	no(err)
	t.Cleanup(func() { no(lo.Close()) })
	db, err := sqlite.Open(t.TempDir())
	no(err)
	t.Cleanup(func() { no(db.Close()) })

	b := &pitwall.SpanBatch{}
	for i := range 20 {
		b.Add(pitwall.SpanRow{TraceID: pitwall.TraceID{15: byte(i + 1)}, SpanID: uint64(i + 1), Service: "checkout", Version: "v2", Operation: "POST /pay",
			Kind: pitwall.SpanServer, Start: now.Add(-2*time.Minute + time.Duration(i)*time.Second), Duration: time.Duration(i+1) * 10 * time.Millisecond,
			Failed: i == 3, ReqBytes: -1, RespBytes: -1, Attrs: []pitwall.Attr{{Key: "tenant", Value: fmt.Sprint(i % 4)}}})
	}
	no(sp.AppendSpans(t.Context(), b))
	var records []pitwall.LogRecord
	for i := range 60 {
		records = append(records, pitwall.LogRecord{At: now.Add(-10*time.Minute + time.Duration(i)*time.Second), Service: "checkout", Severity: pitwall.SeverityInfo, Text: fmt.Sprintf("order %d sold", i)})
	}
	records = append(records, pitwall.LogRecord{At: now.Add(-time.Minute), Service: "checkout", Severity: pitwall.SeverityError, Text: "card 17 refused", Trace: pitwall.TraceID{15: 4}, Span: 4})
	no(lo.AppendLogs(t.Context(), &pitwall.LogBatch{Records: records}))
	_, err = db.AppendChange(t.Context(), pitwall.Change{ID: "d1", At: now.Add(-5 * time.Minute), Kind: pitwall.ChangeDeploy, Service: "checkout", Version: "v2", SeenBy: pitwall.SeenByWebhook})
	no(err)
	_, err = db.AppendAlert(t.Context(), pitwall.Alert{ID: "a1", Source: "alertmanager", Firing: true, Name: "Slow", From: now.Add(-5 * time.Minute)})
	no(err)
	return httpd.Signals{Spans: sp, Operations: sp, Logs: lo, Changes: db, Alerts: db, Version: "v9",
		LogContrast: func(_ context.Context, q pitwall.LogQuery, before, after pitwall.Period) (any, error) {
			return fmt.Sprintf("%s %s|%s", q.Service, before.Duration(), after.Duration()), nil
		},
		KPIs: func(context.Context) []pitwall.KPIReading {
			return []pitwall.KPIReading{{KPI: pitwall.KPI{Name: "orders", Unit: "orders/min"}, Was: 40, WasN: 9, Is: 20, IsN: 9}}
		},
		MergedProfile: func(_ context.Context, q pitwall.ProfileQuery) ([]byte, error) {
			if q.Service != "checkout" {
				return nil, nil
			}
			return []byte("\x1f\x8bpprof of " + string(q.Type)), nil
		},
		Settings: func() []httpd.Setting {
			return []httpd.Setting{{Key: "data_dir", Value: "data", Origin: "default"}}
		}}
}

// TestSignalsAnswer asks for everything that came in, from real stores.
func TestSignalsAnswer(t *testing.T) {
	signals := stores(t)
	srv, _ := serve(t, func(c *httpd.Config) { c.Signals = signals })
	at := clock().Add(-3 * time.Minute).Format(time.RFC3339)
	f := func(path string, n int, list string, texts ...string) {
		t.Helper()
		res, body := ask(t, http.MethodGet, srv.URL+path, "", nil)
		var answer map[string]json.RawMessage
		if res.StatusCode != http.StatusOK || json.Unmarshal([]byte(body), &answer) != nil {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
			return
		}
		var items []json.RawMessage
		if n >= 0 && (json.Unmarshal(answer[list], &items) != nil || len(items) != n) {
			t.Errorf("%s: %d %s, want %d: %s", path, len(items), list, n, body)
		}
		for _, text := range texts {
			if !strings.Contains(body, text) {
				t.Errorf("%s: %q is missing in %s", path, text, body)
			}
		}
	}
	f("/api/v1/operations", 1, "operations", `"count":20`, `"failed":1`, `"operation":"POST /pay"`)
	f("/api/v1/operations?service=nobody", 0, "operations")
	f("/api/v1/spans?attr=tenant=3", 5, "spans")
	f("/api/v1/spans?attr=tenant=3&failed=true", 1, "spans", `"trace_id":"00000000000000000000000000000004"`)
	f("/api/v1/spans?slower=191ms", 1, "spans")
	f("/api/v1/spans?limit=7", 7, "spans")
	f("/api/v1/logs", 61, "records")
	f("/api/v1/logs?severity=error", 1, "records", `"text":"card 17 refused"`, `"trace_id":"00000000000000000000000000000004"`, `"span_id":"0000000000000004"`)
	f("/api/v1/logs?trace=00000000000000000000000000000004&contains=CARD", 1, "records")
	f("/api/v1/logs/patterns", 2, "patterns", `"count":60`)
	f("/api/v1/logs/contrast?service=checkout&since=10m&at="+at, -1, "", "checkout 7m0s|3m0s")
	f("/api/v1/changes", 1, "changes", `"id":"d1"`)
	f("/api/v1/changes?service=nobody", 0, "changes")
	f("/api/v1/alerts", 1, "alerts", `"name":"Slow"`)
	f("/api/v1/kpis", 1, "rows", "40 orders/min", "20 orders/min", `"tone":"warn"`)
	f("/api/v1/config", 1, "keys", `"version":"v9"`)
	res, body := ask(t, http.MethodGet, srv.URL+"/api/v1/profiles/merged?service=checkout&type=heap", "", nil)
	if res.StatusCode != http.StatusOK || body != "\x1f\x8bpprof of heap" || res.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("merged profile: %d %q %v", res.StatusCode, body, res.Header)
	}
}

// TestSignalsRefuse: what is wrong in a question is said, and a Pitwall without a
// store says that.
func TestSignalsRefuse(t *testing.T) {
	signals := stores(t)
	full, _ := serve(t, func(c *httpd.Config) { c.Signals = signals })
	empty, _ := serve(t, nil)
	f := func(url string, status int, says string) {
		t.Helper()
		if res, body := ask(t, http.MethodGet, url, "", nil); res.StatusCode != status || !strings.Contains(body, says) {
			t.Errorf("%s: %d %s, want %d and %q", url, res.StatusCode, body, status, says)
		}
	}
	f(full.URL+"/api/v1/logs?trace=17", http.StatusUnprocessableEntity, "32 hex digits")
	f(full.URL+"/api/v1/spans?attr=tenant", http.StatusUnprocessableEntity, "is not key=value")
	f(full.URL+"/api/v1/spans?slower=fast", http.StatusUnprocessableEntity, "500ms")
	f(full.URL+"/api/v1/operations?since=-1h", http.StatusUnprocessableEntity, "since")
	f(full.URL+"/api/v1/logs/contrast?at=2001-01-01T00:00:00Z", http.StatusUnprocessableEntity, "outside the period")
	f(full.URL+"/api/v1/profiles/merged?service=nobody", http.StatusNotFound, "no cpu profile")
	for _, path := range []string{"operations", "spans", "logs", "logs/patterns", "alerts", "profiles/merged?service=a"} {
		f(empty.URL+"/api/v1/"+path, http.StatusNotFound, "this Pitwall has none")
	}
}
