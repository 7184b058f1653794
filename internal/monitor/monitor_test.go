package monitor

import (
	"cmp"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
)

// epoch0 is a Monday.
var epoch0 = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// world makes the totals of a small shop, minute by minute: the day swings, and
// latencies are log-normal.
type world struct {
	rng     *rand.Rand
	latency map[pitwall.ServiceName]float64 // factor
	errors  map[pitwall.ServiceName]float64 // share
	swing   float64
	share   float64 // of the usual traffic; 0: all
	sound   bool    // nothing fails
}

func newWorld(seed uint64) *world {
	return &world{rng: rand.New(rand.NewPCG(seed, 1)), latency: map[pitwall.ServiceName]float64{}, errors: map[pitwall.ServiceName]float64{}}
}

func (w *world) minute(at time.Time) []pitwall.OperationTotals {
	var out []pitwall.OperationTotals
	day := math.Sin(2 * math.Pi * float64(at.Unix()%86400) / 86400)
	for i, s := range []pitwall.ServiceName{"checkout", "cart", "inventory"} {
		n := int64(120 * (1 + w.swing*day) * (1 + 0.05*w.rng.NormFloat64()) * cmp.Or(w.share, 1))
		o := pitwall.OperationTotals{Service: s, Operation: "GET /" + string(s), Kind: pitwall.SpanServer, Count: n}
		factor := (1 + 0.3*w.swing*day) * (1 + w.latency[s])
		for range n {
			d := time.Duration(float64(i+1) * 40e6 * factor * math.Exp(0.4*w.rng.NormFloat64()))
			o.Latency.Add(pitwall.Bucket(d), 1)
			if !w.sound && w.rng.Float64() < 0.004+w.errors[s] {
				o.Failed++
			}
		}
		out = append(out, o)
	}
	return append(out, pitwall.OperationTotals{Service: "checkout", Operation: "call", Kind: pitwall.SpanClient, Peer: "inventory", Count: 1})
}

// run feeds minutes up to an instant and looks after each; it gives all findings.
func run(m *Monitor, w *world, from, to time.Time) (found []detect.Finding) {
	for at := from; at.Before(to); at = at.Add(Step) {
		m.Minute(at, w.minute(at))
		found = append(found, m.Look(Sight{Now: at.Add(Step)}).Findings...)
	}
	return found
}

func newMonitor(t testing.TB) *Monitor {
	t.Helper()
	m, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestALatencyRegressionIsFound: a step of 30 % in one service, found once, with
// the onset inside its interval, soon; and nothing before it.
func TestALatencyRegressionIsFound(t *testing.T) {
	m, w := newMonitor(t), newWorld(1)
	change := epoch0.Add(5 * time.Hour)
	if early := run(m, w, epoch0, change); len(early) > 0 {
		t.Fatalf("found before anything changed: %+v", early[0].Why)
	}
	w.latency["inventory"] = 0.3
	found := run(m, w, change, change.Add(time.Hour))
	if len(found) != 1 {
		for _, f := range found {
			t.Log(f.Why)
		}
		t.Fatalf("%d findings, want 1", len(found))
	}
	f := found[0]
	if f.Lead.Series.Service != "inventory" || f.Lead.Series.Signal != pitwall.SignalLatency || f.Toward != detect.Worse {
		t.Errorf("%+v", f.Lead.Series)
	}
	if change.Before(f.Onset.Earliest) || change.After(f.Onset.Latest) {
		t.Errorf("it changed at %s, said between %s and %s", change, f.Onset.Earliest, f.Onset.Latest)
	}
	if delay := f.Seen.Sub(change); delay > 15*time.Minute {
		t.Errorf("it took %s", delay)
	}
	if math.Abs(f.Lead.Effect-0.3) > 0.1 {
		t.Errorf("effect %g, want 0.3", f.Lead.Effect)
	}
	r := m.Sensed()
	if len(r.Findings) != 1 || r.Operations != 3 || r.Series != 12 || r.Findings[0].Why == "" {
		t.Errorf("%+v", r)
	}
	charts := m.Charts(f.ID)
	if len(charts) == 0 || len(charts[0].Series[0].T) == 0 || len(charts[0].Marks) != 1 || charts[0].Marks[0].From >= charts[0].Marks[0].To {
		t.Errorf("charts %+v", charts)
	}
}

// TestErrorsAreFoundAtLowShares: 0.4 % to 2.4 % of failures.
func TestErrorsAreFoundAtLowShares(t *testing.T) {
	m, w := newMonitor(t), newWorld(2)
	change := epoch0.Add(4 * time.Hour)
	run(m, w, epoch0, change)
	w.errors["cart"] = 0.02
	found := run(m, w, change, change.Add(time.Hour))
	if len(found) != 1 || found[0].Lead.Series.Signal != pitwall.SignalErrors || found[0].Lead.Series.Service != "cart" {
		t.Fatalf("%+v", found)
	}
}

// TestABetterLevelIsNoRegressionAndIsLearnt: 30 % faster is not reported; what
// then falls back to the old level is.
func TestABetterLevelIsNoRegressionAndIsLearnt(t *testing.T) {
	m, w := newMonitor(t), newWorld(3)
	at := epoch0.Add(4 * time.Hour)
	run(m, w, epoch0, at)
	w.latency["cart"] = -0.3
	better := run(m, w, at, at.Add(6*time.Hour))
	if len(better) > 0 {
		t.Fatalf("an improvement was reported: %s", better[0].Why)
	}
	if n := m.Sensed().Passed; len(n) > 0 {
		t.Errorf("still said after it was learnt: %s %s", n[0].Reason, n[0].Why)
	}
	w.latency["cart"] = 0
	if worse := run(m, w, at.Add(6*time.Hour), at.Add(7*time.Hour)); len(worse) != 1 {
		t.Errorf("%d findings when it fell back", len(worse))
	}
}

// TestADayIsNoRegression: after the profile has learnt the day, its swing rings
// nothing, and a change in it is found.
func TestADayIsNoRegression(t *testing.T) {
	if testing.Short() {
		t.Skip("ten days of minutes")
	}
	m, w := newMonitor(t), newWorld(4)
	w.swing = 0.6
	run(m, w, epoch0, epoch0.Add(6*24*time.Hour)) // the first days are not known to be days
	found := run(m, w, epoch0.Add(6*24*time.Hour), epoch0.Add(9*24*time.Hour))
	for _, f := range found {
		t.Errorf("found in a usual day: %s", f.Why)
	}
	w.latency["checkout"] = 0.4
	change := epoch0.Add(9 * 24 * time.Hour)
	if found := run(m, w, change, change.Add(2*time.Hour)); len(found) != 1 {
		t.Errorf("%d findings of a change of 40 %%", len(found))
	}
}

// TestWhatGoesAwayIsNoFinding: four slow minutes.
func TestWhatGoesAwayIsNoFinding(t *testing.T) {
	m, w := newMonitor(t), newWorld(5)
	at := epoch0.Add(4 * time.Hour)
	run(m, w, epoch0, at)
	w.latency["cart"] = 1
	found := run(m, w, at, at.Add(4*time.Minute))
	w.latency["cart"] = 0
	found = append(found, run(m, w, at.Add(4*time.Minute), at.Add(time.Hour))...)
	if len(found) > 0 {
		t.Errorf("found: %s", found[0].Why)
	}
}

// TestAFindingSurvivesARestart: what was found is not found again, and what is
// normal is not learnt from the slow hours.
func TestAFindingSurvivesARestart(t *testing.T) {
	m, w := newMonitor(t), newWorld(6)
	change := epoch0.Add(4 * time.Hour)
	run(m, w, epoch0, change)
	w.latency["cart"] = 0.5
	if found := run(m, w, change, change.Add(time.Hour)); len(found) != 1 {
		t.Fatalf("%d findings", len(found))
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	again := newMonitor(t)
	through, err := again.Restore(data)
	if err != nil || !through.Equal(change.Add(time.Hour)) {
		t.Fatalf("%s %v", through, err)
	}
	replay := newWorld(7)
	replay.latency["cart"] = 0
	for at := change.Add(-time.Hour); at.Before(through); at = at.Add(Step) {
		if at.Equal(change) {
			replay.latency["cart"] = 0.5
		}
		again.Minute(at, replay.minute(at))
	}
	if found := run(again, replay, through, through.Add(time.Hour)); len(found) != 0 {
		t.Errorf("found again: %s", found[0].Why)
	}
	if !slices.ContainsFunc(again.Sensed().Passed, func(n pitwall.Passed) bool { return n.Reason == string(detect.ReasonDuplicate) }) {
		t.Errorf("it does not ring any more: %+v", again.Sensed().Passed)
	}
	id := again.Sensed().Findings[0].ID
	if !again.Accept(id, "meant", through, time.Time{}) || again.Accept("nothing", "", through, time.Time{}) {
		t.Error("accepting")
	}
	if run(again, replay, through.Add(time.Hour), through.Add(4*time.Hour)); len(again.Sensed().Passed) > 0 {
		t.Errorf("an accepted level is still said: %+v", again.Sensed().Passed[0].Why)
	}
}

// TestNullShop counts findings over days in which nothing changes.
func TestNullShop(t *testing.T) {
	m, w := newMonitor(t), newWorld(8)
	if found := run(m, w, epoch0, epoch0.Add(48*time.Hour)); len(found) > 0 {
		t.Errorf("%d findings in two quiet days: %s", len(found), found[0].Why)
	}
}

func TestRestoreRefuses(t *testing.T) {
	m := newMonitor(t)
	for _, text := range []string{"{", `{"version":99}`} {
		if _, err := m.Restore([]byte(text)); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := New(Options{Alpha: 2}); err == nil {
		t.Error("alpha 2 is taken")
	}
}

// BenchmarkMinute is one minute of 500 operations, with its look.
func BenchmarkMinute(b *testing.B) {
	m := newMonitor(b)
	w := newWorld(1)
	var totals []pitwall.OperationTotals
	for i := range 500 {
		for _, o := range w.minute(epoch0)[:1] {
			o.Operation += string(rune('a'+i%26)) + string(rune('a'+i/26))
			totals = append(totals, o)
		}
	}
	at := epoch0
	b.ReportAllocs()
	for b.Loop() {
		m.Minute(at, totals)
		at = at.Add(Step)
		m.Look(Sight{Now: at})
	}
}
