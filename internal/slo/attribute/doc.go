// Package attribute says what a budget was spent on. In come an objective with
// its budget and what is known of single events: spans, rollups of spans, the
// increments of metric series, or the steps of a ledger beside the deploys of
// the time. Out go shares by operation, version, any attribute or label, or
// deploy, and which attribute tells bad events from good ones best.
//
// The ledger stays the truth: what is told apart here is compared with it, and
// the part that is not known is said, not spread over the rest. The package
// fetches nothing and does not know why a value is bad.
package attribute
