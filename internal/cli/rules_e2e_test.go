//go:build e2e

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pitwall/pitwall/internal/report"
)

// evaluation is how often Prometheus evaluates the exported rules.
const evaluation = 5 * time.Second

// requestsSLO counts requests_total, 99 % of them good, with the tiers of
// briefPolicy.
const requestsSLO = `apiVersion: openslo/v1
kind: SLO
metadata: {name: requests, annotations: {pitwall.dev/preset: brief}}
spec:
  service: counting
  budgetingMethod: Occurrences
  timeWindow: [{duration: 1h, isRolling: true}]
  indicator:
    metadata: {name: requests}
    spec:
      ratioMetric:
        counter: true
        bad: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(requests_total{code="500"}[5m]))'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(requests_total[5m]))'}}}
  objectives: [{target: 0.99}]
---
apiVersion: pitwall.dev/v1
kind: BurnPolicy
metadata: {name: brief}
spec:
  tiers:
    - {name: fast, factor: 20, long: 10s, short: 4s, action: page, minBad: 3}
    - {name: slow, factor: 5, long: 20s, short: 8s, action: ticket, minBad: 3}
`

// counting exposes a hundred requests a second, of which more than half fail in
// one stretch of time: the counters are a function of the clock, so whoever
// scrapes it sees the same.
type counting struct {
	mu      sync.Mutex
	on, off time.Time // zero: not yet
	from    time.Time
}

// ServeHTTP answers a scrape.
func (c *counting) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	const perSecond, failing = 100, 60
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	bad := 0
	if !c.on.IsZero() {
		end := now
		if !c.off.IsZero() {
			end = c.off
		}
		bad = int(end.Sub(c.on).Seconds() * failing)
	}
	good := int(now.Sub(c.from).Seconds()*perSecond) - bad
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	fmt.Fprintf(w, "# TYPE requests_total counter\nrequests_total{code=\"200\"} %d\nrequests_total{code=\"500\"} %d\n", good, bad)
}

func (c *counting) set(at *time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	*at = time.Now()
	return *at
}

// TestExportedRulesFireWithPitwall: a real Prometheus with the rules that Pitwall
// exports and Pitwall itself scrape the same counters. Each tier fires in both
// within one evaluation of the rules, and ends in both: in Pitwall when it was
// quiet for its short window.
func TestExportedRulesFireWithPitwall(t *testing.T) {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("SKIPPED, NOT PASSED: prometheus is not here: the exported rules were not evaluated by a real one")
	}
	t.Parallel()
	counters := &counting{from: time.Now().Add(-time.Minute)}
	server := httptest.NewServer(counters)
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")
	p := newServing(t, map[string]string{"slo.yaml": requestsSLO, "pitwall.yaml": fmt.Sprintf(`slos: [slo.yaml]
ledger_step: 1s
engine: {tick: 1s, settle: 500ms}
metrics: {scrape: [{job: counting, targets: [%q], interval: 1s}]}
`, address)})
	rules := filepath.Join(p.dir, "rules.yaml")
	run(t, "slo", "rules", "--server="+p.page, "--out", rules).wants(t, 0)
	prometheus := startWithRules(t, program, address, rules)
	eventually(t, func() string { return healthyRules(prometheus) })
	time.Sleep(time.Until(scrapedFor(t, p, 21*time.Second)))

	began := counters.set(&counters.on)
	tiers := []string{"fast", "slow"}
	fired := map[string]time.Time{}
	for _, tier := range tiers {
		eventually(t, func() string { return firesSince(prometheus, tier, fired) })
		since, _ := pitwallAlarm(t, p, tier, false)
		t.Logf("%s fired %s after the errors began in Prometheus, %s in Pitwall", tier, fired[tier].Sub(began).Round(10*time.Millisecond), since.Sub(began).Round(10*time.Millisecond))
		if apart := since.Sub(fired[tier]).Abs(); apart > evaluation {
			t.Errorf("%s: %s apart, more than an evaluation", tier, apart)
		}
	}
	counters.set(&counters.off)
	for tier, short := range map[string]time.Duration{"fast": 4 * time.Second, "slow": 8 * time.Second} {
		since, until := pitwallAlarm(t, p, tier, true)
		ended := quietSince(t, prometheus, tier, fired[tier])
		t.Logf("%s ended after %s in Prometheus, after %s in Pitwall, whose short window is %s", tier, ended.Sub(began).Round(10*time.Millisecond), until.Sub(began).Round(10*time.Millisecond), short)
		if apart := until.Sub(ended) - short; apart.Abs() > evaluation {
			t.Errorf("%s: Pitwall called it over %s from when it was quiet for %s", tier, apart, short)
		}
		replayedAs(t, p, tier, since)
	}
	if wrong := healthyRules(prometheus); wrong != "" {
		t.Error(wrong)
	}
}

// replayedAs holds a firing against that of a replay over what was counted.
func replayedAs(t *testing.T, p *serving, tier string, since time.Time) {
	t.Helper()
	s := run(t, "slo", "replay", "requests", "--since", "5m", "-o", "json", "--server="+p.page)
	var v report.ReplayView
	if err := json.Unmarshal([]byte(s.out), &v); err != nil {
		t.Fatalf("%v: %s%s", err, s.out, s.errout)
	}
	for _, f := range v.Firings {
		if f.Tier != tier {
			continue
		}
		if apart := f.From.Sub(since).Abs(); apart > evaluation {
			t.Errorf("replayed, %s fires %s from when it did", tier, apart)
		}
		return
	}
	t.Errorf("replayed, %s does not fire: %s", tier, s.out)
}

// startWithRules runs a Prometheus that scrapes every second; the rules are
// evaluated in seconds instead of the minutes their windows usually have.
func startWithRules(t *testing.T, program, target, rules string) (server string) {
	t.Helper()
	text, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	hurried := strings.NewReplacer(`interval: "30s"`, `interval: "5s"`, `interval: "5m"`, `interval: "5s"`).Replace(string(text))
	if hurried == string(text) {
		t.Fatalf("no intervals in\n%s", text)
	}
	dir, address := t.TempDir(), freeAddress(t)
	for name, text := range map[string]string{"rules.yaml": hurried, "prometheus.yml": fmt.Sprintf(`global: {scrape_interval: 1s}
rule_files: [rules.yaml]
scrape_configs: [{job_name: counting, static_configs: [{targets: [%q]}]}]
`, target)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	startProgram(t, exec.Command(program, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address))
	return "http://" + address
}

// healthyRules says what is wrong with the rules of a Prometheus.
func healthyRules(server string) string {
	var answer struct {
		Data struct {
			Groups []struct {
				Name  string
				Rules []struct{ Name, Health, LastError, Type string }
			}
		}
	}
	if err := newClient(server).get(context.Background(), "/api/v1/rules", &answer); err != nil {
		return err.Error()
	}
	alerts := 0
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			if r.Health != "ok" {
				return fmt.Sprintf("rule %s of %s is %s: %s", r.Name, g.Name, r.Health, r.LastError)
			}
			if r.Type == "alerting" {
				alerts++
			}
		}
	}
	if alerts != 2 {
		return fmt.Sprintf("%d alerts: %+v", alerts, answer)
	}
	return ""
}

// firesSince notes when a tier's alert became active.
func firesSince(server, tier string, fired map[string]time.Time) string {
	var answer struct {
		Data struct {
			Alerts []struct {
				Labels   map[string]string
				State    string
				ActiveAt time.Time
			}
		}
	}
	if err := newClient(server).get(context.Background(), "/api/v1/alerts", &answer); err != nil {
		return err.Error()
	}
	for _, a := range answer.Data.Alerts {
		if a.Labels["tier"] == tier && a.Labels["slo"] == "requests" && a.State == "firing" {
			fired[tier] = a.ActiveAt
			return ""
		}
	}
	return fmt.Sprintf("%s does not fire in Prometheus: %+v", tier, answer)
}

// quietSince is when a tier's alert ceased to fire: ALERTS has no sample from
// the evaluation on in which it does not.
func quietSince(t *testing.T, server, tier string, from time.Time) (ended time.Time) {
	t.Helper()
	eventually(t, func() string {
		query := url.Values{"query": {fmt.Sprintf(`ALERTS{alertstate="firing",tier=%q}`, tier)}, "start": {from.Format(time.RFC3339)}, "end": {time.Now().Format(time.RFC3339)}, "step": {"1s"}}
		var answer struct {
			Data struct {
				Result []struct{ Values [][]any }
			}
		}
		if err := newClient(server).get(t.Context(), "/api/v1/query_range?"+query.Encode(), &answer); err != nil {
			return err.Error()
		}
		if len(answer.Data.Result) != 1 || len(answer.Data.Result[0].Values) == 0 {
			return fmt.Sprintf("%s: %+v", tier, answer)
		}
		values := answer.Data.Result[0].Values
		last, _ := values[len(values)-1][0].(float64)
		if ended = time.Unix(int64(last)+1, 0); time.Since(ended) < 2*time.Second {
			return tier + " still fires in Prometheus"
		}
		return ""
	})
	return ended
}

// pitwallAlarm waits for an alarm of a tier, or for its end.
func pitwallAlarm(t *testing.T, p *serving, tier string, over bool) (since, until time.Time) {
	t.Helper()
	eventually(t, func() string {
		list, err := p.alarms()
		for _, a := range list.Alarms {
			if a.State.Tier.Name == tier && a.Until.IsZero() != over {
				since, until = a.Since, a.Until
				return ""
			}
		}
		return fmt.Sprintf("%s is not so in Pitwall: %+v, %v", tier, list, err)
	})
	return since, until
}

// scrapedFor is when an objective will have been counted for so long.
func scrapedFor(t *testing.T, p *serving, long time.Duration) (at time.Time) {
	t.Helper()
	eventually(t, func() string {
		var v report.SLOView
		if err := newClient(p.page).get(t.Context(), "/api/v1/slos/requests", &v); err != nil {
			return err.Error()
		}
		if !v.Budget.Known {
			return "nothing is counted yet"
		}
		at = time.Now().Add(long)
		return ""
	})
	return at
}
