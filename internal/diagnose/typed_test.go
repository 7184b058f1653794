package diagnose

import (
	"time"

	"github.com/pitwall/pitwall"
)

// told makes a world whose services are measured as well.
func told(w world) world { w.measures = true; return w }

// cached is a shop whose checkout keeps prices.
func cached(w world) world {
	w.good.priceHit, w.good.priceMs = 0.96, 120
	w.bad.priceMs = 120
	if w.bad.priceHit == 0 {
		w.bad.priceHit = 0.96
	}
	return w
}

// own makes a deploy of checkout that came with the onset.
func shipped(id, service, from, to, hint string) pitwall.Change {
	return deploy(id, 60*time.Second, service, from, to, hint)
}

// typed are the worlds that measurements and attributes decide.
func typed() []story {
	likely, none := pitwall.DiagnosisLikely, pitwall.DiagnosisNone
	flip := func(id, service, key, to string) pitwall.Change {
		return pitwall.Change{ID: pitwall.ChangeID(id), At: epoch.Add(60 * time.Second), Kind: pitwall.ChangeConfig, Service: pitwall.ServiceName(service),
			Config: map[string]string{key: to}, SeenBy: pitwall.SeenByWebhook}
	}
	blind := func(w world) world { w.profiles = false; return told(w) }
	partner := broken(func(s *shop) { s.partner, s.partnerMs = 0.3, 900 })
	partner.good.partner, partner.good.partnerMs = 0.02, 900
	return []story{
		{"cpu-without-profiles", blind(broken(func(s *shop) {
			s.checkoutSelf, s.versions["checkout"] = 400, "v13"
			s.cpu["checkout"]["github.com/acme/shop/checkout.price"] = 300
		}, shipped("d-cpu", "checkout", "v12", "v13", "pricing/promo.go: match promotions by regexp"))),
			likely, "checkout", pitwall.BottleneckCPU, "d-cpu"},
		{"leak-without-profiles", blind(broken(func(s *shop) {
			s.paymentSelf, s.versions["payment"] = 300, "v9"
			s.cpu["payment"]["runtime.gcBgMarkWorker"] = 200
			s.gc["payment"], s.heap["payment"] = 0.9, 240
		}, shipped("d-leak", "payment", "v8", "v9", "charge/replay.go: keep seen charges in memory"))),
			likely, "payment", pitwall.BottleneckAllocation, "d-leak"},
		{"lock-without-profiles", blind(broken(func(s *shop) {
			s.checkoutSelf, s.mutex["checkout"], s.versions["checkout"] = 380, 330, "v13"
		}, shipped("d-lock", "checkout", "v12", "v13", "promo/registry.go: guard by one mutex"))),
			likely, "checkout", pitwall.BottleneckLock, "d-lock"},
		{"pool", told(broken(func(s *shop) {
			s.poolWait, s.poolInUse, s.poolMax = 260, 2, 2
		}, flip("c-pool", "orders", "db.pool.max_conns", "2"))), likely, "orders", pitwall.BottleneckPool, "c-pool"},
		{"slow-statement-drains-pool", told(broken(func(s *shop) {
			s.insertTime, s.poolWait, s.poolInUse = 160, 90, 10
		}, pitwall.Change{
			ID: "m-orders", At: epoch.Add(59 * time.Second), Kind: pitwall.ChangeMigration, Service: "orders",
			Summary: "Drop index orders_customer", SeenBy: pitwall.SeenByWebhook,
		})), likely, "orders", pitwall.BottleneckIODB, "m-orders"},
		{"cache", told(cached(broken(func(s *shop) {
			s.priceHit, s.versions["checkout"] = 0.1, "v13"
		}, shipped("d-cache", "checkout", "v12", "v13", "prices/cache.go: ttl 300s -> 1s")))),
			likely, "checkout", pitwall.BottleneckCache, "d-cache"},
		{"deadline", told(broken(func(s *shop) {
			s.giveUp, s.versions["checkout"] = 52, "v13"
		}, shipped("d-deadline", "checkout", "v12", "v13", "config: payment_timeout_ms: 2000 -> 52"))),
			likely, "checkout", pitwall.BottleneckConfig, "d-deadline"},
		{"retry-storm", told(broken(func(s *shop) {
			s.giveUp, s.retries, s.bank, s.versions["checkout"] = 60, 4, 45, "v13"
		}, shipped("d-retry", "checkout", "v12", "v13", "config: payment_retries: 0 -> 4"))),
			likely, "checkout", pitwall.BottleneckConfig, "d-retry"},
		{"upstream-slow-with-deadline", told(broken(func(s *shop) { s.bank = 420; s.giveUp = 300 })),
			likely, "bank-api", pitwall.BottleneckUpstream, ""},
		{"noisy-neighbor", told(broken(func(s *shop) {
			s.checkoutSelf, s.node, s.sched["checkout"] = 160, 0.93, 9
		})), likely, "checkout", pitwall.BottleneckNode, ""},
		{"bad-input", told(partner), likely, "checkout", pitwall.BottleneckBadInput, ""},
		{"cold-start", told(broken(func(s *shop) {
			s.restart, s.coldFor, s.coldMs, s.versions["checkout"] = 6*time.Second, 2*time.Second, 900, "v13"
		}, shipped("d-cold", "checkout", "v12", "v13", "tax/table.go: load on first use"))),
			likely, "checkout", pitwall.BottleneckColdStart, "d-cold"},
		{"quiet-measured", told(cached(calm())), none, "", "", ""},
		{"quiet-surge", told(broken(func(s *shop) { s.rate = 45; s.node = 0.62 })), none, "", "", ""},
		{"quiet-busy-machine", told(broken(func(s *shop) { s.node = 0.8 })), none, "", "", ""},
	}
}
