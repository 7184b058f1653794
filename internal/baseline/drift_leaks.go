package baseline

import (
	"slices"
	"strings"
)

// LeakKind is what leaks.
type LeakKind string

// The kinds of leaks and of slow growth.
const (
	LeakHeap        LeakKind = "heap"        // memory the runtime holds
	LeakMemory      LeakKind = "memory"      // memory the process or container holds
	LeakGoroutines  LeakKind = "goroutines"  // goroutines
	LeakThreads     LeakKind = "threads"     // threads of the system
	LeakConnections LeakKind = "connections" // of a pool, to a server
	LeakFiles       LeakKind = "files"       // open file descriptors or handles
	LeakStorage     LeakKind = "storage"     // disks, volumes, databases
	LeakCardinality LeakKind = "cardinality" // series of the metrics store
	LeakPayload     LeakKind = "payload"     // bytes of a request or response: week over week
	LeakQueue       LeakKind = "queue"       // work that waits
)

// Leak is a metric that should not creep.
type Leak struct {
	Kind   LeakKind
	Metric string // as OpenTelemetry's conventions or the Prometheus client spell it
	// Select keeps the series that matter, "attribute=value"; empty: all of them.
	// What is told apart by other attributes, such as memory pools, is added up.
	Select string
	// Limit is the metric that gives the limit, in the same unit; empty: none does.
	// For a falling metric the limit is 0.
	Limit string
	// Falling: free room, so that a fall is the trouble.
	Falling bool
	// Teeth: it falls back by itself, so that its lower edge counts.
	Teeth bool
	// PerRequest: it goes with the traffic, which must be taken into account.
	PerRequest bool
	// Week: it is compared week over week rather than searched for a trend.
	Week bool
}

// Leaks are the metrics known to creep, in the order of what is best to look at:
// what is left after a collection before what is held at any time. The names are
// those of OpenTelemetry's semantic conventions (runtime, process, database, system,
// Kubernetes) with their predecessors where these are still sent, and of the
// Prometheus clients and exporters. V8's heap.limit is no limit but the size now
// in use, and goes without.
func Leaks() []Leak {
	return slices.Concat(memoryLeaks(), handleLeaks(), growth())
}

func memoryLeaks() []Leak {
	return []Leak{
		// The goal of the next collection follows what the last one left.
		{Kind: LeakHeap, Metric: "go.memory.gc.goal", Limit: "go.memory.limit", PerRequest: true},
		{Kind: LeakHeap, Metric: "go_gc_heap_live_bytes", Limit: "go_gc_gomemlimit_bytes", PerRequest: true},
		{Kind: LeakHeap, Metric: "go_memstats_next_gc_bytes", Limit: "go_gc_gomemlimit_bytes", PerRequest: true},
		{Kind: LeakHeap, Metric: "go.memory.used", Limit: "go.memory.limit", Teeth: true, PerRequest: true},
		{Kind: LeakHeap, Metric: "go_memstats_heap_inuse_bytes", Limit: "go_gc_gomemlimit_bytes", Teeth: true, PerRequest: true},
		{Kind: LeakHeap, Metric: "go_memstats_heap_alloc_bytes", Limit: "go_gc_gomemlimit_bytes", Teeth: true, PerRequest: true},
		{Kind: LeakHeap, Metric: "process.runtime.go.mem.heap_inuse", Teeth: true, PerRequest: true}, // before semconv 1.26
		{Kind: LeakHeap, Metric: "process.runtime.go.mem.heap_alloc", Teeth: true, PerRequest: true},
		{Kind: LeakHeap, Metric: "jvm.memory.used_after_last_gc", Select: "jvm.memory.type=heap", Limit: "jvm.memory.limit", PerRequest: true},
		{Kind: LeakHeap, Metric: "jvm.memory.used", Select: "jvm.memory.type=heap", Limit: "jvm.memory.limit", Teeth: true, PerRequest: true},
		{Kind: LeakHeap, Metric: "jvm_memory_used_bytes", Select: "area=heap", Limit: "jvm_memory_max_bytes", Teeth: true, PerRequest: true},
		{Kind: LeakHeap, Metric: "dotnet.gc.last_collection.heap.size", PerRequest: true},
		{Kind: LeakHeap, Metric: "v8js.memory.heap.used", Teeth: true, PerRequest: true},
		{Kind: LeakHeap, Metric: "nodejs_heap_size_used_bytes", Teeth: true, PerRequest: true},
		{Kind: LeakMemory, Metric: "dotnet.process.memory.working_set", Teeth: true, PerRequest: true},
		{Kind: LeakMemory, Metric: "process.memory.usage", Teeth: true, PerRequest: true},
		{Kind: LeakMemory, Metric: "process_resident_memory_bytes", Teeth: true, PerRequest: true},
		{Kind: LeakMemory, Metric: "container.memory.working_set", Limit: "k8s.container.memory.limit", Teeth: true, PerRequest: true},
		{Kind: LeakMemory, Metric: "container_memory_working_set_bytes", Limit: "container_spec_memory_limit_bytes", Teeth: true, PerRequest: true},
	}
}

func handleLeaks() []Leak {
	return []Leak{
		{Kind: LeakGoroutines, Metric: "go.goroutine.count", PerRequest: true},
		{Kind: LeakGoroutines, Metric: "go_goroutines", PerRequest: true},
		{Kind: LeakGoroutines, Metric: "process.runtime.go.goroutines", PerRequest: true},
		{Kind: LeakThreads, Metric: "jvm.thread.count", PerRequest: true},
		{Kind: LeakThreads, Metric: "jvm_threads_live_threads", PerRequest: true},
		{Kind: LeakThreads, Metric: "jvm_threads_current", PerRequest: true},
		{Kind: LeakThreads, Metric: "process.thread.count", PerRequest: true},
		{Kind: LeakThreads, Metric: "go_threads", PerRequest: true},
		{Kind: LeakThreads, Metric: "dotnet.thread_pool.thread.count", PerRequest: true},
		{Kind: LeakConnections, Metric: "db.client.connection.count", Select: "db.client.connection.state=used", Limit: "db.client.connection.max", PerRequest: true},
		{Kind: LeakConnections, Metric: "db.client.connections.usage", Select: "state=used", Limit: "db.client.connections.max", PerRequest: true},
		{Kind: LeakConnections, Metric: "http.client.open_connections", PerRequest: true},
		{Kind: LeakConnections, Metric: "go_sql_in_use_connections", Limit: "go_sql_max_open_connections", PerRequest: true},
		{Kind: LeakConnections, Metric: "hikaricp_connections_active", Limit: "hikaricp_connections_max", PerRequest: true},
		{Kind: LeakConnections, Metric: "pg_stat_activity_count", Limit: "pg_settings_max_connections", PerRequest: true},
		{Kind: LeakFiles, Metric: "process.unix.file_descriptor.count", PerRequest: true},
		{Kind: LeakFiles, Metric: "process.open_file_descriptor.count", PerRequest: true}, // its former name
		{Kind: LeakFiles, Metric: "process.windows.handle.count", PerRequest: true},
		{Kind: LeakFiles, Metric: "process_open_fds", Limit: "process_max_fds", PerRequest: true},
		{Kind: LeakFiles, Metric: "jvm.file_descriptor.count", Limit: "jvm.file_descriptor.limit", PerRequest: true},
	}
}

func growth() []Leak {
	return []Leak{
		{Kind: LeakStorage, Metric: "system.filesystem.usage", Select: "system.filesystem.state=used", Limit: "system.filesystem.limit"},
		{Kind: LeakStorage, Metric: "k8s.volume.available", Falling: true},
		{Kind: LeakStorage, Metric: "kubelet_volume_stats_available_bytes", Falling: true},
		{Kind: LeakStorage, Metric: "node_filesystem_avail_bytes", Falling: true},
		{Kind: LeakStorage, Metric: "pg_database_size_bytes"},
		{Kind: LeakStorage, Metric: "prometheus_tsdb_storage_blocks_bytes"},
		{Kind: LeakCardinality, Metric: "prometheus_tsdb_head_series", Teeth: true},
		{Kind: LeakPayload, Metric: "http.server.response.body.size", Week: true},
		{Kind: LeakPayload, Metric: "http.server.request.body.size", Week: true},
		{Kind: LeakQueue, Metric: "db.client.connection.pending_requests", PerRequest: true},
		{Kind: LeakQueue, Metric: "kafka_consumergroup_lag"},
	}
}

// LeakOf finds a metric by its name in either spelling: with dots, or as it is
// called in Prometheus, with underscores and perhaps a unit at the end
// ("jvm_memory_used_after_last_gc_bytes").
func LeakOf(metric string) (Leak, bool) {
	leaks, name := Leaks(), plainName(metric)
	if i := slices.IndexFunc(leaks, func(l Leak) bool { return l.Metric == metric }); i >= 0 {
		return leaks[i], true
	}
	for _, l := range leaks {
		if plainName(l.Metric) == name {
			return l, true
		}
	}
	return Leak{}, false
}

// plainName is a metric's name without dots, unit and type.
func plainName(metric string) string {
	name := strings.ReplaceAll(metric, ".", "_")
	for _, suffix := range []string{"_total", "_bytes", "_ratio"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return name
}

// Input is the question FindDrift is asked about such a metric; the caller adds
// the series, the limit, restarts and traffic.
func (l Leak) Input() DriftInput {
	in := DriftInput{Kind: l.Kind, Falling: l.Falling, Teeth: l.Teeth}
	if l.Falling {
		in.Limit = new(float64)
	}
	return in
}
