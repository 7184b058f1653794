package tempo

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/source/remote"
	"github.com/pitwall/pitwall/internal/store/storetest"
)

// documented is a server made from Tempo's documented HTTP API. It is not a
// Tempo: it shows that the client says and reads what the documents say.
type documented struct {
	t      *testing.T
	traces []ptrace.Traces // one of each trace
	wire   wire
	limit  int  // the server's own, if lower
	broken bool // says that every trace is partial
}

// wire is how traces are sent: as one generation of Tempo or another does.
type wire string

const (
	wireV2   wire = "protobuf of /api/v2/traces"
	wireV1   wire = "protobuf of /api/traces, as of older versions"
	wireJSON wire = "JSON with ids in base64, as through a gateway that takes no protobuf"
)

// TestConformance runs the suite that every span store passes.
func TestConformance(t *testing.T) {
	for _, wire := range []wire{wireV2, wireV1, wireJSON} {
		t.Run(string(wire), func(t *testing.T) {
			t.Log("against: a server made from Tempo's documented HTTP API, not a real Tempo; " + string(wire))
			storetest.RunSpans(t, func(t *testing.T, load *pitwall.SpanBatch) storetest.Traces {
				c, _ := tempo(t, &documented{wire: wire}, load, remote.Limits{})
				return c
			})
		})
	}
}

func tempo(t *testing.T, d *documented, load *pitwall.SpanBatch, l remote.Limits) (*Client, *httptest.Server) {
	t.Helper()
	d.t = t
	byID := map[pitwall.TraceID]*pitwall.SpanBatch{}
	for i := range load.Len() {
		id := load.TraceID[i]
		if byID[id] == nil {
			byID[id] = &pitwall.SpanBatch{}
		}
		byID[id].AppendFrom(load, i)
	}
	for _, b := range byID {
		td, err := new(ptrace.JSONUnmarshaler).UnmarshalTraces(storetest.OTLP(b))
		if err != nil {
			t.Fatal(err)
		}
		d.traces = append(d.traces, td)
	}
	slices.SortFunc(d.traces, func(x, y ptrace.Traces) int { return cmp.Compare(startOf(y), startOf(x)) }) // newest first
	s := httptest.NewServer(d)
	t.Cleanup(s.Close)
	c, err := New(Config{Server: remote.Server{URL: s.URL, Timeout: 30 * time.Second, Headers: map[string]string{"X-Scope-OrgID": "shop"}}, Limits: l})
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func (d *documented) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Scope-OrgID") != "shop" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "no org id")
		return
	}
	v2, isV2 := strings.CutPrefix(r.URL.Path, "/api/v2/traces/")
	v1, isV1 := strings.CutPrefix(r.URL.Path, "/api/traces/")
	switch {
	case r.URL.Path == "/api/search":
		d.search(w, r)
	case isV2 && d.wire != wireV1:
		d.trace(w, v2, true)
	case isV1:
		d.trace(w, v1, false)
	case r.URL.Path == "/api/status/buildinfo":
		_, _ = io.WriteString(w, `{"version":"2.9.0","revision":"x"}`)
	default:
		http.NotFound(w, r)
	}
}

// search answers with the traces that overlap the period and match, newest
// first, up to the limit.
func (d *documented) search(w http.ResponseWriter, r *http.Request) {
	number := func(name string) int64 {
		n, err := strconv.ParseInt(r.FormValue(name), 10, 64)
		if err != nil {
			d.t.Errorf("parameter %s: %v", name, err)
		}
		return n
	}
	e, err := parse(r.FormValue("q"))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, err.Error())
		return
	}
	var list []string
	start, end, limit, spss := number("start"), number("end"), int(number("limit")), int(number("spss"))
	if d.limit > 0 {
		limit = min(limit, d.limit)
	}
	for _, td := range d.traces {
		var set []string
		matched := 0
		first, last := int64(1<<62), int64(0)
		for _, s := range spansOf(td) {
			first, last = min(first, int64(s.span.StartTimestamp())), max(last, int64(s.span.EndTimestamp()))
			if !e.matches(s) {
				continue
			}
			if matched++; len(set) < spss {
				set = append(set, fmt.Sprintf(`{"spanID":"%s","startTimeUnixNano":"%d","durationNanos":"%d"}`,
					s.span.SpanID(), s.span.StartTimestamp(), s.span.EndTimestamp()-s.span.StartTimestamp()))
			}
		}
		if matched == 0 || last < start*1e9 || first >= end*1e9 || len(list) >= limit {
			continue
		}
		id := spansOf(td)[0].span.TraceID()
		list = append(list, fmt.Sprintf(`{"traceID":%q,"rootServiceName":"edge","startTimeUnixNano":"%d","durationMs":%d,"spanSets":[{"spans":[%s],"matched":%d}]}`,
			strings.TrimLeft(hex.EncodeToString(id[:]), "0"), first, (last-first)/1e6, strings.Join(set, ","), matched))
	}
	fmt.Fprintf(w, `{"traces":[%s],"metrics":{"inspectedBytes":"1"}}`, strings.Join(list, ","))
}

func (d *documented) trace(w http.ResponseWriter, id string, envelope bool) {
	i := slices.IndexFunc(d.traces, func(td ptrace.Traces) bool { return spansOf(td)[0].span.TraceID().String() == id })
	if i < 0 {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "trace not found")
		return
	}
	if d.wire == wireJSON {
		w.Header().Set("Content-Type", "application/json")
		body, _ := new(ptrace.JSONMarshaler).MarshalTraces(d.traces[i])
		body = inBase64(d.t, body)
		if envelope {
			body = []byte(fmt.Sprintf(`{"trace":%s,"metrics":{},"status":"COMPLETE"}`, body))
		}
		_, _ = w.Write(body)
		return
	}
	w.Header().Set("Content-Type", "application/protobuf")
	body, _ := new(ptrace.ProtoMarshaler).MarshalTraces(d.traces[i])
	if envelope {
		body = append(binary.AppendUvarint([]byte{fieldTrace<<3 | 2}, uint64(len(body))), body...)
		body = append(body, 2<<3|2, 2, 1<<3, 7) // metrics
		if d.broken {
			body = append(body, fieldStatus<<3, 1, 4<<3|2, 3, 'b', 'i', 'g')
		}
	}
	_, _ = w.Write(body)
}

// inBase64 writes ids as protobuf's JSON does.
func inBase64(t *testing.T, body []byte) []byte {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			for k, x := range v {
				if text, ok := x.(string); ok && (k == "traceId" || k == "spanId" || k == "parentSpanId") {
					b, _ := hex.DecodeString(text)
					v[k] = base64.StdEncoding.EncodeToString(b)
				}
				walk(x)
			}
		}
	}
	walk(v)
	body, _ = json.Marshal(v)
	return body
}

type spanIn struct {
	resource pcommon.Map
	span     ptrace.Span
}

func spansOf(td ptrace.Traces) (list []spanIn) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				list = append(list, spanIn{rs.Resource().Attributes(), s})
			}
		}
	}
	return list
}

func startOf(td ptrace.Traces) int64 { return int64(spansOf(td)[0].span.StartTimestamp()) }
