// Package jaegerrows turns Jaeger's own JSON into rows: what its query service
// answers on /api/traces and what its page saves. In come bytes, out go the
// rows of those spans that can be kept, and why the others cannot; what an
// attribute means is otelspan's to know.
package jaegerrows

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"strconv"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/otelspan"
)

// Reading says how strictly to read.
type Reading struct {
	// Loose takes traces that were made up, as in tests and talks: ids may be
	// any text and times may begin at 0. A server's answer has neither.
	Loose bool
}

// The shapes of Jaeger's JSON. Times and durations are microseconds.
type (
	jaegerAnswer struct {
		Data   []jaegerTrace `json:"data"`
		Errors []struct {
			Msg string `json:"msg"`
		} `json:"errors"`
		jaegerTrace // of a trace alone
	}
	jaegerTrace struct {
		TraceID   string                   `json:"traceID"`
		Spans     []json.RawMessage        `json:"spans"` // one at a time: there may be many
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

// Add appends to b the spans of {"data":[traces],"errors":[…]}, or of one trace
// alone, and counts those that cannot be kept, with the last reason.
func Add(b *pitwall.SpanBatch, body []byte, how Reading) (unfit int, why string, err error) {
	var said jaegerAnswer
	if err := json.Unmarshal(body, &said); err != nil {
		return 0, "", fmt.Errorf("decoding traces: %w", err)
	}
	traces := said.Data
	if said.Spans != nil {
		traces = append(traces, said.jaegerTrace)
	}
	if len(traces) == 0 && len(said.Errors) > 0 {
		return 0, "", fmt.Errorf("the server broke off: %.200s", said.Errors[0].Msg)
	}
	for _, t := range traces {
		senders := map[string]*otelspan.Sender{}
		for id, p := range t.Processes {
			senders[id] = senderOf(p)
		}
		for _, raw := range t.Spans {
			s := reading{Reading: how}
			if err := json.Unmarshal(raw, &s.jaegerSpan); err != nil {
				return unfit, why, fmt.Errorf("decoding traces: %w", err)
			}
			if how.Loose && s.TraceID == "" {
				s.TraceID = t.TraceID
			}
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
	return unfit, why, nil
}

func senderOf(p jaegerProcess) *otelspan.Sender {
	of := otelspan.NewSender()
	of.Take("service.name", p.ServiceName)
	for _, t := range p.Tags {
		of.Take(t.Key, t.value().Text)
	}
	return of
}

// reading is a span being read.
type reading struct {
	Reading
	jaegerSpan
}

func (s *reading) row(of *otelspan.Sender) (pitwall.SpanRow, error) {
	h := otelspan.Head{Name: s.OperationName}
	err := errors.Join(s.idOf(s.TraceID, h.Trace[:]), s.spanOf(s.SpanID, &h.ID), s.spanOf(s.parent(), &h.Parent))
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
			h.Failed = h.Failed || v.Text != "" && v.Text != "false" // OpenTracing's flag, or its message
		case "otel.status_code":
			h.Failed = h.Failed || v.Text == "ERROR"
		case "otel.status_description":
			h.Description = v.Text
		}
	}
	h.Failed = h.Failed || s.loggedError()
	fromZero := s.Loose && s.StartTime == 0
	if fromZero {
		h.StartNS, h.EndNS = 1, 1+uint64(min(max(0, s.Duration), math.MaxInt64/1000-1))*1000 // sound while it is looked at
	}
	if why := h.Unfit(); why != "" {
		return pitwall.SpanRow{}, errors.New(why)
	}
	if fromZero {
		h.StartNS, h.EndNS = 0, h.EndNS-1
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

// parent is the id of the span this one is a child of, or "". What only follows
// from another is no child: the other does not wait for it.
func (s *reading) parent() string {
	for _, r := range s.References {
		if r.RefType == "CHILD_OF" && (strings.TrimLeft(r.TraceID, "0") == strings.TrimLeft(s.TraceID, "0") || s.Loose && r.TraceID == "") {
			return r.SpanID
		}
	}
	return s.ParentSpanID
}

// loggedError says whether the span logged that it failed, as OpenTracing has
// it. (OpenTelemetry logs exceptions, which may have been handled.)
func (s *jaegerSpan) loggedError() bool {
	for _, l := range s.Logs {
		for _, f := range l.Fields {
			switch {
			case f.Key == "error.object", f.Key == "event" && f.value().Text == "error", f.Key == "error" && f.Type == "string":
				return true
			}
		}
	}
	return false
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
// Loosely, any other text is an id too, by its hash.
func (r Reading) idOf(text string, id []byte) error {
	if len(text) <= 2*len(id) {
		digits := strings.Repeat("0", 2*len(id)-len(text)) + text
		if _, err := hex.Decode(id, []byte(digits)); err == nil {
			return nil
		}
	}
	if r.Loose {
		clear(id)
		h := fnv.New64a()
		h.Write([]byte(text))
		copy(id[len(id)-8:], h.Sum(nil))
		return nil
	}
	if len(text) > 2*len(id) {
		return errors.New("an id is too long")
	}
	return errors.New("an id is not hexadecimal")
}

func (r Reading) spanOf(text string, id *uint64) error {
	var b [8]byte
	if err := r.idOf(text, b[:]); err != nil {
		return err
	}
	for _, x := range b {
		*id = *id<<8 | uint64(x)
	}
	return nil
}
