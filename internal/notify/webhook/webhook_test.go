package webhook

import (
	"flag"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/notify/notifytest"
	verifier "github.com/pitwall/pitwall/internal/source/webhook"
)

// update rewrites the golden bodies.
var update = flag.Bool("update", false, "rewrite golden files")

var at = notifytest.At()

func TestTheEnvelope(t *testing.T) {
	fake := notifytest.NewFake(t, 200)
	c, err := New(Config{Name: "hook", URLFile: notifytest.File(t, fake.URL+"/in?key=abc"), SecretFile: notifytest.File(t, "k3y\n"), Now: func() time.Time { return at.Add(time.Second) }})
	if err != nil {
		t.Fatal(err)
	}
	plan := pitwall.Message{ID: "42", Kind: pitwall.MessagePlan, Time: at, Action: pitwall.ActionInform, Thread: "PIP-1", Service: "checkout", Owner: "team-shop",
		Title: "[PIP-1 · canarying] checkout p99 <better>", Text: "Burn 14.4× → 0.8×", Link: "https://pitwall/plans/PIP-1", Runbook: "https://wiki/r",
		Plan: "PIP-1", From: pitwall.Approved, To: pitwall.Canarying}
	if err := c.Notify(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	notifytest.Golden(t, "plan", fake.Body, *update)
	got := fake.Got
	if sign := verifier.Sign("k3y", fake.Body); got.Header.Get(HeaderSignature) != sign || verifier.SignatureHeader != HeaderSignature {
		t.Errorf("signed %s, Pitwall's own webhook wants %s", got.Header.Get(HeaderSignature), sign)
	}
	if got.Header.Get(HeaderID) != "42" || got.Header.Get(HeaderTimestamp) != "1772445601" || got.URL.String() != "/in?key=abc" || got.Method != "POST" {
		t.Errorf("asked %s %s with %v", got.Method, got.URL, got.Header)
	}
	alarm := pitwall.Message{ID: "a1", Kind: pitwall.MessageResolved, Time: at, Action: pitwall.ActionPage, Thread: "alarms-1", Title: "over", OnCall: []string{"Ada"}, Severity: 1,
		Alarms: []pitwall.Alarm{{ID: "x", SLO: "s", Service: "checkout", Action: pitwall.ActionPage, Since: at.Add(-time.Hour), Until: at, Text: "It is over."}}}
	if err := c.Notify(t.Context(), alarm); err != nil {
		t.Fatal(err)
	}
	notifytest.Golden(t, "resolved", fake.Body, *update)
}

func TestRefusals(t *testing.T) {
	fake := notifytest.NewFake(t, 400)
	fake.Says = "not " + fake.URL + "/in?key=abc with k3y"
	c, err := New(Config{Name: "hook", URLFile: notifytest.File(t, fake.URL+"/in?key=abc"), SecretFile: notifytest.File(t, "k3y")})
	if err != nil {
		t.Fatal(err)
	}
	notifytest.Refused(t, c.Notify(t.Context(), pitwall.Message{ID: "1"}), pitwall.Invalid, "abc", "k3y")
	for _, wrong := range []Config{{}, {URL: "http://h"}, {SecretFile: "s"}, {SecretFile: "s", URL: "u", URLFile: "f"}} {
		if _, err := New(wrong); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}
