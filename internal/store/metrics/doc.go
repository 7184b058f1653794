// Package metrics is the embedded metrics store: Prometheus' time series
// database and PromQL engine behind Pitwall's own words, and the one home of
// both.
//
// In come raw OTLP metrics export requests, series that Pitwall measured, and
// PromQL; out go pitwall.Series. The rooms below this one speak Prometheus' own
// words with it: remotewrite and scrape bring samples in, promapi answers its
// HTTP API. It knows nothing of SLOs, services' meaning or who asks.
//
// # Names
//
// OTLP becomes Prometheus by Prometheus' own translator. A metric gets its
// unit and kind as a suffix, dots become underscores:
//
//	http.server.request.duration, unit s, histogram
//	  -> http_server_request_duration_seconds_{bucket,sum,count}
//	shop.orders, counter -> shop_orders_total
//
// The attributes of a data point become labels the same way. Of the resource,
// every series carries:
//
//	service_name     service.name, or "unknown_service" when the sender gave none
//	service_version  service.version; no label (which PromQL matches as "") without one
//	job              service.namespace/service.name, or service.name
//	instance         service.instance.id; without it the pod name, or host:pid
//
// The remaining resource attributes are labels of target_info. So a rate reads
//
//	sum(rate(http_server_request_duration_seconds_count{service_name="checkout"}[30s]))
//
// An exponential histogram becomes a native one, a series of its own that
// histogram_quantile, histogram_count and histogram_sum read. Exemplars are left
// out, since nothing reads them.
//
// # Deltas
//
// PromQL's counters are running totals, so points of delta temporality are summed
// up, series by series, each total beginning with a zero at its start. A delta
// that comes again, because its answer was lost, counts once. A restart forgets
// the totals, and so does an hour without a point: the next one looks like a
// sender that started anew, which rate and increase know how to read.
//
// # What is refused
//
// Samples further in the future than ten minutes, because one sender with a wrong
// clock would make everybody else's samples too old. Samples older than the
// out-of-order window behind the newest. A second value for a time that is the
// newest of its series; the same value again is no error. Deltas that come late,
// and counts that do not add up. New series when there are too many. The rest of
// such a request is stored all the same, and the error says how much was not.
//
// # When the disk fails
//
// What was acknowledged is in the log and survives a SIGKILL (a power cut may
// take the last seconds: the log is not synced each time). When the log cannot be
// written, appends are refused as Unavailable while queries go on; once the disk
// takes writes again, the next append cuts the log at the damage, opens it anew,
// and goes on.
package metrics
