// Package fold turns spans into numbers that can be compared. In come the spans
// of a period and the operation in question; out goes a Side: what its requests
// waited for, place by place and block by block, with calls, body sizes,
// failures and where they began. Compare holds one quantity of two sides
// against its own variation and gives a Shift.
//
// Places sum exactly to the mean latency of the headline operation, so shares
// of an increase are arithmetic. The package refuses to know classes, findings
// and changes: it measures, diagnose explains.
package fold
