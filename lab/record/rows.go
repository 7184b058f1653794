package record

import (
	"cmp"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

const serverKind = ptrace.SpanKindServer

// row is one line of metrics.csv.
type row struct {
	at                    int64 // unix seconds, the beginning of the interval
	service, metric, stat string
	value                 float64
	source                string // the name it had on the wire
}

// writeRows writes metrics.csv, ordered by time, service, metric and stat.
// Values that are no numbers are left out: a missing measurement is a missing row.
func writeRows(w io.Writer, rows []row) error {
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.service, b.service), cmp.Compare(a.metric, b.metric), cmp.Compare(a.stat, b.stat), cmp.Compare(a.source, b.source))
	})
	buf := []byte("time,service,metric,stat,value,source\n")
	for i, r := range rows {
		twice := i > 0 && r.at == rows[i-1].at && r.service == rows[i-1].service && r.metric == rows[i-1].metric && r.stat == rows[i-1].stat
		if twice || math.IsNaN(r.value) || math.IsInf(r.value, 0) {
			continue
		}
		buf = strconv.AppendInt(buf, r.at, 10)
		for _, s := range []string{r.service, r.metric, r.stat} {
			buf = append(append(buf, ','), field(s)...)
		}
		buf = append(buf, ',')
		buf = strconv.AppendFloat(buf, r.value, 'g', 6, 64)
		buf = append(append(buf, ','), field(r.source)...)
		buf = append(buf, '\n')
	}
	_, err := w.Write(buf)
	return err
}

// field quotes what CSV needs quoted.
func field(s string) string {
	for _, c := range s {
		if c == ',' || c == '"' || c == '\n' || c == '\r' {
			return strconv.Quote(s)
		}
	}
	return s
}

// grid is a period cut into equal intervals.
type grid struct {
	period
	every time.Duration
}

func (g grid) len() int { return int(g.to.Sub(g.from) / g.every) }

// index is the interval a moment lies in; false outside.
func (g grid) index(ns int64) (int, bool) {
	if !g.holds(ns) {
		return 0, false
	}
	i := int(time.Duration(ns-g.from.UnixNano()) / g.every)
	return i, i < g.len()
}

// second is the beginning of an interval in unix seconds.
func (g grid) second(i int) int64 { return g.from.Add(time.Duration(i) * g.every).Unix() }

// servedRows gives what the spans say of every component: latency, rate and
// errors of what it serves, by the moment of the answer; what it waits for its
// callees; and, for components that tell nothing themselves, their callers' view.
func servedRows(all []span, g grid) []row {
	speaks := map[string]bool{}
	for _, s := range all {
		if s.kind == serverKind {
			speaks[s.service] = true
		}
	}
	server, client, silent := newTally(g), newTally(g), newTally(g)
	for _, s := range all {
		switch {
		case s.kind == serverKind:
			server.add(s.service, s)
		case s.kind == ptrace.SpanKindClient:
			client.add(s.service, s)
			if s.peer != "" && !speaks[s.peer] {
				silent.add(s.peer, s)
			}
		}
	}
	var out []row
	out = server.rows(out, "", "server spans")
	out = silent.rows(out, "", "client spans of its callers")
	return client.rows(out, "client_", "client spans")
}

// sliRows gives the questioned indicator as its users see it.
func sliRows(all []span, q question, g grid) []row {
	t := newTally(g)
	for _, s := range all {
		if s.kind == serverKind && s.service == q.Service && (q.Operation == "" || s.name == q.Operation) {
			t.add(s.service, s)
		}
	}
	var out []row
	for _, r := range t.rows(nil, "sli_", "server spans") {
		switch r.metric {
		case "sli_latency_seconds":
			out = append(out, r)
		case "sli_errors":
			r.metric, r.stat, r.value = "sli_availability", "avg", 1-r.value
			out = append(out, r)
		}
	}
	return out
}

// tally sorts spans into components and intervals.
type tally struct {
	g     grid
	cells map[string][]cell
}

type cell struct {
	took   []float64
	failed int
}

func newTally(g grid) *tally { return &tally{g, map[string][]cell{}} }

func (t *tally) add(service string, s span) {
	i, ok := t.g.index(s.end)
	if !ok {
		return
	}
	if t.cells[service] == nil {
		t.cells[service] = make([]cell, t.g.len())
	}
	c := &t.cells[service][i]
	c.took = append(c.took, s.seconds())
	if s.failed {
		c.failed++
	}
}

// rows turns the cells into rows. An interval without requests has a rate of
// 0 and nothing else: no latency is not a short one.
func (t *tally) rows(out []row, prefix, source string) []row {
	for service, cells := range t.cells {
		for i, c := range cells {
			at, n := t.g.second(i), float64(len(c.took))
			add := func(metric, stat string, v float64) {
				out = append(out, row{at, service, prefix + metric, stat, v, source})
			}
			add("requests", "rate", n/t.g.every.Seconds())
			if n == 0 {
				continue
			}
			slices.Sort(c.took)
			add("errors", "ratio", float64(c.failed)/n)
			add("latency_seconds", "avg", mean(c.took))
			add("latency_seconds", "p50", rank(c.took, .5))
			add("latency_seconds", "p95", rank(c.took, .95))
			add("latency_seconds", "p99", rank(c.took, .99))
		}
	}
	return out
}
