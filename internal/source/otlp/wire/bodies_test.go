package wire

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// encode gives the bytes of a request.
func encode(t testing.TB, req interface{ MarshalProto() ([]byte, error) }) []byte {
	t.Helper()
	body, err := req.MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// typicalBody is a request of 500 spans in traces of ten, eight services, eight
// attributes to a span, about 380 bytes to a span; unique adds one more
// attribute that no two spans share.
func typicalBody(t testing.TB, unique bool) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	td := ptrace.NewTraces()
	var spans [8]ptrace.SpanSlice
	for s := range spans {
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", fmt.Sprint("service-", s))
		rs.Resource().Attributes().PutStr("service.version", "v41")
		rs.Resource().Attributes().PutStr("k8s.pod.name", fmt.Sprintf("service-%d-abc", s))
		spans[s] = rs.ScopeSpans().AppendEmpty().Spans()
	}
	for i := range 500 {
		span := spans[i%8].AppendEmpty()
		span.SetTraceID([16]byte{1, 2, 3, 4, 14: byte(i / 10 >> 8), 15: byte(i / 10)})
		span.SetSpanID([8]byte{6: byte((i + 1) >> 8), 7: byte(i + 1)})
		if i%10 > 0 {
			span.SetParentSpanID([8]byte{6: byte(i >> 8), 7: byte(i)})
		}
		span.SetName(fmt.Sprint("GET /api/v1/resource/", i%40))
		span.SetKind(ptrace.SpanKind(2 + i%2))
		span.SetStartTimestamp(1_760_000_000_000_000_000)
		span.SetEndTimestamp(1_760_000_000_000_000_000 + 5e6)
		a := span.Attributes()
		a.PutStr("http.request.method", "GET")
		a.PutStr("http.route", fmt.Sprint("/api/v1/resource/", i%40))
		a.PutInt("http.response.status_code", 200)
		a.PutInt("http.response.body.size", int64(r.IntN(60_000)))
		a.PutStr("server.address", fmt.Sprintf("service-%d.shop.svc.cluster", (i+1)%8))
		a.PutStr("user.tier", []string{"free", "gold", "staff"}[r.IntN(3)])
		a.PutStr("network.protocol.version", "1.1")
		a.PutStr("app.tenant", fmt.Sprintf("tenant-%03d.customers.example.com", r.IntN(200)))
		if unique {
			a.PutStr("app.order", fmt.Sprintf("%032x", r.Uint64()))
		}
	}
	return encode(t, ptraceotlp.NewExportRequestFromTraces(td))
}

// richTraces is a request with everything in it that OTLP has a word for.
func richTraces(resources int) ptrace.Traces {
	td := ptrace.NewTraces()
	for i := range resources {
		rs := td.ResourceSpans().AppendEmpty()
		rs.SetSchemaUrl("https://opentelemetry.io/schemas/1.34.0")
		a := rs.Resource().Attributes()
		a.PutStr("service.name", strings.Repeat("edge", i))
		a.PutInt("service.version", int64(i-1))
		a.PutStr("host.name", "h1")
		a.PutStr("telemetry.sdk.language", "go")
		rs.Resource().SetDroppedAttributesCount(3)
		ss := rs.ScopeSpans().AppendEmpty()
		ss.Scope().SetName("scope")
		ss.Scope().SetVersion("1")
		ss.Scope().Attributes().PutStr("a", "b")
		for kind := range 7 {
			richSpan(ss.Spans().AppendEmpty(), ptrace.SpanKind(kind), i)
		}
		ss.Spans().AppendEmpty().SetName("nameless \xff\xfe")
		late := ss.Spans().AppendEmpty()
		late.SetTraceID([16]byte{9})
		late.SetSpanID([8]byte{9})
		late.SetStartTimestamp(math.MaxInt64 + 1)
		late.Attributes().PutStr("never", "kept")
	}
	return td
}

func richSpan(span ptrace.Span, kind ptrace.SpanKind, n int) {
	span.SetTraceID([16]byte{1, 15: byte(n)})
	span.SetSpanID([8]byte{1, 7: byte(kind)})
	span.SetParentSpanID([8]byte{2, 7: byte(kind)})
	span.TraceState().FromRaw("a=b")
	span.SetFlags(257)
	span.SetName("POST /" + strings.Repeat("ä", 300*n))
	span.SetKind(kind)
	span.SetStartTimestamp(2000)
	span.SetEndTimestamp(pcommon.Timestamp(3000 * max(0, kind)))
	a := span.Attributes()
	a.PutStr("peer.service", "db")
	a.PutStr("server.address", "db.local")
	a.PutStr("net.peer.name", "db.other")
	a.PutStr("db.statement", strings.Repeat("SELECT ", 2000*n+20))
	a.PutStr("db.query.text", "SELECT 1")
	a.PutDouble("http.request.body.size", 12.9)
	a.PutStr("http.response_content_length", "77")
	a.PutInt("http.response.body.size", 99)
	a.PutInt("http.status_code", 503)
	a.PutInt("thread.id", 7)
	a.PutBool("yes", true)
	a.PutDouble("half", 0.5)
	a.PutDouble("tiny", 1e-9)
	a.PutDouble("huge", 1e300)
	a.PutDouble("not", math.NaN())
	a.PutDouble("over", math.Inf(-1))
	a.PutInt("minus", -5)
	a.PutEmpty("empty")
	a.PutStr("broken\xff", "a\xffb")
	a.PutStr(strings.Repeat("long", 1+200*n), strings.Repeat("value ", 1+300*n))
	a.PutEmptyBytes("bytes").Append(1, 2, 255)
	a.PutEmptyBytes("no bytes")
	list := a.PutEmptySlice("list")
	list.AppendEmpty().SetStr("<a>&\xff")
	list.AppendEmpty().SetInt(1)
	list.AppendEmpty().SetEmptyBytes()
	list.AppendEmpty()
	list.AppendEmpty().SetEmptySlice()
	m := list.AppendEmpty().SetEmptyMap()
	m.PutDouble("z", 1e21)
	m.PutEmptyMap("a").PutBool("b", false)
	a.PutEmptySlice("nan").AppendEmpty().SetDouble(math.NaN())
	span.Status().SetCode(ptrace.StatusCode(int(kind) % 3))
	span.Status().SetMessage("gone \xff")
	span.Events().AppendEmpty().SetName("exception")
	other := span.Events().AppendEmpty()
	other.SetName("other")
	other.Attributes().PutStr("exception.type", "NotThis")
	thrown := span.Events().AppendEmpty()
	thrown.SetName("exception")
	thrown.Attributes().PutStr("exception.message", "gone")
	thrown.Attributes().PutStr("exception.type", "IOException")
	link := span.Links().AppendEmpty()
	link.SetTraceID([16]byte{4})
	link.SetSpanID([8]byte{4})
	link.Attributes().PutStr("why", "because")
	span.SetDroppedLinksCount(1)
}

func richLogs() plog.Logs {
	ld := plog.NewLogs()
	for i := range 2 {
		rl := ld.ResourceLogs().AppendEmpty()
		if i > 0 {
			rl.Resource().Attributes().PutStr("service.name", "inventory")
			rl.Resource().Attributes().PutStr("service.version", "v41")
			rl.Resource().Attributes().PutStr("k8s.pod.name", "inventory-1")
		}
		sl := rl.ScopeLogs().AppendEmpty()
		sl.Scope().SetName("logger")
		for k, at := range []pcommon.Timestamp{0, 7, math.MaxUint64, 8, 9, 10, 11} {
			rec := sl.LogRecords().AppendEmpty()
			rec.SetTimestamp(at)
			rec.SetObservedTimestamp(pcommon.Timestamp(5 * i))
			rec.SetSeverityNumber(plog.SeverityNumber(k * 9))
			rec.SetSeverityText([]string{"", "WARN", "Error", "fatal", "odd", "critical", strings.Repeat("long", 9)}[k])
			rec.SetTraceID([16]byte{byte(k)})
			rec.SetSpanID([8]byte{byte(k)})
			rec.SetFlags(1)
			switch k {
			case 1:
				rec.Body().SetStr("connection to db refused after " + strings.Repeat("9", 9000*i) + " ms")
			case 2, 3:
				rec.Body().SetEmptyMap().PutStr("msg", "<b>")
			case 4:
				rec.SetEventName("browser.click")
			case 5:
				rec.Attributes().PutStr("exception.type", "IOException")
				rec.Attributes().PutInt("thread.id", 4)
			}
		}
	}
	return ld
}

func richMetrics() pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "edge")
	list := rm.ScopeMetrics().AppendEmpty().Metrics()
	for i := range 5 {
		m := list.AppendEmpty()
		m.SetName(fmt.Sprint("metric.", i))
		m.SetUnit("s")
		m.Metadata().PutStr("k", "v")
		for n := range i + 1 {
			switch i {
			case 0:
				p := m.SetEmptyGauge().DataPoints().AppendEmpty()
				p.SetDoubleValue(1)
				e := p.Exemplars().AppendEmpty()
				e.SetIntValue(3)
				e.FilteredAttributes().PutStr("a", "b")
			case 1:
				if n == 0 {
					m.SetEmptySum().SetIsMonotonic(true)
				}
				m.Sum().DataPoints().AppendEmpty().SetIntValue(2)
			case 2:
				if n == 0 {
					m.SetEmptyHistogram()
				}
				p := m.Histogram().DataPoints().AppendEmpty()
				p.ExplicitBounds().FromRaw([]float64{1, 2})
				p.BucketCounts().FromRaw([]uint64{1, 2, 3})
			case 3:
				if n == 0 {
					m.SetEmptyExponentialHistogram()
				}
				p := m.ExponentialHistogram().DataPoints().AppendEmpty()
				p.Attributes().PutStr("a", "b")
				p.Positive().BucketCounts().FromRaw([]uint64{1, 2, 3})
			case 4:
				if n == 0 {
					m.SetEmptySummary()
				}
				p := m.Summary().DataPoints().AppendEmpty()
				p.QuantileValues().AppendEmpty().SetValue(3)
				p.SetTimestamp(pcommon.Timestamp(100 + n))
			}
		}
	}
	return md
}

func traceBody(t testing.TB) []byte {
	return encode(t, ptraceotlp.NewExportRequestFromTraces(richTraces(3)))
}

func logBody(t testing.TB) []byte { return encode(t, plogotlp.NewExportRequestFromLogs(richLogs())) }

func metricBody(t testing.TB) []byte {
	return encode(t, pmetricotlp.NewExportRequestFromMetrics(richMetrics()))
}
