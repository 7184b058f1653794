package engine

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/target/git"
)

// TestFlagship lives through the whole loop: inventory's reply grows tenfold,
// checkout burns, the deploy is found, rolled back in steps, proved, locked.
func TestFlagship(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	if err := git.Init(context.Background(), dir, begin); err != nil {
		t.Fatal(err)
	}
	repo, err := git.Open(context.Background(), dir, git.Options{Now: func() time.Time { return w.now }, FastForward: true})
	if err != nil {
		t.Fatal(err)
	}
	w.repo = repo
	w.start()
	p := w.until(pitwall.Closed)
	want := []string{
		"plan.opened > opened", "plan.baselined > baselined", "plan.diagnosed > diagnosed", "plan.proposed > proposed",
		"plan.approved > approved", "plan.canarying > canarying",
		"step.intended", "step.done", "step.judged", "step.intended", "step.done", "step.judged", "step.intended", "step.done",
		"plan.promoted", "plan.verifying > verifying", "plan.verified > enforcing", "step.intended", "plan.enforced", "plan.closed > closed",
	}
	if diff := cmp.Diff(want, story(p)); diff != "" {
		t.Errorf("another story (-want +got):\n%s", diff)
	}
	w.effects(10, 50, 100)
	w.heard(p)
	cause := &pitwall.RootCause{Service: "inventory", Class: pitwall.BottleneckPayload, Change: "deploy-inventory-v41"}
	if diff := cmp.Diff(cause, p.Closed.RootCause); diff != "" || p.Closed.Verdict != pitwall.DiagnosisConfirmed {
		t.Errorf("closed as %s:\n%s", p.Closed.Verdict, diff)
	}
	if d := p.Opened.Regression.Onset; d.At.Sub(begin.Add(broken)).Abs() > 3*time.Second {
		t.Errorf("the trouble began at %s, found %s", begin.Add(broken), d.At)
	}
	if v := p.Verification; !v.Pass || v.P99After.N < w.set.VerifyMin || v.P99During.Value < 2*v.P99After.Value {
		t.Errorf("verified with %+v", v)
	}
	kinds := map[pitwall.EnforcedKind]bool{}
	for _, f := range p.Enforced.Files {
		kinds[f.Kind] = true
		got, err := os.ReadFile(filepath.Join(dir, f.Path))
		if err != nil || string(got) != f.Content || !strings.Contains(f.Content, "PIP-1") {
			t.Errorf("%s in the repository: %v", f.Path, err)
		}
	}
	if len(kinds) != 3 || p.Enforced.Gate == nil || len(p.Enforced.Gate.Requests) == 0 {
		t.Errorf("left behind: %v, gate %+v", kinds, p.Enforced.Gate)
	}
	w.pass(2 * time.Minute) // what still burns in the windows opens nothing
	if all := w.life.engine.all(); len(all) != 1 {
		t.Errorf("%d plans, want one", len(all))
	}
	w.effects(10, 50, 100)
	w.sound()
}

// A shop in which nothing breaks, decoy and all, opens no plan.
func TestQuietShop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploys = w.deploys[:1]
	w.start()
	w.pass(5 * time.Minute)
	if p := w.plan(); p.ID != "" {
		t.Errorf("a plan was opened: %+v", p.Opened)
	}
	w.effects()
	w.sound()
}
