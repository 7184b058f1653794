package shop

import (
	"context"
	"fmt"
	"sync"

	"github.com/pitwall/pitwall/lab/telemetry"
)

// promoCache remembers the best promotion of a good and a number of pieces.
// With size 0 it remembers nothing.
type promoCache struct {
	flags *flagSet
	tel   *telemetry.Telemetry
	mu    sync.Mutex
	best  map[string]int
}

func newPromoCache(d deps) *promoCache {
	return &promoCache{flags: d.flags, tel: d.tel, best: map[string]int{}}
}

// lookup gives the function that prices a line: from the cache if it is on,
// else from search.
func (p *promoCache) lookup(ctx context.Context, search func(text string, qty int) int) func(map[string]any, int) int {
	size := int(p.flags.number("promo_cache_size", 0))
	if size <= 0 {
		return func(line map[string]any, qty int) int { return search(haystack(line), qty) }
	}
	return func(line map[string]any, qty int) int {
		key := fmt.Sprint(line["sku"])
		p.mu.Lock()
		percent, hit := p.best[key]
		p.mu.Unlock()
		p.tel.CacheLookup(ctx, "promotions", hit)
		if hit {
			return percent * qty / mostPieces
		}
		percent = combinedPromo(search, line, int(p.flags.number("promo_depth", 1)))
		p.mu.Lock()
		defer p.mu.Unlock()
		evict(p.best, size)
		p.best[key] = percent
		return percent * qty / mostPieces
	}
}

// forecasts remembers when each item is expected back, a costly estimate.
type forecasts struct {
	flags *flagSet
	tel   *telemetry.Telemetry
	mu    sync.Mutex
	known map[string]string
}

func (f *forecasts) size() int { return int(f.flags.number("forecast_cache_size", 0)) }

func (f *forecasts) on() bool { return f.size() > 0 }

// of gives an item's forecast, from the cache if it is there.
func (f *forecasts) of(ctx context.Context, it Item) string {
	f.mu.Lock()
	said, hit := f.known[it.SKU]
	f.mu.Unlock()
	f.tel.CacheLookup(ctx, "forecasts", hit)
	if hit {
		return said
	}
	said = forecast(it, int(f.flags.number("forecast_runs", forecastRuns)))
	f.mu.Lock()
	defer f.mu.Unlock()
	evict(f.known, f.size())
	f.known[it.SKU] = said
	return said
}

// evict makes room for one entry in a map of at most size entries.
func evict[V any](m map[string]V, size int) {
	for k := range m {
		if len(m) < size {
			return
		}
		delete(m, k) // any: the map's order is as good as random
	}
}
