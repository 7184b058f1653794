package ticket

import (
	"flag"
	"testing"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/notify/notifytest"
)

// update rewrites the golden bodies.
var update = flag.Bool("update", false, "rewrite golden files")

var at = notifytest.At()

func TestATicketsLife(t *testing.T) {
	fake := notifytest.NewFake(t, 201)
	c, err := New(Config{Name: "tickets", URL: fake.URL + "/in", User: "pitwall", PasswordFile: notifytest.File(t, "pw")})
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, m pitwall.Message) {
		t.Helper()
		if err := c.Notify(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		notifytest.Golden(t, name, fake.Body, *update)
		got := fake.Got
		user, password, _ := got.BasicAuth()
		if got.Header.Get("Idempotency-Key") != m.ID || user != "pitwall" || password != "pw" {
			t.Errorf("asked with %v", got.Header)
		}
	}
	m := notifytest.Firing()
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
