package report_test

import (
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// TestNamesSteerNothing: what a sender called its service neither reaches the
// terminal nor becomes markup, in any form of the answer.
func TestNamesSteerNothing(t *testing.T) {
	const bad = "db\x1b[2J\u009b31m\u202e<script>alert(1)</script>|`[x](javascript:alert(1))\x07"
	d := pitwall.Diagnosis{
		Verdict: pitwall.DiagnosisLikely, Summary: bad + " is the likely cause", Regression: pitwall.Regression{Service: bad, Operation: bad},
		Hypotheses: []pitwall.Hypothesis{{Rank: 1, Service: bad, Class: pitwall.BottleneckCPU, Claim: bad, Disproof: bad, For: []pitwall.Evidence{{Claim: bad, Query: bad}},
			Change: &pitwall.Change{ID: bad, Summary: bad, Config: map[string]string{bad: bad}}}},
		Checks:    []pitwall.Check{{Name: bad, Question: bad, Outcome: pitwall.OutcomeHit, Reason: bad}},
		Waterfall: []pitwall.Contribution{{Service: bad, Operation: bad, Delta: 1}},
		Changes:   []pitwall.ChangeJudged{{Change: pitwall.Change{ID: bad, Service: bad, Summary: bad, Actor: bad, Link: "javascript:alert(1)"}, Why: bad}},
		Contrasts: []pitwall.AttributeContrast{{Key: bad, Values: []pitwall.ContrastValue{{Value: bad, Slow: 3, Typical: 1}}}},
		Exemplars: []pitwall.Exemplar{{TraceID: bad, Kind: "slow", Spans: []pitwall.ExemplarSpan{{Service: bad, Operation: bad, Duration: 1}}}},
		Flame:     &pitwall.FlameDiff{Service: bad, Frames: []pitwall.FrameDelta{{Name: bad, After: 1}}, Tree: []pitwall.FlameNode{{Name: bad, After: 1}}},
	}
	v := asked(d)
	page, err := report.DiagnosisHTML(v)
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]string{"text": report.DiagnosisText(v), "markdown": report.DiagnosisMarkdown(v), "html": string(page)}
	for name, form := range forms {
		if i := strings.IndexAny(form, "\x1b\x07\u009b\u202e"); i >= 0 {
			t.Errorf("%s steers whoever reads it: %q", name, form[max(0, i-60):min(len(form), i+20)])
		}
	}
	for _, markup := range []string{"<script>alert", `href="javascript:`} {
		if strings.Contains(forms["html"], markup) {
			t.Errorf("the page holds %s", markup)
		}
	}
	for _, markup := range []string{"<script>", "](javascript:"} {
		if i := strings.Index(strings.ReplaceAll(forms["markdown"], "\\[x](", ""), markup); i >= 0 {
			t.Errorf("the document holds %s: %.120q", markup, forms["markdown"][max(0, i-60):])
		}
	}
}
