// Package promapi answers the read half of Prometheus' HTTP API, so that
// Grafana, and whoever else speaks to Prometheus, can point at Pitwall.
//
// In come HTTP requests with PromQL; out go Prometheus' JSON answers, made by
// Prometheus' own engine over the embedded store. It knows nothing of services,
// objectives or plans, changes nothing, and remembers nothing between requests.
//
// What Prometheus has because it is also a scraper and an alerter (targets,
// rules, metadata) is answered from callbacks, or truthfully as empty. The
// differences to a Prometheus server are listed in
// docs/reference/prometheus-api.md, and a test holds both side by side.
//
// # Bounds
//
// A request body, a query's length and nesting, the points of a series, the
// names or series of one list, the queries at one time and the time a client
// may take to read an answer all have a bound; the samples of a query and its
// time are bounded by the engine. Beyond one, the answer is an error in
// Prometheus' shape, or, for lists, a shortened list with a warning.
package promapi
