package pagerduty

import (
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

// update rewrites the golden bodies.
var update = flag.Bool("update", false, "rewrite golden files")

var at = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fake is a server that keeps what it was sent.
func fake(t testing.TB, status int) (url string, got *http.Request, body *[]byte) {
	t.Helper()
	got, body = &http.Request{}, new([]byte)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*got = *r
		*body, _ = io.ReadAll(r.Body)
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s.URL, got, body
}

func golden(t *testing.T, name string, body []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	pretty, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(pretty, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(pretty)+"\n"); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// alarms are two that fire, of a group.
func alarms() []pitwall.Alarm {
	deploy := pitwall.Change{ID: "1", Kind: pitwall.ChangeDeploy, Service: "stock", Version: "v41", At: at.Add(-10 * time.Minute)}
	return []pitwall.Alarm{
		{ID: "x", SLO: "checkout-p99", Service: "checkout", Action: pitwall.ActionPage, Since: at.Add(-time.Minute), Owner: "team-shop", Text: "Burns 14×.",
			State: pitwall.TierState{Tier: pitwall.BurnTier{Name: "page-fast"}}, Changes: []pitwall.Change{deploy}, Labels: map[string]string{"team": "shop", "cost centre": "4711"},
			Link: "https://pitwall/slo/checkout-p99", Runbook: "https://wiki/r", Plan: "PIP-1"},
		{ID: "y", SLO: "checkout-traffic", Service: "checkout", Action: pitwall.ActionTicket, Since: at.Add(-time.Minute), Owner: "team-shop", Text: "No <traffic>.",
			State: pitwall.TierState{Tier: pitwall.BurnTier{Name: "lost", When: pitwall.WhenTrafficLost}}},
	}
}

func firing() pitwall.Message {
	return pitwall.Message{ID: "m1", Kind: pitwall.MessageAlarm, Time: at, Action: pitwall.ActionPage, Severity: 1, Thread: "alarms-1", Service: "checkout", Owner: "team-shop",
		OnCall: []string{"Ada"}, Title: "checkout-p99 burns 14× (page-fast)", Text: "Burns 14×. 36 % of the budget left.\n<!channel> & co", Plan: "PIP-1",
		Link: "https://pitwall/slo/checkout-p99", Runbook: "https://wiki/r", Alarms: alarms()}
}

func TestEvents(t *testing.T) {
	url, got, body := fake(t, 202)
	c, err := New(Config{Name: "pager", RoutingKeyFile: file(t, "r0ut1ng"), URL: url + "/v2/enqueue"})
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, m pitwall.Message) {
		t.Helper()
		*body = nil
		if err := c.Notify(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if name == "" {
			if *body != nil {
				t.Errorf("sent %s", *body)
			}
			return
		}
		golden(t, name, *body)
		if got.URL.Path != "/v2/enqueue" {
			t.Errorf("asked %s", got.URL)
		}
	}
	m := firing()
	f("trigger", m)
	m.Kind = pitwall.MessageResolved
	f("resolve", m)
	plan := pitwall.Message{ID: "p", Kind: pitwall.MessagePlan, Time: at, Thread: "PIP-1", Plan: "PIP-1", Action: pitwall.ActionInform, To: pitwall.Canarying, Title: "moves on"}
	f("", plan)
	plan.Action, plan.To, plan.Title = pitwall.ActionPage, pitwall.RolledBack, "[PIP-1 · rolled back] worse"
	f("plan-trigger", plan)
	plan.Action, plan.To = pitwall.ActionInform, pitwall.Closed
	f("plan-resolve", plan)
}

func TestBoundsAndRefusals(t *testing.T) {
	url, _, body := fake(t, 400)
	c, err := New(Config{Name: "pager", RoutingKeyFile: file(t, "r0ut1ng"), URL: url})
	if err != nil {
		t.Fatal(err)
	}
	m := firing()
	m.Title, m.Text, m.Thread = strings.Repeat("é", 5000), strings.Repeat("x", 1<<20), strings.Repeat("t", 1000)
	if err := c.Notify(t.Context(), m); pitwall.KindOf(err) != pitwall.Invalid || strings.Contains(err.Error(), "r0ut1ng") {
		t.Errorf("%v", err)
	}
	var e event
	if err := json.Unmarshal(*body, &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Payload.Summary) > longestSummary || len(e.DedupKey) > longestKey || len(*body) > 32<<10 {
		t.Errorf("summary %d, key %d, body %d bytes", len(e.Payload.Summary), len(e.DedupKey), len(*body))
	}
	if _, err := New(Config{}); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("%v", err)
	}
}
