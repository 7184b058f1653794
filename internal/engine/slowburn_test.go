package engine

import (
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// TestSlowBurnIsTracedBack: what burns so slowly that a plan opens long after it
// began, longer than a beginning is usually searched, is not taken for normal:
// the ledger knows when it began, and the baseline is of before that.
func TestSlowBurnIsTracedBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.slos = []pitwall.SLO{w.objective("checkout-availability", pitwall.SLI{Kind: pitwall.SLIAvailability, Service: "checkout", Operation: "POST /checkout"})}
	w.set.OnsetLookback = 20 * time.Second
	w.shop.traits["v41"] = trait{reply: 8100, fails: 0.16}
	w.start()
	p := w.until(pitwall.Diagnosed, pitwall.Proposed, pitwall.Approved, pitwall.Canarying, pitwall.NotWarranted, pitwall.Escalated)
	began := begin.Add(broken)
	if late := p.OpenedAt.Sub(began); late < 2*w.set.OnsetLookback {
		t.Fatalf("it opened %s after it began: that is no slow burn, and nothing is tested", late)
	}
	if at := p.Opened.Regression.Onset.At; at.Sub(began).Abs() > 5*time.Second {
		t.Errorf("it began at %s, found %s", began, at)
	}
	if r := p.Opened.Regression; r.Before.Value > 0.02 || r.After.Value < 0.1 {
		t.Errorf("failures went from %v to %v", r.Before, r.After)
	}
	if p.Baseline.Period.To.After(began) {
		t.Errorf("the baseline reaches into the trouble: %+v", p.Baseline.Period)
	}
	if p.Hypothesis == nil || p.Hypothesis.Service != "inventory" || p.Hypothesis.Change == nil || p.Hypothesis.Change.ID != "deploy-inventory-v41" {
		t.Errorf("%s: %s, hypothesis %+v", p.State, p.Reason, p.Hypothesis)
	}
	w.sound()
}

// TestAnOldStepIsNoOnset: what was worse for long without burning is not when an
// outage began, nor is an outage that ended.
func TestAnOldStepIsNoOnset(t *testing.T) {
	t.Parallel()
	for name, earlier := range map[string]trait{
		"a little worse for long": {reply: 8100, fails: 0.004},
		"an outage that ended":    {reply: 8100, fails: 0.12},
	} {
		w := newWorld(t)
		w.slos = []pitwall.SLO{w.objective("checkout-availability", pitwall.SLI{Kind: pitwall.SLIAvailability, Service: "checkout", Operation: "POST /checkout"})}
		w.set.OnsetLookback = 20 * time.Second
		w.shop.traits["v41"] = earlier
		w.start()
		w.pass(broken + 30*time.Second)
		if earlier.fails > 0.1 { // too short to open a plan
			w.shop.traits["v41"] = trait{reply: 8100}
			w.pass(25 * time.Second)
		}
		w.shop.traits["v41"] = trait{reply: 8100, fails: 0.9}
		began := w.now
		p := w.until(pitwall.Opened, pitwall.Baselined, pitwall.Diagnosed)
		if at := p.Opened.Regression.Onset.At; at.Sub(began).Abs() > 6*time.Second {
			t.Errorf("%s: it began at %s, found %s", name, began, at)
		}
	}
}

// TestLongTroublesAreReadInPart: of hours of trouble the last part is enough.
func TestLongTroublesAreReadInPart(t *testing.T) {
	e := &Engine{c: Config{Settings: Settings{Baseline: time.Hour, DiagnoseMax: 30 * time.Minute}}}
	onset := begin
	p := pitwall.Plan{Opened: pitwall.OpenedData{Regression: pitwall.Regression{Onset: pitwall.Onset{Latest: onset}}}}
	for after, want := range map[time.Duration]time.Duration{10 * time.Minute: 10 * time.Minute, time.Hour: time.Hour, 5 * time.Hour: time.Hour} {
		if got := e.trouble(p, onset.Add(after)); got.Duration() != want || got.To != onset.Add(after) {
			t.Errorf("%s after the onset: %s", after, got.Duration())
		}
	}
}
