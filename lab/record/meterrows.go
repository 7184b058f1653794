package record

import (
	"maps"
	"math"
	"slices"
	"strings"
)

// meterRows gives what the metrics say, under the names a case knows. all must
// be ordered by stream, as meters gives them.
func meterRows(all []*meter, g grid) []row {
	f := folding{g: g, groups: map[group][]*meter{}}
	machine := map[string]bool{}
	for _, m := range all {
		machine[m.service] = machine[m.service] || ofMachine(m.name)
	}
	var order []group
	for _, m := range all {
		if machine[m.service] && !ofMachine(m.name) {
			continue // how the watcher of a machine is doing is not how the machine is
		}
		k := group{m.service, m.name}
		if f.groups[k] == nil {
			order = append(order, k)
		}
		f.groups[k] = append(f.groups[k], m)
	}
	var out []row
	for _, k := range order {
		words := meaningsOf(k.name)
		if words == nil {
			words = plain(f.groups[k][0])
		}
		for _, w := range words {
			out = f.rows(out, k, w)
		}
	}
	out = append(out, cpuShare(out)...)
	return append(out, restarts(all, g)...)
}

// ofMachine tells a metric of a whole machine by its name, as the conventions
// have it.
func ofMachine(name string) bool { return strings.HasPrefix(name, "system.") }

// cpuTime is the metric that says how busy a process is.
const cpuTime = "process.cpu.time"

// group is one metric of one component.
type group struct{ service, name string }

type folding struct {
	g      grid
	groups map[group][]*meter
}

// plain is how a metric is written that the table does not know.
func plain(m *meter) []meaning {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(m.name))
	if m.seconds && !strings.HasSuffix(name, "_seconds") {
		name += "_seconds"
	}
	switch m.form {
	case counter:
		return []meaning{{metric: name, stat: "rate", how: rate}}
	case histogram:
		return []meaning{{metric: name, stat: "avg", how: average}, {metric: name, stat: "p99", how: p99}}
	}
	return []meaning{{metric: name, stat: "value", how: value}}
}

// rows writes one meaning of one metric. Intervals without a measurement have
// no row.
func (f folding) rows(out []row, k group, w meaning) []row {
	if w.how == skip {
		return out
	}
	mine := slices.Clone(f.groups[k])
	if w.attr != "" {
		mine = slices.DeleteFunc(mine, func(m *meter) bool { return text(m.attr, w.attr) != w.is })
	}
	for i := range f.g.len() {
		if v, ok := f.one(k, w, mine, i); ok && !math.IsNaN(v) {
			out = append(out, row{f.g.second(i), k.service, w.metric, w.stat, v, k.name})
		}
	}
	return out
}

// one is the number of one interval; false where nothing was measured.
func (f folding) one(k group, w meaning, mine []*meter, i int) (float64, bool) {
	switch w.how {
	case value:
		return f.held(k, mine, i)
	case rate:
		s := f.sum(mine, i)
		return s.perSecond, s.seen
	case average:
		s := f.sum(mine, i)
		return s.value / s.count, s.seen && s.count > 0
	case p99:
		s := f.sum(mine, i)
		if !s.seen || s.bounds == nil {
			return 0, false
		}
		return quantile(.99, s.bounds, s.buckets), true
	}
	a, b := f.sum(mine, i), f.sum(f.groups[group{k.service, w.with}], i) // share
	return a.value / (a.value + b.value), a.seen && a.value+b.value > 0
}

// held is what the busiest process of a component holds: its streams added up,
// each by its mean over the interval. After a deploy the older process idles
// beside the new one, and its memory is nobody's trouble. Where nobody says how
// busy they are, it is the largest.
func (f folding) held(k group, mine []*meter, i int) (float64, bool) {
	from, to := f.edges(i)
	byInstance := map[string]float64{}
	for _, m := range mine {
		if v := m.between(from, to); len(v) > 0 {
			byInstance[m.instance] += mean(v)
		}
	}
	if v, ok := byInstance[f.busiest(k.service, i)]; ok {
		return v, true
	}
	best, seen := 0.0, false
	for _, v := range byInstance {
		if !seen || v > best {
			best, seen = v, true
		}
	}
	return best, seen
}

// busiest is the process of a component that used most processor time in an
// interval; "" when none says.
func (f folding) busiest(service string, i int) string {
	from, to := f.edges(i)
	used := map[string]float64{}
	for _, m := range f.groups[group{service, cpuTime}] {
		if gain, _, ok := m.growth(from, to, f.g.from.UnixNano()); ok {
			used[m.instance] += gain.value
		}
	}
	best := ""
	for _, id := range slices.Sorted(maps.Keys(used)) {
		if best == "" || used[id] > used[best] {
			best = id
		}
	}
	return best
}

// gained is what all streams of a metric gained together.
type gained struct {
	value, count, perSecond float64
	buckets, bounds         []float64
	seen                    bool
}

func (f folding) sum(mine []*meter, i int) gained {
	from, to := f.edges(i)
	recorded := f.g.from.UnixNano()
	var s gained
	for _, m := range mine {
		gain, seconds, ok := m.growth(from, to, recorded)
		if !ok {
			continue
		}
		s.seen = true
		s.value, s.count = s.value+gain.value, s.count+gain.count
		s.perSecond += gain.value / seconds
		switch {
		case m.form != histogram:
		case s.bounds == nil:
			s.bounds, s.buckets = m.bounds, gain.buckets
		case slices.Equal(s.bounds, m.bounds) && len(s.buckets) == len(gain.buckets):
			for j, n := range gain.buckets {
				s.buckets[j] += n
			}
		}
	}
	return s
}

func (f folding) edges(i int) (from, to int64) {
	from = f.g.from.UnixNano() + int64(i)*int64(f.g.every)
	return from, from + int64(f.g.every)
}

// cpuShare gives the share of its limit that a component's processes use,
// where both are known.
func cpuShare(rows []row) []row {
	type key struct {
		at      int64
		service string
	}
	limit := map[key]float64{}
	for _, r := range rows {
		if r.source == "go.processor.limit" {
			limit[key{r.at, r.service}] = r.value
		}
	}
	var out []row
	for _, r := range rows {
		if l := limit[key{r.at, r.service}]; r.metric == "cpu_cores" && l > 0 {
			out = append(out, row{r.at, r.service, "cpu", "value", r.value / l, "process.cpu.time / go.processor.limit"})
		}
	}
	return out
}

// restarts counts how often a version of a service was started again since the
// first time, up to the end of each interval. A deploy of a new version is none.
func restarts(all []*meter, g grid) []row {
	type version struct{ service, version string }
	born := map[version]map[string]int64{}
	for _, m := range all {
		v := version{m.service, m.version}
		if v.version == "" {
			continue // a machine, or somebody who does not say
		}
		if born[v] == nil {
			born[v] = map[string]int64{}
		}
		born[v][m.instance] = m.heard
	}
	count := map[string][]float64{}
	for v, instances := range born {
		if count[v.service] == nil {
			count[v.service] = make([]float64, g.len())
		}
		starts := slices.Sorted(maps.Values(instances))
		for _, at := range starts[1:] {
			for i := range g.len() {
				if at < g.from.UnixNano()+int64(i+1)*int64(g.every) {
					count[v.service][i]++
				}
			}
		}
	}
	var out []row
	for service, n := range count {
		for i, v := range n {
			out = append(out, row{g.second(i), service, "restarts", "value", v, "service.instance.id"})
		}
	}
	return out
}
