package jaeger

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/otelspan"
	"github.com/pitwall/pitwall/internal/source/remote"
)

// legacy is the API of Jaeger's own pages: its own JSON, in microseconds.
type legacy struct{ c *Client }

func (l *legacy) name() string { return "the older /api/traces" }

func (l *legacy) services(ctx context.Context) ([]pitwall.ServiceName, bool, error) {
	a, err := l.c.get(ctx, "/api/services", nil, nil)
	if err != nil {
		return nil, false, err
	}
	var said map[string]json.RawMessage
	if a.StatusCode != http.StatusOK || json.Unmarshal(a.Bytes, &said) != nil || said["data"] == nil {
		return nil, false, nil
	}
	var names []pitwall.ServiceName
	if err := json.Unmarshal(said["data"], &names); err != nil {
		return nil, false, nil
	}
	return names, true, nil
}

func (l *legacy) find(ctx context.Context, p remote.Part, operation string, limit int, size *atomic.Int64) (*pitwall.SpanBatch, int, error) {
	q := url.Values{
		"service": {string(p.Service)},
		"start":   {strconv.FormatInt(p.Period.From.UnixMicro(), 10)},
		"end":     {strconv.FormatInt(p.Period.To.UnixMicro(), 10)},
		"limit":   {strconv.Itoa(limit)},
		"raw":     {"true"}, // no times moved
	}
	if operation != "" {
		q.Set("operation", operation)
	}
	if p.AtLeast > 0 {
		q.Set("minDuration", p.AtLeast.Truncate(time.Microsecond).String())
	}
	a, err := l.c.get(ctx, "/api/traces", q, size)
	if err != nil {
		return nil, 0, err
	}
	return l.read(a)
}

func (l *legacy) trace(ctx context.Context, id pitwall.TraceID) (*pitwall.SpanBatch, error) {
	a, err := l.c.get(ctx, "/api/traces/"+hexOf(id), url.Values{"raw": {"true"}}, nil)
	if err != nil {
		return nil, err
	}
	b, _, err := l.read(a)
	return b, err
}

func (l *legacy) read(a remote.Answer) (*pitwall.SpanBatch, int, error) {
	if a.StatusCode == http.StatusNotFound && strings.Contains(l.c.c.Says(a), "trace not found") {
		return &pitwall.SpanBatch{}, 0, nil
	}
	if a.StatusCode != http.StatusOK {
		return nil, 0, l.c.wrong(a)
	}
	b, unfit, why, err := decodeLegacy(a.Bytes)
	if err != nil {
		return nil, 0, l.c.c.Unreadable(a, err)
	}
	l.c.unfit(unfit, why)
	return b, tracesOf(b), nil
}

// The shapes of Jaeger's JSON. Times and durations are microseconds.
type (
	jaegerTrace struct {
		Spans     []jaegerSpan             `json:"spans"`
		Processes map[string]jaegerProcess `json:"processes"`
	}
	jaegerProcess struct {
		ServiceName string `json:"serviceName"`
		Tags        []tag  `json:"tags"`
	}
	jaegerSpan struct {
		TraceID       string `json:"traceID"`
		SpanID        string `json:"spanID"`
		ParentSpanID  string `json:"parentSpanID"` // very old servers
		OperationName string `json:"operationName"`
		References    []struct {
			RefType string `json:"refType"`
			TraceID string `json:"traceID"`
			SpanID  string `json:"spanID"`
		} `json:"references"`
		StartTime int64 `json:"startTime"`
		Duration  int64 `json:"duration"`
		Tags      []tag `json:"tags"`
		Logs      []struct {
			Fields []tag `json:"fields"`
		} `json:"logs"`
		ProcessID string         `json:"processID"`
		Process   *jaegerProcess `json:"process"`
	}
	tag struct {
		Key   string          `json:"key"`
		Type  string          `json:"type"`
		Value json.RawMessage `json:"value"`
	}
)

// decodeLegacy reads {"data":[traces],"errors":[…]}.
func decodeLegacy(body []byte) (b *pitwall.SpanBatch, unfit int, why string, err error) {
	var said struct {
		Data   []jaegerTrace `json:"data"`
		Errors []struct {
			Msg string `json:"msg"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, 0, "", fmt.Errorf("decoding traces: %w", err)
	}
	if len(said.Data) == 0 && len(said.Errors) > 0 {
		return nil, 0, "", fmt.Errorf("the server broke off: %.200s", said.Errors[0].Msg)
	}
	b = &pitwall.SpanBatch{}
	for _, t := range said.Data {
		senders := map[string]*otelspan.Sender{}
		for id, p := range t.Processes {
			senders[id] = senderOf(p)
		}
		for i := range t.Spans {
			s := &t.Spans[i]
			of := senders[s.ProcessID]
			if s.Process != nil {
				of = senderOf(*s.Process)
			}
			if of == nil {
				of = otelspan.NewSender()
			}
			row, err := s.row(of)
			if err != nil {
				unfit, why = unfit+1, err.Error()
				continue
			}
			b.Add(row)
		}
	}
	return b, unfit, why, nil
}

func senderOf(p jaegerProcess) *otelspan.Sender {
	of := otelspan.NewSender()
	of.Take("service.name", p.ServiceName)
	for _, t := range p.Tags {
		of.Take(t.Key, t.value().Text)
	}
	return of
}

func (s *jaegerSpan) row(of *otelspan.Sender) (pitwall.SpanRow, error) {
	h := otelspan.Head{Name: s.OperationName}
	err := errors.Join(idOf(s.TraceID, h.Trace[:]), spanOf(s.SpanID, &h.ID), spanOf(s.parent(), &h.Parent))
	if err != nil {
		return pitwall.SpanRow{}, err
	}
	if s.StartTime > 0 && s.StartTime < math.MaxInt64/1000 {
		h.StartNS = uint64(s.StartTime) * 1000
		h.EndNS = h.StartNS + uint64(min(max(0, s.Duration), math.MaxInt64/1000))*1000
	}
	for _, t := range s.Tags {
		switch v := t.value(); t.Key {
		case "span.kind":
			h.Kind = kindOf(v.Text)
		case "error":
			h.Failed = h.Failed || v.Text == "true"
		case "otel.status_code":
			h.Failed = h.Failed || v.Text == "ERROR"
		case "otel.status_description":
			h.Description = v.Text
		}
	}
	if why := h.Unfit(); why != "" {
		return pitwall.SpanRow{}, errors.New(why)
	}
	sp := of.Begin(h)
	for _, t := range s.Tags {
		switch t.Key {
		case "span.kind", "error", "otel.status_code", "otel.status_description", "internal.span.format",
			"otel.scope.name", "otel.scope.version", "otel.library.name", "otel.library.version", "w3c.tracestate":
			// What OTLP has in other places than attributes.
		default:
			sp.Take(t.Key, t.value())
		}
	}
	if typ, ok := s.exception(); ok {
		sp.Exception(typ)
	}
	return sp.Row(), nil
}

// parent is the id of the span this one is a child of, or "".
func (s *jaegerSpan) parent() string {
	for _, r := range s.References {
		if r.RefType == "CHILD_OF" && strings.TrimLeft(r.TraceID, "0") == strings.TrimLeft(s.TraceID, "0") {
			return r.SpanID
		}
	}
	return s.ParentSpanID
}

// exception is the type of the first exception event.
func (s *jaegerSpan) exception() (string, bool) {
	for _, l := range s.Logs {
		event, typ := "", ""
		for _, f := range l.Fields {
			switch f.Key {
			case "event":
				event = f.value().Text
			case "exception.type":
				typ = f.value().Text
			}
		}
		if event == "exception" && typ != "" {
			return typ, true
		}
	}
	return "", false
}

// value reads a tag. Its type says how: JSON alone does not tell 1 from 1.0.
func (t tag) value() otelspan.Value {
	var text string
	if json.Unmarshal(t.Value, &text) == nil {
		if t.Type == "binary" {
			return otelspan.Other(text)
		}
		return otelspan.Text(text)
	}
	text = string(t.Value)
	switch t.Type {
	case "int64":
		return otelspan.Text(text)
	case "float64":
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return otelspan.Float(f, text)
		}
	}
	return otelspan.Other(text)
}

func kindOf(text string) pitwall.SpanKind {
	switch text {
	case "internal":
		return pitwall.SpanInternal
	case "server":
		return pitwall.SpanServer
	case "client":
		return pitwall.SpanClient
	case "producer":
		return pitwall.SpanProducer
	case "consumer":
		return pitwall.SpanConsumer
	}
	return pitwall.SpanUnspecified
}

// idOf reads an id of hexadecimal digits whose leading zeros may be missing.
func idOf(text string, id []byte) error {
	if len(text) > 2*len(id) {
		return errors.New("an id is too long")
	}
	text = strings.Repeat("0", 2*len(id)-len(text)) + text
	if _, err := hex.Decode(id, []byte(text)); err != nil {
		return errors.New("an id is not hexadecimal")
	}
	return nil
}

func spanOf(text string, id *uint64) error {
	var b [8]byte
	if err := idOf(text, b[:]); err != nil {
		return err
	}
	for _, x := range b {
		*id = *id<<8 | uint64(x)
	}
	return nil
}
