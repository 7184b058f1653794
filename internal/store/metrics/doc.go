// Package metrics is the embedded metrics store: Prometheus' time series
// database and PromQL engine behind Pitwall's own words, and the one home of
// both.
//
// In come raw OTLP metrics export requests and PromQL; out go pitwall.Series.
// It knows nothing of SLOs, services' meaning or who asks.
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
// # What is refused
//
// Delta temporality: Prometheus counters are cumulative. Samples further in the
// future than ten minutes, because one sender with a wrong clock would make
// everybody else's samples too old. Samples older than the out-of-order window
// behind the newest. The rest of such a request is stored all the same, and the
// error says how many samples were not.
package metrics
