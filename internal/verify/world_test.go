package verify_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/verify"
)

var begin = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)

// world is the shop at one time: edge → checkout → inventory on the way of a
// checkout, and a catalogue at the edge.
type world struct {
	seed      uint64
	perSecond float64 // checkouts
	catalogue float64 // per second
	scale     float64 // of checkout latency; 1 is normal
	tail      float64 // of checkout latency above its p97; 1 is normal
	bytes     float64 // of inventory's response; 1 is normal
	fails     float64
	neighbour float64 // of catalogue latency
	calls     int     // of checkout to inventory
	drift     float64 // sigma of a level shared by all requests of two seconds
	refused   float64 // share of the calls to inventory that fail, and are made up for
	other     float64 // of the time that checkout's statement about orders takes; 1 is normal
	fraud     float64 // share of checkouts in which a fraud check is asked as well
	rejects   bool    // which fails
	bursts    bool    // failures come all in the first part of the time
}

func normal(seed uint64) world {
	return world{seed: seed, perSecond: 50, catalogue: 10, scale: 1, tail: 1, bytes: 1, neighbour: 1, calls: 1, fails: 0.002, other: 1}
}

func traceID(id uint64) (t pitwall.TraceID) {
	binary.BigEndian.PutUint64(t[:], id)
	return t
}

func (w world) spans(p pitwall.Period) *pitwall.SpanBatch {
	rng := rand.New(rand.NewPCG(w.seed, uint64(p.From.Unix())))
	b := &pitwall.SpanBatch{}
	id := w.seed<<40 + uint64(p.From.Unix())<<20
	level, until := 1.0, 0.0
	for at := 0.0; ; {
		at += rng.ExpFloat64() / (w.perSecond + w.catalogue)
		if at >= p.Duration().Seconds() {
			return b
		}
		if at >= until {
			until, level = at+2, math.Exp(w.drift*rng.NormFloat64())
		}
		start := p.From.Add(time.Duration(at * 1e9))
		z := rng.NormFloat64()
		if rng.Float64() < w.catalogue/(w.perSecond+w.catalogue) {
			id++
			b.Add(pitwall.SpanRow{TraceID: traceID(id), SpanID: id, Start: start, Duration: time.Duration(3e7 * w.neighbour * math.Exp(0.4*z)),
				Service: "edge", Operation: "GET /catalog", Kind: pitwall.SpanServer, ReqBytes: -1, RespBytes: 2000})
			continue
		}
		took := 0.1 * w.scale * level * math.Exp(0.4*z)
		if z > 1.88 {
			took *= w.tail
		}
		id = w.checkout(b, id, rng, start, time.Duration(took*1e9))
	}
}

func (w world) checkout(b *pitwall.SpanBatch, id uint64, rng *rand.Rand, start time.Time, took time.Duration) uint64 {
	trace := traceID(id + 1)
	add := func(r pitwall.SpanRow, parent uint64) uint64 {
		id++
		r.TraceID, r.SpanID, r.ParentID, r.ReqBytes = trace, id, parent, 700
		if r.RespBytes == 0 {
			r.RespBytes = 900
		}
		b.Add(r)
		return id
	}
	failed := rng.Float64() < w.fails
	if w.bursts {
		failed = start.Second() < int(60*w.fails)
	}
	edge := add(pitwall.SpanRow{Start: start, Duration: took + 2*time.Millisecond, Service: "edge", Operation: "POST /checkout", Kind: pitwall.SpanServer, Failed: failed}, 0)
	checkout := add(pitwall.SpanRow{Start: start.Add(time.Millisecond), Duration: took, Service: "checkout", Version: "v7", Operation: "POST /checkout", Kind: pitwall.SpanServer, Failed: failed}, edge)
	for i := range w.calls {
		part := took / time.Duration(2*w.calls)
		at := start.Add(2*time.Millisecond + time.Duration(i)*part)
		client := add(pitwall.SpanRow{Start: at, Duration: part, Service: "checkout", Operation: "POST", Kind: pitwall.SpanClient, Failed: w.refused > 0 && rng.Float64() < w.refused}, checkout)
		add(pitwall.SpanRow{Start: at, Duration: part / 2, Service: "inventory", Version: "v40", Operation: "POST /lookup", Kind: pitwall.SpanServer,
			RespBytes: int64(8100 * w.bytes * math.Exp(0.1*rng.NormFloat64()))}, client)
	}
	others := rand.New(rand.NewPCG(id, 3)) // of their own: they leave the rest of the world as it is
	statement := func(text string, took float64) {
		add(pitwall.SpanRow{Start: start.Add(time.Millisecond), Duration: time.Duration(took * 1e6 * (0.5 + others.Float64())), Service: "checkout", Operation: "SELECT",
			Kind: pitwall.SpanClient, Peer: "db", Statement: fmt.Sprintf(text, id)}, checkout)
	}
	statement("select from stock where item = %d", 1)
	statement("select from orders where day = %d", w.other)
	if w.fraud > 0 && others.Float64() < w.fraud {
		add(pitwall.SpanRow{Start: start.Add(time.Millisecond), Duration: time.Millisecond, Service: "checkout", Operation: "POST", Kind: pitwall.SpanClient, Peer: "fraud", Failed: w.rejects}, checkout)
	}
	return id
}

var objective = pitwall.SLO{
	Name: "checkout-latency", Service: "checkout", Target: 0.99,
	SLI: pitwall.SLI{Kind: pitwall.SLILatency, Service: "checkout", Operation: "POST /checkout", Threshold: 300 * time.Millisecond},
}

var payload = pitwall.Hypothesis{Signal: pitwall.OwnSignal{
	Name: "response body of inventory POST /lookup, median", Service: "inventory", Operation: "POST /lookup", Field: "response_bytes",
	Before: pitwall.Measure{Value: 8100, N: 5000}, After: pitwall.Measure{Value: 85000, N: 900},
}}

func stretch(from, to int) pitwall.Period {
	return pitwall.Period{From: begin.Add(time.Duration(from) * time.Second), To: begin.Add(time.Duration(to) * time.Second)}
}

// pair is a before and an after without spans of the trouble, for many seeds.
func pair(before, after world) verify.Input {
	during := before
	during.perSecond, during.catalogue = 1, 0
	return input(before, during, after)
}

// input holds a world before, one during and one after; the baseline is what
// freezing the first would give, as far as verification reads it.
func input(before, during, after world) verify.Input {
	in := verify.Input{
		Hypothesis: payload, SLO: objective, MinRequests: 2000,
		BeforePeriod: stretch(0, 60), DuringPeriod: stretch(60, 80), AfterPeriod: stretch(120, 180),
		Now: begin.Add(182 * time.Second), Deadline: begin.Add(300 * time.Second), Rand: rand.New(rand.NewPCG(before.seed, after.seed)),
	}
	in.Before, in.During, in.After = before.spans(in.BeforePeriod), during.spans(in.DuringPeriod), after.spans(in.AfterPeriod)
	in.Baseline = pitwall.Baseline{Service: "checkout", Operation: "POST /checkout", Period: in.BeforePeriod}
	load := map[string]int64{}
	for i := range in.Before.Len() {
		if in.Before.ParentID[i] == 0 {
			load[in.Before.Strings[in.Before.Operation[i]]]++
		}
	}
	for _, op := range []pitwall.OperationStats{
		{Service: "checkout", Operation: "POST /checkout"}, {Service: "edge", Operation: "GET /catalog"},
		{Service: "edge", Operation: "POST /checkout"}, {Service: "inventory", Operation: "POST /lookup"},
	} {
		in.Baseline.Operations = append(in.Baseline.Operations, op)
		if op.Service == "edge" {
			in.Baseline.Load = append(in.Baseline.Load, pitwall.RouteLoad{Service: "edge", Operation: op.Operation, Count: load[op.Operation]})
		}
	}
	return in
}

func with(w world, change func(*world)) world {
	w.seed += 500_000
	change(&w)
	return w
}

func slow(w *world) { w.scale, w.bytes = 5, 10.5 }

// asking is slow, and asks a fraud check that fails.
func asking(w *world) {
	slow(w)
	w.fraud, w.rejects = 1, true
}

func nothing(*world) {}
