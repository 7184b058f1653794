package measured

// typed is one metric a diagnosis knows, and the queries that may answer for
// it, the first that gives anything counts. $r stands for a range that holds
// several samples, $by for the labels that tell services apart.
type typed struct {
	metric, stat string
	queries      []string
}

// counter is the rate of a counter under any of its names.
func counter(metric, stat string, names ...string) typed {
	t := typed{metric: metric, stat: stat}
	for _, n := range names {
		t.queries = append(t.queries, "sum by ($by) (rate("+n+"[$r]))")
	}
	return t
}

// gauge is the sum over a service's instances; peak the largest of them.
func gauge(metric string, names ...string) typed { return over("sum", metric, names) }

func peak(metric string, names ...string) typed { return over("max", metric, names) }

func over(how, metric string, names []string) typed {
	t := typed{metric: metric, stat: "value"}
	for _, n := range names {
		t.queries = append(t.queries, how+" by ($by) ("+n+")")
	}
	return t
}

// quantile is a quantile of a classic histogram.
func quantile(metric, stat, q string, names ...string) typed {
	t := typed{metric: metric, stat: stat}
	for _, n := range names {
		t.queries = append(t.queries, "histogram_quantile("+q+", sum by ($by, le) (rate("+n+"_bucket[$r])))")
	}
	return t
}

// mean is the mean of a classic histogram or summary.
func mean(metric string, names ...string) typed {
	t := typed{metric: metric, stat: "avg"}
	for _, n := range names {
		t.queries = append(t.queries, "sum by ($by) (rate("+n+"_sum[$r])) / sum by ($by) (rate("+n+"_count[$r]))")
	}
	return t
}

// ratio is the share of one counter in another.
func ratio(metric string, parts ...[2]string) typed {
	t := typed{metric: metric, stat: "ratio"}
	for _, p := range parts {
		part, whole := "sum by ($by) (rate("+p[0]+"[$r]))", "sum by ($by) (rate("+p[1]+"[$r]))"
		t.queries = append(t.queries, "("+part+" or 0 * "+whole+") / "+whole) // nothing of it is 0, as long as there is the whole
	}
	return t
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
		peak("heap", `go_memory_used_bytes{go_memory_type="other"}`, "go_memstats_heap_alloc_bytes", `jvm_memory_used_bytes{jvm_memory_type="heap"}`),
		counter("alloc_bytes_per_second", "rate", "go_memory_allocated_bytes_total", "go_memstats_alloc_bytes_total", "jvm_gc_memory_allocated_bytes_total"),
		{"go_gc_cpu_ratio", "ratio", []string{
			"max by ($by) (go_gc_cpu_ratio)",
			"sum by ($by) (rate(go_cpu_time_seconds_total{go_cpu_state=\"gc\"}[$r])) / sum by ($by) (rate(process_cpu_time_seconds_total[$r]))",
			"sum by ($by) (rate(go_cpu_classes_gc_total_cpu_seconds_total[$r])) / sum by ($by) (rate(process_cpu_seconds_total[$r]))",
			"sum by ($by) (rate(jvm_gc_duration_seconds_sum[$r]))",
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
		{"cache_hit_ratio", "ratio", []string{
			"sum by ($by) (rate(cache_hits_total[$r])) / (sum by ($by) (rate(cache_hits_total[$r])) + sum by ($by) (rate(cache_misses_total[$r])))",
			"sum by ($by) (rate(redis_keyspace_hits_total[$r])) / (sum by ($by) (rate(redis_keyspace_hits_total[$r])) + sum by ($by) (rate(redis_keyspace_misses_total[$r])))",
		}},
		counter("retries", "rate", "http_client_request_retries_total", "rpc_client_retries_total"),
		counter("client_timeouts", "rate", "http_client_request_timeouts_total"),
		gauge("queue_depth", "queue_depth", "messaging_queue_depth", "kafka_consumergroup_lag"),
		counter("tcp_retransmits", "rate", "tcp_retransmits_total", "node_netstat_Tcp_RetransSegs"),
		{"node_cpu", "value", []string{
			"avg by ($by) (system_cpu_utilization_ratio)",
			`1 - avg by ($by) (rate(node_cpu_seconds_total{mode="idle"}[$r]))`,
		}},
		peak("node_cpu_pressure", "system_cpu_pressure_ratio", "rate(node_pressure_cpu_waiting_seconds_total[$r])"),
		gauge("disk_used_ratio", "1 - node_filesystem_avail_bytes / node_filesystem_size_bytes"),
	}
}
