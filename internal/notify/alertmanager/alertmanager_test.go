package alertmanager

import (
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
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

// fake is one replica: a server that keeps what it was sent.
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

func TestAlerts(t *testing.T) {
	one, got, body := fake(t, 200)
	two, _, body2 := fake(t, 200)
	now := at
	c, err := New(Config{Name: "am", URLs: []string{one + "/prefix/", two}, TokenFile: file(t, "tok"), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	push := func(list ...pitwall.Alarm) (sent []alert) {
		t.Helper()
		if err := c.Push(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		if string(*body) != string(*body2) {
			t.Errorf("the replicas were told different things:\n%s\n%s", *body, *body2)
		}
		if err := json.Unmarshal(*body, &sent); err != nil {
			t.Fatal(err)
		}
		return sent
	}
	list := alarms()
	push(list...)
	golden(t, "firing", *body)
	if got.URL.Path != "/prefix/api/v2/alerts" || got.Header.Get("Authorization") != "Bearer tok" {
		t.Errorf("asked %s with %v", got.URL, got.Header)
	}
	// Each round moves the end.
	now = at.Add(time.Minute)
	if sent := push(list...); !sent[0].EndsAt.Equal(at.Add(4*time.Minute)) || !sent[0].StartsAt.Equal(list[0].Since) {
		t.Errorf("ends at %s", sent[0].EndsAt)
	}
	// One is over and says so, one is not spoken of any more: both ends are told.
	over := list[0]
	over.Until = now
	now = at.Add(2 * time.Minute)
	sent := push(over)
	if len(sent) != 2 || !sent[0].EndsAt.Equal(over.Until) || !sent[1].EndsAt.Equal(now) {
		t.Errorf("sent %+v", sent)
	}
	// Ends are told for a while, and not once the tier fires again.
	again := list[1]
	again.ID, again.Since = "z", now
	now = at.Add(5 * time.Minute)
	if sent = push(again); len(sent) != 2 || !sent[0].EndsAt.Equal(over.Until) || !sent[1].EndsAt.Equal(now.Add(3*time.Minute)) {
		t.Errorf("sent %+v", sent)
	}
	now = at.Add(time.Hour)
	if sent = push(again); len(sent) != 1 {
		t.Errorf("sent %+v", sent)
	}
	if h := c.Health()[0]; !h.Up || h.Name != "notify/am" || h.Accepted != 2+2+2+2+1 {
		t.Errorf("health %+v", h)
	}
}

func TestOneReplicaIsDown(t *testing.T) {
	one, _, body := fake(t, 200)
	two, _, _ := fake(t, 500)
	c, err := New(Config{Name: "am", URLs: []string{two, one}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Push(t.Context(), alarms()); pitwall.KindOf(err) != pitwall.Unavailable || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("%v", err)
	}
	if len(*body) == 0 {
		t.Error("the other replica was told nothing")
	}
	if h := c.Health()[0]; h.Up || h.Message == "" {
		t.Errorf("health %+v", h)
	}
}

func TestRunAndTheTest(t *testing.T) {
	var mu sync.Mutex
	rounds := 0
	done := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if rounds++; rounds == 3 {
			close(done)
		}
	}))
	defer s.Close()
	c, err := New(Config{Name: "am", URLs: []string{s.URL}, Resend: time.Millisecond, Alarms: func(time.Time) []pitwall.Alarm { return alarms() }})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- c.Run(t.Context()) }()
	<-done
	url, _, body := fake(t, 200)
	other, err := New(Config{Name: "am", URLs: []string{url}, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Notify(t.Context(), firing()); err != nil || len(*body) != 0 {
		t.Errorf("a message was sent as well: %s, %v", *body, err)
	}
	if err := other.Notify(t.Context(), pitwall.Message{Kind: pitwall.MessageTest, Time: at, Action: pitwall.ActionInform, Title: "Test", Text: "Nothing is wrong."}); err != nil {
		t.Fatal(err)
	}
	golden(t, "test", *body)
	if err := other.Run(t.Context()); pitwall.KindOf(err) != pitwall.Internal {
		t.Errorf("%v", err)
	}
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestLabelNames(t *testing.T) {
	for in, want := range map[string]string{"team": "team", "cost centre": "cost_centre", "4": "_4", "": "_", "é": "_", "a.b/c-d": "a_b_c_d"} {
		if got := labelName(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
	for _, wrong := range []Config{{}, {URLs: []string{"am:9093"}}, {URLs: []string{"http://u:p@h"}}, {URLs: []string{"http://h"}, User: "u"}} {
		if _, err := New(wrong); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}
