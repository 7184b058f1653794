package record

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func post(t *tape, path, kind string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	t.handler().ServeHTTP(w, r)
	return w
}

func TestReceiversTakeBothEncodings(t *testing.T) {
	tp := newTape()
	td := ptraceotlp.NewExportRequestFromTraces(newMade(1).trace(ask{at: 1, took: .1, version: "v7"}))
	md := pmetricotlp.NewExportRequestFromMetrics(source{"edge", "v5", "a"}.metric("x", "", gauged(1, 2)))
	ld := plogotlp.NewExportRequestFromLogs(line(1, "hello"))
	for path, in := range map[string]interface {
		MarshalProto() ([]byte, error)
		MarshalJSON() ([]byte, error)
	}{"/v1/traces": td, "/v1/metrics": md, "/v1/logs": ld} {
		proto, err := in.MarshalProto()
		if err != nil {
			t.Fatal(err)
		}
		js, err := in.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		for kind, body := range map[string][]byte{"application/x-protobuf": proto, "application/json": js} {
			if w := post(tp, path, kind, body); w.Code != http.StatusOK {
				t.Errorf("%s as %s answered %d: %s", path, kind, w.Code, w.Body)
			}
		}
		if w := post(tp, path, "application/x-protobuf", []byte("\xffnonsense")); w.Code != http.StatusBadRequest {
			t.Errorf("nonsense at %s answered %d", path, w.Code)
		}
	}
	if len(tp.traces) != 2 || len(tp.metrics) != 2 || len(tp.logs) != 2 || tp.traces[0].SpanCount() != 4 {
		t.Errorf("kept %d traces, %d metrics, %d logs; want two of each", len(tp.traces), len(tp.metrics), len(tp.logs))
	}
	want := []string{"logs that could not be read: 1 times", "metrics that could not be read: 1 times", "spans that could not be read: 1 times"}
	if got := tp.warnings(); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("warnings are %q, want %q", got, want)
	}
}

func TestReceiverUnpacks(t *testing.T) {
	tp := newTape()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	_, _ = z.Write([]byte(`{"id":"deploy-x-1","kind":"deploy"}`))
	_ = z.Close()
	r := httptest.NewRequest(http.MethodPost, "/changes", &buf)
	r.Header.Set("Content-Encoding", "gzip")
	w := httptest.NewRecorder()
	tp.handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK || len(tp.changes) != 1 || tp.changes[0].ID != "deploy-x-1" {
		t.Errorf("answered %d, kept %+v", w.Code, tp.changes)
	}
}

func TestBeaconsAreCounted(t *testing.T) {
	tp := newTape()
	post(tp, "/rum", "application/json", []byte(`[{"page":"a"},{"page":"b"}]`))
	post(tp, "/rum", "text/plain", []byte(`{"page":"a"}`))
	if tp.beacons != 3 {
		t.Errorf("counted %d beacons, want 3", tp.beacons)
	}
}

// A recording that is full says so to the sender, and in the case.
func TestFullTapeRefuses(t *testing.T) {
	tp := newTape()
	tp.bytes = mostBytes
	if w := post(tp, "/changes", "application/json", []byte(`{"id":"x"}`)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a full tape answered %d", w.Code)
	}
	if len(tp.changes) != 0 || len(tp.warnings()) != 1 {
		t.Errorf("kept %v, warned %v", tp.changes, tp.warnings())
	}
}

func TestGRPC(t *testing.T) {
	tp := newTape()
	ears, err := listen(tp)
	if err != nil {
		t.Fatal(err)
	}
	defer ears.close()
	conn, err := grpc.NewClient(ears.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx := context.Background()
	_, err1 := ptraceotlp.NewGRPCClient(conn).Export(ctx, ptraceotlp.NewExportRequestFromTraces(newMade(1).trace(ask{took: 1})))
	_, err2 := pmetricotlp.NewGRPCClient(conn).Export(ctx, pmetricotlp.NewExportRequestFromMetrics(source{"a", "b", "c"}.metric("x", "", gauged(1, 2))))
	_, err3 := plogotlp.NewGRPCClient(conn).Export(ctx, plogotlp.NewExportRequestFromLogs(line(1, "x")))
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	if len(tp.traces) != 1 || len(tp.metrics) != 1 || len(tp.logs) != 1 {
		t.Errorf("kept %d, %d, %d; want one of each", len(tp.traces), len(tp.metrics), len(tp.logs))
	}
}

// FuzzReceive sends bytes from outside to every path: nothing may panic, and
// what was kept must survive being made into rows.
func FuzzReceive(f *testing.F) {
	td, _ := ptraceotlp.NewExportRequestFromTraces(newMade(1).trace(ask{at: 1, took: .1})).MarshalProto()
	md, _ := pmetricotlp.NewExportRequestFromMetrics(source{"edge", "v5", "a"}.metric("go.schedule.duration", "s", spread(2, 1, 1, 2, 3, 4))).MarshalProto()
	f.Add(td, false)
	f.Add(md, false)
	f.Add([]byte(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"x","histogram":{"dataPoints":[{"bucketCounts":["1"],"explicitBounds":[1,2]}]}}]}]}]}`), true)
	f.Add([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":2,"startTimeUnixNano":"9","endTimeUnixNano":"1"}]}]}]}`), true)
	f.Add([]byte(`[{"id":"a"}]`), true)
	f.Fuzz(func(t *testing.T, raw []byte, asJSON bool) {
		kind := "application/x-protobuf"
		if asJSON {
			kind = "application/json"
		}
		tp := newTape()
		for _, path := range []string{"/v1/traces", "/v1/metrics", "/v1/logs", "/changes", "/rum"} {
			post(tp, path, kind, raw)
		}
		g := grid{stretch(0, 60), every}
		all := flatten(tp.traces)
		list, _ := meters(tp.metrics)
		rows := append(servedRows(all, g), meterRows(list, g)...)
		drawn(all, nil)
		logsOf(tp.logs, g.period, 10)
		_, _ = named(tp.changes)
		if err := writeRows(&bytes.Buffer{}, rows); err != nil {
			t.Fatal(err)
		}
	})
}
