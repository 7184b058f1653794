package rum

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

type sink struct {
	loads []pitwall.PageLoad
	err   error
}

func (s *sink) AppendPageLoads(_ context.Context, loads []pitwall.PageLoad) error {
	if s.err == nil {
		s.loads = append(s.loads, loads...)
	}
	return s.err
}

func (s *sink) PageLoads(context.Context, pitwall.Period) ([]pitwall.PageLoad, error) {
	return s.loads, nil
}

func post(h *Handler, kind, body string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, "/api/v1/rum", strings.NewReader(body))
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Origin", "https://shop.example")
	res := httptest.NewRecorder()
	h.ServeHTTP(res, req)
	return res
}

func handler(s *sink) *Handler {
	return New(Config{Sink: s, Now: func() time.Time { return now }, MaxBody: 2000})
}

func TestBeacons(t *testing.T) {
	s := &sink{}
	h := handler(s)
	res := post(h, "text/plain;charset=UTF-8", `{"time":"2026-01-02T03:04:01.5Z","page":"/checkout","session":"s1","trace_id":"ab",
		"ttfb_ms":120,"response_ms":180.5,"render_ms":45,"lcp_ms":225,"inp_ms":0}`)
	if res.Code != http.StatusAccepted || res.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("one beacon: %d %v", res.Code, res.Header())
	}
	res = post(h, "application/json", ` [{"page":"/a","time":1767323044000}, {"page":"/b","ttfb_ms":-5,"lcp_ms":99999999,"render_ms":null},
		{"session":"no page"}, {"page":"/c","time":"yesterday"}, {"page":"/future","time":"2027-01-01T00:00:00Z"}, {"page":"/old","time":0}]`)
	var reply Reply
	if err := json.Unmarshal(res.Body.Bytes(), &reply); err != nil {
		t.Fatal(err)
	}
	wantReply := Reply{Accepted: 4, Rejected: 2, Clamped: 2, Message: `beacon 3: time "yesterday" is neither RFC 3339 nor unix milliseconds`}
	if diff := cmp.Diff(wantReply, reply); diff != "" || res.Code != http.StatusAccepted {
		t.Errorf("status %d (-want +got):\n%s", res.Code, diff)
	}
	unknown := func(page string, at time.Time) pitwall.PageLoad {
		return pitwall.PageLoad{At: at, Page: page, TTFB: -1, Response: -1, Render: -1, LCP: -1, INP: -1}
	}
	want := []pitwall.PageLoad{
		{At: now.Add(-3500 * time.Millisecond), Page: "/checkout", Session: "s1", TraceID: "ab", TTFB: 0.12, Response: 0.1805, Render: 0.045, LCP: 0.225, INP: 0},
		unknown("/a", now.Add(-time.Second)), unknown("/b", now), unknown("/future", now), unknown("/old", now),
	}
	if diff := cmp.Diff(want, s.loads); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	health := h.Health()[0]
	if !health.Up || health.Accepted != 5 || health.Rejected != 2 || !strings.Contains(health.Message, "2 beacons with an impossible time") {
		t.Errorf("health %+v", health)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, body string
		status     int
		says       string
	}{
		{"empty", "", http.StatusBadRequest, "unexpected end"},
		{"not JSON", "page=/a", http.StatusBadRequest, "invalid character"},
		{"half an array", `[{"page":"/a"}`, http.StatusBadRequest, "unexpected end"},
		{"wrong type", `{"page":7}`, http.StatusBadRequest, "page"},
		{"nothing of use", `[{"session":"x"}]`, http.StatusUnprocessableEntity, "page is missing"},
		{"too large", `{"page":"` + strings.Repeat("a", 3000) + `"}`, http.StatusRequestEntityTooLarge, "more than 2000 bytes"},
	} {
		s := &sink{}
		h := handler(s)
		res := post(h, "application/json", c.body)
		if res.Code != c.status || !strings.Contains(res.Body.String(), c.says) || len(s.loads) != 0 {
			t.Errorf("%s: %d %s, %d stored", c.name, res.Code, res.Body, len(s.loads))
		}
		if got := h.Health()[0]; got.Up || got.Rejected != 1 || got.Message == "" {
			t.Errorf("%s: health %+v", c.name, got)
		}
	}
	h := handler(&sink{err: errors.New("disk full")})
	if res := post(h, "application/json", `{"page":"/a"}`); res.Code != http.StatusServiceUnavailable || res.Header().Get("Retry-After") == "" {
		t.Errorf("a sink that fails: %d", res.Code)
	}
	if got := h.Health()[0]; got.Accepted != 0 || !strings.Contains(got.Message, "disk full") {
		t.Errorf("health %+v", got)
	}
}

func TestPreflight(t *testing.T) {
	res := httptest.NewRecorder()
	handler(&sink{}).ServeHTTP(res, httptest.NewRequest(http.MethodOptions, "/api/v1/rum", nil))
	if res.Code != http.StatusNoContent || res.Header().Get("Access-Control-Allow-Methods") != "POST" || res.Header().Get("Access-Control-Allow-Headers") != "Content-Type" {
		t.Errorf("%d %v", res.Code, res.Header())
	}
	res = httptest.NewRecorder()
	handler(&sink{}).ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/api/v1/rum", nil))
	if res.Code != http.StatusMethodNotAllowed || res.Header().Get("Allow") == "" {
		t.Errorf("GET: %d", res.Code)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"page":"/a","time":1767323044000,"ttfb_ms":1e300}`))
	f.Add([]byte(`[{"page":"/a","time":"2026-01-02T03:04:01.5Z","lcp_ms":null}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		beacons, err := decode(body)
		if err != nil {
			return
		}
		loads, reply := convert(beacons, now)
		if len(loads) != reply.Accepted || reply.Accepted+reply.Rejected != len(beacons) {
			t.Fatalf("%d loads of %d beacons, reply %+v", len(loads), len(beacons), reply)
		}
		for _, l := range loads {
			if l.Page == "" && len(body) < 1000 || l.At.After(now.Add(maxAhead)) || l.At.Before(now.Add(-maxAge)) || l.LCP > maxMillis {
				t.Fatalf("unsound: %+v", l)
			}
		}
	})
}
