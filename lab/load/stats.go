package load

import (
	"math"
	"slices"
	"sync"
	"time"
)

// Sample is one request as the user saw it.
type Sample struct {
	Intended time.Time
	Latency  time.Duration // from the intended moment to the last byte
	Slip     time.Duration // how late it was sent
	Route    string
	OK       bool
}

// Samples keeps every sample in memory: 80 a second for an hour are 20 MB.
type Samples struct {
	mu      sync.Mutex
	all     []Sample
	sent    int
	dropped int
}

func (s *Samples) begin() {
	s.mu.Lock()
	s.sent++
	s.mu.Unlock()
}

func (s *Samples) drop() {
	s.mu.Lock()
	s.dropped++
	s.mu.Unlock()
}

func (s *Samples) add(x Sample) {
	s.mu.Lock()
	s.all = append(s.all, x)
	s.mu.Unlock()
}

// Window is the latency of one route between two moments, exact.
type Window struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Route  string    `json:"route"`
	N      int       `json:"n"`
	Errors int       `json:"errors"`
	Mean   float64   `json:"mean_ms"`
	P50    float64   `json:"p50_ms"`
	P95    float64   `json:"p95_ms"`
	P99    float64   `json:"p99_ms"`
	Max    float64   `json:"max_ms"`
}

// Between gives the window of a route by intended time, from inclusive. Failed
// requests count as errors and are left out of the latencies. With no good
// request the quantiles are 0 and N − Errors is 0: no data, not a fast shop.
func (s *Samples) Between(route string, from, to time.Time) Window {
	w := Window{From: from, To: to, Route: route}
	var ms []float64
	s.mu.Lock()
	for _, x := range s.all {
		if x.Route != route || x.Intended.Before(from) || !x.Intended.Before(to) {
			continue
		}
		w.N++
		if !x.OK {
			w.Errors++
			continue
		}
		ms = append(ms, float64(x.Latency)/1e6)
	}
	s.mu.Unlock()
	slices.Sort(ms)
	for _, x := range ms {
		w.Mean += x / float64(len(ms))
	}
	w.P50, w.P95, w.P99, w.Max = quantile(ms, .5), quantile(ms, .95), quantile(ms, .99), quantile(ms, 1)
	return w
}

// quantile is the nearest-rank quantile of sorted values.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[max(0, i)]
}

// Summary is the state of the whole run.
type Summary struct {
	Sent     int                 `json:"sent"`
	OK       int                 `json:"ok"`
	Failed   int                 `json:"failed"`
	Late     int                 `json:"late"`    // sent more than 20 ms after the intended moment
	Dropped  int                 `json:"dropped"` // not sent: too many in flight
	InFlight int                 `json:"in_flight"`
	Routes   map[string][]Second `json:"routes"` // the last two minutes
}

// Second is one second of one route.
type Second struct {
	Time   time.Time `json:"time"`
	N      int       `json:"n"`
	Errors int       `json:"errors"`
	P50    float64   `json:"p50_ms"`
	P99    float64   `json:"p99_ms"`
}

const lateAfter = 20 * time.Millisecond

// Summary counts everything and details the two minutes before now.
func (s *Samples) Summary(now time.Time) Summary {
	s.mu.Lock()
	all := slices.Clone(s.all)
	sum := Summary{Sent: s.sent, Dropped: s.dropped, InFlight: s.sent - len(s.all), Routes: map[string][]Second{}}
	s.mu.Unlock()
	type cell struct {
		route string
		sec   int64
	}
	ms := map[cell][]float64{}
	bad := map[cell]int{}
	for _, x := range all {
		if x.OK {
			sum.OK++
		} else {
			sum.Failed++
		}
		if x.Slip > lateAfter {
			sum.Late++
		}
		if now.Sub(x.Intended) > 2*time.Minute {
			continue
		}
		c := cell{x.Route, x.Intended.Unix()}
		if x.OK {
			ms[c] = append(ms[c], float64(x.Latency)/1e6)
		} else {
			bad[c]++
			if _, ok := ms[c]; !ok {
				ms[c] = nil // a second of failures only is a second too
			}
		}
	}
	for c, v := range ms {
		slices.Sort(v)
		sum.Routes[c.route] = append(sum.Routes[c.route], Second{
			Time: time.Unix(c.sec, 0).UTC(), N: len(v) + bad[c], Errors: bad[c], P50: quantile(v, .5), P99: quantile(v, .99),
		})
	}
	for _, secs := range sum.Routes {
		slices.SortFunc(secs, func(a, b Second) int { return a.Time.Compare(b.Time) })
	}
	return sum
}
