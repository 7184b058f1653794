package shop_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pitwall/pitwall/lab/mesh"
	"github.com/pitwall/pitwall/lab/shop"
)

// start runs one service in this process until the test ends.
func start(t *testing.T, o shop.Options) shop.Listening {
	t.Helper()
	o.Addr, o.Admin, o.MeshAddr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := shop.Run(ctx, o, w)
		_ = w.CloseWithError(fmt.Errorf("the service ended: %w", err))
		done <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s ended with %v", o.Name, err)
		}
	})
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var l shop.Listening
	if err := json.Unmarshal(line, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func do(t *testing.T, method, url, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, b
}

// medianLookup is the median answer size of 101 carts of five goods.
func medianLookup(t *testing.T, addr string) int {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	var sizes []int
	for range 101 {
		var skus []string
		for _, i := range r.Perm(shop.SKUs)[:5] {
			skus = append(skus, shop.SKU(i))
		}
		b, err := json.Marshal(map[string]any{"skus": skus})
		if err != nil {
			t.Fatal(err)
		}
		status, body := do(t, "POST", "http://"+addr+"/v1/items/lookup", string(b))
		if status != 200 {
			t.Fatalf("lookup answered %d: %s", status, body)
		}
		sizes = append(sizes, len(body))
	}
	slices.Sort(sizes)
	return sizes[50]
}

func TestTheTwoVersionsOfInventory(t *testing.T) {
	f := func(version string, lo, hi int) {
		t.Helper()
		l := start(t, shop.Options{Name: "inventory", Version: version, Seed: 1})
		if got := medianLookup(t, l.Addr); got < lo || got > hi {
			t.Errorf("%s: median lookup is %d bytes, want %d to %d", version, got, lo, hi)
		}
	}
	f("v40", 7_200, 8_800)
	f("v40.1", 7_200, 8_800)
	f("v41", 80_000, 90_000)
}

func TestInventoryFlagAtRunTime(t *testing.T) {
	l := start(t, shop.Options{Name: "inventory", Version: "v41", Seed: 1})
	if status, _ := do(t, "PUT", "http://"+l.Admin+"/flags/"+shop.FullDetails, `{"value":"false"}`); status != 200 {
		t.Fatalf("setting the flag answered %d", status)
	}
	if got := medianLookup(t, l.Addr); got > 10_000 {
		t.Errorf("median is %d bytes with the flag off", got)
	}
}

func TestInventoryRefuses(t *testing.T) {
	l := start(t, shop.Options{Name: "inventory", Version: "v40", Seed: 1})
	f := func(method, path, body string, status int) {
		t.Helper()
		if got, b := do(t, method, "http://"+l.Addr+path, body); got != status {
			t.Errorf("%s %s answered %d (%.80s), want %d", method, path, got, b, status)
		}
	}
	f("POST", "/v1/items/lookup", `{"skus":["SKU-99999"]}`, 404)
	f("POST", "/v1/items/lookup", `{"skus":[]}`, 400)
	f("POST", "/v1/items/lookup", `not json`, 400)
	f("GET", "/v1/items?ids="+shop.SKU(1)+","+shop.SKU(2), "", 200)
	f("GET", "/catalog", "", 200)
	f("GET", "/healthz", "", 200)
	f("GET", "/nowhere", "", 404)
}

func TestRunRefusesUnknownServices(t *testing.T) {
	err := shop.Run(context.Background(), shop.Options{Name: "chekout"}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "checkout") {
		t.Errorf("error %v does not name the services there are", err)
	}
}

// The whole shop in one process: a checkout through the edge, the database,
// and what each hop saw.
func TestACheckoutThroughTheWholeShop(t *testing.T) {
	edge := start(t, shop.Options{Name: "edge", Version: "v5", Seed: 1})
	table := mesh.Table{}
	for _, name := range shop.Names()[1:] {
		l := start(t, shop.Options{Name: name, Version: "v1", Seed: 1, Mesh: "http://" + edge.Mesh, Dir: t.TempDir()})
		table[name] = []mesh.Backend{{Version: "v1", Addr: l.Addr, Weight: 100}}
	}
	b, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	if status, body := do(t, "PUT", "http://"+edge.Admin+"/routes", string(b)); status != 204 {
		t.Fatalf("setting routes answered %d: %s", status, body)
	}
	cart, err := json.Marshal(shop.Cart{Token: shop.Token("user-1"), Lines: []shop.CartLine{{SKU: shop.SKU(1), Qty: 2}, {SKU: shop.SKU(2), Qty: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post("http://"+edge.Addr+"/checkout", "application/json", bytes.NewReader(cart))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var conf shop.Confirmation
	if err := json.NewDecoder(res.Body).Decode(&conf); err != nil || res.StatusCode != 200 {
		t.Fatalf("checkout answered %d, %v", res.StatusCode, err)
	}
	if id := res.Header.Get("X-Trace-Id"); len(id) != 32 || strings.Trim(id, "0") == "" || !strings.Contains(res.Header.Get("Traceresponse"), id) {
		t.Errorf("trace id %q, traceresponse %q", id, res.Header.Get("Traceresponse"))
	}
	if len(conf.Lines) != 2 || conf.Lines[0].Qty != 2 || conf.Lines[0].Name == "" || conf.TotalCents <= conf.Lines[0].Cents {
		t.Errorf("confirmation %+v", conf)
	}
	status, recent := do(t, "GET", "http://"+edge.Addr+"/orders/recent", "")
	if status != 200 || !bytes.Contains(recent, []byte(conf.OrderID)) {
		t.Errorf("recent orders answered %d without %s: %s", status, conf.OrderID, recent)
	}
	bad := strings.Replace(string(cart), "user-1", "user-2", 1)
	if status, body := do(t, "POST", "http://"+edge.Addr+"/checkout", bad); status != 502 || !bytes.Contains(body, []byte("401")) {
		t.Errorf("a forged session answered %d: %s", status, body)
	}
}
