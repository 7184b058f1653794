// Package logs is the embedded log store: one directory that takes in log
// records and answers which there were, and what they have in common.
//
// In come batches; each is framed with a checksum and written to a log before
// it is acknowledged, so it survives the death of the process, and forced to
// the disk each second, so a power cut costs a second. A delivery that was
// taken in the last ten minutes is acknowledged and dropped, also after a
// restart. Out go records, newest first, and counts by pattern.
//
// The newest records are columns in memory, in chunks. When memory is full the
// oldest chunks become a block: one file with the chunks compressed, an index
// (what services, versions, severities and patterns are in which chunk, and how
// many records each had in each minute) and a filter of trace ids, so that a
// question reads little. Blocks go by age and when the disk budget is spent.
//
// The package refuses to know SLOs, HTTP, and how a pattern is found in a text.
package logs
