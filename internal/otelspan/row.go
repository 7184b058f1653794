package otelspan

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pitwall/pitwall"
)

// Longer texts are cut: one span must not fill the memory.
const (
	maxName      = 512
	maxValue     = 1024
	maxStatement = 8192
)

// Value is the value of an attribute: its text, and what it is as a size or
// code; -1: it is none.
type Value struct {
	Text   string
	Number int64
}

// Text is a value that is text; digits make it a number too.
func Text(s string) Value {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		n = -1
	}
	return Value{s, max(-1, n)}
}

// Int is a value that is a whole number.
func Int(n int64) Value { return Value{strconv.FormatInt(n, 10), max(-1, n)} }

// Float is a value that is a number; text is how the wire's library writes it.
func Float(f float64, text string) Value {
	if f >= 0 && f < 1<<53 {
		return Value{text, int64(f)}
	}
	return Value{text, -1}
}

// Other is a value that is no number: a flag, a list, bytes.
func Other(text string) Value { return Value{text, -1} }

// Sender is what all spans of one resource share. The zero value is not usable.
type Sender struct {
	Service pitwall.ServiceName
	Version pitwall.Version
	kept    []pitwall.Attr
}

// NewSender is a sender that has said nothing yet.
func NewSender() *Sender {
	return &Sender{Service: "unknown_service"} // OpenTelemetry's word for no name
}

// Take files one attribute of the resource. Most are dropped: what matters of a
// sender is who it is and where it runs.
func (s *Sender) Take(key, value string) {
	switch key {
	case "service.name":
		if name := clip(value, maxName); name != "" {
			s.Service = pitwall.ServiceName(name)
		}
	case "service.version":
		s.Version = pitwall.Version(clip(value, maxName))
	case "service.instance.id", "service.namespace", "deployment.environment.name", "deployment.environment",
		"host.name", "k8s.pod.name", "k8s.node.name", "k8s.namespace.name", "cloud.region", "cloud.availability_zone":
		s.kept = append(s.kept, pitwall.Attr{Key: key, Value: clip(value, maxValue)})
	}
}

// Head is what every span has.
type Head struct {
	Trace          pitwall.TraceID
	ID, Parent     uint64
	Name           string
	Kind           pitwall.SpanKind
	StartNS, EndNS uint64 // unix nanoseconds
	Failed         bool   // status error
	Description    string
}

// Unfit says why a span cannot be kept, or "".
func (h Head) Unfit() string {
	switch {
	case h.Trace == pitwall.TraceID{}:
		return "no trace id"
	case h.ID == 0:
		return "no span id"
	case h.StartNS == 0 || h.StartNS > math.MaxInt64:
		return "no sound start time"
	case h.EndNS > math.MaxInt64:
		return "no sound end time"
	}
	return ""
}

// Span is a span whose attributes are being read.
type Span struct {
	of                *Sender
	head              Head
	peer, address     string
	statement         string
	request, response int64
	httpStatus        int64
	exception         string
	attrs             []pitwall.Attr
}

// Begin starts a span of the sender.
func (s *Sender) Begin(h Head) *Span {
	if h.Kind > pitwall.SpanConsumer {
		h.Kind = pitwall.SpanUnspecified
	}
	return &Span{of: s, head: h, request: -1, response: -1, attrs: append([]pitwall.Attr(nil), s.kept...)}
}

// Take files one attribute of the span. Where semantic conventions renamed one,
// both names are read and the first wins.
func (sp *Span) Take(key string, v Value) {
	switch key {
	case "peer.service":
		sp.peer = clip(v.Text, maxName)
	case "server.address", "net.peer.name":
		// Of a server span this is its own address.
		if sp.head.Kind != pitwall.SpanClient && sp.head.Kind != pitwall.SpanProducer {
			sp.keep(key, v.Text)
		} else if sp.address == "" {
			sp.address = clip(v.Text, maxName)
		}
	case "db.query.text", "db.statement":
		if sp.statement == "" {
			sp.statement = clip(v.Text, maxStatement)
		}
	case "http.request.body.size", "http.request_content_length", "messaging.message.body.size":
		if sp.request < 0 {
			sp.request = v.Number
		}
	case "http.response.body.size", "http.response_content_length":
		if sp.response < 0 {
			sp.response = v.Number
		}
	case "http.response.status_code", "http.status_code":
		sp.httpStatus = v.Number
		sp.keep(key, v.Text)
	case "network.peer.port", "net.sock.peer.port", "client.port", "thread.id":
		// Different in every span: they would fill the dictionary and explain nothing.
	default:
		sp.keep(key, v.Text)
	}
}

// Exception notes the type of an exception event; the first counts.
func (sp *Span) Exception(typ string) {
	if sp.exception == "" {
		sp.exception = typ
	}
}

func (sp *Span) keep(key, value string) {
	sp.attrs = append(sp.attrs, pitwall.Attr{Key: clip(key, maxName), Value: clip(value, maxValue)})
}

// Row ends the span. It is called once.
func (sp *Span) Row() pitwall.SpanRow {
	h, peer := sp.head, sp.peer
	switch {
	case peer == "":
		peer = sp.address
	case sp.address != "" && peer != sp.address: // only one fits the column
		sp.keep("server.address", sp.address)
	}
	if h.Description != "" {
		sp.keep("otel.status_description", h.Description)
	}
	if sp.exception != "" {
		sp.keep("exception.type", sp.exception)
	}
	return pitwall.SpanRow{
		TraceID: h.Trace, SpanID: h.ID, ParentID: h.Parent,
		Start: time.Unix(0, int64(h.StartNS)), Duration: time.Duration(max(h.StartNS, h.EndNS) - h.StartNS),
		Service: sp.of.Service, Version: sp.of.Version, Operation: clip(h.Name, maxName),
		Peer: peer, Statement: sp.statement, Kind: h.Kind,
		Failed:   h.Failed || h.Kind == pitwall.SpanServer && sp.httpStatus >= 500,
		ReqBytes: sp.request, RespBytes: sp.response, Attrs: sp.attrs,
	}
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
