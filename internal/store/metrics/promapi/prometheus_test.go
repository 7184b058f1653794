package promapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// startPrometheus runs the real server over a directory and gives its URL. It
// is stopped, and waited for, when the test ends.
func startPrometheus(t *testing.T, dir string, flags ...string) string {
	t.Helper()
	bin, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("NOT COMPARED: there is no prometheus on this machine (apt-get install prometheus)")
	}
	conf := filepath.Join(t.TempDir(), "prometheus.yml")
	// The store's own default step of subqueries, and nothing to scrape.
	if err := os.WriteFile(conf, []byte("global: {evaluation_interval: 15s}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, bin, append([]string{"--config.file=" + conf, "--storage.tsdb.path=" + dir,
		"--web.listen-address=127.0.0.1:0", "--enable-feature=native-histograms", "--log.level=info"}, flags...)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 1)
	read := make(chan struct{})
	var log strings.Builder
	go func() {
		defer close(read)
		address := regexp.MustCompile(`msg="Listening on" address=(\S+)`)
		for s := bufio.NewScanner(stderr); s.Scan(); {
			log.WriteString(s.Text() + "\n")
			if m := address.FindStringSubmatch(s.Text()); m != nil && len(said) == 0 {
				said <- m[1]
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-read
		_ = cmd.Wait() // killed
	})
	select {
	case addr := <-said:
		base := "http://" + addr
		waitReady(t, base)
		return base
	case <-read:
		t.Fatalf("prometheus ended:\n%s", log.String())
	case <-time.After(30 * time.Second):
		t.Fatal("prometheus does not say where it listens")
	}
	return ""
}

func waitReady(t *testing.T, base string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(base + "/-/ready")
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatal("prometheus does not become ready")
}

// exchange is one request of the query set.
type exchange struct {
	method string // GET without one
	path   string // after /api/v1/
	params url.Values
	// unordered marks a query whose result the engine takes out of a map, so that
	// its order changes from one evaluation to the next.
	unordered bool
}

func (e exchange) String() string {
	method := e.method
	if method == "" {
		method = http.MethodGet
	}
	q, _ := url.QueryUnescape(e.params.Encode())
	return strings.TrimSuffix(method+" "+e.path+"?"+q, "?")
}

// reply is what one side said. Body is the decoded JSON.
type reply struct {
	status int
	kind   string // of content
	body   map[string]any
	raw    []byte
}

func (e exchange) send(t *testing.T, base string) reply {
	t.Helper()
	var req *http.Request
	var err error
	if e.method == http.MethodPost {
		req, err = http.NewRequest(e.method, base+"/api/v1/"+e.path, strings.NewReader(e.params.Encode()))
		if req != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	} else {
		req, err = http.NewRequest(http.MethodGet, base+"/api/v1/"+e.path+"?"+e.params.Encode(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r := reply{status: resp.StatusCode, kind: resp.Header.Get("Content-Type")}
	if r.raw, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	if len(r.raw) > 0 && strings.HasPrefix(r.kind, "application/json") {
		if err := json.Unmarshal(r.raw, &r.body); err != nil {
			t.Fatalf("%s: %v in %.200s", e, err, r.raw)
		}
	}
	return r
}

// sort puts the series of a vector into one order.
func (r reply) sort() {
	data, _ := r.body["data"].(map[string]any)
	result, _ := data["result"].([]any)
	slices.SortFunc(result, func(a, b any) int {
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		return bytes.Compare(x, y)
	})
}

// short is a reply in one line, for the table of differences.
func (r reply) short() string {
	if r.body["status"] == "error" {
		return fmt.Sprintf("%d %v", r.status, r.body["errorType"])
	}
	data, _ := json.Marshal(r.body["data"])
	return fmt.Sprintf("%d %s", r.status, data)
}

// sides are the real server and ours over copies of one directory.
type sides struct{ theirs, ours string }

func serveOurs(t *testing.T, c Config) string {
	t.Helper()
	api, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/prometheus/", http.StripPrefix("/prometheus", api))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL + "/prometheus"
}

func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}
