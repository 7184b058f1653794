package storybook

import (
	"time"

	"github.com/pitwall/pitwall"
)

// withDetails adds to the diagnosis of the story what its page shows beside the
// hypotheses: the attributes slow requests share, the profile as a tree, single
// requests, and every change of the time in question.
func withDetails(d pitwall.Diagnosis) pitwall.Diagnosis {
	d.Contrasts, d.Exemplars, d.Changes = contrasts(), exemplars(), judgedChanges()
	d.Flame.Tree = tree()
	d.Flame.Warnings = []string{"5 windows now against 36 before: a difference below 0.4 ms per request would not be seen"}
	return d
}

func contrasts() []pitwall.AttributeContrast {
	value := func(v string, slow, typical int64, mean float64) pitwall.ContrastValue {
		return pitwall.ContrastValue{Value: v, Slow: slow, Typical: typical, Mean: mean}
	}
	return []pitwall.AttributeContrast{
		{Key: "service.version", Service: "inventory", Effect: 0.96, Q: 0.00001, Explain: 0.98, Values: []pitwall.ContrastValue{
			value("v41", 884, 40, 1.12), value("v40", 12, 880, 0.136)}},
		{Key: "cart.items", Effect: 0.34, Q: 0.0004, Explain: 0.61, Values: []pitwall.ContrastValue{
			value("8 or more", 412, 118, 1.31), value("3 to 7", 398, 402, 0.71), value("1 or 2", 86, 400, 0.29)}},
		{Key: "payment.method", Service: "payment", Effect: 0.12, Q: 0.03, Explain: 0.07, Values: []pitwall.ContrastValue{
			value("invoice", 190, 108, 0.74), value("card", 700, 800, 0.66), value("", 6, 12, 0.52)}},
	}
}

func exemplars() []pitwall.Exemplar {
	span := func(s pitwall.ServiceName, op string, depth int, offset, took, critical float64, bytes int64) pitwall.ExemplarSpan {
		return pitwall.ExemplarSpan{Service: s, Operation: op, Depth: depth, Offset: offset, Duration: took, Critical: critical, Repeats: 1, Bytes: bytes}
	}
	// one is a request whose lookup takes lookup seconds on the way and decode in checkout.
	one := func(id, kind string, at time.Time, way, decode float64, bytes int64) pitwall.Exemplar {
		lookup := way + 0.022
		after := 0.016 + lookup
		end := after + decode + 0.111
		inserts := span("orders", "INSERT INTO order_items", 3, after+decode+0.073, 0.016, 0.016, -1)
		inserts.Repeats = 4
		return pitwall.Exemplar{TraceID: id, Kind: kind, Start: at, Duration: end + 0.009, Left: 3, Spans: []pitwall.ExemplarSpan{
			span("edge", "POST /checkout", 0, 0, end+0.009, 0.009, 912),
			span("checkout", "POST /checkout", 1, 0.004, end, 0.018+decode, 874),
			span("auth", "GET /v1/session", 2, 0.008, 0.006, 0.006, 120),
			span("checkout", "POST inventory /v1/items/lookup", 2, 0.016, lookup, way, bytes),
			span("inventory", "POST /v1/items/lookup", 3, 0.016+way*0.04, 0.022, 0.022, bytes),
			span("payment", "POST /v1/charge", 2, after+decode+0.020, 0.038, 0.038, 240),
			span("orders", "POST /v1/orders", 2, after+decode+0.066, 0.024, 0.008, 180),
			inserts,
		}}
	}
	return []pitwall.Exemplar{
		one("5b8aa5a2d2c872e8321cf37308d69df2", "slow", at(onsetAt+9*time.Second), 0.668, 0.031, 85_400),
		one("0af7651916cd43dd8448eb211c80319c", "slow", at(onsetAt+17*time.Second), 1.204, 0.042, 141_000),
		one("4bf92f3577b34da6a3ce929d0e0e4736", "typical", at(3*time.Minute+31*time.Second), 0.011, 0.003, 8_120),
	}
}

func judgedChanges() []pitwall.ChangeJudged {
	judged := func(c pitwall.Change, blamed bool, why string) pitwall.ChangeJudged {
		return pitwall.ChangeJudged{Change: c, Blamed: blamed, Lead: at(onsetAt).Sub(c.At).Seconds(), Why: why}
	}
	return []pitwall.ChangeJudged{
		judged(pitwall.Change{ID: "deploy-payment-v8", At: at(70 * time.Second), Kind: pitwall.ChangeDeploy, Service: "payment", Version: "v8", PreviousVersion: "v7", Summary: "Retry the provider once on a reset connection",
			DiffHints: []string{"provider/client.go: +31 -4"}, SeenBy: pitwall.SeenByWebhook, Link: "https://git.example/shop/payment/commit/4c1f"}, false,
			"payment answers as fast as before, and nothing moved for 4 minutes after it"),
		judged(pitwall.Change{ID: "flag:auth-short-sessions", At: at(86 * time.Second), Kind: pitwall.ChangeFlag, Service: "auth", Summary: "auth-short-sessions on", Flags: map[string]string{"auth-short-sessions": "on"}, SeenBy: pitwall.SeenByWebhook}, false,
			"auth is on the path, but its time per request is unchanged (6 ms)"),
		judged(*change(), true, "inventory is where the bytes begin to grow, it starts 2 s later, and include_full_sku_details is how a payload grows"),
		judged(pitwall.Change{ID: "seen-edge-v6", At: at(onsetAt + 14*time.Second), Kind: pitwall.ChangeDeploy, Service: "edge", Version: "v6", PreviousVersion: "v5", SeenBy: pitwall.SeenByTelemetry}, false,
			"it came 14 s after the onset, and what comes later is no cause"),
	}
}

func tree() []pitwall.FlameNode {
	ms := func(name string, depth int, before, after float64) pitwall.FlameNode {
		return pitwall.FlameNode{Name: name, Depth: depth, Before: before / 1000, After: after / 1000}
	}
	return []pitwall.FlameNode{
		ms("all of checkout", 0, 6.80, 9.80),
		ms("net/http.(*conn).serve", 1, 5.20, 7.30),
		ms("shop/checkout.(*Server).checkout", 2, 4.70, 6.80),
		ms("shop/checkout.(*Inventory).Lookup", 3, 2.60, 4.80),
		ms("encoding/json.(*Decoder).Decode", 4, 2.10, 4.30),
		ms("encoding/json.(*decodeState).object", 5, 1.20, 2.70),
		ms("encoding/json.(*decodeState).literalStore", 6, 0.55, 1.30),
		ms("reflect.Value.SetString", 7, 0.20, 0.52),
		ms("runtime.mallocgc", 6, 0.38, 0.84),
		ms("encoding/json.(*decodeState).scanWhile", 5, 0.60, 1.10),
		ms("encoding/json.checkValid", 5, 0.30, 0.50),
		ms("net/http.(*Client).Do", 4, 0.42, 0.44),
		ms("shop/checkout.(*Payment).Charge", 3, 0.80, 0.80),
		ms("crypto/tls.(*Conn).Write", 4, 0.46, 0.45),
		ms("shop/checkout.(*Orders).Place", 3, 0.60, 0.55),
		ms("shop/checkout.priceCart", 3, 0.40, 0.38),
		ms("net/http.(*conn).readRequest", 2, 0.30, 0.31),
		ms("runtime.gcBgMarkWorker", 1, 0.90, 2.00),
		ms("runtime.gcDrain", 2, 0.50, 1.30),
		ms("runtime.scanobject", 3, 0.35, 0.98),
		ms("runtime.markroot", 3, 0.10, 0.19),
		ms("runtime.gcMarkDone", 2, 0.20, 0.34),
		ms("runtime.mcall", 1, 0.50, 0.40),
		ms("runtime.findRunnable", 2, 0.40, 0.29),
	}
}
