//go:build e2e

package cli

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pitwall/pitwall/internal/objectives"
	"github.com/pitwall/pitwall/internal/objectives/promrules"
)

// apiSLO counts api_requests_total with the tiers that Pitwall comes with.
const apiSLO = `apiVersion: openslo/v1
kind: SLO
metadata: {name: api}
spec:
  service: api
  budgetingMethod: Occurrences
  timeWindow: [{duration: 30d, isRolling: true}]
  indicator:
    metadata: {name: api}
    spec:
      ratioMetric:
        counter: true
        bad: {metricSource: {type: Prometheus, spec: {query: 'api_requests_total{code="500"}'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'api_requests_total'}}}
  objectives: [{target: 0.999}]
`

// The history of api_requests_total, a sample every 15 s: 100 requests a second,
// from the beginning of the eighth hour on 4.8 % of them bad.
const (
	historyGood = `0+1500x1680 2521428+1428x240`
	historyBad  = `0x1680 72+72x240`
	outageBegan = 7 * 60 // minute
	watchedFor  = 50     // minutes
)

// TestExportedRulesFireInTheSameMinute: the same history of the same counters
// through Prometheus' evaluation of the exported rules and through Pitwall's unit
// tests of objectives. Every page fires in the same minute.
func TestExportedRulesFireInTheSameMinute(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("SKIPPED, NOT PASSED: promtool is not here: the exported rules were not evaluated")
	}
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	writeDoc(t, in("slo.yaml"), apiSLO)
	run(t, "slo", "rules", in("slo.yaml"), "--out", in("rules.yaml")).wants(t, 0)
	fires := pitwallMinutes(t, dir)
	if len(fires) != 3 {
		t.Fatalf("in Pitwall these fire: %v", fires)
	}
	t.Logf("minutes after the outage began: %v", fires)

	var b strings.Builder
	fmt.Fprintf(&b, "rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n- interval: 15s\n  input_series:\n")
	fmt.Fprintf(&b, "  - {series: 'api_requests_total{code=\"200\"}', values: %q}\n  - {series: 'api_requests_total{code=\"500\"}', values: %q}\n  promql_expr_test:\n", historyGood, historyBad)
	for tier, minute := range fires {
		for at, firing := range map[int]int{minute - 1: 0, minute: 1} {
			fmt.Fprintf(&b, "  - {expr: 'count(ALERTS{alertstate=\"firing\",slo=\"api\",tier=%q}) or vector(0)', eval_time: %dm, exp_samples: [{labels: '{}', value: %d}]}\n", tier, outageBegan+at, firing)
		}
	}
	writeDoc(t, in("test.yaml"), b.String())
	if out, err := exec.Command(promtool, "test", "rules", in("test.yaml")).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}

	// The proof that comes with the rules has a history of its own.
	set, err := objectives.Read(objectives.Options{}, in("slo.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	proof, err := promrules.Proof(set.SLOs[0], promrules.Options{}, "rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	writeDoc(t, in("proof.yaml"), string(proof))
	if out, err := exec.Command(promtool, "test", "rules", in("proof.yaml")).CombinedOutput(); err != nil {
		t.Errorf("promtool, the proof: %v\n%s", err, out)
	}
}

// pitwallMinutes is in which minute of the outage each tier fires in Pitwall.
func pitwallMinutes(t *testing.T, dir string) map[string]int {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "objectives: [slo.yaml]\ntests:\n- name: an outage\n  step: 15s\n  every: 1m\n  series:\n")
	fmt.Fprintf(&b, "  - {series: 'api_requests_total{code=\"200\"}', values: %q}\n  - {series: 'api_requests_total{code=\"500\"}', values: %q}\n  expect:\n", historyGood, historyBad)
	for minute := -1; minute < watchedFor; minute++ {
		fmt.Fprintf(&b, "  - {at: %dm, firing: []}\n", outageBegan+minute)
	}
	file := filepath.Join(dir, "objectives.test.yaml")
	writeDoc(t, file, b.String())
	s := run(t, "slo", "test", file, "-o", "json")
	var answer struct {
		Tests []struct {
			Error  string
			Checks []struct{ Got string }
		}
	}
	if err := json.Unmarshal([]byte(s.out), &answer); err != nil || len(answer.Tests) != 1 || len(answer.Tests[0].Checks) != watchedFor+1 || answer.Tests[0].Error != "" {
		t.Fatalf("%v: %s%s", err, s.out, s.errout)
	}
	fires := map[string]int{}
	for i, c := range answer.Tests[0].Checks {
		names := strings.Split(c.Got, ", ")
		for _, tier := range []string{"fast", "page-fast", "page-slow"} {
			if _, known := fires[tier]; !known && slices.Contains(names, tier) {
				fires[tier] = i - 1
			}
		}
	}
	return fires
}
