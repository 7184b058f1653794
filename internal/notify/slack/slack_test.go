package slack

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/notify/notifytest"
)

// update rewrites the golden bodies.
var update = flag.Bool("update", false, "rewrite golden files")

var at = notifytest.At()

// api is a fake of Slack's: it keeps what it was asked.
type api struct {
	calls   []string
	bodies  [][]byte
	answers map[string]string // by method; else a good one
}

func (a *api) serve(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		method := strings.TrimPrefix(r.URL.Path, "/api/")
		if r.Header.Get("Authorization") != "Bearer xoxb-1" {
			method = "unauthorised"
		}
		a.calls, a.bodies = append(a.calls, method), append(a.bodies, body)
		if said, ok := a.answers[method]; ok {
			_, _ = io.WriteString(w, said)
			return
		}
		_, _ = io.WriteString(w, `{"ok":true,"channel":"C0123456","ts":"1700000000.000100"}`)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/api"
}

// receipts is a memory of threads.
type receipts map[string]string

func (r receipts) Receipt(_ context.Context, receiver, thread string) (string, error) {
	return r[receiver+"/"+thread], nil
}

func (r receipts) KeepReceipt(_ context.Context, receiver, thread, receipt string, _ time.Time) error {
	r[receiver+"/"+thread] = receipt
	return nil
}

func bot(t *testing.T, a *api, r receipts) *Client {
	t.Helper()
	c, err := New(Config{Name: "chat", TokenFile: notifytest.File(t, "xoxb-1"), Channel: "#shop", Receipts: r, URL: a.serve(t)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOneThread(t *testing.T) {
	a, r := &api{}, receipts{}
	c := bot(t, a, r)
	m := notifytest.Firing()
	m.OnCall = []string{"U024BE7LH", "Grace"}
	must := func(m pitwall.Message) {
		t.Helper()
		if err := c.Notify(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	must(m)
	notifytest.Golden(t, "first", a.bodies[0], *update)
	if r["chat/alarms-1"] != "C0123456 1700000000.000100" {
		t.Errorf("receipts %v", r)
	}
	m.Kind, m.Title, m.Alarms = pitwall.MessageResolved, "over", m.Alarms[:1]
	must(m)
	if got := strings.Join(a.calls, " "); got != "chat.postMessage chat.update chat.postMessage" {
		t.Errorf("asked %s", got)
	}
	notifytest.Golden(t, "edit", a.bodies[1], *update)
	notifytest.Golden(t, "reply", a.bodies[2], *update)
	// Somebody deletes the first post: another thread begins.
	a.answers = map[string]string{"chat.update": `{"ok":false,"error":"message_not_found"}`}
	a.calls = nil
	must(m)
	if got := strings.Join(a.calls, " "); got != "chat.update chat.postMessage" {
		t.Errorf("asked %s", got)
	}
}

// TestAReplyIsNotRepeated: when the edit fails nothing was posted yet.
func TestAReplyIsNotRepeated(t *testing.T) {
	a := &api{answers: map[string]string{"chat.update": `{"ok":false,"error":"internal_error"}`}}
	c := bot(t, a, receipts{"chat/alarms-1": "C1 1.5"})
	if err := c.Notify(t.Context(), notifytest.Firing()); pitwall.KindOf(err) != pitwall.Unavailable || strings.Join(a.calls, " ") != "chat.update" {
		t.Errorf("%v after %v", err, a.calls)
	}
}

func TestWhatSlackSays(t *testing.T) {
	f := func(body string, want pitwall.Kind) {
		t.Helper()
		c := bot(t, &api{answers: map[string]string{"chat.postMessage": body}}, receipts{})
		if err := c.Notify(t.Context(), notifytest.Firing()); pitwall.KindOf(err) != want {
			t.Errorf("%s: %v", body, err)
		}
	}
	f(`{"ok":true}`, "")
	f(`{"ok":false,"error":"invalid_auth"}`, pitwall.Denied)
	f(`{"ok":false,"error":"not_in_channel"}`, pitwall.Denied)
	f(`{"ok":false,"error":"ratelimited"}`, pitwall.Unavailable)
	f(`{"ok":false,"error":"invalid_blocks"}`, pitwall.Invalid)
	f(`<html>`, pitwall.Unavailable)
	f(`{}`, pitwall.Invalid)
}

func TestIncomingWebhook(t *testing.T) {
	fake := notifytest.NewFake(t, 200)
	fake.Says = "no_service /services/T0/B0/topsecret"
	c, err := New(Config{Name: "chat", WebhookURLFile: notifytest.File(t, fake.URL+"/services/T0/B0/topsecret")})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Notify(t.Context(), notifytest.Firing()); err != nil {
		t.Fatal(err)
	}
	notifytest.Golden(t, "hook", fake.Body, *update)
	if fake.Got.URL.Path != "/services/T0/B0/topsecret" {
		t.Errorf("asked %s", fake.Got.URL)
	}
	fake.Status = 404
	err = c.Notify(t.Context(), notifytest.Firing())
	notifytest.Refused(t, err, pitwall.Denied, "topsecret")
	if err != nil && !strings.Contains(err.Error(), "no_service") {
		t.Errorf("%v", err)
	}
	for _, wrong := range []Config{{}, {TokenFile: "t", Channel: "c"}, {WebhookURLFile: "w", TokenFile: "t", Channel: "c", Receipts: receipts{}}} {
		if _, err := New(wrong); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

// TestNobodyIsCalledByATitle: the text that phones show is no markup either.
func TestNobodyIsCalledByATitle(t *testing.T) {
	m := notifytest.Firing()
	m.Title = "<!channel> & co"
	if got := layout(m).Text; got != "&lt;!channel&gt; &amp; co" {
		t.Errorf("shown as %s", got)
	}
}

func TestLayoutIsBounded(t *testing.T) {
	m := notifytest.Firing()
	m.Title, m.Text, m.Alarms = strings.Repeat("<", 1e6), strings.Repeat("&", 1e6), make([]pitwall.Alarm, 1000)
	data, err := json.Marshal(layout(m))
	if err != nil || len(data) > 40_000 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"ok":true,"channel":"C1","ts":"1.2"}`)
	f.Add(`{"ok":false,"error":"ratelimited"}`)
	f.Add(`{"ok":1}`)
	f.Fuzz(func(t *testing.T, body string) {
		a, err := decode("r", "m", []byte(body))
		if (err == nil) != a.OK {
			t.Fatalf("%+v, %v", a, err)
		}
		if err != nil && len(err.Error()) > 2000 {
			t.Fatalf("an error of %d bytes", len(err.Error()))
		}
	})
}
