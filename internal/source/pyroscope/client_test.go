package pyroscope

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
	"github.com/pitwall/pitwall/internal/source/remote"
	"github.com/pitwall/pitwall/internal/store/storetest"
)

// stand speaks the documented protocol of Pyroscope's querier over windows it
// holds: each profile at the time it begins, each sample type on its own.
type stand struct {
	t       *testing.T
	windows []pitwall.ProfileWindow
	asked   atomic.Int32
}

// ids are those of Pyroscope for what Go's profiles hold.
func ids(t pitwall.ProfileType) []string {
	return map[pitwall.ProfileType][]string{
		pitwall.ProfileCPU:       {"process_cpu:samples:count:cpu:nanoseconds", "process_cpu:cpu:nanoseconds:cpu:nanoseconds"},
		pitwall.ProfileAlloc:     {"memory:alloc_objects:count:space:bytes", "memory:alloc_space:bytes:space:bytes"},
		pitwall.ProfileMutex:     {"mutex:contentions:count:contentions:count", "mutex:delay:nanoseconds:contentions:count"},
		pitwall.ProfileBlock:     {"block:contentions:count:contentions:count", "block:delay:nanoseconds:contentions:count"},
		pitwall.ProfileGoroutine: {"goroutine:goroutine:count:goroutine:count"},
	}[t]
}

var matcher = regexp.MustCompile(`(\w+)="([^"]*)"`)

func (s *stand) matches(w pitwall.ProfileWindow, selector string, start, end int64) bool {
	labels := map[string]string{"service_name": string(w.Service), "service_version": string(w.Version)}
	for _, m := range matcher.FindAllStringSubmatch(selector, -1) {
		if labels[m[1]] != m[2] {
			return false
		}
	}
	at := w.Period.From.UnixMilli()
	return at >= start && at <= end
}

func (s *stand) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Connect-Protocol-Version") != "1" {
		s.t.Errorf("%s %s: %v %v", r.Method, r.URL, r.Header, err)
	}
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	switch r.URL.Path {
	case "/prefix/querier.v1.QuerierService/Series":
		s.series(w, body)
	case "/prefix/querier.v1.QuerierService/SelectMergeProfile":
		s.merge(w, body)
	default:
		http.NotFound(w, r)
	}
}

func (s *stand) series(w io.Writer, body []byte) {
	var q struct {
		Matchers   []string `json:"matchers"`
		LabelNames []string `json:"labelNames"`
		Start, End string
	}
	if err := json.Unmarshal(body, &q); err != nil || len(q.Matchers) != 1 || len(q.LabelNames) != 3 {
		s.t.Errorf("Series asked with %s: %v", body, err)
		return
	}
	start, _ := strconv.ParseInt(q.Start, 10, 64)
	end, _ := strconv.ParseInt(q.End, 10, 64)
	seen, sets := map[string]bool{}, []string{}
	for _, win := range s.windows {
		if !s.matches(win, q.Matchers[0], start, end) {
			continue
		}
		for _, id := range ids(win.Type) {
			set := fmt.Sprintf(`{"labels":[{"name":"__profile_type__","value":%q},{"name":"service_name","value":%q},{"name":"service_version","value":%q}]}`, id, win.Service, win.Version)
			if !seen[set] {
				seen[set] = true
				sets = append(sets, set)
			}
		}
	}
	if len(sets) == 0 {
		_, _ = io.WriteString(w, "{}") // protobuf's JSON leaves out what is empty
		return
	}
	_, _ = fmt.Fprintf(w, `{"labelsSet":[%s]}`, strings.Join(sets, ","))
}

func (s *stand) merge(w io.Writer, body []byte) {
	var id, selector string
	var at [5]int64
	for len(body) > 0 {
		number, typ, n := protowire.ConsumeTag(body)
		body = body[n:]
		if typ == protowire.VarintType {
			v, n := protowire.ConsumeVarint(body)
			at[number], body = int64(v), body[n:]
			continue
		}
		v, n := protowire.ConsumeString(body)
		if body = body[n:]; number == 1 {
			id = v
		} else {
			selector = v
		}
	}
	var parts []*pprof.Profile
	for _, win := range s.windows {
		for i, have := range ids(win.Type) {
			if have != id || !s.matches(win, selector, at[3], at[4]) {
				continue
			}
			p, err := pprof.ParseData(win.Data)
			if err != nil {
				s.t.Error(err)
			}
			for _, sample := range p.Sample {
				sample.Value = sample.Value[i : i+1]
			}
			p.SampleType = p.SampleType[i : i+1]
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return // the empty message
	}
	sum, err := pprof.Merge(parts)
	if err != nil {
		s.t.Error(err)
		return
	}
	_ = sum.WriteUncompressed(w)
}

func client(t *testing.T, h http.Handler, c Config) *Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c.URL = server.URL + "/prefix/"
	cl, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

func TestConformance(t *testing.T) {
	t.Log("against: a stand-in that speaks the documented Connect API of Pyroscope; no real server")
	storetest.RunProfiles(t, func(t *testing.T, windows []pitwall.ProfileWindow) pitwall.ProfileReader {
		return client(t, &stand{t: t, windows: windows}, Config{})
	})
}

// perSecond serves ten requests a second.
type perSecond struct{}

func (perSecond) Requests(_ pitwall.ServiceName, _ pitwall.Version, p pitwall.Period) int64 {
	return int64(10 * p.Duration().Seconds())
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func window(t *testing.T, second int, typ pitwall.ProfileType, quantum, cost float64) pitwall.ProfileWindow {
	t.Helper()
	p := pitwall.Period{From: noon.Add(time.Duration(second) * time.Second), To: noon.Add(time.Duration(second+10) * time.Second)}
	data, err := prof.Encode(&prof.Profile{Type: typ, Quantum: quantum, Stacks: []prof.Stack{{Frames: []string{"main.pay", "main.main"}, Value: cost}}}, p)
	if err != nil {
		t.Fatal(err)
	}
	return pitwall.ProfileWindow{Service: "shop", Version: "v1", Type: typ, Period: p, Data: data}
}

// TestWindows: half a minute each where nothing is said, never more requests than
// MaxWindows, every profile in exactly one window.
func TestWindows(t *testing.T) {
	s := &stand{t: t}
	for second := range 60 {
		s.windows = append(s.windows, window(t, 10*second, pitwall.ProfileCPU, 0.01, 1))
	}
	f := func(c Config, want int) {
		t.Helper()
		c.Requests = perSecond{}
		cl := client(t, s, c)
		s.asked.Store(0)
		period := pitwall.Period{From: noon, To: noon.Add(10 * time.Minute)}
		ws, err := cl.Profiles(t.Context(), pitwall.ProfileQuery{Service: "shop", Type: pitwall.ProfileCPU, Period: period})
		if err != nil || len(ws) != want || int(s.asked.Load()) != want+1 {
			t.Fatalf("%d windows in %d requests, %v; want %d", len(ws), s.asked.Load(), err, want)
		}
		sum, requests := 0.0, int64(0)
		for i, w := range ws {
			p, err := prof.Parse(w.Data, w.Type)
			if err != nil {
				t.Fatal(err)
			}
			sum += p.Total()
			requests += w.Requests
			if i > 0 && !w.Period.From.Equal(ws[i-1].Period.To) {
				t.Errorf("window %d begins at %v, the one before ends at %v", i, w.Period.From, ws[i-1].Period.To)
			}
		}
		if sum < 59.999 || sum > 60.001 || requests < 5990 || requests > 6000 {
			t.Errorf("%v s of CPU and %d requests in all, want 60 and 6000", sum, requests)
		}
	}
	f(Config{}, 20)
	f(Config{Window: time.Minute}, 10)
	f(Config{MaxWindows: 7}, 7)
}

// TestMutexKeepsItsEvents: what says how sure a delay is, is a second profile.
func TestMutexKeepsItsEvents(t *testing.T) {
	cl := client(t, &stand{t: t, windows: []pitwall.ProfileWindow{window(t, 0, pitwall.ProfileMutex, 0.25, 2)}}, Config{})
	ws, err := cl.Profiles(t.Context(), pitwall.ProfileQuery{Service: "shop", Type: pitwall.ProfileMutex, Period: pitwall.Period{From: noon, To: noon.Add(20 * time.Second)}})
	if err != nil || len(ws) != 1 {
		t.Fatal(len(ws), err)
	}
	p, err := prof.Parse(ws[0].Data, pitwall.ProfileMutex)
	if err != nil || p.Total() != 2 || p.Quantum != 0.25 {
		t.Errorf("%v s in waits of %v s, %v; want 2 in waits of 0.25", p.Total(), p.Quantum, err)
	}
}

// TestSeriesAnswer reads the hand-made exchange of testdata.
func TestSeriesAnswer(t *testing.T) {
	cl := client(t, page(t, "series.json", http.StatusOK, "application/json"), Config{})
	got, err := cl.streams(t.Context(), pitwall.ProfileQuery{Service: "checkout", Period: pitwall.Period{From: noon, To: noon.Add(time.Hour)}})
	want := "[{checkout v1 cpu [process_cpu:cpu:nanoseconds:cpu:nanoseconds process_cpu:samples:count:cpu:nanoseconds]}" +
		" {checkout  cpu [process_cpu:cpu:nanoseconds:cpu:nanoseconds]}" +
		" {checkout v1 mutex [mutex:delay:nanoseconds:mutex:count mutex:contentions:count:mutex:count]}" +
		" {checkout v1 goroutine [goroutines:goroutine:count:goroutine:count]}]"
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v\n got %v\nwant %s", err, got, want)
	}
}

func page(t *testing.T, file string, status int, contentType string) http.Handler {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	})
}

func TestProbe(t *testing.T) {
	cl := client(t, page(t, "profile-types.json", http.StatusOK, "application/json"), Config{})
	if err := cl.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := cl.Health()[0]; !h.Up || !strings.Contains(h.Message, "2 profile types") || h.Signal != pitwall.SignalProfiles || h.Blind == "" {
		t.Errorf("health %+v", h)
	}
}

func TestTrouble(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("s3cr3t-t0ken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hang := make(chan struct{})
	defer close(hang)
	q := pitwall.ProfileQuery{Service: "shop", Type: pitwall.ProfileCPU, Period: pitwall.Period{From: noon, To: noon.Add(time.Minute)}}
	f := func(name string, h http.HandlerFunc, kind pitwall.Kind, want string) {
		t.Helper()
		cl := client(t, h, Config{Server: remote.Server{TokenFile: token, Timeout: 300 * time.Millisecond, MaxBytes: 1 << 20}})
		began := time.Now()
		_, err := cl.Profiles(t.Context(), q)
		if pitwall.KindOf(err) != kind || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v (%s), want %s with %q", name, err, pitwall.KindOf(err), kind, want)
		}
		health := cl.Health()[0]
		if said := fmt.Sprint(err, pitwall.HintOf(err), health); strings.Contains(said, "s3cr3t") {
			t.Errorf("%s: the secret is in %s", name, said)
		}
		if health.Up && kind != pitwall.Invalid || time.Since(began) > 5*time.Second {
			t.Errorf("%s: after %v health is %+v", name, time.Since(began), health)
		}
	}
	f("hangs", func(http.ResponseWriter, *http.Request) { <-hang }, pitwall.Unavailable, "no whole answer within")
	f("refuses", page(t, "error.json", http.StatusBadRequest, "application/json").ServeHTTP, pitwall.Invalid, "parse error at line 1")
	f("repeats the secret", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no "+r.Header.Get("Authorization"), http.StatusUnauthorized)
	}, pitwall.Denied, "***")
	f("is no pyroscope", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>hello</html>") }, pitwall.Unavailable, "cannot be read")
	f("speaks nonsense", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "[1")
	}, pitwall.Unavailable, "cannot be read")
	f("floods", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), 2<<20)) }, pitwall.Invalid, "larger than 1 MiB")
	f("gives no pprof", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		if strings.HasSuffix(r.URL.Path, "Series") {
			_, _ = io.WriteString(w, `{"labelsSet":[{"labels":[{"name":"service_name","value":"shop"},{"name":"__profile_type__","value":"process_cpu:cpu:nanoseconds:cpu:nanoseconds"}]}]}`)
			return
		}
		_, _ = io.WriteString(w, "no pprof")
	}, pitwall.Unavailable, "reading pprof profile")

	cl := client(t, http.NotFoundHandler(), Config{})
	q.Period = pitwall.Period{}
	if _, err := cl.Profiles(t.Context(), q); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("without a period: %v", err)
	}
	if _, err := New(Config{Server: remote.Server{URL: "http://ada:s3cr3t@host"}}); pitwall.KindOf(err) != pitwall.Invalid || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("a password in the URL: %v", err)
	}
}
