package measured

import "strings"

// typed is one metric a diagnosis knows, and the ways in which exporters tell
// it. Each service is read by the first way that it exports.
type typed struct {
	metric, stat string
	ways         []way
}

// way is how a metric is asked for. The queries part and whole are grouped by
// job (byJob); $r stands for a range that holds several samples. What several
// jobs say of one service is added up, or the largest of it taken (peak), before
// part is divided by whole.
type way struct {
	counter     string // a counter that is read here: how often it is sampled decides on $r; "": nothing is read over a range
	part, whole string // whole "": part is the answer
	peak        bool
	zero        bool   // where there is a whole and no part, the part is 0
	q           string // a quantile of the histogram whose count is counter, instead of part and whole
}

// rate is the sum of the rates of a counter.
func rate(selector string) string { return sum("rate(" + selector + "[$r])") }

func sum(x string) string { return "sum by (" + byJob + ") (" + x + ")" }

// name is of a selector.
func name(selector string) string {
	n, _, _ := strings.Cut(selector, "{")
	return n
}

func all(metric, stat string, names []string, how func(name string) way) typed {
	t := typed{metric: metric, stat: stat}
	for _, n := range names {
		t.ways = append(t.ways, how(n))
	}
	return t
}

// counter is the rate of a counter under any of its names, the sum over a
// service's instances.
func counter(metric, stat string, names ...string) typed {
	return all(metric, stat, names, func(n string) way { return way{counter: name(n), part: rate(n)} })
}

// gauge is the sum over a service's instances: of what they have each.
func gauge(metric string, names ...string) typed {
	return all(metric, "value", names, func(n string) way { return way{part: sum(n)} })
}

// peak is the largest of a service's instances: of what has a limit for each.
func peak(metric string, names ...string) typed {
	return all(metric, "value", names, func(n string) way { return highest(n) })
}

func highest(x string) way { return way{part: "max by (" + byJob + ") (" + x + ")", peak: true} }

// level is the mean over a service's instances: of shares of equal things.
func level(x string) way {
	return way{part: sum(x), whole: "count by (" + byJob + ") (" + x + ")"}
}

// over says which counter a way reads.
func (w way) over(counter string) way {
	w.counter = counter
	return w
}

// quantile is a quantile of a classic histogram: the buckets of all instances
// are added up first.
func quantile(metric, stat, q string, names ...string) typed {
	return all(metric, stat, names, func(n string) way { return way{counter: n + "_count", q: q} })
}

// mean is the mean of a classic histogram or summary, each observation alike.
func mean(metric string, names ...string) typed {
	return all(metric, "avg", names, func(n string) way {
		return way{counter: n + "_count", part: rate(n + "_sum"), whole: rate(n + "_count")}
	})
}

// ratio is the share of one counter in another; nothing of it is 0, as long as
// there is the whole.
func ratio(metric string, parts ...[2]string) typed {
	t := typed{metric: metric, stat: "ratio"}
	for _, p := range parts {
		t.ways = append(t.ways, way{counter: name(p[1]), part: rate(p[0]), whole: rate(p[1]), zero: true})
	}
	return t
}

// share is the share of one counter in others; all of them must be there.
func share(part string, of ...string) way {
	w := way{counter: name(part), part: rate(part)}
	for i, n := range of {
		if i > 0 {
			w.whole += " + "
		}
		w.whole += rate(n)
	}
	return w
}

// known lists every metric with its names.
func known() []typed {
	const served, asked = "http_server_request_duration_seconds", "http_client_request_duration_seconds"
	return []typed{
		counter("requests", "rate", served+"_count", "rpc_server_duration_seconds_count", "http_requests_total"),
		ratio("errors", [2]string{served + `_count{http_response_status_code=~"5.."}`, served + "_count"},
			[2]string{`http_requests_total{code=~"5.."}`, "http_requests_total"}),
		mean("latency_seconds", served, "rpc_server_duration_seconds"),
		quantile("latency_seconds", "p99", "0.99", served, "rpc_server_duration_seconds"),
		mean("client_latency_seconds", asked),
		counter("cpu_cores", "value", "process_cpu_time_seconds_total", "process_cpu_seconds_total", "container_cpu_usage_seconds_total"),
		ratio("cpu_throttled_ratio", [2]string{"container_cpu_cfs_throttled_periods_total", "container_cpu_cfs_periods_total"}),
		peak("memory", "process_memory_usage_bytes", "process_resident_memory_bytes", "container_memory_working_set_bytes"),
		peak("memory_limit", "container_memory_limit_bytes", "container_spec_memory_limit_bytes", "go_memory_limit_bytes"),
		peak("heap", `go_memory_used_bytes{go_memory_type="other"}`, "go_memstats_heap_alloc_bytes",
			`sum by (`+byJob+`, instance) (jvm_memory_used_bytes{jvm_memory_type="heap"})`), // a series for each of its pools
		counter("alloc_bytes_per_second", "rate", "go_memory_allocated_bytes_total", "go_memstats_alloc_bytes_total", "jvm_gc_memory_allocated_bytes_total"),
		{"go_gc_cpu_ratio", "ratio", []way{
			highest("go_gc_cpu_ratio"),
			share(`go_cpu_time_seconds_total{go_cpu_state="gc"}`, "process_cpu_time_seconds_total"),
			share("go_cpu_classes_gc_total_cpu_seconds_total", "process_cpu_seconds_total"),
			level("sum by (" + byJob + ", instance) (rate(jvm_gc_duration_seconds_sum[$r]))").over("jvm_gc_duration_seconds_sum"),
		}},
		quantile("sched_latency_seconds", "p99", "0.99", "go_schedule_duration_seconds", "go_sched_latencies_seconds"),
		counter("mutex_wait_seconds", "rate", "go_sync_mutex_wait_time_seconds_total", "go_sync_mutex_wait_total_seconds_total"),
		gauge("goroutines", "go_goroutine_count", "go_goroutines"),
		gauge("threads", "go_threads", "jvm_thread_count"),
		peak("uptime_seconds", "process_uptime_seconds", "time() - process_start_time_seconds"),
		counter("restarts", "rate", "kube_pod_container_status_restarts_total"),
		peak("db_pool_in_use", `db_client_connection_count{db_client_connection_state="used"}`, "go_sql_in_use_connections", "hikaricp_connections_active"),
		peak("db_pool_max_conns", "db_client_connection_max", "go_sql_max_open_connections", "hikaricp_connections_max"),
		mean("db_pool_wait_seconds", "db_client_connection_wait_time_seconds", "hikaricp_connections_acquire_seconds"),
		counter("db_pool_wait_seconds", "rate", "go_sql_wait_duration_seconds_total"),
		peak("http_pool_in_use", "http_client_active_requests"),
		peak("http_pool_max_conns", "http_client_connection_max"),
		mean("http_pool_wait_seconds", "http_client_request_time_in_queue_seconds"),
		{"cache_hit_ratio", "ratio", []way{
			share("cache_hits_total", "cache_hits_total", "cache_misses_total"),
			share("redis_keyspace_hits_total", "redis_keyspace_hits_total", "redis_keyspace_misses_total"),
		}},
		counter("retries", "rate", "http_client_request_retries_total", "rpc_client_retries_total"),
		counter("client_timeouts", "rate", "http_client_request_timeouts_total"),
		gauge("queue_depth", "queue_depth", "messaging_queue_depth", "kafka_consumergroup_lag"),
		counter("tcp_retransmits", "rate", "tcp_retransmits_total", "node_netstat_Tcp_RetransSegs"),
		{"node_cpu", "value", []way{
			level(`1 - system_cpu_utilization_ratio{cpu_mode="idle"}`), // by state: all states together are always 1
			level(`1 - system_cpu_utilization_ratio{system_cpu_state="idle"}`),
			level(`1 - system_cpu_utilization_ratio{state="idle"}`),
			level(`system_cpu_utilization_ratio{cpu_mode="",system_cpu_state="",state=""}`),
			level(`1 - rate(node_cpu_seconds_total{mode="idle"}[$r])`).over("node_cpu_seconds_total"),
		}},
		{"node_cpu_pressure", "value", []way{
			highest("system_cpu_pressure_ratio"),
			highest("rate(node_pressure_cpu_waiting_seconds_total[$r])").over("node_pressure_cpu_waiting_seconds_total"),
		}},
		peak("system_cpu_logical_count", "system_cpu_logical_count", "machine_cpu_cores"),
		gauge("go_processor_limit", "go_processor_limit", "go_sched_gomaxprocs_threads"),
		peak("disk_used_ratio", "1 - node_filesystem_avail_bytes / node_filesystem_size_bytes"), // of the fullest disk
	}
}
