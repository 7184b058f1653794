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
