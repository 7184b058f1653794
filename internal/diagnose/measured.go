package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// The measurements that signals read, by the names of docs/reference/case.md.
const (
	metricRequests   = "requests"
	metricCPU        = "cpu_cores"
	metricNodeCPU    = "node_cpu"
	metricPressure   = "node_cpu_pressure"
	metricAlloc      = "alloc_bytes_per_second"
	metricGC         = "go_gc_cpu_ratio"
	metricHeap       = "heap"
	metricMemory     = "memory"
	metricMemoryMax  = "memory_limit"
	metricMutex      = "mutex_wait_seconds"
	metricSched      = "sched_latency_seconds"
	metricPoolWait   = "db_pool_wait_seconds"
	metricPoolInUse  = "db_pool_in_use"
	metricPoolMax    = "db_pool_max_conns"
	metricCache      = "cache_hit_ratio"
	metricRetries    = "retries"
	metricTimeouts   = "client_timeouts"
	metricRetransmit = "tcp_retransmits"
	metricUptime     = "uptime_seconds"
	metricRestarts   = "restarts"
	metricThrottled  = "cpu_throttled_ratio"
	metricProcessors = "go_processor_limit"
	metricCores      = "system_cpu_logical_count"
)

// measuredKey names the statistics of one quantity of one component.
type measuredKey struct {
	service pitwall.ServiceName
	metric  string
}

// indexMeasured makes the typed series findable.
func indexMeasured(a Answer) map[measuredKey][]pitwall.Measured {
	by := map[measuredKey][]pitwall.Measured{}
	for _, m := range a.Measured {
		if len(m.T) == len(m.V) {
			key := measuredKey{m.Service, m.Metric}
			by[key] = append(by[key], m)
		}
	}
	return by
}

// series is one typed series; of several statistics the mean before the tail,
// for the mean is what adds up to the latency.
func (x *inquiry) series(s pitwall.ServiceName, metric string) (pitwall.Measured, bool) {
	list := x.typed[measuredKey{s, metric}]
	for _, stat := range []string{"avg", "rate", "value", "ratio", "p50", "p90", "p95", "p99", "sum"} {
		for _, m := range list {
			if m.Stat == stat {
				return m, true
			}
		}
	}
	return pitwall.Measured{}, false
}

// measured compares one typed series of a component before and after. The
// number behind it is points. Not Known: it is not measured.
func (x *inquiry) measured(s pitwall.ServiceName, metric string) fold.Shift {
	m, ok := x.series(s, metric)
	if !ok {
		return fold.Shift{}
	}
	one := func(int64) (float64, bool) { return 1, true }
	return x.compared(m, one)
}

// measuredPer is measured for a cost: seconds of CPU, bytes allocated, waits
// and the like a second, divided by the requests a second that the service
// served at the same time.
func (x *inquiry) measuredPer(s pitwall.ServiceName, metric string) fold.Shift {
	m, ok := x.series(s, metric)
	served, counted := x.series(s, metricRequests)
	if !ok || !counted {
		return fold.Shift{}
	}
	rate := make(map[int64]float64, len(served.T))
	for i, t := range served.T {
		rate[t] = served.V[i]
	}
	return x.compared(m, func(t int64) (float64, bool) { v, ok := rate[t]; return v, ok && v > 0 })
}

// compared cuts both sides into blocks of time and compares m over per.
func (x *inquiry) compared(m pitwall.Measured, per func(t int64) (float64, bool)) fold.Shift {
	side := func(p pitwall.Period) (fold.Series, int64) {
		var num, den []float64
		for i, t := range m.T {
			if d, ok := per(t); ok && t >= p.From.UnixMilli() && t < p.To.UnixMilli() {
				num, den = append(num, m.V[i]), append(den, d)
			}
		}
		const most = 16 // blocks, as of spans
		blocks := min(most, len(num))
		s := fold.NewSeries(blocks)
		for i := range num {
			at := i * blocks / len(num)
			s.Num[at], s.Den[at] = s.Num[at]+num[i], s.Den[at]+den[i]
		}
		return s, int64(len(num))
	}
	base, n0 := side(x.q.Baseline)
	head, n1 := side(x.q.Window)
	shift := fold.Compare(base, head)
	shift.N0, shift.N1, shift.Known = n0, n1, n0 > 0 && n1 > 0
	return shift
}

// services lists those for which a quantity is measured, by name.
func (x *inquiry) measuring(metric string) []pitwall.ServiceName {
	var list []pitwall.ServiceName
	for key := range x.typed {
		if key.metric == metric {
			list = append(list, key.service)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// unmeasured words which measurement is missing and what would bring it.
func (x *inquiry) unmeasured(what, how string) string {
	if a := x.answers[idMeasured]; a.Missing != "" {
		return fmt.Sprintf("%s is not measured (%s): %s", what, a.Missing, how)
	}
	return fmt.Sprintf("%s is not measured: %s", what, how)
}

// costs is the CPU of one request of a service: by profiles where they carry
// request counts, by its processor time otherwise.
func (x *inquiry) costs(s pitwall.ServiceName) (before, after float64, source string, known bool) {
	if d, missing := x.profile(s, pitwall.ProfileCPU); missing == "" && d.Unit == pitwall.UnitCPUPerReq {
		before, after = total(d)
		return before, after, "profiles", true
	}
	if m := x.measuredPer(s, metricCPU); m.Known {
		return m.Before, m.After, "processor time", true
	}
	return 0, 0, "", false
}

// loudestOf is the service among those given whose quantity rose most, by its
// dominance; only what grew beyond noise by the factor counts.
func (x *inquiry) loudestOf(list []pitwall.ServiceName, metric string, factor float64) (best pitwall.ServiceName, shift fold.Shift) {
	for _, s := range list {
		m := x.measured(s, metric)
		if m.Up(factor) && (best == "" || cmp.Compare(m.Dominance(), shift.Dominance()) > 0) {
			best, shift = s, m
		}
	}
	return best, shift
}
