// Package prometheus reads metrics from any server with Prometheus' query API:
// Prometheus, Mimir, Thanos, VictoriaMetrics.
//
// In comes PromQL; out go pitwall.Series with the same meaning as the embedded
// store gives them: a period's end is not in it, and a value that is not a
// finite number is no data. It stores nothing and understands no query.
package prometheus
