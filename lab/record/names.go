package record

// how a stream's points become one number per interval.
type how int

const (
	value   how = iota // its mean, of the busiest process
	rate               // gain per second, all instances together
	average            // of a histogram
	p99                // of a histogram
	share              // gain divided by gain of itself and of with, all instances together
	skip               // not written: the spans say it exactly
)

// meaning is how one metric of the wire is called in a case.
type meaning struct {
	wire         string // its name on the wire
	attr, is     string // only points whose attribute attr is this; "" takes all
	metric, stat string
	how          how
	with         string // share: the other metric
}

// meanings (read-only) are the metrics a case has a word for; the rest is
// written under its own name. Names on the wire follow the OpenTelemetry
// semantic conventions where there are any.
var meanings = []meaning{
	{wire: "http.server.request.duration", how: skip},
	{wire: "http.client.request.duration", how: skip},
	{wire: "http.server.response.body.size", metric: "response_body_bytes", stat: "avg", how: average},
	{wire: "http.server.request.body.size", metric: "request_body_bytes", stat: "avg", how: average},
	{wire: "http.client.request.body.size", how: skip},

	{wire: cpuTime, metric: "cpu_cores", stat: "value", how: rate},
	{wire: "process.memory.usage", metric: "memory", stat: "value", how: value},
	{wire: "process.memory.limit", metric: "memory_limit", stat: "value", how: value},
	{wire: "container.memory.limit", metric: "memory_limit", stat: "value", how: value},
	{wire: "go.memory.limit", metric: "memory_limit", stat: "value", how: value},
	{wire: "process.uptime", metric: "uptime_seconds", stat: "value", how: value},
	{wire: "process.thread.count", metric: "threads", stat: "value", how: value},

	{wire: "go.memory.used", attr: "go.memory.type", is: "other", metric: "heap", stat: "value", how: value},
	{wire: "go.memory.allocated", metric: "alloc_bytes_per_second", stat: "value", how: rate},
	{wire: "go.memory.allocations", metric: "alloc_objects_per_second", stat: "value", how: rate},
	{wire: "go.goroutine.count", metric: "goroutines", stat: "value", how: value},
	{wire: "go.schedule.duration", metric: "sched_latency_seconds", stat: "p99", how: p99},
	{wire: "go.schedule.duration", metric: "sched_latency_seconds", stat: "avg", how: average},
	{wire: "go.sync.mutex.wait.time", metric: "mutex_wait_seconds", stat: "rate", how: rate},
	{wire: "go.gc.cpu.ratio", metric: "go_gc_cpu_ratio", stat: "ratio", how: value},
	{wire: "go.gc.cpu.time", how: skip}, // by the runtime's own clock, which is not the system's

	{wire: "db.client.connection.count", attr: "db.client.connection.state", is: "used", metric: "db_pool_in_use", stat: "value", how: value},
	{wire: "db.client.connection.max", metric: "db_pool_max_conns", stat: "value", how: value},
	{wire: "db.client.connection.wait_time", metric: "db_pool_wait_seconds", stat: "avg", how: average},
	{wire: "db.client.connection.wait_time", metric: "db_pool_wait_seconds", stat: "p99", how: p99},
	{wire: "db.client.connection.pending_requests", metric: "db_pool_waiting", stat: "value", how: value},

	{wire: "http.client.active_requests", metric: "http_pool_in_use", stat: "value", how: value},
	{wire: "http.client.connection.max", metric: "http_pool_max_conns", stat: "value", how: value},
	{wire: "http.client.request.time_in_queue", metric: "http_pool_wait_seconds", stat: "avg", how: average},
	{wire: "http.client.request.time_in_queue", metric: "http_pool_wait_seconds", stat: "p99", how: p99},

	{wire: "cache.hits", metric: "cache_hit_ratio", stat: "ratio", how: share, with: "cache.misses"},
	{wire: "cache.misses", metric: "cache_misses", stat: "rate", how: rate},
	{wire: "http.client.request.retries", metric: "retries", stat: "rate", how: rate},
	{wire: "http.client.request.timeouts", metric: "client_timeouts", stat: "rate", how: rate},

	{wire: "system.cpu.utilization", metric: "node_cpu", stat: "value", how: value},
	{wire: "system.cpu.pressure", metric: "node_cpu_pressure", stat: "value", how: value},
	{wire: "system.memory.utilization", metric: "node_memory", stat: "value", how: value},
	{wire: "system.process.count", attr: "process.status", is: "running", metric: "node_run_queue", stat: "value", how: value},
	{wire: "tcp.retransmits", metric: "tcp_retransmits", stat: "rate", how: rate},
}

// meaningsOf are the words for a metric of the wire; none is nil.
func meaningsOf(wire string) []meaning {
	var out []meaning
	for _, m := range meanings {
		if m.wire == wire {
			out = append(out, m)
		}
	}
	return out
}
