//go:build e2e

package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall/internal/notify/notifytest"
)

// answersSLO is an objective of a service that is counted from spans, 90 % of
// them good, with the tier of pagePolicy.
func answersSLO(service string) string {
	return fmt.Sprintf(`---
apiVersion: openslo/v1
kind: SLO
metadata:
  name: %[1]s-answers
  labels: {team: team-%[1]s}
  annotations:
    pitwall.dev/preset: page-only
    pitwall.dev/owner: owner-%[1]s
    pitwall.dev/runbook: https://wiki.example/%[1]s
spec:
  service: %[1]s
  budgetingMethod: Occurrences
  timeWindow: [{duration: 30d, isRolling: true}]
  indicator:
    metadata: {name: %[1]s-good}
    spec:
      ratioMetric:
        counter: true
        total: {metricSource: {type: pitwall-spans, spec: {service: %[1]s}}}
        good: {metricSource: {type: pitwall-spans, spec: {service: %[1]s}}}
  objectives: [{target: 0.9}]
`, service)
}

// pagePolicy is one tier that fires when more than a fifth fails over 10 s and
// over 2 s, with time running 60 times as fast as it says.
const pagePolicy = `apiVersion: pitwall.dev/v1
kind: BurnPolicy
metadata: {name: page-only}
spec:
  tiers: [{name: page, factor: 2, long: 10m, short: 2m, action: page, openPlan: true, minBad: 3}]
`

// hurried is a configuration whose minutes are seconds.
const hurried = `slos: [slo.yaml]
time_scale: 60
ledger_step: 1s
alerting: {routes: routes.yaml}
engine: {tick: 500ms, settle: 1s}
`

// notified is a webhook delivery of Alertmanager's, what we look at of it.
type notified struct {
	At          time.Time
	Status      string            `json:"status"`
	GroupLabels map[string]string `json:"groupLabels"`
	Alerts      []struct {
		Status      string            `json:"status"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"alerts"`
}

// TestRealAlertmanager follows two failing services from their spans to what a
// real Alertmanager tells, and to a signed webhook, over a SIGKILL of Pitwall
// while one of them fails: nobody is told twice, and nothing ends in between.
func TestRealAlertmanager(t *testing.T) {
	t.Parallel()
	var told inbox[notified]
	var posted inbox[envelope]
	hooks := http.NewServeMux()
	hooks.HandleFunc("/alertmanager", func(_ http.ResponseWriter, r *http.Request) {
		n := notified{At: time.Now()}
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Error(err)
		}
		told.add(n)
	})
	hooks.Handle("/signed", signedHook(t, &posted))
	hook := httptest.NewServer(hooks)
	t.Cleanup(hook.Close)
	alertmanager := notifytest.StartAlertmanager(t, hook.URL+"/alertmanager")
	const resend = 2 * time.Second
	p := newServing(t, map[string]string{"pitwall.yaml": hurried, "slo.yaml": pagePolicy + answersSLO("shop") + answersSLO("stock"), "secret": hookSecret + "\n",
		"routes.yaml": fmt.Sprintf(`receivers:
  - {name: am, alertmanager: {urls: [%q], resend: %s}}
  - {name: hook, webhook: {url: %q, secret_file: secret}}
routes: [{to: [am, hook], wait: 0s, interval: 1s}]
`, alertmanager, resend, hook.URL+"/signed")})
	requests := startTraffic(t, p.otlp, 15*time.Second, "shop", "stock")

	requests.fail("shop", "stock")
	shop := waitTold(t, &told, "shop", "firing", 0)
	waitTold(t, &told, "stock", "firing", 0)
	sayAll(t, told.all()[shop])

	requests.fail("shop")
	stock := waitTold(t, &told, "stock", "resolved", 0)
	if n := told.all()[stock]; len(n.Alerts) != 1 {
		t.Errorf("with one service that is well again more was told: %+v", n)
	}

	eventually(t, func() string { _, wrong := p.allSent(); return wrong })
	before := len(told.all())
	p.kill()
	time.Sleep(resend / 2)
	p.start()
	time.Sleep(3*resend + 3*time.Second) // longer than what was sent before the end lives
	for _, n := range told.all()[before:] {
		t.Errorf("told over the restart: %+v", n)
	}
	if list, err := p.alarms(); err != nil || len(list.Alarms) == 0 || !list.Alarms[0].Until.IsZero() {
		t.Errorf("after the restart: %+v, %v", list, err)
	}

	requests.fail()
	waitTold(t, &told, "shop", "resolved", before)
	eventually(t, func() string {
		if types, _ := ofService(posted.all(), "shop"); !slices.Contains(types, "alarm.resolved") {
			return fmt.Sprintf("the webhook was told %v", types)
		}
		_, wrong := p.allSent()
		return wrong
	})
	checkPosted(t, posted.all())
	statuses := map[string][]string{}
	for _, n := range told.all() {
		service := n.GroupLabels["service"]
		statuses[service] = append(statuses[service], n.Status)
	}
	if diff := cmp.Diff(map[string][]string{"shop": {"firing", "resolved"}, "stock": {"firing", "resolved"}}, statuses); diff != "" {
		t.Errorf("Alertmanager told (-want +got):\n%s", diff)
	}
}

// checkPosted holds what the webhook had against what happened: each firing and
// its end once and in one thread, and the plan of each.
func checkPosted(t *testing.T, list []envelope) {
	t.Helper()
	once(t, list)
	for _, service := range []string{"shop", "stock"} {
		types, threads := ofService(list, service)
		if diff := cmp.Diff([]string{"alarm.firing", "alarm.resolved"}, types); diff != "" || len(threads) != 1 {
			t.Errorf("of %s in %d threads (-want +got):\n%s", service, len(threads), diff)
		}
		opened := slices.ContainsFunc(list, func(e envelope) bool {
			return e.Type == "plan.transitioned" && e.Service == service && e.Plan != "" && e.From == "" && e.To != "" && e.Thread == e.Plan
		})
		if !opened {
			t.Errorf("the webhook did not hear of the plan of %s: %+v", service, list)
		}
	}
}

// sayAll holds an alert against all that its receiver needs.
func sayAll(t *testing.T, n notified) {
	t.Helper()
	if len(n.Alerts) != 1 || n.GroupLabels["service"] != "shop" {
		t.Fatalf("not grouped by service: %+v", n)
	}
	a := n.Alerts[0]
	if diff := cmp.Diff(map[string]string{"alertname": "PitwallBurn", "slo": "shop-answers", "service": "shop", "action": "page",
		"severity": "critical", "owner": "owner-shop", "team": "team-shop"}, a.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if a.Annotations["runbook_url"] != "https://wiki.example/shop" || !strings.HasSuffix(a.Annotations["dashboard"], "/slos/shop-answers") ||
		a.Annotations["summary"] == "" || a.Annotations["description"] == "" {
		t.Errorf("annotations %v", a.Annotations)
	}
}

// waitTold waits until Alertmanager has told of a service, and gives the place of
// it in the inbox.
func waitTold(t *testing.T, told *inbox[notified], service, status string, from int) (at int) {
	t.Helper()
	eventually(t, func() string {
		list := told.all()
		for i := from; i < len(list); i++ {
			if list[i].GroupLabels["service"] == service && list[i].Status == status {
				at = i
				return ""
			}
		}
		return fmt.Sprintf("Alertmanager does not tell that %s is %s: %+v", service, status, list)
	})
	return at
}

// startProgram runs a program of others until the test ends, and shows what it
// said if the test fails.
func startProgram(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		_ = log.Close()
		if t.Failed() {
			said, _ := os.ReadFile(log.Name())
			t.Logf("%s said:\n%s", filepath.Base(cmd.Path), tail(string(said), 20))
		}
	})
}
