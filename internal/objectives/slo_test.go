package objectives

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

// objective is a document with parts that a test chooses.
type objective struct{ annotations, sli, window, method, goals, rest string }

func (o objective) text() string {
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	return `apiVersion: openslo/v1
kind: SLO
metadata: {name: a, annotations: {` + o.annotations + `}}
spec:
  service: shop
  budgetingMethod: ` + or(o.method, "Occurrences") + `
  timeWindow: [` + or(o.window, "{duration: 30d, isRolling: true}") + `]
` + or(o.sli, "  indicator: {metadata: {name: i}, spec: {ratioMetric: {counter: true, good: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(ok[5m]))'}}}, total: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(all[5m]))'}}}}}}") + `
  objectives: [` + or(o.goals, "{target: 0.999}") + `]
` + o.rest
}

func (o objective) one(t *testing.T) (pitwall.SLO, string) {
	t.Helper()
	set, err := parseText(o.text())
	if err != nil || len(set.SLOs) != 1 {
		t.Fatalf("%d objectives, %v of\n%s", len(set.SLOs), err, o.text())
	}
	return set.SLOs[0], strings.Join(set.Texts(), "\n")
}

func prom(query string) string {
	return "{metricSource: {type: Prometheus, spec: {query: '" + query + "'}}}"
}

func indicated(spec string) string { return "  indicator: {metadata: {name: i}, spec: {" + spec + "}}" }

// TestTargetPercent: a percentage is the float nearest to what is meant, however
// the number is written.
func TestTargetPercent(t *testing.T) {
	for _, percent := range []string{"99.9", "999e-1", "9.99E+1", "+99.90"} {
		got, _ := objective{goals: "{targetPercent: " + percent + "}"}.one(t)
		if off := float64(got.Target) - 0.999; off > 1e-15 || off < -1e-15 || len(got.Tiers) == 0 {
			t.Errorf("targetPercent %s is %v with %d tiers", percent, got.Target, len(got.Tiers))
		}
	}
}

func TestIndicators(t *testing.T) {
	f := func(spec, goal string, want pitwall.SLI) {
		t.Helper()
		got, _ := objective{sli: indicated(spec), goals: goal}.one(t)
		if want.Service == "" {
			want.Service = "shop"
		}
		if diff := cmp.Diff(want, got.SLI); diff != "" {
			t.Errorf("%s (-want +got):\n%s", spec, diff)
		}
	}
	events := func(q pitwall.SLIQuery) pitwall.SLI { return pitwall.SLI{Kind: pitwall.SLIEvents, Query: &q} }
	ratio := func(q pitwall.SLIQuery) pitwall.SLI { return pitwall.SLI{Kind: pitwall.SLIRatio, Query: &q} }
	f("ratioMetric: {good: "+prom("good_total")+", total: "+prom("all_total")+"}", "", events(pitwall.SLIQuery{Good: "good_total", Total: "all_total"}))
	f("ratioMetric: {counter: true, bad: "+prom("sum(rate(bad[{{.window}}]))")+", total: "+prom("sum(rate(all[{{.window}}]))")+"}", "", events(pitwall.SLIQuery{Bad: "sum(rate(bad[{{.window}}]))", Total: "sum(rate(all[{{.window}}]))"}))
	f("ratioMetric: {counter: false, bad: "+prom("free")+", total: "+prom("seats")+"}", "", ratio(pitwall.SLIQuery{Ratio: "(free) / (seats)", RatioOfBad: true}))
	f("ratioMetric: {rawType: failure, raw: "+prom("errors:ratio")+"}", "", ratio(pitwall.SLIQuery{Ratio: "errors:ratio", RatioOfBad: true}))
	f("ratioMetric: {rawType: success, raw: {metricSource: {type: thanos, spec: {promql: up_ratio}}}}", "", ratio(pitwall.SLIQuery{Ratio: "up_ratio"}))
	f("thresholdMetric: "+prom("time() - last_run"), "{op: lt, value: 3600, target: 0.99}", pitwall.SLI{Kind: pitwall.SLIValue, Query: &pitwall.SLIQuery{Value: "time() - last_run", Op: pitwall.Less, Limit: 3600}})
	f("thresholdMetric: "+prom("probe_success"), "{op: gte, value: 1, targetPercent: 99}", pitwall.SLI{Kind: pitwall.SLIValue, Query: &pitwall.SLIQuery{Value: "probe_success", Op: pitwall.GreaterEqual, Limit: 1}})
	spans := "ratioMetric: {good: {metricSource: {type: pitwall-spans, spec: {service: pay%s}}}, total: {metricSource: {type: pitwall-spans, spec: {service: pay%s}}}}"
	f(strings.ReplaceAll(spans, "%s", ""), "", pitwall.SLI{Kind: pitwall.SLIAvailability, Service: "pay"})
	f(strings.ReplaceAll(spans, "%s", ", operation: POST /pay"), "", pitwall.SLI{Kind: pitwall.SLIAvailability, Service: "pay", Operation: "POST /pay"})
	f(strings.Replace(strings.Replace(spans, "%s", ", maxDuration: 1.5s", 1), "%s", "", 1), "", pitwall.SLI{Kind: pitwall.SLILatency, Service: "pay", Threshold: 1500 * time.Millisecond})
}

func TestDataSources(t *testing.T) {
	sli := "  indicator: {metadata: {name: i}, spec: {thresholdMetric: {metricSource: {metricSourceRef: main, spec: {query: up}}}}}"
	text := objective{sli: sli, goals: "{op: gte, value: 1, target: 0.99}"}.text()
	source := func(kind string) string {
		return text + "---\napiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: main}\nspec: {type: " + kind + ", connectionDetails: {url: x}}\n"
	}
	if set, err := parseText(source("Prometheus")); err != nil || len(set.SLOs) != 1 {
		t.Errorf("by reference: %v", err)
	}
	f := func(text, words string) {
		t.Helper()
		if _, err := parseText(text); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %s", err, words)
		}
	}
	f(source("Datadog"), `metricSource type "Datadog" cannot be asked`)
	f(text, `no DataSource is called "main"`)
	f(strings.Replace(source("Prometheus"), "name: main}", "name: mian}", 1), `did you mean "mian"?`)
	f(objective{sli: indicated("thresholdMetric: " + prom("sum(rate(x[5m])"))}.text(), "op is missing")
	f(objective{sli: indicated("thresholdMetric: " + prom("sum(rate(x[5m])")), goals: "{op: gt, value: 1, target: 0.99}"}.text(), "PromQL is wrong at line 1, column")
	f(objective{sli: indicated("thresholdMetric: " + prom("x[5m]")), goals: "{op: gt, value: 1, target: 0.99}"}.text(), "PromQL is wrong")
}

func TestWindows(t *testing.T) {
	const day = 24 * time.Hour
	f := func(window string, length time.Duration, calendar *pitwall.Calendar, words string) {
		t.Helper()
		s, warnings := objective{window: window, annotations: "pitwall.dev/unreachable-tiers: drop"}.one(t)
		if diff := cmp.Diff(calendar, s.Calendar); s.Window != length || diff != "" {
			t.Errorf("%s: %v %s", window, s.Window, diff)
		}
		if !strings.Contains(warnings, words) {
			t.Errorf("%s: warnings %q", window, warnings)
		}
	}
	york, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	start := func(zone *time.Location) time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, zone) }
	f("{duration: 12h, isRolling: true}", 12*time.Hour, nil, "")
	f("{duration: 4w, isRolling: true}", 28*day, nil, "")
	f("{duration: 90m, isRolling: yes}", 90*time.Minute, nil, "")
	f("{duration: 1M, isRolling: true}", 30*day, nil, "taken as 30 days")
	f("{duration: 1Q, isRolling: true}", 90*day, nil, "taken as 90 days")
	f("{duration: 1Y, isRolling: true}", 365*day, nil, "taken as 365 days")
	f("{duration: 30m, isRolling: true}", 30*time.Minute, nil, "a month is written 1M")
	const at = ", calendar: {startTime: 2026-01-01 12:00:00, timeZone: "
	f("{duration: 1M"+at+"America/New_York}}", 30*day, &pitwall.Calendar{Unit: pitwall.Month, Count: 1, Zone: "America/New_York", Start: start(york)}, "")
	f("{duration: 2w"+at+"UTC}}", 14*day, &pitwall.Calendar{Unit: pitwall.Week, Count: 2, Zone: "UTC", Start: start(time.UTC)}, "")
	f("{duration: 1Y"+at+"UTC}}", 365*day, &pitwall.Calendar{Unit: pitwall.Year, Count: 1, Zone: "UTC", Start: start(time.UTC)}, "")
}

func TestSlices(t *testing.T) {
	s, _ := objective{method: "Timeslices", goals: "{target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 5m}", annotations: "pitwall.dev/empty-slices: good"}.one(t)
	if diff := cmp.Diff(&pitwall.Slices{Length: 5 * time.Minute, Target: 0.95, Empty: pitwall.EmptyGood}, s.Slices); diff != "" || s.Budgeting != pitwall.Timeslices {
		t.Error(diff)
	}
	s, _ = objective{method: "RatioTimeslices", goals: "{target: 0.99, timeSliceWindow: 1h}"}.one(t)
	if diff := cmp.Diff(&pitwall.Slices{Length: time.Hour, Empty: pitwall.EmptyExcluded}, s.Slices); diff != "" {
		t.Error(diff)
	}
	for goals, words := range map[string]string{
		"{target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 1M}":  "no fixed length",
		"{target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 30d}": "not shorter than the window",
		"{target: 0.99, timeSliceTarget: 1.5, timeSliceWindow: 1m}":   "at most 1",
	} {
		if _, err := parseText(objective{method: "Timeslices", goals: goals}.text()); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", goals, err)
		}
	}
	o := objective{method: "Timeslices", goals: "{target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 1m}", annotations: "pitwall.dev/empty-slices: fine"}
	if _, err := parseText(o.text()); err == nil || !strings.Contains(err.Error(), "pitwall.dev/empty-slices") {
		t.Errorf("%v", err)
	}
}

func TestSeveralObjectives(t *testing.T) {
	set, err := parseText(objective{goals: "{displayName: Very Good!, target: 0.999}, {target: 0.99}"}.text())
	if err != nil || len(set.SLOs) != 2 {
		t.Fatal(err)
	}
	if a, b := set.SLOs[0], set.SLOs[1]; a.Name != "a-very-good" || b.Name != "a-1" || a.Target != 0.999 || b.Target != 0.99 || a.DisplayName != "Very Good!" {
		t.Errorf("%+v\n%+v", a, b)
	}
}

func TestLabelsAndAnnotations(t *testing.T) {
	text := strings.Replace(objective{annotations: "pitwall.dev/owner: team-shop, pitwall.dev/runbook: https://wiki.example/a, other.example/x: y"}.text(),
		"name: a,", "name: a, labels: {env: [prod], team: [shop, pay], tier: one},", 1)
	set, err := parseText(text)
	if err != nil {
		t.Fatal(err)
	}
	s := set.SLOs[0]
	if diff := cmp.Diff(map[string]string{"env": "prod", "team": "shop,pay", "tier": "one"}, s.Labels); diff != "" || s.Owner != "team-shop" || s.Runbook != "https://wiki.example/a" {
		t.Errorf("%+v %s", s, diff)
	}
}

const composite = `  # a journey of two stages
  alertPolicies: []
`

func TestComposite(t *testing.T) {
	stage := func(name string, rest string) string {
		return "{displayName: " + name + ", " + rest + ", indicator: {metadata: {name: " + name + "}, spec: {ratioMetric: {counter: true, good: " + prom(name+"_ok") + ", total: " + prom(name+"_all") + "}}}}"
	}
	goals := stage("browse", "target: 0.99, compositeWeight: 1") + ", " + stage("pay", "target: 0.999, compositeWeight: 3")
	f := func(annotations, method string, want pitwall.Ratio) Set {
		t.Helper()
		set, err := parseText(objective{sli: composite, goals: goals, annotations: annotations, method: method}.text())
		if err != nil || len(set.SLOs) != 3 {
			t.Fatalf("%d objectives, %v", len(set.SLOs), err)
		}
		if got := set.SLOs[0].Target; got != want {
			t.Errorf("%s: target %v, want %v", annotations, got, want)
		}
		return set
	}
	set := f("", "", 0.99675)
	whole, pay := set.SLOs[0], set.SLOs[2]
	want := &pitwall.Composite{Method: pitwall.CompositeWeighted, Members: []pitwall.Member{{SLO: "a-browse", Weight: 1}, {SLO: "a-pay", Weight: 3}}}
	if diff := cmp.Diff(want, whole.SLI.Composite); diff != "" || whole.SLI.Kind != pitwall.SLIComposite {
		t.Error(diff)
	}
	if pay.Name != "a-pay" || pay.PartOf != "a" || pay.Target != 0.999 || pay.SLI.Query.Good != "pay_ok" || pay.Window != whole.Window {
		t.Errorf("%+v", pay)
	}
	for _, tier := range pay.Tiers {
		if tier.Action != pitwall.ActionInform || tier.OpensPlan || tier.Halt != "" {
			t.Errorf("a member asks for %+v", tier)
		}
	}
	f("pitwall.dev/composite: journey", "", 0.98901)
	f("pitwall.dev/composite: weighted, pitwall.dev/composite-target: '0.995'", "", 0.995)
	goals = strings.ReplaceAll(goals, "target:", "timeSliceTarget: 0.9, timeSliceWindow: 1m, target:")
	f("pitwall.dev/composite: slices", "Timeslices", 0.99)
	for annotations, words := range map[string]string{"pitwall.dev/composite: jurney": `did you mean "journey"?`, "pitwall.dev/composite: slices": "needs slices", "pitwall.dev/composite-target: '2'": "composite-target"} {
		if _, err := parseText(objective{sli: composite, goals: goals, annotations: annotations}.text()); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", annotations, err)
		}
	}
}

const policies = `---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: fast}
spec:
  alertWhenBreaching: true
  alertWhenNoData: true
  conditions: [{conditionRef: burns}]
  notificationTargets: [{targetRef: pager}, {kind: AlertNotificationTarget, metadata: {name: chat}, spec: {target: slack}}]
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: burns}
spec:
  severity: Critical
  condition: {kind: burnrate, op: gt, threshold: 2, lookbackWindow: 1h, alertAfter: 5m}
`

func TestAlertPolicies(t *testing.T) {
	o := objective{rest: "  alertPolicies: [{alertPolicyRef: fast}]\n" + policies}
	s, warnings := o.one(t)
	want := []pitwall.BurnTier{
		{Name: "burns", Factor: 2, Long: time.Hour, Short: time.Hour, For: 5 * time.Minute, Action: pitwall.ActionPage, OpensPlan: true},
		{Name: "burns-no-data", When: pitwall.WhenTrafficLost, Short: time.Hour, For: 5 * time.Minute, Action: pitwall.ActionPage},
	}
	if diff := cmp.Diff(want, s.Tiers); diff != "" || s.Labels[NotifyLabel] != "pager,chat" || s.Preset != "" {
		t.Errorf("%+v %s", s.Labels, diff)
	}
	if !strings.Contains(warnings, "tiers are those of alertPolicies") {
		t.Error(warnings)
	}
	o.annotations = "pitwall.dev/preset: pitwall-default"
	both, _ := o.one(t)
	preset, err := slo.Preset("pitwall-default", s.Window)
	if err != nil || len(both.Tiers) != len(preset)+2 || both.Preset != "pitwall-default" {
		t.Errorf("%v %+v", err, both.Tiers)
	}
	f := func(old, new, words string) {
		t.Helper()
		refuses(t, o.text(), old, new, "x.yaml:"+lineOf(o.text(), old), words)
	}
	f("op: gt, threshold", "op: lte, threshold", "would alert while the budget is not burning")
	f("alertPolicyRef: fast", "alertPolicyRef: fats", `no AlertPolicy is called "fats": did you mean "fast"?`)
	f("conditionRef: burns", "conditionRef: burn", `no AlertCondition is called "burn": did you mean "burns"?`)
	f("threshold: 2", "threshold: 0", "always exceeded")
	f("lookbackWindow: 1h", "lookbackWindow: 60d", "does not fit into the window")
	f("lookbackWindow: 1h", "lookbackWindow: one hour", "expected a duration")
	if _, w := (objective{rest: strings.Replace(o.rest, "Critical", "Purple", 1)}).one(t); !strings.Contains(w, `severity "Purple"`) {
		t.Error(w)
	}
}

func lineOf(text, part string) string {
	n := 1 + strings.Count(text[:strings.Index(text, part)], "\n")
	digits := ""
	for ; n > 0; n /= 10 {
		digits = string(rune('0'+n%10)) + digits
	}
	return digits
}

// TestReferenceDocuments: whatever others write is read or refused with file,
// line and a way out.
func TestReferenceDocuments(t *testing.T) {
	var read int
	for _, name := range referenceFiles(t) {
		set, err := Read(Options{}, name)
		read += len(set.SLOs)
		for _, fault := range Faults(err) {
			if pitwall.KindOf(fault) != pitwall.Invalid || !strings.Contains(fault.Error(), name+":") {
				t.Errorf("%s: %v", name, fault)
			}
		}
	}
	if read < 5 {
		t.Errorf("only %d objectives were read", read)
	}
}

func referenceFiles(t testing.TB) []string {
	t.Helper()
	var files []string
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			switch name := dir + "/" + e.Name(); {
			case e.IsDir():
				walk(name)
			case strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml"):
				files = append(files, name)
			}
		}
	}
	walk("openslo/testdata/reference")
	return files
}
