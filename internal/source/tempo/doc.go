// Package tempo reads traces from Grafana Tempo, or a server with its API.
//
// In come span queries and trace ids; out go pitwall.SpanBatches. A span query
// becomes TraceQL for /api/search, which names traces; each is then fetched
// whole (/api/v2/traces, or /api/traces of older servers) and what was asked
// for is chosen from it here, so the answer is right even where TraceQL says
// less than the question. It stores nothing and knows nothing of what the spans
// are for.
//
// A search gives at most so many traces. One that reaches the limit is searched
// again in halves; when the smallest slice still reaches it, or when there are
// more traces than may be fetched, Health says that what is shown is a sample.
package tempo
