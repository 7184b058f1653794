package detect_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
)

// noon is when the changes of these tests begin.
var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// around is an onset known to a minute either way.
func around(t time.Time) pitwall.Onset {
	return pitwall.Onset{At: t, Earliest: t.Add(-time.Minute), Latest: t.Add(time.Minute)}
}

// slower is a change that every filter lets through: a p99 that rose by 40 %,
// known for long, with evidence beyond doubt.
func slower(service, operation string) detect.Candidate {
	return detect.Candidate{
		Series: pitwall.SeriesName{Service: pitwall.ServiceName(service), Operation: operation, Signal: pitwall.SignalLatency, Metric: "p99", Unit: pitwall.UnitSeconds},
		Kind:   pitwall.ShapeStep, Onset: around(noon), At: noon.Add(10 * time.Minute), Up: true,
		Effect: 0.4, EffectLow: 0.3, EffectHigh: 0.5,
		Before: pitwall.Measure{Value: 0.10, Unit: pitwall.UnitSeconds, N: 1000}, After: pitwall.Measure{Value: 0.14, Unit: pitwall.UnitSeconds, N: 1000},
		LogE: 60, Step: 15 * time.Second, Points: 100, Needed: 10, Requests: 1000,
	}
}

// faster is the same, down.
func faster(service, operation string) detect.Candidate {
	c := slower(service, operation)
	c.Up, c.Effect, c.EffectLow, c.EffectHigh = false, -0.4, -0.5, -0.3
	c.After.Value = 0.06
	return c
}

func screen(t testing.TB) detect.Screen {
	t.Helper()
	s, err := detect.NewScreen(detect.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lookAt is one look of a fresh screen.
func lookAt(t testing.TB, in detect.Sight) detect.Screened {
	t.Helper()
	if in.Now.IsZero() {
		in.Now = noon.Add(time.Hour)
	}
	out, _ := screen(t).Look(in)
	return out
}

// one gives what became of a single candidate.
func one(t testing.TB, c detect.Candidate, change func(*detect.Sight)) detect.ReasonCode {
	t.Helper()
	in := detect.Sight{Candidates: []detect.Candidate{c}}
	if change != nil {
		change(&in)
	}
	out := lookAt(t, in)
	if len(out.Findings)+len(out.NotReported) != 1 {
		t.Fatalf("one candidate came to %d findings and %d not reported", len(out.Findings), len(out.NotReported))
	}
	if len(out.Findings) == 1 {
		return "found"
	}
	n := out.NotReported[0]
	if n.Why == "" || !strings.HasSuffix(n.Why, ".") {
		t.Errorf("%s has no sentence: %q", n.Reason, n.Why)
	}
	return n.Reason
}

func TestMergeAlongTheCallGraph(t *testing.T) {
	db := slower("db", "SELECT")
	db.Effect, db.EffectLow, db.EffectHigh = 0.2, 0.15, 0.25 // deepest, not the largest
	p50 := slower("checkout", "POST /checkout")
	p50.Series.Metric = "p50"
	elsewhere := slower("search", "GET /search")
	later := slower("checkout", "GET /later")
	later.Onset = around(noon.Add(30 * time.Minute))
	in := detect.Sight{
		Candidates: []detect.Candidate{slower("checkout", "POST /checkout"), p50, slower("web", "GET /"), db, elsewhere, later},
		Calls:      []detect.Call{{Caller: "web", Callee: "checkout"}, {Caller: "checkout", Callee: "db"}, {Caller: "web", Callee: "quiet"}, {Caller: "quiet", Callee: "search"}},
	}
	out := lookAt(t, in)
	if len(out.Findings) != 3 || len(out.NotReported) != 0 {
		t.Fatalf("%d findings and %d not reported, want 3 and 0", len(out.Findings), len(out.NotReported))
	}
	leads := map[string]detect.Finding{}
	for _, f := range out.Findings {
		leads[f.Lead.Series.String()] = f
	}
	f, ok := leads["db SELECT latency p99"]
	if !ok {
		t.Fatalf("the deepest service is not the lead: %v", slices.Sorted(func(yield func(string) bool) {
			for k := range leads {
				yield(k)
			}
		}))
	}
	var parts []string
	for _, p := range f.Parts {
		parts = append(parts, fmt.Sprint(p.Series, " ", p.Relation, " ", p.Toward, " ", p.Alone))
	}
	slices.Sort(parts)
	want := []string{
		"checkout POST /checkout latency p50 caller worse true",
		"checkout POST /checkout latency p99 caller worse true",
		"web GET / latency p99 graph worse true",
	}
	if d := cmp.Diff(want, parts); d != "" {
		t.Errorf("parts (-want +got):\n%s", d)
	}
	search := leads["search GET /search latency p99"]
	if d := cmp.Diff([]string{f.ID}, search.SameTime); d != "" {
		t.Errorf("same time of search (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{search.ID}, f.SameTime); d != "" {
		t.Errorf("same time of db (-want +got):\n%s", d)
	}
	if got := leads["checkout GET /later latency p99"]; len(got.Parts)+len(got.SameTime) != 0 {
		t.Errorf("half an hour later it began with others: %+v", got)
	}
}

func TestAliases(t *testing.T) {
	p50, errors := slower("checkout", "POST /checkout"), slower("checkout", "POST /checkout")
	p50.Series.Metric, p50.LogE = "p50", 40
	errors.Series.Signal, errors.Series.Metric, errors.Series.Unit, errors.LogE = pitwall.SignalErrors, "", pitwall.UnitRatio, 50
	out := lookAt(t, detect.Sight{Candidates: []detect.Candidate{p50, errors, slower("checkout", "POST /checkout")}})
	if len(out.Findings) != 1 {
		t.Fatalf("%d findings, want 1", len(out.Findings))
	}
	var got []detect.Relation
	for _, p := range out.Findings[0].Parts {
		got = append(got, p.Relation)
	}
	if d := cmp.Diff([]detect.Relation{detect.RelationAlias, detect.RelationOperation}, got); d != "" {
		t.Errorf("relations (-want +got):\n%s", d)
	}
}

// A circle of calls has no deepest service; the strongest leads.
func TestLeadOfACircle(t *testing.T) {
	b := slower("b", "")
	b.LogE = 61
	out := lookAt(t, detect.Sight{Candidates: []detect.Candidate{slower("a", ""), b, slower("top", "")},
		Calls: []detect.Call{{Caller: "a", Callee: "b"}, {Caller: "b", Callee: "a"}, {Caller: "top", Callee: "a"}}})
	if len(out.Findings) != 1 || out.Findings[0].Lead.Series.Service != "b" {
		t.Errorf("lead is %+v", out.Findings)
	}
}

// A chain of onsets, each overlapping the next, is not one moment.
func TestVagueOnsetsDoNotChain(t *testing.T) {
	var list []detect.Candidate
	for i := range 10 {
		c := slower("checkout", fmt.Sprintf("op%d", i))
		c.Step = 0
		c.Onset = pitwall.Onset{At: noon.Add(time.Duration(i) * time.Hour), Earliest: noon.Add(time.Duration(i) * time.Hour), Latest: noon.Add(time.Duration(i+1) * time.Hour)}
		list = append(list, c)
	}
	out := lookAt(t, detect.Sight{Candidates: list, Now: noon.Add(24 * time.Hour)})
	if len(out.Findings) != 5 {
		t.Errorf("ten onsets of which neighbours touch came to %d findings, want 5", len(out.Findings))
	}
	for _, f := range out.Findings {
		for _, c := range append([]detect.Candidate{f.Lead}, candidatesOf(f.Parts)...) {
			if c.Onset.Earliest.After(f.Onset.Latest) || c.Onset.Latest.Before(f.Onset.Earliest) {
				t.Errorf("%s does not share the onset of its finding", c.Series)
			}
		}
	}
}

func candidatesOf(parts []detect.Part) (out []detect.Candidate) {
	for _, p := range parts {
		out = append(out, p.Candidate)
	}
	return out
}

func TestLateComerJoins(t *testing.T) {
	calls := []detect.Call{{Caller: "web", Callee: "db"}}
	first, s := screen(t).Look(detect.Sight{Now: noon.Add(10 * time.Minute), Candidates: []detect.Candidate{slower("db", "")}, Calls: calls})
	weak := slower("web", "")
	weak.LogE = 3.5 // enough beside a lead, not alone
	second, s := s.Look(detect.Sight{Now: noon.Add(20 * time.Minute), Candidates: []detect.Candidate{slower("db", ""), weak}, Calls: calls})
	if len(second.Findings) != 0 || len(second.Joined) != 1 || second.Joined[0].Finding != first.Findings[0].ID ||
		second.Joined[0].Relation != detect.RelationCaller || second.Joined[0].Alone {
		t.Errorf("the caller did not join: %+v", second)
	}
	if got := second.NotReported[0]; got.Reason != detect.ReasonDuplicate || got.Of != first.Findings[0].ID {
		t.Errorf("what was found is found again: %+v", got)
	}
	third, _ := s.Look(detect.Sight{Now: noon.Add(30 * time.Minute), Candidates: []detect.Candidate{weak}, Calls: calls})
	if len(third.NotReported) != 1 || third.NotReported[0].Reason != detect.ReasonDuplicate {
		t.Errorf("what joined is not known: %+v", third)
	}
}

func TestImprovementBesideFailures(t *testing.T) {
	errors := slower("checkout", "POST /checkout")
	errors.Series.Signal, errors.Series.Metric, errors.Series.Unit = pitwall.SignalErrors, "", pitwall.UnitRatio
	out := lookAt(t, detect.Sight{Candidates: []detect.Candidate{errors, faster("checkout", "POST /checkout"), faster("search", "")}})
	if len(out.Findings) != 1 || len(out.Findings[0].Parts) != 1 || out.Findings[0].Parts[0].Toward != detect.Better {
		t.Errorf("fast failures are not one finding with a better latency beside: %+v", out.Findings)
	}
	if len(out.NotReported) != 1 || out.NotReported[0].Reason != detect.ReasonImprovement {
		t.Errorf("an improvement alone: %+v", out.NotReported)
	}
}

func TestFlapping(t *testing.T) {
	s := screen(t)
	at := noon
	var id string
	var reported, silent int
	for i := range 6 {
		up := slower("checkout", "POST /checkout")
		up.Onset = around(at)
		var out detect.Screened
		out, s = s.Look(detect.Sight{Now: at.Add(30 * time.Minute), Candidates: []detect.Candidate{up}})
		for _, f := range out.Findings {
			reported++
			switch {
			case i == 0:
				id = f.ID
			case f.ID != id || f.Flaps != 1 || !slices.Contains(f.Labels, detect.ReasonFlapping):
				t.Errorf("look %d gave %+v", i, f)
			case detect.ShouldOpenFinding(detect.OpenFindingInput{Finding: f, Opens: true, Now: at}).Open:
				t.Error("what flaps opens a plan")
			}
		}
		for _, n := range out.NotReported {
			silent++
			if n.Reason != detect.ReasonFlapping || n.Of != id || n.Value != float64(i) {
				t.Errorf("look %d: %+v", i, n)
			}
		}
		down := faster("checkout", "POST /checkout")
		down.Onset, down.Before.Value, down.After.Value = around(at.Add(time.Hour)), 0.14, 0.1
		out, s = s.Look(detect.Sight{Now: at.Add(90 * time.Minute), Candidates: []detect.Candidate{down}})
		if len(out.NotReported) != 1 || out.NotReported[0].Reason != detect.ReasonWentAway || out.NotReported[0].Of != id {
			t.Errorf("look %d: the end is %+v", i, out)
		}
		at = at.Add(2 * time.Hour)
	}
	if reported != 2 || silent != 4 || s.Count != 1 {
		t.Errorf("six rises came to %d reports, %d not reported and %d findings, want 2, 4, 1", reported, silent, s.Count)
	}
}

// What comes back after a longer quiet than it stood is a new trouble.
func TestBackAfterLongIsNews(t *testing.T) {
	first, s := screen(t).Look(detect.Sight{Now: noon.Add(time.Hour), Candidates: []detect.Candidate{slower("a", "")}})
	gone := slower("a", "")
	gone.Recent, gone.RecentN = 0.01, 10
	out, s := s.Look(detect.Sight{Now: noon.Add(2 * time.Hour), Candidates: []detect.Candidate{gone}})
	if len(out.NotReported) != 1 || out.NotReported[0].Reason != detect.ReasonWentAway || out.NotReported[0].Of != first.Findings[0].ID {
		t.Fatalf("the newest points show nothing: %+v", out)
	}
	again := slower("a", "")
	for after, flaps := range map[time.Duration]int{3 * time.Hour: 1, 5 * time.Hour: 0} { // it stood for two hours
		again.Onset = around(noon.Add(after))
		out, _ := s.Look(detect.Sight{Now: noon.Add(after + time.Hour), Candidates: []detect.Candidate{again}})
		if len(out.Findings) != 1 || out.Findings[0].Flaps != flaps || (out.Findings[0].ID == first.Findings[0].ID) != (flaps == 1) {
			t.Errorf("back after %s: %+v", after, out)
		}
	}
}

// A second step up of a series that stays up is news, not flapping.
func TestStairsAreTwoFindings(t *testing.T) {
	_, s := screen(t).Look(detect.Sight{Now: noon.Add(time.Hour), Candidates: []detect.Candidate{slower("a", "")}})
	next := slower("a", "")
	next.Onset = around(noon.Add(2 * time.Hour))
	out, _ := s.Look(detect.Sight{Now: noon.Add(3 * time.Hour), Candidates: []detect.Candidate{slower("a", ""), next}})
	if len(out.Findings) != 1 || out.Findings[0].Flaps != 0 {
		t.Errorf("the second step: %+v", out)
	}
}

func BenchmarkLook10000(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	in := detect.Sight{Now: noon.Add(time.Hour), Tests: map[pitwall.ServiceName]int{}}
	for i := range 10_000 {
		c := slower(fmt.Sprintf("service-%03d", i%200), fmt.Sprintf("op-%d", i/200))
		c.Onset = around(noon.Add(time.Duration(rng.IntN(3600)) * time.Second))
		c.LogE = 40 * rng.Float64()
		in.Candidates = append(in.Candidates, c)
		in.Tests[c.Series.Service]++
	}
	for i := range 199 {
		in.Calls = append(in.Calls, detect.Call{Caller: pitwall.ServiceName(fmt.Sprintf("service-%03d", i)), Callee: pitwall.ServiceName(fmt.Sprintf("service-%03d", rng.IntN(200)))})
	}
	s := screen(b)
	out, after := s.Look(in)
	next := in
	next.Now = in.Now.Add(time.Minute)
	quiet := next
	quiet.Candidates = in.Candidates[:100] // what a usual look brings
	b.Logf("%d findings, %d not reported", len(out.Findings), len(out.NotReported))
	for name, look := range map[string]func(){
		"all-new":   func() { s.Look(in) },
		"all-known": func() { after.Look(next) },
		"1-percent": func() { s.Look(quiet) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				look()
			}
		})
	}
}
