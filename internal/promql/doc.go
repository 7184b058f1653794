// Package promql reads PromQL as text. In come queries that people wrote; out go
// expressions whose syntax is right, the series they select, whether two of them
// mean the same, and errors that name line and column. Rules made elsewhere
// leave it as files that Prometheus loads.
//
// Of queries that add up counters it makes a plan for counting events: it says
// which samples are needed, and counts those that it is handed, step by step.
//
// It is the one place besides the metrics store that knows Prometheus' parser,
// whose interface moves at every minor version. It evaluates and fetches nothing,
// keeps of samples no more than the last of each counter, and does not know what
// becomes of the events.
package promql
