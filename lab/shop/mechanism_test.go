package shop

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pitwall/pitwall/lab/telemetry"
)

// depsFor is a process' part without the process.
func depsFor(t testing.TB, o Options) deps {
	t.Helper()
	tel, err := telemetry.Start(context.Background(), telemetry.Config{Service: o.Name})
	if err != nil {
		t.Fatal(err)
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	return deps{Options: o, tel: tel, flags: newFlagSet(o), admin: http.NewServeMux()}
}

// charges runs payment with an acquirer and counts how many authorisations are
// under way at once.
func charges(t *testing.T, flags map[string]string) (atOnce int64) {
	t.Helper()
	var now, top atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Traceparent") != "" {
			t.Error("the outside was told a trace")
		}
		n := now.Add(1)
		for old := top.Load(); n > old && !top.CompareAndSwap(old, n); old = top.Load() {
		}
		time.Sleep(20 * time.Millisecond)
		now.Add(-1)
		fmt.Fprint(w, "{}")
	}))
	defer srv.Close()
	svc, err := newPayment(depsFor(t, Options{Name: "payment", Stage: map[string]string{"acquirer_url": srv.URL}, Flags: flags}))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan int, 6)
	for range cap(done) {
		go func() {
			w := httptest.NewRecorder()
			svc.routes[0].handle(w, httptest.NewRequest("POST", "/charge", strings.NewReader(`{"user":"u","total_cents":5,"lines":[{"qty":1}]}`)))
			done <- w.Code
		}()
	}
	for range cap(done) {
		if code := <-done; code != 200 {
			t.Errorf("a charge answered %d", code)
		}
	}
	return top.Load()
}

func TestAStrictLedgerBooksOneAtATime(t *testing.T) {
	if n := charges(t, nil); n < 2 {
		t.Errorf("%d authorisations at once, want several", n)
	}
	if n := charges(t, map[string]string{"ledger": "strict"}); n != 1 {
		t.Errorf("%d authorisations at once under a lock", n)
	}
}

func TestASmallCacheMisses(t *testing.T) {
	f := func(size string, least, most float64) {
		t.Helper()
		d := depsFor(t, Options{Name: "checkout", Flags: map[string]string{"promo_cache_size": size}})
		c := newPromoCache(d)
		searched, asked := 0, 0
		for range 5 {
			for i := range 100 {
				line := map[string]any{"sku": SKU(i), "name": "a b"}
				before := searched
				c.lookup(context.Background(), func(string, int) int { searched++; return 1 })(line, 1)
				asked++
				if searched > before {
					searched = before + 1
				}
			}
		}
		if share := float64(searched) / float64(asked); share < least || share > most {
			t.Errorf("size %s: %.2f of lookups search, want %.2f to %.2f", size, share, least, most)
		}
	}
	f("0", 1, 1)
	f("4096", .2, .2) // each good once
	f("10", .85, 1)
}

func TestOrdersAskOnceOrPerOrder(t *testing.T) {
	place := func(flags map[string]string) (points float64) {
		t.Helper()
		d := depsFor(t, Options{Name: "orders", Stage: map[string]string{"past_customers": "2"}, Flags: flags})
		svc, err := newOrders(context.Background(), d)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = svc.close() }()
		w := httptest.NewRecorder()
		svc.routes[0].handle(w, httptest.NewRequest("POST", "/orders", strings.NewReader(
			`{"user":"user-0001","total_cents":1000,"charge_id":"x","lines":[{"sku":"a","name":"b","qty":1,"line_cents":5}]}`)))
		var out map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		history, _ := out["history"].([]any)
		if (flags["answer"] == "history") != (len(history) > 200) {
			t.Errorf("%v: a history of %d lines", flags, len(history))
		}
		points, _ = out["points"].(float64)
		return points
	}
	if once, each := place(nil), place(map[string]string{"points": "per_order"}); once != 114 || each != 360 {
		// ten orders: this one of 10.00 and nine of 11.52 to 11.60; sixty orders of six pieces
		t.Errorf("points are %g and %g", once, each)
	}
	place(map[string]string{"answer": "history", "schema": "2"})
}

func TestStockAsksByIndexOrByWarehouse(t *testing.T) {
	sums := func(flags map[string]string) []Stock {
		t.Helper()
		s, err := openStock(context.Background(), depsFor(t, Options{Name: "inventory", Stage: map[string]string{"reservations": "4800"}, Flags: flags}))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.db.Close() }()
		var plan string
		var id, parent, unused int
		const ask = `EXPLAIN QUERY PLAN SELECT SUM(qty) FROM reservations WHERE sku = 'x'`
		if err := s.db.QueryRow(ask).Scan(&id, &parent, &unused, &plan); err != nil {
			t.Fatal(err)
		}
		if indexed := strings.Contains(plan, "INDEX"); indexed == (flags["stock_schema"] == "2") {
			t.Errorf("%v: the plan is %q", flags, plan)
		}
		items := []Item{goods(1)[SKU(3)]}
		if err := s.reserve(context.Background(), items); err != nil {
			t.Fatal(err)
		}
		return items[0].Stock
	}
	want := fmt.Sprint(sums(nil))
	for _, flags := range []map[string]string{{"stock_query": "warehouse"}, {"stock_schema": "2"}} {
		if got := fmt.Sprint(sums(flags)); got != want {
			t.Errorf("%v answers\n%s, want\n%s", flags, got, want)
		}
	}
}

func TestSwitchesWaitForTheirRefresh(t *testing.T) {
	o := Options{Name: "auth", Version: "v4", Stage: map[string]string{"session_rounds": "7"}, Flags: map[string]string{"x": "1"}, Refresh: time.Hour}
	f := newFlagSet(o)
	if f.get("device_check") != "" || f.get("x") != "" || f.get("session_rounds") != "7" || f.get("session_cache_ttl_seconds") != "300" {
		t.Errorf("before the refresh: %v", f.all())
	}
	f.refresh(o)
	if f.get("device_check") != "behaviour" || f.get("x") != "1" || f.get("session_rounds") != "7" {
		t.Errorf("after the refresh: %v", f.all())
	}
}

// TestSomeRequestsPanic: each exception hits some customers and spares most.
func TestSomeRequestsPanic(t *testing.T) {
	f := func(name string, do func(i int)) {
		t.Helper()
		failed := 0
		for i := range 240 {
			func() {
				defer func() {
					if recover() != nil {
						failed++
					}
				}()
				do(i)
			}()
		}
		if share := float64(failed) / 240; share < .005 || share > .15 { // a cart has five lines
			t.Errorf("%s: %.3f of the goods or customers fail", name, share)
		}
	}
	all := goods(1)
	line := func(i int) []any {
		b, _ := json.Marshal([]Item{all[SKU(i)]})
		var out []any
		_ = json.Unmarshal(b, &out)
		return out
	}
	f("auth", func(i int) { strictRoles(fmt.Sprintf("user-%04d", i)) })
	f("inventory", func(i int) { fastBin(all[SKU(i)]) })
	f("payment", func(i int) { itemised(line(i)) })
	f("checkout", func(i int) { addGiftNotes(line(i)) })
	f("orders", func(i int) { giftFor(orderRequest{Lines: []orderLine{{}}}, int64(i)) })
}

func TestAPanicIsAnAnswer(t *testing.T) {
	d := depsFor(t, Options{Name: "auth"})
	w := httptest.NewRecorder()
	watched(d.tel, func(http.ResponseWriter, *http.Request) { var p *profile; _ = p.country })(w, httptest.NewRequest("POST", "/validate", nil))
	if w.Code != 500 || !strings.Contains(w.Body.String(), "nil pointer") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestATrailKeepsEverything(t *testing.T) {
	var tr trail
	for range 3 {
		tr.keep(map[string]any{"user": "u"})
	}
	if len(tr.kept) != 3 || tr.kept[2].before != tr.kept[1] || len(tr.kept[0].steps) != trailSteps {
		t.Error("the trail let something go")
	}
}
