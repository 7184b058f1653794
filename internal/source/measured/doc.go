// Package measured asks a metrics store for the numbers a diagnosis reads.
//
// In comes a store that speaks PromQL; out go pitwall.Measured series: one list
// of typed metrics, whatever the exporters called them. What a metric may be
// called is a table (names.go): OpenTelemetry's conventions first, then what
// the usual exporters write. A metric that nobody exports is not there; that is
// not an error. The package judges nothing.
package measured
