package lab

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/pitwall/pitwall/lab/controller"
	"github.com/pitwall/pitwall/lab/load"
	"github.com/pitwall/pitwall/lab/outside"
	"github.com/pitwall/pitwall/lab/shop"
)

// Faults that are in configuration, and those that are nobody's change.

func itoa(n int) string { return strconv.Itoa(n) }

// configured is a deploy that changes settings only.
func configured(service, version, title string, settings ...setting) place {
	return deployOf(patch{service: service, version: version, title: title, config: settings, files: []string{"config/" + service + ".yaml"}})
}

func poolPlaces() []place {
	return []place{
		configured("orders", "v27", "Fewer connections for each instance, the database has many clients now", setting{"db_max_open_conns", "8", "1"}),
		configured("checkout", "v20", "Right-size the connections to payment", setting{"payment_max_conns", "64", "1"}),
		configured("payment", "v14", "One connection to the acquirer, as its contract says", setting{"acquirer_max_conns", "64", "1"}),
	}
}

func timeoutPlaces() []place {
	return []place{
		configured("checkout", "v21", "Deadlines in the new unit", setting{"payment_timeout_ms", "4000", "40"}),
		configured("payment", "v15", "Fail fast when the acquirer hangs", setting{"acquirer_timeout_ms", "4000", "30"}),
		configured("checkout", "v22", "Fail fast when inventory hangs", setting{"inventory_timeout_ms", "4000", "12"}),
	}
}

// weakPayment signs so slowly that it can take little more than it gets: a
// charge costs 9 or 11 ms of its one processor.
func weakPayment(rounds int) func(stage) stage {
	return func(s stage) stage { return s.with("payment", map[string]string{"sign_rounds": itoa(rounds)}) }
}

// weakInventory forecasts so much that it can take little more than it gets.
func weakInventory(s stage) stage {
	return s.with("inventory", map[string]string{"forecast_cache_size": "100", "forecast_runs": "40000"})
}

func retryPlaces() []place {
	storm := configured("checkout", "v23", "Do not lose a sale to a slow charge",
		setting{"payment_retries", "0", "4"}, setting{"payment_timeout_ms", "4000", "50"})
	storm.stage = weakPayment(40_000)
	look := configured("checkout", "v24", "Ask inventory again rather than fail",
		setting{"inventory_retries", "0", "5"}, setting{"inventory_timeout_ms", "4000", "30"})
	look.stage = weakInventory
	for _, p := range []*place{&storm, &look} {
		p.classes = []string{"dependency", "errors"}
	}
	return []place{storm, look}
}

func cachePlaces() []place {
	dear := func(service string, flags map[string]string) func(stage) stage {
		return func(s stage) stage { return s.with(service, flags) }
	}
	ttl := place{service: "auth", kind: "flag", patch: patch{service: "auth", config: []setting{{"session_cache_ttl_seconds", "40", "1"}}}}
	ttl.stage = dear("auth", map[string]string{"session_cache_ttl_seconds": "40", "session_rounds": "130000"})
	size := configured("auth", "v8", "Bound the session cache", setting{"session_cache_size", "4096", "24"})
	size.stage = dear("auth", map[string]string{"session_rounds": "90000"})
	forecasts := configured("inventory", "v49", "Let instances live on less memory", setting{"forecast_cache_size", "480", "24"})
	forecasts.stage = dear("inventory", map[string]string{"forecast_runs": "25000"})
	promotions := configured("checkout", "v25", "Bound the promotions cache", setting{"promo_cache_size", "4096", "24"})
	promotions.stage = dear("checkout", map[string]string{"promo_depth": "2"})
	return []place{ttl, size, forecasts, promotions}
}

func upstreamPlaces() []place {
	fails := checkoutErrors()
	slow := place{service: "acquirer", accept: []string{"payment"}, classes: []string{"dependency"},
		event: []outsideEvent{{who: "acquirer", path: "/state", body: outside.State{Rate: 12_000}}}}
	down := slow
	down.asks = &fails
	down.event = []outsideEvent{{who: "acquirer", path: "/state", body: outside.State{Rate: outside.Normal().Rate, Fail: .3}}}
	return []place{slow, down}
}

// surgeTop is how many times as many customers come: near what payment can carry
// in that story.
const surgeTop = 2.6

func surgePlaces() []place {
	at := func(factor float64, wait time.Duration) outsideEvent {
		return outsideEvent{who: "load", path: "/shape", body: load.Shape{Factor: factor}, wait: wait}
	}
	sudden := place{event: []outsideEvent{at(surgeTop, 0)}}
	ramp := place{event: []outsideEvent{at(1.4, 0), at(1.8, 10*time.Second), at(2.2, 10*time.Second), at(surgeTop, 10*time.Second)}}
	for _, p := range []*place{&sudden, &ramp} {
		p.service, p.accept, p.stage = "edge", []string{"checkout", "payment"}, weakPayment(50_000)
	}
	return []place{sudden, ramp}
}

func neighborPlaces() []place {
	// Each needs enough of its processor to miss what the neighbour takes.
	busy := map[string]map[string]string{
		"payment":   {"sign_rounds": "25000"},
		"checkout":  {"promo_cache_size": "150", "promo_depth": "2"},
		"inventory": {"forecast_cache_size": "100", "forecast_runs": "25000"},
	}
	var out []place
	for _, service := range []string{"payment", "checkout", "inventory"} {
		out = append(out, place{
			service: "node", accept: []string{service}, classes: []string{"capacity"},
			event: []outsideEvent{{who: "neighbor", path: "/threads/2", body: struct{}{}}},
			stage: func(s stage) stage {
				s.pinned = service
				return s.with(service, busy[service])
			},
		})
	}
	return out
}

func networkPlaces(lossy bool) []place {
	var out []place
	for _, service := range []string{"payment", "inventory", "orders"} {
		w := shop.Way{DelayMS: 60}
		title := "Send " + service + "'s zone over the second site"
		key := setting{"egress_path", "direct", "site-b"}
		if lossy {
			w = shop.Way{Loss: .12}
			title, key = "Move "+service+"'s zone to the new carrier", setting{"egress_carrier", "north", "transit-3"}
		}
		out = append(out, place{
			service: service, accept: []string{"checkout"}, kind: "config",
			patch: patch{service: service, title: title, config: []setting{key}, files: []string{"network/" + service + ".yaml"}},
			event: []outsideEvent{{who: "edge", path: "/paths/" + service, body: w}},
		})
	}
	return out
}

func inputPlaces() []place {
	slow := checkoutLatency()
	shape := func(kind string) []outsideEvent {
		return []outsideEvent{{who: "load", path: "/shape", body: load.Shape{Factor: 1, Partner: kind}}}
	}
	return []place{
		{service: "edge", accept: []string{"checkout", "inventory"}, event: shape("malformed")},
		{service: "edge", accept: []string{"checkout"}, asks: &slow, event: shape("huge")},
	}
}

// flatSurge brings more customers than usual and no trouble.
func flatSurge(r *rand.Rand) []step {
	return append(decoys(r, "payment"), step{at: around(r, faultAt), events: []outsideEvent{{who: "load", path: "/shape", body: load.Shape{Factor: 1.5}}}})
}

// mildNoise has one thread of the neighbour compute at the lowest priority.
func mildNoise(r *rand.Rand) []step {
	return append(decoys(r, "checkout"), step{at: around(r, faultAt), events: []outsideEvent{{who: "neighbor", path: "/threads/1", body: struct{}{}}}})
}

// reconfigure is a change of settings without a deploy.
type reconfigure struct {
	service string
	body    controller.Reconfigure
}
