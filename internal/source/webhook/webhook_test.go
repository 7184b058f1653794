package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func clock() time.Time { return now }

// memory is a change log.
type memory struct {
	changes []pitwall.Change
	err     error
	reads   int
}

func (m *memory) AppendChange(_ context.Context, c pitwall.Change) (bool, error) {
	if m.err != nil {
		return false, m.err
	}
	for _, old := range m.changes {
		if old.ID == c.ID {
			return false, nil
		}
	}
	m.changes = append(m.changes, c)
	return true, nil
}

func (m *memory) Changes(_ context.Context, p pitwall.Period) ([]pitwall.Change, error) {
	m.reads++
	var in []pitwall.Change
	for _, c := range m.changes {
		if p.Contains(c.At) {
			in = append(in, c)
		}
	}
	return in, m.err
}

func post(h *Handler, body string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, "/api/v1/changes", strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res := httptest.NewRecorder()
	h.ServeHTTP(res, req)
	return res
}

const full = `{"id":"d-1","time":"2026-01-02T04:00:00+01:00","kind":"deploy","service":"inventory","version":"v41","previous_version":"v40",
	"summary":"details in lookups","diff_hints":["include_full_sku_details"],"config":{"pool":"8"},"flags":{"details":"on"},"files":["api/items.go"],"diff":"@@ api/items.go @@\n-a\n+b","actor":"ci","link":"https://ci/1"}`

func TestAnnouncements(t *testing.T) {
	log := &memory{}
	h := New(Config{Log: log, Now: clock})
	if res := post(h, full); res.Code != http.StatusCreated || strings.TrimSpace(res.Body.String()) != `{"id":"d-1","known":false}` {
		t.Errorf("first: %d %s", res.Code, res.Body)
	}
	if res := post(h, full, "Idempotency-Key", "other"); res.Code != http.StatusOK || !strings.Contains(res.Body.String(), `"known":true`) {
		t.Errorf("again: %d %s", res.Code, res.Body)
	}
	flag := `{"kind":"flag","service":"auth","flags":{"new_login":"on"}}`
	if res := post(h, flag, "Idempotency-Key", "k-7"); res.Code != http.StatusCreated {
		t.Errorf("by header: %d %s", res.Code, res.Body)
	}
	if res := post(h, flag, "Idempotency-Key", "k-7"); res.Code != http.StatusOK {
		t.Errorf("by header, again: %d %s", res.Code, res.Body)
	}
	timed := `{"kind":"scale","service":"auth","time":"2026-01-02T03:00:00Z"}`
	if first, again := post(h, timed), post(h, timed); first.Code != http.StatusCreated || again.Code != http.StatusOK {
		t.Errorf("by content: %d, then %d", first.Code, again.Code)
	}
	want := []pitwall.Change{
		{ID: "d-1", At: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC), Kind: pitwall.ChangeDeploy, Service: "inventory", Version: "v41",
			PreviousVersion: "v40", Summary: "details in lookups", DiffHints: []string{"include_full_sku_details"},
			Config: map[string]string{"pool": "8"}, Flags: map[string]string{"details": "on"}, Files: []string{"api/items.go"}, Diff: "@@ api/items.go @@\n-a\n+b", Actor: "ci", Link: "https://ci/1", SeenBy: pitwall.SeenByWebhook},
		{ID: "k-7", At: now, Kind: pitwall.ChangeFlag, Service: "auth", Flags: map[string]string{"new_login": "on"}, SeenBy: pitwall.SeenByWebhook},
		{ID: log.changes[2].ID, At: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC), Kind: pitwall.ChangeScale, Service: "auth", SeenBy: pitwall.SeenByWebhook},
	}
	if diff := cmp.Diff(want, log.changes); diff != "" || !strings.HasPrefix(string(want[2].ID), "change-") {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := h.Health()[0]; !got.Up || got.Accepted != 6 || !got.LastSeen.Equal(now) {
		t.Errorf("health %+v", got)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, body string
		status     int
		says       string
	}{
		{"not JSON", "{", 400, "reading change"},
		{"two values", full + full, 400, "more than one"},
		{"wrong type", `{"kind":7}`, 400, "kind"},
		{"unknown field", `{"id":"1","kind":"deploy","service":"a","versoin":"v1"}`, 422, "versoin"},
		{"unknown kind", `{"id":"1","kind":"reboot","service":"a"}`, 422, `"reboot" is none of [deploy config flag scale migration traffic dependency commit]`},
		{"no service", `{"id":"1","kind":"flag"}`, 422, "service is missing"},
		{"no version", `{"id":"1","kind":"deploy","service":"a"}`, 422, "version is missing"},
		{"no id", `{"kind":"flag","service":"a"}`, 422, "Idempotency-Key"},
		{"in the future", `{"id":"1","kind":"flag","service":"a","time":"2026-01-02T04:04:05Z"}`, 422, "now is 2026-01-02T03:04:05Z"},
		{"too large", `{"id":"` + strings.Repeat("1", 2<<20) + `"}`, 413, "more than"},
	} {
		log := &memory{}
		h := New(Config{Log: log, Now: clock})
		res := post(h, c.body)
		var p Problem
		if err := json.Unmarshal(res.Body.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		if res.Code != c.status || p.Status != c.status || !strings.Contains(p.Detail, c.says) || len(log.changes) != 0 {
			t.Errorf("%s: %d %+v", c.name, res.Code, p)
		}
		if got := h.Health()[0]; got.Rejected != 1 {
			t.Errorf("%s: health %+v", c.name, got)
		}
	}
	h := New(Config{Log: &memory{err: pitwall.Errorf(pitwall.Unavailable, "storing", "disk full")}, Now: clock})
	if res := post(h, full); res.Code != http.StatusServiceUnavailable || res.Header().Get("Retry-After") == "" || h.Health()[0].Up {
		t.Errorf("a log that fails: %d %s", res.Code, res.Body)
	}
	res := httptest.NewRecorder()
	h.ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/api/v1/changes", nil))
	if res.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", res.Code)
	}
}

func TestSignatures(t *testing.T) {
	log := &memory{}
	h := New(Config{Log: log, Secret: "s3cret", Now: clock})
	// Computed with: printf '%s' '{"id":"1","kind":"flag","service":"a"}' | openssl dgst -sha256 -hmac s3cret
	body, signature := `{"id":"1","kind":"flag","service":"a"}`, "sha256=f025776dafbd1e7d26b07bbeae08d43bea34ea9b6c6781f7a15c06e05e285cb4"
	for _, wrong := range []string{"", "sha256=", signature[7:], Sign("other", []byte(body)), Sign("s3cret", []byte(body+" "))} {
		if res := post(h, body, SignatureHeader, wrong); res.Code != http.StatusUnauthorized || len(log.changes) != 0 {
			t.Errorf("signature %q: %d", wrong, res.Code)
		}
	}
	if res := post(h, body, SignatureHeader, signature); res.Code != http.StatusCreated {
		t.Errorf("right signature: %d %s", res.Code, res.Body)
	}
}

// sightings makes a batch of "service version" spans a second apart from begin.
func sightings(begin time.Time, list ...string) *pitwall.SpanBatch {
	b := &pitwall.SpanBatch{}
	for i, s := range list {
		service, version, _ := strings.Cut(s, " ")
		b.Add(pitwall.SpanRow{SpanID: uint64(i + 1), Service: pitwall.ServiceName(service), Version: pitwall.Version(version), Start: begin.Add(time.Duration(i) * time.Second)})
	}
	return b
}

func telemetry(service, version, previous string, at time.Time) pitwall.Change {
	return pitwall.Change{ID: pitwall.ChangeID("telemetry-" + service + "-" + version), At: at, Kind: pitwall.ChangeDeploy, SeenBy: pitwall.SeenByTelemetry,
		Service: pitwall.ServiceName(service), Version: pitwall.Version(version), PreviousVersion: pitwall.Version(previous),
		Summary: service + " " + version + " began to send telemetry"}
}

func TestVersionWatch(t *testing.T) {
	log := &memory{}
	w := NewVersionWatch(log, clock)
	ctx := t.Context()
	w.Observe(ctx, sightings(now, "inventory v40", "auth v1", "edge ", "inventory v40"))
	if len(log.changes) != 0 {
		t.Fatalf("the first versions are no changes: %+v", log.changes)
	}
	w.Observe(ctx, sightings(now.Add(time.Minute), "inventory v40", "auth v1", "inventory v41", "edge ", "inventory v41"))
	w.Observe(ctx, sightings(now.Add(2*time.Minute), "inventory v40", "inventory v41", "auth v1"))
	want := []pitwall.Change{telemetry("inventory", "v41", "v40", now.Add(62*time.Second))}
	if diff := cmp.Diff(want, log.changes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	t.Run("announced deploys are not recorded twice", func(t *testing.T) {
		announced := pitwall.Change{ID: "d-2", At: now.Add(3 * time.Minute), Kind: pitwall.ChangeDeploy, Service: "auth", Version: "v2", PreviousVersion: "v1"}
		log.changes = append(log.changes, announced)
		w.Observe(ctx, sightings(now.Add(4*time.Minute), "auth v2"))
		if diff := cmp.Diff(append(want, announced), log.changes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})

	t.Run("after a restart old versions stay old", func(t *testing.T) {
		before := len(log.changes)
		again := NewVersionWatch(log, clock)
		again.Observe(ctx, sightings(now.Add(10*time.Minute), "inventory v41", "inventory v40", "auth v1", "auth v2"))
		if len(log.changes) != before {
			t.Errorf("recorded %+v", log.changes[before:])
		}
		again.Observe(ctx, sightings(now.Add(11*time.Minute), "auth v3"))
		if diff := cmp.Diff(telemetry("auth", "v3", "v2", now.Add(11*time.Minute)), log.changes[len(log.changes)-1]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("a deploy while nobody watched is found", func(t *testing.T) {
		again := NewVersionWatch(log, clock)
		again.Observe(ctx, sightings(now.Add(20*time.Minute), "inventory v42"))
		if diff := cmp.Diff(telemetry("inventory", "v42", "v41", now.Add(20*time.Minute)), log.changes[len(log.changes)-1]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestVersionFlood: senders that call each process a version, or a service, are
// followed within bounds, the log is read once for each batch at most, and the
// next hour begins anew.
func TestVersionFlood(t *testing.T) {
	log, at, made := &memory{}, now, 0
	w := NewVersionWatch(log, func() time.Time { return at })
	flood := func(services, versions int) {
		t.Helper()
		var list []string
		for i := range services {
			for range versions {
				made++
				list = append(list, fmt.Sprintf("s%d v%d", i, made))
			}
		}
		before := log.reads
		if w.Observe(t.Context(), sightings(at, list...)); log.reads > before+1 {
			t.Errorf("the log was read %d times for one batch", log.reads-before)
		}
	}
	flood(1, 1000)
	flood(1, 1000)
	if got := len(log.changes); got != mostFresh {
		t.Errorf("%d versions of one service recorded, want %d", got, mostFresh)
	}
	reads := log.reads
	if flood(1, 10); log.reads != reads {
		t.Error("the log is read for versions that are left out")
	}
	if h := w.Health()[0]; !strings.Contains(h.Message, "s0") {
		t.Errorf("health does not name the sender: %q", h.Message)
	}
	flood(mostServices+100, 2)
	if got := len(log.changes); got != mostRecorded {
		t.Errorf("%d versions recorded, want %d", got, mostRecorded)
	}
	if len(w.services) > mostServices {
		t.Errorf("%d services followed", len(w.services))
	}
	at = at.Add(time.Hour)
	flood(1, 2)
	if got := len(log.changes); got != mostRecorded+2 {
		t.Errorf("%d versions recorded in the next hour, want %d", got, mostRecorded+2)
	}
}

func TestVersionWatchTriesAgain(t *testing.T) {
	log := &memory{}
	w := NewVersionWatch(log, clock)
	w.Observe(t.Context(), sightings(now, "a v1"))
	log.err = errors.New("locked")
	w.Observe(t.Context(), sightings(now, "a v2"))
	if h := w.Health()[0]; h.Up || !strings.Contains(h.Message, "locked") {
		t.Errorf("health %+v", h)
	}
	log.err = nil
	w.Observe(t.Context(), sightings(now.Add(time.Second), "a v2"))
	if len(log.changes) != 1 || log.changes[0].Version != "v2" || !w.Health()[0].Up {
		t.Errorf("changes %+v, health %+v", log.changes, w.Health())
	}
}
