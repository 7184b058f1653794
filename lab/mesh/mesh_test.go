package mesh_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall/lab/link"
	"github.com/pitwall/pitwall/lab/mesh"
)

func traceID(r *rand.Rand) string { return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()) }

func table(v40, v41 int) mesh.Table {
	return mesh.Table{"inventory": {
		{Version: "v40", Addr: "a:1", Weight: v40},
		{Version: "v41", Addr: "b:1", Weight: v41},
	}}
}

func TestPickFollowsWeights(t *testing.T) {
	rt := mesh.New(link.Link{}, nil)
	f := func(weight int) {
		t.Helper()
		rt.Set(table(weight, 100-weight))
		r := rand.New(rand.NewPCG(1, 2))
		const n = 20_000
		hits := 0
		for range n {
			if b, _ := rt.Pick("inventory", traceID(r)); b.Version == "v40" {
				hits++
			}
		}
		got := float64(hits) / n * 100
		if got < float64(weight)-1 || got > float64(weight)+1 { // 3 standard errors at 50 %
			t.Errorf("v40 got %.2f %%, want %d ± 1", got, weight)
		}
	}
	for _, w := range []int{0, 1, 10, 50, 90, 100} {
		f(w)
	}
}

func TestATraceStaysOnItsVersion(t *testing.T) {
	rt := mesh.New(link.Link{}, nil)
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		id := traceID(r)
		rt.Set(table(25, 75))
		first, _ := rt.Pick("inventory", id)
		again, _ := rt.Pick("inventory", id)
		if first != again {
			t.Fatalf("trace %s moved from %s to %s", id, first.Version, again.Version)
		}
		rt.Set(table(50, 50))
		if more, _ := rt.Pick("inventory", id); first.Version == "v40" && more.Version != "v40" {
			t.Fatalf("raising v40 moved trace %s away from it", id)
		}
	}
}

func TestPickWithoutWeight(t *testing.T) {
	rt := mesh.New(link.Link{}, nil)
	if _, ok := rt.Pick("nobody", "x"); ok {
		t.Error("an unknown service was routed")
	}
	rt.Set(table(0, 0))
	if _, ok := rt.Pick("inventory", "x"); ok {
		t.Error("a service without weight was routed")
	}
}

func TestRouterCarriesACallOverTheLink(t *testing.T) {
	const payload = 20_000
	var seen http.Header
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		seen.Set("X-Host", r.Host)
		body, _ := io.ReadAll(r.Body)
		if len(body) != payload || r.URL.Path != "/v1/items" || r.URL.RawQuery != "ids=a,b" {
			t.Errorf("instance saw %d bytes at %s", len(body), r.URL)
		}
		_, _ = w.Write(bytes.Repeat([]byte("y"), payload))
	}))
	defer up.Close()
	rt := mesh.New(link.Link{Rate: 200_000}, http.DefaultTransport)
	rt.Set(mesh.Table{"inventory": {{Version: "v40", Addr: strings.TrimPrefix(up.URL, "http://"), Weight: 100}}})
	edge := httptest.NewServer(rt)
	defer edge.Close()

	req, _ := http.NewRequest("POST", edge.URL+"/svc/inventory/v1/items?ids=a,b", bytes.NewReader(make([]byte, payload)))
	const tp = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	req.Header.Set("traceparent", tp)
	start := time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || len(body) != payload {
		t.Fatalf("got %d bytes, %v", len(body), err)
	}
	// 20 kB each way at 200 kB/s is 100 ms + 100 ms.
	if took := time.Since(start); took < 195*time.Millisecond || took > 500*time.Millisecond {
		t.Errorf("the call took %v, want about 200 ms", took)
	}
	if seen.Get("Traceparent") != tp || seen.Get("X-Host") != "inventory" {
		t.Errorf("instance saw traceparent %q, host %q", seen.Get("Traceparent"), seen.Get("X-Host"))
	}
}

func TestRouterAnswersUnknownServices(t *testing.T) {
	edge := httptest.NewServer(mesh.New(link.Link{}, http.DefaultTransport))
	defer edge.Close()
	f := func(path string, want int) {
		t.Helper()
		res, err := http.Get(edge.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, res.StatusCode, want)
		}
	}
	f("/svc/nobody/x", http.StatusServiceUnavailable)
	f("/elsewhere", http.StatusNotFound)
}
