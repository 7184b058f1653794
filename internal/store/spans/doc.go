// Package spans is the embedded span store: one directory that takes in what
// the receivers accept and answers questions about the last hour.
//
// In come span batches; each is framed with a checksum and written to a segment
// file before it is acknowledged, so it survives the death of the process, and
// forced to the disk each second, so a power cut costs a second. Out go spans of
// a period, whole traces, one trace, request counts by second, and the batches
// themselves in order, to whoever taps the log: a batch is acknowledged only
// after every tap has seen it, so what was acknowledged has been counted.
//
// Questions are answered from columns in memory, in chunks with their time
// range, for as long as Options say; the segment files serve to rebuild them.
// Columns on disk will come behind the same methods.
//
// The package refuses to know SLOs, regressions and HTTP.
package spans
