package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/pitwall/pitwall"
)

// sink keeps what it is given in memory; fail makes it refuse, block makes it
// wait for the channel.
type sink struct {
	mu      sync.Mutex
	spans   []pitwall.SpanRow
	metrics [][]byte
	logs    []pitwall.LogRecord
	// deliveries are the numbers of the batches of spans and records.
	deliveries []uint64
	fail       []error // one for each of the next calls
	block      chan struct{}
	entered    chan struct{}
}

func (s *sink) next() error {
	if s.block != nil {
		s.entered <- struct{}{}
		<-s.block
	}
	if len(s.fail) == 0 {
		return nil
	}
	err := s.fail[0]
	s.fail = s.fail[1:]
	return err
}

func (s *sink) AppendSpans(ctx context.Context, b *pitwall.SpanBatch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.next(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil { // as a real store would
		return err
	}
	for i := range b.Len() {
		s.spans = append(s.spans, b.Row(i))
	}
	s.deliveries = append(s.deliveries, b.Delivery)
	return nil
}

func (s *sink) AppendOTLPMetrics(_ context.Context, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.next(); err != nil {
		return err
	}
	s.metrics = append(s.metrics, bytes.Clone(body)) // it is the receiver's again after this
	return nil
}

func (s *sink) AppendLogs(_ context.Context, b *pitwall.LogBatch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.next(); err != nil {
		return err
	}
	s.logs = append(s.logs, b.Records...)
	s.deliveries = append(s.deliveries, b.Delivery)
	return nil
}

func receiver(s *sink) *Receiver {
	return New(Config{Spans: s, Metrics: s, Logs: s, Now: func() time.Time { return time.Unix(1000, 0) }})
}

func post(t testing.TB, r *Receiver, path, kind, encoding string, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	req.Header.Set("Content-Type", kind)
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	res := httptest.NewRecorder()
	r.Handler().ServeHTTP(res, req)
	return res
}

const goodJSON = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"edge"}}]},"scopeSpans":[{"spans":[
 {"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"GET /","kind":2,"startTimeUnixNano":"1000","endTimeUnixNano":"900",
  "attributes":[{"key":"http.response_content_length","value":{"stringValue":"12"}},{"key":"http.status_code","value":{"intValue":"500"}}]},
 {"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"","name":"no id","startTimeUnixNano":"1000"}]}]}]}`

func asProto(t testing.TB) []byte {
	t.Helper()
	req := ptraceotlp.NewExportRequest()
	if err := req.UnmarshalJSON([]byte(goodJSON)); err != nil {
		t.Fatal(err)
	}
	body, err := req.MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestPartialSuccessTellsWhatWasLeftOut(t *testing.T) {
	s := &sink{}
	r := receiver(s)
	res := post(t, r, "/v1/traces", "application/json; charset=utf-8", "", []byte(goodJSON))
	answer := ptraceotlp.NewExportResponse()
	if err := answer.UnmarshalJSON(res.Body.Bytes()); err != nil || res.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", res.Code, res.Body, err)
	}
	if p := answer.PartialSuccess(); p.RejectedSpans() != 1 || p.ErrorMessage() != `span "no id" of edge: no span id` {
		t.Errorf("rejected %d: %s", p.RejectedSpans(), p.ErrorMessage())
	}
	want := pitwall.SpanRow{TraceID: pitwall.TraceID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, SpanID: 0x0102030405060708,
		Start: time.Unix(0, 1000), Service: "edge", Operation: "GET /", Kind: pitwall.SpanServer, Failed: true, ReqBytes: -1, RespBytes: 12,
		Attrs: []pitwall.Attr{{Key: "http.status_code", Value: "500"}}}
	if diff := cmp.Diff([]pitwall.SpanRow{want}, s.spans); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if h := r.Health()[0]; h.Accepted != 1 || h.Rejected != 1 || !h.LastSeen.Equal(time.Unix(1000, 0)) {
		t.Errorf("health %+v", h)
	}
}

func TestLogsAreTurnedDownHonestly(t *testing.T) {
	r := New(Config{})
	res := post(t, r, "/v1/logs", typeJSON, "", []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}},{"body":{"stringValue":"b"}}]}]}]}`))
	answer := plogotlp.NewExportResponse()
	if err := answer.UnmarshalJSON(res.Body.Bytes()); err != nil || res.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", res.Code, res.Body, err)
	}
	if p := answer.PartialSuccess(); p.RejectedLogRecords() != 2 || !strings.Contains(p.ErrorMessage(), "not kept") {
		t.Errorf("rejected %d: %s", p.RejectedLogRecords(), p.ErrorMessage())
	}
	if h := r.Health()[2]; h.Up || h.Rejected != 2 {
		t.Errorf("health of logs: %+v", h)
	}
}

func TestRefusals(t *testing.T) {
	good := asProto(t)
	zipped := zip(t, good)
	bomb := zip(t, make([]byte, 16<<20))
	if len(bomb) > 1<<16 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	for _, c := range []struct {
		name, path, kind, encoding string
		body                       []byte
		status                     int
		says                       string
	}{
		{"sound", "/v1/traces", typeProto, "gzip", zipped, 200, ""},
		{"truncated protobuf", "/v1/traces", typeProto, "", good[:len(good)/2], 400, "decoding application/x-protobuf"},
		{"truncated JSON", "/v1/traces", typeJSON, "", []byte(goodJSON)[:200], 400, "decoding application/json"},
		{"empty JSON", "/v1/traces", typeJSON, "", nil, 400, "decoding application/json"},
		{"truncated metrics", "/v1/metrics", typeProto, "", []byte{10, 200}, 400, "decoding"},
		{"truncated logs", "/v1/logs", typeProto, "", []byte{10, 200}, 400, "decoding"},
		{"truncated gzip", "/v1/traces", typeProto, "gzip", zipped[:len(zipped)-6], 400, "unexpected EOF"},
		{"not gzip", "/v1/traces", typeProto, "gzip", good, 400, "gzip: invalid header"},
		{"gzip bomb", "/v1/traces", typeProto, "gzip", bomb, 413, "larger than 65536 bytes"},
		{"large body", "/v1/traces", typeProto, "", make([]byte, 70_000), 413, "smaller batches"},
		{"other compression", "/v1/traces", typeProto, "zstd", good, 415, `"zstd"`},
		{"other type", "/v1/traces", "text/plain", "", good, 415, `"text/plain"`},
	} {
		res := post(t, New(Config{Spans: &sink{}, Metrics: &sink{}, MaxBody: 1 << 16}), c.path, c.kind, c.encoding, c.body)
		if res.Code != c.status {
			t.Errorf("%s: status %d, want %d: %s", c.name, res.Code, c.status, res.Body)
			continue
		}
		if c.status == 200 {
			continue
		}
		var st spb.Status
		unmarshal := protojson.Unmarshal
		if c.kind == typeProto {
			unmarshal = proto.Unmarshal
		}
		if err := unmarshal(res.Body.Bytes(), &st); err != nil || !strings.Contains(st.Message, c.says) || st.Code == 0 {
			t.Errorf("%s: says %q (%v), want %q", c.name, st.Message, err, c.says)
		}
		if res.Header().Get("Retry-After") != "" {
			t.Errorf("%s: asks to send the same again", c.name)
		}
	}
	res := httptest.NewRecorder()
	receiver(&sink{}).Handler().ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/v1/traces", nil))
	if res.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: status %d", res.Code)
	}
	if res := post(t, New(Config{}), "/v1/traces", typeProto, "", good); res.Code != http.StatusNotImplemented {
		t.Errorf("no sink: status %d", res.Code)
	}
}

func TestASinkThatFailsIsNeverAcknowledged(t *testing.T) {
	r := receiver(&sink{fail: []error{io.ErrShortWrite, pitwall.Errorf(pitwall.Invalid, "", "a bad label")}})
	res := post(t, r, "/v1/traces", typeProto, "", asProto(t))
	if res.Code != http.StatusServiceUnavailable || res.Header().Get("Retry-After") != "1" {
		t.Errorf("status %d, Retry-After %q", res.Code, res.Header().Get("Retry-After"))
	}
	if h := r.Health()[0]; h.Accepted != 0 || h.Rejected != 2 || !strings.Contains(h.Message, "storing spans: short write") {
		t.Errorf("health %+v", h)
	}
	if res := post(t, r, "/v1/traces", typeProto, "", asProto(t)); res.Code != http.StatusBadRequest {
		t.Errorf("an invalid request gives status %d, want 400", res.Code)
	}
}

func TestTooMuchAtOnce(t *testing.T) {
	s := &sink{block: make(chan struct{}), entered: make(chan struct{})}
	r := New(Config{Spans: s, MaxInFlight: 1})
	first := make(chan int)
	go func() { first <- post(t, r, "/v1/traces", typeProto, "", asProto(t)).Code }()
	<-s.entered
	res := post(t, r, "/v1/traces", typeProto, "", asProto(t))
	if res.Code != http.StatusTooManyRequests || res.Header().Get("Retry-After") == "" {
		t.Errorf("the second request: status %d", res.Code)
	}
	close(s.block)
	if code := <-first; code != http.StatusOK {
		t.Errorf("the first request: status %d", code)
	}
}
