package report_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// TestAnswerLeavesOutWhatIsNotKnown: no measurement, no onset and no waterfall
// are told by leaving them out, never as numbers.
func TestAnswerLeavesOutWhatIsNotKnown(t *testing.T) {
	measured := pitwall.Evidence{Check: "a", Claim: "moved", Before: pitwall.Measure{Value: 1, N: 2}, After: pitwall.Measure{Value: 0, N: 2}}
	d := pitwall.Diagnosis{
		Verdict:    pitwall.DiagnosisLikely,
		Hypotheses: []pitwall.Hypothesis{{Rank: 1, Service: "web", For: []pitwall.Evidence{{Check: "b", Claim: "said"}, measured}}},
		Checks:     []pitwall.Check{{Name: "b", Outcome: pitwall.OutcomeHit, Evidence: []pitwall.Evidence{{Claim: "said"}}}},
	}
	text, err := json.Marshal(report.AnswerOf(d))
	if err != nil {
		t.Fatal(err)
	}
	for _, never := range []string{"0001-01-01", "null", `"onset"`} {
		if strings.Contains(string(text), never) {
			t.Errorf("%s holds %s", text, never)
		}
	}
	if n := strings.Count(string(text), `"before"`); n != 1 {
		t.Errorf("%d of 3 pieces of evidence have a before, 1 is measured: %s", n, text)
	}
	if !strings.Contains(string(text), `"waterfall":[]`) || !strings.Contains(string(text), `"value":0`) {
		t.Errorf("%s has no empty waterfall, or lost a measured nothing", text)
	}
}

// TestFlameAgreesWithTheDiagnosis: growth of the whole is told where no family
// stands out, and a profile of another service than the culprit's says so.
func TestFlameAgreesWithTheDiagnosis(t *testing.T) {
	f := &pitwall.FlameDiff{
		Service: "web", Type: pitwall.ProfileCPU, Unit: pitwall.UnitCPUPerReq,
		Families: []pitwall.FrameDelta{{Name: "serialisation", Before: 0.01, After: 0.021, P: 0.04}},
		Tree:     []pitwall.FlameNode{{Name: "(whole)", Before: 0.010, After: 0.01809}},
	}
	own := pitwall.Diagnosis{Flame: f, Hypotheses: []pitwall.Hypothesis{{Rank: 1, Service: "web"}}}
	v := asked(own).Flame
	if v.Summary != "No family stands out alone; all of it grew by 80.9 %." || strings.Contains(v.Title, "has none") {
		t.Errorf("title %q, summary %q", v.Title, v.Summary)
	}
	f.Tree[0].After = 0.0101
	other := pitwall.Diagnosis{Flame: f, Hypotheses: []pitwall.Hypothesis{{Rank: 1, Service: "db"}}}
	v = asked(other).Flame
	if v.Summary != "No family of frames moved beyond noise." || !strings.HasSuffix(v.Title, "(db has none)") {
		t.Errorf("title %q, summary %q", v.Title, v.Summary)
	}
}

// TestBoundSpeaksOfAnObjectiveOnlyWhereThereIsOne.
func TestBoundSpeaksOfAnObjectiveOnlyWhereThereIsOne(t *testing.T) {
	bound := func(slo pitwall.SLOName, a pitwall.Amdahl) string {
		d := pitwall.Diagnosis{Regression: pitwall.Regression{SLO: slo}, Hypotheses: []pitwall.Hypothesis{{Rank: 1, Service: "db_main", Claim: "db_main is slow", Amdahl: a}}}
		return asked(d).Hypotheses[0].Bound
	}
	for _, a := range []pitwall.Amdahl{{Share: 0.3}, {Share: 0.3, P99Seconds: 1}, {Share: 0.3, MeetsObjective: true}, {Share: 0.3, P99Seconds: 1, MeetsObjective: true}} {
		if with, without := bound("x", a), bound("", a); !strings.Contains(with, "objective") || strings.Contains(without, "objective") || !strings.Contains(without, "normal") {
			t.Errorf("%+v: with one %q, without %q", a, with, without)
		}
	}
}
