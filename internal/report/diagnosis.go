package report

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// schemaDiagnosisView names the shape of DiagnosisView; fields are added, never
// changed.
const schemaDiagnosisView = "pitwall.diagnosis-view/1"

// DiagnosisView is the Diagnosis page as data: the sentence first, then the
// question, then everything that was looked at. Every part is there in every
// diagnosis; one that has nothing to show says why in Gaps.
type DiagnosisView struct {
	Schema         string                   `json:"schema"`         // "pitwall.diagnosis-view/1"
	Plan           pitwall.PlanID           `json:"plan,omitempty"` // empty: a person asked
	At             time.Time                `json:"at"`
	Title          string                   `json:"title"` // "p99 latency of checkout POST /checkout"
	Verdict        pitwall.DiagnosisVerdict `json:"verdict"`
	VerdictWord    string                   `json:"verdict_word"`
	Tone           Tone                     `json:"tone"`
	Sentence       string                   `json:"sentence"`
	Detail         string                   `json:"detail,omitempty"` // what backs the sentence, where it is not in it
	Meaning        string                   `json:"meaning"`          // what such a verdict is worth
	Question       QuestionView             `json:"question"`
	CheckText      string                   `json:"check_text"` // "9 checks: 4 hit, 4 clear, 1 skipped"
	Checks         []CheckView              `json:"checks"`
	Hypotheses     []HypothesisView         `json:"hypotheses"`
	Waterfall      *WaterfallView           `json:"waterfall,omitempty"`
	Contrasts      []ContrastView           `json:"contrasts"`
	Flame          *FlameView               `json:"flame,omitempty"`
	Traces         *TracesView              `json:"traces,omitempty"`
	Changes        []ChangeView             `json:"changes"`
	NotTheCause    []RuledOut               `json:"not_the_cause"`
	Charts         []ChartView              `json:"charts"`
	Gaps           []Gap                    `json:"gaps"`
	Links          DiagnosisLinks           `json:"links"`
	DiagnosedAt    time.Time                `json:"diagnosed_at,omitzero"`
	HypothesisText string                   `json:"hypothesis_text"` // "2 hypotheses, the likeliest first"
}

// QuestionView is what was asked, so that somebody who was not there knows.
type QuestionView struct {
	Text      string              `json:"text"`
	Service   pitwall.ServiceName `json:"service"`
	Operation string              `json:"operation,omitempty"`
	Signal    pitwall.Signal      `json:"signal"`
	Facts     []Fact              `json:"facts"`
	Onset     pitwall.Onset       `json:"onset"`
	Baseline  pitwall.Period      `json:"baseline"`
	Window    pitwall.Period      `json:"window"`
}

// RuledOut is one thing that may look guilty, and why it is not the cause.
type RuledOut struct {
	Kind    string `json:"kind"` // hypothesis, change, check
	What    string `json:"what"`
	Because string `json:"because"`
}

// Gap is a part of the page that has nothing to show, and why.
type Gap struct {
	Part  string `json:"part"` // hypotheses, waterfall, contrasts, flame, traces, changes, charts, checks
	Title string `json:"title"`
	Why   string `json:"why"`
}

// DiagnosisLinks are the forms of this diagnosis; Ask asks again by hand.
type DiagnosisLinks struct {
	App      string `json:"app"`
	HTML     string `json:"html"`
	Markdown string `json:"markdown"`
	JSON     string `json:"json"`
	Ask      string `json:"ask"`
	Plan     string `json:"plan,omitempty"`
}

// DiagnosisOf makes the Diagnosis page of a plan; false: it has none yet.
func DiagnosisOf(p pitwall.Plan, slo pitwall.SLO, o Options) (DiagnosisView, bool) {
	if p.Diagnosis == nil {
		return DiagnosisView{}, false
	}
	v := diagnosisView(maker{p: p, slo: slo, o: o}, *p.Diagnosis)
	v.Plan, v.DiagnosedAt = p.ID, p.Reached[pitwall.Diagnosed]
	v.Question.Facts = append(v.Question.Facts, Fact{Label: "asked by", Value: "plan " + string(p.ID)})
	base := strings.TrimRight(o.PublicURL, "/")
	page, api := base+"/plans/"+string(p.ID), base+"/api/v1/plans/"+string(p.ID)+"/diagnosis"
	v.Links.App, v.Links.HTML, v.Links.Plan = page+"/diagnosis", page+"/diagnosis.html", page
	v.Links.Markdown, v.Links.JSON = api+"/export?format=md", api+"/export?format=json"
	return v, true
}

// DiagnosisAsked makes the page of a diagnosis that a person asked for by hand.
func DiagnosisAsked(d pitwall.Diagnosis, o Options) DiagnosisView {
	v := diagnosisView(maker{p: pitwall.Plan{Service: d.Regression.Service, Opened: pitwall.OpenedData{Regression: d.Regression}}, o: o}, d)
	v.DiagnosedAt = o.Now
	v.Question.Facts = append(v.Question.Facts, Fact{Label: "asked by", Value: "hand"})
	base, q := strings.TrimRight(o.PublicURL, "/"), askQuery(v.Question)
	v.Links.App, v.Links.HTML = base+"/diagnose?"+q, base+"/diagnose.html?"+q
	v.Links.Markdown, v.Links.JSON = base+"/api/v1/diagnose/export?format=md&"+q, base+"/api/v1/diagnose/export?format=json&"+q
	return v
}

func diagnosisView(m maker, d pitwall.Diagnosis) DiagnosisView {
	verdict := d.Verdict
	if c := m.p.Closed; c != nil && c.Verdict != "" && d.Verdict == pitwall.DiagnosisLikely {
		verdict = c.Verdict // the fix reversed the effect
	}
	d.Verdict = verdict
	v := DiagnosisView{
		Schema: schemaDiagnosisView, At: m.o.Now, Verdict: verdict, Title: askedWhat(d.Regression),
		Question: question(d), CheckText: checkText(d.Checks), Checks: checkViews(d.Checks),
		Hypotheses: m.hypotheses(d), HypothesisText: hypothesisText(d), Waterfall: waterfall(foldBars(d)),
		Contrasts: contrasts(d.Contrasts), Flame: flame(d), Traces: traces(d.Exemplars),
		Changes: changesJudged(d), NotTheCause: ruledOut(m.p.Tried, d), Charts: []ChartView{},
	}
	v.VerdictWord, v.Tone, v.Meaning = verdictWords(verdict)
	v.Sentence, v.Detail = diagnosisSentence(d)
	for i, c := range d.Charts {
		v.Charts = append(v.Charts, m.chart(fmt.Sprintf("diagnosis-%d", i+1), c))
	}
	v.Gaps = gaps(v, d)
	v.Links.Ask = strings.TrimRight(m.o.PublicURL, "/") + "/diagnose?" + askQuery(v.Question)
	return v
}

// verdictWords give the word of a verdict, its tone, and what it is worth.
func verdictWords(verdict pitwall.DiagnosisVerdict) (word string, tone Tone, meaning string) {
	switch verdict {
	case pitwall.DiagnosisConfirmed:
		return "Confirmed", ToneOK, "Undoing the cause reversed the effect."
	case pitwall.DiagnosisLikely:
		return "Likely", ToneWarn, "The evidence points here. Only undoing the cause can confirm it."
	case pitwall.DiagnosisNone:
		return "No cause found", ToneNone, "No cause is named, and none is guessed."
	case pitwall.DiagnosisInconclusive:
		return "Inconclusive", ToneNoData, "A signal that is needed is missing. That is neither a cause nor its absence."
	}
	return orWord(string(verdict), "Not judged"), ToneNoData, "This verdict is not known here."
}

// nothingDiffers is the whole answer when no check hit.
const nothingDiffers = "Nothing differs from baseline beyond noise. Here is what we looked at."

func diagnosisSentence(d pitwall.Diagnosis) (sentence, detail string) {
	summary := sentenceEnd(upperFirst(d.Summary))
	switch {
	case calm(d):
		return nothingDiffers, summary
	case summary != "":
		return summary, ""
	case len(d.Hypotheses) > 0:
		return sentenceEnd(upperFirst(d.Hypotheses[0].Claim)), ""
	}
	word, _, _ := verdictWords(d.Verdict)
	return sentenceEnd(word), ""
}

func countChecks(list []pitwall.Check, o pitwall.Outcome) (n int) {
	for _, c := range list {
		if c.Outcome == o {
			n++
		}
	}
	return n
}

func checkText(list []pitwall.Check) string {
	parts := []string{}
	for _, o := range []pitwall.Outcome{pitwall.OutcomeHit, pitwall.OutcomeClear, pitwall.OutcomeSkipped, pitwall.OutcomeError} {
		if n := countChecks(list, o); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	if len(parts) == 0 {
		return "No check is recorded."
	}
	return plural(len(list), "check", "checks") + ": " + strings.Join(parts, ", ") + "."
}

func hypothesisText(d pitwall.Diagnosis) string {
	switch n := len(d.Hypotheses); n {
	case 0:
		return "No hypothesis stands."
	case 1:
		return "One hypothesis."
	default:
		return fmt.Sprintf("%d hypotheses, the likeliest first.", n)
	}
}

// askQuery is a question as the query of an address.
func askQuery(q QuestionView) string {
	u := url.Values{}
	set := func(k, v string) {
		if v != "" {
			u.Set(k, v)
		}
	}
	set("service", string(q.Service))
	set("operation", q.Operation)
	set("signal", string(q.Signal))
	for k, p := range map[string]pitwall.Period{"": q.Window, "baseline_": q.Baseline} {
		if !p.IsZero() {
			set(k+"from", p.From.UTC().Format(time.RFC3339))
			set(k+"to", p.To.UTC().Format(time.RFC3339))
		}
	}
	return u.Encode()
}
