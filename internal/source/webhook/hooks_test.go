package webhook

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

// alarms is an alert log.
type alarms struct {
	list []pitwall.Alert
	err  error
}

func (m *alarms) AppendAlert(_ context.Context, a pitwall.Alert) (bool, error) {
	if m.err != nil {
		return false, m.err
	}
	for i, old := range m.list {
		if old.ID == a.ID {
			if a.Firing || !old.Firing {
				return false, nil
			}
			m.list[i] = a
			return true, nil
		}
	}
	m.list = append(m.list, a)
	return true, nil
}

func (m *alarms) Alerts(context.Context, pitwall.Period) ([]pitwall.Alert, error) {
	return m.list, m.err
}

const secret = "s3cret"

// bench is all hooks, opened, and what they wrote.
type bench struct {
	t      *testing.T
	log    *memory
	alarms *alarms
	hooks  *Hooks
	now    time.Time
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, log: &memory{}, alarms: &alarms{}, now: now}
	b.hooks = NewHooks(Sources{
		Log: b.log, Alerts: b.alarms, GitHubSecret: secret, ArgoToken: secret, FlaggerToken: secret, AlertmanagerToken: secret,
		Services:    map[string]pitwall.ServiceName{"Acme/Mono@production": "edge", "acme/mono": "wrong", "shop/cart": "checkout", "lonely": "auth"},
		Environment: "production", Now: func() time.Time { return b.now },
	})
	return b
}

const (
	gitHubPath       = "/api/v1/changes/github"
	argoPath         = "/api/v1/changes/argocd"
	flaggerPath      = "/api/v1/changes/flagger"
	alertmanagerPath = "/api/v1/alerts/alertmanager"
)

func (b *bench) send(path, body string, headers ...string) (int, Answer, Problem) {
	b.t.Helper()
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	switch path {
	case gitHubPath:
		req.Header.Set("X-GitHub-Event", "deployment_status")
		req.Header.Set(signatureGitHub, Sign(secret, []byte(body)))
	default:
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res := httptest.NewRecorder()
	b.hooks.Mounts()[path].ServeHTTP(res, req)
	var a Answer
	var p Problem
	if res.Code < 300 {
		if err := json.Unmarshal(res.Body.Bytes(), &a); err != nil {
			b.t.Fatal(err)
		}
	} else if err := json.Unmarshal(res.Body.Bytes(), &p); err != nil || p.Status != res.Code {
		b.t.Fatalf("%d %s", res.Code, res.Body)
	}
	return res.Code, a, p
}

// wants sends and holds the status and some words of the answer.
func (b *bench) wants(status int, words, path, body string, headers ...string) {
	b.t.Helper()
	code, a, p := b.send(path, body, headers...)
	text, err := json.Marshal([]any{a, p})
	if err != nil {
		b.t.Fatal(err)
	}
	if code != status || !strings.Contains(string(text), words) {
		b.t.Errorf("%s %.120s:\n got %d %s\nwant %d %s", path, body, code, text, status, words)
	}
}

// changed holds what the log has gained since the last call.
func (b *bench) changed(want ...pitwall.Change) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.log.changes); diff != "" {
		b.t.Errorf("(-want +got):\n%s", diff)
	}
	b.log.changes = nil
}

func sample(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// with replaces texts in pairs, each of which must be there.
func with(t testing.TB, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%q is not in the sample", pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

func clockAt(hour, minute, second int) time.Time {
	return time.Date(2026, 1, 2, hour, minute, second, 0, time.UTC)
}

func TestGitHub(t *testing.T) {
	b := newBench(t)
	body := sample(t, "github_deployment_status.json")
	want := pitwall.Change{
		ID: "github/acme/shop-inventory/145988746/success", At: clockAt(3, 3, 55), Kind: pitwall.ChangeDeploy, Service: "inventory",
		Version: "v41", PreviousVersion: "v40", Summary: "Serve complete item details",
		DiffHints: []string{"handlers/items.go: +18 -3", "config: include_full_sku_details: false -> true"},
		Config:    map[string]string{"pool.size": "8", "region": "eu"}, Flags: map[string]string{"include_full_sku_details": "true"},
		Actor: "ada", Link: "https://github.com/acme/shop-inventory/actions/runs/289782451/job/7", SeenBy: pitwall.SeenByWebhook,
	}
	b.wants(201, `"id":"github/acme`, gitHubPath, body)
	b.wants(200, `"known":true`, gitHubPath, body, "X-GitHub-Delivery", "delivered-again")
	b.changed(want)

	b.wants(200, "pong", gitHubPath, `{"zen":"Keep it logically awesome."}`, "X-GitHub-Event", "ping")
	b.wants(202, "choose deployment statuses", gitHubPath, `{"ref":"x"}`, "X-GitHub-Event", "push")
	b.wants(202, `environment is \"staging\"`, gitHubPath, with(t, body, `"environment": "production"`, `"environment": "staging"`))
	for _, state := range []string{"failure", "error", "inactive", "queued", "pending"} {
		b.wants(202, state, gitHubPath, with(t, body, `"state": "success"`, `"state": "`+state+`"`))
	}
	b.changed()
	if h := b.hooks.Health()[0]; h.Name != "webhook/github" || h.Signal != pitwall.SignalChanges || !h.Up || h.Accepted != 10 || h.Duplicates != 1 ||
		h.Lag != 10 || !h.LastSeen.Equal(now) || h.Message != "" {
		t.Errorf("health %+v", h)
	}

	t.Run("it acts from its beginning", func(t *testing.T) {
		b := newBench(t)
		b.wants(202, "begun", gitHubPath, with(t, body, `"state": "success"`, `"state": "in_progress"`, "03:03:55Z", "03:01:00Z"))
		b.wants(201, "", gitHubPath, body)
		w := want
		w.At = clockAt(3, 1, 0)
		b.changed(w)
	})
	t.Run("as a form", func(t *testing.T) {
		b := newBench(t)
		b.wants(201, "", gitHubPath, "payload="+url.QueryEscape(body), "Content-Type", "application/x-www-form-urlencoded")
		b.changed(want)
		b.wants(400, "reading form", gitHubPath, "payload=%zz", "Content-Type", "application/x-www-form-urlencoded")
	})
	t.Run("an old one keeps its time", func(t *testing.T) {
		b := newBench(t)
		b.wants(201, "400 days old", gitHubPath, with(t, body, "2026-01-02T03:03:55Z", "2024-11-28T03:03:55Z"))
		if got := b.log.changes[0].At; got.Year() != 2024 {
			t.Errorf("kept under %s", got)
		}
	})
	t.Run("a clock ahead", func(t *testing.T) {
		b := newBench(t)
		b.wants(201, "time of arrival", gitHubPath, with(t, body, "2026-01-02T03:03:55Z", "2026-01-02T04:03:55Z"))
		w := want
		w.At = now
		b.changed(w)
	})
}

func TestGitHubNames(t *testing.T) {
	b := newBench(t)
	f := func(service pitwall.ServiceName, version pitwall.Version, repo, ref, payload string) {
		t.Helper()
		body := `{"deployment_status":{"state":"success","created_at":"2026-01-02T03:03:55Z","target_url":"javascript:alert(1)"},
			"deployment":{"id":1,"sha":"f95f852bd8fca8fcc58a9a2d6c842781e32a215e","ref":"` + ref + `","environment":"production","payload":` + payload + `},
			"repository":{"full_name":"` + repo + `","html_url":"https://github.com/` + repo + `"},"sender":{"login":"bob"}}`
		b.wants(201, "", gitHubPath, body)
		if got := b.log.changes[0]; got.Service != service || got.Version != version || got.Actor != "bob" || !strings.HasSuffix(got.Link, "/commit/f95f852bd8fca8fcc58a9a2d6c842781e32a215e") {
			t.Errorf("%s %s: %+v", repo, ref, got)
		}
		b.log.changes = nil
	}
	f("cart", "f95f852", "acme/cart", "main", `{}`)
	f("cart", "v1.2.3", "acme/cart", "v1.2.3", `null`)
	f("cart", "1.2.3-rc.1", "acme/cart", "1.2.3-rc.1", `""`)
	f("cart", "release-7", "acme/cart", "refs/tags/release-7", `"a note for people"`)
	f("cart", "f95f852", "acme/cart", "release/1.2", `[1,2]`)
	f("edge", "v9", "acme/mono", "main", `{"service":"said","version":"v9","diff_hints":"not a list","flags":[]}`) // the configuration decides
	f("said", "41", "acme/other", "main", `"{\"service\":\"said\",\"version\":41}"`)
}

func TestArgoCD(t *testing.T) {
	b := newBench(t)
	body := sample(t, "argocd.json")
	want := pitwall.Change{
		ID: "argocd/shop/inventory/0f3c2ab19be1c0f4f3d5a9f8b7c6d5e4f3a2b1c0/v41/1767323035", At: clockAt(3, 2, 0), Kind: pitwall.ChangeDeploy,
		Service: "inventory", Version: "v41", Summary: "Argo CD synced inventory to 0f3c2ab", Actor: "ada",
		Link: "https://argocd.acme.example/applications/inventory", SeenBy: pitwall.SeenByWebhook,
	}
	b.wants(201, "argocd/shop", argoPath, body)
	b.wants(200, `"known":true`, argoPath, body)
	b.wants(200, `"known":true`, argoPath, with(t, body, `"Progressing"`, `"Degraded"`)) // word of the same sync
	resync := with(t, body, "03:02:00Z", "03:03:57Z", "03:03:55Z", "03:03:58Z")
	b.wants(202, "those of the sync before", argoPath, resync)
	b.wants(201, "", argoPath, with(t, resync, "0f3c2ab1", "1111111a"))
	b.wants(201, "", argoPath, with(t, resync, "03:03:58Z", "03:04:01Z")) // and back: the one before differs
	b.log.changes = b.log.changes[:1]
	b.changed(want)

	b.wants(202, "Failed", argoPath, with(t, body, "Succeeded", "Failed"))
	b.wants(202, "staging", argoPath, with(t, body, `"actor": "ada"`, `"environment": "staging"`))
	b.wants(422, `unknown field \"imagse\"`, argoPath, with(t, body, "images", "imagse"))
	b.wants(422, "syncFinishedAt is missing", argoPath, `{"app":"a","phase":"Succeeded","syncFinishedAt":null}`)
	b.wants(422, "app is missing", argoPath, `{"phase":"Succeeded"}`)
	b.wants(400, "reading notification", argoPath, `{"app":`)
	b.wants(400, "more than one", argoPath, body+body)
	b.changed()

	f := func(service pitwall.ServiceName, version pitwall.Version, pairs ...string) {
		t.Helper()
		b.wants(201, "", argoPath, with(t, body, pairs...))
		if got := b.log.changes[0]; got.Service != service || got.Version != version {
			t.Errorf("%v: %+v", pairs, got)
		}
		b.log.changes = nil
	}
	f("checkout", "", `"app": "inventory"`, `"app": "cart"`) // mapped by project and app; neither image is its own
	f("auth", "", `"app": "inventory"`, `"app": "lonely"`)
	f("inventory", "v42", `"actor": "ada"`, `"version": "v42"`)
	f("inventory", "", `:v41"`, `@sha256:0011"`)
	f("inventory", "", `docker.io/envoyproxy/envoy`, `registry.acme.example:5000/shop/inventory`) // old and new pods: which is it?
	f("inventory", "v41", `, "docker.io/envoyproxy/envoy:v1.31.0"`, ``)
}

func TestFlagger(t *testing.T) {
	b := newBench(t)
	body := sample(t, "flagger.json")
	at := clockAt(3, 3, 55)
	event := func(phase, message string, second int, pairs ...string) string {
		ms := time.Duration(second) * time.Second
		text := with(t, body, "Progressing", phase, "New revision detected! Scaling up inventory.shop", message,
			"1767323035000", toText(at.Add(ms).UnixMilli()))
		return with(t, text, pairs...)
	}
	b.wants(201, "flagger/shop/inventory/85d557f47b/progressing/1767323035000", flaggerPath, body)
	b.wants(200, `"known":true`, flaggerPath, body)
	b.wants(200, `"known":true`, flaggerPath, event("Progressing", "Advance inventory.shop canary weight 10", 1))
	b.wants(202, "Waiting", flaggerPath, event("Waiting", "Halt inventory.shop advancement waiting for approval", 2))
	b.wants(201, "promoting", flaggerPath, event("Promoting", "Routing all traffic to primary", 3))
	b.wants(201, "succeeded", flaggerPath, event("Succeeded", "Promotion completed! Scaling down inventory.shop", 4))
	b.wants(201, "ffff/progressing", flaggerPath, event("Progressing", "New revision detected!", 5, "85d557f47b", "ffff"))
	b.wants(201, "ffff/failed", flaggerPath, event("Failed", "Canary failed!", 6, "85d557f47b", "ffff"))
	b.wants(201, "85d557f47b/progressing", flaggerPath, event("Progressing", "New revision detected!", 7)) // the old spec once more
	kinds := ""
	for _, c := range b.log.changes {
		kinds += string(c.Kind) + " "
	}
	if kinds != "deploy traffic traffic deploy traffic deploy " {
		t.Errorf("kinds %s", kinds)
	}
	b.log.changes = b.log.changes[:1]
	b.changed(pitwall.Change{
		ID: "flagger/shop/inventory/85d557f47b/progressing/1767323035000", At: at, Kind: pitwall.ChangeDeploy, Service: "inventory", Version: "v41",
		Summary: "Flagger: a new revision begins to take traffic (New revision detected! Scaling up inventory.shop)", Actor: "flagger", SeenBy: pitwall.SeenByWebhook,
	})

	gate := `{"name":"inventory","namespace":"shop","phase":"Progressing","checksum":"1","metadata":{"token":"s3cret"}}`
	b.wants(422, "type event", flaggerPath, gate, "Authorization", "") // a rollback hook must not be told yes
	b.wants(422, "name is missing", flaggerPath, `{"metadata":{"timestamp":"1","eventMessage":"x"}}`)
	b.wants(422, "type event", flaggerPath, with(t, body, "1767323035000", "yesterday"))
	b.wants(400, "reading event", flaggerPath, `{"metadata":{"timestamp":1}}`)
	b.changed()

	t.Run("let in by what Flagger can send", func(t *testing.T) {
		b := newBench(t)
		b.wants(201, "", flaggerPath, body, "Authorization", "")
		b.wants(401, "metadata.token", flaggerPath, with(t, body, `"token": "s3cret"`, `"token": "guess"`), "Authorization", "")
		b.wants(401, "metadata.token", flaggerPath, with(t, body, `"token": "s3cret",`, ``), "Authorization", "")
		if strings.Contains(toText(b.log.changes), secret) {
			t.Error("the token is in the log")
		}
	})
}

func toText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestAlertmanager(t *testing.T) {
	b := newBench(t)
	body := sample(t, "alertmanager.json")
	b.wants(201, `"stored":2`, alertmanagerPath, body)
	b.wants(200, `"known":true`, alertmanagerPath, body)
	want := []pitwall.Alert{
		{Source: "alertmanager", Firing: true, Name: "CheckoutSlow", Service: "checkout", From: time.Date(2026, 1, 2, 3, 1, 26, 739e6, time.UTC),
			Labels:      map[string]string{"alertname": "CheckoutSlow", "job": "shop/checkout", "severity": "page"},
			Annotations: map[string]string{"summary": "p99 of checkout is above 300 ms"}, Link: "http://prometheus.acme.example:9090/graph?g0.expr=up&g0.tab=1"},
		{Source: "alertmanager", Name: "InventoryDown", Service: "inventory", From: clockAt(2, 50, 0), To: clockAt(3, 2, 0),
			Labels: map[string]string{"alertname": "InventoryDown", "service": "inventory"}, Annotations: map[string]string{}, Link: "http://alertmanager.acme.example:9093"},
	}
	for i := range want {
		if want[i].ID = b.alarms.list[i].ID; !strings.HasPrefix(want[i].ID, "alertmanager/") {
			t.Errorf("id %q", want[i].ID)
		}
	}
	if diff := cmp.Diff(want, b.alarms.list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	over := with(t, body, `"status": "firing",
      "labels"`, `"status": "resolved",
      "labels"`, "0001-01-01T00:00:00Z", "2026-01-02T03:03:00Z")
	b.wants(201, `"stored":1`, alertmanagerPath, over)
	if got := b.alarms.list[0]; len(b.alarms.list) != 2 || got.Firing || !got.To.Equal(clockAt(3, 3, 0)) {
		t.Errorf("resolved: %+v", b.alarms.list)
	}
	b.wants(201, `"stored":2`, alertmanagerPath, with(t, body, "groupKey\": \"", "groupKey\": \"other")) // another route is another firing
	b.wants(200, "alert 1: startsAt", alertmanagerPath, `{"alerts":[{"status":"firing"}]}`)
	b.wants(200, "neither firing nor resolved", alertmanagerPath, `{"alerts":[{"status":"odd","startsAt":"2026-01-02T03:00:00Z"}]}`)
	if h := b.hooks.Health()[3]; !strings.Contains(h.Message, "neither") || !h.Up || h.Signal != pitwall.SignalAlerts {
		t.Errorf("health %+v", h)
	}
	b.wants(201, "raise max_alerts", alertmanagerPath, `{"truncatedAlerts":7,"alerts":[{"status":"resolved","startsAt":"2026-01-02T03:00:00Z","endsAt":"2026-01-02T02:00:00Z"}]}`)
	if got := b.alarms.list[len(b.alarms.list)-1]; !got.To.Equal(got.From) || got.Service != "" {
		t.Errorf("an end before the beginning: %+v", got)
	}
	b.wants(200, "", alertmanagerPath, `{"alerts":[]}`)
	b.wants(400, "reading alerts", alertmanagerPath, `{"alerts":{}}`)
	b.wants(422, "alerts is missing", alertmanagerPath, `{}`)
	b.alarms.err = pitwall.Errorf(pitwall.Unavailable, "storing", "disk full")
	b.wants(503, "disk full", alertmanagerPath, body)
	if h := b.hooks.Health()[3]; h.Up || !strings.Contains(h.Message, "disk full") {
		t.Errorf("health %+v", h)
	}
	b.alarms.err = nil
	b.wants(200, "", alertmanagerPath, body)
	if h := b.hooks.Health()[3]; !h.Up || h.Message != "" {
		t.Errorf("health %+v", h)
	}
}

func TestAlertLabels(t *testing.T) {
	h := NewHooks(Sources{AlertLabels: []string{"team_service", "app"}, Services: map[string]pitwall.ServiceName{"shop-cart": "checkout"}})
	f := func(want pitwall.ServiceName, labels map[string]string) {
		t.Helper()
		if got := h.alerting(labels); got != want {
			t.Errorf("%v: %q, want %q", labels, got, want)
		}
	}
	f("a", map[string]string{"team_service": "a", "app": "b"})
	f("b", map[string]string{"service": "a", "app": "b"})
	f("checkout", map[string]string{"app": "Shop-Cart"})
	f("", map[string]string{"service": "a"})
}

func TestDoors(t *testing.T) {
	bodies := map[string]string{gitHubPath: sample(t, "github_deployment_status.json"), argoPath: sample(t, "argocd.json"),
		flaggerPath: with(t, sample(t, "flagger.json"), `"token": "s3cret",`, ``), alertmanagerPath: sample(t, "alertmanager.json")}
	for path, body := range bodies {
		b := newBench(t)
		for _, header := range []string{"", "Bearer", "Bearer other", "Token s3cret", "Basic czM6b3RoZXI="} {
			b.wants(401, "missing or wrong", path, body, "Authorization", header, signatureGitHub, Sign("other", []byte(body)))
		}
		b.wants(401, "missing or wrong", path, body, "Authorization", "", signatureGitHub, "")
		if path != gitHubPath {
			b.wants(201, "", path, body, "Authorization", "Basic YW55OnMzY3JldA==") // any:s3cret
		}
		b.wants(413, "more than", path, `{"x":"`+strings.Repeat("y", maxHookBody)+`"}`)
		req := httptest.NewRequest(http.MethodGet, path, nil)
		res := httptest.NewRecorder()
		b.hooks.Mounts()[path].ServeHTTP(res, req)
		if res.Code != http.StatusMethodNotAllowed || res.Header().Get("Allow") != http.MethodPost {
			t.Errorf("GET: %d", res.Code)
		}

		b.log.err = pitwall.Errorf(pitwall.Unavailable, "storing", "disk full")
		b.alarms.err = b.log.err
		b.wants(503, "disk full", path, body)
		for _, h := range b.hooks.Health() {
			if strings.Contains(path, strings.TrimPrefix(h.Name, "webhook/")) == h.Up {
				t.Errorf("%s: health %+v", path, h)
			}
			if strings.Contains(h.Message, secret) {
				t.Errorf("the secret is told: %+v", h)
			}
		}

		closed := &bench{t: t, log: &memory{}, hooks: NewHooks(Sources{})}
		closed.wants(403, `set changes.`, path, body)
		for _, h := range closed.hooks.Health() {
			if h.Up || h.Message != "" || !strings.Contains(h.Blind, "not configured: set changes.") {
				t.Errorf("health %+v", h)
			}
		}
	}
}

func TestRecentIsBounded(t *testing.T) {
	var r recent
	for i := range 3 * recentMost {
		r.put(toText(i), now)
	}
	r.put(toText(3*recentMost-1), now.Add(-time.Hour))
	if len(r.times) != recentMost || len(r.order) != recentMost || !r.times[toText(3*recentMost-1)].Equal(now.Add(-time.Hour)) {
		t.Errorf("%d times, %d keys", len(r.times), len(r.order))
	}
}
