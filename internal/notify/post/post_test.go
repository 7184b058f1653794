package post

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/notify/notifytest"
)

// TestWhatTheReceiverSays: which statuses may be tried again, and that secrets
// come back in no error.
func TestWhatTheReceiverSays(t *testing.T) {
	const token = "s3cr3t-token"
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	f := func(status int, retry, body string, kind pitwall.Kind, after time.Duration, words string) {
		t.Helper()
		var got *http.Request
		fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r
			_, _ = io.Copy(io.Discard, r.Body)
			if retry != "" {
				w.Header().Set("Retry-After", retry)
			}
			w.Header().Set("Location", "http://elsewhere.example/x")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		defer fake.Close()
		c, err := New(Config{Receiver: "r", TokenFile: notifytest.File(t, token+"\n"), Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Do(t.Context(), Request{URL: fake.URL + "/path-secret", Body: []byte("{}"), Secrets: []string{"path-secret"}})
		if pitwall.KindOf(err) != kind {
			t.Errorf("%d: %v", status, err)
		}
		if got == nil || got.Header.Get("Authorization") != "Bearer "+token || got.URL.Path != "/path-secret" {
			t.Errorf("%d: asked %+v", status, got)
		}
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "path-secret") {
			t.Errorf("%d: %v", status, err)
		}
		var busy interface{ RetryAfter() time.Duration }
		if errors.As(err, &busy) != (kind == pitwall.Unavailable) || busy != nil && busy.RetryAfter() != after {
			t.Errorf("%d: asks to wait %v", status, busy)
		}
	}
	f(200, "", "ok", "", 0, "")
	f(202, "", strings.Repeat("x", 1<<20), "", 0, "") // a flood costs its bound
	f(400, "", "field\nx is\x00 bad, "+token, pitwall.Invalid, 0, "it answers 400: field x is bad, [secret]")
	f(422, "", "", pitwall.Invalid, 0, "no reason given")
	f(401, "", "who", pitwall.Denied, 0, "401: who")
	f(404, "", "no /path-secret", pitwall.Denied, 0, "404: no /[secret]")
	f(302, "", "", pitwall.Denied, 0, "a redirect, which is not followed")
	f(307, "", "", pitwall.Denied, 0, "a redirect, which is not followed")
	f(429, "120", "slow down", pitwall.Unavailable, 2*time.Minute, "429: slow down")
	f(503, now.Add(time.Minute).Format(http.TimeFormat), "", pitwall.Unavailable, time.Minute, "503")
	f(503, "999999999999999999999", "", pitwall.Unavailable, 0, "503")
	f(500, "", strings.Repeat("é", 5000), pitwall.Unavailable, 0, "é …")
}

func TestNobodyThere(t *testing.T) {
	fake := httptest.NewServer(http.NotFoundHandler())
	address := fake.URL
	fake.Close()
	c, err := New(Config{Receiver: "r"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(t.Context(), Request{URL: address + "/T0/B0/abc", Secrets: []string{"T0/B0/abc"}})
	if pitwall.KindOf(err) != pitwall.Unavailable || strings.Contains(err.Error(), "abc") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Do(ctx, Request{URL: address}); !strings.Contains(err.Error(), "canceled") {
		t.Errorf("%v", err)
	}
	for _, wrong := range []string{"", "ftp://h", "http://", "http://u:topsecret@h/", ":"} {
		if _, err := c.Do(t.Context(), Request{URL: wrong}); pitwall.KindOf(err) != pitwall.Denied || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestSecretFiles(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got, err := Secret(notifytest.File(t, text))
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter") {
			t.Errorf("the secret is told: %v", err)
		}
	}
	f("hunter2\n", "hunter2")
	f("", "")
	f("hunter2\nhunter3", "")
	f("hunter 2", "")
	if _, err := Secret("/nowhere/at/all"); pitwall.KindOf(err) != pitwall.Denied {
		t.Errorf("%v", err)
	}
	for _, wrong := range []Config{{User: "u"}, {PasswordFile: "p"}, {TokenFile: "t", User: "u", PasswordFile: "p"}, {CAFile: "/nowhere"}, {CAFile: notifytest.File(t, "no pem")}} {
		if _, err := New(wrong); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

func TestLayout(t *testing.T) {
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	deploy := pitwall.Change{ID: "1", Kind: pitwall.ChangeDeploy, Service: "stock", Version: "v41", At: at}
	a := pitwall.Alarm{SLO: "checkout-p99", Action: pitwall.ActionPage, Since: at, State: pitwall.TierState{Tier: pitwall.BurnTier{Name: "fast"}}, Changes: []pitwall.Change{deploy, deploy}}
	over := a
	over.Until = at.Add(time.Hour)
	got := Lines(pitwall.Message{Kind: pitwall.MessagePlan, Title: "burns 14×", Text: "one\ntwo", Service: "checkout", Owner: "team-shop", OnCall: []string{"Ada"}, Plan: "PIP-1",
		Link: "http://pitwall/plans/PIP-1", Runbook: "http://wiki/r", Alarms: []pitwall.Alarm{a, over}})
	want := []string{"burns 14×", "one", "two", "Service: checkout", "Owner: team-shop", "On call: Ada", "Plan: PIP-1", "Changes: deploy stock v41 at 10:00:00 UTC",
		"Open plan: http://pitwall/plans/PIP-1", "Runbook: http://wiki/r", "- page checkout-p99 (fast), since 2026-03-02T10:00:00Z", "- page checkout-p99 (fast), over since 2026-03-02T11:00:00Z"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	many := Alarms(pitwall.Message{Alarms: make([]pitwall.Alarm, 25)})
	if len(many) != alarmsShown+1 || many[alarmsShown] != "… and 15 more" {
		t.Errorf("%q", many)
	}
	if got := Cut("ééé", 5); got != "é…" {
		t.Errorf("cut to %q", got)
	}
	if got := OneLine("a\r\nBcc: b\x00\x7f\xff"); got != "a Bcc: b ?" {
		t.Errorf("one line %q", got)
	}
}
