// Package otelspan says what an OpenTelemetry span is in Pitwall, wherever it
// was read from.
//
// In come the attributes of a sender and of its spans, one at a time, in
// whatever form the wire had them, and whole traces; out go pitwall.SpanRows
// with names of attributes turned into columns, and the answer to a SpanQuery
// chosen from the traces. It knows no wire format and no server.
package otelspan
