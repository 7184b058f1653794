package monitor

import (
	"math"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/baseline"
)

// operation is what is followed of one operation: two quantiles of its latency,
// its share of failures and its traffic.
type operation struct {
	o       Options
	first   time.Time         // when it was met
	seen    time.Time         // the last minute with a request
	latency *baseline.Profile // of the p95; the median is taken to swing alike
	traffic *baseline.Profile
	basis   struct{ latency, traffic baseline.Basis }
	few     tally // requests of the last minutes, too few yet for a quantile

	median, tail, failures, rate *track
	series                       []*track // all of them
}

func newOperation(o Options, k key, at time.Time, kept map[pitwall.SeriesName]frozen) *operation {
	id := func(signal pitwall.Signal, metric string, unit pitwall.Unit) pitwall.SeriesName {
		return pitwall.SeriesName{Service: k.service, Operation: k.operation, Signal: signal, Metric: metric, Unit: unit}
	}
	profile := func() *baseline.Profile { return baseline.NewProfile(baseline.ProfileOptions{Zone: o.Zone}) }
	op := &operation{o: o, first: at, seen: at, latency: profile(), traffic: profile()}
	op.median = newTrack(o, id(pitwall.SignalLatency, "p50", pitwall.UnitSeconds), at)
	op.tail = newTrack(o, id(pitwall.SignalLatency, "p95", pitwall.UnitSeconds), at)
	op.failures = newTrack(o, id(pitwall.SignalErrors, "", pitwall.UnitRatio), at)
	op.rate = newTrack(o, id(pitwall.SignalTraffic, "", pitwall.UnitPerSecond), at)
	op.tail.profile, op.rate.profile = op.latency, op.traffic
	op.series = []*track{op.median, op.tail, op.failures, op.rate}
	for _, t := range op.series {
		if b, ok := kept[t.id]; ok {
			t.thaw(b)
			if !b.First.IsZero() && b.First.Before(op.first) {
				op.first = b.First
			}
			delete(kept, t.id)
		}
	}
	return op
}

// minute takes one minute; nil: there was no request.
func (op *operation) minute(at time.Time, t *tally) {
	if t == nil {
		t = &tally{}
	}
	if t.count > 0 {
		op.seen = at
	}
	median, tail, n := op.quantiles(t)
	for _, t := range op.series {
		t.age(at.Sub(op.first))
	}
	swing := op.swing(op.latency, at, &op.basis.latency, op.median, op.tail)
	op.latency.Observe(at, tail)
	op.median.quantity(at, measured{median, median / swing, t.count, n})
	op.tail.quantity(at, measured{tail, tail / swing, t.count, n})
	op.failures.share(at, t.failed, t.count)

	rate := float64(t.count) / Step.Seconds()
	usual := op.swing(op.traffic, at, &op.basis.traffic, op.rate)
	op.traffic.Observe(at, rate)
	expected := op.traffic.Expected(at).Value
	if least := least(op.traffic, at.In(op.o.Zone)); least < expected {
		usual, expected = usual*least/expected, least
	}
	expected *= Step.Seconds()
	if op.rate.growing || expected < float64(op.o.MinRequests) {
		usual = math.NaN() // nobody knows yet how the week goes, or there is too little to lose
	}
	op.rate.quantity(at, measured{rate, rate / usual, t.count, expected})
}

// quantiles are those of a minute and of how many requests. Where traffic is low
// minutes are joined until they hold enough; those before are without a point.
func (op *operation) quantiles(t *tally) (median, tail, n float64) {
	op.few.count += t.count
	op.few.latency.Merge(t.latency)
	if op.few.count < op.o.MinRequests {
		return math.NaN(), math.NaN(), 0
	}
	median, tail, n = quantile(op.few.latency, 0.5), quantile(op.few.latency, 0.95), float64(op.few.count)
	op.few = tally{}
	return median, tail, n
}

// hour takes an hour long past: what one minute of it was like on average.
func (op *operation) hour(at time.Time, t *tally) {
	if t == nil {
		return
	}
	op.seen = at
	op.traffic.Observe(at, float64(t.count)/time.Hour.Seconds())
	if t.count >= op.o.MinRequests {
		op.latency.Observe(at, quantile(t.latency, 0.95))
	}
}

// swing is by which factor the hour of the week differs from the level, 1 while
// that is not known. When it becomes known for the first time the detectors learn
// anew: they would hold points against a baseline with the day in it. Where a day
// hardly differs from none the profile's basis goes to and fro; that is no reason.
func (op *operation) swing(p *baseline.Profile, at time.Time, was *baseline.Basis, tracks ...*track) float64 {
	e := p.Expected(at)
	level, ok := p.Level()
	if !seasonal(*was) && e.Basis != *was {
		if *was != "" && seasonal(e.Basis) { // at the first minute of a life the baselines are of the one before
			for _, t := range tracks {
				if t.growing {
					t.relearn()
				}
			}
		}
		*was = e.Basis
	}
	if !seasonal(e.Basis) || !ok || !(e.Value > 0) || !(level > 0) {
		return 1
	}
	return e.Value / level
}

func seasonal(b baseline.Basis) bool { return b == baseline.BasisDaily || b == baseline.BasisWeekly }

// least is the least traffic that an instant may have: what the hour expects, or
// the line between the middles of two hours where that is less. The ends of an
// hour in which a morning rises are far from its middle, and a job that begins
// with the hour is nowhere on a line.
func least(p *baseline.Profile, at time.Time) float64 {
	before := at.Add(-time.Hour / 2)
	a, b, here := p.Expected(before), p.Expected(before.Add(time.Hour)), p.Expected(at).Value
	if a.Basis != b.Basis {
		return here
	}
	part := float64(before.Minute()) / 60 // of the clock on the wall, as the profile's hours are
	return min(here, a.Value+part*(b.Value-a.Value))
}

// lately is the number of requests of the last minutes that are kept.
func (op *operation) lately() int64 { return op.failures.requests(0) }

func quantile(h pitwall.Histogram, q float64) float64 {
	d, ok := h.Quantile(q)
	if !ok {
		return math.NaN()
	}
	return d.Seconds()
}
