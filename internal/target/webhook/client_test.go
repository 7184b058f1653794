package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/target/webhook"
)

// controller answers the contract, with troubles on demand.
type controller struct {
	mu         sync.Mutex
	weights    map[pitwall.Version]int
	generation uint64
	fencing    uint64
	answers    map[string]string // by key
	effects    int
	requests   []*http.Request
	trouble    func(w http.ResponseWriter, r *http.Request, apply func()) bool // true: answered
}

func start(t *testing.T) (*controller, *httptest.Server) {
	c := &controller{weights: map[pitwall.Version]int{"v40": 0, "v41": 100}, generation: 1, answers: map[string]string{}}
	srv := httptest.NewServer(c)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	return c, srv
}

func (c *controller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.requests = append(c.requests, r)
	trouble := c.trouble
	c.mu.Unlock()
	var in struct {
		Weights map[pitwall.Version]int `json:"weights"`
		Reason  string                  `json:"reason"`
	}
	if r.Method == http.MethodPut {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
	}
	key := r.Header.Get("Idempotency-Key")
	if trouble != nil && trouble(w, r, func() { c.apply(key, in.Weights) }) {
		return
	}
	fencing, _ := strconv.ParseUint(r.Header.Get("X-Fencing-Token"), 10, 64)
	c.mu.Lock()
	stored, known := c.answers[key]
	stale := fencing < c.fencing
	c.mu.Unlock()
	switch {
	case r.URL.Path != "/base/v1/services/inventory" && r.URL.Path != "/base/v1/services/inventory/weights":
		http.Error(w, `{"error":"no such service"}`, 404)
	case r.Method == http.MethodGet:
		fmt.Fprint(w, c.body())
	case known:
		w.Header().Set("Idempotent-Replay", "true")
		fmt.Fprint(w, stored)
	case stale:
		w.WriteHeader(409)
		fmt.Fprintf(w, `{"error":"stale fencing token","highest":%d}`, c.fencing)
	case in.Weights["v99"] > 0:
		http.Error(w, `{"error":"inventory has no version v99: nearest is v41"}`, 422)
	case r.URL.Query().Get("dry_run") == "true":
		fmt.Fprint(w, c.body())
	default:
		c.mu.Lock()
		c.fencing = fencing
		c.mu.Unlock()
		c.apply(key, in.Weights)
		fmt.Fprint(w, c.body())
	}
}

func (c *controller) apply(key string, weights map[pitwall.Version]int) {
	c.mu.Lock()
	c.weights = weights
	c.generation++
	c.effects++
	c.mu.Unlock()
	body := c.body()
	c.mu.Lock()
	c.answers[key] = body
	c.mu.Unlock()
}

func (c *controller) body() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, _ := json.Marshal(c.weights)
	return fmt.Sprintf(`{"service":"inventory","versions":[{"version":"v40","weight":%d,"ready":true,"addr":"a"},{"version":"v41","weight":%d,"ready":false,"addr":"b"}],
		"weights":%s,"generation":%d,"fencing_token":%d,"something":"new"}`, c.weights["v40"], c.weights["v41"], w, c.generation, c.fencing)
}

func (c *controller) count() (requests, effects int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.requests), c.effects
}

func client(t *testing.T, srv *httptest.Server, more func(*webhook.Config)) *webhook.Client {
	t.Helper()
	c := webhook.Config{URL: srv.URL + "/base", Services: []pitwall.ServiceName{"inventory", "ghost"},
		Timeout: 300 * time.Millisecond, Tries: 3, Backoff: time.Millisecond}
	if more != nil {
		more(&c)
	}
	cl, err := webhook.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

func effect(key string, v40 int, fencing uint64) pitwall.Effect {
	return pitwall.Effect{Key: key, Fencing: fencing, Service: "inventory", Reason: "canary", Actor: "pitwall",
		Weights: map[pitwall.Version]int{"v40": v40, "v41": 100 - v40}}
}

func TestObserveAndApply(t *testing.T) {
	c, srv := start(t)
	cl := client(t, srv, nil)
	got, err := cl.Observe(t.Context(), "inventory")
	want := pitwall.TargetState{Service: "inventory", Weights: map[pitwall.Version]int{"v40": 0, "v41": 100},
		Ready: map[pitwall.Version]bool{"v40": true, "v41": false}, Generation: 1}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Fatalf("%v\n%s", err, d)
	}
	e := effect("PIP-1/1/canary-10", 10, 7)
	dry := e
	dry.DryRun = true
	if _, err := cl.Apply(t.Context(), dry); err != nil || c.effects != 0 {
		t.Fatalf("dry run: %v, %d effects", err, c.effects)
	}
	got, err = cl.Apply(t.Context(), e)
	if err != nil || got.Weights["v40"] != 10 || got.Generation != 2 || got.Fencing != 7 {
		t.Fatalf("%+v, %v", got, err)
	}
	h := c.requests[len(c.requests)-1].Header
	if h.Get("Idempotency-Key") != e.Key || h.Get("X-Fencing-Token") != "7" || h.Get("X-Actor") != "pitwall" {
		t.Errorf("headers %v", h)
	}
	// The world moves on; the old key again changes nothing and shows the present.
	if _, err := cl.Apply(t.Context(), effect("PIP-1/1/canary-50", 50, 7)); err != nil {
		t.Fatal(err)
	}
	got, err = cl.Apply(t.Context(), e)
	if err != nil || got.Weights["v40"] != 50 || c.effects != 2 {
		t.Errorf("replay: %+v, %v, %d effects", got, err, c.effects)
	}
}

func TestRefusalsAreNotRetried(t *testing.T) {
	c, srv := start(t)
	c.fencing = 9
	cl := client(t, srv, nil)
	f := func(want pitwall.Kind, words string, requests int, e pitwall.Effect) {
		t.Helper()
		before, _ := c.count()
		_, err := cl.Apply(t.Context(), e)
		after, effects := c.count()
		if pitwall.KindOf(err) != want || !strings.Contains(err.Error(), words) || after-before != requests || effects != 0 {
			t.Errorf("got %q %v after %d requests, %d effects", pitwall.KindOf(err), err, after-before, effects)
		}
	}
	bad := effect("k", 10, 9)
	bad.Weights = map[pitwall.Version]int{"v99": 100}
	f(pitwall.Invalid, "nearest is v41", 1, bad)
	f(pitwall.Conflict, "stale fencing token", 1, effect("k", 10, 8))
	ghost := effect("k", 10, 9)
	ghost.Service = "ghost"
	f(pitwall.NotFound, "no such service", 1, ghost)
	// These never leave the house.
	other := effect("k", 10, 9)
	other.Service = "payment"
	f(pitwall.Denied, "payment", 0, other)
	f(pitwall.Invalid, "key", 0, effect("", 10, 9))
	bad.Weights = map[pitwall.Version]int{"v40": 90}
	f(pitwall.Invalid, "sum to 90", 0, bad)
	bad.Weights = map[pitwall.Version]int{"v40": 120, "v41": -20}
	f(pitwall.Invalid, "weight 120", 0, bad)
	if _, err := cl.Observe(t.Context(), "payment"); pitwall.KindOf(err) != pitwall.Denied {
		t.Errorf("observing a service that is not allowed: %v", err)
	}
}

func TestServerTroubleIsRetriedUnderTheSameKey(t *testing.T) {
	c, srv := start(t)
	var n int
	c.trouble = func(w http.ResponseWriter, _ *http.Request, _ func()) bool {
		n++
		if n < 3 {
			http.Error(w, `{"error":"routing: edge is gone"}`, 502)
			return true
		}
		return false
	}
	cl := client(t, srv, nil)
	got, err := cl.Apply(t.Context(), effect("k1", 10, 1))
	if err != nil || got.Weights["v40"] != 10 || n != 3 || c.effects != 1 {
		t.Fatalf("%+v, %v, %d tries, %d effects", got, err, n, c.effects)
	}
	for _, r := range c.requests {
		if r.Header.Get("Idempotency-Key") != "k1" {
			t.Errorf("another key: %v", r.Header)
		}
	}
	c.trouble = func(w http.ResponseWriter, _ *http.Request, _ func()) bool { http.Error(w, "", 500); n++; return true }
	n = 0
	_, err = cl.Apply(t.Context(), effect("k2", 20, 1))
	if pitwall.KindOf(err) != pitwall.Unavailable || n != 3 || !strings.Contains(err.Error(), "after 3 tries") {
		t.Errorf("%v after %d tries", err, n)
	}
}

// TestAnswerLostAfterApplying: the controller did it and died before it could say so.
func TestAnswerLostAfterApplying(t *testing.T) {
	c, srv := start(t)
	reset := func(_ http.ResponseWriter, r *http.Request, apply func()) bool {
		if r.Method != http.MethodPut {
			return false
		}
		c.mu.Lock()
		_, known := c.answers[r.Header.Get("Idempotency-Key")]
		c.mu.Unlock()
		if known {
			return false
		}
		apply()
		panic(http.ErrAbortHandler) // resets the connection
	}
	c.trouble = reset
	got, err := client(t, srv, nil).Apply(t.Context(), effect("k1", 10, 1))
	if err != nil || got.Weights["v40"] != 10 || c.effects != 1 {
		t.Errorf("with retries: %+v, %v, %d effects", got, err, c.effects)
	}
	c.trouble = func(w http.ResponseWriter, r *http.Request, apply func()) bool {
		if r.Method == http.MethodPut {
			apply()
			panic(http.ErrAbortHandler)
		}
		return false
	}
	// The transport itself repeats a request with an idempotency key on a fresh
	// connection at most once; this controller never answers, so we hear of trouble.
	cl := client(t, srv, func(c *webhook.Config) { c.Tries = 1 })
	if _, err := cl.Apply(t.Context(), effect("k2", 50, 1)); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Fatalf("got %v", err)
	}
	got, err = cl.Observe(t.Context(), "inventory")
	if err != nil || got.Weights["v40"] != 50 {
		t.Errorf("observing must show it: %+v, %v", got, err)
	}
}

func TestHangingControllerAndImpatientCaller(t *testing.T) {
	c, srv := start(t)
	free := make(chan struct{})
	c.trouble = func(_ http.ResponseWriter, r *http.Request, _ func()) bool {
		select {
		case <-free:
		case <-r.Context().Done():
		}
		return true
	}
	t.Cleanup(func() { close(free) })
	cl := client(t, srv, func(c *webhook.Config) { c.Timeout = 40 * time.Millisecond; c.Tries = 2 })
	began := time.Now()
	_, err := cl.Observe(t.Context(), "inventory")
	if pitwall.KindOf(err) != pitwall.Unavailable || time.Since(began) > 2*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	if n, _ := c.count(); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	cl = client(t, srv, func(c *webhook.Config) { c.Timeout = time.Minute; c.Tries = 100 })
	if _, err := cl.Observe(ctx, "inventory"); err == nil {
		t.Error("no error for a caller who left")
	}
}

func TestAnswersThatCannotBeTrue(t *testing.T) {
	f := func(body, words string) {
		t.Helper()
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
		defer srv.Close()
		_, err := client(t, srv, nil).Observe(t.Context(), "inventory")
		if pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", body, err)
		}
	}
	f(`<html>`, "reading answer")
	f(`{"service":"payment","versions":[{"version":"v1","weight":100}]}`, "payment")
	f(`{"service":"inventory"}`, "no version")
	f(`{"service":"inventory","versions":[{"version":"v1","weight":70}]}`, "sum to 70")
	f(`{"service":"inventory","versions":[{"version":"v1"}],"weights":{"v2":100}}`, `"v2"`)
	f(`{"service":"inventory","versions":[{"version":"v1"}],"weights":{"v1":-1}}`, "sum to -1")
}

func TestTheTokenIsSentAndNeverTold(t *testing.T) {
	c, srv := start(t)
	file := filepath.Join(t.TempDir(), "token")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("s3cret-one\n")
	cl := client(t, srv, func(c *webhook.Config) { c.TokenFile = file })
	c.trouble = func(w http.ResponseWriter, r *http.Request, _ func()) bool {
		http.Error(w, "you sent "+r.Header.Get("Authorization"), 403)
		return true
	}
	_, err := cl.Observe(t.Context(), "inventory")
	if pitwall.KindOf(err) != pitwall.Denied || strings.Contains(fmt.Sprintf("%+v", err), "s3cret") || !strings.Contains(err.Error(), "Bearer [token]") {
		t.Errorf("got %v", err)
	}
	write("s3cret-two") // rotated
	_, _ = cl.Observe(t.Context(), "inventory")
	if got := c.requests[1].Header.Get("Authorization"); got != "Bearer s3cret-two" {
		t.Errorf("got %q", got)
	}
	for _, bad := range []string{"", "s3cret\nsecond line", "s3crét"} {
		write(bad)
		if _, err := cl.Observe(t.Context(), "inventory"); pitwall.KindOf(err) != pitwall.Invalid || strings.Contains(err.Error(), "s3cr") {
			t.Errorf("token %q: %v", bad, err)
		}
	}
	// A redirect does not carry the token on.
	write("s3cret-three")
	other, seen := httptest.NewServer(nil), false
	defer other.Close()
	other.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen = true })
	c.trouble = func(w http.ResponseWriter, r *http.Request, _ func()) bool {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		return true
	}
	if _, err := cl.Observe(t.Context(), "inventory"); pitwall.KindOf(err) != pitwall.Invalid || seen {
		t.Errorf("redirect: %v, followed %v", err, seen)
	}
}

func TestNewRefuses(t *testing.T) {
	f := func(url string) {
		t.Helper()
		_, err := webhook.New(webhook.Config{URL: url})
		if pitwall.KindOf(err) != pitwall.Invalid || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", url, err)
		}
	}
	f("")
	f("localhost:8080")
	f("ftp://x")
	f("http://user:hunter2@x")
	f("http://user:hunter2@x:port")
	if _, err := webhook.New(webhook.Config{URL: "http://x", Tries: -1}); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("got %v", err)
	}
}
