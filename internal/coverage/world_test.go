package coverage

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/pitwall/pitwall"
)

// shop makes traces edge → checkout → (inventory, a database, a computation).
// Each field breaks one thing.
type shop struct {
	rng     *rand.Rand
	version pitwall.Version // of checkout

	silentOp    bool // checkout's computation leaves no span
	renamed     bool // the server span has another name
	noStatement bool
	noContext   bool // checkout does not read traceparent
	noOutgoing  bool // checkout does not pass traceparent on
	down        bool // inventory refuses connections
	detail      int  // further internal spans of each request

	b     pitwall.SpanBatch
	trace uint64
	span  uint64
}

func newShop(seed uint64, v pitwall.Version) *shop {
	return &shop{rng: rand.New(rand.NewPCG(seed, 1)), version: v, trace: seed << 20}
}

// row adds a span; trace 0 begins a new one.
func (s *shop) row(trace *pitwall.TraceID, parent uint64, r pitwall.SpanRow) uint64 {
	if *trace == (pitwall.TraceID{}) {
		s.trace++
		binary.BigEndian.PutUint64(trace[:], s.trace)
	}
	s.span++
	r.TraceID, r.SpanID, r.ParentID, r.Start, r.Duration = *trace, s.span, parent, time.Unix(1_800_000_000, int64(s.trace)), time.Millisecond
	r.ReqBytes, r.RespBytes = -1, -1
	s.b.Add(r)
	return s.span
}

func (s *shop) requests(n int) *shop {
	for range n {
		s.request()
	}
	return s
}

func (s *shop) request() {
	var t pitwall.TraceID
	if s.rng.Float64() < 0.3 { // a page straight from checkout
		s.row(&t, 0, pitwall.SpanRow{Service: "checkout", Version: s.version, Operation: "GET /healthz", Kind: pitwall.SpanServer})
		return
	}
	edge := s.row(&t, 0, pitwall.SpanRow{Service: "edge", Version: "e1", Operation: "POST /buy", Kind: pitwall.SpanServer})
	call := s.row(&t, edge, pitwall.SpanRow{Service: "edge", Version: "e1", Operation: "POST", Peer: "checkout:8080", Kind: pitwall.SpanClient})
	if s.noContext {
		t, call = pitwall.TraceID{}, 0
	}
	name := "POST /pay"
	if s.renamed {
		name = "POST /payments"
	}
	pay := s.row(&t, call, pitwall.SpanRow{Service: "checkout", Version: s.version, Operation: name, Kind: pitwall.SpanServer,
		Attrs: []pitwall.Attr{{Key: "http.route", Value: "/pay"}}})
	if !s.silentOp {
		s.row(&t, pay, pitwall.SpanRow{Service: "checkout", Version: s.version, Operation: "price", Kind: pitwall.SpanInternal})
	}
	for range s.detail {
		s.row(&t, pay, pitwall.SpanRow{Service: "checkout", Version: s.version, Operation: "detail", Kind: pitwall.SpanInternal})
	}
	if s.rng.Float64() < 0.03 { // rare, and then many at once
		for range 20 + s.rng.IntN(80) {
			s.row(&t, pay, pitwall.SpanRow{Service: "checkout", Version: s.version, Operation: "audit", Kind: pitwall.SpanInternal})
		}
	}
	for range 1 + s.rng.IntN(4) {
		q := pitwall.SpanRow{Service: "checkout", Version: s.version, Operation: "SELECT", Peer: "db", Statement: "SELECT 1", Kind: pitwall.SpanClient}
		if s.noStatement {
			q.Statement = ""
		}
		if s.rng.Float64() < 0.5 {
			q.Attrs = []pitwall.Attr{{Key: "cache", Value: "miss"}}
		}
		s.row(&t, pay, q)
	}
	out := s.row(&t, pay, pitwall.SpanRow{Service: "checkout", Version: s.version, Operation: "GET", Peer: "inventory", Kind: pitwall.SpanClient, Failed: s.down})
	if s.down {
		return
	}
	if s.noOutgoing {
		t, out = pitwall.TraceID{}, 0
	}
	s.row(&t, out, pitwall.SpanRow{Service: "inventory", Version: "i1", Operation: "GET /items", Kind: pitwall.SpanServer})
}

// side is what the engine would read of these traces: totals in three parts, and
// the sample.
func (s *shop) side() Side {
	parts, n := make([]*pitwall.SpanBatch, 3), s.b.Len()
	for i := range parts {
		parts[i] = &pitwall.SpanBatch{}
		for j := i * n / 3; j < (i+1)*n/3; j++ {
			parts[i].AppendFrom(&s.b, j)
		}
	}
	return Side{Parts: [][]pitwall.OperationTotals{Totals(parts[0]), Totals(parts[1]), Totals(parts[2])}, Traces: &s.b}
}
