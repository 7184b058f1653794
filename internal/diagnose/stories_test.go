package diagnose

import (
	"time"

	"github.com/pitwall/pitwall"
)

// story is a world with the answer it should get. Class "" means that nothing
// may be named.
type story struct {
	name    string
	world   world
	verdict pitwall.DiagnosisVerdict
	service pitwall.ServiceName
	class   pitwall.Bottleneck
	change  pitwall.ChangeID
}

func deploy(id string, at time.Duration, service, from, to string, hints ...string) pitwall.Change {
	return pitwall.Change{
		ID: pitwall.ChangeID(id), At: epoch.Add(at), Kind: pitwall.ChangeDeploy, Service: pitwall.ServiceName(service),
		Version: pitwall.Version(to), PreviousVersion: pitwall.Version(from), DiffHints: hints, SeenBy: pitwall.SeenByWebhook,
	}
}

// decoys are innocent changes around an onset at 62 s: before it on the path
// and beside it, and after it.
func decoys() []pitwall.Change {
	payment := deploy("d-payment", 20*time.Second, "payment", "v7", "v8", "Dockerfile: +1 -1", "go.mod: +2 -2")
	payment.Summary = "Bump base image"
	flag := pitwall.Change{
		ID: "f-auth", At: epoch.Add(40 * time.Second), Kind: pitwall.ChangeFlag, Service: "auth",
		Flags: map[string]string{"session_cache_ttl_seconds": "270"}, SeenBy: pitwall.SeenByWebhook,
	}
	orders := deploy("d-orders", 71*time.Second, "orders", "v21", "v22", "go.mod: +2 -2")
	beside := deploy("d-search", 58*time.Second, "search", "v1", "v2", "config: include_full_results: false -> true")
	return []pitwall.Change{payment, flag, beside, orders}
}

func calm() world {
	w := world{baseline: time.Minute, window: 25 * time.Second, good: normal(), profiles: true, loads: true, changes: decoys()}
	w.good.versions["payment"] = "v8"
	w.bad = w.good
	return w
}

// broken is a calm world in which something changed, with the change that did it.
func broken(change func(*shop), culprit ...pitwall.Change) world {
	w := calm()
	w.bad = w.good.with(change)
	w.changes = append(w.changes, culprit...)
	return w
}

func fatLookup(s *shop) {
	s.lookupReply, s.orderBody = 85000, 21000
	s.checkoutSelf, s.inventorySelf, s.paymentSelf, s.orderSelf = 150, 14, 22, 18
	s.versions["inventory"] = "v41"
	s.cpu["checkout"]["encoding/json.Unmarshal"], s.cpu["checkout"]["runtime.gcBgMarkWorker"] = 28, 36
	s.cpu["checkout"]["runtime.mallocgc"] = 12
	s.cpu["inventory"]["encoding/json.Marshal"] = 6
}

func fullDetails() pitwall.Change {
	c := deploy("d-inventory", 60*time.Second, "inventory", "v40", "v41",
		"config: include_full_sku_details: false -> true", "handlers/items.go: +18 -3")
	c.Summary = "Serve complete item details so the product page needs one call less"
	c.Flags = map[string]string{"include_full_sku_details": "true"}
	return c
}

// stories lists every world, in the order of the golden table.
func stories() []story {
	likely, none := pitwall.DiagnosisLikely, pitwall.DiagnosisNone
	flagship := broken(fatLookup, fullDetails())
	noProfiles := flagship
	noProfiles.profiles = false
	late := flagship
	late.early = 30 * time.Second
	late.changes = append(decoys(), func() pitwall.Change { c := fullDetails(); c.At = epoch.Add(32 * time.Second); return c }())
	tooLate := broken(fatLookup)
	tooLate.changes = append(tooLate.changes, deploy("d-after", 70*time.Second, "inventory", "v41", "v42", "config: include_details: true"))
	bare := broken(fatLookup, deploy("d-bare", 60*time.Second, "inventory", "v40", "v41"))
	crowded := broken(func(s *shop) { fatLookup(s); s.load = 1.25 }, fullDetails())
	crowded.rough = 3
	innocent := broken(func(s *shop) { s.bank = 420; s.versions["payment"] = "v9" },
		deploy("d-near", 60*time.Second, "payment", "v8", "v9", "Dockerfile: +1 -1"))
	return append([]story{
		{"flagship", flagship, likely, "inventory", pitwall.BottleneckPayload, "d-inventory"},
		{"flagship-no-profiles", noProfiles, likely, "inventory", pitwall.BottleneckPayload, "d-inventory"},
		{"flagship-deployed-early", late, likely, "inventory", pitwall.BottleneckPayload, "d-inventory"},
		{"flagship-unannounced", tooLate, likely, "inventory", pitwall.BottleneckPayload, ""},
		{"flagship-bare-deploy", bare, likely, "inventory", pitwall.BottleneckPayload, "d-bare"},
		{"flagship-crowded", crowded, likely, "inventory", pitwall.BottleneckPayload, "d-inventory"},
		{"n-plus-1", broken(func(s *shop) { s.prices = 25; s.versions["checkout"] = "v13" },
			deploy("d-checkout", 60*time.Second, "checkout", "v12", "v13", "pricing/quote.go: fetch each price")),
			likely, "checkout", pitwall.BottleneckNPlus1, "d-checkout"},
		{"statements-in-a-loop", broken(func(s *shop) { s.inserts = 40; s.versions["orders"] = "v23" },
			deploy("d-loop", 60*time.Second, "orders", "v21", "v23", "store/lines.go: insert lines one by one in a loop")),
			likely, "orders", pitwall.BottleneckNPlus1, "d-loop"},
		{"slow-statement", broken(func(s *shop) { s.insertTime = 160 }, pitwall.Change{
			ID: "m-orders", At: epoch.Add(59 * time.Second), Kind: pitwall.ChangeMigration, Service: "orders",
			Summary: "Drop index orders_customer", SeenBy: pitwall.SeenByWebhook,
		}), likely, "orders", pitwall.BottleneckIODB, "m-orders"},
		{"cpu", broken(func(s *shop) {
			s.checkoutSelf = 400
			s.cpu["checkout"]["github.com/acme/shop/checkout.price"] = 350
			s.versions["checkout"] = "v13"
		}, deploy("d-cpu", 60*time.Second, "checkout", "v12", "v13", "pricing/promo.go: match promotions by regexp")),
			likely, "checkout", pitwall.BottleneckCPU, "d-cpu"},
		{"allocation", broken(func(s *shop) {
			s.paymentSelf = 380
			s.cpu["payment"]["runtime.gcBgMarkWorker"], s.cpu["payment"]["runtime.mallocgc"] = 180, 110
			s.versions["payment"] = "v9"
		}, deploy("d-alloc", 60*time.Second, "payment", "v8", "v9", "charge/audit.go: copy the buffer per attempt")),
			likely, "payment", pitwall.BottleneckAllocation, "d-alloc"},
		{"lock", broken(func(s *shop) {
			s.checkoutSelf = 380
			s.wait["checkout"] = 330
			s.versions["checkout"] = "v13"
		}, deploy("d-lock", 60*time.Second, "checkout", "v12", "v13", "promo/registry.go: guard by one mutex")),
			likely, "checkout", pitwall.BottleneckLock, "d-lock"},
		{"network", broken(func(s *shop) { s.paymentWay = 300 }, pitwall.Change{
			ID: "c-mesh", At: epoch.Add(60 * time.Second), Kind: pitwall.ChangeConfig, Service: "payment",
			Config: map[string]string{"mesh.route.zone": "b"}, SeenBy: pitwall.SeenByWebhook,
		}), likely, "payment", pitwall.BottleneckNetwork, "c-mesh"},
		{"traffic-surge", broken(func(s *shop) { s.rate, s.load = 68, 2.4 }), likely, "checkout", pitwall.BottleneckTraffic, ""},
		{"upstream-slow", broken(func(s *shop) { s.bank = 420 }), likely, "bank-api", pitwall.BottleneckUpstream, ""},
		{"upstream-slow-deploy-near", innocent, likely, "bank-api", pitwall.BottleneckUpstream, ""},
		{"upstream-fails", broken(func(s *shop) { s.bankFails = 0.4 }), likely, "bank-api", pitwall.BottleneckUpstream, ""},
		{"exceptions", broken(func(s *shop) { s.ordersFail = 0.3; s.versions["orders"] = "v23" },
			deploy("d-nil", 60*time.Second, "orders", "v21", "v23", "orders.go: require loyalty id, nil check removed")),
			likely, "orders", pitwall.BottleneckException, "d-nil"},
		{"null-with-decoys", calm(), none, "", "", ""},
	}, typed()...)
}
