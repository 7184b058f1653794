// Package trace does the geometry of traces: who called whom, who spent the
// time, which spans a request waited for.
//
// In comes a pitwall.SpanBatch; out go indexes into it: a Forest, self times,
// the sections of a critical path, hop gaps, child counts. The package is pure.
// It knows no SLO, no store and no clock, and it never trusts its input: spans
// without their parent, duplicate ids and cycles are counted and tolerated,
// because telemetry is lossy and late.
//
// Everything is arrays parallel to the batch, and every function is
// O(n log n) in the spans however many children one parent has: a query in a
// loop (n+1) is the very shape that has to be read.
package trace
