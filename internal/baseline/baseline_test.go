package baseline_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/baseline"
)

var begin = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)

func trace(id uint64) (t pitwall.TraceID) {
	binary.BigEndian.PutUint64(t[:], id)
	return t
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// one adds a trace with known times: edge 100 ms → checkout 80 ms, which calls
// inventory twice, overlapping (10–40, 30–60), and the database once (65–70).
func one(b *pitwall.SpanBatch, id uint64, start time.Time) {
	t, base := trace(id), id*100
	add := func(n, parent uint64, r pitwall.SpanRow) {
		r.TraceID, r.SpanID, r.ReqBytes = t, base+n, -1
		if parent > 0 {
			r.ParentID = base + parent
		}
		if r.RespBytes == 0 {
			r.RespBytes = -1
		}
		b.Add(r)
	}
	at := func(n int) time.Time { return start.Add(ms(n)) }
	add(5, 3, pitwall.SpanRow{Start: at(22), Duration: ms(26), Service: "inventory", Version: "v40", Operation: "POST /lookup", Kind: pitwall.SpanServer, RespBytes: 8100})
	add(1, 0, pitwall.SpanRow{Start: at(0), Duration: ms(100), Service: "edge", Version: "v1", Operation: "POST /checkout", Kind: pitwall.SpanServer})
	add(2, 1, pitwall.SpanRow{Start: at(10), Duration: ms(80), Service: "checkout", Version: "v7", Operation: "POST /checkout", Kind: pitwall.SpanServer, Failed: id%10 == 0})
	add(3, 2, pitwall.SpanRow{Start: at(20), Duration: ms(30), Service: "checkout", Version: "v7", Operation: "POST", Kind: pitwall.SpanClient})
	add(4, 2, pitwall.SpanRow{Start: at(40), Duration: ms(30), Service: "checkout", Version: "v7", Operation: "POST", Kind: pitwall.SpanClient})
	add(6, 2, pitwall.SpanRow{Start: at(75), Duration: ms(5), Service: "checkout", Version: "v7", Operation: "SELECT", Kind: pitwall.SpanClient})
}

func TestStats(t *testing.T) {
	b := &pitwall.SpanBatch{}
	for i := range uint64(20) {
		one(b, i+1, begin.Add(time.Duration(i)*100*time.Millisecond))
	}
	one(b, 99, begin.Add(-time.Second)) // began before the period
	got := baseline.Stats(b, pitwall.Period{From: begin, To: begin.Add(2 * time.Second)})
	want := []pitwall.OperationStats{
		{Service: "checkout", Operation: "POST /checkout", Requests: 20, PerSecond: 10, Callers: []string{"edge"}, ChildrenPerCall: 3,
			ErrorRatio: pitwall.Measure{Value: 0.1, Unit: "ratio", N: 20}, P50: pitwall.Measure{Value: 0.08, Unit: "s", N: 20},
			P95: pitwall.Measure{Value: 0.08, Unit: "s", N: 20}, P99: pitwall.Measure{Value: 0.08, Unit: "s", N: 20},
			ResponseMedian: pitwall.Measure{Unit: "B"}, RequestMedian: pitwall.Measure{Unit: "B"},
			SelfTimeMean: pitwall.Measure{Value: 0.025, Unit: "s", N: 20}}, // 80 - (20..70 and 75..80)
		{Service: "edge", Operation: "POST /checkout", Requests: 20, PerSecond: 10, ChildrenPerCall: 1,
			ErrorRatio: pitwall.Measure{Unit: "ratio", N: 20}, P50: pitwall.Measure{Value: 0.1, Unit: "s", N: 20},
			P95: pitwall.Measure{Value: 0.1, Unit: "s", N: 20}, P99: pitwall.Measure{Value: 0.1, Unit: "s", N: 20},
			ResponseMedian: pitwall.Measure{Unit: "B"}, RequestMedian: pitwall.Measure{Unit: "B"},
			SelfTimeMean: pitwall.Measure{Value: 0.02, Unit: "s", N: 20}},
		{Service: "inventory", Operation: "POST /lookup", Requests: 20, PerSecond: 10, Callers: []string{"checkout"},
			ErrorRatio: pitwall.Measure{Unit: "ratio", N: 20}, P50: pitwall.Measure{Value: 0.026, Unit: "s", N: 20},
			P95: pitwall.Measure{Value: 0.026, Unit: "s", N: 20}, P99: pitwall.Measure{Value: 0.026, Unit: "s", N: 20},
			ResponseMedian: pitwall.Measure{Value: 8100, Unit: "B", N: 20}, RequestMedian: pitwall.Measure{Unit: "B"},
			SelfTimeMean: pitwall.Measure{Value: 0.026, Unit: "s", N: 20}},
	}
	options := cmp.Options{cmpopts.EquateApprox(0, 1e-9), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(pitwall.Measure{}, "Low", "High")}
	if diff := cmp.Diff(want, got, options); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if e := got[0].ErrorRatio; !(e.Low > 0 && e.Low < 0.1 && e.High > 0.1 && e.High < 0.5) {
		t.Errorf("error interval %+v", e)
	}
	if baseline.Stats(nil, pitwall.Period{}) != nil {
		t.Error("no spans, no operations")
	}
}

func TestLoadCountsTracesOnce(t *testing.T) {
	b := &pitwall.SpanBatch{}
	one(b, 1, begin)
	one(b, 2, begin)
	// A trace whose edge span was lost: two orphans, counted as one call.
	orphan := &pitwall.SpanBatch{}
	one(orphan, 3, begin)
	for i := range orphan.Len() {
		if orphan.Row(i).Service != "edge" {
			b.AppendFrom(orphan, i)
		}
	}
	got := baseline.Load(b, pitwall.Period{From: begin, To: begin.Add(2 * time.Second)})
	want := []pitwall.RouteLoad{
		{Service: "edge", Operation: "POST /checkout", PerSecond: 1, Count: 2},
		{Service: "checkout", Operation: "POST /checkout", PerSecond: 0.5, Count: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// steady is traffic whose checkout latencies are log-normal.
func steady(seed uint64, perSecond float64, length time.Duration, version func(at time.Duration) pitwall.Version) *pitwall.SpanBatch {
	rng := rand.New(rand.NewPCG(seed, 1))
	b, id := &pitwall.SpanBatch{}, uint64(0)
	for at := 0.0; ; {
		at += rng.ExpFloat64() / perSecond
		if at >= length.Seconds() {
			return b
		}
		id++
		since := time.Duration(at * 1e9)
		b.Add(pitwall.SpanRow{TraceID: trace(id), SpanID: id, Start: begin.Add(since), Duration: time.Duration(1e8 * math.Exp(0.5*rng.NormFloat64())),
			Service: "checkout", Version: version(since), Operation: "POST /checkout", Kind: pitwall.SpanServer, ReqBytes: -1, RespBytes: 500})
	}
}

func freeze(b *pitwall.SpanBatch, length time.Duration) pitwall.Baseline {
	return baseline.Freeze(baseline.Input{
		Service: "checkout", Operation: "POST /checkout", Spans: b, Period: pitwall.Period{From: begin, To: begin.Add(length)},
		Families: []pitwall.FrameDelta{{Name: "gc", Before: 0.001}}, Now: begin.Add(time.Hour), Rand: rand.New(rand.NewPCG(1, 1)),
	})
}

func TestFreeze(t *testing.T) {
	length := 90 * time.Second
	b := freeze(steady(1, 70, length, func(at time.Duration) pitwall.Version {
		if at < 10*time.Second {
			return "v6"
		}
		return "v7"
	}), length)
	if len(b.Warnings) != 0 {
		t.Errorf("warnings about a good baseline: %q", b.Warnings)
	}
	if b.Versions["checkout"] != "v7" {
		t.Errorf("versions %v", b.Versions)
	}
	truth := 0.1 * math.Exp(0.5*2.326)
	if p := b.Operations[0].P99; !(p.Low <= truth && truth <= p.High) {
		t.Errorf("p99 %+v, truth %v", p, truth)
	}
	// Two halves of 3,150 requests: each log p99 has a standard error of about
	// 0.033 at sigma 0.5, so the difference stays under about 0.09.
	if b.NoiseP99 < 0.04 || b.NoiseP99 > 0.2 {
		t.Errorf("noise floor %v", b.NoiseP99)
	}
	if len(b.Load) != 1 || math.Abs(b.Load[0].PerSecond-70) > 5 {
		t.Errorf("load %+v", b.Load)
	}
	if _, err := json.Marshal(b); err != nil {
		t.Error(err)
	}
	again := freeze(steady(1, 70, length, func(time.Duration) pitwall.Version { return "v7" }), length)
	if again.NoiseP99 != b.NoiseP99 {
		t.Error("the same data and the same dice give another noise floor")
	}
}

func TestFreezeWarns(t *testing.T) {
	v7 := func(time.Duration) pitwall.Version { return "v7" }
	f := func(spans *pitwall.SpanBatch, length time.Duration, words ...string) {
		t.Helper()
		got := strings.Join(freeze(spans, length).Warnings, "; ")
		for _, w := range words {
			if !strings.Contains(got, w) {
				t.Errorf("warnings %q lack %q", got, w)
			}
		}
	}
	f(nil, time.Minute, "there is no normal")
	f(&pitwall.SpanBatch{}, time.Minute, "there is no normal")
	f(steady(1, 5, time.Minute, v7), time.Minute, "only", "wants at least 1000")
	f(steady(1, 5, 5*time.Second, v7), 5*time.Second, "too short")
	f(steady(1, 70, 20*time.Second, v7), time.Minute, "cover only 20s of the 1m0s")
}
