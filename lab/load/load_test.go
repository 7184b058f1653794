package load

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func take(seed uint64, n int) []Arrival {
	s := NewSchedule(seed, Routes(66))
	var out []Arrival
	for range n {
		a, _ := s.Next()
		out = append(out, a)
	}
	return out
}

func TestScheduleFollowsFromTheSeed(t *testing.T) {
	if diff := cmp.Diff(take(7, 2000), take(7, 2000)); diff != "" {
		t.Errorf("the same seed gave another schedule:\n%s", diff)
	}
	if cmp.Equal(take(7, 50), take(8, 50)) {
		t.Error("another seed gave the same schedule")
	}
}

func TestScheduleKeepsItsRatesAndCarts(t *testing.T) {
	arrivals := take(1, 30_000)
	if !slices.IsSortedFunc(arrivals, func(a, b Arrival) int { return int(a.At - b.At) }) {
		t.Fatal("arrivals are not in order of time")
	}
	span := arrivals[len(arrivals)-1].At.Seconds()
	var sizes []int
	rum := 0
	for _, a := range arrivals {
		if a.Cart == nil {
			continue
		}
		sizes = append(sizes, len(a.Cart.Lines))
		if a.RUM {
			rum++
		}
	}
	slices.Sort(sizes)
	if rate := float64(len(sizes)) / span; math.Abs(rate-66) > 1.5 {
		t.Errorf("%.1f checkouts per second, want 66", rate)
	}
	if share := float64(rum) / float64(len(sizes)); share < .2 {
		t.Errorf("%.2f of checkouts send beacons, want at least 0.20", share)
	}
	n := len(sizes)
	if sizes[0] != 3 || sizes[n/2] != 5 || sizes[n-1] != 12 || sizes[n*99/100] < 10 {
		t.Errorf("cart sizes: min %d, median %d, p99 %d, max %d", sizes[0], sizes[n/2], sizes[n*99/100], sizes[n-1])
	}
}

func TestScheduleWithoutRates(t *testing.T) {
	if a, ok := NewSchedule(1, Routes(0)).Next(); ok {
		t.Errorf("an arrival from no rate: %+v", a)
	}
}

func TestWindowIsExact(t *testing.T) {
	s := &Samples{}
	t0 := time.Unix(1000, 0)
	for i := range 1000 {
		s.begin()
		s.add(Sample{Intended: t0.Add(time.Duration(i) * time.Millisecond), Latency: time.Duration(i+1) * time.Millisecond, Route: "POST /checkout", OK: i != 500})
	}
	s.add(Sample{Intended: t0, Latency: time.Hour, Route: "GET /catalog", OK: true})
	w := s.Between("POST /checkout", t0, t0.Add(time.Second))
	if w.N != 1000 || w.Errors != 1 || w.P50 != 500 || w.P99 != 991 || w.Max != 1000 {
		t.Errorf("window %+v", w)
	}
	if w := s.Between("POST /checkout", t0, t0.Add(100*time.Millisecond)); w.N != 100 || w.P99 != 99 {
		t.Errorf("window %+v, want the first hundred", w)
	}
	if w := s.Between("POST /checkout", t0.Add(time.Hour), t0.Add(2*time.Hour)); w.N != 0 || w.P99 != 0 {
		t.Errorf("window without data %+v", w)
	}
}

// A shop that answers each request after 100 ms, one at a time, must not slow
// the schedule, and its queue must show in the latencies.
func TestGeneratorIsOpen(t *testing.T) {
	var one sync.Mutex
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		one.Lock()
		defer one.Unlock()
		time.Sleep(100 * time.Millisecond)
	}))
	defer srv.Close()
	rum, err := NewBeacons("")
	if err != nil {
		t.Fatal(err)
	}
	samples := &Samples{}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	start := time.Now()
	NewGenerator(srv.URL, samples, rum).Run(ctx, NewSchedule(1, []Route{{"GET /catalog", "GET", "/catalog", 20}}), start)
	sum := samples.Summary(time.Now())
	if sum.Sent < 10 || sum.Sent > 35 {
		t.Errorf("sent %d in 1 s, want about 20", sum.Sent)
	}
	if w := samples.Between("GET /catalog", start, start.Add(time.Hour)); w.N == 0 || w.Max < 300 {
		t.Errorf("window %+v: the queue's wait is missing", w)
	}
}

func TestBeaconsWaitForTheReceiver(t *testing.T) {
	down := true
	var got []Beacon
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
	}))
	defer srv.Close()
	b, err := NewBeacons(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	t0 := time.Unix(0, 0)
	seen := answerSeen{traceID: "abc", first: t0.Add(90 * time.Millisecond), body: []byte(`{"order_id":"o","lines":[{"sku":"a","name":"b","qty":1,"cents":2}]}`)}
	b.Render(Arrival{User: 3}, seen, t0, t0.Add(100*time.Millisecond))
	b.Render(Arrival{User: 4}, answerSeen{body: []byte("no page")}, t0, t0) // draws nothing, sends nothing
	b.flush(context.Background())
	down = false
	b.flush(context.Background())
	if len(got) != 1 {
		t.Fatalf("received %+v, want one beacon", got)
	}
	x := got[0]
	if x.TraceID != "abc" || x.TTFB != 90 || x.Response != 100 || x.Render <= 0 || x.LCP != x.Response+x.Render || x.Page != "/checkout" {
		t.Errorf("beacon %+v", x)
	}
}

func TestMoment(t *testing.T) {
	for _, s := range []string{"1970-01-01T00:00:01.5Z", "1.5"} {
		m, err := moment(s)
		if err != nil || m.UnixMilli() != 1500 {
			t.Errorf("%q is %v, %v", s, m, err)
		}
	}
	if _, err := moment("noon"); err == nil {
		t.Error("noon was understood")
	}
}
