// Package tracefile reads traces from files, as tools write them.
//
// In comes a stream, plain or gzip; out go rows in a pitwall.SpanBatch, and
// what was read and left out. It tells the format itself: Jaeger's JSON (what
// its page saves and its query service answers, one trace or many) and OTLP as
// JSON (one request, or one a line as the OpenTelemetry Collector's file
// exporter writes them; Tempo's spelling too). Kinds may be mixed. What cannot
// be read is an error that says the line.
//
// It refuses to know what the spans are for, and it bounds what a file may
// take: in bytes, in spans, and for each value in the file.
package tracefile
