package otlp

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzHTTP sends arbitrary bodies of every signal, type and compression: the
// answer is a success or a refusal that names the fault, what reaches a sink is
// sound, and no bytes stay in flight.
func FuzzHTTP(f *testing.F) {
	paths := []string{"/v1/traces", "/v1/metrics", "/v1/logs"}
	f.Add(asProto(f), uint8(0))
	f.Add(zip(f, asProto(f)), uint8(2))
	f.Add([]byte(goodJSON), uint8(1))
	f.Add(asProto(f)[:100], uint8(0))
	f.Add([]byte(strings.NewReplacer(`"1000"`, `"18446744073709551615"`, `"kind":2`, `"kind":-7`, `"intValue":"500"`, `"doubleValue":1e300`).Replace(goodJSON)), uint8(1))
	f.Add([]byte(logsJSON), uint8(1+8))
	f.Add([]byte(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","sum":{"dataPoints":[{"asInt":"4"}]}}]}]}]}`), uint8(1+4))
	f.Fuzz(func(t *testing.T, body []byte, how uint8) {
		s := &sink{}
		r := New(Config{Spans: s, Metrics: s, Logs: s, MaxBody: 1 << 20})
		kind, encoding := typeProto, ""
		if how&1 > 0 {
			kind = typeJSON
		}
		if how&2 > 0 {
			encoding = "gzip"
		}
		path := paths[int(how>>2)%len(paths)]
		res := post(t, r, path, kind, encoding, body)
		if !slices.Contains([]int{http.StatusOK, http.StatusBadRequest, http.StatusRequestEntityTooLarge}, res.Code) {
			t.Fatalf("status %d: %s", res.Code, res.Body)
		}
		if res.Code != http.StatusOK && len(s.spans)+len(s.metrics)+len(s.logs) > 0 {
			t.Fatalf("status %d, and yet something was stored", res.Code)
		}
		for _, r := range s.spans {
			if r.Duration < 0 || r.SpanID == 0 || r.Service == "" || len(r.Operation) > 512 || !utf8.ValidString(r.Operation) {
				t.Fatalf("an unsound span: %+v", r)
			}
		}
		for _, r := range s.logs {
			if r.Service == "" || len(r.Text) > 8192 || !utf8.ValidString(r.Text) || r.Severity > 24 {
				t.Fatalf("an unsound record: %+v", r)
			}
		}
		if n := r.held.used.Load(); n != 0 || len(r.slots) != 0 {
			t.Fatalf("%d bytes and %d slots are still taken", n, len(r.slots))
		}
	})
}
