//go:build e2e

package alertmanager

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
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

	"github.com/pitwall/pitwall"
)

// binary finds an Alertmanager: the words that run it. One that was unpacked and
// not installed looks for its templates where they would be installed, so it
// runs in a mount namespace of its own in which they are there.
func binary(t *testing.T) []string {
	t.Helper()
	if path, err := exec.LookPath("alertmanager"); err == nil {
		return []string{path}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	const templates = "/usr/share/prometheus"
	usr := filepath.Join(home, ".cache/pitwall/tools/usr")
	path := filepath.Join(usr, "bin/prometheus-alertmanager")
	if _, err := os.Stat(path); err != nil {
		t.Skip("SKIPPED: no alertmanager in PATH or ~/.cache/pitwall/tools/usr/bin, so nothing was sent to a real one")
	}
	if _, err := os.Stat(templates + "/alertmanager/default.tmpl"); err == nil {
		return []string{path}
	}
	script := fmt.Sprintf("mount --bind %s %s && exec %s \"$@\"", filepath.Join(usr, "share/prometheus"), templates, path)
	words := []string{"unshare", "-rm", "sh", "-c", script, "sh"}
	if out, err := exec.Command(words[0], append(words[1:], "--version")...).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: the alertmanager in %s finds its templates neither installed nor beside it (%v: %s), so nothing was sent to a real one", usr, err, out)
	}
	return words
}

// notification is a webhook delivery of version 4, what we look at of it.
type notification struct {
	Status      string            `json:"status"`
	GroupLabels map[string]string `json:"groupLabels"`
	Alerts      []struct {
		Status      string            `json:"status"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		StartsAt    time.Time         `json:"startsAt"`
		EndsAt      time.Time         `json:"endsAt"`
	} `json:"alerts"`
}

func (n notification) slos() string {
	var list []string
	for _, a := range n.Alerts {
		list = append(list, a.Labels["slo"]+":"+a.Status)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// TestARealAlertmanager: it takes what we send, groups it, and resolves it, both
// when an alarm says that it is over and when Pitwall falls silent.
func TestARealAlertmanager(t *testing.T) {
	got := make(chan notification, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n notification
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Error(err)
		}
		got <- n
	}))
	defer hook.Close()
	address := start(t, hook.URL)
	const resend = time.Second
	c, err := New(Config{Name: "am", URLs: []string{address}, Resend: resend})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Push(t.Context(), nil); err != nil {
		t.Fatalf("an empty round: %v", err)
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	alarm := func(slo, service string) pitwall.Alarm {
		return pitwall.Alarm{ID: slo, SLO: pitwall.SLOName(slo), Service: pitwall.ServiceName(service), Action: pitwall.ActionPage, Since: now.Add(-time.Minute), Owner: "team",
			Text: "Burns 14×.", Link: "https://pitwall.example/slo/" + slo, Runbook: "https://wiki.example/r", Labels: map[string]string{"cost centre": "é"},
			State: pitwall.TierState{Tier: pitwall.BurnTier{Name: "page-fast"}}}
	}
	a, b, other := alarm("a", "checkout"), alarm("b", "checkout"), alarm("c", "stock")
	push := func(list ...pitwall.Alarm) {
		t.Helper()
		if err := c.Push(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	push(a, b, other)
	byService := map[string]notification{}
	for len(byService) < 2 {
		n := next(t, got)
		byService[n.GroupLabels["service"]] = n
	}
	if n := byService["checkout"]; n.slos() != "a:firing b:firing" || n.Status != "firing" {
		t.Errorf("checkout: %s %s", n.Status, n.slos())
	}
	first := byService["stock"].Alerts[0]
	if diff := cmp.Diff(map[string]string{"alertname": "PitwallBurn", "slo": "c", "service": "stock", "tier": "page-fast", "action": "page", "severity": "critical",
		"owner": "team", "cost_centre": "é"}, first.Labels); diff != "" {
		t.Error(diff)
	}
	if first.Annotations["runbook_url"] != "https://wiki.example/r" || !first.StartsAt.Equal(other.Since) {
		t.Errorf("annotations %v, since %s", first.Annotations, first.StartsAt)
	}
	// One is over: the group is told at its next interval.
	a.Until = time.Now()
	push(a, b, other)
	wait(t, got, func(n notification) bool { return n.slos() == "a:resolved b:firing" })
	// Pitwall dies: what it sent last ends after three rounds.
	died := time.Now()
	wait(t, got, func(n notification) bool { return n.GroupLabels["service"] == "stock" && n.slos() == "c:resolved" })
	if after := time.Since(died); after < 2*resend {
		t.Errorf("it ended %s after the last round, which an alarm must survive", after)
	}
}

func next(t *testing.T, got chan notification) notification {
	t.Helper()
	select {
	case n := <-got:
		return n
	case <-time.After(20 * time.Second):
		t.Fatal("Alertmanager tells nothing")
		return notification{}
	}
}

func wait(t *testing.T, got chan notification, good func(notification) bool) {
	t.Helper()
	var seen []string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		select {
		case n := <-got:
			if good(n) {
				return
			}
			seen = append(seen, n.GroupLabels["service"]+" "+n.slos())
		case <-time.After(time.Second):
		}
	}
	t.Fatalf("Alertmanager only told %v", seen)
}

// start runs an Alertmanager that groups by service, and gives its address.
func start(t *testing.T, hook string) string {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf(`route:
  receiver: hook
  group_by: [service]
  group_wait: 500ms
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: hook
    webhook_configs: [{url: %q, send_resolved: true}]
`, hook)
	if err := os.WriteFile(filepath.Join(dir, "am.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	port := free(t)
	ctx, cancel := context.WithCancel(context.Background())
	words := append(binary(t), "--config.file="+filepath.Join(dir, "am.yml"), "--storage.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+port, "--cluster.listen-address=")
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
		log.Close()
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Logf("Alertmanager said:\n%s", text)
		}
	})
	for range 100 {
		res, err := http.Get("http://" + port + "/-/ready")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return "http://" + port
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("Alertmanager does not start")
	return ""
}

// free finds a port that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
