package promapi

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// when is the instant most queries ask about, and from and until the period.
func when() time.Time  { return start.Add(70*time.Minute + 7*time.Second) }
func from() time.Time  { return start.Add(20*time.Minute + 7*time.Second) }
func until() time.Time { return start.Add(75*time.Minute + 7*time.Second) }

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// params makes parameters of name, value, name, value...
func params(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// querySet is what Grafana's Prometheus data source sends: the health check
// and probes of its settings page, its panels, its variables, its query
// builder; and what a person mistypes there.
func querySet() (all []exchange) {
	for _, q := range instantQueries() {
		all = append(all, exchange{path: "query", params: params("query", q, "time", unix(when()))})
	}
	for _, q := range rangeQueries() {
		all = append(all, exchange{method: http.MethodPost, path: "query_range", params: params("query", q, "start", unix(from()), "end", unix(until()), "step", "60")})
	}
	for _, q := range badQueries() {
		all = append(all, exchange{path: "query", params: params("query", q, "time", unix(when()))})
	}
	all = append(all, exchange{path: "query", unordered: true, params: params("time", unix(when()),
		"query", `histogram_quantile(0.95, sum by (le, service) (rate(http_request_duration_seconds_bucket[5m])))`)})
	all = append(all, probes()...)
	all = append(all, variables()...)
	return append(all, parameters()...)
}

func instantQueries() []string {
	return []string{
		`1+1`, `"a string"`, `time()`, `vector(1)`, `scalar(sum(up))`, `-1 ^ 0.5`, `1/0`, `0/0`, `pi()`,
		`up`, `up == 1`, `up == bool 1`, `count(up)`, `absent(up)`, `absent(nothing{job="x"})`, `nothing`,
		`absent_over_time(nothing[5m])`, `present_over_time(up[5m])`,
		`sum by (service) (rate(http_requests_total[5m]))`,
		`sum without (instance, code, method) (rate(http_requests_total[5m]))`,
		`sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))`,
		`sum by (service) (rate(http_requests_total{code=~"5.."}[5m])) / on (service) sum by (service) (rate(http_requests_total[5m]))`,
		`topk(3, sum by (service, code) (rate(http_requests_total[5m])))`,
		`bottomk(2, process_resident_memory_bytes)`,
		`sort_desc(sum by (service) (increase(http_requests_total[1h])))`, `sort(node_cpu_temperature)`,
		`histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket[10m])))`,
		`sum by (service) (rate(http_request_duration_seconds_sum[5m])) / sum by (service) (rate(http_request_duration_seconds_count[5m]))`,
		`label_replace(up, "host", "$1", "instance", "(.*):.*")`, `label_join(up, "both", "/", "job", "instance")`,
		`process_resident_memory_bytes offset 10m`, `process_resident_memory_bytes offset -5m`,
		`process_resident_memory_bytes @ 1772368800`, `process_resident_memory_bytes @ end()`,
		`max_over_time(rate(http_requests_total{service="cart",code="200"}[5m])[30m:1m])`,
		`avg_over_time(node_cpu_temperature[10m])`, `quantile_over_time(0.9, node_cpu_temperature[30m])`, `stddev_over_time(node_cpu_temperature[30m])`,
		`min_over_time(node_cpu_temperature[30m:])`, `last_over_time(up[40m])`, `count_over_time(up[40m])`,
		`delta(node_cpu_temperature[10m])`, `deriv(process_resident_memory_bytes[10m])`, `predict_linear(process_resident_memory_bytes[30m], 3600)`,
		`irate(http_requests_total{service="checkout",method="GET"}[5m])`, `idelta(node_cpu_temperature[5m])`,
		`resets(http_requests_total[1h])`, `changes(up[1h])`,
		`odd_value`, `odd_label`, `round(odd_value, 0.1)`, `clamp(odd_value, 0, 10)`, `sgn(odd_value)`, `count_values("v", build_info)`,
		`http_requests_total * on (service) group_left (version) build_info`,
		`group by (job) (up)`, `quantile(0.5, node_cpu_temperature)`, `stdvar(node_cpu_temperature)`, `avg(process_resident_memory_bytes)`,
		`up and on (instance) process_resident_memory_bytes > 1e8`, `up unless on (instance) (node_cpu_temperature > 45)`, `up or node_cpu_temperature`,
		`hour(vector(1772368800))`, `day_of_week()`, `timestamp(up)`, `month(timestamp(up))`,
		`ceil(node_cpu_temperature)`, `exp(vector(1))`, `ln(vector(10))`, `log2(vector(8))`, `sqrt(vector(2))`, `deg(vector(1))`,
		`up[2m]`, `node_cpu_temperature[1m] offset 3m`, `rate(http_requests_total{service="cart"}[5m])[10m:2m]`,
		`rpc_duration_seconds`, `rpc_duration_seconds[1m]`, `rate(rpc_duration_seconds[5m])`, `histogram_quantile(0.9, sum(rate(rpc_duration_seconds[5m])))`,
		`histogram_count(rpc_duration_seconds)`, `histogram_sum(sum(rpc_duration_seconds))`, `sum(rate(rpc_duration_seconds[5m]))`,
		`{__name__=~"http_request_duration_seconds_(sum|count)"}`, `{job!="",__name__="up",instance!~".*2:.*"}`,
		`old_total`, `old_total offset 5h30m`, `sum(old_total @ 1772348400)`,
		`count({__name__!=""})`, `# a comment` + "\n" + `up`,
		`count_over_time(up{instance="10.0.0.1:8080"}[1m])`,
		`rate(node_cpu_temperature[5m])`, `count(odd_label{path=~"line.break.*"})`, `count({"up"})`, `count(holt_winters(node_cpu_temperature[10m], 0.5, 0.5))`,
	}
}

func rangeQueries() []string {
	return []string{
		`sum by (service) (rate(http_requests_total[5m]))`,
		`sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))`,
		`histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))`,
		`topk(2, sum by (service, code) (rate(http_requests_total[5m])))`,
		`process_resident_memory_bytes`, `up`, `up == 0`, `absent(up{instance="10.0.0.3:8080"})`, `vector(1)`, `time()`, `1+1`, `scalar(sum(up))`,
		`increase(http_requests_total{service="checkout",method="POST",code="200"}[1m])`,
		`http_requests_total{service="checkout",method="GET",code="404"}`,
		`avg_over_time(node_cpu_temperature[10m:30s])`, `node_cpu_temperature @ start()`, `node_cpu_temperature offset 1h`,
		`count by (job) (up)`, `label_replace(sum by (service) (up), "a", "b", "", "")`, `odd_value`, `odd_label`,
		`rpc_duration_seconds`, `sum(rate(rpc_duration_seconds[5m]))`, `histogram_sum(rate(rpc_duration_seconds[5m]))`,
		`predict_linear(process_resident_memory_bytes[30m], 3600)`, `nothing`, `max(node_cpu_temperature) by (job) > bool 45`,
		`up offset -10m`, `sum_over_time(up[5m])`, `http_requests_total{service="cart"} > on (service, method, code, instance) http_requests_total{service="cart"} offset 5m`,
		`day_of_year()`, `clamp_max(rate(http_requests_total{instance="10.0.0.1:8080",code="200"}[2m]), 0.5)`,
	}
}

func badQueries() []string {
	return []string{
		``, `up{`, `sum(`, `rate(up)`, `up + "a"`, `nosuch(up)`, `up{job=~"("}`, `{}`, `{job=~".*"}`, `up[5m] offset`, `1 + `, `up[5m] + 1`,
		`up * on (job) http_requests_total`, `up * node_cpu_temperature * on (job) group_left up`, `label_replace(up, "a-b\xff", "b", "", "")`, `topk("a", up)`,
		`sum by (service (up)`, `up @ "x"`, `up[0s]`, `histogram_quantile(up)`, `build_info + on () build_info`, `quantile(2, up)`,
	}
}

// probes are what the settings page of the data source sends, and others
// before the first query.
func probes() []exchange {
	return []exchange{
		{method: http.MethodPost, path: "query", params: params("query", "1+1", "time", "4")},
		{path: "status/buildinfo"},
		{path: "rules"}, {path: "rules", params: params("type", "alert")}, {path: "rules", params: params("type", "nonsense")},
		{path: "alerts"}, {path: "targets"}, {path: "targets", params: params("state", "active")},
		{path: "status/tsdb"},
		{path: "metadata"}, {path: "metadata", params: params("metric", "up", "limit", "1")}, {path: "metadata", params: params("limit", "x")},
		{path: "format_query", params: params("query", `sum(rate(http_requests_total{code=~"5.."}[5m])) by (service) / sum(rate(http_requests_total[5m])) by (service)`)},
		{path: "format_query", params: params("query", `up{`)},
		{method: http.MethodPost, path: "format_query", params: params("query", `a+b   *c`)},
		{path: "query_exemplars", params: params("query", "up", "start", unix(from()), "end", unix(until()))},
		{method: http.MethodPost, path: "query_exemplars", params: params("query", "up{", "start", unix(from()), "end", unix(until()))},
		{path: "query_exemplars", params: params("query", "up", "start", unix(until()), "end", unix(from()))},
		{path: "query_exemplars", params: params("query", "1")},
	}
}

// variables are what fills Grafana's drop-down lists.
func variables() []exchange {
	span := []string{"start", unix(from()), "end", unix(until())}
	in := func(more ...string) url.Values { return params(append(more, span...)...) }
	return []exchange{
		{path: "labels"}, {path: "labels", params: in()}, {method: http.MethodPost, path: "labels", params: in()},
		{path: "labels", params: in("match[]", "up")}, {path: "labels", params: in("match[]", "up", "match[]", `build_info{version="v40"}`)},
		{path: "labels", params: params("start", unix(start.Add(-7*time.Hour)), "end", unix(start.Add(-5*time.Hour)))},
		{path: "labels", params: in("match[]", "up{")}, {path: "labels", params: in("match[]", "{}")}, {path: "labels", params: params("start", "yesterday")},
		{path: "label/__name__/values"}, {path: "label/__name__/values", params: in()}, {path: "label/job/values", params: in()},
		{path: "label/instance/values", params: in("match[]", "up")}, {path: "label/service/values", params: in("match[]", `http_requests_total{code="500"}`, "match[]", "build_info")},
		{path: "label/nothing/values"}, {path: "label/path/values"}, {path: "label/le/values", params: in()},
		{path: "label/bad-name/values"}, {path: "label/job/values", params: in("match[]", "{")},
		{path: "label/U__http_2e_route/values"},
		{path: "label/service/values", params: params("start", unix(start.Add(-7*time.Hour)), "end", unix(start.Add(-5*time.Hour)))},
		{path: "series", params: in("match[]", "up")}, {method: http.MethodPost, path: "series", params: in("match[]", "up")},
		{path: "series", params: in("match[]", "up", "match[]", "build_info")}, {path: "series", params: in("match[]", "http_requests_total")},
		{path: "series", params: in("match[]", `{__name__=~"http_.*",service="cart"}`)}, {path: "series", params: params("match[]", "old_total")},
		{path: "series", params: params("match[]", `{service="cart"}`)}, {path: "series", params: in("match[]", "old_total")},
		{path: "series", params: in("match[]", "odd_label")}, {path: "series"}, {path: "series", params: in("match[]", "rate(up[5m])")}, {path: "series", params: in("match[]", `{job=~".*"}`)},
		{path: "series", params: params("match[]", "up", "start", "2026-03-01T12:00:00Z", "end", "2026-03-01T12:00:10.5Z")},
	}
}

// parameters are the forms and faults of the other parameters.
func parameters() []exchange {
	ranged := func(more ...string) exchange {
		p := params("query", "up", "start", unix(from()), "end", unix(until()), "step", "60")
		for i := 0; i < len(more); i += 2 {
			p.Set(more[i], more[i+1])
		}
		return exchange{path: "query_range", params: p}
	}
	one := func(more ...string) exchange {
		return exchange{path: "query", params: params(append([]string{"query", "1+1", "time", "4"}, more...)...)}
	}
	at := func(more ...string) exchange {
		return exchange{path: "query", params: params(append([]string{"query", "up"}, more...)...)}
	}
	return []exchange{
		at("time", "2026-03-01T13:10:07Z"), at("time", "2026-03-01T14:10:07.123+01:00"), at("time", "1772370607.25"), at("time", "1772370607.001"), at("time", "noon"), at("time", "-5"),
		at("time", unix(when()), "timeout", "30s"), at("time", unix(when()), "timeout", "0.000000001"), at("time", unix(when()), "timeout", "soon"),
		at("time", unix(when()), "lookback_delta", "10s"), one("lookback_delta", "x"), at("time", unix(when()), "stats", "all"), at("time", unix(when()), "limit", "2"), one("time", "NaN"), one("time", "1e300"),
		one("limit", "-1"), {path: "series", params: params("match[]", "build_info", "limit", "1")}, onTheEdge(),
		ranged(), ranged("step", "1m"), ranged("step", "0.5"), ranged("step", "15.5"), ranged("step", "0"), ranged("step", "-5"), ranged("step", "x"), ranged("step", ""),
		ranged("step", "0.1"), ranged("step", "0.0000001", "end", unix(from())), ranged("start", ""), ranged("end", "x"), ranged("start", unix(until()), "end", unix(from())), ranged("start", unix(until())),
		ranged("start", "2026-03-01T12:20:07Z", "end", "2026-03-01T12:30:07Z", "step", "1m30s"), ranged("query", `up{`), ranged("query", `up[5m]`), ranged("query", `"text"`),
		ranged("timeout", "0.000000001"), ranged("lookback_delta", "1m"), ranged("step", "1e30"), ranged("query", "up * on (job) http_requests_total"),
	}
}

// onTheEdge asks for a range whose beginning is the time of a sample.
func onTheEdge() exchange {
	for n, l := range shop() {
		if l.labels.Get("__name__") == "up" {
			ms := at(n, 100)
			return exchange{path: "query", params: params("query", `count_over_time(up{instance="10.0.0.1:8080"}[1m])`, "time", fmt.Sprintf("%d.%03d", ms/1000, ms%1000))}
		}
	}
	return exchange{}
}

// greedy are queries that read more samples than few.
func greedy() []exchange {
	return []exchange{
		{path: "query", params: params("query", "http_requests_total[20m]", "time", unix(when()))},
		{path: "query", params: params("query", "sum(count_over_time(up[70m:1s]))", "time", unix(when()))},
		{method: http.MethodPost, path: "query_range", params: params("query", "http_requests_total", "start", unix(from()), "end", unix(until()), "step", "15")},
		{path: "query", params: params("query", "up", "time", unix(when()))},
	}
}
