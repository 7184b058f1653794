package sloth

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
)

func objective(kind pitwall.SLIKind, q *pitwall.SLIQuery) pitwall.SLO {
	return pitwall.SLO{Name: "checkout-availability", Service: "checkout", Target: 0.999, Window: 30 * day, SLI: pitwall.SLI{Kind: kind, Query: q},
		Labels: map[string]string{"team": "a", "example.com/x": "b"}, Runbook: "https://runbooks/x",
		Tiers: []pitwall.BurnTier{{Action: pitwall.ActionPage}, {Action: pitwall.ActionTicket}}}
}

func TestFromSLO(t *testing.T) {
	f := func(kind pitwall.SLIKind, q pitwall.SLIQuery, want string) {
		t.Helper()
		spec, err := FromSLO(objective(kind, &q))
		if err != nil {
			t.Error(err)
			return
		}
		files, err := Generate(Options{}, spec)
		if err != nil {
			t.Error(err)
			return
		}
		e, err := promql.Parse(files[0].Groups[0].Rules[0].Expr)
		if err != nil {
			t.Error(err)
			return
		}
		wanted, err := promql.Parse(want)
		if err != nil {
			t.Fatal(err)
		}
		if !promql.Equal(e, wanted) {
			t.Errorf("got %s, want %s", e, want)
		}
		if records, alerts := count(files); records != 15 || alerts != 2 {
			t.Errorf("got %d records and %d alerts, want 15 and 2", records, alerts)
		}
		if l := files[0].Groups[0].Rules[0].Labels; l.Get("team") != "a" || l.Get("sloth_slo") != "availability" || len(l) != 5 {
			t.Errorf("labels are %v", l)
		}
	}
	f(pitwall.SLIEvents, pitwall.SLIQuery{Good: `x{c="2"}`, Total: "x"}, `(sum(rate(x[5m])) - sum(rate(x{c="2"}[5m]))) / sum(rate(x[5m]))`)
	f(pitwall.SLIEvents, pitwall.SLIQuery{Bad: `sum(rate(x{c="5"}[1m]))`, Total: "x"}, `sum(rate(x{c="5"}[5m])) / sum(rate(x[5m]))`)
	f(pitwall.SLIEvents, pitwall.SLIQuery{Bad: `y`, Good: "x"}, `sum(rate(y[5m])) / (sum(rate(x[5m])) + sum(rate(y[5m])))`)
	f(pitwall.SLIRatio, pitwall.SLIQuery{Ratio: "avg(r)"}, `1 - avg(r)`)
	f(pitwall.SLIRatio, pitwall.SLIQuery{Ratio: "a/b", RatioOfBad: true}, `a / b`)
	f(pitwall.SLIValue, pitwall.SLIQuery{Value: "up", Op: pitwall.GreaterEqual, Limit: 1}, `1 - sum(sum_over_time((up >= bool 1)[5m:])) / sum(count_over_time((up >= bool 1)[5m:]))`)
}

func TestFromSLORefuses(t *testing.T) {
	f := func(change func(*pitwall.SLO), want string) {
		t.Helper()
		s := objective(pitwall.SLIEvents, &pitwall.SLIQuery{Good: "x", Total: "y"})
		change(&s)
		_, err := FromSLO(s)
		if pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f(func(s *pitwall.SLO) { s.SLI.Query = nil }, "counted from spans")
	f(func(s *pitwall.SLO) { s.SLI.Kind = pitwall.SLIComposite }, "composite")
	f(func(s *pitwall.SLO) { s.Calendar = &pitwall.Calendar{} }, "calendar")
	f(func(s *pitwall.SLO) { s.Budgeting = pitwall.Timeslices }, "Timeslices")
	f(func(s *pitwall.SLO) { s.SLI.Query.Good = "" }, "two of good")
	f(func(s *pitwall.SLO) { s.SLI.Query.Good = "x > 5" }, "comparison")
	f(func(s *pitwall.SLO) { s.SLI.Query.Good = "x(" }, "line 1")
	f(func(s *pitwall.SLO) { s.SLI.Kind, s.SLI.Query.Value = pitwall.SLIValue, "x" }, "compared by")
}

// FuzzRead: no document makes the reader or the generator panic, and whatever is
// accepted becomes rules whose every expression parses.
func FuzzRead(f *testing.F) {
	f.Add(strings.ReplaceAll(base, "OBJECTIVE", "99.9"))
	f.Add("apiVersion: sloth.slok.dev/v1\nkind: PrometheusServiceLevel\nmetadata: {name: a}\nspec: {service: s, slos: [{name: a, objective: 99, sli: {raw: {errorRatioQuery: 'x[{{.window}}]'}}, alerting: {name: A}}]}\n")
	f.Add("apiVersion: openslo/v1alpha\nkind: SLO\nmetadata: {name: a}\nspec: {service: s, budgetingMethod: Occurrences, objectives: [{target: 0.9, ratioMetrics: {good: {source: prometheus, queryType: promql, query: x}, total: {source: prometheus, queryType: promql, query: y}}}]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		specs, _, err := readText("f.yaml", text)
		if err != nil {
			if pitwall.KindOf(err) != pitwall.Invalid {
				t.Fatalf("%v is of kind %s", err, pitwall.KindOf(err))
			}
			return
		}
		files, err := Generate(Options{}, specs...)
		if err != nil {
			return
		}
		for _, file := range files {
			for _, g := range file.Groups {
				for _, r := range g.Rules {
					if _, err := promql.Parse(r.Expr); err != nil && !strings.Contains(err.Error(), "words and signs") && !strings.Contains(err.Error(), "longer than") {
						t.Errorf("%s: %v\n%s", g.Name, err, r.Expr)
					}
				}
			}
		}
	})
}

// manySLOs is n documents of ten objectives, as the figures of other tools were measured.
func manySLOs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "---\nversion: prometheus/v1\nservice: svc%d\nlabels: {team: t%d, tier: \"2\"}\nslos:\n", i, i%7)
		for j := range 10 {
			fmt.Fprintf(&b, `- name: slo%d
  objective: 99.9
  description: Requests of service %d that must not fail.
  labels: {category: availability}
  sli:
    events:
      error_query: sum(rate(http_request_duration_seconds_count{job="svc%[2]d",handler="h%[1]d",code=~"(5..|429)"}[{{.window}}]))
      total_query: sum(rate(http_request_duration_seconds_count{job="svc%[2]d",handler="h%[1]d"}[{{.window}}]))
  alerting:
    name: HighErrorRate
    labels: {category: availability}
    annotations: {summary: "High error rate"}
    page_alert: {labels: {severity: pageteam, routing_key: myteam}}
    ticket_alert: {labels: {severity: slack, slack_channel: "#alerts"}}
`, j, i)
		}
	}
	return b.String()
}

// BenchmarkGenerate1000 is 100 documents of ten objectives; one operation is all of them.
func BenchmarkGenerate1000(b *testing.B) {
	text := manySLOs(100)
	specs, _, err := readText("f.yaml", text)
	if err != nil {
		b.Fatal(err)
	}
	perSLO := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/SLO")
	}
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := readText("f.yaml", text); err != nil {
				b.Fatal(err)
			}
		}
		perSLO(b)
	})
	b.Run("generate", func(b *testing.B) {
		for b.Loop() {
			if _, err := Generate(Options{}, specs...); err != nil {
				b.Fatal(err)
			}
		}
		perSLO(b)
	})
	b.Run("read+generate+write", func(b *testing.B) {
		for b.Loop() {
			specs, _, err := readText("f.yaml", text)
			if err != nil {
				b.Fatal(err)
			}
			files, err := Generate(Options{}, specs...)
			if err != nil {
				b.Fatal(err)
			}
			if err := promql.WriteYAML(io.Discard, files...); err != nil {
				b.Fatal(err)
			}
		}
		perSLO(b)
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.Sys)/1e6, "MB-sys")
	})
}
