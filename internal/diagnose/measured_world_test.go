package diagnose

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// more is what a shop tells besides its spans' times, and what of its faults
// only that can tell apart. Milliseconds.
type more struct {
	node       float64            // share of the machine in use
	sched      map[string]float64 // service → wait for a processor
	gc         map[string]float64 // service → share of its CPU that collects
	heap       map[string]float64 // service → megabytes
	alloc      map[string]float64 // service → kilobytes a request
	mutex      map[string]float64 // service → wait for locks per request
	poolWait   float64            // of orders for its database
	poolInUse  float64
	poolMax    float64
	priceHit   float64       // share of price lookups that checkout's cache answers; 0: it has no cache
	priceMs    float64       // what inventory needs for one price
	giveUp     float64       // checkout's deadline for payment; 0: none
	retries    int           // checkout's, for payment
	partner    float64       // share of requests from a partner
	partnerMs  float64       // what one of those takes longer in checkout
	restart    time.Duration // a new instance of checkout this often; 0: never
	coldFor    time.Duration
	coldMs     float64
	throughput float64 // share of requests that are traced; 0: all
}

func calmMore() more {
	per := func(v float64) map[string]float64 {
		return map[string]float64{"edge": v, "checkout": v, "inventory": v, "payment": v, "auth": v, "orders": v}
	}
	return more{
		node: 0.45, sched: per(0.1), gc: per(0.08), heap: per(30), alloc: per(120), mutex: per(0.05),
		priceMs: 4, poolWait: 0.1, poolInUse: 2, poolMax: 10,
	}
}

func (m more) clone() more {
	for _, of := range []*map[string]float64{&m.sched, &m.gc, &m.heap, &m.alloc, &m.mutex} {
		*of = maps.Clone(*of)
	}
	return m
}

// measured draws every typed series, a point each five seconds.
func (w world) measured(p pitwall.Period) []pitwall.Measured {
	r := rand.New(rand.NewPCG(w.seed, 77))
	by := map[string]*pitwall.Measured{}
	point := func(at time.Time, service, metric, stat string, v float64) {
		key := service + "/" + metric
		if by[key] == nil {
			by[key] = &pitwall.Measured{Service: pitwall.ServiceName(service), Metric: metric, Stat: stat}
		}
		by[key].T = append(by[key].T, at.UnixMilli())
		by[key].V = append(by[key].V, v*math.Exp(0.06*r.NormFloat64()))
	}
	for at := p.From; at.Before(p.To); at = at.Add(5 * time.Second) {
		sh := w.at(at)
		for _, s := range slices.Sorted(maps.Keys(sh.sched)) {
			cpu := 0.0
			for _, name := range slices.Sorted(maps.Keys(sh.cpu[s])) {
				cpu += sh.cpu[s][name]
			}
			point(at, s, metricRequests, "rate", sh.rate)
			point(at, s, metricCPU, "value", sh.rate*max(cpu, 1)/1e3)
			point(at, s, metricSched, "avg", sh.sched[s]/1e3)
			point(at, s, metricGC, "ratio", sh.gc[s])
			point(at, s, metricHeap, "value", sh.heap[s]*1e6)
			point(at, s, metricAlloc, "rate", sh.alloc[s]*1e3*sh.rate)
			point(at, s, metricMutex, "rate", sh.mutex[s]/1e3*sh.rate)
		}
		point(at, "node", metricNodeCPU, "value", sh.node)
		point(at, "orders", metricPoolWait, "avg", sh.poolWait/1e3)
		point(at, "orders", metricPoolInUse, "value", sh.poolInUse)
		point(at, "orders", metricPoolMax, "value", sh.poolMax)
		if sh.priceHit > 0 {
			point(at, "checkout", metricCache, "ratio", sh.priceHit)
		}
	}
	var list []pitwall.Measured
	for _, key := range slices.Sorted(maps.Keys(by)) {
		list = append(list, *by[key])
	}
	return list
}

// runs says which instance answers.
func (d *draw) runs(service string, at time.Time) []pitwall.Attr {
	id := service + "-1"
	if d.restart > 0 && service == "checkout" {
		id = fmt.Sprintf("checkout-%d", at.Sub(epoch)/d.restart)
	}
	attrs := []pitwall.Attr{{Key: "service.instance.id", Value: id}}
	if service == "checkout" {
		attrs = append(attrs, pitwall.Attr{Key: "app.client", Value: d.client})
	}
	return attrs
}

// extra is what a request takes longer in checkout for who sent it and for who
// answers it.
func (d *draw) extra(at time.Time) float64 {
	ms := 0.0
	if d.client == "acme" {
		ms += d.partnerMs
	}
	if d.restart > 0 && at.Sub(epoch)%d.restart < d.coldFor {
		ms += d.coldMs
	}
	return ms
}

// asks is how often checkout asks for single prices.
func (d *draw) asks() int {
	n := d.prices
	if d.priceHit > 0 && d.r.Float64() > d.priceHit {
		n++
	}
	return n
}

// charge calls payment, again and again while that fails and is allowed.
func (d *draw) charge(at *time.Time, parent uint64) (failed bool) {
	for try := range d.retries + 1 {
		var attrs []pitwall.Attr
		if try > 0 {
			attrs = []pitwall.Attr{{Key: "http.request.resend_count", Value: fmt.Sprint(try)}}
		}
		*at, failed = d.call(*at, hop{
			from: "checkout", to: "payment", name: "POST /charge", parent: parent, req: d.bytes(d.orderBody), resp: 150, extra: d.paymentWay,
			work: d.payment, giveUp: time.Duration(d.giveUp * 1e6), attrs: attrs,
		})
		if !failed {
			return false
		}
	}
	return true
}
