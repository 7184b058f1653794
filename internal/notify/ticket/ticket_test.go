package ticket

import (
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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

func TestATicketsLife(t *testing.T) {
	url, got, body := fake(t, 201)
	c, err := New(Config{Name: "tickets", URL: url + "/in", User: "pitwall", PasswordFile: file(t, "pw")})
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, m pitwall.Message) {
		t.Helper()
		if err := c.Notify(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		golden(t, name, *body)
		user, password, _ := got.BasicAuth()
		if got.Header.Get("Idempotency-Key") != m.ID || user != "pitwall" || password != "pw" {
			t.Errorf("asked with %v", got.Header)
		}
	}
	m := firing()
	f("open", m)
	m.ID, m.Kind = "m2", pitwall.MessageResolved
	f("close", m)
	plan := pitwall.Message{ID: "p", Kind: pitwall.MessagePlan, Time: at, Thread: "PIP-1", Plan: "PIP-1", Action: pitwall.ActionInform, To: pitwall.Closed, Title: "closed"}
	f("plan-close", plan)
}

func TestConfig(t *testing.T) {
	for _, wrong := range []Config{{}, {URL: "http://h", URLFile: "f"}, {URL: "http://h", User: "u"}, {URL: "http://h", User: "u", PasswordFile: "p", TokenFile: "t"}} {
		if _, err := New(wrong); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}
