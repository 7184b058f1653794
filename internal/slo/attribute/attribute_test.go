package attribute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pitwall/pitwall"
)

// hour is the period of these tests, on the edge of a minute.
func hour() pitwall.Period {
	from := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	return pitwall.Period{From: from, To: from.Add(time.Hour)}
}

func checkout(kind pitwall.SLIKind) pitwall.SLO {
	return pitwall.SLO{Name: "checkout-up", Service: "checkout", Target: 0.99, Window: time.Hour,
		SLI: pitwall.SLI{Kind: kind, Service: "checkout", Threshold: 300 * time.Millisecond}}
}

// scope is an objective whose ledger counted exactly this in its window.
func scope(s pitwall.SLO, c pitwall.Counts) Scope {
	b := pitwall.ErrorBudget{SLO: s.Name, At: hour().To, Target: s.Target, Counts: c, Known: c.Total() > 0, Window: hour()}
	if c.Total() > 0 {
		b.Spent = pitwall.Ratio(float64(c.Bad) / (0.01 * float64(c.Total())))
	}
	b.Maths.Query = "server spans of checkout"
	return Scope{SLO: s, Budget: b}
}

type request struct {
	op, version, tenant string
	took                time.Duration
	failed              bool
	attrs               []pitwall.Attr
}

func spans(list ...request) *pitwall.SpanBatch {
	var b pitwall.SpanBatch
	for i, r := range list {
		row := pitwall.SpanRow{SpanID: uint64(i + 1), Start: hour().From.Add(time.Duration(i%3000) * time.Second), Duration: r.took, Service: "checkout",
			Version: pitwall.Version(r.version), Operation: r.op, Kind: pitwall.SpanServer, Failed: r.failed, Attrs: r.attrs}
		if r.tenant != "" {
			row.Attrs = append(row.Attrs, pitwall.Attr{Key: "tenant", Value: r.tenant})
		}
		b.Add(row)
	}
	return &b
}

func repeat(n int, r request) []request { return slices.Repeat([]request{r}, n) }

// TestSpansByTenant: the counts, the order, the excess and the spent share are
// those worked out by hand.
func TestSpansByTenant(t *testing.T) {
	list := slices.Concat(
		repeat(90, request{op: "GET /", tenant: "acme"}), repeat(10, request{op: "GET /", tenant: "acme", failed: true}),
		repeat(299, request{op: "GET /", tenant: "zeta"}), repeat(1, request{op: "GET /", tenant: "zeta", failed: true}),
		repeat(100, request{op: "GET /"}))
	b := spans(list...)
	// None of these counts: a client span, another service, one that ended with
	// the period, one that ended before it.
	at := hour()
	for _, r := range []pitwall.SpanRow{
		{Service: "checkout", Kind: pitwall.SpanClient, Start: at.From, Failed: true},
		{Service: "cart", Kind: pitwall.SpanServer, Start: at.From, Failed: true},
		{Service: "checkout", Kind: pitwall.SpanServer, Start: at.To.Add(-time.Second), Duration: time.Second, Failed: true},
		{Service: "checkout", Kind: pitwall.SpanServer, Start: at.From.Add(-time.Second), Duration: time.Second - 1, Failed: true},
	} {
		b.Add(r)
	}
	a, err := FromSpans(b, scope(checkout(pitwall.SLIAvailability), pitwall.Counts{Good: 489, Bad: 11}), "tenant")
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		value     string
		good, bad uint64
		excess    float64
		spent     float64
	}{
		{"acme", 90, 10, 10 - 11*100/500., 2}, {"zeta", 299, 1, 1 - 11*300/500., 0.2}, {None, 100, 0, -11 * 100 / 500., 0},
	}
	if len(a.Shares) != len(want) {
		t.Fatalf("shares %+v, want %d", a.Shares, len(want))
	}
	for i, w := range want {
		s := a.Shares[i]
		if s.Value != w.value || s.Counts != (pitwall.Counts{Good: w.good, Bad: w.bad}) || math.Abs(s.Excess-w.excess) > 1e-9 || math.Abs(float64(s.Spent)-w.spent) > 1e-9 {
			t.Errorf("share %d = %+v, want %+v", i, s, w)
		}
	}
	// 10 of 11 with 95 % by Wilson: 0.6226 to 0.9838 (closed form).
	if s := a.Shares[0]; math.Abs(float64(s.OfBadLow)-0.62264) > 1e-4 || math.Abs(float64(s.OfBadHigh)-0.98379) > 1e-4 {
		t.Errorf("interval %v … %v", float64(s.OfBadLow), float64(s.OfBadHigh))
	}
	if a.Covered != 1 || a.Note != "" || a.Maths.Bad != 11 || a.Maths.Good != 489 || a.Maths.Query == "" {
		t.Errorf("covered %v, note %q, maths %+v", a.Covered, a.Note, a.Maths)
	}
}

// TestSlowIsBad judges as the ledger does: exactly the threshold is good.
func TestSlowIsBad(t *testing.T) {
	limit := 300 * time.Millisecond
	b := spans(request{version: "1", took: limit}, request{version: "2", took: limit + 1}, request{version: "2", took: 1, failed: true})
	a, err := FromSpans(b, scope(checkout(pitwall.SLILatency), pitwall.Counts{Good: 1, Bad: 4}), Version)
	if err != nil || len(a.Shares) != 2 || a.Shares[0].Value != "2" || a.Shares[0].Counts.Bad != 2 || a.Shares[1].Counts.Good != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	if a.Covered != 0.5 || !strings.Contains(a.Note, "of 4 bad events 2 are not told apart") {
		t.Errorf("covered %v, note %q", a.Covered, a.Note)
	}
}

// TestSharesAddUp: whatever the traffic, the shares' counts add up to what was
// told apart, at most Top and a rest are named, and excess sums to nothing.
func TestSharesAddUp(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var list []request
		var all pitwall.Counts
		for range rng.IntN(800) {
			r := request{tenant: fmt.Sprintf("t%d", rng.IntN(1+rng.IntN(60))), failed: rng.IntN(4) == 0}
			if rng.IntN(5) == 0 {
				r.tenant = []string{"", None, Other}[rng.IntN(3)]
			}
			list, all = append(list, r), all.Add(one(r.failed))
		}
		s := scope(checkout(pitwall.SLIAvailability), all)
		s.Top = 1 + rng.IntN(12)
		a, err := FromSpans(spans(list...), s, "tenant")
		if err != nil {
			t.Fatal(err)
		}
		var sum pitwall.Counts
		excess, ofBad, spent := 0.0, 0.0, 0.0
		for i, h := range a.Shares {
			sum, excess, ofBad, spent = sum.Add(h.Counts), excess+h.Excess, ofBad+float64(h.OfBad), spent+float64(h.Spent)
			if h.OfBadLow > h.OfBad || h.OfBadHigh < h.OfBad {
				t.Fatalf("seed %d: %+v lies outside its own interval", seed, h)
			}
			if h.Value == Other && i != len(a.Shares)-1 {
				t.Fatalf("seed %d: the rest stands at %d of %d", seed, i, len(a.Shares))
			}
		}
		if sum != all || len(a.Shares) > s.Top+1 || math.Abs(excess) > 1e-6 || all.Bad > 0 && (math.Abs(ofBad-1) > 1e-9 || math.Abs(spent-float64(s.Budget.Spent)) > 1e-9) {
			t.Fatalf("seed %d: sum %+v of %+v, %d shares of %d, excess %g, of bad %g, spent %g", seed, sum, all, len(a.Shares), s.Top, excess, ofBad, spent)
		}
	}
}

// rolled makes the rollup that a store would of the same requests.
func rolled(list []request) []pitwall.OperationTotals {
	by := map[string]*pitwall.OperationTotals{}
	for _, r := range list {
		o := by[r.version]
		if o == nil {
			o = &pitwall.OperationTotals{Service: "checkout", Version: pitwall.Version(r.version), Operation: "GET /", Kind: pitwall.SpanServer}
			by[r.version] = o
		}
		o.Count++
		if r.failed {
			o.Failed++
		}
		o.Latency.Add(pitwall.Bucket(r.took), 1)
	}
	var out []pitwall.OperationTotals
	for _, o := range by {
		out = append(out, *o)
	}
	return out
}

// TestRollupsBoundTheTruth: the truth, known from the single spans, lies in the
// interval of every share, and the counts are settled to add up to the ledger.
func TestRollupsBoundTheTruth(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 9))
		var list []request
		for range 400 + rng.IntN(400) {
			list = append(list, request{version: fmt.Sprintf("v%d", rng.IntN(4)), failed: rng.IntN(20) == 0,
				took: time.Duration(250+rng.IntN(80)) * time.Millisecond})
		}
		slo := checkout(pitwall.SLILatency)
		truth, _ := FromSpans(spans(list...), scope(slo, pitwall.Counts{}), Version)
		known := pitwall.Counts{Good: truth.Maths.Good, Bad: truth.Maths.Bad}
		a, err := FromOperations(rolled(list), scope(slo, known), Version)
		if err != nil {
			t.Fatal(err)
		}
		if a.Maths.Bad != known.Bad || a.Maths.Good != known.Good || a.Covered != 1 || !strings.Contains(a.Note, "6.25 %") {
			t.Fatalf("seed %d: %d bad, want %d; note %q", seed, a.Maths.Bad, known.Bad, a.Note)
		}
		for _, h := range a.Shares {
			i := slices.IndexFunc(truth.Shares, func(x pitwall.Share) bool { return x.Value == h.Value })
			if i < 0 || truth.Shares[i].OfBad < h.OfBadLow || truth.Shares[i].OfBad > h.OfBadHigh {
				t.Fatalf("seed %d: %s is truly %v, told %v … %v", seed, h.Value, truth.Shares, h.OfBadLow, h.OfBadHigh)
			}
		}
		best, err := Best(spans(list...), rolled(list), scope(slo, known), Version)
		if err != nil || cmp.Diff(best.Shares[0].Counts, truth.Shares[0].Counts) != "" {
			t.Fatalf("seed %d: best is %+v, want the exact spans; %v", seed, best.Shares, err)
		}
	}
	// Availability needs no bounds, and a sample of spans is no match for it.
	list := append(repeat(1000, request{version: "a"}), repeat(50, request{version: "b", failed: true})...)
	a, err := Best(spans(list[990:1020]...), rolled(list), scope(checkout(pitwall.SLIAvailability), pitwall.Counts{Good: 1000, Bad: 50}), Version)
	if err != nil || a.Shares[0].Counts.Bad != 50 || a.Note != "" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestSettleIsExact(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 4))
		var parts []part
		var low, high uint64
		for range 1 + rng.IntN(30) {
			p := part{low: rng.Uint64N(1 << (1 + rng.UintN(40)))}
			p.high = p.low + rng.Uint64N(1<<(1+rng.UintN(40)))
			p.counts = pitwall.Counts{Good: p.high - p.low + rng.Uint64N(1000), Bad: p.low}
			parts, low, high = append(parts, p), low+p.low, high+p.high
		}
		before := slices.Clone(parts)
		known := rng.Uint64N(high + high/10 + 1)
		settle(parts, known)
		var sum uint64
		for i, p := range parts {
			sum += p.counts.Bad
			if p.counts.Total() != before[i].counts.Total() || p.counts.Bad < p.low || p.counts.Bad > p.high {
				t.Fatalf("seed %d: part %+v was %+v", seed, p, before[i])
			}
		}
		if want := min(max(known, low), high); sum != want {
			t.Fatalf("seed %d: the sum is %d, want %d", seed, sum, want)
		}
	}
}

// TestRefusals: what cannot be answered is an error with a way on.
func TestRefusals(t *testing.T) {
	metric := checkout(pitwall.SLIEvents)
	metric.SLI.Query = &pitwall.SLIQuery{Bad: "x", Total: "y"}
	ok := checkout(pitwall.SLIAvailability)
	var errs []error
	for _, f := range []func() error{
		func() error {
			_, err := FromSpans(&pitwall.SpanBatch{}, scope(metric, pitwall.Counts{}), "tenant")
			return err
		},
		func() error { _, err := FromOperations(nil, scope(metric, pitwall.Counts{}), Version); return err },
		func() error { _, err := FromOperations(nil, scope(ok, pitwall.Counts{}), "tenant"); return err },
		func() error { _, err := FromSpans(&pitwall.SpanBatch{}, scope(ok, pitwall.Counts{}), ""); return err },
		func() error { _, err := FromSamples(Samples{}, scope(ok, pitwall.Counts{}), ""); return err },
		func() error { _, err := Dimensions(&pitwall.SpanBatch{}, scope(metric, pitwall.Counts{})); return err },
	} {
		errs = append(errs, f())
	}
	for i, err := range errs {
		if pitwall.KindOf(err) != pitwall.Invalid || pitwall.HintOf(err) == "" {
			t.Errorf("%d: %v", i, err)
		}
	}
	a, err := Best(nil, nil, scope(ok, pitwall.Counts{Bad: 7}), "tenant")
	if err != nil || a.Covered != 0 || len(a.Shares) != 0 || a.Note == "" {
		t.Errorf("nothing known: %+v, %v", a, err)
	}
}

// TestDimensionsFindTheTenant: the one attribute that decides comes first; a key
// with a value for every request, one without effect, and one that merely tells
// the outcome do not.
func TestDimensionsFindTheTenant(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	var list []request
	for i := range 3000 {
		r := request{op: "GET /", version: []string{"1", "2"}[rng.IntN(2)], tenant: fmt.Sprintf("t%d", rng.IntN(20))}
		r.failed = r.tenant == "t3" && rng.IntN(2) == 0 || rng.IntN(200) == 0
		code := "200"
		if r.failed {
			code = "500"
			r.attrs = append(r.attrs, pitwall.Attr{Key: "panic", Value: "boom"})
		}
		r.attrs = append(r.attrs, pitwall.Attr{Key: "http.response.status_code", Value: code}, pitwall.Attr{Key: "request.id", Value: fmt.Sprint(i)},
			pitwall.Attr{Key: "region", Value: []string{"eu", "us", "ap"}[rng.IntN(3)]}, pitwall.Attr{Key: "region", Value: "twice"})
		list = append(list, r)
	}
	got, err := Dimensions(spans(list...), scope(checkout(pitwall.SLIAvailability), pitwall.Counts{}))
	if err != nil || len(got) == 0 {
		t.Fatal(got, err)
	}
	if got[0].Dimension != "tenant" || got[0].Worst != "t3" || got[0].V < 0.5 || got[0].P > 1e-6 || got[0].Values != 20 || got[0].Outcome {
		t.Errorf("first is %+v", got[0])
	}
	for _, d := range got {
		switch d.Dimension {
		case "region", Version, "request.id":
			if d.V > 0.08 || d.P < 0.001 {
				t.Errorf("%+v separates nothing", d)
			}
		case "http.response.status_code", "panic":
			if !d.Outcome {
				t.Errorf("%+v tells only the outcome", d)
			}
		}
		if d.Dimension == Operation {
			t.Errorf("every span has the same operation, yet %+v", d)
		}
		if d.Dimension == "region" && (d.Values != 3 || d.Carried != 1) {
			t.Errorf("the first of two values counts: %+v", d)
		}
	}
	if all, _ := Dimensions(spans(repeat(9, request{tenant: "a"})...), scope(checkout(pitwall.SLIAvailability), pitwall.Counts{})); len(all) != 0 {
		t.Errorf("nothing is bad, yet %+v", all)
	}
}

// TestDimensionsDoNotCryWolf: attributes without effect are rarely called
// significant, although many are tried.
func TestDimensionsDoNotCryWolf(t *testing.T) {
	false1 := 0
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 8))
		var list []request
		for range 600 {
			r := request{failed: rng.IntN(10) == 0, op: "GET /"}
			for k := range 10 {
				r.attrs = append(r.attrs, pitwall.Attr{Key: fmt.Sprintf("k%d", k), Value: fmt.Sprint(rng.IntN(2 + k*3))})
			}
			list = append(list, r)
		}
		got, _ := Dimensions(spans(list...), scope(checkout(pitwall.SLIAvailability), pitwall.Counts{}))
		if len(got) != 10 {
			t.Fatalf("%d dimensions, want 10", len(got))
		}
		if slices.ContainsFunc(got, func(d Separation) bool { return d.P < 0.05 }) {
			false1++
		}
	}
	if false1 > 20 { // 5 % of 200 are 10; 20 lie beyond P = 0.002
		t.Errorf("%d of 200 sets of idle attributes hold a significant one", false1)
	}
}

func BenchmarkDimensions(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	var list []request
	for range 100_000 {
		r := request{failed: rng.IntN(50) == 0, op: "GET /", tenant: fmt.Sprint(rng.IntN(500))}
		for k := range 9 {
			r.attrs = append(r.attrs, pitwall.Attr{Key: fmt.Sprintf("k%d", k), Value: fmt.Sprint(rng.IntN(50))})
		}
		list = append(list, r)
	}
	batch, s := spans(list...), scope(checkout(pitwall.SLIAvailability), pitwall.Counts{})
	for b.Loop() {
		if _, err := Dimensions(batch, s); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/span")
}
