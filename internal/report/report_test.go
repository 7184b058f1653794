package report_test

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/report/storybook"
)

var update = flag.Bool("update", false, "rewrite the goldens")

func view(c storybook.Case) report.PlanView {
	return report.View(c.Plan, c.Live, storybook.SLOs()[0], report.Options{Now: now(c), PublicURL: "http://pitwall.example"})
}

func now(c storybook.Case) time.Time {
	if c.Live.At.After(c.Plan.Updated) {
		return c.Live.At
	}
	return c.Plan.Updated
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; rewrite with -update):\n%s", path, diff)
	}
}

// TestWording is the golden of every sentence of every state: change a word,
// and the diff is the review.
func TestWording(t *testing.T) {
	var lines strings.Builder
	for _, c := range storybook.Plans() {
		v := view(c)
		golden(t, c.Name+".txt", []byte(report.Text(v)))
		lines.WriteString(c.Name + "\n  " + report.Line(v) + "\n  " + v.StateWord + " · " + v.Due + " · " + v.Budget.LeftText + " · " + v.Budget.Was + " · " + v.Budget.Now + "\n")
		if v.Loud != nil {
			lines.WriteString("  !! " + v.Loud.Title + ": " + v.Loud.Text + " " + v.Loud.Next + "\n")
		}
		for _, a := range v.Actions {
			word := a.WhyNot
			if a.Enabled {
				word = a.Effect
			}
			lines.WriteString("  " + a.Name + ": " + word + "\n")
		}
	}
	golden(t, "sentences.golden", []byte(lines.String()))
}

func TestMarkdownAndJSON(t *testing.T) {
	for _, c := range storybook.Plans() {
		if c.Name != "closed" && c.Name != "rolled-back" {
			continue
		}
		v := view(c)
		golden(t, c.Name+".md", []byte(report.Markdown(v)))
	}
}

func TestEveryStateIsInTheBook(t *testing.T) {
	want := append(pitwall.Smooth(), pitwall.Held, pitwall.Escalated, pitwall.RolledBack, pitwall.InconclusiveState, pitwall.Expired, pitwall.NotWarranted, pitwall.ClosedWithoutCause)
	seen := map[pitwall.State]bool{}
	for _, c := range storybook.Plans() {
		seen[c.Plan.State] = true
	}
	for _, s := range want {
		if !seen[s] {
			t.Errorf("no plan in state %s", s)
		}
	}
}

// TestAnchorsResolve walks every link inside every page.
func TestAnchorsResolve(t *testing.T) {
	for _, c := range storybook.Plans() {
		v := view(c)
		have := map[string]bool{}
		for _, m := range v.Story {
			if have[m.Anchor] {
				t.Errorf("%s: two moments %s", c.Name, m.Anchor)
			}
			have[m.Anchor] = true
		}
		if !have[v.Selected] {
			t.Errorf("%s: selected moment %q is not in the story", c.Name, v.Selected)
		}
		if len(v.Activity) != len(c.Plan.Events) {
			t.Errorf("%s: %d log lines for %d events", c.Name, len(v.Activity), len(c.Plan.Events))
		}
		for i := 1; i < len(v.Story); i++ {
			if v.Story[i].Time.Before(v.Story[i-1].Time) {
				t.Errorf("%s: story out of order at %s", c.Name, v.Story[i].Title)
			}
		}
	}
}

// TestSideStatesAreLoud: nobody may overlook that a plan needs somebody, or
// ended without a proof.
func TestSideStatesAreLoud(t *testing.T) {
	smooth := map[pitwall.State]bool{}
	for _, s := range pitwall.Smooth() {
		smooth[s] = true
	}
	for _, c := range storybook.Plans() {
		v := view(c)
		if smooth[v.State] != (v.Loud == nil) {
			t.Errorf("%s: loud is %v", c.Name, v.Loud)
		}
		if !strings.Contains(report.Text(v), "!! ") == (v.Loud != nil) {
			t.Errorf("%s: the terminal form disagrees about being loud", c.Name)
		}
		if v.Tone == report.ToneOK && v.State != pitwall.Closed {
			t.Errorf("%s: %s looks fine", c.Name, v.State)
		}
	}
}

// TestNoDataIsNeverAPass: a row over nothing must not look green.
func TestNoDataIsNeverAPass(t *testing.T) {
	c := storybook.Plans()[0]
	c.Plan.Verification.Rows = []pitwall.Comparison{{Name: "p99", Verdict: pitwall.NoData, P: 1, Control: pitwall.Measure{Unit: pitwall.UnitSeconds}, Treatment: pitwall.Measure{Unit: pitwall.UnitSeconds}}}
	row := view(c).Comparison.Rows[0]
	if row.Tone != report.ToneNoData || row.Control != "no data" || row.Verdict != "no data" {
		t.Errorf("a comparison of nothing reads %+v", row)
	}
	rows := report.SLOs(storybook.SLOs(), nil, nil)
	for _, r := range rows {
		if r.Tone != report.ToneNoData || r.State != "no data" {
			t.Errorf("an SLO without a budget reads %q (%s)", r.State, r.Tone)
		}
	}
}

func TestTerminalWidth(t *testing.T) {
	for _, c := range storybook.Plans() {
		for i, line := range strings.Split(report.Text(view(c)), "\n") {
			if n := utf8.RuneCountInString(line); n > 100 {
				t.Errorf("%s line %d is %d wide: %s", c.Name, i+1, n, line)
			}
		}
	}
}

func TestHTMLStandsAlone(t *testing.T) {
	for _, c := range storybook.Plans() {
		page, err := report.HTML(view(c))
		if err != nil {
			t.Fatal(err)
		}
		s := string(page)
		for _, bad := range []string{"<script", " style=", "@import", "src=\"http", "ZgotmplZ", "<nil>", "NaN", "%!"} {
			if strings.Contains(s, bad) {
				t.Errorf("%s: page contains %q", c.Name, bad)
			}
		}
		for _, want := range []string{string(c.Plan.ID), view(c).StateWord, "<h1>"} {
			if !strings.Contains(s, want) {
				t.Errorf("%s: page lacks %q", c.Name, want)
			}
		}
	}
}

// TestHostileTexts: names come from outside; they must not become markup.
func TestHostileTexts(t *testing.T) {
	c := storybook.Plans()[0]
	evil := `<img src=x onerror=alert(1)>`
	c.Plan.Opened.Owner = evil
	c.Plan.Hypothesis.Claim = evil
	c.Plan.Events[0].Actor = evil
	d := *c.Plan.Diagnosis
	d.Charts = append([]pitwall.Chart(nil), d.Charts...)
	d.Charts[0].Title = evil
	c.Plan.Diagnosis = &d
	page, err := report.HTML(view(c))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(page), "<img") || strings.Contains(report.Markdown(view(c)), "<img") {
		t.Error("a hostile name became markup")
	}
}

// TestHalfKnownPlans: plans of other versions or with missing parts must read,
// never panic.
func TestHalfKnownPlans(t *testing.T) {
	for _, c := range storybook.Plans() {
		full := c.Plan
		for _, strip := range []func(*pitwall.Plan){
			func(p *pitwall.Plan) { p.Diagnosis = nil }, func(p *pitwall.Plan) { p.Fix = nil }, func(p *pitwall.Plan) { p.Hypothesis = nil },
			func(p *pitwall.Plan) { p.Baseline = nil }, func(p *pitwall.Plan) { p.Verification = nil }, func(p *pitwall.Plan) { p.Events = nil },
			func(p *pitwall.Plan) { p.Decision = nil }, func(p *pitwall.Plan) { p.Enforced = nil }, func(p *pitwall.Plan) { p.Reached = nil },
			func(p *pitwall.Plan) { p.Opened = pitwall.OpenedData{} }, func(p *pitwall.Plan) { p.Steps = nil },
			func(p *pitwall.Plan) { *p = pitwall.Plan{ID: p.ID, State: p.State} },
		} {
			p := full
			strip(&p)
			for _, live := range []pitwall.Live{c.Live, {}} {
				v := report.View(p, live, pitwall.SLO{}, report.Options{Now: now(c)})
				if c.Name == "closed" || c.Name == "canarying" {
					if _, err := report.HTML(v); err != nil {
						t.Errorf("%s: %v", c.Name, err)
					}
				}
				if report.Text(v) == "" || report.Markdown(v) == "" || v.Sentence == "" {
					t.Errorf("%s: an empty form", c.Name)
				}
				if _, err := json.Marshal(v); err != nil {
					t.Errorf("%s: %v", c.Name, err)
				}
			}
		}
	}
}

// TestChartsAreSafeForTheWire: a value that is no number is a gap, and an empty
// series is an empty list.
func TestChartsAreSafeForTheWire(t *testing.T) {
	c := storybook.Plans()[1]
	nan, inf, one := math.NaN(), math.Inf(1), 1.0
	c.Live.Charts = []pitwall.Chart{{Title: "odd", Unit: pitwall.UnitSeconds, Limit: &nan, Band: &[2]float64{0, inf},
		Series: []pitwall.ChartSeries{{Name: "a", T: []int64{1000, 2000, 3000, 4000}, V: []*float64{&one, &nan, &inf}}, {Name: "none"}}}}
	raw, err := json.Marshal(view(c).Charts)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"v":[1,null,null,null]`, `"t":[],"v":[]`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("no %s in %s", want, raw)
		}
	}
	slo := storybook.SLOs()[0]
	page := report.SLODetail(report.SLOInput{SLO: slo}, report.Options{})
	if raw, err = json.Marshal(page); err != nil || strings.Contains(string(raw), `"t":null`) || strings.Contains(string(raw), `"plans":null`) {
		t.Errorf("an SLO without counts: %v %s", err, raw)
	}
}

func TestHolding(t *testing.T) {
	c := storybook.Plans()[0]
	closed := c.Plan.Since
	at := func(later time.Duration, others []pitwall.Plan) []report.HoldCheck {
		return report.View(c.Plan, pitwall.Live{}, storybook.SLOs()[0], report.Options{Now: closed.Add(later), Others: others}).Holding
	}
	const day = 24 * time.Hour
	tones := func(list []report.HoldCheck) (s []report.Tone) {
		for _, h := range list {
			s = append(s, h.Tone)
		}
		return s
	}
	none := []pitwall.Plan{c.Plan}
	back := []pitwall.Plan{c.Plan, {ID: "PIP-99", Service: c.Plan.Service, SLO: c.Plan.SLO, OpenedAt: closed.Add(10 * day)}}
	f := func(name string, got, want []report.Tone) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	f("just closed", tones(at(time.Minute, none)), []report.Tone{report.ToneNoData, report.ToneNone, report.ToneNone, report.ToneNone})
	f("40 days", tones(at(40*day, none)), []report.Tone{report.ToneNoData, report.ToneOK, report.ToneOK, report.ToneNone})
	f("came back on day 10", tones(at(40*day, back)), []report.Tone{report.ToneNoData, report.ToneOK, report.ToneBad, report.ToneBad})
	f("nobody looked", tones(at(8*day, nil)), []report.Tone{report.ToneNoData, report.ToneNoData, report.ToneNone, report.ToneNone})
}

func TestStatusWords(t *testing.T) {
	now := storybook.Zero()
	slos := storybook.SLOs()[:2]
	calm := []pitwall.ErrorBudget{storybook.Budget(slos[0], now.Add(-3*time.Second), 0.2, 0.4), storybook.Budget(slos[1], now.Add(-3*time.Second), 0.1, 0.2)}
	say := func(budgets []pitwall.ErrorBudget, plans []pitwall.Plan) string {
		o := report.Options{Now: now}
		return report.Status(report.List(plans, nil, slos, o), report.SLOs(slos, budgets, plans), budgets, nil, o).Sentence
	}
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	book := map[string]pitwall.Plan{}
	for _, c := range storybook.Plans() {
		book[c.Name] = c.Plan
	}
	f(say(calm, nil), "Nothing burns. Last check 3 s ago, 2 SLOs, 0 blind.")
	f(say(calm, []pitwall.Plan{book["closed"]}), "Nothing burns. Last check 3 s ago, 2 SLOs, 0 blind.")
	f(say(calm[:1], nil), "Nothing burns. Last check 3 s ago, 2 SLOs, 1 blind.")
	f(say(nil, nil), "No objective was checked yet, 2 SLOs, 2 blind.")
	f(say(calm, []pitwall.Plan{book["canarying"]}), "1 plan is in flight. Last check 3 s ago, 2 SLOs, 0 blind.")
	f(say(calm, []pitwall.Plan{book["asking"], book["held"]}), "2 plans need a person. Last check 3 s ago, 2 SLOs, 0 blind.")
}

func TestNumbers(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(report.Seconds(0.412), "412 ms")
	f(report.Seconds(1.42), "1.42 s")
	f(report.Seconds(0.0412), "41.2 ms")
	f(report.Seconds(0.9999), "1 s")
	f(report.Seconds(-0.033), "−33 ms")
	f(report.Seconds(0.000012), "12 µs")
	f(report.Seconds(372), "6 m 12 s")
	f(report.Seconds(math.NaN()), "no data")
	f(report.Percent(0.0031), "0.31 %")
	f(report.Percent(0.999), "99.9 %")
	f(report.Percent(0.9999), "99.99 %")
	f(report.Percent(0.64), "64 %")
	f(report.Percent(0.00001), "<0.01 %")
	f(report.Percent(-0.2), "−20 %")
	f(report.Change(-0.33), "−33.0 %")
	f(report.Change(0.00001), "0.0 %")
	f(report.Change(9.5), "×10.5")
	f(report.Change(math.Inf(1)), "from zero")
	f(report.PValue(0.0004), "p<0.001")
	f(report.PValue(0.001), "p=0.001")
	f(report.PValue(0.62), "p=0.62")
	f(report.Times(14.4), "14.4×")
	f(report.Count(6012), "6,012")
	f(report.Count(-1234567), "−1,234,567")
	f(report.Span(48*time.Hour), "2 d")
	f(report.Span(90*time.Minute), "1 h 30 m")
	f(report.Span(4200*time.Millisecond), "4.2 s")
	f(report.Value(85400, pitwall.UnitBytes), "85 kB")
	f(report.Measured(pitwall.Measure{Unit: pitwall.UnitSeconds}), "no data")
}
