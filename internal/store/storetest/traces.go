package storetest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// FixedTraces is the set of traces: twelve requests ten seconds apart, with
// failures, slow ones and two versions of checkout; an export of 45 s; and work
// that goes on after the request has ended.
func FixedTraces() *pitwall.SpanBatch {
	b := &pitwall.SpanBatch{}
	for n := range 12 {
		addRequest(b, n)
	}
	row := func(n int, id, parent uint64, service, operation string, end float64, took time.Duration) {
		b.Add(pitwall.SpanRow{
			TraceID: traceNumber(n), SpanID: id, ParentID: parent, Start: afterBegin(end).Add(-took), Duration: took,
			Service: pitwall.ServiceName(service), Version: "v1", Operation: operation, Kind: pitwall.SpanServer, ReqBytes: -1, RespBytes: -1,
		})
	}
	row(12, 0x1201, 0, "edge", "GET /export", 65, 45*time.Second)
	row(13, 0x1301, 0, "edge", "POST /import", 120, 100*time.Millisecond)
	row(13, 0x1302, 0x1301, "checkout", "import", 125, 5*time.Second)
	return b
}

func traceNumber(n int) pitwall.TraceID {
	return pitwall.TraceID{0: 0x5b, 1: 0x8e, 7: byte(n), 8: 0x0c, 15: byte(n + 1)}
}

// addRequest adds trace n, which ends n times ten seconds after the begin.
func addRequest(b *pitwall.SpanBatch, n int) {
	end, took := afterBegin(float64(10*n)), 30*time.Millisecond
	if n%4 == 0 {
		took = 300*time.Millisecond + time.Duration(n)*10*time.Microsecond
	}
	version, host, status, size := "v1", "node-1", "200", "small"
	if n >= 6 {
		version, host = "v2", "node-2"
	}
	failed := n%4 == 3
	if failed {
		status = "500"
	}
	if n%4 == 1 {
		size = "large"
	}
	span := func(k uint64, service, operation string, kind pitwall.SpanKind, took time.Duration, more func(*pitwall.SpanRow)) {
		r := pitwall.SpanRow{
			TraceID: traceNumber(n), SpanID: uint64(n+1)<<8 + k, Start: end.Add(-took), Duration: took,
			Service: pitwall.ServiceName(service), Version: "v1", Operation: operation, Kind: kind, ReqBytes: -1, RespBytes: -1,
		}
		if k > 1 {
			r.ParentID = r.SpanID - 1
		}
		more(&r)
		b.Add(r)
	}
	attrs := func(r *pitwall.SpanRow, kv ...string) {
		for i := 0; i < len(kv); i += 2 {
			r.Attrs = append(r.Attrs, pitwall.Attr{Key: kv[i], Value: kv[i+1]})
		}
	}
	span(1, "edge", "POST /checkout", pitwall.SpanServer, took, func(r *pitwall.SpanRow) {
		r.Failed = failed
		attrs(r, "http.route", "/checkout", "http.response.status_code", status, "cart.size", size)
		r.ReqBytes, r.RespBytes = 120, int64(1000+n)
	})
	span(2, "edge", "POST", pitwall.SpanClient, took-time.Millisecond, func(r *pitwall.SpanRow) {
		r.Peer = "checkout"
	})
	span(3, "checkout", "POST /checkout", pitwall.SpanServer, took-2*time.Millisecond, func(r *pitwall.SpanRow) {
		r.Version, r.Failed = pitwall.Version(version), failed
		attrs(r, "host.name", host, "http.response.status_code", status)
	})
	span(4, "checkout", "SELECT cart", pitwall.SpanClient, took-3*time.Millisecond, func(r *pitwall.SpanRow) {
		r.Version, r.Peer, r.Statement = pitwall.Version(version), "cart-db", "SELECT * FROM cart WHERE id = ?"
		attrs(r, "host.name", host, "db.system.name", "postgresql")
	})
	if n%2 == 0 {
		span(5, "inventory", "reserve", pitwall.SpanConsumer, time.Millisecond, func(r *pitwall.SpanRow) {
			if n == 4 {
				r.Failed = true
				attrs(r, "otel.status_description", "out of stock", "exception.type", "OutOfStock")
			}
		})
	}
}

// OTLP writes spans as an OTLP/JSON export request, the way their senders would
// have: for loading a server that takes it.
func OTLP(b *pitwall.SpanBatch) []byte {
	var out bytes.Buffer
	out.WriteString(`{"resourceSpans":[`)
	for i := range b.Len() {
		if i > 0 {
			out.WriteByte(',')
		}
		writeSpan(&out, b.Row(i))
	}
	out.WriteString(`]}`)
	return out.Bytes()
}

func writeSpan(out *bytes.Buffer, r pitwall.SpanRow) {
	text := func(k, v string) string { return fmt.Sprintf(`{"key":%q,"value":{"stringValue":%q}}`, k, v) }
	whole := func(k string, v any) string { return fmt.Sprintf(`{"key":%q,"value":{"intValue":"%v"}}`, k, v) }
	sender := []string{text("service.name", string(r.Service)), text("service.version", string(r.Version))}
	var attrs []string
	status, events := "", ""
	for _, a := range r.Attrs {
		switch a.Key {
		case "host.name":
			sender = append(sender, text(a.Key, a.Value))
		case "otel.status_description":
			status = fmt.Sprintf(`,"message":%q`, a.Value)
		case "exception.type":
			events = fmt.Sprintf(`{"name":"exception","timeUnixNano":"%d","attributes":[%s]}`, r.Start.UnixNano(), text(a.Key, a.Value))
		case "http.response.status_code":
			attrs = append(attrs, whole(a.Key, a.Value))
		default:
			attrs = append(attrs, text(a.Key, a.Value))
		}
	}
	column := func(k, v string) {
		if v != "" {
			attrs = append(attrs, text(k, v))
		}
	}
	column("peer.service", r.Peer)
	column("db.query.text", r.Statement)
	if r.ReqBytes >= 0 {
		attrs = append(attrs, whole("http.request.body.size", r.ReqBytes), whole("http.response.body.size", r.RespBytes))
	}
	parent, code := "", 0
	if r.ParentID != 0 {
		parent = fmt.Sprintf(`"parentSpanId":"%016x",`, r.ParentID)
	}
	if r.Failed {
		code = 2
	}
	fmt.Fprintf(out, `{"resource":{"attributes":[%s]},"scopeSpans":[{"spans":[{"traceId":"%x","spanId":"%016x",%s"name":%q,"kind":%d,`+
		`"startTimeUnixNano":"%d","endTimeUnixNano":"%d","attributes":[%s],"events":[%s],"status":{"code":%d%s}}]}]}`,
		strings.Join(sender, ","), r.TraceID[:], r.SpanID, parent, r.Operation, r.Kind,
		r.Start.UnixNano(), r.Start.Add(r.Duration).UnixNano(), strings.Join(attrs, ","), events, code, status)
}
