package excess

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

func TestShapes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	calm := func(n int) []float64 { return noise(rng, n, 0.2, 0.1, 0) }
	flat := func(n int, v float64) []float64 {
		list := make([]float64, n)
		for i := range list {
			list[i] = v
		}
		return list
	}
	ramp := func(n int, from, by float64) []float64 {
		list := make([]float64, n)
		for i := range list {
			list[i] = from + by*float64(i)
		}
		return list
	}
	cat := func(parts ...[]float64) (all []float64) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for _, c := range []struct {
		name string
		v    []float64
		n0   int
		kind Kind
		up   bool
		at   int // row of the onset
		slip int // rows it may be off
	}{
		{"a step of half as much again", cat(calm(70), noise(rng, 40, 0.3, 0.1, 0)), 30, Step, true, 70, 2},
		{"a limit that was lowered", cat(flat(60, 50), flat(20, 10)), 25, Step, false, 60, 0},
		{"failures out of nothing", cat(flat(50, 0), flat(20, 62)), 20, Step, true, 50, 0},
		{"a disk that fills", cat(calm(60), ramp(40, 0.2, 0.02)), 30, Ramp, true, 60, 8},
		{"two bad rows of five", cat(calm(402), flat(2, 0.5), calm(1)), 400, Spike, true, 402, 0},
		{"silence", cat(calm(60), flat(30, math.NaN())), 40, Gone, false, 60, 0},
		{"never seen before", cat(flat(30, math.NaN()), flat(5, 3)), 30, Appeared, true, 30, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := one(t, c.v, c.n0)
			at := int(m.Onset.At.Sub(began).Minutes())
			if m.Kind != c.kind || m.Up != c.up {
				t.Errorf("got %s, up %v; want %s, up %v", m.Kind, m.Up, c.kind, c.up)
			}
			if d := at - c.at; max(d, -d) > c.slip {
				t.Errorf("onset at row %d, want %d", at, c.at)
			}
			if m.Onset.Earliest.After(m.Onset.At) || m.Onset.Latest.Before(m.Onset.At) {
				t.Errorf("the onset %v lies outside of its own interval", m.Onset)
			}
		})
	}
}

// TestNothingWasMeasured: where a service was not measured at all in the baseline,
// nothing of it appeared but the measuring.
func TestNothingWasMeasured(t *testing.T) {
	b, w := periods(20, 10)
	since := make([]float64, 30)
	for i := range since {
		if since[i] = 0.9; i < 20 {
			since[i] = math.NaN()
		}
	}
	late, before := minutes(since...), minutes(make([]float64, 30)...)
	if got := Moves([]pitwall.Measured{late}, b, w); len(got) != 0 {
		t.Errorf("its measuring began: %v", got)
	}
	before.Metric = "requests"
	if got := Moves([]pitwall.Measured{late, before}, b, w); len(got) != 1 || got[0].Kind != Appeared {
		t.Errorf("it is measured, and something new appeared: %v", got)
	}
	before.Service = "web"
	if got := Moves([]pitwall.Measured{late, before}, b, w); len(got) != 0 {
		t.Errorf("only another is measured: %v", got)
	}
}

func TestHostileSeries(t *testing.T) {
	b, w := periods(20, 20)
	inf := math.Inf(1)
	list := []pitwall.Measured{
		{}, {T: []int64{1, 2, 3}, V: []float64{1}}, minutes(inf, -inf, 1e300, math.NaN()),
		minutes(make([]float64, 40)...), {T: []int64{b.From.UnixMilli()}, V: []float64{1}},
	}
	if got := Moves(list, b, w); len(got) != 0 {
		t.Errorf("%d moves out of nothing: %v", len(got), got)
	}
	for _, s := range []pitwall.Signal{"latency", "errors", "any", "saturation", "nonsense"} {
		a := Localise(list, pitwall.Topology{Calls: []pitwall.Call{{From: "a", To: "b"}, {From: "b", To: "a"}}}, Question{Service: "a", Signal: s, Baseline: b, Window: w}, nil)
		if a.Gate.State != Unknown || a.Gate.Reason == "" {
			t.Errorf("%s: %s (%q), want unknown with a reason", s, a.Gate.State, a.Gate.Reason)
		}
	}
}

// shop makes series of a small shop: web calls cart (seen by a client view, too)
// and mail; cart calls db. After 200 calm minutes come ten, of which the last
// six are bad as asked for: how much a call of each takes then, and how often.
func shop(took map[pitwall.ServiceName]float64, often map[pitwall.ServiceName]float64) ([]pitwall.Measured, pitwall.Topology, Question) {
	rng := rand.New(rand.NewPCG(5, 6))
	normal := map[pitwall.ServiceName]float64{"web": 0.1, "cart": 0.04, "cart-client": 0.041, "db": 0.01, "mail": 0.02}
	asked := map[pitwall.ServiceName]float64{"web": 500, "cart": 500, "cart-client": 500, "db": 1000, "mail": 100}
	b, w := periods(200, 10)
	var list []pitwall.Measured
	for _, s := range []pitwall.ServiceName{"web", "cart", "cart-client", "db", "mail"} {
		l, r := minutes(noise(rng, 210, normal[s], 0.03, 0.5)...), minutes(noise(rng, 210, asked[s], 0.03, 0)...)
		l.Service, l.Stat = s, "avg"
		r.Service, r.Metric, r.Stat = s, "requests", "sum"
		for i := 204; i < 210; i++ {
			l.V[i] += took[s]
			r.V[i] *= 1 + often[s]
		}
		list = append(list, l, r)
	}
	topo := pitwall.Topology{
		Services: []pitwall.Component{
			{Name: "cart", Kind: pitwall.ComponentService, Component: "Cart"},
			{Name: "cart-client", Kind: pitwall.ComponentService, Component: "Cart"},
		},
		Calls: []pitwall.Call{
			{From: "web", To: "cart-client"}, {From: "cart-client", To: "cart"}, {From: "cart", To: "db"}, {From: "web", To: "mail"},
			{From: "db", To: "web"}, // a cycle, as a graph of host names may have
		},
	}
	return list, topo, Question{Service: "web", Signal: pitwall.SignalLatency, Baseline: b, Window: w}
}

func TestWhoAddedIt(t *testing.T) {
	type per = map[pitwall.ServiceName]float64
	for _, c := range []struct {
		name        string
		took, often per
		want        pitwall.ServiceName
	}{
		{"the database, through its callers", per{"db": 0.02, "cart": 0.04, "cart-client": 0.04, "web": 0.04}, nil, "db"},
		{"the service, not its client view", per{"cart": 0.04, "cart-client": 0.041, "web": 0.04}, nil, "cart"},
		{"itself", per{"web": 0.05}, nil, "web"},
		{"who asks more often, not who is asked", per{"cart": 0.03, "cart-client": 0.03, "web": 0.03}, per{"db": 3}, "cart"},
		{"a callee that few requests need", per{"mail": 0.25, "web": 0.05}, nil, "mail"},
		{"nothing", nil, nil, ""},
		{"something beside the path of time", per{"mail": 0.25}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, topo, q := shop(c.took, c.often)
			a := Localise(list, topo, q, Moves(list, q.Baseline, q.Window))
			got := pitwall.ServiceName("")
			sum := a.Unexplained
			for i, s := range a.Shares {
				if sum += s.Explained; i == 0 {
					got = s.Service
				}
			}
			if got != c.want {
				t.Fatalf("%q is named, want %q: %+v", got, c.want, a.Shares)
			}
			if len(a.Shares) > 0 && math.Abs(sum-a.Increase) > 1e-9 {
				t.Errorf("parts and remainder sum to %g, the increase is %g", sum, a.Increase)
			}
			if begins := began.Add(204 * time.Minute); c.want != "" && !a.Gate.Onset.At.Equal(begins) {
				t.Errorf("onset %v, want %v", a.Gate.Onset.At, begins)
			}
		})
	}
}

func TestWithoutGraph(t *testing.T) {
	list, _, q := shop(map[pitwall.ServiceName]float64{"web": 0.05, "db": 0.03}, nil)
	a := Localise(list, pitwall.Topology{}, q, Moves(list, q.Baseline, q.Window))
	if a.Method != ByOnset || a.Missing == "" || len(a.Shares) != 2 || !a.Shares[0].Root {
		t.Errorf("want web, then db, by onset with a reason: %+v", a)
	}
}

func BenchmarkMoves(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	list := make([]pitwall.Measured, 100)
	for i := range list {
		list[i] = minutes(noise(rng, 600, 0.2, 0.2, 0.5)...)
	}
	base, window := periods(480, 120)
	b.ReportAllocs()
	for b.Loop() {
		Moves(list, base, window)
	}
}
