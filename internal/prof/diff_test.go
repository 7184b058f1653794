package prof

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pitwall/pitwall"
)

// service makes windows of a service whose stacks cost so many samples per
// thousand requests, drawn from Poisson distributions.
type service struct {
	t   *testing.T
	rng *rand.Rand
}

func newService(t *testing.T, seed uint64) service {
	return service{t, rand.New(rand.NewPCG(seed, seed))}
}

func (s service) windows(n int, stacks map[string]float64) []pitwall.ProfileWindow {
	out := make([]pitwall.ProfileWindow, n)
	for w := range out {
		requests := 800 + s.rng.Int64N(400)
		drawn := map[string]int64{}
		for _, stack := range slices.Sorted(maps.Keys(stacks)) {
			rate := stacks[stack] * float64(requests) / 1000
			drawn[stack] = int64(distuv.Poisson{Lambda: rate, Src: s.rng}.Rand())
		}
		out[w] = pitwall.ProfileWindow{Service: "shop", Type: pitwall.ProfileCPU, Requests: requests, Data: cpuProfile(s.t, drawn)}
	}
	return out
}

// shop's stacks; price is called from two routes.
func shop() map[string]float64 {
	return map[string]float64{
		"net/http.(*conn).serve;main.checkout;main.price;regexp.(*Regexp).FindString": 60,
		"net/http.(*conn).serve;main.checkout;main.price;runtime.mallocgc":            20,
		"net/http.(*conn).serve;main.checkout;main.sign;crypto/sha256.Sum256":         80,
		"net/http.(*conn).serve;main.list;encoding/json.Marshal":                      100,
		"net/http.(*conn).serve;main.list;runtime.mallocgc":                           60,
		"runtime.gcBgMarkWorker;runtime.scanobject":                                   50,
	}
}

func TestDiffNamesTheStepNotItsEchoes(t *testing.T) {
	s := newService(t, 1)
	base := s.windows(10, shop())
	slow := shop()
	slow["net/http.(*conn).serve;main.checkout;main.price;regexp.(*Regexp).FindString"] *= 3
	d, err := Diff(base, s.windows(10, slow), Options{})
	if err != nil {
		t.Fatal(err)
	}
	// main.checkout and net/http above it and regexp below it all grew.
	if got := named(d.Frames); !slices.Equal(got, []string{"main.price"}) {
		t.Errorf("named %v, want main.price alone", got)
	}
	if got := named(d.Families); !slices.Equal(got, []string{"regexp"}) {
		t.Errorf("families named %v, want regexp alone", got)
	}
	i := slices.IndexFunc(d.Frames, func(r pitwall.FrameDelta) bool { return r.Name == "main.checkout" })
	if i < 0 || d.Frames[i].P > 0.001 {
		t.Errorf("main.checkout's own p must stay: %+v", d.Frames)
	}
	top := d.Frames[0] // 80 and 200 samples of 10 ms per 1000 requests
	if math.Abs(top.Before-0.0008) > 1e-4 || math.Abs(top.After-0.002) > 2e-4 {
		t.Errorf("main.price costs %v, then %v; want 0.8 ms and 2 ms a request", top.Before, top.After)
	}
}

func TestDiffNamesLibraryWithoutOneCaller(t *testing.T) {
	s := newService(t, 2)
	base := s.windows(10, shop())
	slow := shop()
	slow["runtime.gcBgMarkWorker;runtime.scanobject"] *= 2
	d, err := Diff(base, s.windows(10, slow), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := named(d.Frames); !slices.Equal(got, []string{"runtime.scanobject"}) {
		t.Errorf("named %v, want the deepest, runtime.scanobject", got)
	}
	if got := named(d.Families); !slices.Equal(got, []string{"gc"}) {
		t.Errorf("families named %v, want gc", got)
	}
}

// TestDiffFalseAlarms measures how often independent windows of one and the
// same service name anything. The rate asked for is 5 %.
func TestDiffFalseAlarms(t *testing.T) {
	const trials = 500
	s := newService(t, 3)
	anything := 0
	for range trials {
		d, err := Diff(s.windows(8, shop()), s.windows(8, shop()), Options{})
		if err != nil {
			t.Fatal(err)
		}
		anything += min(1, len(named(d.Frames))+len(named(d.Families)))
	}
	t.Logf("of %d null comparisons %d name anything", trials, anything)
	if anything > trials*7/100 { // 5 %, and two standard errors
		t.Errorf("%d of %d null comparisons name anything, want at most about 5 %%", anything, trials)
	}
}

func TestDiffWithoutRequestCounts(t *testing.T) {
	s := newService(t, 4)
	base := s.windows(10, shop())
	slow := shop()
	slow["net/http.(*conn).serve;main.checkout;main.price;regexp.(*Regexp).FindString"] *= 3
	head := s.windows(10, slow)
	for i := range base {
		base[i].Requests = 0
	}
	d, err := Diff(base, head, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := named(d.Frames); !slices.Contains(got, "main.price") {
		t.Errorf("named %v, want main.price among them", got)
	}
	if d.Unit != pitwall.UnitSeconds || len(d.Warnings) == 0 || !strings.Contains(d.Warnings[0], "10 of 20 windows have no request count") {
		t.Errorf("unit %s, warnings %v", d.Unit, d.Warnings)
	}
	// With enough counted windows left, the others are dropped instead.
	base = append(base, s.windows(5, shop())...)
	d, err = Diff(base, head, Options{})
	if err != nil || d.Unit != pitwall.UnitCPUPerReq || !strings.Contains(d.Warnings[0], "10 windows without") {
		t.Errorf("unit %s, warnings %v, %v", d.Unit, d.Warnings, err)
	}
}

func TestDiffOfNothing(t *testing.T) {
	s := newService(t, 5)
	if _, err := Diff(nil, s.windows(3, shop()), Options{}); pitwall.KindOf(err) != pitwall.Inconclusive {
		t.Errorf("no windows before: %v, want inconclusive", err)
	}
	idle := map[string]float64{}
	d, err := Diff(s.windows(4, idle), s.windows(4, idle), Options{})
	if err != nil || len(d.Frames) != 0 || len(d.Tree) != 0 || d.Verdict.Answer != NoData || len(d.Warnings) != 1 {
		t.Errorf("idle service: %+v, %v; want no rows, and no data rather than no change", d, err)
	}
	mixed := s.windows(4, shop())
	mixed[2].Type = pitwall.ProfileAlloc
	if _, err := Diff(mixed, s.windows(4, shop()), Options{}); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("mixed types: %v, want invalid", err)
	}
}

func TestWelch(t *testing.T) {
	// The p was found by integrating Student's density with 27.917 degrees of
	// freedom numerically.
	a := []float64{27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4}
	b := []float64{27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 25.2}
	welch := func(a, b []float64) outcome {
		one := func(v []float64) half {
			h := half{n: float64(len(v))}
			h.mean, h.variance = stat.MeanVariance(v, nil)
			return h
		}
		return prior{}.test(one(a), one(b)) // nothing known beforehand
	}
	if o := welch(a, b); math.Abs(o.p-0.00729796) > 1e-7 || math.Abs(o.t-2.89416446) > 1e-7 {
		t.Errorf("p %v and t %v, want 0.00729796 and 2.89416446", o.p, o.t)
	}
	if o := welch([]float64{1, 1}, []float64{2, 2}); o.p != 1 {
		t.Errorf("no spread: p %v, want 1", o.p)
	}
	if o := welch([]float64{1}, []float64{2, 3}); o.p != 1 {
		t.Errorf("one value: p %v, want 1", o.p)
	}
}

func TestDiscoveries(t *testing.T) {
	// Benjamini and Hochberg's own example (1995, section 3.2): four rejected.
	ps := []float64{0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1}
	if got := discoveries(ps, 0.05); got != 0.0095 {
		t.Errorf("largest accepted p %v, want 0.0095", got)
	}
	if got := discoveries([]float64{0.2, 0.9}, 0.05); got != -1 {
		t.Errorf("nothing to accept: %v, want -1", got)
	}
	if got := discoveries(nil, 0.05); got != -1 {
		t.Errorf("no tests: %v, want -1", got)
	}
}

func TestMDE(t *testing.T) {
	if got := MDE(0.05, 10_000, 2, 50); math.Abs(got-0.018) > 0.0005 {
		t.Errorf("5 %% of 10,000 samples: %v, want 0.018", got)
	}
	if !math.IsInf(MDE(0.05, 0, 1, 1), 1) {
		t.Error("without samples nothing is visible")
	}
	if MDE(0.05, 100, 0.2, 1) != MDE(0.05, 100, 1, 1) {
		t.Error("dispersion below one must not flatter")
	}
}

func TestSizeFactors(t *testing.T) {
	// The second window did twice the work; one function also grew tenfold and
	// must not count.
	got := sizeFactors([][]float64{{100, 200}, {50, 100}, {80, 160}, {10, 200}, {1, 0}}, 2)
	if math.Abs(got[1]/got[0]-2) > 0.02 {
		t.Errorf("factors %v, want a ratio of 2", got)
	}
	if got := sizeFactors(nil, 2); got[0] != 1 || got[1] != 1 {
		t.Errorf("no functions: %v, want ones", got)
	}
}
