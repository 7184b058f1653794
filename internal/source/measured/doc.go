// Package measured asks a metrics store for the numbers a diagnosis reads.
//
// In comes a store that speaks PromQL; out go pitwall.Measured series: one list
// of typed metrics, whatever the exporters called them. What a metric may be
// called is a table (names.go): OpenTelemetry's conventions first, then what
// the usual exporters write. Each service is read by the first name that it
// exports, with a range that holds several of its samples. All its instances and
// jobs make one series: counters and buckets are added up before anything is
// divided or a quantile read, of what has a limit for each instance the largest
// counts, shares of equal things are averaged. A metric that nobody exports is
// not there; that is not an error. The package judges nothing.
package measured
