// Package seriesfile reads series that people have as files: CSV with a time and
// one or more columns of values, and what a Prometheus answers to a range query.
//
// In come bytes; out come series whose rows are those of the file, a missing
// value as NaN. It judges nothing, fills no gap and drops no row.
package seriesfile
