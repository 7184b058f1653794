package wire

import (
	"bytes"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// The seeds are small and always the same, and nothing lives from one input to
// the next: otherwise the fuzzer spends its time on making inputs smaller whose
// coverage it cannot repeat. What real SDKs sent lies in testdata.

// seedTraces are requests of one span with one attribute, of every sort, once
// with the fields first to last and once last to first.
func seedTraces(f *testing.F) (seeds [][]byte) {
	full := ptrace.NewSpan()
	richSpan(full, ptrace.SpanKindClient, 0)
	for n := range full.Attributes().Len() {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr([]string{"service.name", "service.version", "host.name"}[n%3], "edge")
		span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		full.CopyTo(span)
		i := 0
		span.Attributes().RemoveIf(func(string, pcommon.Value) bool { i++; return i-1 != n })
		if n%4 > 0 {
			span.Events().RemoveIf(func(ptrace.SpanEvent) bool { return true })
			span.Links().RemoveIf(func(ptrace.SpanLink) bool { return true })
		}
		body := encode(f, ptraceotlp.NewExportRequestFromTraces(td))
		seeds = append(seeds, body, reversed(body, kindTracesForTest))
	}
	return append(seeds, field(1, append(field(1000, nil), field(2, nil)...)))
}

// FuzzWalk holds the walk of arbitrary bytes against the reference, once with
// nothing known and once with every word known.
func FuzzWalk(f *testing.F) {
	for _, body := range seedTraces(f) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := NewWalker()
		sameTraces(t, w, body)
		sameTraces(t, w, body)
	})
}

// FuzzLogs does the same for log records.
func FuzzLogs(f *testing.F) {
	full := richLogs().ResourceLogs().At(1)
	records := full.ScopeLogs().At(0).LogRecords()
	for n := range records.Len() {
		ld := plog.NewLogs()
		rl := ld.ResourceLogs().AppendEmpty()
		full.Resource().CopyTo(rl.Resource())
		rec := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		records.At(n).CopyTo(rec)
		if len(rec.Body().Str()) > 100 {
			rec.Body().SetStr(rec.Body().Str()[:100])
		}
		body := encode(f, plogotlp.NewExportRequestFromLogs(ld))
		f.Add(body)
		f.Add(reversed(body, kindLogsForTest))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := NewWalker()
		sameLogs(t, w, body)
		sameLogs(t, w, body)
	})
}

// FuzzPoints: counting takes whatever it is given, and counts no more points
// than there are bytes for.
func FuzzPoints(f *testing.F) {
	f.Add(metricBody(f))
	f.Add(bytes.Repeat([]byte{10, 0}, 9))
	f.Fuzz(func(t *testing.T, body []byte) {
		if p, err := CountPoints(body); err != nil && p != (Points{}) || p.Count > len(body) || p.Last < 0 {
			t.Fatalf("%+v %v", p, err)
		}
	})
}
