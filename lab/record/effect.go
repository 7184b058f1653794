package record

import "slices"

// What proves an effect: the mean half as long again, or two more requests in
// a hundred failed.
const (
	provenSlower = 1.5
	provenFailed = 0.02
)

// Served is how one operation was served over a period.
type Served struct {
	N      int     `json:"n"`
	Errors float64 `json:"errors"` // share of requests, 0..1
	Mean   float64 `json:"mean_s"`
	P50    float64 `json:"p50_s"`
	P99    float64 `json:"p99_s"`
}

// Effect is what users felt: the questioned operation before the onset and
// after it.
type Effect struct {
	Before Served `json:"before"`
	After  Served `json:"after"`
	Fired  bool   `json:"fired"`  // the alerting rule did
	Proven bool   `json:"proven"` // clearly worse after than before
}

// served sums the requests that began in a period.
func served(rs []request, p period) Served {
	var took []float64
	s := Served{}
	for _, r := range rs {
		if !p.holds(r.start) {
			continue
		}
		s.N++
		if r.failed {
			s.Errors++
		}
		took = append(took, float64(r.end-r.start)/1e9)
	}
	if s.N == 0 {
		return s
	}
	slices.Sort(took)
	s.Errors /= float64(s.N)
	s.Mean, s.P50, s.P99 = mean(took), rank(took, .5), rank(took, .99)
	return s
}

// effect compares the baseline with the time from the onset on; without an
// alarm, with the whole window.
func effect(rs []request, ps periods, a alarm) Effect {
	after := ps.window
	if a.fired {
		after.from = a.onset
	}
	e := Effect{Before: served(rs, ps.baseline), After: served(rs, after), Fired: a.fired}
	if e.Before.N > 0 && e.After.N > 0 {
		e.Proven = e.After.Mean >= provenSlower*e.Before.Mean || e.After.Errors-e.Before.Errors >= provenFailed
	}
	return e
}
