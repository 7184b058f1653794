package alertmanager

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/notify/notifytest"
)

// update rewrites the golden bodies.
var update = flag.Bool("update", false, "rewrite golden files")

var at = notifytest.At()

func TestAlerts(t *testing.T) {
	one, two := notifytest.NewFake(t, 200), notifytest.NewFake(t, 200)
	now := at
	c, err := New(Config{Name: "am", URLs: []string{one.URL + "/prefix/", two.URL}, TokenFile: notifytest.File(t, "tok"), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	push := func(list ...pitwall.Alarm) (sent []alert) {
		t.Helper()
		if err := c.Push(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		if string(one.Body) != string(two.Body) {
			t.Errorf("the replicas were told different things:\n%s\n%s", one.Body, two.Body)
		}
		if err := json.Unmarshal(one.Body, &sent); err != nil {
			t.Fatal(err)
		}
		return sent
	}
	list := notifytest.Alarms()
	push(list...)
	notifytest.Golden(t, "firing", one.Body, *update)
	if got := one.Got; got.URL.Path != "/prefix/api/v2/alerts" || got.Header.Get("Authorization") != "Bearer tok" {
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
	one, two := notifytest.NewFake(t, 200), notifytest.NewFake(t, 500)
	c, err := New(Config{Name: "am", URLs: []string{two.URL, one.URL}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Push(t.Context(), notifytest.Alarms()); pitwall.KindOf(err) != pitwall.Unavailable || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("%v", err)
	}
	if len(one.Body) == 0 {
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
	c, err := New(Config{Name: "am", URLs: []string{s.URL}, Resend: time.Millisecond, Alarms: func(time.Time) []pitwall.Alarm { return notifytest.Alarms() }})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- c.Run(t.Context()) }()
	<-done
	f := notifytest.NewFake(t, 200)
	other, err := New(Config{Name: "am", URLs: []string{f.URL}, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Notify(t.Context(), notifytest.Firing()); err != nil || len(f.Body) != 0 {
		t.Errorf("a message was sent as well: %s, %v", f.Body, err)
	}
	if err := other.Notify(t.Context(), pitwall.Message{Kind: pitwall.MessageTest, Time: at, Action: pitwall.ActionInform, Title: "Test", Text: "Nothing is wrong."}); err != nil {
		t.Fatal(err)
	}
	notifytest.Golden(t, "test", f.Body, *update)
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

// TestHandOver: a slower tier that goes on for a faster one is the same alert,
// and its end is told when both are over.
func TestHandOver(t *testing.T) {
	t0 := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	page := func(tier string, since, until time.Duration, by string) pitwall.Alarm {
		a := pitwall.Alarm{ID: tier, SLO: "s", Service: "shop", Action: pitwall.ActionPage, Since: t0.Add(since), SpokenBy: by, State: pitwall.TierState{Tier: pitwall.BurnTier{Name: tier}}}
		if until > 0 {
			a.Until = t0.Add(until)
		}
		return a
	}
	c := &Client{c: Config{Resend: time.Minute}, ended: map[string]pitwall.Alarm{}}
	f := func(at time.Duration, alarms []pitwall.Alarm, tier string, since time.Duration, firing bool) {
		t.Helper()
		list := c.take(t0.Add(at), alarms)
		if len(list) != 1 || list[0].State.Tier.Name != tier || !list[0].Since.Equal(t0.Add(since)) || list[0].Firing() != firing {
			t.Errorf("at %s: %+v", at, list)
		}
	}
	f(0, []pitwall.Alarm{page("fast", 0, 0, "")}, "fast", 0, true)
	f(time.Minute, []pitwall.Alarm{page("fast", 0, 0, ""), page("slow", time.Minute, 0, "fast")}, "fast", 0, true)
	f(5*time.Minute, []pitwall.Alarm{page("fast", 0, 5*time.Minute, ""), page("slow", time.Minute, 0, "")}, "slow", time.Minute, true)
	f(9*time.Minute, []pitwall.Alarm{page("slow", time.Minute, 9*time.Minute, "")}, "slow", time.Minute, false)
}
