package tracefile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

const (
	otlpSpan = `{"traceId":"00000000000000010000000000000002","spanId":"0000000000000003","name":"GET /a","kind":2,` +
		`"startTimeUnixNano":"1760000000000001000","endTimeUnixNano":"1760000000500001000","status":{"code":2},` +
		`"attributes":[{"key":"http.response.body.size","value":{"intValue":"77"}}]}`
	otlpResource = `{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"checkout"}},` +
		`{"key":"service.version","value":{"stringValue":"v2"}}]},"scopeSpans":[{"spans":[` + otlpSpan + `]}]}`
	otlpLine    = `{"resourceSpans":[` + otlpResource + `]}`
	jaegerTrace = `{"traceID":"10000000000000002","spans":[{"traceID":"10000000000000002","spanID":"3","operationName":"GET /a",` +
		`"references":[],"startTime":1760000000000001,"duration":500000,"tags":[{"key":"span.kind","type":"string","value":"server"},` +
		`{"key":"error","type":"bool","value":true},{"key":"http.response.body.size","type":"int64","value":77}],"processID":"p1"}],` +
		`"processes":{"p1":{"serviceName":"checkout","tags":[{"key":"service.version","type":"string","value":"v2"}]}}}`
)

func aSpan() pitwall.SpanRow {
	return pitwall.SpanRow{TraceID: pitwall.TraceID{7: 1, 15: 2}, SpanID: 3, Start: time.Unix(1_760_000_000, 1000), Duration: 500 * time.Millisecond,
		Service: "checkout", Version: "v2", Operation: "GET /a", Kind: pitwall.SpanServer, Failed: true, ReqBytes: -1, RespBytes: 77}
}

// TestFormats: the same span in every spelling.
func TestFormats(t *testing.T) {
	f := func(text string, spans int) {
		t.Helper()
		for name, file := range map[string][]byte{"plain": []byte(text), "gzip": zipped(t, text)} {
			b := &pitwall.SpanBatch{}
			said, err := Read(b, "x", bytes.NewReader(file))
			if err != nil || said.Spans != spans || b.Len() != spans {
				t.Errorf("%s %.80s: %d spans, %+v, %v", name, text, b.Len(), said, err)
				continue
			}
			if d := cmp.Diff(aSpan(), b.Row(0)); d != "" {
				t.Errorf("%s %.80s (-want +got):\n%s", name, text, d)
			}
		}
	}
	f(otlpLine, 1)
	f(otlpLine+"\n"+otlpLine+"\n\n", 2)
	f(otlpLine+otlpLine, 2)
	f("\ufeff[\n"+otlpLine+",\n"+jaegerTrace+"]", 2)
	f(`{"resourceLogs":[]}`+"\n"+otlpLine, 1)
	f(strings.Replace(otlpLine, "resourceSpans", "batches", 1), 1)
	f(`{"result":`+otlpLine+`}`+"\n"+`{"result":`+otlpLine+`}`, 2)
	f(`{"trace":`+otlpLine+`}`, 1)
	f(`{"data":[`+jaegerTrace+`,`+jaegerTrace+`],"total":0,"errors":null}`, 2)
	f(jaegerTrace, 1)
	f(strings.ReplaceAll(jaegerTrace, ",", ",\n\t"), 1)
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestMadeUpTraces: ids that are no numbers, times from 0, references without a
// trace; what only follows is no child.
func TestMadeUpTraces(t *testing.T) {
	b := &pitwall.SpanBatch{}
	text := `{"data":[{"traceID":"trace-abc","spans":[` +
		`{"spanID":"span-A","operationName":"a","startTime":0,"duration":30,"references":[]},` +
		`{"spanID":"span-B","operationName":"b","startTime":10,"duration":10,"references":[{"refType":"CHILD_OF","spanID":"span-A"}],"tags":[{"key":"error","type":"string","value":"boom"}]},` +
		`{"spanID":"G","operationName":"c","startTime":12,"duration":2,"references":[{"refType":"FOLLOWS_FROM","spanID":"span-A"}],"logs":[{"fields":[{"key":"event","value":"error"}]}]}],"processes":{}}]}`
	if _, err := Read(b, "x", strings.NewReader(text)); err != nil || b.Len() != 3 {
		t.Fatalf("%d spans, %v", b.Len(), err)
	}
	if b.Start[0] != 0 || b.Duration[0] != 30_000 || b.ParentID[1] != b.SpanID[0] || b.ParentID[2] != 0 || b.SpanID[0] == 0 || b.TraceID[0] != b.TraceID[2] {
		t.Errorf("%+v", b)
	}
	if b.Failed[0] || !b.Failed[1] || !b.Failed[2] {
		t.Errorf("failed: %v", b.Failed)
	}
}

// TestManySpansInOneValue: what is too much for one go is read in parts.
func TestManySpansInOneValue(t *testing.T) {
	const n = 20_000
	spans := strings.TrimSuffix(strings.Repeat(otlpSpan+",", n), ",")
	b := &pitwall.SpanBatch{}
	said, err := Read(b, "x", strings.NewReader(strings.Replace(otlpLine, otlpSpan, spans, 1)))
	if err != nil || said.Spans != n {
		t.Fatalf("%+v %v", said, err)
	}
	if d := cmp.Diff(aSpan(), b.Row(n-1)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestRefusals(t *testing.T) {
	f := func(text string, wants ...string) {
		t.Helper()
		_, err := Read(&pitwall.SpanBatch{}, "file.json", strings.NewReader(text))
		if err == nil || pitwall.KindOf(err) != pitwall.Invalid || pitwall.HintOf(err) == "" {
			t.Errorf("%.60s: %v", text, err)
			return
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%.60s: %q is missing in: %v", text, want, err)
			}
		}
	}
	f("", "file.json: it holds no spans")
	f("\n\n  ", "it holds no spans")
	f("[]", "it holds no spans")
	f("{}", "neither OTLP")
	f("time,value\n1,2\n", "file.json:1", "time,value")
	f(otlpLine+"\n\nnonsense", "file.json:3", "nonsense")
	f(otlpLine+"\n{\"data\":[\n{\"spans\":", "file.json:3", "begins on line 2", "cut off")
	f(otlpLine+"\n{\"a\":1,\n\"b\":x}", "file.json:3", "invalid character")
	f(`{"data":{"a":1}}`, "decoding traces")
	f(`{"resourceSpans":{"a":1}}`, "file.json:1")
	f(`{"data":[],"errors":[{"msg":"storage is down"}]}`, "storage is down")
	f(`{"resourceMetrics":[]}`, "metrics or logs")
	f(strings.Replace(otlpLine, "00000000000000010000000000000002", "", 1), "none of its 1 spans can be kept: no trace id")
	f(`{"a":`+strings.Repeat("[", 300), "deeper than 256")
	f("\x1f\x8bno gzip", "unzipping")
}

// TestHostileFilesEatNoMemory: the smallest text that asks for the most.
func TestHostileFilesEatNoMemory(t *testing.T) {
	f := func(name, text string) {
		t.Helper()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		_, err := Read(&pitwall.SpanBatch{}, "x", strings.NewReader(text))
		runtime.ReadMemStats(&after)
		if more := after.Sys - before.Sys; err == nil || more > 64*uint64(len(text))+64<<20 {
			t.Errorf("%s: %d MiB took %d MiB more from the system, error %v", name, len(text)>>20, more>>20, err)
		}
	}
	many := strings.Repeat("{},", 200_000)
	f("empty resources", `{"resourceSpans":[`+many+`{}]}`)
	f("empty spans", `{"resourceSpans":[{"scopeSpans":[{"spans":[`+many+`{}]}]}]}`)
	f("empty Jaeger traces", `{"data":[`+many+`{}]}`)
	f("empty Jaeger spans", `{"spans":[`+many+`{}]}`)
	f("too many", `{"x":[`+strings.Repeat("0,", maxTokens+1)+`0]}`)
}

// BenchmarkRead reads OTLP as the file exporter writes it, 100 spans a line.
func BenchmarkRead(b *testing.B) {
	line := strings.Replace(otlpLine, otlpSpan, strings.TrimSuffix(strings.Repeat(otlpSpan+",", 100), ","), 1) + "\n"
	text := strings.Repeat(line, 100)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(&pitwall.SpanBatch{}, "x", strings.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(10_000*float64(b.N)/b.Elapsed().Seconds(), "spans/s")
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{otlpLine, jaegerTrace, `{"data":[` + jaegerTrace + `]}`, otlpLine + "\n{\"a\":[{}]}", "[" + otlpLine + "]", `{"result":{"batches":[{}]}}`, "{\"a\":\"\\\"}\"}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		b := &pitwall.SpanBatch{}
		said, err := Read(b, "x", bytes.NewReader(file))
		if err == nil && (said.Spans != b.Len() || said.Spans == 0) {
			t.Errorf("%+v of %d spans", said, b.Len())
		}
		for i := range b.Len() {
			if b.Duration[i] < 0 || b.SpanID[i] == 0 {
				t.Errorf("span %d: %+v", i, b.Row(i))
			}
		}
		again := &pitwall.SpanBatch{}
		if saidAgain, errAgain := Read(again, "x", bytes.NewReader(file)); saidAgain != said || fmt.Sprint(err) != fmt.Sprint(errAgain) {
			t.Errorf("%+v %v, then %+v %v", said, err, saidAgain, errAgain)
		}
	})
}
