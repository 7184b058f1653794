package detect_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
)

// foundIn is the finding that candidates come to.
func foundIn(t *testing.T, calls []detect.Call, list ...detect.Candidate) detect.Finding {
	t.Helper()
	out := lookAt(t, detect.Sight{Candidates: list, Calls: calls})
	if len(out.Findings) != 1 {
		t.Fatalf("%d findings", len(out.Findings))
	}
	return out.Findings[0]
}

func TestRegressionOfAFinding(t *testing.T) {
	f := foundIn(t, nil, slower("checkout", "POST /checkout"))
	got, ok := f.Regression("checkout-latency")
	c := f.Lead
	want := pitwall.Regression{Service: "checkout", Operation: "POST /checkout", SLO: "checkout-latency", Signal: pitwall.SignalLatency, Metric: "p99",
		Onset: f.Onset, Before: c.Before, After: c.After}
	if d := cmp.Diff(want, got); d != "" || !ok {
		t.Errorf("ok %v (-want +got):\n%s", ok, d)
	}
	neutral := slower("checkout", "")
	neutral.Series.Signal, neutral.Series.Metric = "", "widgets"
	if r, ok := foundIn(t, nil, neutral).Regression(""); ok || r.Signal != "widgets" {
		t.Errorf("a change that nobody judged is a regression: %v %+v", ok, r)
	}
}

func TestShouldOpenFinding(t *testing.T) {
	calls := []detect.Call{{Caller: "web", Callee: "db"}}
	f := foundIn(t, calls, slower("db", ""), slower("web", ""))
	plan := func(s pitwall.ServiceName, state pitwall.State, since time.Time) pitwall.Plan {
		return pitwall.Plan{ID: "PIP-3", Service: s, State: state, Since: since}
	}
	flapping := f
	flapping.Flaps = 1
	neutral := f
	neutral.Toward = detect.Neutral
	now := noon.Add(time.Hour)
	tests := []struct {
		name string
		in   detect.OpenFindingInput
		want detect.Opening
	}{
		{"nothing stands against it", detect.OpenFindingInput{Finding: f, Opens: true}, detect.Opening{Open: true, Reason: "no plan is at work on db"}},
		{"nobody allowed it", detect.OpenFindingInput{Finding: f}, detect.Opening{Reason: "findings in db open no plan"}},
		{"a plan on the lead", detect.OpenFindingInput{Finding: f, Opens: true, Plans: []pitwall.Plan{plan("db", pitwall.Canarying, noon)}}, detect.Opening{Reason: "PIP-3 is at work on db", Plan: "PIP-3"}},
		{"a plan on a part", detect.OpenFindingInput{Finding: f, Opens: true, Plans: []pitwall.Plan{plan("web", pitwall.Held, noon)}}, detect.Opening{Reason: "PIP-3 is at work on web", Plan: "PIP-3"}},
		{"a plan elsewhere", detect.OpenFindingInput{Finding: f, Opens: true, Plans: []pitwall.Plan{plan("search", pitwall.Canarying, noon)}}, detect.Opening{Open: true, Reason: "no plan is at work on db"}},
		{"it began before the last plan ended", detect.OpenFindingInput{Finding: f, Opens: true, Plans: []pitwall.Plan{plan("db", pitwall.Closed, noon)}}, detect.Opening{Reason: f.ID + " may have begun", Plan: "PIP-3"}},
		{"it began after", detect.OpenFindingInput{Finding: f, Opens: true, Plans: []pitwall.Plan{plan("db", pitwall.Closed, noon.Add(-time.Hour))}}, detect.Opening{Open: true, Reason: "no plan is at work on db"}},
		{"the service rests", detect.OpenFindingInput{Finding: f, Opens: true, Settle: 3 * time.Hour, Plans: []pitwall.Plan{plan("db", pitwall.Closed, noon.Add(-time.Hour))}}, detect.Opening{Reason: "PIP-3 ended 2h0m0s ago", Plan: "PIP-3"}},
		{"it flaps", detect.OpenFindingInput{Finding: flapping, Opens: true}, detect.Opening{Reason: f.ID + " comes and goes"}},
		{"nobody says that it is worse", detect.OpenFindingInput{Finding: neutral, Opens: true}, detect.Opening{Reason: f.ID + " is neutral"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.Now = now
			got := detect.ShouldOpenFinding(tt.in)
			if got.Open != tt.want.Open || got.Plan != tt.want.Plan || !strings.HasPrefix(got.Reason, tt.want.Reason) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestSeverityOfAFinding(t *testing.T) {
	c := slower("checkout", "")
	for _, tt := range []struct {
		effect  float64
		touched pitwall.Ratio
		want    pitwall.Severity
	}{{0.4, 0, 3}, {0.6, 0, 2}, {0.6, 0.5, 3}, {4, 0.2, 2}} {
		c.Effect, c.EffectLow, c.EffectHigh, c.Touched = tt.effect, tt.effect*0.9, tt.effect*1.1, tt.touched
		if got := foundIn(t, nil, c).Severity(); got != tt.want {
			t.Errorf("%v on %s of the requests is %d, want %d", tt.effect, tt.touched, got, tt.want)
		}
	}
}

func TestNewScreenRefuses(t *testing.T) {
	for _, l := range []detect.Limits{{Alpha: 1}, {Alpha: -0.1}, {Epoch: time.Hour}, {Effect: -1}, {Share: 2}, {Requests: -1}} {
		if _, err := detect.NewScreen(l); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%+v: %v", l, err)
		}
	}
}
