package shop

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// toHost sends a peer's requests to a test server.
type toHost struct {
	host string
	next http.RoundTripper
}

func (h toHost) RoundTrip(r *http.Request) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.URL.Host = h.host
	return h.next.RoundTrip(out)
}

func peerTo(t *testing.T, flags map[string]string, h http.HandlerFunc) *peer {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	d := depsFor(t, Options{Name: "checkout", Flags: flags})
	p, err := newPeer(d, "payment", func(next http.RoundTripper) http.RoundTripper {
		return toHost{strings.TrimPrefix(srv.URL, "http://"), next}
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPeerIsAskedAgain(t *testing.T) {
	f := func(want int, flags map[string]string, h func(n int64, w http.ResponseWriter, r *http.Request)) {
		t.Helper()
		var asked atomic.Int64
		p := peerTo(t, flags, func(w http.ResponseWriter, r *http.Request) { h(asked.Add(1), w, r) })
		_, err := p.post(context.Background(), "http://payment/charge", 1)
		if got := int(asked.Load()); got != want {
			t.Errorf("%v: asked %d times, want %d (%v)", flags, got, want, err)
		}
	}
	status := func(s int) func(int64, http.ResponseWriter, *http.Request) {
		return func(_ int64, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(s) }
	}
	f(1, nil, status(503))
	f(4, map[string]string{"payment_retries": "3"}, status(503))
	f(1, map[string]string{"payment_retries": "3"}, status(404)) // asking again will not help
	f(2, map[string]string{"payment_retries": "3"}, func(n int64, w http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			w.WriteHeader(500)
			return
		}
		fmt.Fprint(w, "{}")
	})
	f(3, map[string]string{"payment_retries": "2", "payment_timeout_ms": "20"}, func(_ int64, _ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice who hung up
		<-r.Context().Done()
	})
}

func TestAPoolOfOneSerialises(t *testing.T) {
	f := func(conns string, most int64) {
		t.Helper()
		var now, top atomic.Int64
		p := peerTo(t, map[string]string{"payment_max_conns": conns}, func(w http.ResponseWriter, _ *http.Request) {
			n := now.Add(1)
			for old := top.Load(); n > old && !top.CompareAndSwap(old, n); old = top.Load() {
			}
			time.Sleep(20 * time.Millisecond)
			now.Add(-1)
			fmt.Fprint(w, "{}")
		})
		done := make(chan error, 6)
		for range cap(done) {
			go func() {
				_, err := p.get(context.Background(), "http://payment/x")
				done <- err
			}()
		}
		for range cap(done) {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if got := top.Load(); (most == 1) != (got == 1) {
			t.Errorf("%s connections: %d at once", conns, got)
		}
	}
	f("1", 1)
	f("64", 6)
}
