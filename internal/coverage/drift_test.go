package coverage

import (
	"slices"
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
)

var pay = Release{Service: "checkout", From: "v41", To: "v42"}

// metrics that moved at every look, and one that comes and goes.
func moving(s Side, names ...string) Side {
	s.Looks, s.Metrics = 20, map[string]int{"now_and_then_total": 3}
	for _, n := range names {
		s.Metrics[n] = 20
	}
	return s
}

func kinds(list []pitwall.Drift) (out []string) {
	for _, d := range list {
		out = append(out, d.Kind+" "+d.What)
	}
	return out
}

// TestDriftOfTheSameThing: two samples of one and the same service, bunches,
// rare operations and sporadic metrics included.
func TestDriftOfTheSameThing(t *testing.T) {
	wrong := 0
	for seed := range uint64(1000) {
		n := 60 + int(seed%5)*10
		before := moving(newShop(2*seed+1, "v41").requests(n).side(), "requests_total")
		after := moving(newShop(2*seed+2, "v42").requests(n/(1+int(seed%3))).side(), "requests_total")
		delete(after.Metrics, "now_and_then_total")
		if found := Drift(pay, before, after); len(found) > 0 {
			wrong++
			t.Logf("seed %d: %v", seed, kinds(found))
		}
	}
	if wrong > 10 {
		t.Errorf("%d of 1000 comparisons of the same thing found something, at most 10 may", wrong)
	}
}

func TestDriftFindsWhatIsPlanted(t *testing.T) {
	f := func(name string, plant func(*shop), want ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			missed := 0
			for seed := range uint64(20) {
				after := newShop(1000+seed, "v42")
				plant(after)
				got := kinds(Drift(pay, newShop(seed, "v41").requests(300).side(), after.requests(200).side()))
				if !slices.Equal(got, want) {
					missed++
					t.Logf("seed %d: %q, want %q", seed, got, want)
				}
			}
			if missed > 1 {
				t.Errorf("%d of 20 not as planted", missed)
			}
		})
	}
	f("nothing", func(*shop) {})
	f("a callee that is down", func(s *shop) { s.down = true })
	f("internal operation gone", func(s *shop) { s.silentOp = true }, "operation-gone price")
	f("server operation renamed", func(s *shop) { s.renamed = true }, "operation-gone POST /pay")
	f("attribute gone", func(s *shop) { s.noStatement = true }, "attribute-gone db.query.text of SELECT (outgoing)")
	f("context not read", func(s *shop) { s.noContext = true }, "context-lost calls of checkout")
	f("context not passed on", func(s *shop) { s.noOutgoing = true }, "context-lost calls to inventory")
	f("more spans", func(s *shop) { s.detail = 12 }, "more-spans POST /pay")
}

func TestFewerSpans(t *testing.T) {
	before, after := newShop(1, "v41"), newShop(2, "v42")
	before.detail, after.detail = 20, 0
	got := kinds(Drift(pay, before.requests(300).side(), after.requests(200).side()))
	if want := []string{"operation-gone detail", "fewer-spans POST /pay"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMetricGone(t *testing.T) {
	before := moving(newShop(1, "v41").requests(200).side(), "requests_total", "pool_in_use")
	after := moving(newShop(2, "v42").requests(200).side(), "requests_total")
	if got := kinds(Drift(pay, before, after)); !slices.Equal(got, []string{"metric-gone pool_in_use"}) {
		t.Errorf("got %q", got)
	}
	after.Metrics["pool_in_use"] = 1
	if got := Drift(pay, before, after); len(got) > 0 {
		t.Errorf("it was there once: %v", got)
	}
	idle := moving(newShop(2, "v42").requests(20).side(), "requests_total")
	if got := Drift(pay, before, idle); len(got) > 0 {
		t.Errorf("hardly any requests: %v", got)
	}
	after.Metrics = nil // no metric at all: the sender is silent, which is not drift
	if got := Drift(pay, before, after); len(got) > 0 {
		t.Errorf("silence was taken for drift: %v", got)
	}
}

func TestTrafficThatStoppedIsNoDrift(t *testing.T) {
	before := newShop(1, "v41").requests(500).side()
	for _, after := range []Side{{}, newShop(2, "v42").requests(15).side(), newShop(2, "v43").requests(500).side()} {
		if got := Drift(pay, before, after); len(got) > 0 {
			t.Errorf("found %v", got)
		}
	}
	if got := Drift(pay, Side{}, before); len(got) > 0 {
		t.Errorf("without a before it found %v", got)
	}
}

func TestMeansNamesWhatCannotBeDone(t *testing.T) {
	after := newShop(2, "v42")
	after.renamed = true
	list := Drift(pay, newShop(1, "v41").requests(300).side(), after.requests(300).side())
	if len(list) != 1 || !strings.Contains(list[0].Means, "latency and errors of POST /pay cannot be judged any more: its spans stopped with v42") {
		t.Fatalf("got %+v", list)
	}
	if d := list[0]; d.Service != "checkout" || d.From != "v41" || d.To != "v42" || d.Before < 0.5 || d.After != 0 || d.N < 250 {
		t.Errorf("got %+v", d)
	}
}

// TestOperationsThatComeAndGo: a job that ran once in the before is not missed.
func TestOperationsThatComeAndGo(t *testing.T) {
	before, after := newShop(1, "v41").requests(300).side(), newShop(2, "v42").requests(300).side()
	before.Parts[1] = append(before.Parts[1], pitwall.OperationTotals{Service: "checkout", Version: "v41", Operation: "nightly", Kind: pitwall.SpanInternal, Count: 5000})
	if got := Drift(pay, before, after); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}

func TestFell(t *testing.T) {
	f := func(k1, n1, k2, n2, low, high float64) {
		t.Helper()
		if p := fell(k1, n1, k2, n2); p < low || p > high {
			t.Errorf("fell(%v of %v, %v of %v) = %v, want %v to %v", k1, n1, k2, n2, p, low, high)
		}
	}
	f(30, 100, 0, 100, 9.2e-10, 9.4e-10) // one half to the power of 30
	f(0, 100, 0, 100, 1, 1)
	f(10, 100, 10, 100, 0.5, 0.7)
	f(0, 100, 20, 100, 1, 1)
	f(20, 200, 0, 100, 3.0e-4, 3.1e-4) // (2/3)^20
}

func BenchmarkDrift(b *testing.B) {
	before, after := newShop(1, "v41").requests(400).side(), newShop(2, "v42").requests(400).side()
	b.ReportAllocs()
	for b.Loop() {
		Drift(pay, before, after)
	}
}
