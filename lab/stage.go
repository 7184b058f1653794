package lab

import (
	"maps"
	"strconv"
)

// stage is the shop a story is told in: what its services always have set, how
// thin the link between the zones is, who lives around it.
type stage struct {
	linkRate int64 // bytes per second and flow
	users    int   // customers; 0: the load's own number
	clients  bool  // requests say who sends them
	flags    map[string]map[string]string
	memory   map[string]int // memory limit of a service's container, MiB
	pinned   string         // a service that is bound to one processor, shared with the neighbour
	outside  bool           // acquirer, neighbour and the machine's watcher are there
}

// oldShop is where the flagship and the quiet story play.
func oldShop() stage { return stage{linkRate: linkRate} }

// benchRate is the zone link of the fault benchmark, 16 Mbit/s: requests then
// take some 50 ms, so that a fault need not saturate a small machine to show.
const benchRate = 2_000_000

// benchShop is where the fault benchmark plays: the same shop, grown up. It has
// deadlines, bounded pools, caches whose misses cost something, a stock
// database, orders of a year, and an acquirer outside.
func benchShop() stage {
	checkout := map[string]string{"promo_cache_size": "4096"}
	for _, peer := range []string{"auth", "inventory", "payment", "orders"} {
		checkout[peer+"_timeout_ms"], checkout[peer+"_max_conns"], checkout[peer+"_retries"] = "4000", "64", "0"
	}
	return stage{
		linkRate: benchRate, users: benchUsers, clients: true, outside: true,
		flags: map[string]map[string]string{
			"auth":      {"session_rounds": "8000", "session_cache_ttl_seconds": "120", "session_cache_size": "4096"},
			"inventory": {"database": "remote", "stock_store": "db", "db_max_open_conns": "8", "forecast_cache_size": "480"},
			"payment":   {"acquirer_timeout_ms": "4000", "acquirer_max_conns": "64", "acquirer_retries": "0"},
			"orders":    {"database": "remote", "past_customers": strconv.Itoa(benchUsers), "db_max_open_conns": "8", "books_every_ms": "3000"},
			"checkout":  checkout,
			"edge":      {"checkout_timeout_ms": "8000"},
		},
		memory: map[string]int{},
	}
}

// benchUsers is how many customers the benchmark's shop has: few, so that they
// come back and caches are warm after some seconds.
const benchUsers = 300

// with sets flags of one service on top.
func (s stage) with(service string, flags map[string]string) stage {
	all := map[string]map[string]string{}
	for k, v := range s.flags {
		all[k] = maps.Clone(v)
	}
	if all[service] == nil {
		all[service] = map[string]string{}
	}
	maps.Copy(all[service], flags)
	s.flags = all
	return s
}
