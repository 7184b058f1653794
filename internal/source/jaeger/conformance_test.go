package jaeger

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/source/remote"
	"github.com/pitwall/pitwall/internal/store/storetest"
)

// record writes testdata anew from the real Jaeger that PITWALL_JAEGER names.
var record = flag.Bool("record", false, "record exchanges with a real Jaeger (PITWALL_JAEGER=path of all-in-one)")

const recordedVersion = "1.76.0"

// TestConformance runs the suite that every span store passes, in both of
// Jaeger's APIs: against a real one if PITWALL_JAEGER names its all-in-one
// program, otherwise against what a real one answered when it was recorded.
func TestConformance(t *testing.T) {
	for _, api := range []string{"v3", "legacy"} {
		t.Run(api, func(t *testing.T) {
			url := server(t, api)
			storetest.RunSpans(t, func(t *testing.T, _ *pitwall.SpanBatch) storetest.Traces { return clientOf(t, url, remote.Limits{}) })
			t.Run("BehindTheLimit", func(t *testing.T) { behindTheLimit(t, url) })
		})
	}
}

// server gives the address of a Jaeger, or of what one answered, with the fixed
// traces in it.
func server(t *testing.T, api string) string {
	file := "testdata/jaeger-" + recordedVersion + "-" + api + ".json.gz"
	program := os.Getenv("PITWALL_JAEGER")
	if program == "" {
		t.Logf("against: recorded exchange of Jaeger %s (%s)", recordedVersion, file)
		return replay(t, file)
	}
	t.Logf("against: real Jaeger (%s), %s", program, api)
	tape := &tape{hideV3: api == "legacy", target: startJaeger(t, program, storetest.FixedTraces())}
	if *record {
		t.Cleanup(func() { tape.write(t, file) })
	}
	s := httptest.NewServer(tape)
	t.Cleanup(s.Close)
	return s.URL
}

// behindTheLimit: with three traces a request, all are found all the same; with
// too few requests, Health says that it is a sample.
func behindTheLimit(t *testing.T, url string) {
	q := pitwall.SpanQuery{Service: "edge", Operation: "POST /checkout",
		Period: pitwall.Period{From: storetest.TracesBegin().Add(-time.Second), To: storetest.TracesBegin().Add(2 * time.Minute)}}
	c := clientOf(t, url, remote.Limits{Traces: 3})
	b, err := c.Spans(t.Context(), q)
	if err != nil || b.Len() != 12 {
		t.Fatalf("%d spans, want 12 (%v)", b.Len(), err)
	}
	if m := c.Health()[0].Message; strings.Contains(m, "sample") {
		t.Errorf("all were found, yet: %s", m)
	}
	c = clientOf(t, url, remote.Limits{Traces: 3, Requests: 4})
	if b, err = c.Spans(t.Context(), q); err != nil || b.Len() == 0 || b.Len() >= 12 {
		t.Fatalf("%d spans, want a sample (%v)", b.Len(), err)
	}
	h := c.Health()[0]
	if !h.Up || !strings.Contains(h.Message, "2 slices hit the limit of 3 traces: what is shown is a sample") {
		t.Errorf("health %+v", h)
	}
}

func clientOf(t *testing.T, url string, l remote.Limits) *Client {
	t.Helper()
	c, err := New(Config{Server: remote.Server{URL: url, Timeout: 30 * time.Second}, Limits: l})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// exchange is one request and what was answered.
type exchange struct {
	Request string `json:"request"`
	Status  int    `json:"status"`
	Type    string `json:"type"`
	Body    int    `json:"body"` // of tape.Bodies
}

// tape passes requests on to a real server and keeps what was said, each body
// once.
type tape struct {
	Server    string     `json:"server"`
	Exchanges []exchange `json:"exchanges"`
	Bodies    []string   `json:"bodies"`

	mu     sync.Mutex
	target string
	hideV3 bool // be an older Jaeger: its start page for what it does not know
}

func (p *tape) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.RequestURI()
	if p.hideV3 {
		path = strings.Replace(path, "/api/v3/", "/no/such/api/", 1)
	}
	resp, err := http.Get(p.target + path)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	e := exchange{Request: r.URL.RequestURI(), Status: resp.StatusCode, Type: resp.Header.Get("Content-Type")}
	if e.Body = slices.Index(p.Bodies, string(body)); e.Body < 0 {
		e.Body = len(p.Bodies)
		p.Bodies = append(p.Bodies, string(body))
	}
	if !slices.ContainsFunc(p.Exchanges, func(x exchange) bool { return x.Request == e.Request }) {
		p.Exchanges = append(p.Exchanges, e)
	}
	e.answer(w, body)
}

func (e exchange) answer(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", e.Type)
	w.WriteHeader(e.Status)
	_, _ = w.Write(body)
}

func (p *tape) write(t *testing.T, file string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Server = "Jaeger " + recordedVersion + " all-in-one, in-memory storage"
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	e := json.NewEncoder(z)
	e.SetEscapeHTML(false)
	if err := errors.Join(e.Encode(p), z.Close()); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Error(err)
	}
}

// replay serves a recorded tape; a request that was never made is a failure.
func replay(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	var p tape
	if err := json.NewDecoder(z).Decode(&p); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, e := range p.Exchanges {
			if e.Request == r.URL.RequestURI() {
				e.answer(w, []byte(p.Bodies[e.Body]))
				return
			}
		}
		t.Errorf("never recorded: %s\nrecord again as testdata/README.md says", r.URL.RequestURI())
		w.WriteHeader(http.StatusNotImplemented)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// startJaeger runs a Jaeger with the traces in it and gives the address of its
// query service.
func startJaeger(t *testing.T, program string, load *pitwall.SpanBatch) string {
	t.Helper()
	listen := map[string]string{}
	var args []string
	for _, name := range []string{"collector.otlp.http.host-port", "collector.otlp.grpc.host-port", "query.http-server.host-port",
		"query.grpc-server.host-port", "admin.http.host-port", "collector.http-server.host-port", "collector.grpc-server.host-port"} {
		listen[name] = freePort(t)
		args = append(args, "--"+name+"="+listen[name])
	}
	cmd := exec.Command(program, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	until(t, func() error {
		resp, err := http.Post("http://"+listen["collector.otlp.http.host-port"]+"/v1/traces", "application/json", bytes.NewReader(storetest.OTLP(load)))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("loading: %s", resp.Status)
		}
		return nil
	})
	query := "http://" + listen["query.http-server.host-port"]
	last := load.TraceID[load.Len()-1]
	until(t, func() error {
		resp, err := http.Get(query + "/api/traces/" + url.PathEscape(hexOf(last)))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("the last trace: %s", resp.Status)
		}
		return nil
	})
	return query
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func until(t *testing.T, f func() error) {
	t.Helper()
	end := time.Now().Add(20 * time.Second)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
