package canary_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/canary"
)

var begin = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)

// side is how requests behave that meet one version.
type side struct {
	median time.Duration // of the log-normal latency, sigma 0.5
	fails  float64
	tail   float64 // share of requests that take ten times as long
}

// shop is a small world: edge → checkout → inventory, whose versions v41
// (control) and v40 (treatment) share the traffic, and a catalogue that never
// touches inventory.
type shop struct {
	seed      uint64
	perSecond float64
	share     float64 // of traffic on the treatment
	control   side
	treatment side
	catalogue float64 // requests per second of the neighbour
}

var slow, fast = side{median: 500 * time.Millisecond}, side{median: 100 * time.Millisecond}

func (s shop) spans(length time.Duration) *pitwall.SpanBatch {
	rng := rand.New(rand.NewPCG(s.seed, 77))
	b := &pitwall.SpanBatch{}
	id := uint64(s.seed << 32)
	for at := 0.0; ; {
		at += rng.ExpFloat64() / s.perSecond
		if at >= length.Seconds() {
			break
		}
		version, how := pitwall.Version("v41"), s.control
		if rng.Float64() < s.share {
			version, how = "v40", s.treatment
		}
		took := time.Duration(float64(how.median) * math.Exp(0.5*rng.NormFloat64()))
		failed := rng.Float64() < how.fails
		if how.tail > 0 && rng.Float64() < how.tail {
			took *= 10
		}
		id = addTrace(b, id, call{begin.Add(time.Duration(at * 1e9)), took, failed, version})
	}
	for at := 0.0; s.catalogue > 0; {
		at += rng.ExpFloat64() / s.catalogue
		if at >= length.Seconds() {
			break
		}
		id++
		b.Add(pitwall.SpanRow{TraceID: trace(id), SpanID: id, Start: begin.Add(time.Duration(at * 1e9)), Duration: 20 * time.Millisecond,
			Service: "edge", Operation: "GET /catalog", Kind: pitwall.SpanServer})
	}
	return b
}

type call struct {
	start   time.Time
	took    time.Duration
	failed  bool
	version pitwall.Version
}

func trace(id uint64) (t pitwall.TraceID) {
	binary.BigEndian.PutUint64(t[:], id)
	return t
}

func addTrace(b *pitwall.SpanBatch, id uint64, c call) uint64 {
	row := pitwall.SpanRow{TraceID: trace(id + 1), Kind: pitwall.SpanServer, ReqBytes: -1, RespBytes: -1, Failed: c.failed}
	add := func(service pitwall.ServiceName, version pitwall.Version, operation string, part time.Duration) {
		id++
		row.ParentID, row.SpanID = row.SpanID, id
		row.Service, row.Version, row.Operation = service, version, operation
		row.Start, row.Duration = c.start.Add((c.took-part)/2), part
		b.Add(row)
	}
	add("edge", "v1", "POST /checkout", c.took)
	add("checkout", "v7", "POST /checkout", c.took*95/100)
	add("inventory", c.version, "POST /v1/items/lookup", c.took*80/100)
	return id
}

var guardrails = []pitwall.Guardrail{
	{Name: "p99 latency", Service: "checkout", Operation: "POST /checkout", Metric: "latency", Margin: 0.1, Goal: "better"},
	{Name: "error ratio", Service: "checkout", Operation: "POST /checkout", Metric: "errors", Margin: 0.1, Goal: "not-worse"},
	{Name: "neighbour GET /catalog", Service: "edge", Operation: "GET /catalog", Metric: "latency", Margin: 0.1, Goal: "not-worse"},
}

func input(spans *pitwall.SpanBatch, weight int, length time.Duration) canary.Input {
	return canary.Input{
		StepID: "canary", Weight: weight, Service: "inventory", Control: "v41", Treatment: "v40",
		Guardrails: guardrails, Spans: spans, Period: pitwall.Period{From: begin, To: begin.Add(length)},
		Now: begin.Add(length + 2*time.Second), Deadline: begin.Add(3 * time.Minute),
	}
}

func notWorse(list []pitwall.Guardrail) []pitwall.Guardrail {
	var out []pitwall.Guardrail
	for _, g := range list {
		g.Goal = "not-worse"
		out = append(out, g)
	}
	return out
}
