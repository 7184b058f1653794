package tempo

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/source/otlp"
	"github.com/pitwall/pitwall/internal/store/storetest"
)

// oddSpans has what the fixed traces have not: old names of attributes, types
// of every kind, texts to be cut, a server's own address, an HTTP failure
// without a status.
const oddSpans = `{"resourceSpans":[{"resource":{"attributes":[{"key":"k8s.pod.name","value":{"stringValue":"p-1"}},{"key":"os.type","value":{"stringValue":"linux"}},
{"key":"service.instance.id","value":{"intValue":"7"}}]},"scopeSpans":[{"scope":{"name":"lib"},"spans":[
{"traceId":"01000000000000000000000000000001","spanId":"0000000000000001","name":"GET /x","kind":2,"startTimeUnixNano":"1000","endTimeUnixNano":"900",
 "attributes":[{"key":"server.address","value":{"stringValue":"me"}},{"key":"http.status_code","value":{"intValue":"503"}},
 {"key":"http.request_content_length","value":{"stringValue":"12"}},{"key":"http.request.body.size","value":{"intValue":"13"}},
 {"key":"http.response_content_length","value":{"doubleValue":14.9}},{"key":"thread.id","value":{"intValue":"9"}},
 {"key":"ok","value":{"boolValue":true}},{"key":"f","value":{"doubleValue":1e21}},{"key":"list","value":{"arrayValue":{"values":[{"stringValue":"a"},{"intValue":"1"}]}}},
 {"key":"map","value":{"kvlistValue":{"values":[{"key":"a","value":{"intValue":"1"}}]}}},{"key":"bytes","value":{"bytesValue":"AQI="}},{"key":"none","value":{}}]},
{"traceId":"01000000000000000000000000000001","spanId":"0000000000000002","parentSpanId":"0000000000000001","name":"q","kind":3,"startTimeUnixNano":"1000","endTimeUnixNano":"2000",
 "attributes":[{"key":"net.peer.name","value":{"stringValue":"old-db"}},{"key":"server.address","value":{"stringValue":"new-db"}},{"key":"peer.service","value":{"stringValue":"db"}},
 {"key":"db.statement","value":{"stringValue":"select 1"}},{"key":"db.query.text","value":{"stringValue":"select 2"}},{"key":"http.response.body.size","value":{"intValue":"-5"}}],
 "events":[{"name":"log"},{"name":"exception","attributes":[{"key":"exception.type","value":{"stringValue":"E1"}}]},{"name":"exception","attributes":[{"key":"exception.type","value":{"stringValue":"E2"}}]}],
 "status":{"message":"why","code":1}},
{"traceId":"01000000000000000000000000000001","spanId":"0000000000000003","name":"no time","kind":9},
{"traceId":"01000000000000000000000000000001","spanId":"0000000000000004","name":"LONG","kind":9,"startTimeUnixNano":"1000","endTimeUnixNano":"2000",
 "attributes":[{"key":"long","value":{"stringValue":"LONG"}},{"key":"db.query.text","value":{"stringValue":"LONG"}}]}]}]}]}`

type captured struct{ spans pitwall.SpanBatch }

func (c *captured) AppendSpans(_ context.Context, b *pitwall.SpanBatch) error {
	for i := range b.Len() {
		c.spans.AppendFrom(b, i)
	}
	return nil
}

// TestASpanIsTheSameHoweverItCame: what is read from a store elsewhere must be
// what the receiver would have made of it, or nothing could be compared.
func TestASpanIsTheSameHoweverItCame(t *testing.T) {
	long := bytes.Repeat([]byte("é0123456789"), 1000)
	for name, request := range map[string][]byte{
		"fixed": storetest.OTLP(storetest.FixedTraces()),
		"odd":   bytes.ReplaceAll([]byte(oddSpans), []byte("LONG"), long),
	} {
		t.Run(name, func(t *testing.T) {
			td, err := new(ptrace.JSONUnmarshaler).UnmarshalTraces(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := new(ptrace.ProtoMarshaler).MarshalTraces(td)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decodeV1(body)
			if err != nil {
				t.Fatal(err)
			}
			sink := &captured{}
			r := httptest.NewRequest(http.MethodPost, "/v1/traces", bytes.NewReader(body))
			r.Header.Set("Content-Type", "application/x-protobuf")
			w := httptest.NewRecorder()
			otlp.New(otlp.Config{Spans: sink}).Handler().ServeHTTP(w, r)
			if w.Code != http.StatusOK || sink.spans.Len() == 0 {
				t.Fatalf("the receiver says %d and has %d spans: %s", w.Code, sink.spans.Len(), w.Body)
			}
			if got.spans.Len() != sink.spans.Len() {
				t.Fatalf("%d spans, the receiver has %d", got.spans.Len(), sink.spans.Len())
			}
			for i := range got.spans.Len() {
				if d := cmp.Diff(sink.spans.Row(i), got.spans.Row(i)); d != "" {
					t.Errorf("span %d (-receiver +here):\n%s", i, d)
				}
			}
		})
	}
}
