package tempo

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/source/remote"
	"github.com/pitwall/pitwall/internal/store/storetest"
)

func TestTraceQL(t *testing.T) {
	attrs := func(kv ...string) pitwall.SpanQuery {
		return pitwall.SpanQuery{Attrs: []pitwall.Attr{{Key: kv[0], Value: kv[1]}}}
	}
	f := func(q pitwall.SpanQuery, atLeast time.Duration, want string) {
		t.Helper()
		got := traceQL(q, atLeast)
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if _, err := parse(got); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
	f(pitwall.SpanQuery{}, 0, `{  }`)
	f(pitwall.SpanQuery{Service: "edge", Operation: `say "hi"`, Version: "v1"}, 0,
		`{ resource.service.name = "edge" && resource.service.version = "v1" && name = "say \"hi\"" }`)
	f(pitwall.SpanQuery{MinDuration: time.Millisecond}, 5*time.Second, `{ duration >= 5000000000ns }`)
	f(pitwall.SpanQuery{MinDuration: time.Minute}, 5*time.Second, `{ duration >= 60000000000ns }`)
	f(pitwall.SpanQuery{Failed: true}, 0,
		`{ (status = error || kind = server && (span.http.response.status_code >= 500 || span.http.status_code >= 500)) }`)
	f(attrs("cart.size", "large"), 0, `{ .cart.size = "large" }`)
	f(attrs("http.response.status_code", "200"), 0, `{ (.http.response.status_code = "200" || .http.response.status_code = 200) }`)
	f(attrs("ok", "true"), 0, `{ (.ok = "true" || .ok = true) }`)
	f(attrs("version", "1e9"), 0, `{ .version = "1e9" }`)
	f(attrs("list", `["a",1]`), 0, `{ .list != nil }`)
	// What cannot be said is chosen afterwards.
	f(attrs("a b", "c"), 0, `{  }`)
	f(attrs(`x" || true || "`, "c"), 0, `{  }`)
	f(attrs("exception.type", "E"), 0, `{  }`)
	f(attrs("long", "cut here…"), 0, `{  }`)
	f(pitwall.SpanQuery{Service: "unknown_service"}, 0, `{  }`)
}

func allOf(service string) pitwall.SpanQuery {
	return pitwall.SpanQuery{Service: pitwall.ServiceName(service), WholeTraces: true,
		Period: pitwall.Period{From: storetest.TracesBegin().Add(-time.Second), To: storetest.TracesBegin().Add(2 * time.Minute)}}
}

func TestBehindTheLimit(t *testing.T) {
	c, _ := tempo(t, &documented{wire: wireV2}, storetest.FixedTraces(), remote.Limits{Traces: 3})
	b, err := c.Spans(t.Context(), allOf("inventory"))
	if err != nil || b.Len() != 30 {
		t.Fatalf("%d spans, want 30 (%v)", b.Len(), err)
	}
	if m := c.Health()[0].Message; strings.Contains(m, "sample") {
		t.Errorf("all were found, yet: %s", m)
	}
	c, _ = tempo(t, &documented{wire: wireV2}, storetest.FixedTraces(), remote.Limits{Traces: 3, Requests: 2})
	if b, err = c.Spans(t.Context(), allOf("inventory")); err != nil || b.Len() != 15 {
		t.Fatalf("%d spans, want the 15 of three traces (%v)", b.Len(), err)
	}
	if h := c.Health()[0]; !h.Up || !strings.Contains(h.Message, "1 slices hit the limit of 3 traces: what is shown is a sample") {
		t.Errorf("health %+v", h)
	}
}

func TestMoreTracesThanMayBeFetched(t *testing.T) {
	_, s := tempo(t, &documented{wire: wireV2}, storetest.FixedTraces(), remote.Limits{})
	c, err := New(Config{Server: remote.Server{URL: s.URL, Headers: map[string]string{"X-Scope-OrgID": "shop"}}, Fetch: 2})
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Spans(t.Context(), allOf("inventory"))
	if err != nil || b.Len() != 10 {
		t.Fatalf("%d spans, want the 10 of two traces (%v)", b.Len(), err)
	}
	if m := c.Health()[0].Message; !strings.Contains(m, "4 traces were found and not fetched") {
		t.Error(m)
	}
}

func TestATraceInPartIsSaidToBe(t *testing.T) {
	load := storetest.FixedTraces()
	c, _ := tempo(t, &documented{wire: wireV2, broken: true}, load, remote.Limits{})
	b, err := c.Trace(t.Context(), load.TraceID[0])
	if err != nil || b.Len() == 0 {
		t.Fatal(err)
	}
	if m := c.Health()[0].Message; !strings.Contains(m, "1 traces only in part") {
		t.Error(m)
	}
}

func TestAnOldServerIsAskedTheOldWay(t *testing.T) {
	load := storetest.FixedTraces()
	_, s := tempo(t, &documented{wire: wireV1}, load, remote.Limits{})
	var paths []string
	counting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, strings.Split(r.URL.Path, "traces")[0])
		s.Config.Handler.ServeHTTP(w, r)
	}))
	defer counting.Close()
	c, err := New(Config{Server: remote.Server{URL: counting.URL, Headers: map[string]string{"X-Scope-OrgID": "shop"}}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.Trace(t.Context(), load.TraceID[0]); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff([]string{"/api/v2/", "/api/", "/api/"}, paths); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestTroubleAndProbe(t *testing.T) {
	c, s := tempo(t, &documented{wire: wireV2}, storetest.FixedTraces(), remote.Limits{})
	if h := c.Health()[0]; h.Up || h.Message != "not asked yet" || h.Signal != pitwall.SignalTraces || h.Blind == "" {
		t.Errorf("health %+v", h)
	}
	if err := c.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := c.Health()[0]; !h.Up || !strings.Contains(h.Message, "Tempo 2.9.0") {
		t.Errorf("health %+v", h)
	}
	nobody, err := New(Config{Server: remote.Server{URL: s.URL}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = nobody.Spans(t.Context(), allOf("edge")); pitwall.KindOf(err) != pitwall.Denied || !strings.Contains(err.Error(), "no org id") {
		t.Errorf("without a tenant: %v", err)
	}
	if _, err := c.Spans(t.Context(), pitwall.SpanQuery{}); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("no period: %v", err)
	}
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer hang.Close()
	if c, err = New(Config{Server: remote.Server{URL: hang.URL, Timeout: 200 * time.Millisecond}}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err = c.Spans(t.Context(), allOf("edge")); pitwall.KindOf(err) != pitwall.Unavailable || time.Since(began) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

// TestSearchAnswers reads the shapes the documents show, of several versions.
func TestSearchAnswers(t *testing.T) {
	in := pitwall.Period{From: time.Unix(1_684_778_327, 0), To: time.Unix(1_684_778_329, 0)}
	f := func(body string, want []found, n int) {
		t.Helper()
		got, all, err := decodeSearch([]byte(body), in)
		if err != nil || all != n {
			t.Fatalf("%s: %d traces, %v", body, all, err)
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(found{})); d != "" {
			t.Errorf("%s\n(-want +got):\n%s", body, d)
		}
	}
	id := pitwall.TraceID{8: 0xd6, 9: 0xe9, 10: 0x32, 11: 0x9d, 12: 0x67, 13: 0xb6, 14: 0x14, 15: 0x6a}
	one := []found{{id, 1684778327699392724}}
	const head = `{"traceID":"d6e9329d67b6146a","rootServiceName":"shop","startTimeUnixNano":"1684778327699392724","durationMs":557`
	span := func(start, duration string) string {
		return `{"spanID":"563d623c76514f8e","startTimeUnixNano":"` + start + `","durationNanos":"` + duration + `"}`
	}
	f(`{"traces":[`+head+`}],"metrics":{"totalBlocks":3}}`, one, 1) // by tags: no spans listed
	f(`{"traces":[`+head+`,"spanSets":[{"spans":[`+span("1684778327735077898", "446979497")+`],"matched":1}]}]}`, one, 1)
	f(`{"traces":[`+head+`,"spanSet":{"spans":[`+span("1684778327735077898", "446979497")+`],"matched":1}}]}`, one, 1)
	// All matching spans are listed, and none ended in the period.
	f(`{"traces":[`+head+`,"spanSets":[{"spans":[`+span("1684778300000000000", "1")+`],"matched":1}]}]}`, nil, 1)
	f(`{"traces":[`+head+`,"spanSets":[{"spans":[`+span("1684778300000000000", "1")+`],"matched":2}]}]}`, one, 1) // not all listed
	f(`{"metrics":{}}`, nil, 0)
	f(`{"traces":[],"metrics":{}}`, nil, 0)
	f(`{}`, nil, 0)
	for _, bad := range []string{``, `<html>`, `{"data":[]}`, `{"traces":[{"traceID":"x"}]}`, `{"traces":[{"traceID":""}]}`,
		`{"traces":[{"traceID":"1","startTimeUnixNano":"-1"}]}`, `[]`} {
		if _, _, err := decodeSearch([]byte(bad), in); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

// oneTrace is a trace of the fixed set as protobuf.
func oneTrace(t testing.TB) []byte {
	td, err := new(ptrace.JSONUnmarshaler).UnmarshalTraces(storetest.OTLP(storetest.FixedTraces()))
	if err != nil {
		t.Fatal(err)
	}
	td.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool {
		return rs.ScopeSpans().At(0).Spans().At(0).TraceID()[7] != 4
	})
	body, err := new(ptrace.ProtoMarshaler).MarshalTraces(td)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func field(n int, b []byte) []byte {
	return append(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(n<<3|2)), uint64(len(b))), b...)
}

// nested is a trace whose sender has an attribute that is a list in a list in a
// list and so on.
func nested(levels int) []byte {
	n := 0
	var back []byte // the heads, from inside
	for i := range 2 * levels {
		tag := byte(1<<3 | 2) // an item of a list
		if i%2 == 1 {
			tag = 5<<3 | 2 // a list as a value
		}
		size := binary.AppendUvarint(nil, uint64(n))
		slices.Reverse(size)
		back = append(append(back, size...), tag)
		n = len(back)
	}
	slices.Reverse(back)
	return field(1, field(1, field(1, append(field(1, []byte("k")), field(2, back)...))))
}

func TestValuesNestedTooDeeplyAreRefused(t *testing.T) {
	if _, err := decodeV1(nested(maxDepth - 1)); err != nil {
		t.Errorf("%d levels: %v", maxDepth-1, err)
	}
	// Two million levels would end the process, for it could not recover from
	// a stack that overflows.
	for _, body := range [][]byte{nested(maxDepth + 1), nested(2_000_000), append([]byte{0x0b}, nested(2_000_000)...)} {
		if _, err := decodeV1(body); err == nil {
			t.Error("no error")
		}
		if _, err := decodeV2(field(fieldTrace, body)); err == nil {
			t.Error("no error in the envelope")
		}
	}
}

func TestDamagedTraces(t *testing.T) {
	whole := field(fieldTrace, oneTrace(t))
	if a, err := decodeV2(whole); err != nil || a.spans.Len() != 5 || a.partial {
		t.Fatalf("%+v, %v", a, err)
	}
	for n := 1; n < len(whole); n += 7 {
		if _, err := decodeV2(whole[:n]); err == nil {
			t.Errorf("cut off after %d bytes: no error", n)
		}
	}
	if a, err := decodeV2(nil); err != nil || a.spans.Len() != 0 {
		t.Errorf("an empty envelope: %+v, %v", a, err)
	}
}

// TestOldJSON reads what older versions wrote: batches, and libraries for
// scopes.
func TestOldJSON(t *testing.T) {
	td, err := new(ptrace.ProtoUnmarshaler).UnmarshalTraces(oneTrace(t))
	if err != nil {
		t.Fatal(err)
	}
	body, err := new(ptrace.JSONMarshaler).MarshalTraces(td)
	if err != nil {
		t.Fatal(err)
	}
	want, err := decodeJSON(body)
	if err != nil {
		t.Fatal(err)
	}
	old := strings.NewReplacer(`"resourceSpans"`, `"batches"`, `"scopeSpans"`, `"instrumentationLibrarySpans"`).Replace(string(inBase64(t, body)))
	got, err := decodeJSON([]byte(old))
	if err != nil || got.spans.Len() != 5 {
		t.Fatalf("%d spans, %v", got.spans.Len(), err)
	}
	for i := range want.spans.Len() {
		if d := cmp.Diff(want.spans.Row(i), got.spans.Row(i)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}

func sound(t *testing.T, b *pitwall.SpanBatch) {
	t.Helper()
	for i := range b.Len() {
		if r := b.Row(i); r.SpanID == 0 || r.TraceID == (pitwall.TraceID{}) || r.Duration < 0 || r.ReqBytes < -1 || r.RespBytes < -1 || r.Service == "" {
			t.Errorf("row %d: %+v", i, r)
		}
	}
}

func FuzzDecodeV2(f *testing.F) {
	f.Add(field(fieldTrace, oneTrace(f)))
	f.Add(append(field(fieldTrace, oneTrace(f)), fieldStatus<<3, 1))
	f.Add(field(fieldTrace, nested(40)))
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, body []byte) {
		if a, err := decodeV2(body); err == nil {
			sound(t, a.spans)
		}
	})
}

func FuzzDecodeJSON(f *testing.F) {
	td, err := new(ptrace.ProtoUnmarshaler).UnmarshalTraces(oneTrace(f))
	if err != nil {
		f.Fatal(err)
	}
	body, err := new(ptrace.JSONMarshaler).MarshalTraces(td)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"trace":{"batches":[{"scopeSpans":[{"spans":[{"traceId":"W44AAAAAAAAMAAAAAAAAAQ==","spanId":"AAAAAAAAAQE=","startTimeUnixNano":"1"}]}]}]},"status":"PARTIAL"}`))
	f.Add([]byte(`{"batches":[null,1,"x",{"traceId":{}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if a, err := decodeJSON(body); err == nil {
			sound(t, a.spans)
		}
	})
}

func FuzzDecodeSearch(f *testing.F) {
	f.Add([]byte(`{"traces":[{"traceID":"d6e9329d67b6146a","startTimeUnixNano":"1","spanSets":[{"spans":[{"startTimeUnixNano":"9223372036854775807","durationNanos":"9223372036854775807"}],"matched":1}]}],"metrics":{}}`))
	f.Add([]byte(`{"traces":[{"traceID":"1","spanSet":{"matched":-1}}]}`))
	in := pitwall.Period{From: time.Unix(0, 0), To: time.Unix(1, 0)}
	f.Fuzz(func(t *testing.T, body []byte) {
		list, n, err := decodeSearch(body, in)
		if err == nil && (len(list) > n || !json.Valid(body)) {
			t.Errorf("%d of %d", len(list), n)
		}
	})
}
