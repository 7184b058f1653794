package record

import (
	"encoding/binary"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// span is the part of a span the recorder reasons about.
type span struct {
	trace      pcommon.TraceID
	id, parent pcommon.SpanID
	kind       ptrace.SpanKind
	service    string
	version    string
	name       string
	peer       string // whom a client span calls; "" when it does not say
	database   bool
	start, end int64 // unix nanoseconds
	failed     bool
}

func (s span) seconds() float64 { return float64(s.end-s.start) / 1e9 }

// flatten reads all spans that arrived, by start; the same traces in another
// order give the same list.
func flatten(all []ptrace.Traces) []span {
	var out []span
	for _, td := range all {
		for _, rs := range td.ResourceSpans().All() {
			res := rs.Resource().Attributes()
			service, version := text(res, "service.name"), text(res, "service.version")
			for _, ss := range rs.ScopeSpans().All() {
				for _, s := range ss.Spans().All() {
					out = append(out, newSpan(s, service, version))
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b span) int {
		if a.start != b.start {
			return int(max(-1, min(1, a.start-b.start)))
		}
		return slices.Compare(a.id[:], b.id[:])
	})
	return out
}

func newSpan(s ptrace.Span, service, version string) span {
	a := s.Attributes()
	out := span{
		trace: s.TraceID(), id: s.SpanID(), parent: s.ParentSpanID(), kind: s.Kind(), service: service, version: version, name: s.Name(),
		start: int64(s.StartTimestamp()), end: int64(s.EndTimestamp()),
		failed: s.Status().Code() == ptrace.StatusCodeError,
	}
	out.database = text(a, "db.system.name") != "" || text(a, "db.system") != ""
	if s.Kind() == ptrace.SpanKindClient {
		for _, key := range []string{"peer.service", "service.peer.name", "db.namespace", "server.address"} {
			if out.peer = text(a, key); out.peer != "" {
				break
			}
		}
	}
	if v, ok := a.Get("http.response.status_code"); ok && v.Int() >= 500 {
		out.failed = true
	}
	return out
}

// text is a string attribute, or "".
func text(m pcommon.Map, key string) string {
	v, ok := m.Get(key)
	if !ok {
		return ""
	}
	return v.AsString()
}

// extent is a trace's first start and last end, unix nanoseconds.
type extent struct{ from, to int64 }

func extents(all []span) map[pcommon.TraceID]extent {
	out := map[pcommon.TraceID]extent{}
	for _, s := range all {
		e, ok := out[s.trace]
		if !ok {
			e = extent{s.start, s.end}
		}
		out[s.trace] = extent{min(e.from, s.start), max(e.to, s.end)}
	}
	return out
}

// whole lists the traces that began inside the period and had ended when the
// recording stopped. A trace cut off by the end of the run says nothing true
// about how long it took.
func whole(all []span, p period, stopped int64) map[pcommon.TraceID]bool {
	out := map[pcommon.TraceID]bool{}
	for id, e := range extents(all) {
		if e.from >= p.from.UnixNano() && e.from < p.to.UnixNano() && e.to <= stopped {
			out[id] = true
		}
	}
	return out
}

// orphans counts the spans of whole traces whose parent never arrived: what
// was lost between the shop and the recorder shows in nothing else.
func orphans(all []span, traces map[pcommon.TraceID]bool) int {
	known := make(map[pcommon.SpanID]bool, len(all))
	for _, s := range all {
		known[s.id] = true
	}
	n := 0
	for _, s := range all {
		if traces[s.trace] && !s.parent.IsEmpty() && !known[s.parent] {
			n++
		}
	}
	return n
}

// chosen says whether head sampling with probability p keeps a trace. The last
// seven bytes of an id are its randomness (W3C Trace Context level 2), so every
// service would decide alike, and a trace kept at a small p is kept at every
// larger one.
func chosen(id pcommon.TraceID, p float64) bool {
	const span = 1 << 56
	random := binary.BigEndian.Uint64(id[8:]) & (span - 1)
	return float64(random) >= (1-p)*span
}

// sampled leaves the spans of the chosen traces, in order of arrival; each
// element becomes one line of spans.jsonl.
func sampled(all []ptrace.Traces, keep func(pcommon.TraceID) bool) []ptrace.Traces {
	var out []ptrace.Traces
	for _, td := range all {
		c := ptrace.NewTraces()
		td.CopyTo(c)
		c.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool {
			rs.ScopeSpans().RemoveIf(func(ss ptrace.ScopeSpans) bool {
				ss.Spans().RemoveIf(func(s ptrace.Span) bool { return !keep(s.TraceID()) })
				return ss.Spans().Len() == 0
			})
			return rs.ScopeSpans().Len() == 0
		})
		if c.ResourceSpans().Len() > 0 {
			out = append(out, c)
		}
	}
	return out
}
