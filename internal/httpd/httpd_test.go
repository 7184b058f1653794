package httpd_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/httpd"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/report/storybook"
)

func clock() time.Time { return storybook.Zero().Add(20 * time.Minute) }

func serve(t *testing.T, change func(*httpd.Config)) (*httptest.Server, *storybook.Engine) {
	t.Helper()
	e := storybook.NewEngine(clock)
	c := httpd.Config{Engine: e, Now: clock, Tick: 20 * time.Millisecond}
	if change != nil {
		change(&c)
	}
	h, err := httpd.New(c)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv, e
}

func ask(t *testing.T, method, url, body string, head map[string]string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range head {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(raw)
}

func TestEveryReadAnswers(t *testing.T) {
	srv, _ := serve(t, nil)
	trace := "01" + strings.Repeat("00", 15)
	for path, want := range map[string]string{
		"/api/v1/plans":                          `"id":"PIP-2"`,
		"/api/v1/plans/PIP-1":                    `"schema":"pitwall.plan-view/1"`,
		"/api/v1/plans/PIP-1?raw=1":              `"opened":{"trigger":"slo-burn"`,
		"/api/v1/plans/PIP-1/events":             `"type":"plan.opened"`,
		"/api/v1/plans/PIP-1/export?format=md":   "# PIP-1",
		"/api/v1/plans/PIP-1/export?format=json": `"schema": "pitwall.plan-view/1"`,
		"/api/v1/plans/PIP-1/export?format=html": "<!doctype html>",
		"/api/v1/slos":                           `"name":"checkout-latency"`,
		"/api/v1/slos/checkout-latency":          `"schema":"pitwall.slo-view/1"`,
		"/api/v1/slos/checkout-latency?for=10m":  `"step_s":`,
		"/api/v1/status":                         `"sentence":`,
		"/api/v1/record?after=3&limit=2":         `"next":5`,
		"/api/v1/record/verify":                  `"ok":true`,
		"/api/v1/traces/" + trace:                `"response_bytes":85400`,
		"/openapi.json":                          `"openapi":"3.1.0"`,
		"/healthz":                               "ok",
		"/readyz":                                "ready",
		"/metrics":                               `pitwall_slo_budget_remaining_ratio{slo="checkout-latency"} 0.62`,
		"/plans/PIP-1.html":                      "Fixed and proven",
		"/":                                      "<!doctype html>",
		"/plans":                                 "<!doctype html>",
		"/plans/PIP-1":                           `href="/plans/PIP-1.html"`,
		"/slos":                                  "<!doctype html>",
		"/slos/checkout-latency":                 "<!doctype html>",
	} {
		res, body := ask(t, "GET", srv.URL+path, "", nil)
		if res.StatusCode != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d without %q: %.300s", path, res.StatusCode, want, body)
		}
		if res.Header.Get("Content-Security-Policy") == "" || strings.Contains(res.Header.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: policy %q", path, res.Header.Get("Content-Security-Policy"))
		}
	}
}

// TestViewsSurviveTheWire: what the API sends is what the report made.
func TestViewsSurviveTheWire(t *testing.T) {
	srv, _ := serve(t, nil)
	for _, c := range storybook.Plans() {
		_, body := ask(t, "GET", srv.URL+"/api/v1/plans/"+string(c.Plan.ID), "", nil)
		var v report.PlanView
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		if v.ID != c.Plan.ID || v.State != c.Plan.State || v.Sentence == "" || len(v.Story) == 0 {
			t.Errorf("%s came back as %s %s with %d moments", c.Name, v.ID, v.State, len(v.Story))
		}
		if strings.Contains(body, `:null,"`) && strings.Contains(body, `"blocks":null`) {
			t.Errorf("%s: a list is null", c.Name)
		}
	}
}

func TestTroubleHasOneShape(t *testing.T) {
	srv, _ := serve(t, nil)
	f := func(method, path, body string, status int, kind pitwall.Kind) {
		t.Helper()
		res, raw := ask(t, method, srv.URL+path, body, nil)
		var e struct {
			Error struct {
				Op, ID, Message, Hint string
				Kind                  pitwall.Kind
			}
		}
		if err := json.Unmarshal([]byte(raw), &e); err != nil || e.Error.Message == "" {
			t.Errorf("%s %s: not our shape: %s", method, path, raw)
		}
		if res.StatusCode != status || e.Error.Kind != kind {
			t.Errorf("%s %s: %d %s, want %d %s (%s)", method, path, res.StatusCode, e.Error.Kind, status, kind, raw)
		}
		if ct := res.Header.Get("Content-Type"); ct != "application/json" {
			t.Errorf("%s %s: content type %q", method, path, ct)
		}
	}
	f("GET", "/api/v1/plans/PIP-999", "", 404, pitwall.NotFound)
	f("GET", "/api/v1/slos/none", "", 404, pitwall.NotFound)
	f("GET", "/api/v1/slos/checkout-latency?for=x", "", 422, pitwall.Invalid)
	f("GET", "/api/v1/nothing", "", 404, pitwall.NotFound)
	f("DELETE", "/api/v1/plans", "", 405, pitwall.Invalid)
	f("GET", "/api/v1/traces/zz", "", 422, pitwall.Invalid)
	f("GET", "/api/v1/record?after=-1", "", 422, pitwall.Invalid)
	f("GET", "/api/v1/plans/PIP-1/export?format=pdf", "", 422, pitwall.Invalid)
	f("GET", "/api/v1/events?after=soon", "", 422, pitwall.Invalid)
	f("POST", "/api/v1/plans/PIP-2/actions", `{"action":"explode","by":"a","reason":"b"}`, 422, pitwall.Invalid)
	f("POST", "/api/v1/plans/PIP-2/actions", `{"action":"note","by":"","reason":"b"}`, 422, pitwall.Invalid)
	f("POST", "/api/v1/plans/PIP-2/actions", `{`, 400, pitwall.Invalid)
	f("POST", "/api/v1/plans/PIP-2/actions", `{"action":"note","by":"a","reason":"`+strings.Repeat("x", 70<<10)+`"}`, 413, pitwall.Invalid)
	f("POST", "/api/v1/plans/PIP-1/actions", `{"action":"note","by":"a","reason":"b"}`, 409, pitwall.Conflict)
}

func TestActing(t *testing.T) {
	srv, e := serve(t, nil)
	url := srv.URL + "/api/v1/plans/PIP-2/actions"
	hold := `{"action":"hold","by":"alice","reason":"wait for the provider"%s}`
	state := func() pitwall.State {
		p, err := e.Plan(t.Context(), "PIP-2")
		if err != nil {
			t.Fatal(err)
		}
		return p.State
	}
	f := func(srvURL, body string, head map[string]string, status int, want pitwall.State) {
		t.Helper()
		res, raw := ask(t, "POST", srvURL, body, head)
		if res.StatusCode != status || state() != want {
			t.Errorf("%d (%s), plan is %s; want %d and %s", res.StatusCode, raw, state(), status, want)
		}
	}
	f(url, fmt.Sprintf(hold, ""), map[string]string{"Origin": "https://evil.example"}, 403, pitwall.Canarying)
	f(url, fmt.Sprintf(hold, ""), map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, pitwall.Canarying)
	f(url, fmt.Sprintf(hold, `,"dry_run":true`), nil, 200, pitwall.Canarying)
	f(url, fmt.Sprintf(hold, ""), map[string]string{"Sec-Fetch-Site": "same-origin"}, 200, pitwall.Held)

	closed, e2 := serve(t, func(c *httpd.Config) { c.ReadOnly = true })
	res, _ := ask(t, "POST", closed.URL+"/api/v1/plans/PIP-2/actions", fmt.Sprintf(hold, ""), nil)
	if p, _ := e2.Plan(t.Context(), "PIP-2"); res.StatusCode != 403 || p.State != pitwall.Canarying {
		t.Errorf("a read-only server answered %d and the plan is %s", res.StatusCode, p.State)
	}
}

// follower reads one stream.
type follower struct {
	lines chan string
	stop  context.CancelFunc
}

func follow(t *testing.T, url string, lastID string) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", url+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{lines: make(chan string, 4096), stop: cancel}
	t.Cleanup(func() { cancel(); res.Body.Close() })
	go func() {
		defer close(f.lines)
		for sc := bufio.NewScanner(res.Body); sc.Scan(); {
			f.lines <- sc.Text()
		}
	}()
	return f
}

// until reads lines until one contains want.
func (f *follower) until(t *testing.T, want string) []string {
	t.Helper()
	var seen []string
	for limit := time.After(3 * time.Second); ; {
		select {
		case l, open := <-f.lines:
			if !open {
				t.Fatalf("the stream ended before %q; seen %q", want, seen)
			}
			if seen = append(seen, l); strings.Contains(l, want) {
				return seen
			}
		case <-limit:
			t.Fatalf("no %q within 3 s; seen %q", want, seen)
		}
	}
}

func TestStream(t *testing.T) {
	srv, e := serve(t, nil)
	events, err := e.Events(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	last := events[len(events)-1].Seq

	f := follow(t, srv.URL, "")
	f.until(t, "event: hello")
	if _, err := e.Act(t.Context(), pitwall.ActRequest{Plan: "PIP-2", Action: "note", By: "alice", Reason: "seen"}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Join(f.until(t, "note.added"), "\n")
	if !strings.Contains(lines, fmt.Sprintf("id: %d", last+1)) {
		t.Errorf("the event's id is not its sequence number: %s", lines)
	}
	live := e.Live("PIP-2")
	live.Waiting = "something new"
	e.SetLive("PIP-2", live)
	lines = strings.Join(f.until(t, `"PIP-2"`), "\n")
	if !strings.Contains(lines, "event: live") || strings.Contains(lines, "id: ") {
		t.Errorf("a live tick reads %s", lines)
	}

	// A client that missed some gets each of them once, in order.
	f = follow(t, srv.URL, fmt.Sprint(last-2))
	var ids []string
	for _, l := range f.until(t, fmt.Sprintf(`"seq":%d`, last+1)) {
		if id, ok := strings.CutPrefix(l, "id: "); ok {
			ids = append(ids, id)
		}
	}
	if want := fmt.Sprintf("[%d %d %d]", last-1, last, last+1); fmt.Sprint(ids) != want {
		t.Errorf("resumed with %v, want %s", ids, want)
	}

	// One from another life of the record reads everything anew.
	follow(t, srv.URL, "999999").until(t, "event: resync")
}

// farEngine has a long record.
type farEngine struct{ *storybook.Engine }

func (farEngine) Events(_ context.Context, after uint64, limit int) ([]pitwall.Event, error) {
	var list []pitwall.Event
	for seq := after + 1; seq <= 2500 && len(list) < limit; seq++ {
		list = append(list, pitwall.Event{Seq: seq, Type: pitwall.EventNote})
	}
	return list, nil
}

func (farEngine) WaitEvents(ctx context.Context, after uint64) error {
	if after < 2500 {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestStreamFarBehind(t *testing.T) {
	srv, _ := serve(t, func(c *httpd.Config) { c.Engine = farEngine{storybook.NewEngine(clock)} })
	lines := follow(t, srv.URL, "7").until(t, "event: resync")
	if len(lines) < 1 || !strings.Contains(strings.Join(lines, "\n"), "id: 2500") {
		t.Errorf("resync reads %q", lines)
	}
	follow(t, srv.URL, "1600").until(t, "id: 2500")
}

func TestStreamStops(t *testing.T) {
	stop := make(chan struct{})
	srv, _ := serve(t, func(c *httpd.Config) { c.Stop = stop })
	f := follow(t, srv.URL, "")
	f.until(t, "event: hello")
	close(stop)
	for range f.lines { // ends only when the server ends it
	}
}

// panicEngine has a defect.
type panicEngine struct{ *storybook.Engine }

func (panicEngine) Plans(context.Context) ([]pitwall.Plan, error) { panic("defect") }

func TestPanicIsLoggedOnce(t *testing.T) {
	var log strings.Builder
	srv, _ := serve(t, func(c *httpd.Config) {
		c.Engine = panicEngine{storybook.NewEngine(clock)}
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	res, body := ask(t, "GET", srv.URL+"/api/v1/plans", "", nil)
	if res.StatusCode != 500 || !strings.Contains(body, `"kind":"internal"`) || strings.Contains(body, "defect\"") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if n := strings.Count(log.String(), "Request panicked"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

func TestMountsAndAssets(t *testing.T) {
	srv, _ := serve(t, func(c *httpd.Config) {
		c.Mounts = map[string]http.Handler{"/v1/traces": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202) })}
	})
	if res, _ := ask(t, "POST", srv.URL+"/v1/traces", "{}", map[string]string{"Origin": "https://shop.example"}); res.StatusCode != 202 {
		t.Errorf("a mounted handler answered %d", res.StatusCode)
	}
	res, _ := ask(t, "GET", srv.URL+"/", "", nil)
	tag := res.Header.Get("ETag")
	if res, _ = ask(t, "GET", srv.URL+"/", "", map[string]string{"If-None-Match": tag}); tag == "" || res.StatusCode != 304 {
		t.Errorf("ETag %q gave %d", tag, res.StatusCode)
	}
}

// TestNoInlineScript: the policy would stop it, so the page would be dead.
func TestNoInlineScript(t *testing.T) {
	srv, _ := serve(t, nil)
	_, page := ask(t, "GET", srv.URL+"/", "", nil)
	for _, part := range strings.Split(page, "<script")[1:] {
		if !strings.Contains(part[:strings.Index(part, ">")], "src=") {
			t.Errorf("an inline script: %.80s", part)
		}
	}
	if strings.Contains(page, "http://") || strings.Contains(page, "https://") {
		t.Error("the page asks another host")
	}
}

// TestStorybook serves the book for screenshots and for work on the look:
//
//	PITWALL_STORYBOOK=127.0.0.1:8099 go test ./internal/httpd -run TestStorybook -timeout 0
func TestStorybook(t *testing.T) {
	addr := os.Getenv("PITWALL_STORYBOOK")
	if addr == "" {
		t.Skip("set PITWALL_STORYBOOK to an address to serve the storybook there")
	}
	books := map[string][]string{addr: nil}
	if quiet := os.Getenv("PITWALL_STORYBOOK_QUIET"); quiet != "" {
		books[quiet] = []string{"none"}
	}
	errs := make(chan error, len(books))
	for at, names := range books {
		book := storybook.NewEngine(clock, names...)
		h, err := httpd.New(httpd.Config{Engine: book, Now: clock, Diagnosing: bookDiagnosing(book), Signals: httpd.Signals{Operations: book, Telemetry: book.Telemetry, Settings: bookSettings}})
		if err != nil {
			t.Fatal(err)
		}
		go func() { errs <- http.ListenAndServe(at, h) }()
	}
	t.Fatal(<-errs)
}

func bookSettings() (list []httpd.Setting) {
	for _, s := range storybook.Settings() {
		list = append(list, httpd.Setting(s))
	}
	return list
}
