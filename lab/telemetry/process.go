package telemetry

import (
	"context"
	"fmt"
	"os"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// What runtime/metrics calls what is reported below.
const (
	gcCPU      = "/cpu/classes/gc/total:cpu-seconds"
	idleCPU    = "/cpu/classes/idle:cpu-seconds"
	totalCPU   = "/cpu/classes/total:cpu-seconds"
	mutexWait  = "/sync/mutex/wait/total:seconds"
	heapLive   = "/gc/heap/live:bytes"
	allThreads = "/sched/threads/total:threads"
)

// reading is what the runtime and the system say of this process at a moment.
type reading struct {
	gc, idle, total, mutex float64
	live, threads          int64
	user, system           float64 // processor seconds
	resident               int64   // bytes; 0: not known here
}

// read takes a reading. Each caller has its own samples, so calls do not meet.
func read(samples []metrics.Sample) reading {
	metrics.Read(samples)
	var r reading
	for _, s := range samples {
		switch s.Name {
		case gcCPU:
			r.gc = s.Value.Float64()
		case idleCPU:
			r.idle = s.Value.Float64()
		case totalCPU:
			r.total = s.Value.Float64()
		case mutexWait:
			r.mutex = s.Value.Float64()
		case heapLive:
			r.live = int64(s.Value.Uint64())
		case allThreads:
			r.threads = int64(s.Value.Uint64())
		}
	}
	r.user, r.system = processorTime()
	r.resident = Resident(os.Getpid())
	return r
}

// Resident is the physical memory of a process in bytes; 0 where it is not known.
func Resident(pid int) int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// processInstruments are what observe fills.
type processInstruments struct {
	cpu, gc, mutex, uptime metric.Float64Observable
	ratio                  metric.Float64Observable
	resident, live, thread metric.Int64Observable
}

// observeProcess reports the process' own state with each export: what
// OpenTelemetry's conventions name under process.*, and of the Go runtime what
// its own instrumentation leaves out.
//
// go.gc.cpu.ratio is the collector's share of the processor time used since
// the collection before. The runtime updates these clocks when a collection
// ends, so the value stands until the next one does.
func (t *Telemetry) observeProcess(started time.Time) error {
	var in processInstruments
	samples := make([]metrics.Sample, 0, 6)
	for _, name := range []string{gcCPU, idleCPU, totalCPU, mutexWait, heapLive, allThreads} {
		samples = append(samples, metrics.Sample{Name: name})
	}
	all, err := in.make(t.meter)
	if err != nil {
		return fmt.Errorf("making process instruments: %w", err)
	}
	user := metric.WithAttributes(attribute.String("cpu.mode", "user"))
	system := metric.WithAttributes(attribute.String("cpu.mode", "system"))
	var last reading
	ratio := 0.0
	_, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		r := read(samples)
		if used := (r.total - r.idle) - (last.total - last.idle); used > 0 && r.gc >= last.gc {
			ratio = min(1, (r.gc-last.gc)/used)
			last = r
		}
		o.ObserveFloat64(in.cpu, r.user, user)
		o.ObserveFloat64(in.cpu, r.system, system)
		o.ObserveFloat64(in.gc, r.gc)
		o.ObserveFloat64(in.ratio, ratio)
		o.ObserveFloat64(in.mutex, r.mutex)
		o.ObserveFloat64(in.uptime, time.Since(started).Seconds())
		o.ObserveInt64(in.live, r.live)
		o.ObserveInt64(in.thread, r.threads)
		if r.resident > 0 {
			o.ObserveInt64(in.resident, r.resident)
		}
		return nil
	}, all...)
	if err != nil {
		return fmt.Errorf("observing process: %w", err)
	}
	return nil
}

// make creates the instruments.
func (in *processInstruments) make(m metric.Meter) ([]metric.Observable, error) {
	var all []metric.Observable
	var first error
	keep := func(o metric.Observable, err error) {
		all = append(all, o)
		if first == nil {
			first = err
		}
	}
	seconds := func(name, about string) metric.Float64Observable {
		c, err := m.Float64ObservableCounter(name, metric.WithUnit("s"), metric.WithDescription(about))
		keep(c, err)
		return c
	}
	in.cpu = seconds("process.cpu.time", "Processor time used.")
	in.gc = seconds("go.gc.cpu.time", "Processor time the garbage collector used.")
	in.mutex = seconds("go.sync.mutex.wait.time", "Time goroutines waited for a mutex.")
	ratio, err := m.Float64ObservableGauge("go.gc.cpu.ratio", metric.WithUnit("1"), metric.WithDescription("Share of the processor time used that the garbage collector took."))
	keep(ratio, err)
	in.ratio = ratio
	uptime, err := m.Float64ObservableGauge("process.uptime", metric.WithUnit("s"), metric.WithDescription("Time since the process started."))
	keep(uptime, err)
	in.uptime = uptime
	whole := func(name, unit, about string) metric.Int64Observable {
		c, err := m.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(about))
		keep(c, err)
		return c
	}
	in.resident = whole("process.memory.usage", "By", "Physical memory in use.")
	in.live = whole("go.memory.heap.live", "By", "Heap that the last collection found alive.")
	in.thread = whole("process.thread.count", "{thread}", "Threads of the process.")
	return all, first
}
