// Package promql reads PromQL as text. In come queries that people wrote; out go
// expressions whose syntax is right, the series they select, whether two of them
// mean the same, and errors that name line and column. Rules made elsewhere
// leave it as files that Prometheus loads.
//
// It is the one place besides the metrics store that knows Prometheus' parser,
// whose interface moves at every minor version. It evaluates nothing, holds no
// sample, and does not know what an objective is.
package promql
