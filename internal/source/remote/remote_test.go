package remote

import (
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

func client(t *testing.T, s Server) *Client {
	t.Helper()
	c, err := New(s, About{Name: "store", Signal: pitwall.SignalTraces, Blind: "traces"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func get(t *testing.T, c *Client) (Answer, error) {
	t.Helper()
	return c.Get(t.Context(), "/api/x", nil, "application/json")
}

func wantKind(t *testing.T, want pitwall.Kind, err error) {
	t.Helper()
	if got := pitwall.KindOf(err); got != want {
		t.Errorf("kind %q (%v), want %q", got, err, want)
	}
}

func TestTheAddressIsChecked(t *testing.T) {
	for _, u := range []string{"", "store:3200", "ftp://store", "http://", "http://store?x=1", "http://store#x", "http://a:hunter2@store", "http://[::1"} {
		_, err := New(Server{URL: u}, About{Name: "store"})
		wantKind(t, pitwall.Invalid, err)
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error repeats a password: %v", err)
		}
		if pitwall.HintOf(err) == "" {
			t.Errorf("%q: no hint", u)
		}
	}
	_, err := New(Server{URL: "http://store", User: "ada"}, About{})
	wantKind(t, pitwall.Invalid, err)
	_, err = New(Server{URL: "http://store", TokenFile: "a", User: "ada", PasswordFile: "b"}, About{})
	wantKind(t, pitwall.Invalid, err)
	_, err = New(Server{URL: "http://store", CAFile: file(t, "no certificate")}, About{})
	wantKind(t, pitwall.Invalid, err)
}

func TestPathPrefixAndHeaders(t *testing.T) {
	var got *http.Request
	url := serve(t, func(w http.ResponseWriter, r *http.Request) { got = r })
	c := client(t, Server{URL: url + "/tenant/one/", Headers: map[string]string{"X-Scope-OrgID": "shop"}})
	if _, err := get(t, c); err != nil {
		t.Fatal(err)
	}
	if got.URL.Path != "/tenant/one/api/x" || got.Header.Get("X-Scope-OrgID") != "shop" || got.Header.Get("Authorization") != "" {
		t.Errorf("asked %s with %v", got.URL.Path, got.Header)
	}
}

func TestSecretsAreReadWhenUsedAndNeverRepeated(t *testing.T) {
	token := file(t, "hunter2\n")
	want := "Bearer hunter2"
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != want {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, "who is %s?", r.Header.Get("Authorization"))
		}
	})
	c := client(t, Server{URL: url, TokenFile: token})
	if _, err := get(t, c); err != nil {
		t.Fatal(err)
	}
	want = "Bearer hunter3"
	_, err := get(t, c)
	wantKind(t, pitwall.Denied, err)
	if strings.Contains(err.Error(), "hunter") || !strings.Contains(pitwall.HintOf(err), token) {
		t.Errorf("error %q, hint %q: want the file and not the token", err, pitwall.HintOf(err))
	}
	if h := c.Health(); h.Up || strings.Contains(h.Message, "hunter") {
		t.Errorf("health %+v", h)
	}
	if err := os.WriteFile(token, []byte("hunter3"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, c); err != nil {
		t.Errorf("after the token was changed: %v", err)
	}
	if err := os.Remove(token); err != nil {
		t.Fatal(err)
	}
	_, err = get(t, c)
	wantKind(t, pitwall.Invalid, err)
}

func TestBasicAuthentication(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ada" || password != "hunter2" {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	c := client(t, Server{URL: url, User: "ada", PasswordFile: file(t, "hunter2")})
	if _, err := get(t, c); err != nil {
		t.Fatal(err)
	}
	_, err := get(t, client(t, Server{URL: url}))
	wantKind(t, pitwall.Denied, err)
}

func TestOwnCertificateAuthority(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of the client that does not trust it
	s.StartTLS()
	defer s.Close()
	ca := file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	if _, err := get(t, client(t, Server{URL: s.URL, CAFile: ca})); err != nil {
		t.Error(err)
	}
	_, err := get(t, client(t, Server{URL: s.URL}))
	wantKind(t, pitwall.Unavailable, err)
}

func TestTroubleOfTheServerIsTriedAgain(t *testing.T) {
	var n atomic.Int32
	status := http.StatusServiceUnavailable
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if b, _ := io.ReadAll(r.Body); string(b) != "question" {
			t.Errorf("try %d has body %q", n.Load(), b)
		}
		w.Header().Set("Retry-After", "0")
		if n.Add(1) < 3 {
			w.WriteHeader(status)
		}
	})
	ask := func() error {
		req, err := http.NewRequest(http.MethodPost, url, strings.NewReader("question"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = client(t, Server{URL: url}).Do(t.Context(), req)
		return err
	}
	if err := ask(); err != nil || n.Load() != 3 {
		t.Errorf("%v after %d tries, want an answer at the third", err, n.Load())
	}
	n.Store(-10)
	wantKind(t, pitwall.Unavailable, ask())
	if n.Load() != -7 {
		t.Errorf("%d tries, want 3", n.Load()+10)
	}
	n.Store(0)
	status = http.StatusBadRequest
	if err := ask(); err != nil || n.Load() != 1 {
		t.Errorf("%v after %d tries: a wrong question is an answer, once", err, n.Load())
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	var n atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"status":"error","error":"too many outstanding requests"}`)
	})
	began := time.Now()
	_, err := get(t, client(t, Server{URL: url, Timeout: 30 * time.Second}))
	wantKind(t, pitwall.Unavailable, err)
	if n.Load() != 1 || time.Since(began) > 20*time.Second {
		t.Errorf("%d tries in %v: a wait beyond the timeout is no use", n.Load(), time.Since(began))
	}
	if !strings.Contains(err.Error(), "too many outstanding requests") || !strings.Contains(pitwall.HintOf(err), "2m0s") {
		t.Errorf("error %q, hint %q", err, pitwall.HintOf(err))
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if d, ok := retryAfter(http.Header{"Retry-After": {"Sun, 01 Mar 2026 12:00:30 GMT"}}, now); d != 30*time.Second || !ok {
		t.Errorf("a date 30 s away is %v, %v", d, ok)
	}
}

// hanging accepts connections and never answers.
func hanging(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return "http://" + l.Addr().String()
}

func TestAServerThatHangsDripsOrFloods(t *testing.T) {
	drip := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	var sent atomic.Int64
	flood := serve(t, func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, 1<<20)
		for range 1024 { // 1 GiB
			n, err := w.Write(block)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	bomb := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		block := make([]byte, 1<<20)
		for range 64 {
			if _, err := z.Write(block); err != nil {
				return
			}
		}
		_ = z.Close()
	})
	refused := hanging(t) + "0" // no such port
	for name, c := range map[string]struct {
		url     string
		timeout time.Duration
		want    pitwall.Kind
	}{
		"hangs":   {hanging(t), 300 * time.Millisecond, pitwall.Unavailable},
		"drips":   {drip, 300 * time.Millisecond, pitwall.Unavailable},
		"floods":  {flood, time.Minute, pitwall.Invalid},
		"bombs":   {bomb, time.Minute, pitwall.Invalid},
		"refuses": {refused, time.Minute, pitwall.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			a := client(t, Server{URL: c.url, Timeout: c.timeout, MaxBytes: 4 << 20})
			_, err := get(t, a)
			wantKind(t, c.want, err)
			// Without the bound it would not end at all; a busy machine is slow.
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			if pitwall.HintOf(err) == "" {
				t.Errorf("no hint: %v", err)
			}
			if h := a.Health(); h.Up || h.Message == "" || h.Blind != "traces" {
				t.Errorf("health %+v", h)
			}
		})
	}
	if sent.Load() > 64<<20 {
		t.Errorf("the flood got %d MB through, the bound is 4 MiB and what fits the socket", sent.Load()>>20)
	}
}

func TestAnAskerWhoGoesAwayIsNoTroubleOfTheServer(t *testing.T) {
	c := client(t, Server{URL: serve(t, func(http.ResponseWriter, *http.Request) {})})
	if _, err := get(t, c); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Get(gone, "/", nil, "")
	wantKind(t, pitwall.Unavailable, err)
	if h := c.Health(); !h.Up || h.Accepted != 1 || h.Rejected != 0 {
		t.Errorf("health %+v", h)
	}
}

func TestRedirectsStayOnTheHost(t *testing.T) {
	var stolen atomic.Bool
	elsewhere := serve(t, func(w http.ResponseWriter, r *http.Request) { stolen.Store(r.Header.Get("X-Scope-OrgID") != "") })
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/x":
			http.Redirect(w, r, "/new", http.StatusFound)
		case "/new/api/x":
			http.Redirect(w, r, elsewhere+"/api/x", http.StatusFound)
		}
	})
	headers := map[string]string{"X-Scope-OrgID": "shop"}
	if _, err := get(t, client(t, Server{URL: url, Headers: headers})); err != nil {
		t.Error(err)
	}
	_, err := get(t, client(t, Server{URL: url + "/new", Headers: headers}))
	wantKind(t, pitwall.Invalid, err)
	if stolen.Load() {
		t.Error("headers went to another host")
	}
}

func TestTheServersWordsAreRepeatedOnOneLine(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		if got := words([]byte(body)); got != want {
			t.Errorf("%q: got %q, want %q", body, got, want)
		}
	}
	f(`{"status":"error","errorType":"bad_data","error":"parse error"}`, "parse error")
	f(`{"error":{"httpCode":404,"message":"No traces found"}}`, "No traces found")
	f(`{"data":null,"errors":[{"code":400,"msg":"parameter 'service' is required"}]}`, "parameter 'service' is required")
	f(`{"message":"down"}`, "down")
	f("too  many\r\nspans\x00\xff", "too many spans")
	f(`<!DOCTYPE html><p>Hello`, "")
	f(`{"error":`, "")
	f(``, "")
	if got := words([]byte(strings.Repeat("é", 5000))); len([]rune(got)) != maxSaid+1 {
		t.Errorf("%d runes repeated", len([]rune(got)))
	}
}

func TestWatchProbesUntilTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := client(t, Server{URL: "http://127.0.0.1:1"}).Watch(ctx, time.Millisecond, func(context.Context) error {
		if n++; n == 3 {
			cancel()
		}
		return errors.New("down")
	})
	if err != nil || n < 3 {
		t.Errorf("%v after %d probes", err, n)
	}
}
