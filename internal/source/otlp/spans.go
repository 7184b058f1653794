package otlp

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/pitwall/pitwall"
)

// Longer texts are cut: one span must not fill the store.
const (
	maxName      = 512
	maxValue     = 1024
	maxStatement = 8192
)

// rejected counts spans that cannot be kept, with the last reason.
type rejected struct {
	spans  int
	reason string
}

// toBatch turns OTLP traces into columns. Spans without ids or times are left
// out and counted.
func toBatch(td ptrace.Traces) (*pitwall.SpanBatch, rejected) {
	b, bad := &pitwall.SpanBatch{}, rejected{}
	for _, rs := range td.ResourceSpans().All() {
		of := resourceOf(rs.Resource().Attributes())
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if why := unfit(span); why != "" {
					bad.spans++
					bad.reason = fmt.Sprintf("span %q of %s: %s", clip(span.Name(), 64), of.service, why)
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

// resource is what all spans of one sender share.
type resource struct {
	service pitwall.ServiceName
	version pitwall.Version
	kept    []pitwall.Attr
	attrs   []pitwall.Attr // scratch of the row being made
}

func resourceOf(attrs pcommon.Map) *resource {
	of := &resource{service: "unknown_service"} // OpenTelemetry's word for no name
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
			of.kept = append(of.kept, pitwall.Attr{Key: key, Value: clip(v.AsString(), maxValue)})
		}
	}
	return of
}

// row makes one span. The row's attributes are valid until the next call.
func (of *resource) row(span ptrace.Span) pitwall.SpanRow {
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
		TraceID: pitwall.TraceID(trace), SpanID: number(id), ParentID: number(parent),
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

func number(id pcommon.SpanID) (n uint64) {
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

// clip cuts a text to at most limit bytes of sound UTF-8.
func clip(s string, limit int) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
