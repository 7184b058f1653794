package diagnose

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/pitwall/pitwall"
)

// world is a small shop whose traces are drawn at random: edge → checkout →
// auth, inventory, payment (→ bank), orders (→ its database). Time on a way is
// its latency plus bytes over the link's rate, as in a real network.
type world struct {
	seed     uint64
	baseline time.Duration
	window   time.Duration
	good     shop
	bad      shop          // from the onset on
	early    time.Duration // the fault's deploy came this long before the onset
	changes  []pitwall.Change
	profiles bool
	loads    bool
	measures bool    // typed series are measured
	noSizes  bool    // spans carry no body sizes
	rough    float64 // how much stronger than usual the slow common noise is; 0: as usual
}

// shop is how the shop behaves in one phase. Milliseconds, bytes.
type shop struct {
	rate                   float64 // requests a second
	way                    float64 // one way trip without bytes
	paymentWay             float64 // additional, on the way to payment
	linkRate               float64 // bytes a second and flow
	lookupReply            float64
	orderBody              float64 // what checkout passes on to payment and orders
	checkoutSelf           float64
	inventorySelf          float64
	paymentSelf, orderSelf float64
	inserts                int     // statements per order
	insertTime             float64 // each
	prices                 int     // calls of checkout to inventory for single prices
	bank                   float64
	bankFails              float64 // share
	ordersFail             float64 // share, by orders itself
	load                   float64 // all waits and own times times this
	render                 float64
	cpu                    map[string]map[string]float64 // service → function → CPU ms per request
	wait                   map[string]float64            // service → mutex wait ms per request
	versions               map[string]string
	more                   // what only measurements and attributes tell
}

func normal() shop {
	return shop{
		rate: 30, way: 2, linkRate: 400e3, lookupReply: 8100, orderBody: 2000, checkoutSelf: 40, inventorySelf: 8, paymentSelf: 12, orderSelf: 9,
		inserts: 2, insertTime: 4, bank: 30, load: 1, render: 210,
		cpu: map[string]map[string]float64{
			"checkout": {
				"github.com/acme/shop/checkout.price": 12, "encoding/json.Unmarshal": 1.5, "runtime.gcBgMarkWorker": 1.2,
				"runtime.mallocgc": 0.8, "net/http.(*conn).serve": 2,
			},
			"inventory": {"github.com/acme/shop/inventory.lookup": 3, "encoding/json.Marshal": 1},
			"payment":   {"github.com/acme/shop/payment.charge": 4},
			"orders":    {"github.com/acme/shop/orders.place": 3},
		},
		wait:     map[string]float64{"checkout": 0.1},
		more:     calmMore(),
		versions: map[string]string{"edge": "v5", "checkout": "v12", "inventory": "v40", "payment": "v7", "auth": "v3", "orders": "v21"},
	}
}

// with copies a shop and changes it.
func (s shop) with(change func(*shop)) shop {
	cpu := map[string]map[string]float64{}
	for svc, fs := range s.cpu {
		cpu[svc] = map[string]float64{}
		for f, v := range fs {
			cpu[svc][f] = v
		}
	}
	wait, versions := map[string]float64{}, map[string]string{}
	for k, v := range s.wait {
		wait[k] = v
	}
	for k, v := range s.versions {
		versions[k] = v
	}
	s.cpu, s.wait, s.versions = cpu, wait, versions
	s.more = s.more.clone()
	change(&s)
	return s
}

// epoch is when the baseline begins.
var epoch = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func (w world) onset() time.Time { return epoch.Add(w.baseline + 2*time.Second) }

func (w world) question() Question {
	on := w.onset()
	return Question{
		Regression: pitwall.Regression{
			Service: "checkout", Operation: "POST /checkout", SLO: "checkout-latency", Signal: pitwall.SignalLatency,
			Onset: pitwall.Onset{At: on, Earliest: on.Add(-2 * time.Second), Latest: on.Add(2 * time.Second)},
		},
		SLO: pitwall.SLO{
			Name: "checkout-latency", Service: "checkout", Target: 0.99,
			SLI: pitwall.SLI{Kind: pitwall.SLILatency, Service: "checkout", Operation: "POST /checkout", Threshold: 500 * time.Millisecond},
		},
		Baseline: pitwall.Period{From: epoch, To: epoch.Add(w.baseline)},
		Window:   pitwall.Period{From: on.Add(2 * time.Second), To: on.Add(2*time.Second + w.window)},
	}
}

// diagnose runs the whole conversation, answering each query from the world.
func (w world) diagnose() pitwall.Diagnosis {
	s := New(w.question())
	for !s.Done() {
		var answers []Answer
		for _, q := range s.Needs() {
			answers = append(answers, w.answer(q))
		}
		s.Step(answers)
	}
	return s.Diagnosis()
}

func (w world) answer(q Query) Answer {
	a := Answer{Query: q.ID}
	switch q.Kind {
	case AskSpans:
		a.Spans = w.spans(q.Period)
	case AskChanges:
		for _, c := range w.changes {
			if q.Period.Contains(c.At) {
				a.Changes = append(a.Changes, c)
			}
		}
	case AskProfiles:
		if !w.profiles {
			a.Missing = "no profile source is configured"
			break
		}
		a.Profiles = w.windows(q)
	case AskPageLoads:
		if !w.loads {
			a.Missing = "no beacon was received"
			break
		}
		a.PageLoads = w.pageLoads(q.Period)
	case AskMeasured:
		if !w.measures {
			a.Missing = "no metrics store is configured"
			break
		}
		a.Measured = w.measured(q.Period)
	default:
		a.Missing = "no metrics store is configured"
	}
	return a
}

// phase is how the shop behaves at a moment, and the random source of it.
func (w world) phase(p pitwall.Period) (shop, *rand.Rand) {
	r := rand.New(rand.NewPCG(w.seed, uint64(p.From.UnixNano())))
	if p.From.Before(w.onset()) {
		return w.good, r
	}
	return w.bad, r
}

// spans draws the traces of a period. Besides the noise of each request there
// is a slow one that all requests of the moment share.
func (w world) spans(p pitwall.Period) *pitwall.SpanBatch {
	_, r := w.phase(p)
	b := &pitwall.SpanBatch{}
	drift := 0.0
	at := p.From.Add(700 * time.Millisecond)
	for {
		sh := w.at(at)
		at = at.Add(time.Duration(r.ExpFloat64() / sh.rate * 1e9))
		if at.After(p.To.Add(-2 * time.Second)) {
			return b
		}
		drift = 0.98*drift + 0.008*max(1, w.rough)*r.NormFloat64()
		d := &draw{shop: sh, r: r, b: b, mood: math.Exp(drift), noSizes: w.noSizes, world: &w}
		d.trace(at)
	}
}

// at is how the shop behaves at a moment.
func (w world) at(t time.Time) shop {
	if t.Before(w.onset()) {
		return w.good
	}
	return w.bad
}

// draw makes one trace.
type draw struct {
	shop
	world   *world
	r       *rand.Rand
	b       *pitwall.SpanBatch
	id      pitwall.TraceID
	next    uint64
	mood    float64
	client  string
	noSizes bool
}

// takes draws a duration around ms.
func (d *draw) takes(ms float64) time.Duration {
	return time.Duration(ms * d.load * d.mood * math.Exp(0.2*d.r.NormFloat64()) * 1e6)
}

func (d *draw) bytes(mean float64) int64 { return int64(mean * math.Exp(0.15*d.r.NormFloat64())) }

func (d *draw) span(row pitwall.SpanRow) uint64 {
	d.next++
	row.TraceID, row.SpanID = d.id, d.next
	if v, ok := d.versions[string(row.Service)]; ok {
		row.Version = pitwall.Version(v)
		if w := d.world; w.early > 0 && row.Start.Before(w.onset()) && row.Start.After(w.onset().Add(-w.early)) {
			row.Version = pitwall.Version(w.bad.versions[string(row.Service)])
		}
	}
	if d.noSizes {
		row.ReqBytes, row.RespBytes = -1, -1
	}
	d.b.Add(row)
	return d.next
}

// hop is one call: service does work between the way there and the way back.
type hop struct {
	from, to, name string
	parent         uint64
	req, resp      int64
	extra          float64
	giveUp         time.Duration // the caller's deadline; 0: none
	attrs          []pitwall.Attr
	work           func(at time.Time, parent uint64) (end time.Time, failed bool)
}

func (d *draw) call(at time.Time, h hop) (end time.Time, failed bool) {
	client, server := d.reserve(), d.reserve()
	there := d.takes(d.way+h.extra) + time.Duration(float64(h.req)/d.linkRate*1e9)
	done, failed := h.work(at.Add(there), server)
	back := d.takes(d.way) + time.Duration(float64(h.resp)/d.linkRate*1e9)
	end = done.Add(back)
	if h.giveUp > 0 && end.Sub(at) > h.giveUp {
		end, failed = at.Add(h.giveUp), true
	}
	d.put(client, pitwall.SpanRow{
		Attrs: h.attrs, ParentID: h.parent, Start: at, Duration: end.Sub(at), Service: pitwall.ServiceName(h.from), Operation: h.name,
		Peer: h.to, Kind: pitwall.SpanClient, ReqBytes: h.req, RespBytes: h.resp, Failed: failed,
	})
	d.put(server, pitwall.SpanRow{
		ParentID: client, Start: at.Add(there), Duration: done.Sub(at.Add(there)), Service: pitwall.ServiceName(h.to), Operation: h.name,
		Kind: pitwall.SpanServer, ReqBytes: h.req, RespBytes: h.resp, Failed: failed && h.giveUp == 0, Attrs: d.runs(h.to, at),
	})
	return end, failed
}

func (d *draw) reserve() uint64 { d.next++; return d.next }

func (d *draw) put(id uint64, row pitwall.SpanRow) {
	keep := d.next
	d.next = id - 1
	d.span(row)
	d.next = keep
}

func (d *draw) trace(at time.Time) {
	for i := range d.id {
		d.id[i] = byte(d.r.IntN(256))
	}
	d.client = "web"
	if d.r.Float64() < d.partner {
		d.client = "acme"
	}
	root := d.reserve()
	end, failed := d.call(at.Add(time.Millisecond), hop{
		from: "edge", to: "checkout", name: "POST /checkout", parent: root, req: 700, resp: 900, work: d.checkout,
	})
	d.put(root, pitwall.SpanRow{
		Start: at, Duration: end.Sub(at), Service: "edge", Operation: "POST /checkout", Kind: pitwall.SpanServer, ReqBytes: 700, RespBytes: 900, Failed: failed,
	})
}

func (d *draw) plain(ms float64) func(time.Time, uint64) (time.Time, bool) {
	return func(at time.Time, _ uint64) (time.Time, bool) { return at.Add(d.takes(ms)), false }
}

func (d *draw) checkout(at time.Time, parent uint64) (time.Time, bool) {
	own := func(part float64) { at = at.Add(d.takes((d.checkoutSelf + d.extra(at)) * part)) }
	do := func(h hop) bool {
		h.from, h.parent = "checkout", parent
		var failed bool
		at, failed = d.call(at, h)
		return failed
	}
	own(0.2)
	do(hop{to: "auth", name: "POST /validate", req: 300, resp: 200, work: d.plain(3)})
	do(hop{to: "inventory", name: "POST /v1/items/lookup", req: 120, resp: d.bytes(d.lookupReply), work: d.plain(d.inventorySelf)})
	for range d.asks() {
		do(hop{to: "inventory", name: "GET /v1/price", req: 0, resp: 80, work: d.plain(d.priceMs)})
	}
	own(0.5)
	if d.charge(&at, parent) {
		return at, true
	}
	if do(hop{to: "orders", name: "POST /orders", req: d.bytes(d.orderBody), resp: 120, work: d.orders}) {
		return at, true
	}
	own(0.3)
	return at, false
}

func (d *draw) payment(at time.Time, parent uint64) (time.Time, bool) {
	at = at.Add(d.takes(d.paymentSelf))
	took, failed := d.takes(d.bank), d.r.Float64() < d.bankFails
	d.span(pitwall.SpanRow{
		ParentID: parent, Start: at, Duration: took, Service: "payment", Operation: "POST /v1/authorise", Peer: "bank-api",
		Kind: pitwall.SpanClient, ReqBytes: 400, RespBytes: 300, Failed: failed,
	})
	return at.Add(took + 100*time.Microsecond), failed
}

func (d *draw) orders(at time.Time, parent uint64) (time.Time, bool) {
	at = at.Add(d.takes(d.orderSelf) + d.takes(d.poolWait))
	if d.r.Float64() < d.ordersFail {
		return at, true
	}
	for range d.inserts {
		took := d.takes(d.insertTime)
		d.span(pitwall.SpanRow{
			ParentID: parent, Start: at, Duration: took, Service: "orders", Operation: "INSERT orders", Peer: "orders-db",
			Statement: "INSERT INTO orders (id, customer) VALUES (?, ?)", Kind: pitwall.SpanClient, ReqBytes: -1, RespBytes: -1,
		})
		at = at.Add(took)
	}
	return at.Add(200 * time.Microsecond), false
}

// pageLoads draws one browser in four requests.
func (w world) pageLoads(p pitwall.Period) []pitwall.PageLoad {
	sh, r := w.phase(p)
	var list []pitwall.PageLoad
	for at := p.From; at.Before(p.To); at = at.Add(time.Duration(4 / sh.rate * 1e9)) {
		list = append(list, pitwall.PageLoad{
			At: at, Page: "/checkout", TTFB: 0.25 * math.Exp(0.2*r.NormFloat64()) * sh.lookupReply / 8100, Response: -1,
			Render: sh.render / 1e3 * math.Exp(0.2*r.NormFloat64()), LCP: -1, INP: -1,
		})
	}
	return list
}
