// Package otelrows turns OTLP as pdata decodes it into rows, for the stores
// elsewhere that answer in OTLP. In come traces, out go the rows of those spans
// that can be kept, and why the others cannot; what an attribute means is
// otelspan's to know.
package otelrows

import (
	"encoding/binary"
	"fmt"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/otelspan"
)

// AddJSON appends the spans of {"resourceSpans":[…]}, OTLP as JSON, likewise.
func AddJSON(b *pitwall.SpanBatch, body []byte) (unfit int, why string, err error) {
	td, err := new(ptrace.JSONUnmarshaler).UnmarshalTraces(body)
	if err != nil {
		return 0, "", fmt.Errorf("decoding OTLP: %w", err)
	}
	unfit, why = Add(b, td)
	return unfit, why, nil
}

// Add appends the spans of td to b, and counts those that cannot be kept, with
// the last reason.
func Add(b *pitwall.SpanBatch, td ptrace.Traces) (unfit int, why string) {
	for _, rs := range td.ResourceSpans().All() {
		of := otelspan.NewSender()
		for key, v := range rs.Resource().Attributes().All() {
			of.Take(key, v.AsString())
		}
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				h := headOf(span)
				if reason := h.Unfit(); reason != "" {
					unfit, why = unfit+1, reason
					continue
				}
				sp := of.Begin(h)
				for key, v := range span.Attributes().All() {
					sp.Take(key, valueOf(v))
				}
				for _, e := range span.Events().All() {
					if v, ok := e.Attributes().Get("exception.type"); ok && e.Name() == "exception" {
						sp.Exception(v.AsString())
					}
				}
				b.Add(sp.Row())
			}
		}
	}
	return unfit, why
}

func headOf(span ptrace.Span) otelspan.Head {
	id, parent := span.SpanID(), span.ParentSpanID()
	return otelspan.Head{
		Trace: pitwall.TraceID(span.TraceID()), ID: binary.BigEndian.Uint64(id[:]), Parent: binary.BigEndian.Uint64(parent[:]),
		Name: span.Name(), Kind: pitwall.SpanKind(max(0, min(span.Kind(), ptrace.SpanKindConsumer+1))),
		StartNS: uint64(span.StartTimestamp()), EndNS: uint64(span.EndTimestamp()),
		Failed: span.Status().Code() == ptrace.StatusCodeError, Description: span.Status().Message(),
	}
}

func valueOf(v pcommon.Value) otelspan.Value {
	switch v.Type() {
	case pcommon.ValueTypeInt:
		return otelspan.Int(v.Int())
	case pcommon.ValueTypeDouble:
		return otelspan.Float(v.Double(), v.AsString())
	case pcommon.ValueTypeStr:
		return otelspan.Text(v.Str())
	}
	return otelspan.Other(v.AsString())
}
