// Package rollup adds spans up by minute and operation, so that questions about
// a day need no span, and keeps the sums longer than the spans.
//
// In come span batches with what closing their traces computed; out come Tables
// of rows (how many, how many failed, how long, what of it was their own work,
// what their traces waited for, and a histogram of durations), files of such
// rows, and pitwall.OperationTotals over any stretch of whole minutes. A file
// is written once. Neighbouring files are merged into one, which also holds the
// sums of whole hours; minutes become hours after a while, and hours go when
// their time is over. A file that was not finished is never seen.
//
// The package refuses to know where spans are kept, and what an objective is.
package rollup
