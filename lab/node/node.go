package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/pitwall/pitwall/lab/shop"
	"github.com/pitwall/pitwall/lab/telemetry"
)

// Run reports until ctx ends and prints one shop.Listening line when ready.
func Run(ctx context.Context, otlp string, stdout io.Writer) error {
	tel, err := telemetry.Start(ctx, telemetry.Config{Service: "node", Version: "1", Instance: "node-" + strconv.Itoa(os.Getpid()), OTLP: otlp})
	if err != nil {
		return fmt.Errorf("starting telemetry: %w", err)
	}
	defer func() {
		left, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = tel.Close(left) // the receiver may be gone already
	}()
	if err := observe(tel.Meter()); err != nil {
		return err
	}
	said := shop.Listening{Time: time.Now().UTC(), Event: "listening", Msg: "watching the machine", Service: "node", PID: os.Getpid()}
	if err := json.NewEncoder(stdout).Encode(said); err != nil {
		return fmt.Errorf("announcing: %w", err)
	}
	<-ctx.Done()
	return nil
}

// State is what /proc says at a moment. Times are processor seconds since boot
// in ticks of 1/100 s; a share not known is negative.
type State struct {
	Busy, Total     float64 // of all processors, ticks
	Running         int64   // processes that run or want to
	Pressure        float64 // share of the last ten seconds in which some process waited for a processor
	MemoryAvailable float64 // share
}

// Read parses the texts of /proc/stat, /proc/pressure/cpu and /proc/meminfo.
// What is missing or garbled is left at its unknown value.
func Read(stat, pressure, meminfo string) State {
	s := State{Pressure: -1, MemoryAvailable: -1}
	for line := range strings.Lines(stat) {
		f := strings.Fields(line)
		switch {
		case len(f) >= 6 && f[0] == "cpu":
			for i, x := range f[1:min(9, len(f))] {
				v, _ := strconv.ParseFloat(x, 64)
				s.Total += v
				if i != 3 && i != 4 { // idle, iowait
					s.Busy += v
				}
			}
		case len(f) == 2 && f[0] == "procs_running":
			s.Running, _ = strconv.ParseInt(f[1], 10, 64)
		}
	}
	for line := range strings.Lines(pressure) {
		if rest, ok := strings.CutPrefix(line, "some avg10="); ok {
			first, _, _ := strings.Cut(rest, " ")
			if v, err := strconv.ParseFloat(first, 64); err == nil {
				s.Pressure = v / 100
			}
		}
	}
	kb := map[string]float64{}
	for line := range strings.Lines(meminfo) {
		if f := strings.Fields(line); len(f) >= 2 {
			kb[f[0]], _ = strconv.ParseFloat(f[1], 64)
		}
	}
	if kb["MemTotal:"] > 0 {
		s.MemoryAvailable = kb["MemAvailable:"] / kb["MemTotal:"]
	}
	return s
}

// now reads this machine.
func now() State {
	text := func(file string) string {
		b, err := os.ReadFile(file)
		if err != nil {
			return ""
		}
		return string(b)
	}
	return Read(text("/proc/stat"), text("/proc/pressure/cpu"), text("/proc/meminfo"))
}

// observe reports the machine with each export.
func observe(m metric.Meter) error {
	gauge := func(name, about string) (metric.Float64ObservableGauge, error) {
		return m.Float64ObservableGauge(name, metric.WithUnit("1"), metric.WithDescription(about))
	}
	util, err1 := gauge("system.cpu.utilization", "Share of all processors in use since the last export.")
	press, err2 := gauge("system.cpu.pressure", "Share of the last ten seconds in which some process waited for a processor.")
	mem, err3 := gauge("system.memory.utilization", "Share of the memory in use.")
	running, err4 := m.Int64ObservableUpDownCounter("system.process.count", metric.WithUnit("{process}"))
	cores, err5 := m.Int64ObservableUpDownCounter("system.cpu.logical.count", metric.WithUnit("{cpu}"))
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			return fmt.Errorf("making host instruments: %w", err)
		}
	}
	last := now()
	_, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := now()
		if d := s.Total - last.Total; d > 0 {
			o.ObserveFloat64(util, (s.Busy-last.Busy)/d)
			last = s
		}
		if s.Pressure >= 0 {
			o.ObserveFloat64(press, s.Pressure)
		}
		if s.MemoryAvailable >= 0 {
			o.ObserveFloat64(mem, 1-s.MemoryAvailable)
		}
		o.ObserveInt64(running, s.Running, metric.WithAttributes(attribute.String("process.status", "running")))
		o.ObserveInt64(cores, int64(runtime.NumCPU()))
		return nil
	}, util, press, mem, running, cores)
	return err
}
