package otlp

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/pitwall/pitwall"
)

const logsJSON = `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"inventory"}},
 {"key":"service.version","value":{"stringValue":"v41"}},{"key":"k8s.pod.name","value":{"stringValue":"inventory-1"}}]},"scopeLogs":[{"logRecords":[
 {"timeUnixNano":"990000000000","severityNumber":17,"body":{"stringValue":"connection to db refused after 30 ms"},
  "traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","attributes":[{"key":"exception.type","value":{"stringValue":"IOException"}}]},
 {"observedTimeUnixNano":"991000000000","severityText":"Warning","body":{"kvlistValue":{"values":[{"key":"msg","value":{"stringValue":"slow"}}]}}},
 {"severityNumber":9}]}]}]}`

func TestLogsReachTheSink(t *testing.T) {
	req := plogotlp.NewExportRequest()
	if err := req.UnmarshalJSON([]byte(logsJSON)); err != nil {
		t.Fatal(err)
	}
	raw, err := req.MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	for kind, body := range map[string][]byte{typeJSON: []byte(logsJSON), typeProto: raw} {
		s := &sink{}
		r := receiver(s)
		res := post(t, r, "/v1/logs", kind, "", body)
		answer := plogotlp.NewExportResponse()
		decode := answer.UnmarshalProto
		if kind == typeJSON {
			decode = answer.UnmarshalJSON
		}
		if err := decode(res.Body.Bytes()); err != nil || res.Code != http.StatusOK {
			t.Fatalf("%s: %d %s: %v", kind, res.Code, res.Body, err)
		}
		if p := answer.PartialSuccess(); p.RejectedLogRecords() != 1 || p.ErrorMessage() != `log record "" of inventory: it says nothing` {
			t.Errorf("%s: rejected %d: %s", kind, p.RejectedLogRecords(), p.ErrorMessage())
		}
		pod := pitwall.Attr{Key: "k8s.pod.name", Value: "inventory-1"}
		want := []pitwall.LogRecord{
			{At: time.Unix(990, 0), Service: "inventory", Version: "v41", Severity: pitwall.SeverityError, Text: "connection to db refused after 30 ms",
				Trace: pitwall.TraceID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, Span: 0x0102030405060708,
				Attrs: []pitwall.Attr{pod, {Key: "exception.type", Value: "IOException"}}},
			{At: time.Unix(991, 0), Service: "inventory", Version: "v41", Severity: pitwall.SeverityWarn, Text: `{"msg":"slow"}`, Attrs: []pitwall.Attr{pod}},
		}
		if diff := cmp.Diff(want, s.logs); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
		if h := r.Health()[2]; h.Accepted != 2 || h.Rejected != 1 || !h.Up || h.Lag != 9 || h.Signal != pitwall.SignalLogs {
			t.Errorf("%s: health of logs: %+v", kind, h)
		}
	}
	s := &sink{fail: []error{pitwall.Errorf(pitwall.Unavailable, "", "disk full")}}
	if res := post(t, receiver(s), "/v1/logs", typeProto, "", raw); res.Code != http.StatusServiceUnavailable || res.Header().Get("Retry-After") == "" {
		t.Errorf("a sink that refuses: status %d", res.Code)
	}
}

// TestTheSameRequestHasTheSameDelivery: it does whether it comes compressed or
// not, and another request or signal has another.
func TestTheSameRequestHasTheSameDelivery(t *testing.T) {
	s := &sink{}
	body := asProto(t)
	other := asProto(t)
	other[len(other)-1] ^= 1 // in a text
	for _, c := range []struct {
		path, encoding string
		body           []byte
	}{{"/v1/traces", "", body}, {"/v1/traces", "gzip", zip(t, body)}, {"/v1/traces", "", other}} {
		if res := post(t, receiver(s), c.path, typeProto, c.encoding, c.body); res.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", c.path, res.Code, res.Body)
		}
	}
	for _, body := range []string{logsJSON, logsJSON} {
		if res := post(t, receiver(s), "/v1/logs", typeJSON, "", []byte(body)); res.Code != http.StatusOK {
			t.Fatalf("logs: %d %s", res.Code, res.Body)
		}
	}
	d := s.deliveries
	if len(d) != 5 || d[0] == 0 || d[0] != d[1] || d[0] == d[2] || d[3] != d[4] || d[3] == d[0] {
		t.Errorf("deliveries %x", d)
	}
}

// TestClocksThatAreWrong: the spans are taken, and somebody is told whose clock
// it is.
func TestClocksThatAreWrong(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	s := &sink{}
	r := New(Config{Spans: s, Logs: s, Now: func() time.Time { return now }})
	send := func(service string, ends ...time.Time) {
		t.Helper()
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", service)
		spans := rs.ScopeSpans().AppendEmpty().Spans()
		for _, end := range ends {
			span := spans.AppendEmpty()
			span.SetTraceID([16]byte{1})
			span.SetSpanID([8]byte{1})
			span.SetStartTimestamp(pcommon.NewTimestampFromTime(end.Add(-time.Second)))
			span.SetEndTimestamp(pcommon.NewTimestampFromTime(end))
		}
		body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
		if err != nil {
			t.Fatal(err)
		}
		if res := post(t, r, "/v1/traces", typeProto, "", body); res.Code != http.StatusOK {
			t.Fatal(res.Code)
		}
	}
	for _, lag := range []time.Duration{9, 1, 4} { // of the span in the middle
		send("sound", now.Add(-50*time.Second), now.Add(-lag*time.Second), now.Add(9*time.Minute))
	}
	if h := r.Health()[0]; h.Message != "" || h.Lag != 4 || h.Signal != pitwall.SignalTraces {
		t.Errorf("sound clocks: %+v", h)
	}
	send("early", now.Add(11*time.Minute), now.Add(time.Hour))
	send("late", now.Add(-25*time.Hour))
	send("sound", now)
	h := r.Health()[0]
	if want := "2 spans from the future: check the clock of early; 1 spans from the past: check the clock of late"; h.Message != want || h.Accepted != 13 || !h.Up {
		t.Errorf("health %+v, want message %q", h, want)
	}
	if len(s.spans) != 13 {
		t.Errorf("%d spans reached the sink, want 13", len(s.spans))
	}
	now = now.Add(time.Hour)
	if h := r.Health()[0]; h.Message != "" {
		t.Errorf("an hour later it still says %q", h.Message)
	}
}

func TestMetricsPassAsTheyCame(t *testing.T) {
	md := pmetric.NewMetrics()
	p := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(time.Unix(993, 0)))
	p.SetIntValue(4)
	body, err := pmetricotlp.NewExportRequestFromMetrics(md).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	body = append(body, 0xf8, 0x7f, 1) // a field of a later version
	s := &sink{}
	r := receiver(s)
	for _, encoding := range []string{"", "gzip"} {
		sent := body
		if encoding != "" {
			sent = zip(t, body)
		}
		if res := post(t, r, "/v1/metrics", typeProto, encoding, sent); res.Code != http.StatusOK {
			t.Fatalf("%d %s", res.Code, res.Body)
		}
	}
	if diff := cmp.Diff([][]byte{body, body}, s.metrics); diff != "" {
		t.Error(diff)
	}
	if h := r.Health()[1]; h.Accepted != 2 || h.Lag != 7 {
		t.Errorf("health %+v", h)
	}
	if res := post(t, r, "/v1/metrics", typeProto, "", nil); res.Code != http.StatusOK || len(s.metrics) != 2 {
		t.Errorf("an empty request: status %d, and the sink got %d", res.Code, len(s.metrics))
	}
}

func TestJSONThatWouldExplode(t *testing.T) {
	deep := strings.Repeat(`{"arrayValue":{"values":[`, 300)
	for _, c := range []struct {
		name, path, body string
		status           int
		says             string
	}{
		{"deep", "/v1/logs", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":` + deep, 400, "nested deeper than 256"},
		{"wide", "/v1/traces", `{"resourceSpans":[{"scopeSpans":[{"spans":[` + strings.Repeat(`{},`, 1<<19) + `{}]}]}]}`, 413, "send smaller batches"},
		{"nulls", "/v1/metrics", `{"resourceMetrics":[` + strings.Repeat(`null,`, 1<<19) + `null]}`, 413, "send smaller batches"},
		{"brackets in a text", "/v1/logs", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"` + strings.Repeat(`[\"{,`, 1<<18) + `"}}]}]}]}`, 200, ""},
	} {
		s := &sink{}
		res := post(t, receiver(s), c.path, typeJSON, "", []byte(c.body))
		if res.Code != c.status || !strings.Contains(res.Body.String(), c.says) {
			t.Errorf("%s: %d %.200s", c.name, res.Code, res.Body)
		}
		if c.status == 200 && len(s.logs) != 1 {
			t.Errorf("%s: %d records", c.name, len(s.logs))
		}
	}
}
