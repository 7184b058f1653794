// Package spans is the embedded span store: one directory that takes in what
// the receivers accept and answers questions about the last days.
//
// In come span batches; each is framed with a checksum and written to a log
// before it is acknowledged, so it survives the death of the process, and forced
// to the disk each second, so a power cut costs a second. Out go spans of a
// period, whole traces, one trace, what operations add up to, request counts by
// second, and the batches themselves in order, to whoever taps the log: a batch
// is acknowledged only after every tap has seen it, so what was acknowledged has
// been counted.
//
// A span goes from the log into memory, and from there, when its trace is closed
// or memory is full, into a block: an immutable file of columns (package block).
// With each block goes a rollup: the spans added up by minute and operation
// (package rollup), which is kept longer than the spans. One goroutine makes
// both. The log is then forgotten, but not before taps had time to read it.
//
//	<n>.spans             the log, from position n on (package wal)
//	blocks/<n>.parquet    the spans of the n-th cut
//	rollups/<n>-<m>.rollup  the sums of cuts n to m
//
// A cut is final when its block has its name: the rollup is written first, and a
// newest rollup without its block is undone at the next start, when the log
// still has its spans. Blocks and rollups say which positions of the log they
// hold, so that nothing is taken in twice.
//
// The package refuses to know SLOs, regressions and HTTP.
package spans
