package pprof

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	httppprof "net/http/pprof"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
)

// shelf is a sink and a request count that remember.
type shelf struct {
	mu      sync.Mutex
	windows []pitwall.ProfileWindow
	asked   []pitwall.Period
	early   int // questions asked before the spans could have arrived
}

func (s *shelf) AppendProfile(_ context.Context, w pitwall.ProfileWindow) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.windows = append(s.windows, w)
	return nil
}

const settle = 100 * time.Millisecond

func (s *shelf) Requests(service pitwall.ServiceName, version pitwall.Version, p pitwall.Period) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, p)
	if time.Now().Before(p.To.Add(settle)) {
		s.early++
	}
	if service != "checkout" || version != "v12" {
		return 0
	}
	return 700
}

// of gives the windows of a service and type so far.
func (s *shelf) of(service pitwall.ServiceName, typ pitwall.ProfileType) (found []pitwall.ProfileWindow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.windows {
		if w.Service == service && w.Type == typ {
			found = append(found, w)
		}
	}
	return found
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

//go:noinline
func burn(stop *atomic.Bool) (kept []byte) {
	for !stop.Load() {
		kept = make([]byte, 1<<16)
		for range 4 {
			sum := sha256.Sum256(kept)
			copy(kept, sum[:])
		}
		runtime.Gosched()
	}
	return kept
}

// startShop serves this process' own profiles while it burns CPU.
func startShop(t *testing.T) (address string) {
	t.Helper()
	var stop atomic.Bool
	var work sync.WaitGroup
	work.Go(func() { runtime.KeepAlive(burn(&stop)) })
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", httppprof.Index)
	mux.HandleFunc("/debug/pprof/profile", httppprof.Profile)
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		stop.Store(true)
		work.Wait()
		server.CloseClientConnections()
		server.Close()
	})
	return strings.TrimPrefix(server.URL, "http://")
}

// startHanging accepts and never answers.
func startHanging(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func startDead(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func startWrong(t *testing.T) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>welcome</html>"))
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func health(s *Scraper, name string) (found pitwall.SourceHealth, ok bool) {
	for _, h := range s.Health() {
		if strings.HasPrefix(h.Name, name) {
			return h, true
		}
	}
	return found, false
}

func TestScrapeRealService(t *testing.T) {
	shop, hanging, dead, wrong := startShop(t), startHanging(t), startDead(t), startWrong(t)
	file := filepath.Join(t.TempDir(), "targets.json")
	sink := &shelf{}
	s := New(Config{
		FileSD: file, Window: 300 * time.Millisecond, DeltaEvery: 1, Settle: settle, Grace: 1500 * time.Millisecond,
		Reload: 20 * time.Millisecond, Sink: sink, Requests: sink,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	eventually(t, "a missing file is told of", func() bool {
		h, _ := health(s, "pprof targets")
		return !h.Up && strings.Contains(h.Message, "reading targets file") && h.Blind != ""
	})
	write(t, file, fmt.Sprintf(`[
		{"targets": [%q], "labels": {"service": "checkout", "version": "v12", "instance": "c-1"}},
		{"targets": [%q], "labels": {"service": "checkout", "version": "v12", "instance": "c-2"}},
		{"targets": [%q], "labels": {"service": "dead"}},
		{"targets": [%q], "labels": {"service": "wrong"}}]`, shop, hanging, dead, wrong))

	eventually(t, "two CPU windows and an allocation window of checkout", func() bool {
		return len(sink.of("checkout", pitwall.ProfileCPU)) >= 2 && len(sink.of("checkout", pitwall.ProfileAlloc)) >= 1
	})
	checkWindows(t, sink)
	eventually(t, "bad targets are told of", func() bool {
		h, _ := health(s, "pprof checkout v12 c-2")
		d, _ := health(s, "pprof dead")
		w, _ := health(s, "pprof wrong")
		return strings.Contains(h.Message, "deadline exceeded") && strings.Contains(d.Message, "connection refused") && strings.Contains(w.Message, "reading pprof profile")
	})
	if h, _ := health(s, "pprof checkout v12 c-1"); !h.Up || h.Accepted < 3 || h.Message != "mutex: empty; call runtime.SetMutexProfileFraction; block: empty; call runtime.SetBlockProfileRate" {
		t.Errorf("health of a good target: %+v", h)
	}

	// A half-written file changes nothing; a new one replaces the targets.
	write(t, file, `[{"targets": ["127`)
	eventually(t, "a broken file is told of", func() bool {
		h, _ := health(s, "pprof targets")
		return !h.Up && strings.Contains(h.Message, "line 1: not a JSON list")
	})
	if _, ok := health(s, "pprof dead"); !ok {
		t.Error("a broken file has dropped the targets")
	}
	write(t, file, fmt.Sprintf(`[{"targets": [%q], "labels": {"service": "checkout", "version": "v13"}}]`, shop))
	eventually(t, "windows of v13 and nothing else", func() bool {
		ws := sink.of("checkout", pitwall.ProfileCPU)
		return ws[len(ws)-1].Version == "v13" && len(s.Health()) == 2
	})
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if len(sink.of("dead", pitwall.ProfileCPU))+len(sink.of("wrong", pitwall.ProfileCPU)) > 0 {
		t.Error("windows were stored of targets that gave no profile")
	}
}

func checkWindows(t *testing.T, sink *shelf) {
	t.Helper()
	for _, typ := range []pitwall.ProfileType{pitwall.ProfileCPU, pitwall.ProfileAlloc} {
		ws := sink.of("checkout", typ)
		for _, w := range ws {
			if w.Version != "v12" || w.Instance != "c-1" || w.Requests != 700 {
				t.Errorf("%s window %s %s with %d requests; only c-1 answers, so all 700 are its own", typ, w.Version, w.Instance, w.Requests)
			}
			if d := w.Period.Duration(); d < time.Second || d > 10*time.Second {
				t.Errorf("%s window lasts %v", typ, d)
			}
		}
		folded, err := prof.Fold(ws)
		if err != nil {
			t.Fatal(err)
		}
		cost := 0.0
		for _, f := range folded {
			cost += f.Functions["github.com/pitwall/pitwall/internal/source/pprof.burn"].Cumulative
		}
		if cost <= 0 {
			t.Errorf("burn does not appear in %d %s windows", len(ws), typ)
		}
	}
	cpu := sink.of("checkout", pitwall.ProfileCPU)
	if cpu[1].Period.From.Before(cpu[0].Period.To) {
		t.Errorf("windows overlap: %v and %v", cpu[0].Period, cpu[1].Period)
	}
	sink.mu.Lock()
	defer sink.mu.Unlock()
	if sink.early > 0 {
		t.Errorf("%d of %d questions came before the spans", sink.early, len(sink.asked))
	}
}

func TestStopStoresWhatIsLeftWithUnknownRequests(t *testing.T) {
	shop := startShop(t)
	file := filepath.Join(t.TempDir(), "targets.json")
	write(t, file, fmt.Sprintf(`[{"targets": [%q], "labels": {"service": "checkout", "version": "v12"}}]`, shop))
	sink := &shelf{}
	s := New(Config{FileSD: file, Window: time.Second, Settle: time.Hour, Types: []pitwall.ProfileType{pitwall.ProfileCPU}, Sink: sink, Requests: sink})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	eventually(t, "a window waits", func() bool {
		h, _ := health(s, "pprof checkout")
		return h.Up
	})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	ws := sink.of("checkout", pitwall.ProfileCPU)
	if len(ws) != 1 || ws[0].Requests != 0 || len(sink.asked) != 0 {
		t.Errorf("%d windows, asked %d times; want one with requests unknown", len(ws), len(sink.asked))
	}
}

func TestParseTargets(t *testing.T) {
	got, err := parseTargets([]byte(`[
		{"targets": ["a:1", "b:1"], "labels": {"service": "x", "version": "v1"}},
		{"targets": ["a:1"], "labels": {"service": "twice"}}, {"targets": [], "labels": {"service": "y"}}]`))
	want := []endpoint{{"a:1", "x", "v1", "a:1"}, {"b:1", "x", "v1", "b:1"}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(endpoint{})); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	for content, want := range map[string]string{
		``:                        "line 1",
		"[\n{\"targets\": oops}]": "line 2",
		`{"targets": ["a:1"]}`:    "not a JSON list",
		`[{"targets": ["a:1"]}]`:  `group 1: no label "service"`,
		`[{"targets": ["a"], "labels": {"service": "x"}}]`: `target "a" is not host:port`,
	} {
		if _, err := parseTargets([]byte(content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", content, err, want)
		}
	}
}

func TestNeedsFileAndSink(t *testing.T) {
	if err := New(Config{}).Run(context.Background()); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("Run without a file: %v, want invalid", err)
	}
}

func TestWindowIsWholeSeconds(t *testing.T) {
	for given, want := range map[time.Duration]time.Duration{0: 5 * time.Second, time.Millisecond: time.Second, 2500 * time.Millisecond: 3 * time.Second, 2 * time.Second: 2 * time.Second} {
		if got := (Config{Window: given}).withDefaults().Window; got != want {
			t.Errorf("window %v becomes %v, want %v", given, got, want)
		}
	}
}
