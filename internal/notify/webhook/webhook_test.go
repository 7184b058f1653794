package webhook

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
	verifier "github.com/pitwall/pitwall/internal/source/webhook"
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

func TestTheEnvelope(t *testing.T) {
	url, got, body := fake(t, 200)
	c, err := New(Config{Name: "hook", URLFile: file(t, url+"/in?key=abc"), SecretFile: file(t, "k3y\n"), Now: func() time.Time { return at.Add(time.Second) }})
	if err != nil {
		t.Fatal(err)
	}
	plan := pitwall.Message{ID: "42", Kind: pitwall.MessagePlan, Time: at, Action: pitwall.ActionInform, Thread: "PIP-1", Service: "checkout", Owner: "team-shop",
		Title: "[PIP-1 · canarying] checkout p99 <better>", Text: "Burn 14.4× → 0.8×", Link: "https://pitwall/plans/PIP-1", Runbook: "https://wiki/r",
		Plan: "PIP-1", From: pitwall.Approved, To: pitwall.Canarying}
	if err := c.Notify(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	golden(t, "plan", *body)
	if sign := verifier.Sign("k3y", *body); got.Header.Get(HeaderSignature) != sign || verifier.SignatureHeader != HeaderSignature {
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
	golden(t, "resolved", *body)
}

func TestRefusals(t *testing.T) {
	url, _, _ := fake(t, 400)
	c, err := New(Config{Name: "hook", URLFile: file(t, url+"/in?key=abc"), SecretFile: file(t, "k3y")})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Notify(t.Context(), pitwall.Message{ID: "1"}); pitwall.KindOf(err) != pitwall.Invalid || strings.Contains(err.Error(), "abc") {
		t.Errorf("%v", err)
	}
	for _, wrong := range []Config{{}, {URL: "http://h"}, {SecretFile: "s"}, {SecretFile: "s", URL: "u", URLFile: "f"}} {
		if _, err := New(wrong); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}
