// Package jaeger reads traces from a Jaeger query service.
//
// In come span queries and trace ids; out go pitwall.SpanBatches. It speaks
// api/v3, which answers in OTLP, and where the server has none, the older
// /api/traces; which of them, it finds out and remembers until a question
// fails. It stores nothing and knows nothing of what the spans are for.
//
// Jaeger looks for traces of one service by when a span began, and gives at
// most so many, without saying that there are more. So a question without a
// service is asked for each, a question about a period also looks before it for
// long spans, and what reaches the limit is asked again in halves. When the
// smallest slice still reaches it, Health says that what is shown is a sample.
// Attributes, versions and failures are chosen here: api/v3 cannot be asked for
// them.
package jaeger
