// Package trace does the geometry of traces: who called whom, who spent the
// time, which spans a request waited for, and what slow requests have in common.
//
// In comes a pitwall.SpanBatch; out go indexes into it: a Forest, self times,
// the sections of a critical path (and CRISP's own reckoning of it), hop gaps,
// child counts; and, over many requests, calls that repeat (Repeats), values of
// attributes that slow requests do not share with typical ones (Contrasts), and
// single requests to look at (Exemplars). The package is pure. It knows no SLO,
// no store and no clock, and it never trusts its input: spans without their
// parent, duplicate ids and cycles are counted and tolerated, because telemetry
// is lossy and late.
//
// Everything is arrays parallel to the batch, and every function is
// O(n log n) in the spans however many children one parent has: a query in a
// loop (n+1) is the very shape that has to be read.
package trace
