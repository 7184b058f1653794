package storybook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/httpd"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/report/storybook"
)

func clock() time.Time { return storybook.Zero().Add(20 * time.Minute) }

// handler serves the objectives of the book with the answers that a running
// Pitwall would give.
func handler(t *testing.T) (http.Handler, *storybook.ObjectiveBook) {
	t.Helper()
	book := storybook.NewObjectives(clock)
	h, err := httpd.New(httpd.Config{Engine: book, Now: clock, Signals: httpd.Signals{Telemetry: book.Telemetry},
		Objectives: httpd.Objectives{About: about(book), Spent: spent(book), WhatIf: whatIf(book), Replay: replay(book)}})
	if err != nil {
		t.Fatal(err)
	}
	return h, book
}

func about(book *storybook.ObjectiveBook) func(context.Context, pitwall.SLO, *report.SLOInput) {
	return func(_ context.Context, s pitwall.SLO, in *report.SLOInput) {
		o, _ := book.Find(s.Name)
		in.Corrections, in.Detection, in.Dimensions, in.Problem, in.Seen = o.Corrections, o.Detection, o.Dimensions(), o.Problem, o.Seen
		in.Definitions = report.Definitions(o.Definitions)
	}
}

func spent(book *storybook.ObjectiveBook) func(context.Context, pitwall.SLO, string, pitwall.Period) (report.SpentView, error) {
	return func(_ context.Context, s pitwall.SLO, by string, _ pitwall.Period) (report.SpentView, error) {
		o, _ := book.Find(s.Name)
		i := slices.IndexFunc(o.Shares, func(a pitwall.Attribution) bool { return a.Dimension == by })
		if i < 0 {
			return report.SpentView{}, &pitwall.Error{Op: "attributing budget", Kind: pitwall.Invalid, ID: by, Err: fmt.Errorf("%s is counted from what carries no %s", s.Name, by), Hint: "choose another dimension"}
		}
		return report.Spent(o.Shares[i], o.Dimensions()), nil
	}
}

// whatIf holds targets against the counts of the budget; pages are drawn.
func whatIf(book *storybook.ObjectiveBook) func(context.Context, pitwall.SLO, pitwall.Period) (report.WhatIfView, error) {
	return func(_ context.Context, s pitwall.SLO, p pitwall.Period) (report.WhatIfView, error) {
		o, _ := book.Find(s.Name)
		v := report.WhatIfView{Schema: "pitwall.slo-what-if/1", SLO: s.Name, Period: p, Rows: []report.WhatIfRow{}}
		if !o.Budget.Known {
			v.Note = "Nothing was counted in this period."
			return v, nil
		}
		targets := []float64{0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, float64(s.Target)}
		slices.Sort(targets)
		bad, _ := o.Budget.Counts.ErrorRatio()
		for i, target := range slices.Compact(targets) {
			b := pitwall.ErrorBudget{Known: true, Coverage: 1, Spent: pitwall.Ratio(float64(bad) / (1 - target))}
			row := report.WhatIfRow{Target: target, Text: report.Percent(target), Measured: report.Percent(1 - float64(bad)), Left: float64(b.Remaining()), LeftText: report.LeftText(b),
				Pages: i * i / 6, PerWeek: fmt.Sprintf("%.1f", float64(i*i/6)/4.3), Current: math.Abs(target-float64(s.Target)) < 1e-9, Tone: report.ToneOK}
			switch {
			case row.Left <= 0:
				row.Tone = report.ToneBad
			case row.Left < 0.3:
				row.Tone = report.ToneWarn
			}
			if target < 0.95 {
				row.Refused = "fast and page cannot fire: 14.4 × 10 % is more than all events"
			}
			v.Rows = append(v.Rows, row)
		}
		v.Sentence = "It kept " + report.Percent(1-float64(bad)) + ". The strictest of these targets that it would have kept is the last one that is not red."
		return v, nil
	}
}

func replay(book *storybook.ObjectiveBook) func(context.Context, httpd.ReplayQuery) (report.ReplayView, error) {
	return func(_ context.Context, q httpd.ReplayQuery) (report.ReplayView, error) {
		o, _ := book.Find(q.SLO.Name)
		at := clock().Add(-9 * 24 * time.Hour)
		if q.Preset == "slo-generator" {
			return report.ReplayView{}, &pitwall.Error{Op: "replaying", Kind: pitwall.Invalid, ID: q.Preset, Err: fmt.Errorf("its tiers are refused: page cannot fire at this target"), Hint: "choose another policy"}
		}
		v := report.ReplayView{Schema: "pitwall.slo-replay/1", SLO: q.SLO.Name, Preset: q.Preset, Period: q.Period, Left: "62 % left", Worst: "61 % on 2026-03-02", Firings: []report.ReplayFiring{},
			Sentence: "It would have paged 2 times in 30 d, each time for something that was an incident, and missed one.", Missed: []string{"2026-02-19 08:12, 4 m: the cache was cold"}, Table: report.DetectionTable(o.Detection)}
		for i, tier := range q.SLO.Tiers {
			row := report.ReplayTier{Name: tier.Name, When: report.Condition(tier), Action: string(tier.Action), PerWeek: "0", Longest: "–", Tone: report.ToneNone}
			if i < 2 {
				row.Times, row.PerWeek, row.Longest, row.Tone = 2-i, "0.3", "18 m", report.ToneBad
				v.Firings = append(v.Firings, report.ReplayFiring{Tier: tier.Name, Action: string(tier.Action), From: at, To: at.Add(18 * time.Minute), Lasted: "18 m", Spent: "4.1 %", Incident: "PIP-2", Late: "4 m 20 s"})
			}
			v.Tiers = append(v.Tiers, row)
		}
		return v, nil
	}
}

// TestObjectives asks for the page of every state: what tells it from the
// others must be on it.
func TestObjectives(t *testing.T) {
	h, book := handler(t)
	srv := httptest.NewServer(h)
	defer srv.Close()
	states := map[string]string{}
	for _, o := range book.All() {
		var v report.SLOView
		ask(t, srv.URL+"/api/v1/slos/"+string(o.SLO.Name), &v)
		if v.State == "" || v.Window == "" || v.Objective == "" || len(v.Charts) != 2 {
			t.Errorf("%s: a page without state, window, objective or charts: %q %q %q %d", o.Case, v.State, v.Window, v.Objective, len(v.Charts))
		}
		for _, x := range v.Charts[1].Series[0].V { // steps have no more bad events than the budget
			if x != nil && *x < 0 {
				t.Errorf("%s: less than nothing was spent: %g", o.Case, *x)
				break
			}
		}
		got := v.State
		switch {
		case v.Problem != "":
			got += ", cannot be read"
		case v.Waiting != nil:
			got += ", waiting: " + v.Waiting.Text
		case v.Projected != "":
			got += fmt.Sprintf(", %s projected, %d corrections, charts of up to %.0f h", v.Projected, len(v.Corrections), v.Longest/3600)
		case len(v.Members) > 0:
			got += fmt.Sprintf(", %d members", len(v.Members))
		case v.Plan != "":
			got += fmt.Sprintf(", plan %s, %d definitions", v.Plan, len(v.Definition))
		}
		states[string(o.SLO.Name)] = got
	}
	want := map[string]string{
		"checkout-latency":     "burning (fast), plan PIP-2, 2 definitions",
		"catalog-availability": "calm",
		"search-freshness":     "no data, cannot be read",
		"orders-availability":  "calm, waiting: 2 h 10 m of the 6 h its slowest tier needs",
		"payments-monthly":     "calm, 93 % projected, 2 corrections, charts of up to 495 h",
		"shop-journey":         "spending, 3 members",
		"journey-browse":       "calm",
		"journey-checkout":     "burning (ticket)",
		"journey-pay":          "overspent",
	}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Error(diff)
	}
}

// TestQuestions asks what is slow to answer: the shapes must be whole, for the
// page draws bars and a slider from their numbers.
func TestQuestions(t *testing.T) {
	h, book := handler(t)
	srv := httptest.NewServer(h)
	defer srv.Close()
	for _, o := range book.All() {
		var w report.WhatIfView
		ask(t, srv.URL+"/api/v1/slos/"+string(o.SLO.Name)+"/what-if", &w)
		current := 0
		for i, r := range w.Rows {
			if r.Current {
				current++
			}
			if i > 0 && r.Target <= w.Rows[i-1].Target {
				t.Errorf("%s: targets are not ascending: %v after %v", o.Case, r.Target, w.Rows[i-1].Target)
			}
		}
		if o.Budget.Known && current != 1 {
			t.Errorf("%s: %d targets are the one of now", o.Case, current)
		}
		for _, d := range o.Dimensions() {
			var v report.SpentView
			ask(t, srv.URL+"/api/v1/slos/"+string(o.SLO.Name)+"/spent?since=1h&by="+d, &v)
			for _, r := range v.Rows {
				if !(r.From <= r.Share && r.Share <= r.To && r.To <= 1) {
					t.Errorf("%s by %s: %s has the share %v in [%v, %v]", o.Case, d, r.Value, r.Share, r.From, r.To)
				}
			}
		}
		var r report.ReplayView
		ask(t, srv.URL+"/api/v1/slos/"+string(o.SLO.Name)+"/replay?preset=sre-workbook", &r)
		if r.Preset != "sre-workbook" || len(r.Tiers) != len(o.SLO.Tiers) {
			t.Errorf("%s: replay of %q with %d tiers", o.Case, r.Preset, len(r.Tiers))
		}
	}
}

func ask(t *testing.T, url string, into any) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s answered %s", url, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// TestServeObjectives serves the objectives for screenshots and for work on the
// look:
//
//	PITWALL_STORYBOOK_SLOS=127.0.0.1:8098 go test ./internal/report/storybook -run TestServeObjectives -timeout 0
func TestServeObjectives(t *testing.T) {
	addr := os.Getenv("PITWALL_STORYBOOK_SLOS")
	if addr == "" {
		t.Skip("set PITWALL_STORYBOOK_SLOS to an address to serve the objectives there")
	}
	h, _ := handler(t)
	t.Fatal(http.ListenAndServe(addr, h))
}
