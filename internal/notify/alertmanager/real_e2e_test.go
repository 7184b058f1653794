//go:build e2e

package alertmanager

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/notify/notifytest"
)

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
	address := notifytest.StartAlertmanager(t, hook.URL)
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
	if diff := cmp.Diff(map[string]string{"alertname": "PitwallBurn", "slo": "c", "service": "stock", "action": "page", "severity": "critical",
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
