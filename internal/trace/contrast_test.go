package trace_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/trace"
)

// world makes requests of two services with attributes that have nothing to do
// with how long they take, unless extra says so.
type world struct {
	requests int
	// extra is what a request takes more, in seconds, and what it carries.
	extra func(r *rand.Rand, i int) (seconds float64, entry, below []pitwall.Attr)
}

func (w world) group(seed uint64) trace.Group {
	r := rand.New(rand.NewPCG(seed, 77))
	b := &pitwall.SpanBatch{}
	for i := range w.requests {
		more, entry, below := 0.0, []pitwall.Attr(nil), []pitwall.Attr(nil)
		if w.extra != nil {
			more, entry, below = w.extra(r, i)
		}
		start := time.Unix(1_000_000, 0).Add(time.Duration(i) * 100 * time.Millisecond)
		took := 0.05*math.Exp(0.3*r.NormFloat64()) + more
		pick := func(key string, n int) pitwall.Attr { return pitwall.Attr{Key: key, Value: fmt.Sprint(key, r.IntN(n))} }
		entry = append(entry, pick("tenant", 40), pick("k8s.pod.name", 3), pick("cloud.availability_zone", 3), pick("user.agent", 12),
			pitwall.Attr{Key: "http.response.status_code", Value: "200"}, pitwall.Attr{Key: "order.id", Value: fmt.Sprint(i)},
			pitwall.Attr{Key: "trace.note", Value: fmt.Sprint(r.Uint64())}, pitwall.Attr{Key: "cart.items", Value: fmt.Sprint(r.IntN(60))},
			pitwall.Attr{Key: "elapsed_ms", Value: fmt.Sprint(took * 1000)})
		if r.IntN(50) == 0 {
			entry = append(entry, pick("experiment", 2))
		}
		trace := pitwall.TraceID{0: byte(i), 1: byte(i >> 8), 15: 1}
		b.Add(pitwall.SpanRow{TraceID: trace, SpanID: 1, Start: start, Duration: time.Duration(took * 1e9), Service: "shop", Version: "v1",
			Operation: "GET /", Kind: pitwall.SpanServer, ReqBytes: -1, RespBytes: 500 + r.Int64N(9000), Attrs: entry})
		b.Add(pitwall.SpanRow{TraceID: trace, SpanID: 2, ParentID: 1, Start: start, Duration: time.Duration(took * 5e8), Service: "stock",
			Version: "v7", Operation: "lookup", Kind: pitwall.SpanServer, ReqBytes: -1, RespBytes: -1,
			Attrs: append(below, pick("host.name", 5), pick("shard", 8))})
	}
	f := trace.Build(b)
	return trace.Group{Batch: b, Forest: f, Requests: trace.Entries(b, f)}
}

// slowest is the longest duration of all but a share of the requests.
func slowest(g trace.Group, share float64) int64 {
	return trace.DurationAt(g, 1-share)
}

// TestContrastsNullSeldomNameAnything: of worlds in which no attribute has to do
// with slowness at most one in twenty names one, with few and with many slow
// requests, in a steady time and in one with bursts of slowness.
func TestContrastsNullSeldomNameAnything(t *testing.T) {
	bursts := func(r *rand.Rand, i int) (float64, []pitwall.Attr, []pitwall.Attr) {
		// The pod is replaced in the middle, when slowness sets in for another reason.
		pod := pitwall.Attr{Key: "replica", Value: fmt.Sprint("p", i/250)}
		if i > 250 && r.IntN(4) == 0 {
			return 0.3, []pitwall.Attr{pod}, nil
		}
		return 0, []pitwall.Attr{pod}, nil
	}
	const seeds = 100
	all := 0
	for name, c := range map[string]struct {
		w     world
		share float64
	}{
		"few slow":  {world{requests: 500}, 0.04},
		"half slow": {world{requests: 500}, 0.5},
		"bursts":    {world{requests: 500, extra: bursts}, 0.12},
	} {
		named := 0
		for seed := range seeds {
			g := c.w.group(uint64(seed))
			if found := trace.Contrasts(g.Split(slowest(g, c.share))); len(found) > 0 {
				named++
				t.Logf("%s, seed %d: %s %q q=%.3f V=%.2f", name, seed, found[0].Key, found[0].Values[0].Value, found[0].Q, found[0].Effect)
			}
		}
		all += named
		if named > seeds/20 {
			t.Errorf("%s: %d of %d worlds without a cause name one", name, named, seeds)
		}
	}
	t.Logf("%d of %d worlds without a cause name one", all, 3*seeds)
}

// TestContrastsFindWhatWasPlanted: the key, its value and about how much of the
// excess it carries, first and in nearly all worlds.
func TestContrastsFindWhatWasPlanted(t *testing.T) {
	attr := func(key, value string) []pitwall.Attr { return []pitwall.Attr{{Key: key, Value: value}} }
	for name, c := range map[string]struct {
		w            world
		share        float64
		key, service string
		value        string
		least, most  float64 // share explained
	}{
		// 3 % of the requests carry 80 % of the excess; the rest of it falls on anybody.
		"region": {world{requests: 2000, extra: func(r *rand.Rand, _ int) (float64, []pitwall.Attr, []pitwall.Attr) {
			if r.IntN(100) < 3 {
				return 0.8, attr("cloud.region", "x"), nil
			}
			if r.IntN(100) < 3 {
				return 0.2, attr("cloud.region", "y"), nil
			}
			return 0, attr("cloud.region", "y"), nil
		}}, 0.05, "cloud.region", "", "x", 0.6, 0.95},
		"flag unset": {world{requests: 1000, extra: func(r *rand.Rand, _ int) (float64, []pitwall.Attr, []pitwall.Attr) {
			if r.IntN(10) == 0 {
				return 0.5, nil, nil
			}
			return 0, attr("cache", "hit"), nil
		}}, 0.1, "cache", "", "", 0.8, 1},
		"a shard beneath": {world{requests: 1000, extra: func(r *rand.Rand, _ int) (float64, []pitwall.Attr, []pitwall.Attr) {
			if r.IntN(12) == 0 {
				return 0.3, nil, attr("volume", "full")
			}
			return 0, nil, attr("volume", "fine")
		}}, 0.08, "volume", "stock", "full", 0.7, 1},
		"a measure": {world{requests: 1000, extra: func(r *rand.Rand, _ int) (float64, []pitwall.Attr, []pitwall.Attr) {
			n := r.IntN(1000)
			if n > 900 {
				return 0.3 * (0.5 + r.Float64()), attr("rows", fmt.Sprint(n)), nil
			}
			return 0, attr("rows", fmt.Sprint(n)), nil
		}}, 0.1, "rows", "", "", 0.7, 1},
	} {
		const seeds = 12
		hits := 0
		for seed := range seeds {
			g := c.w.group(uint64(seed))
			found := trace.Contrasts(g.Split(slowest(g, c.share)))
			if len(found) == 0 {
				t.Logf("%s, seed %d: nothing", name, seed)
				continue
			}
			if got := found[0]; got.Key == c.key && string(got.Service) == c.service && (c.value == got.Values[0].Value || c.key == "rows") &&
				float64(got.Explain) >= c.least && float64(got.Explain) <= c.most && got.Q <= 0.05 {
				hits++
			} else {
				t.Logf("%s, seed %d: %+v", name, seed, got)
			}
		}
		if hits < seeds-1 {
			t.Errorf("%s: found first in %d of %d worlds", name, hits, seeds)
		}
	}
}

// TestContrastsOfFailures: requests that fail soon are not slow; what is
// explained is their number.
func TestContrastsOfFailures(t *testing.T) {
	g := world{requests: 1000, extra: func(r *rand.Rand, i int) (float64, []pitwall.Attr, []pitwall.Attr) {
		if i%20 == 0 {
			return -0.03, []pitwall.Attr{{Key: "client", Value: "old app"}}, nil
		}
		return 0, []pitwall.Attr{{Key: "client", Value: "web"}}, nil
	}}.group(3)
	failed, passed := trace.Group{Batch: g.Batch, Forest: g.Forest}, trace.Group{Batch: g.Batch, Forest: g.Forest}
	for i, r := range g.Requests {
		if i%20 == 0 || i%100 == 7 { // 50 by the old app, 10 for other reasons
			failed.Requests = append(failed.Requests, r)
		} else {
			passed.Requests = append(passed.Requests, r)
		}
	}
	found := trace.Contrasts(failed, passed)
	if len(found) == 0 || found[0].Key != "client" || found[0].Values[0].Value != "old app" || found[0].Explain < 0.75 || found[0].Explain > 0.9 {
		t.Errorf("%+v", found)
	}
}

func TestContrastsOfTooLittle(t *testing.T) {
	g := world{requests: 12}.group(1)
	if found := trace.Contrasts(g.Split(slowest(g, 0.3))); found != nil {
		t.Errorf("four slow requests prove %+v", found)
	}
	if found := trace.Contrasts(trace.Group{}, trace.Group{}); found != nil {
		t.Errorf("nothing proves %+v", found)
	}
}

// TestContrastsOfTwoBatches: the groups may come from two periods with two
// dictionaries, and the answer is the same every time.
func TestContrastsOfTwoBatches(t *testing.T) {
	before := world{requests: 500}.group(1)
	after := world{requests: 500, extra: func(r *rand.Rand, i int) (float64, []pitwall.Attr, []pitwall.Attr) {
		if i%5 == 0 {
			return 0.5, []pitwall.Attr{{Key: "tenant.tier", Value: "gold"}}, nil
		}
		return 0, nil, nil
	}}.group(2)
	slow, _ := after.Split(slowest(after, 0.2))
	first := fmt.Sprintf("%+v", trace.Contrasts(slow, before))
	found := trace.Contrasts(slow, before)
	if len(found) == 0 || found[0].Key != "tenant.tier" || found[0].Values[0].Value != "gold" || found[0].Values[0].Slow != 100 || found[0].Values[0].Typical != 0 {
		t.Errorf("%+v", found)
	}
	if again := fmt.Sprintf("%+v", found); again != first {
		t.Errorf("two answers:\n%s\n%s", first, again)
	}
}

func BenchmarkContrasts(b *testing.B) {
	g := world{requests: 20_000}.group(1)
	slow, typical := g.Split(slowest(g, 0.05))
	b.ReportAllocs()
	for b.Loop() {
		trace.Contrasts(slow, typical)
	}
}
