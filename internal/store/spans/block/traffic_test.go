package block

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/pitwall/pitwall"
)

// shape says what traffic makes.
type shape struct {
	spans     int
	start     int64 // unix nanoseconds of the first trace
	gap       int64 // nanoseconds between traces
	seed      uint64
	highValue bool // one attribute in eight is different on every span
}

// epoch is when traffic begins: 2026-01-02 03:04:05 UTC.
const epoch = int64(1_767_323_045_000_000_000)

// traffic makes rows as a shop of services sends them: 20 services with 15
// operations each, traces of ten spans, six to eight attributes of twelve keys,
// exponential durations, random ids, and spans that come in not by trace but in
// the mixed order of many exporters.
func traffic(s shape) Rows {
	rng := rand.New(rand.NewPCG(s.seed, 7))
	b, self, critical := &pitwall.SpanBatch{}, make([]int64, s.spans), make([]int64, s.spans)
	w := newTown(b)
	rows := make([]townSpan, 0, s.spans)
	for trace := int64(0); len(rows) < s.spans; trace++ {
		rows = w.trace(rows, rng, s.start+trace*s.gap+rng.Int64N(s.gap+1))
	}
	mixed := make([]int, s.spans) // spans come in near their time, mixed within some thousand
	for i := range mixed {
		mixed[i] = i
	}
	for from := 0; from < s.spans; from += 4096 {
		part := mixed[from:min(s.spans, from+4096)]
		rng.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
	for i, at := range mixed {
		w.add(rng, rows[at], s.highValue)
		self[i], critical[i] = rows[at].self, rows[at].critical
	}
	return Rows{Batch: b, Self: self, Critical: critical}
}

type townSpan struct {
	trace            pitwall.TraceID
	id, parent       uint64
	start, duration  int64
	self, critical   int64
	service, op, ver int
	kind             pitwall.SpanKind
}

// town is the dictionary of the shop.
type town struct {
	b                       *pitwall.SpanBatch
	services, versions, ops []uint32
	statements, keys        []uint32
	values                  [][]uint32
}

func newTown(b *pitwall.SpanBatch) *town {
	w := &town{b: b}
	b.Intern("")
	for i := range 20 {
		w.services = append(w.services, b.Intern(fmt.Sprintf("service-%02d", i)))
	}
	for i := range 3 {
		w.versions = append(w.versions, b.Intern(fmt.Sprintf("v4%d.2.1", i)))
	}
	for i := range 300 {
		w.ops = append(w.ops, b.Intern(fmt.Sprintf("GET /api/v1/things/%d/{id}", i)))
	}
	for i := range 60 {
		w.statements = append(w.statements, b.Intern(fmt.Sprintf("SELECT id, name, price FROM table_%d WHERE id = ? AND shop = ?", i)))
	}
	sizes := []int{4, 300, 6, 20, 60, 3, 3, 2, 12, 5, 200, 4}
	names := []string{"http.request.method", "http.route", "http.response.status_code", "server.address", "k8s.pod.name", "cloud.region",
		"user.tier", "cache.hit", "feature.flag", "network.protocol.version", "tenant.id", "thread.pool"}
	for k, name := range names {
		w.keys = append(w.keys, b.Intern(name))
		var values []uint32
		for i := range sizes[k] {
			values = append(values, b.Intern(fmt.Sprintf("%s-value-%d", name[:4], i)))
		}
		w.values = append(w.values, values)
	}
	return w
}

// trace appends the ten spans of one trace: a tree in which each has a parent
// before it.
func (w *town) trace(rows []townSpan, rng *rand.Rand, start int64) []townSpan {
	var id pitwall.TraceID
	for i := range id {
		id[i] = byte(rng.Uint32())
	}
	first := len(rows)
	for i := range 10 {
		if len(rows) == cap(rows) {
			break
		}
		s := townSpan{trace: id, id: rng.Uint64(), service: rng.IntN(20), ver: rng.IntN(20) / 9, kind: pitwall.SpanKind(1 + rng.IntN(3))}
		s.op = s.service*15 + int(math.Abs(rng.NormFloat64())*4)%15
		s.duration = int64(rng.ExpFloat64() * 20e6)
		s.start = start
		if i > 0 {
			parent := &rows[first+rng.IntN(i)]
			s.parent, s.start = parent.id, parent.start+rng.Int64N(parent.duration+1)
			s.duration = rng.Int64N(parent.duration/2 + 1)
			parent.self = max(0, parent.self-s.duration)
		}
		s.self = s.duration
		rows = append(rows, s)
	}
	for i := range rows[first:] {
		if s := &rows[first+i]; rng.IntN(3) > 0 {
			s.critical = s.self
		}
	}
	return rows
}

func (w *town) add(rng *rand.Rand, s townSpan, highValue bool) {
	b := w.b
	b.TraceID, b.SpanID, b.ParentID = append(b.TraceID, s.trace), append(b.SpanID, s.id), append(b.ParentID, s.parent)
	b.Start, b.Duration = append(b.Start, s.start), append(b.Duration, s.duration)
	b.Service, b.Version = append(b.Service, w.services[s.service]), append(b.Version, w.versions[s.ver])
	b.Operation = append(b.Operation, w.ops[s.op])
	peer, statement, resp := uint32(0), uint32(0), int64(-1)
	switch s.kind {
	case pitwall.SpanClient:
		peer, statement = w.services[rng.IntN(20)], w.statements[rng.IntN(60)]
	case pitwall.SpanServer:
		resp = rng.Int64N(9000)
	}
	b.Peer, b.Statement, b.Kind = append(b.Peer, peer), append(b.Statement, statement), append(b.Kind, s.kind)
	b.Failed = append(b.Failed, rng.IntN(100) == 0)
	b.ReqBytes, b.RespBytes = append(b.ReqBytes, -1), append(b.RespBytes, resp)
	n, from := 6+rng.IntN(3), rng.IntN(len(w.keys))
	for i := range n {
		k := (from + i) % len(w.keys)
		values := w.values[k]
		value := values[int(math.Abs(rng.NormFloat64())*float64(len(values))/3)%len(values)]
		if highValue && i == 0 {
			value = b.Intern(fmt.Sprintf("order-%08x", rng.Uint32()))
		}
		b.AttrKey, b.AttrValue = append(b.AttrKey, w.keys[k]), append(b.AttrValue, value)
	}
	b.AttrEnd = append(b.AttrEnd, uint32(len(b.AttrKey)))
}
