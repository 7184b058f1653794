// Package block keeps a stretch of spans in one immutable Parquet file.
//
// In come the columns of a pitwall.SpanBatch and what closing their traces
// computed; Write puts them on the disk once, whole or not at all. Out go the
// spans of a query, the traces that have one, whole traces, and single columns
// for those who add up. A file is never changed; it is deleted when its time is
// over.
//
// The package refuses to know which blocks there are, when a block is due, and
// what a trace means: it stores numbers that others computed.
//
// # The file
//
// A block is plain Parquet (data pages of version 2, Snappy) that other programs
// can read. Its columns, in order:
//
//	trace_id                     fixed bytes [16], called a UUID
//	span_id, parent_id           unsigned 64 bit; parent 0: root
//	start_ns, duration_ns        64 bit; unix nanoseconds, nanoseconds
//	self_ns, critical_ns         64 bit, null: the trace was not complete
//	failed                       boolean
//	req_bytes, resp_bytes        64 bit, null: unknown
//	service, version, operation  text; "" where the span has none
//	kind                         text: server, client, internal, producer,
//	                             consumer, unspecified, or another number
//	peer, statement              text; "" where the span has none
//	attr.<key> ...               text, null: the span has no such attribute; for
//	                             the keys that most spans carry
//	attrs                        list of {key, value}: all other attributes
//
// A second value of one key on one span is in attrs, also when the key has a
// column. Text that is not UTF-8 makes its column one of bytes.
//
// The spans of one trace lie side by side, oldest first, and traces by their
// first start, so that pages are near in time as well: a row group has 65,536
// rows and a page 8,192. Every row group has a Bloom filter on trace_id.
//
// The footer's metadata has one entry, pitwall.block: JSON with the positions of
// the log that the block covers, its bounds in time, and bounds of every page.
// Together with the checksum of each page, one of the footer (in the twelve
// bytes before it, which other readers skip) and the cross-checks of reading,
// any one damaged byte is told and none is believed.
package block
