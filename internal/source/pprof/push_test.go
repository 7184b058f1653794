package pprof

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
)

// known is a sink that knows what it has seen.
type known struct {
	shelf
	err error
}

func (k *known) AddProfile(ctx context.Context, w pitwall.ProfileWindow) (bool, error) {
	if k.err != nil {
		return false, k.err
	}
	for _, have := range k.windows {
		if cmp.Equal(have, w) {
			return false, nil
		}
	}
	return true, k.AppendProfile(ctx, w)
}

func pusher(sink pitwall.ProfileSink) *PushHandler {
	return NewPushHandler(PushConfig{Sink: sink, Now: func() time.Time { return time.Unix(2_000_000_000, 0) }})
}

func post(h http.Handler, target string, body []byte) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, target, bytes.NewReader(body)))
	return w
}

// realCPU is a profile a Go program wrote.
func realCPU(t testing.TB) []byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "prof", "testdata", "w*.pb.gz"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPushRealProfile(t *testing.T) {
	sink := &known{}
	h := pusher(sink)
	body := realCPU(t)
	w := post(h, "/api/v1/profiles?service=shop&version=v2&instance=i-7&requests=1546", body)
	var pushed Pushed
	if err := json.Unmarshal(w.Body.Bytes(), &pushed); err != nil || w.Code != http.StatusCreated {
		t.Fatal(w.Code, w.Body, err)
	}
	what, err := prof.Describe(body)
	if err != nil {
		t.Fatal(err)
	}
	got := sink.windows[0]
	if got.Service != "shop" || got.Version != "v2" || got.Instance != "i-7" || got.Type != pitwall.ProfileCPU || got.Requests != 1546 ||
		!got.Period.From.Equal(what.At) || got.Period.Duration() != what.Length || pushed.Samples != what.Samples {
		t.Errorf("stored %+v, answered %+v; the profile says %+v", got, pushed, what)
	}
	before, err := prof.Parse(body, pitwall.ProfileCPU)
	if err != nil {
		t.Fatal(err)
	}
	if total(t, got) != before.Total() || before.Total() == 0 {
		t.Errorf("%v s of CPU stored, %v pushed", total(t, got), before.Total())
	}

	// Again, and once more with the transport's compression: stored once.
	if w := post(h, "/api/v1/profiles?service=shop&version=v2&instance=i-7&requests=1546", body); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"known":true`) {
		t.Errorf("again: %d %s", w.Code, w.Body)
	}
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	_, _ = zw.Write(body)
	_ = zw.Close()
	r := httptest.NewRequest(http.MethodPost, "/api/v1/profiles?service=shop&version=v2&instance=i-7&requests=1546", &zipped)
	r.Header.Set("Content-Encoding", "gzip")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	if rec.Code != http.StatusOK || len(sink.windows) != 1 {
		t.Errorf("zipped: %d %s, %d windows", rec.Code, rec.Body, len(sink.windows))
	}
	if h := h.Health()[0]; h.Accepted != 3 || h.Duplicates != 2 || !h.Up {
		t.Errorf("health %+v", h)
	}
}

func TestPushTypesAndPeriods(t *testing.T) {
	f := func(query string, typ pitwall.ProfileType, from, to int64) {
		t.Helper()
		sink := &shelf{}
		body := encoded(t, typ, map[string]float64{"main.serve": 12})
		w := post(pusher(sink), "/?service=shop"+query, body)
		if w.Code != http.StatusCreated {
			t.Errorf("%s %s: %d %s", typ, query, w.Code, w.Body)
			return
		}
		if got := sink.windows[0]; got.Type != typ || got.Period.From.Unix() != from || got.Period.To.Unix() != to {
			t.Errorf("%s %s: stored %s of %v", typ, query, got.Type, got.Period)
		}
	}
	f("", pitwall.ProfileCPU, 1000, 1010)
	f("", pitwall.ProfileAlloc, 1000, 1010)
	f("", pitwall.ProfileHeap, 1000, 1010)
	f("", pitwall.ProfileGoroutine, 1000, 1010)
	f("&type=mutex", pitwall.ProfileMutex, 1000, 1010)
	f("&type=block&from=1500&to=1970-01-01T00:25:30Z", pitwall.ProfileBlock, 1500, 1530)
	f("&type=block&from=1500.5&to=1530", pitwall.ProfileBlock, 1500, 1530)
}

func TestPushRefuses(t *testing.T) {
	cpu, mutex := realCPU(t), encoded(t, pitwall.ProfileMutex, map[string]float64{"a": 1})
	timeless, err := prof.Encode(&prof.Profile{Type: pitwall.ProfileAlloc, Quantum: 1}, pitwall.Period{})
	if err != nil {
		t.Fatal(err)
	}
	bomb := &bytes.Buffer{}
	zw := gzip.NewWriter(bomb)
	for range 100 {
		_, _ = zw.Write(make([]byte, 1<<20))
	}
	_ = zw.Close()
	// Two bytes a sample: small on the wire, large in memory.
	swollen := bytes.Repeat([]byte{0x12, 0}, 4<<20)
	sink := &shelf{}
	h := pusher(sink)
	f := func(query string, body []byte, status int, want string) {
		t.Helper()
		w := post(h, "/?"+query, body)
		if w.Code != status || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want %d with %q", query, w.Code, w.Body, status, want)
		}
	}
	f("", cpu, 422, "names no service")
	f("service=s", nil, 422, "the body is empty")
	f("service=s", []byte("hello"), 422, "reading pprof profile")
	f("service=s", cpu[:len(cpu)/2], 422, "reading pprof profile")
	f("service=s", bomb.Bytes(), 422, "larger than")
	f("service=s", swollen, 422, "of memory")
	f("service=s&type=heap", cpu, 422, "none of the types")
	f("service=s&type=wall", cpu, 422, "is none of [cpu")
	f("service=s", mutex, 422, "type=mutex or type=block")
	f("service=s", timeless, 422, "counts since the process started")
	f("service=s&from=5", cpu, 422, "only one of")
	f("service=s&from=5&to=4", cpu, 422, "no later than it begins")
	f("service=s&from=5&to=1e300", cpu, 422, "neither a time")
	f("service=s&from=0&to=1e8", cpu, 422, "is the longest")
	f("service=s&from=3e9&to=3000000010", cpu, 422, "in the future")
	f("service=s&requests=-1", cpu, 422, "is no count")
	if len(sink.windows) != 0 {
		t.Errorf("%d windows stored", len(sink.windows))
	}
	small := NewPushHandler(PushConfig{Sink: sink, MaxBody: 100})
	if w := post(small, "/?service=s", cpu); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %d", w.Code)
	}
	full := pusher(&known{err: &pitwall.Error{Op: "storing", Kind: pitwall.Unavailable, Err: errors.New("no room"), Hint: "make room"}})
	w := post(full, "/?service=s", cpu)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "make room") {
		t.Errorf("full: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if full.Health()[0].Up {
		t.Error("a pusher that cannot store says it is up")
	}
	for range bodies {
		h.bodies <- struct{}{}
	}
	f("service=s", cpu, http.StatusTooManyRequests, "being received")
}

// FuzzPush: whatever is pushed, there is an answer, and what is stored can be
// read.
func FuzzPush(f *testing.F) {
	f.Add("service=s", realCPU(f))
	f.Add("service=s&from=1&to=2&type=alloc", []byte{0x12, 0x00})
	f.Fuzz(func(t *testing.T, query string, body []byte) {
		if strings.ContainsAny(query, " \r\n\x00#") || !slices.Contains([]string{"", "s"}, query[:min(1, len(query))]) {
			t.Skip()
		}
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.URL.RawQuery = query
		sink := &shelf{}
		w := httptest.NewRecorder()
		pusher(sink).ServeHTTP(w, r)
		if (w.Code == http.StatusCreated) != (len(sink.windows) == 1) {
			t.Fatalf("%d with %d windows", w.Code, len(sink.windows))
		}
		for _, win := range sink.windows {
			if _, err := prof.Parse(win.Data, win.Type); err != nil {
				t.Fatal(err)
			}
		}
	})
}
