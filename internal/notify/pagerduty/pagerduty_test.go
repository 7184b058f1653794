package pagerduty

import (
	"encoding/json"
	"flag"
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/notify/notifytest"
)

// update rewrites the golden bodies.
var update = flag.Bool("update", false, "rewrite golden files")

var at = notifytest.At()

func TestEvents(t *testing.T) {
	fake := notifytest.NewFake(t, 202)
	c, err := New(Config{Name: "pager", RoutingKeyFile: notifytest.File(t, "r0ut1ng"), URL: fake.URL + "/v2/enqueue"})
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, m pitwall.Message) {
		t.Helper()
		fake.Body = nil
		if err := c.Notify(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if name == "" {
			if fake.Body != nil {
				t.Errorf("sent %s", fake.Body)
			}
			return
		}
		notifytest.Golden(t, name, fake.Body, *update)
		if got := fake.Got; got.URL.Path != "/v2/enqueue" {
			t.Errorf("asked %s", got.URL)
		}
	}
	m := notifytest.Firing()
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
	fake := notifytest.NewFake(t, 400)
	fake.Says = "r0ut1ng is no key"
	c, err := New(Config{Name: "pager", RoutingKeyFile: notifytest.File(t, "r0ut1ng"), URL: fake.URL})
	if err != nil {
		t.Fatal(err)
	}
	m := notifytest.Firing()
	m.Title, m.Text, m.Thread = strings.Repeat("é", 5000), strings.Repeat("x", 1<<20), strings.Repeat("t", 1000)
	notifytest.Refused(t, c.Notify(t.Context(), m), pitwall.Invalid, "r0ut1ng")
	var e event
	if err := json.Unmarshal(fake.Body, &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Payload.Summary) > longestSummary || len(e.DedupKey) > longestKey || len(fake.Body) > 32<<10 {
		t.Errorf("summary %d, key %d, body %d bytes", len(e.Payload.Summary), len(e.DedupKey), len(fake.Body))
	}
	if _, err := New(Config{}); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("%v", err)
	}
}
