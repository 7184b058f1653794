package wire

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/pitwall/pitwall"
)

// toBatch is what the walk must give: the same by way of collector's objects.
func toBatch(td ptrace.Traces) (*pitwall.SpanBatch, Rejected) {
	b, bad := &pitwall.SpanBatch{}, Rejected{}
	for _, rs := range td.ResourceSpans().All() {
		of := referenceResource(rs.Resource().Attributes())
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if why := unfit(span); why != "" {
					bad.Count++
					bad.Reason = fmt.Sprintf("span %q of %s: %s", clip(span.Name(), 64), of.service, why)
					continue
				}
				b.Add(of.row(span))
			}
		}
	}
	return b, bad
}

// unfit says why a span cannot be kept, or "".
func unfit(span ptrace.Span) string {
	start, end := span.StartTimestamp(), span.EndTimestamp()
	switch {
	case span.TraceID().IsEmpty():
		return "no trace id"
	case span.SpanID().IsEmpty():
		return "no span id"
	case start == 0 || start > math.MaxInt64:
		return "no sound start time"
	case end > math.MaxInt64:
		return "no sound end time"
	}
	return ""
}

// reference is what all spans of one sender share.
type reference struct {
	service pitwall.ServiceName
	version pitwall.Version
	kept    []pitwall.Attr
	attrs   []pitwall.Attr // scratch of the row being made
}

func referenceResource(attrs pcommon.Map) *reference {
	of := &reference{service: "unknown_service"} // OpenTelemetry's word for no name
	for key, v := range attrs.All() {
		switch key {
		case "service.name":
			if name := clip(v.AsString(), maxName); name != "" {
				of.service = pitwall.ServiceName(name)
			}
		case "service.version":
			of.version = pitwall.Version(clip(v.AsString(), maxName))
		case "service.instance.id", "service.namespace", "deployment.environment.name", "deployment.environment",
			"host.name", "k8s.pod.name", "k8s.node.name", "k8s.namespace.name", "cloud.region", "cloud.availability_zone":
			if len(of.kept) == maxKept {
				continue
			}
			of.kept = append(of.kept, pitwall.Attr{Key: key, Value: clip(v.AsString(), maxValue)})
		}
	}
	return of
}

// row makes one span. The row's attributes are valid until the next call.
func (of *reference) row(span ptrace.Span) pitwall.SpanRow {
	trace, id, parent := span.TraceID(), span.SpanID(), span.ParentSpanID()
	start, end := span.StartTimestamp(), max(span.StartTimestamp(), span.EndTimestamp())
	f := fields{kind: kindOf(span.Kind()), request: -1, response: -1, attrs: append(of.attrs[:0], of.kept...)}
	for key, v := range span.Attributes().All() {
		f.take(key, v)
	}
	if f.peer != "" && f.address != "" && f.peer != f.address { // only one fits the column
		f.keep("server.address", f.address)
	}
	status := span.Status()
	if status.Message() != "" {
		f.keep("otel.status_description", status.Message())
	}
	f.exception(span.Events())
	of.attrs = f.attrs
	peer := f.peer
	if peer == "" {
		peer = f.address
	}
	return pitwall.SpanRow{
		TraceID: pitwall.TraceID(trace), SpanID: number64(id), ParentID: number64(parent),
		Start: start.AsTime(), Duration: time.Duration(end - start),
		Service: of.service, Version: of.version, Operation: clip(span.Name(), maxName),
		Peer: peer, Statement: f.statement, Kind: f.kind,
		Failed:   status.Code() == ptrace.StatusCodeError || f.kind == pitwall.SpanServer && f.httpStatus >= 500,
		ReqBytes: f.request, RespBytes: f.response, Attrs: f.attrs,
	}
}

// fields are the attributes of a span that have a column, and the others.
type fields struct {
	kind              pitwall.SpanKind
	peer, address     string
	statement         string
	request, response int64
	httpStatus        int64
	attrs             []pitwall.Attr
}

// take files one attribute. Where semantic conventions renamed one, both names
// are read and the first wins.
func (f *fields) take(key string, v pcommon.Value) {
	switch key {
	case "peer.service":
		f.peer = clip(v.AsString(), maxName)
	case "server.address", "net.peer.name":
		// Of a server span this is its own address.
		if f.kind != pitwall.SpanClient && f.kind != pitwall.SpanProducer {
			f.keep(key, v.AsString())
		} else if f.address == "" {
			f.address = clip(v.AsString(), maxName)
		}
	case "db.query.text", "db.statement":
		if f.statement == "" {
			f.statement = clip(v.AsString(), maxStatement)
		}
	case "http.request.body.size", "http.request_content_length", "messaging.message.body.size":
		if n := integer(v); f.request < 0 {
			f.request = n
		}
	case "http.response.body.size", "http.response_content_length":
		if n := integer(v); f.response < 0 {
			f.response = n
		}
	case "http.response.status_code", "http.status_code":
		f.httpStatus = integer(v)
		f.keep(key, v.AsString())
	case "network.peer.port", "net.sock.peer.port", "client.port", "thread.id":
		// Different in every span: they would fill the dictionary and explain nothing.
	default:
		f.keep(key, v.AsString())
	}
}

func (f *fields) keep(key, value string) {
	f.attrs = append(f.attrs, pitwall.Attr{Key: clip(key, maxName), Value: clip(value, maxValue)})
}

// exception keeps the type of the first exception event.
func (f *fields) exception(events ptrace.SpanEventSlice) {
	for _, e := range events.All() {
		if v, ok := e.Attributes().Get("exception.type"); ok && e.Name() == "exception" {
			f.keep("exception.type", v.AsString())
			return
		}
	}
}

func kindOf(k ptrace.SpanKind) pitwall.SpanKind {
	if k < 0 || k > ptrace.SpanKindConsumer {
		return pitwall.SpanUnspecified
	}
	return pitwall.SpanKind(k)
}

func number64(id pcommon.SpanID) (n uint64) {
	for _, b := range id {
		n = n<<8 | uint64(b)
	}
	return n
}

// integer reads a size or a code; -1: unknown.
func integer(v pcommon.Value) int64 {
	switch v.Type() {
	case pcommon.ValueTypeInt:
		return max(-1, v.Int())
	case pcommon.ValueTypeDouble:
		if d := v.Double(); d >= 0 && d < 1<<53 {
			return int64(d)
		}
	case pcommon.ValueTypeStr:
		if n, err := strconv.ParseInt(v.Str(), 10, 64); err == nil {
			return max(-1, n)
		}
	}
	return -1
}

// toLogs is what the walk must give of log records.
func toLogs(ld plog.Logs, arrival time.Time) (*pitwall.LogBatch, Rejected) {
	b, bad := &pitwall.LogBatch{}, Rejected{}
	for _, rl := range ld.ResourceLogs().All() {
		of := referenceResource(rl.Resource().Attributes())
		for _, sl := range rl.ScopeLogs().All() {
			for _, rec := range sl.LogRecords().All() {
				r, why := of.record(rec, arrival)
				if why != "" {
					bad.Count++
					bad.Reason = fmt.Sprintf("log record %q of %s: %s", clip(rec.Body().AsString()[:min(256, len(rec.Body().AsString()))], 64), of.service, why)
					continue
				}
				b.Records = append(b.Records, r)
			}
		}
	}
	return b, bad
}

func (of *reference) record(rec plog.LogRecord, arrival time.Time) (r pitwall.LogRecord, why string) {
	r = pitwall.LogRecord{
		At: time.Unix(0, arrival.UnixNano()), Service: of.service, Version: of.version, Text: clip(rec.Body().AsString(), maxLogText),
		Trace: pitwall.TraceID(rec.TraceID()), Span: number64(rec.SpanID()), Attrs: append([]pitwall.Attr(nil), of.kept...),
	}
	for key, v := range rec.Attributes().All() {
		r.Attrs = append(r.Attrs, pitwall.Attr{Key: clip(key, maxName), Value: clip(v.AsString(), maxValue)})
	}
	if rec.EventName() != "" {
		r.Attrs = append(r.Attrs, pitwall.Attr{Key: "event.name", Value: clip(rec.EventName(), maxValue)})
	}
	for _, t := range []pcommon.Timestamp{rec.ObservedTimestamp(), rec.Timestamp()} {
		if t > 0 {
			r.At = t.AsTime().Local()
		}
	}
	if rec.Timestamp() > math.MaxInt64 || rec.Timestamp() == 0 && rec.ObservedTimestamp() > math.MaxInt64 {
		return r, "no sound time"
	}
	if rec.Body().AsString() == "" && len(r.Attrs) == len(of.kept) {
		return r, "it says nothing"
	}
	levels := map[string]pitwall.LogSeverity{"trace": 1, "finest": 1, "debug": 5, "fine": 5, "verbose": 5, "info": 9, "information": 9, "informational": 9,
		"notice": 9, "warn": 13, "warning": 13, "error": 17, "err": 17, "severe": 17, "fatal": 21, "critical": 21, "crit": 21, "alert": 21,
		"emerg": 21, "emergency": 21, "panic": 21}
	if n := rec.SeverityNumber(); n >= 1 && n <= 24 {
		r.Severity = pitwall.LogSeverity(n)
	} else if len(rec.SeverityText()) <= 16 {
		r.Severity = levels[strings.ToLower(rec.SeverityText())]
	}
	return r, ""
}
