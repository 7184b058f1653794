// Package notifytest is what the tests of notifiers share: a message with its
// alarms, a fake receiver that keeps what it was sent, golden bodies, and a real
// Alertmanager where one is installed. It is test support, knows no adapter, and
// nothing but tests imports it.
package notifytest

import (
	"encoding/json"
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

// At is when what Firing tells happens.
func At() time.Time { return time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC) }

// Alarms are two that fire, of a group.
func Alarms() []pitwall.Alarm {
	at := At()
	deploy := pitwall.Change{ID: "1", Kind: pitwall.ChangeDeploy, Service: "stock", Version: "v41", At: at.Add(-10 * time.Minute)}
	return []pitwall.Alarm{
		{ID: "x", SLO: "checkout-p99", Service: "checkout", Action: pitwall.ActionPage, Since: at.Add(-time.Minute), Owner: "team-shop", Text: "Burns 14×.",
			State: pitwall.TierState{Tier: pitwall.BurnTier{Name: "page-fast"}}, Changes: []pitwall.Change{deploy}, Labels: map[string]string{"team": "shop", "cost centre": "4711"},
			Link: "https://pitwall/slo/checkout-p99", Runbook: "https://wiki/r", Plan: "PIP-1"},
		{ID: "y", SLO: "checkout-traffic", Service: "checkout", Action: pitwall.ActionTicket, Since: at.Add(-time.Minute), Owner: "team-shop", Text: "No <traffic>.",
			State: pitwall.TierState{Tier: pitwall.BurnTier{Name: "lost", When: pitwall.WhenTrafficLost}}},
	}
}

// Firing is a page about Alarms, with signs that mean something to receivers.
func Firing() pitwall.Message {
	return pitwall.Message{ID: "m1", Kind: pitwall.MessageAlarm, Time: At(), Action: pitwall.ActionPage, Severity: 1, Thread: "alarms-1", Service: "checkout", Owner: "team-shop",
		OnCall: []string{"Ada"}, Title: "checkout-p99 burns 14× (page-fast)", Text: "Burns 14×. 36 % of the budget left.\n<!channel> & co", Plan: "PIP-1",
		Link: "https://pitwall/slo/checkout-p99", Runbook: "https://wiki/r", Alarms: Alarms()}
}

// Fake is a receiver that keeps what it was sent last. Its fields are written
// while it answers, so they are read and set between requests.
type Fake struct {
	URL string

	Status int    // of its answers
	Says   string // the body of its answers

	Got  http.Request // the last one, its body read
	Body []byte       // of Got; nil: nothing came
}

// NewFake starts a receiver that answers with a status; it ends with the test.
func NewFake(t testing.TB, status int) *Fake {
	t.Helper()
	f := &Fake{Status: status}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.Got = *r
		f.Body, _ = io.ReadAll(r.Body)
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Says)
	}))
	t.Cleanup(s.Close)
	f.URL = s.URL
	return f
}

// File writes a secret as people keep them, in a file, and gives its path.
func File(t testing.TB, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Refused wants an error of a kind that tells none of the secrets.
func Refused(t testing.TB, err error, kind pitwall.Kind, secrets ...string) {
	t.Helper()
	if err == nil || pitwall.KindOf(err) != kind {
		t.Errorf("%v is no error of kind %s", err, kind)
		return
	}
	for _, s := range secrets {
		if strings.Contains(err.Error(), s) {
			t.Errorf("a secret is told: %v", err)
		}
	}
}

// Golden holds a JSON body, indented, against testdata/name.json, which update
// writes anew.
func Golden(t testing.TB, name string, body []byte, update bool) {
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
	if update {
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
