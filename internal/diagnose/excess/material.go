package excess

import (
	"cmp"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// material is the measurements, ordered for asking by name.
type material struct {
	list    []pitwall.Measured
	by      map[pitwall.ServiceName][]int
	q       Question
	service map[pitwall.ServiceName]string // component of every name
}

// latencies and averages are the names of the common list that the accounting
// reads, the more telling first: means add up. Both are read-only.
var (
	latencies = []string{"sli_latency_seconds", "latency_seconds"} // read-only
	averages  = []string{"avg", "p50", "p90", "p95", "p99"}        // read-only
)

func gather(list []pitwall.Measured, topo pitwall.Topology, q Question) *material {
	m := &material{list: list, q: q, by: map[pitwall.ServiceName][]int{}, service: map[pitwall.ServiceName]string{}}
	for i := range list {
		m.by[list[i].Service] = append(m.by[list[i].Service], i)
	}
	for _, c := range topo.Services {
		m.service[c.Name] = cmp.Or(c.Component, string(c.Name))
	}
	return m
}

// component is the thing that a name is a view of.
func (m *material) component(s pitwall.ServiceName) string {
	return cmp.Or(m.service[s], string(s))
}

// find gives a series of a service; stat "" takes any.
func (m *material) find(s pitwall.ServiceName, metric, stat string) *pitwall.Measured {
	for _, i := range m.by[s] {
		if k := &m.list[i]; k.Metric == metric && (stat == "" || k.Stat == stat) {
			return k
		}
	}
	return nil
}

// latency is the series of a service's latency, of the given stat if there is one.
func (m *material) latency(s pitwall.ServiceName, stat string) *pitwall.Measured {
	order := averages
	if stat != "" {
		order = append([]string{stat}, averages...)
	}
	for _, metric := range latencies {
		for _, st := range order {
			if k := m.find(s, metric, st); k != nil {
				return k
			}
		}
	}
	return nil
}

// failing is the share of requests of a service that fail, as a series of its
// own making where the source measured what succeeds.
func (m *material) failing(s pitwall.ServiceName) *pitwall.Measured {
	if k := m.find(s, "errors", "ratio"); k != nil {
		return k
	}
	for _, metric := range []string{"sli_availability", "availability"} {
		if k := m.find(s, metric, ""); k != nil {
			e := pitwall.Measured{Service: s, Metric: "errors", Stat: "ratio", Source: k.Source, T: k.T, V: make([]float64, len(k.V))}
			for i, v := range k.V {
				e.V[i] = 1 - v
			}
			return &e
		}
	}
	return m.errorsPerRequest(s)
}

// errorsPerRequest divides two rates or two counts.
func (m *material) errorsPerRequest(s pitwall.ServiceName) *pitwall.Measured {
	for _, stat := range []string{"rate", "sum"} {
		bad, all := m.find(s, "errors", stat), m.find(s, "requests", stat)
		if bad == nil || all == nil {
			continue
		}
		e := pitwall.Measured{Service: s, Metric: "errors", Stat: "ratio", Source: bad.Source}
		for i, t := range all.T {
			j, ok := slices.BinarySearch(bad.T, t)
			if !ok || i >= len(all.V) || j >= len(bad.V) || all.V[i] <= 0 {
				continue
			}
			e.T, e.V = append(e.T, t), append(e.V, bad.V[j]/all.V[i])
		}
		return &e
	}
	return nil
}

// alarmed is the series that the alert itself watches.
func (m *material) alarmed(s pitwall.ServiceName) *pitwall.Measured {
	if m.q.Metric == "" {
		return nil
	}
	for _, i := range m.by[s] {
		k := &m.list[i]
		if k.Source == m.q.Metric || k.Metric == m.q.Metric || k.Metric+"_"+k.Stat == m.q.Metric {
			return k
		}
	}
	return nil
}

func mean(v []float64) float64 {
	sum, n := 0.0, 0
	for _, x := range v {
		if !math.IsNaN(x) {
			sum, n = sum+x, n+1
		}
	}
	return sum / float64(n)
}

func quantile(v []float64, q float64) float64 {
	return stats.Quantile(slices.Sorted(slices.Values(v)), q)
}
