package pyroscope

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	runtimepprof "runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
)

// shelf is a sink that knows what it has seen.
type shelf struct {
	windows []pitwall.ProfileWindow
	err     error
}

func (s *shelf) AppendProfile(ctx context.Context, w pitwall.ProfileWindow) error {
	_, err := s.AddProfile(ctx, w)
	return err
}

func (s *shelf) AddProfile(_ context.Context, w pitwall.ProfileWindow) (bool, error) {
	if s.err != nil {
		return false, s.err
	}
	for _, have := range s.windows {
		if cmp.Equal(have, w) {
			return false, nil
		}
	}
	s.windows = append(s.windows, w)
	return true, nil
}

// is words the windows: type, seconds, service, version, instance, total.
func (s *shelf) is(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, w := range s.windows {
		p, err := prof.Parse(w.Data, w.Type)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %v %s/%s/%s %.4g", w.Type, w.Period.Duration(), w.Service, w.Version, w.Instance, p.Total()))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("windows (-want +got):\n%s", d)
	}
}

func receiver(s pitwall.ProfileSink) *Receiver {
	return NewReceiver(ReceiverConfig{Sink: s, Now: func() time.Time { return noon.AddDate(1, 0, 0) }})
}

// sdk sends what the Go SDK sends (github.com/grafana/pyroscope-go, release 1:
// its documented form, replicated by hand): a form with file parts, and times in
// nanoseconds.
type sdk struct {
	name, config      string
	profile, previous []byte
}

func (s sdk) request(t testing.TB) *http.Request {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part := func(field, file string, content []byte) {
		if content == nil {
			return
		}
		w, err := form.CreateFormFile(field, file)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(content)
	}
	part("profile", "profile.pprof", s.profile)
	part("prev_profile", "profile.pprof", s.previous)
	if s.config != "" {
		part("sample_type_config", "sample_type_config.json", []byte(s.config))
	}
	_ = form.Close()
	q := url.Values{
		"name": {s.name}, "spyName": {"gospy"}, "sampleRate": {"100"}, "units": {"samples"}, "aggregationType": {"sum"},
		"from": {strconv.FormatInt(noon.UnixNano(), 10)}, "until": {strconv.FormatInt(noon.Add(15*time.Second).UnixNano(), 10)},
	}
	r := httptest.NewRequest(http.MethodPost, "/ingest?"+q.Encode(), &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	return r
}

func ingest(r *Receiver, req *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.Ingest().ServeHTTP(w, req)
	return w
}

func data(t testing.TB, typ pitwall.ProfileType, cost float64) []byte {
	t.Helper()
	d, err := prof.Encode(&prof.Profile{Type: typ, Quantum: 0.5, Stacks: []prof.Stack{{Frames: []string{"main.pay", "main.main"}, Value: cost}}}, pitwall.Period{From: noon, To: noon})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// realCPU is a profile a Go program wrote.
func realCPU(t testing.TB) []byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "prof", "testdata", "w*.pb.gz"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	d, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const (
	mutexConfig = `{"contentions":{"units":"lock_samples","display-name":"mutex_count"},"delay":{"units":"lock_nanoseconds","display-name":"mutex_duration"}}`
	blockConfig = `{"contentions":{"units":"lock_samples","display-name":"block_count"},"delay":{"units":"lock_nanoseconds","display-name":"block_duration"}}`
	heapConfig  = `{"alloc_objects":{"units":"objects"},"alloc_space":{"units":"bytes"},"inuse_objects":{"units":"objects","aggregation":"average"},"inuse_space":{"units":"bytes","aggregation":"average"}}`
)

func TestIngestAsTheGoSDKSends(t *testing.T) {
	t.Log("against: the Go SDK's requests replicated by hand from its documented form")
	s := &shelf{}
	r := receiver(s)
	const name = "shop.cart{service_version=v2,hostname=h-1,__session_id__=ab12}"
	send := func(q sdk) {
		t.Helper()
		if w := ingest(r, q.request(t)); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", q.config, w.Code, w.Body)
		}
	}
	send(sdk{name: name, profile: realCPU(t)})
	send(sdk{name: name, profile: data(t, pitwall.ProfileMutex, 2), config: mutexConfig})
	send(sdk{name: name, profile: data(t, pitwall.ProfileBlock, 3), config: blockConfig})
	send(sdk{name: name, profile: data(t, pitwall.ProfileMutex, 5), previous: data(t, pitwall.ProfileMutex, 4), config: mutexConfig})
	send(sdk{name: name, profile: data(t, pitwall.ProfileGoroutine, 7), config: `{"goroutine":{"display-name":"goroutines","units":"goroutines","aggregation":"average"}}`})
	whole, err := prof.Parse(realCPU(t), pitwall.ProfileCPU)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		fmt.Sprintf("cpu 15s shop.cart/v2/h-1 %.4g", whole.Total()), "mutex 15s shop.cart/v2/h-1 2", "block 15s shop.cart/v2/h-1 3",
		"mutex 15s shop.cart/v2/h-1 1", "goroutine 15s shop.cart/v2/h-1 7",
	}
	s.is(t, want...)
	send(sdk{name: name, profile: realCPU(t)}) // sent again: an answer was lost on the way
	s.is(t, want...)
	if h := r.Health()[0]; h.Accepted != 6 || h.Duplicates != 1 || h.Rejected != 0 || !h.Up {
		t.Errorf("health %+v", h)
	}
}

// TestIngestRealHeap: a heap profile of this very process holds two types.
func TestIngestRealHeap(t *testing.T) {
	keep := make([]byte, 4<<20)
	runtime.GC()
	var heap bytes.Buffer
	if err := runtimepprof.Lookup("heap").WriteTo(&heap, 0); err != nil {
		t.Fatal(err)
	}
	runtime.KeepAlive(keep)
	s := &shelf{}
	if w := ingest(receiver(s), sdk{name: "shop", profile: heap.Bytes(), config: heapConfig}.request(t)); w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	if len(s.windows) != 2 || s.windows[0].Type != pitwall.ProfileAlloc || s.windows[1].Type != pitwall.ProfileHeap {
		t.Fatalf("%d windows", len(s.windows))
	}
	for _, w := range s.windows {
		p, err := prof.Parse(w.Data, w.Type)
		if err != nil || p.Total() < 4<<20 {
			t.Errorf("%s: %v bytes, %v", w.Type, p.Total(), err)
		}
	}
}

// TestIngestOtherRuntimes: sample types by the names they have elsewhere.
func TestIngestOtherRuntimes(t *testing.T) {
	s := &shelf{}
	renamed := bytes.Clone(data(t, pitwall.ProfileAlloc, 1<<20))
	raw, err := gunzip(renamed)
	if err != nil {
		t.Fatal(err)
	}
	raw = bytes.Replace(bytes.Replace(raw, []byte("alloc_space"), []byte("alloc--size"), 1), []byte("alloc_objects"), []byte("alloc-samples"), 1)
	config := `{"alloc-samples":{"units":"objects","display-name":"alloc_objects"},"alloc--size":{"units":"bytes","display-name":"alloc_space"}}`
	if w := ingest(receiver(s), sdk{name: "net", profile: raw, config: config}.request(t)); w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	s.is(t, "alloc 15s net// 1.049e+06")
}

func gunzip(b []byte) ([]byte, error) {
	zr, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	_, err = out.ReadFrom(zr)
	return out.Bytes(), err
}

// TestIngestText sends the documentation's own example, and its kin.
func TestIngestText(t *testing.T) {
	f := func(query, body, want string) {
		t.Helper()
		s := &shelf{}
		w := ingest(receiver(s), httptest.NewRequest(http.MethodPost, "/ingest?"+query, strings.NewReader(body)))
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
			return
		}
		s.is(t, want)
	}
	const when = "&from=1615709120&until=1615709130"
	f("name=curl-test-app"+when, "foo;bar 100\n foo;baz 200", "cpu 10s curl-test-app// 3")
	f("name=app&sampleRate=1000&format=groups"+when, "foo;bar 100\n\nfoo;bar 100\n", "cpu 10s app// 0.2")
	f("name=app.cpu%7Bversion%3D%22v3%22%7D&format=lines"+when, "foo;bar\nfoo;baz\nfoo;bar", "cpu 10s app/v3/ 0.03")
	f("name=app.alloc_space%7Bservice_name=shop,pod=p-1%7D&units=bytes"+when, "foo;bar 4096", "alloc 10s shop//p-1 4096")
	f("name=app&from=now-10s", "foo 5", "cpu 10s app// 0.05")
	f("name=app&from=1615709120000&until=1615709130.5", "foo 5", "cpu 10.5s app// 0.05")
}

func TestIngestRefuses(t *testing.T) {
	s := &shelf{}
	r := receiver(s)
	f := func(query string, body []byte, status int, want string) {
		t.Helper()
		w := ingest(r, httptest.NewRequest(http.MethodPost, "/ingest?"+query, bytes.NewReader(body)))
		if w.Code != status || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want %d with %q", query, w.Code, w.Body, status, want)
		}
	}
	const when = "&from=1615709120&until=1615709130"
	f("name=a"+when, nil, 400, "body is empty")
	f("name=a{b"+when, []byte("x 1"), 400, "does not end in }")
	f("name=a{b}"+when, []byte("x 1"), 400, "is not name=value")
	f(when[1:], []byte("x 1"), 400, "no label tells the service")
	f("name=a", []byte("x 1"), 400, "add from and until")
	f("name=a"+when, []byte("x one"), 400, "line 1")
	f("name=a"+when, []byte("a 1\nb 99999999999999"), 400, "line 2")
	f("name=a&sampleRate=0"+when, []byte("a 1"), 400, "is no rate")
	f("name=a&units=objects"+when, []byte("a 1"), 400, "of an unknown kind")
	f("name=a&format=jfr"+when, []byte("FLR"), 415, "JFR recordings are not taken")
	f("name=a&format=trie"+when, []byte("x"), 415, "trie is not taken")
	f("name=a&format=wasm"+when, []byte("x"), 415, "is not known")
	f("name=a&format=pprof"+when, []byte("hello"), 400, "reading pprof profile")
	f("name=a&format=pprof&from=20&until=10", realCPU(t), 400, "no later than it begins")
	f("name=a&format=pprof&from=x&until=10", realCPU(t), 400, "is no time")
	f("name=a&format=pprof&from=1&until=1615709130", realCPU(t), 400, "is the longest")
	f("name=a&format=pprof&from=9e9&until=9000000010", realCPU(t), 400, "in the future")
	f("name=a&format=pprof"+when, data(t, pitwall.ProfileMutex, 1), 400, "mutex and block profiles look alike")
	empty := httptest.NewRequest(http.MethodPost, "/ingest?name=a"+when, strings.NewReader("--x--\r\n"))
	empty.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	if w := ingest(r, empty); w.Code != 400 || !strings.Contains(w.Body.String(), "no part profile") {
		t.Errorf("an empty form: %d %s", w.Code, w.Body)
	}
	if len(s.windows) != 0 {
		t.Errorf("%d windows stored", len(s.windows))
	}
	small := NewReceiver(ReceiverConfig{Sink: s, MaxBody: 50})
	if w := ingest(small, sdk{name: "a", profile: realCPU(t)}.request(t)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %d", w.Code)
	}
	s.err = &pitwall.Error{Op: "storing", Kind: pitwall.Unavailable, Err: errors.New("no room")}
	if w := ingest(r, sdk{name: "a", profile: realCPU(t)}.request(t)); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || r.Health()[0].Up {
		t.Errorf("full: %d %v %+v", w.Code, w.Header(), r.Health())
	}
	for range bodies {
		r.bodies <- struct{}{}
	}
	f("name=a"+when, []byte("a 1"), http.StatusTooManyRequests, "being received")
}

// pushed is a message of push.v1 written with the library's own primitives.
func pushed(labels map[string]string, profiles ...[]byte) []byte {
	field := func(b []byte, n protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
	}
	var series []byte
	for k, v := range labels {
		series = field(series, 1, field(field(nil, 1, []byte(k)), 2, []byte(v)))
	}
	for i, p := range profiles {
		series = field(series, 2, field(field(nil, 1, p), 2, fmt.Append(nil, "id-", i)))
	}
	series = field(series, 3, []byte{}) // annotations, which nobody reads
	return field(nil, 1, series)
}

func push(r *Receiver, contentType string, body []byte) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, PushPath, bytes.NewReader(body))
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Connect-Protocol-Version", "1")
	w := httptest.NewRecorder()
	r.Push().ServeHTTP(w, req)
	return w
}

func TestConnectPush(t *testing.T) {
	t.Log("against: messages written by hand from push/v1/push.proto")
	labels := map[string]string{"__name__": "process_cpu", "service_name": "shop", "service_version": "v2", "pod": "p-1", "__delta__": "false"}
	s := &shelf{}
	r := receiver(s)
	if w := push(r, "application/proto", pushed(labels, realCPU(t))); w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Fatal(w.Code, w.Body)
	}
	body := fmt.Sprintf(`{"series":[{"labels":[{"name":"service_name","value":"shop"},{"name":"__name__","value":"block"},{"name":"__delta__","value":"false"}],
		"samples":[{"rawProfile":%q,"ID":"x"}], "later": 1}]}`, base64.StdEncoding.EncodeToString(data(t, pitwall.ProfileBlock, 3)))
	if w := push(r, "application/json; charset=utf-8", []byte(body)); w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != "{}" {
		t.Fatal(w.Code, w.Body)
	}
	what, err := prof.Describe(realCPU(t))
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := prof.Parse(realCPU(t), pitwall.ProfileCPU)
	s.is(t, fmt.Sprintf("cpu %v shop/v2/p-1 %.4g", what.Length, whole.Total()), "block 10s shop// 3")
}

// TestConnectPushCounts: agents push what counts since the start; the receiver
// subtracts, and begins anew after a restart.
func TestConnectPushCounts(t *testing.T) {
	s := &shelf{}
	r := receiver(s)
	for i, wait := range []float64{5, 7, 1, 1.5} {
		raw := &prof.Profile{Type: pitwall.ProfileMutex, Quantum: 0.5, Stacks: []prof.Stack{{Frames: []string{"main.pay"}, Value: wait}}}
		at := noon.Add(time.Duration(i) * 15 * time.Second)
		d, err := prof.Encode(raw, pitwall.Period{From: at, To: at})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second is a repetition
			if w := push(r, "application/proto", pushed(map[string]string{"__name__": "mutex", "service_name": "shop"}, d)); w.Code != http.StatusOK {
				t.Fatal(w.Code, w.Body)
			}
		}
	}
	s.is(t, "mutex 15s shop// 2", "mutex 15s shop// 0.5")
	r.series.last = map[string]*held{}
	r.series.bytes = 0
	for i := range 20 {
		r.series.hold(fmt.Sprint(i), &held{data: make([]byte, 8<<20)})
	}
	if r.series.bytes > maxHeld || len(r.series.last) != 8 || r.series.last["19"] == nil {
		t.Errorf("%d series of %d bytes held", len(r.series.last), r.series.bytes)
	}
}

func TestConnectPushRefuses(t *testing.T) {
	s := &shelf{}
	r := receiver(s)
	f := func(contentType string, body []byte, status int, code, want string) {
		t.Helper()
		w := push(r, contentType, body)
		var e connectError
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != status || e.Code != code || !strings.Contains(e.Message, want) {
			t.Errorf("%.40q: %d %s, want %d %s with %q", body, w.Code, w.Body, status, code, want)
		}
	}
	f("application/grpc", []byte("x"), 415, "unimplemented", "application/proto and application/json")
	f("application/proto", []byte{0x0a, 0x05, 1}, 400, "invalid_argument", "reading the request")
	f("application/json", []byte(`{"series":[`), 400, "invalid_argument", "reading the request")
	f("application/json", []byte(`{"series":[{"samples":[{"rawProfile":"***"}]}]}`), 400, "invalid_argument", "not base64")
	f("application/json", bytes.Repeat([]byte("{"), maxBraces+1), 400, "invalid_argument", "objects")
	f("application/proto", bytes.Repeat([]byte{0x0a, 0x00}, maxSeries+1), 400, "invalid_argument", "more than 4096 series")
	// One of two is good: it is kept, and the sender hears of the other.
	f("application/proto", pushed(map[string]string{"service_name": "shop"}, []byte("garbage"), realCPU(t)), 400, "invalid_argument", "1 of 2 profiles not taken")
	if len(s.windows) != 1 {
		t.Errorf("%d windows stored, want the good one", len(s.windows))
	}
	s.err = &pitwall.Error{Op: "storing", Kind: pitwall.Unavailable, Err: errors.New("no room")}
	f("application/proto", pushed(map[string]string{"service_name": "shop"}, realCPU(t)), 503, "unavailable", "no room")
}

func TestMoments(t *testing.T) {
	now := noon
	f := func(text string, want time.Time) {
		t.Helper()
		if got, err := moment(text, now); err != nil || math.Abs(got.Sub(want).Seconds()) > 1e-3 {
			t.Errorf("%s is %v, %v; want %v", text, got, err, want)
		}
	}
	at := time.Unix(1615709120, 0)
	f("1615709120", at)
	f("1615709120.25", at.Add(250*time.Millisecond))
	f("1615709120000", at)
	f("1615709120000000", at)
	f("1615709120000000000", at)
	f("now", now)
	f("now-1m30s", now.Add(-90*time.Second))
	for _, bad := range []string{"", "-5", "now+1s", "now-x", "1e300", "NaN", "99999999999999999999999"} {
		if got, err := moment(bad, now); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
}

// FuzzIngest and FuzzPush: whatever comes, there is an answer, and what is stored
// can be read.
func FuzzIngest(f *testing.F) {
	form := sdk{name: "shop", profile: realCPU(f), config: mutexConfig}.request(f)
	var body bytes.Buffer
	_, _ = body.ReadFrom(form.Body)
	f.Add(form.URL.RawQuery, form.Header.Get("Content-Type"), body.Bytes())
	f.Add("name=a{b=c}&from=1615709120&until=1615709130", "", []byte("a;b 10\nc 5"))
	f.Add("name=a.alloc_space&from=1&until=2&format=lines", "text/plain", []byte("a\n"))
	f.Fuzz(func(t *testing.T, query, contentType string, body []byte) {
		req := httptest.NewRequest(http.MethodPost, "/ingest", bytes.NewReader(body))
		req.URL.RawQuery = query
		req.Header.Set("Content-Type", contentType)
		s := &shelf{}
		w := ingest(receiver(s), req)
		readable(t, w, s)
	})
}

// FuzzPush sends both encodings.
func FuzzPush(f *testing.F) {
	f.Add(false, pushed(map[string]string{"service_name": "shop"}, realCPU(f)))
	f.Add(true, []byte(`{"series":[{"labels":[{"name":"service_name","value":"shop"}],"samples":[{"rawProfile":"H4sI"}]}]}`))
	f.Fuzz(func(t *testing.T, asJSON bool, body []byte) {
		contentType := "application/proto"
		if asJSON {
			contentType = "application/json"
		}
		s := &shelf{}
		readable(t, push(receiver(s), contentType, body), s)
	})
}

func readable(t *testing.T, w *httptest.ResponseRecorder, s *shelf) {
	t.Helper()
	if w.Code >= http.StatusInternalServerError {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, win := range s.windows {
		if _, err := prof.Parse(win.Data, win.Type); err != nil || win.Service == "" || !win.Period.From.Before(win.Period.To) {
			t.Fatalf("%+v: %v", win, err)
		}
	}
}
