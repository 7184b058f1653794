package report_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/report/storybook"
)

func asked(d pitwall.Diagnosis) report.DiagnosisView {
	return report.DiagnosisAsked(d, report.Options{Now: d.Window.To, PublicURL: "http://pitwall.example"})
}

// TestDiagnosisWording is the golden of every kind of answer in every form.
func TestDiagnosisWording(t *testing.T) {
	for _, c := range storybook.Diagnoses() {
		v := asked(c.Diagnosis)
		golden(t, "diagnosis-"+c.Name+".txt", []byte(report.DiagnosisText(v)))
		if c.Name == "payload" || c.Name == "none" {
			golden(t, "diagnosis-"+c.Name+".md", []byte(report.DiagnosisMarkdown(v)))
		}
	}
}

// TestDiagnosisOfPlan: the page of a plan says what the plan's own page says,
// and a plan without a diagnosis has none.
func TestDiagnosisOfPlan(t *testing.T) {
	for _, c := range storybook.Plans() {
		v, ok := report.DiagnosisOf(c.Plan, storybook.SLOs()[0], report.Options{Now: now(c)})
		plan := view(c)
		if ok != (c.Plan.Diagnosis != nil) || ok != (plan.Links.Diagnosis != "") {
			t.Errorf("%s: a diagnosis is %v, and its link %q", c.Name, ok, plan.Links.Diagnosis)
		}
		if !ok {
			continue
		}
		if !strings.HasSuffix(plan.Links.Diagnosis, v.Links.App) || v.Plan != c.Plan.ID {
			t.Errorf("%s: linked as %s, is %s", c.Name, plan.Links.Diagnosis, v.Links.App)
		}
		if plan.Cause != nil && plan.Cause.Verdict != v.Verdict {
			t.Errorf("%s: the plan says %s, its diagnosis %s", c.Name, plan.Cause.Verdict, v.Verdict)
		}
	}
}

// TestDiagnosisWithoutAnything: a record may hold next to nothing. Every part
// then says why it is empty, in every form, and nothing is claimed.
func TestDiagnosisWithoutAnything(t *testing.T) {
	for _, d := range []pitwall.Diagnosis{{}, {Verdict: pitwall.DiagnosisLikely}, {Verdict: pitwall.DiagnosisNone}, {Verdict: "odd", Flame: &pitwall.FlameDiff{}, Exemplars: []pitwall.Exemplar{{}}}} {
		v := asked(d)
		parts := []string{}
		for _, g := range v.Gaps {
			if g.Why == "" {
				t.Errorf("%s: part %s is empty for no reason", d.Verdict, g.Part)
			}
			parts = append(parts, g.Part)
		}
		if want := []string{"checks", "hypotheses", "waterfall", "contrasts", "flame", "traces", "changes", "charts"}; !slices.Equal(parts, want) {
			t.Errorf("%s: gaps %v", d.Verdict, parts)
		}
		if v.Sentence == "" || v.Question.Text == "" || v.Tone == report.ToneOK {
			t.Errorf("%s: %q, %q, tone %s", d.Verdict, v.Sentence, v.Question.Text, v.Tone)
		}
		page, err := report.DiagnosisHTML(v)
		if err != nil {
			t.Fatal(err)
		}
		for form, text := range map[string]string{"html": string(page), "text": report.DiagnosisText(v), "md": report.DiagnosisMarkdown(v)} {
			for _, bad := range []string{"NaN", "%!", "<nil>", "ZgotmplZ", "0001-01-01"} {
				if strings.Contains(text, bad) {
					t.Errorf("%s as %s contains %q", d.Verdict, form, bad)
				}
			}
		}
	}
}

// TestDiagnosisFormsAgree: who prints, exports or has no script reads the same
// claims, checks and changes.
func TestDiagnosisFormsAgree(t *testing.T) {
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	for _, c := range storybook.Diagnoses() {
		v := asked(c.Diagnosis)
		page, err := report.DiagnosisHTML(v)
		if err != nil {
			t.Fatal(err)
		}
		html, text := string(page), squeeze(report.DiagnosisText(v))
		for _, bad := range []string{"<script", " style=", "@import", "ZgotmplZ", "NaN"} {
			if strings.Contains(html, bad) {
				t.Errorf("%s: page contains %q", c.Name, bad)
			}
		}
		want := []string{v.VerdictWord, v.CheckText}
		for _, x := range v.Checks {
			want = append(want, x.Name)
		}
		for _, x := range v.Gaps {
			want = append(want, strings.Fields(x.Why)[0])
		}
		for _, w := range want {
			if !strings.Contains(html, w) || !strings.Contains(text, w) {
				t.Errorf("%s: %q is not in both forms", c.Name, w)
			}
		}
		for i, line := range strings.Split(report.DiagnosisText(v), "\n") {
			if n := utf8.RuneCountInString(line); n > 100 {
				t.Errorf("%s line %d is %d wide: %s", c.Name, i+1, n, line)
			}
		}
	}
}

// TestNoneIsCalm: the calm answer is given only where no check hit.
func TestNoneIsCalm(t *testing.T) {
	d := storybook.Diagnoses()[1].Diagnosis
	if v := asked(d); !strings.HasPrefix(v.Sentence, "Nothing differs from baseline beyond noise. Here is what we looked at") {
		t.Errorf("calm reads %q", v.Sentence)
	}
	d.Checks[0].Outcome = pitwall.OutcomeHit
	d.Summary = "something moved, but nothing explains it"
	if v := asked(d); v.Sentence != "Something moved, but nothing explains it." {
		t.Errorf("with a hit it reads %q", v.Sentence)
	}
}

// TestBarsSumWhenFolded: a waterfall of many places is folded, and still sums.
func TestBarsSumWhenFolded(t *testing.T) {
	d := pitwall.Diagnosis{Unexplained: 0.002}
	sum := d.Unexplained
	for i := range 60 {
		delta := 0.001 * float64(i%7-2)
		d.Waterfall = append(d.Waterfall, pitwall.Contribution{Service: "s", Operation: string(rune('a' + i)), Part: "self", Before: 0.01, After: 0.01 + delta, Delta: delta})
		sum += delta
	}
	w := asked(d).Waterfall
	if len(w.Bars) != 13 || !strings.Contains(w.Bars[11].Label, "49 smaller places") {
		t.Fatalf("%d bars, the last but one is %q", len(w.Bars), w.Bars[len(w.Bars)-2].Label)
	}
	if w.Total != "+"+report.Seconds(sum) {
		t.Errorf("total %s, want %s", w.Total, report.Seconds(sum))
	}
	for i := 1; i < len(w.Bars); i++ { // each begins where the one before ended
		a, b := w.Bars[i-1], w.Bars[i]
		if math.Min(math.Abs(a.To-b.From), math.Min(math.Abs(a.From-b.To), math.Min(math.Abs(a.To-b.To), math.Abs(a.From-b.From)))) > 1e-9 {
			t.Errorf("bar %d does not begin where bar %d ended", i, i-1)
		}
	}
}

// TestFlameIsLaidOut: children stay inside their parents whatever the numbers
// are, and what did not move has no colour.
func TestFlameIsLaidOut(t *testing.T) {
	hostile := []pitwall.FlameNode{{Name: "a", Depth: 7, Before: 1, After: 1}, {Name: "b", Depth: 1, Before: 4, After: 3}, {Name: "c", Depth: 9, Before: math.NaN(), After: math.Inf(1)},
		{Name: "d", Depth: -3, Before: -1, After: 2}, {Name: "e", Depth: 1, Before: 0, After: 0}}
	for name, tree := range map[string][]pitwall.FlameNode{"story": storybook.Diagnoses()[0].Diagnosis.Flame.Tree, "hostile": hostile} {
		boxes := asked(pitwall.Diagnosis{Flame: &pitwall.FlameDiff{Unit: pitwall.UnitCPUPerReq, Tree: tree}}).Flame.Tree
		var stack []report.FlameBox
		for _, b := range boxes {
			if b.Depth > len(stack) {
				t.Fatalf("%s: %s is %d deep below %d", name, b.Name, b.Depth, len(stack))
			}
			if stack = stack[:b.Depth]; b.Depth > 0 {
				p := stack[b.Depth-1]
				if b.X < p.X-1e-9 || b.X+b.W > p.X+p.W+1e-9 || b.XBefore < p.XBefore-1e-9 || b.XBefore+b.WBefore > p.XBefore+p.WBefore+1e-9 {
					t.Errorf("%s: %s reaches beyond %s", name, b.Name, p.Name)
				}
			}
			if math.IsNaN(b.X+b.W+b.XBefore+b.WBefore+b.Heat) || b.W > 1+1e-9 || math.Abs(b.Heat) > 1 {
				t.Errorf("%s: %+v", name, b)
			}
			stack = append(stack, b)
		}
	}
}

// TestDistance: a change inside the onset's interval is neither before nor after.
func TestDistance(t *testing.T) {
	d := storybook.Diagnoses()[0].Diagnosis
	o := d.Regression.Onset
	f := func(c pitwall.ChangeJudged, want string) {
		t.Helper()
		d.Changes = []pitwall.ChangeJudged{c}
		if got := asked(d).Changes[0].Distance; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f(pitwall.ChangeJudged{Change: pitwall.Change{At: o.At.Add(-90e9)}, Lead: 90}, "1 m 30 s before it began")
	f(pitwall.ChangeJudged{Change: pitwall.Change{At: o.At.Add(14e9)}, Lead: -14}, "14 s after it began")
	f(pitwall.ChangeJudged{Change: pitwall.Change{At: o.Earliest}, Lead: 2}, "2 s before it began, within the onset's uncertainty")
	d.Regression.Onset = pitwall.Onset{}
	f(pitwall.ChangeJudged{Lead: 90}, "the onset is not known")
}

// TestDiagnosisNamesFromOutside: names of services, attributes and functions
// come from outside; they become neither markup nor links.
func TestDiagnosisNamesFromOutside(t *testing.T) {
	evil := `<img src=x onerror=alert(1)>`
	d := storybook.Diagnoses()[0].Diagnosis
	d.Summary, d.Regression.Service, d.Regression.Operation = evil, pitwall.ServiceName(evil), evil
	d.Contrasts[0].Key, d.Contrasts[0].Values[0].Value = evil, evil
	d.Flame.Tree[0].Name, d.Flame.Warnings[0] = evil, evil
	d.Exemplars[0].Spans[0].Operation, d.Exemplars[0].TraceID = evil, evil
	d.Changes[0].Change.Summary, d.Changes[0].Why, d.Changes[0].Change.Link = evil, evil, "javascript:alert(1)"
	d.Changes[0].Change.DiffHints = []string{evil}
	v := asked(d)
	page, err := report.DiagnosisHTML(v)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(page), "<img") || strings.Contains(report.DiagnosisMarkdown(v), "<img") {
		t.Error("a name became markup")
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "javascript:") {
		t.Error("what is no address of the web became a link")
	}
	if strings.Contains(string(raw), ":null") {
		t.Errorf("a list is null: %.200s", string(raw)[strings.Index(string(raw), ":null")-40:])
	}
}
