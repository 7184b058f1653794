package monitor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
)

// traffic is a service in which nothing changes but the hour: requests a minute,
// their latency in seconds, the share that fails.
type traffic struct {
	rate, latency, failed func(time.Time) float64
}

func always(v float64) func(time.Time) float64 { return func(time.Time) float64 { return v } }

// course is between 0 at night and 1 at noon, as steep as offices open.
func course(at time.Time) float64 {
	h := float64(at.Hour()) + float64(at.Minute())/60
	return 1 / (1 + math.Exp(8.5*2-2*h)) / (1 + math.Exp(2*h-17.5*2))
}

func weekend(at time.Time) bool {
	return at.Weekday() == time.Saturday || at.Weekday() == time.Sunday
}

func (tr traffic) minute(rng *rand.Rand, s pitwall.ServiceName, at time.Time) pitwall.OperationTotals {
	rate := tr.rate(at)
	o := pitwall.OperationTotals{Service: s, Operation: "GET /", Kind: pitwall.SpanServer, Count: max(0, int64(math.Round(rate+math.Sqrt(rate)*rng.NormFloat64())))}
	for range o.Count {
		o.Latency.Add(pitwall.Bucket(time.Duration(1e9*tr.latency(at)*math.Exp(0.5*rng.NormFloat64()))), 1)
		if rng.Float64() < tr.failed(at) {
			o.Failed++
		}
	}
	return o
}

// watched runs services of one kind from a Monday on and gives what is found.
func watched(t *testing.T, tr traffic, services, days int) (*Monitor, []detect.Finding) {
	t.Helper()
	m, rng := newMonitor(t), rand.New(rand.NewPCG(7, 9))
	var found []detect.Finding
	for at := epoch0; at.Before(epoch0.Add(time.Duration(days) * 24 * time.Hour)); at = at.Add(Step) {
		var totals []pitwall.OperationTotals
		for i := range services {
			totals = append(totals, tr.minute(rng, pitwall.ServiceName(fmt.Sprint("s", i)), at))
		}
		m.Minute(at, totals)
		found = append(found, m.Look(Sight{Now: at.Add(Step)}).Findings...)
	}
	return m, found
}

// TestNightIsNoRegression: a fifth of the traffic at night makes every quantile
// noisier, and says nothing; nor does a morning that doubles each hour.
func TestNightIsNoRegression(t *testing.T) {
	if testing.Short() {
		t.Skip("weeks of minutes")
	}
	t.Parallel()
	for name, c := range map[string]struct {
		traffic
		services, days int
	}{
		"day": {traffic{func(at time.Time) float64 {
			return 100 * (1 + 0.75*math.Sin(2*math.Pi*(float64(at.Unix()%86400)/86400-0.375)))
		}, always(0.05), always(0.004)}, 5, 8},
		"office": {traffic{func(at time.Time) float64 { return 25 + 150*course(at) }, func(at time.Time) float64 { return 0.05 * (1 + 0.5*course(at)) }, always(0.004)}, 2, 19},
	} {
		_, found := watched(t, c.traffic, c.services, c.days)
		for _, f := range found {
			t.Errorf("%s: %s", name, f.Why)
		}
	}
}

// TestAWeekIsLearnt: Saturdays are no loss of traffic and Mondays no regression,
// from the third week on at the latest, and nothing that was found before stands.
func TestAWeekIsLearnt(t *testing.T) {
	if testing.Short() {
		t.Skip("weeks of minutes")
	}
	t.Parallel()
	quiet := func(at time.Time, v, share float64) float64 {
		if weekend(at) {
			return v * share
		}
		return v
	}
	m, found := watched(t, traffic{func(at time.Time) float64 { return quiet(at, 60, 0.4) }, func(at time.Time) float64 { return quiet(at, 0.05, 0.8) }, always(0.004)}, 2, 23)
	for _, f := range found {
		if f.Lead.Series.Signal == pitwall.SignalTraffic || f.Seen.After(epoch0.Add(15*24*time.Hour)) {
			t.Errorf("%s", f.Why)
		}
	}
	for _, f := range m.Sensed().Findings {
		if f.Gone.IsZero() {
			t.Errorf("still standing: %s", f.Why)
		}
	}
}

// counted is a minute of which only counts are known.
func counted(service, operation string, count, failed int64) pitwall.OperationTotals {
	return pitwall.OperationTotals{Service: pitwall.ServiceName(service), Operation: operation, Kind: pitwall.SpanServer, Count: count, Failed: failed}
}

// TestAnUnluckyBaselineIsNoFinding: one failure among 500 requests was learnt,
// 2 % are usual. However long one watches, one failure is no rate.
func TestAnUnluckyBaselineIsNoFinding(t *testing.T) {
	m := newMonitor(t)
	at := epoch0
	minute := func(failed int64) []detect.Finding {
		m.Minute(at, []pitwall.OperationTotals{counted("s", "GET /", 5, failed)})
		at = at.Add(Step)
		return m.Look(Sight{Now: at}).Findings
	}
	one := func(yes bool) int64 {
		if yes {
			return 1
		}
		return 0
	}
	for i := range 100 {
		minute(one(i == 50))
	}
	for i := range 24 * 60 {
		if f := minute(one(i%10 == 5)); len(f) > 0 {
			t.Fatalf("after %d minutes: %s", i, f[0].Why)
		}
	}
	for range 60 {
		if f := minute(2); len(f) > 0 {
			return
		}
	}
	t.Error("40 % of failures are not found")
}

// past lets a monitor learn weeks of hours of two services without a course.
func past(m *Monitor, until time.Time) {
	for at := until.Add(-20 * 24 * time.Hour); at.Before(until); at = at.Add(time.Hour) {
		m.Hour(at, []pitwall.OperationTotals{counted("s", "GET /", 3600, 0), counted("other", "GET /", 3600, 0)})
	}
}

// TestLostTrafficIsFound: all of it, and all but a trickle, though every hour has
// the same; and a minute in which nobody listened is no loss.
func TestLostTrafficIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		after []pitwall.OperationTotals
		found int
	}{
		"nothing":   {[]pitwall.OperationTotals{counted("other", "GET /", 60, 0)}, 1},
		"a trickle": {[]pitwall.OperationTotals{counted("s", "GET /", 1, 0), counted("other", "GET /", 60, 0)}, 1},
		"no spans":  {nil, 0},
	} {
		m := newMonitor(t)
		past(m, epoch0)
		at, found, rng := epoch0, 0, rand.New(rand.NewPCG(1, 2))
		for i := range 150 {
			totals := c.after
			if i < 125 {
				totals = []pitwall.OperationTotals{counted("s", "GET /", 56+rng.Int64N(9), 0), counted("other", "GET /", 56+rng.Int64N(9), 0)}
			}
			m.Minute(at, totals)
			at = at.Add(Step)
			for _, f := range m.Look(Sight{Now: at}).Findings {
				found++
				if f.Lead.Series.Service != "s" || f.Lead.Series.Signal != pitwall.SignalTraffic {
					t.Errorf("%s: %s", name, f.Why)
				}
			}
		}
		if found != c.found {
			t.Errorf("%s: %d findings, want %d", name, found, c.found)
		}
	}
}

// TestNoiseOfFewRequestsIsNoEvidence: a baseline of 100 requests a minute, and
// nights of 16 with two and a half times the noise.
func TestNoiseOfFewRequestsIsNoEvidence(t *testing.T) {
	rings := func(on float64) (n int) {
		for seed := range uint64(20) {
			rng := rand.New(rand.NewPCG(seed, 1))
			tr := newTrack(Options{}.filled(), pitwall.SeriesName{Signal: pitwall.SignalLatency, Unit: pitwall.UnitSeconds}, epoch0)
			for i := range 1000 {
				noise, requests := 0.1, 100.0
				if i >= 100 {
					noise, requests = 0.25, on
				}
				v := math.Exp(noise * rng.NormFloat64())
				tr.quantity(epoch0.Add(time.Duration(i)*Step), measured{v, v, int64(requests), requests})
			}
			if tr.ring != nil {
				n++
			}
		}
		return n
	}
	if n := rings(16); n > 0 {
		t.Errorf("%d of 20 ring", n)
	}
	if n := rings(100); n < 10 {
		t.Errorf("taken for as sure as by day only %d of 20 ring, so this shows nothing", n)
	}
}
