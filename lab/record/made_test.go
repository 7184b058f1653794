package record

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// t0 is when every made run begins.
func t0() time.Time { return time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC) }

// from is a moment of a made run.
func from(seconds float64) time.Time {
	return t0().Add(time.Duration(seconds * float64(time.Second)))
}

func stretch(a, b float64) period { return period{from(a), from(b)} }

// made makes traces: an edge that calls a callee.
type made struct {
	r    *rand.Rand
	next uint64
}

func newMade(seed uint64) *made { return &made{r: rand.New(rand.NewPCG(seed, 1))} }

func (m *made) traceID() pcommon.TraceID {
	var id pcommon.TraceID
	binary.BigEndian.PutUint64(id[:8], m.r.Uint64())
	binary.BigEndian.PutUint64(id[8:], m.r.Uint64())
	return id
}

func (m *made) spanID() pcommon.SpanID {
	m.next++
	var id pcommon.SpanID
	binary.BigEndian.PutUint64(id[:], m.next)
	return id
}

// ask is one made request.
type ask struct {
	at, took float64 // seconds
	failed   bool
	version  string // of the callee
}

// trace is edge's server span, its client span, and the callee's server span
// with a query of a database in it.
func (m *made) trace(a ask) ptrace.Traces {
	td := ptrace.NewTraces()
	id := m.traceID()
	root, call, served, query := m.spanID(), m.spanID(), m.spanID(), m.spanID()
	add := func(service, version string) ptrace.SpanSlice {
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", service)
		rs.Resource().Attributes().PutStr("service.version", version)
		return rs.ScopeSpans().AppendEmpty().Spans()
	}
	put := func(into ptrace.SpanSlice, name string, kind ptrace.SpanKind, ids [2]pcommon.SpanID, in float64) ptrace.Span {
		s := into.AppendEmpty()
		s.SetTraceID(id)
		s.SetSpanID(ids[0])
		s.SetParentSpanID(ids[1])
		s.SetName(name)
		s.SetKind(kind)
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(from(a.at + in)))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(from(a.at + a.took - in)))
		return s
	}
	edge := add("edge", "v5")
	first := put(edge, "POST /checkout", ptrace.SpanKindServer, [2]pcommon.SpanID{root}, 0)
	if a.failed {
		first.Status().SetCode(ptrace.StatusCodeError)
	}
	put(edge, "POST /pay", ptrace.SpanKindClient, [2]pcommon.SpanID{call, root}, .001).Attributes().PutStr("peer.service", "payment")
	pay := add("payment", a.version)
	put(pay, "POST /pay", ptrace.SpanKindServer, [2]pcommon.SpanID{served, call}, .002)
	db := put(pay, "SELECT cards", ptrace.SpanKindClient, [2]pcommon.SpanID{query, served}, .003)
	db.Attributes().PutStr("peer.service", "cards-db")
	db.Attributes().PutStr("db.system.name", "sqlite")
	return td
}

// arrivals are a run's requests: so many per second until end, each as long
// and as bad as shape says, with a long tail of the given mean.
func (m *made) arrivals(rps, end float64, shape func(at float64) ask) []ask {
	var out []ask
	for at := m.r.ExpFloat64() / rps; at < end; at += m.r.ExpFloat64() / rps {
		a := shape(at)
		a.at = at
		a.took *= .5 + m.r.ExpFloat64()/2
		if a.version == "" {
			a.version = "v7"
		}
		out = append(out, a)
	}
	return out
}

// run makes the traces of a whole run.
func (m *made) run(rps, end float64, shape func(at float64) ask) []ptrace.Traces {
	var out []ptrace.Traces
	for _, a := range m.arrivals(rps, end, shape) {
		out = append(out, m.trace(a))
	}
	return out
}

// requests are a run as the edge answered it.
func requests(seed uint64, end float64, shape func(at float64) ask) []request {
	var out []request
	for _, a := range newMade(seed).arrivals(30, end, shape) {
		out = append(out, request{from(a.at).UnixNano(), from(a.at + a.took).UnixNano(), a.failed})
	}
	return out
}

// source is where a made metric comes from.
type source struct{ service, version, instance string }

func (s source) metric(name, unit string, fill func(pmetric.Metric)) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	a := rm.Resource().Attributes()
	a.PutStr("service.name", s.service)
	a.PutStr("service.version", s.version)
	a.PutStr("service.instance.id", s.instance)
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(name)
	m.SetUnit(unit)
	fill(m)
	return md
}

// counted is a point of a counter that began at began.
func counted(at, began, v float64, attrs ...string) func(pmetric.Metric) {
	return func(m pmetric.Metric) {
		s := m.SetEmptySum()
		s.SetIsMonotonic(true)
		s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		p := s.DataPoints().AppendEmpty()
		p.SetStartTimestamp(pcommon.NewTimestampFromTime(from(began)))
		fill(p, at, v, attrs)
	}
}

// gauged is a point of a gauge.
func gauged(at, v float64, attrs ...string) func(pmetric.Metric) {
	return func(m pmetric.Metric) {
		fill(m.SetEmptyGauge().DataPoints().AppendEmpty(), at, v, attrs)
	}
}

// fill sets a point's time, value and attributes, names and values in turn.
func fill(p pmetric.NumberDataPoint, at, v float64, attrs []string) {
	p.SetTimestamp(pcommon.NewTimestampFromTime(from(at)))
	p.SetDoubleValue(v)
	for i := 0; i+1 < len(attrs); i += 2 {
		p.Attributes().PutStr(attrs[i], attrs[i+1])
	}
}

// spread is a point of a histogram with bounds 1, 2, 4.
func spread(at, began float64, buckets ...uint64) func(pmetric.Metric) {
	return func(m pmetric.Metric) {
		h := m.SetEmptyHistogram()
		h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		p := h.DataPoints().AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(from(at)))
		p.SetStartTimestamp(pcommon.NewTimestampFromTime(from(began)))
		p.ExplicitBounds().FromRaw([]float64{1, 2, 4})
		p.BucketCounts().FromRaw(buckets)
		n := uint64(0)
		for _, b := range buckets {
			n += b
		}
		p.SetCount(n)
		p.SetSum(float64(n))
	}
}

// line is a log record.
func line(at float64, text string) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "payment")
	r := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	r.SetTimestamp(pcommon.NewTimestampFromTime(from(at)))
	r.Body().SetStr(text)
	return ld
}
