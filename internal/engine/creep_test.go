package engine

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// TestTrendsOfRealSeries: goroutines of the cart grow by 3 % a day, open files
// of the checkout stay where they are below their limit, and a saw-tooth heap
// does not grow; all from samples in the real store.
func TestTrendsOfRealSeries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	days := 14
	w.now = begin.Add(time.Duration(days) * 24 * time.Hour)
	store := openMetrics(t, w.now)
	rng := rand.New(rand.NewPCG(5, 5))
	series := func(name string, labels map[string]string, value func(day float64) float64) pitwall.Series {
		s := pitwall.Series{Labels: map[string]string{"__name__": name}}
		for k, v := range labels {
			s.Labels[k] = v
		}
		for at := begin; at.Before(w.now); at = at.Add(4 * time.Minute) {
			s.T = append(s.T, at.UnixMilli())
			s.V = append(s.V, value(at.Sub(begin).Hours()/24)*(1+0.03*rng.NormFloat64()))
		}
		return s
	}
	cart, checkout := map[string]string{"job": "shop/cart", "instance": "a"}, map[string]string{"service_name": "checkout", "job": "checkout", "instance": "b"}
	appendInOrder(t, store, []pitwall.Series{
		series("go_goroutines", cart, func(d float64) float64 { return 200 * (1 + 0.03*d) }),
		series("process_open_fds", checkout, func(float64) float64 { return 300 }),
		series("process_max_fds", checkout, func(float64) float64 { return 1024 }),
		series("go_memstats_heap_alloc_bytes", cart, func(d float64) float64 { return 1e8 * (1 + 0.8*(d*40-float64(int(d*40)))) }),
		series("up", cart, func(float64) float64 { return 1 }),
	})
	w.start()
	e := w.life.engine
	e.c.Metrics = store
	trends, err := e.trends(t.Context(), w.now)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]pitwall.Trend{}
	for _, x := range trends {
		got[string(x.Service)+" "+x.Kind] = x
	}
	grows := got["cart goroutines"]
	if grows.Verdict != "drift" || grows.PerDayLow > 0.025 || grows.PerDayHigh < 0.02 || trends[0].Kind != "goroutines" {
		t.Errorf("goroutines: %+v", grows)
	}
	if files := got["checkout files"]; files.Verdict != "steady" || files.Limit == nil || *files.Limit < 900 {
		t.Errorf("files: %+v", files)
	}
	if heap := got["cart heap"]; heap.Verdict != "steady" {
		t.Errorf("heap: %+v", heap)
	}
	if len(trends) != 3 {
		t.Errorf("%d trends: %+v", len(trends), trends)
	}
	// At a start there may be no metric yet: it is looked again soon, not in an hour.
	w.totals = &fakeTotals{until: func() time.Time { return w.now }}
	w.now = w.now.Add(-creepAgain)
	w.start()
	e = w.life.engine
	look := func(in pitwall.MetricReader) int {
		e.c.Metrics = in
		var work sync.WaitGroup
		e.creep(t.Context(), &work)
		work.Wait()
		trends, _, problem := e.crept()
		if problem != "" {
			t.Error(problem)
		}
		return len(trends)
	}
	if n := look(openMetrics(t, w.now)); n != 0 {
		t.Errorf("%d trends of an empty store", n)
	}
	if n := look(store); n != 0 {
		t.Errorf("looked again at once: %d", n)
	}
	w.now = w.now.Add(creepAgain)
	if n := look(store); n != 3 {
		t.Errorf("%d trends after %s", n, creepAgain)
	}
}
