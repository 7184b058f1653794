package shop

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pitwall/pitwall/lab/telemetry"
)

// onHand answers ?id=a with that item alone.
func (inv *inventory) onHand(w http.ResponseWriter, r *http.Request) {
	inv.answer(w, r, []string{r.URL.Query().Get("id")})
}

// freshen adds to items what changes from minute to minute, and what newer
// versions say of them.
func (inv *inventory) freshen(ctx context.Context, items []Item) error {
	if inv.flags.get("trail") == "memory" {
		inv.trail.keep(map[string]any{"user": items[0].SKU, "items": len(items)})
	}
	if inv.stock != nil {
		if err := inv.stock.reserve(ctx, items); err != nil {
			return err
		}
	}
	for i := range items {
		if inv.forecasts.on() {
			items[i].TaxClass = strings.TrimSpace(items[i].TaxClass + " " + inv.forecasts.of(ctx, items[i]))
		}
		if inv.flags.get("search_terms") == "patterns" {
			items[i].Tags = searchTerms(inv.items[items[i].SKU])
		}
		if inv.flags.get("bins") == "required" {
			items[i].Tags = append(slices.Clone(items[i].Tags), fastBin(items[i]))
		}
	}
	return nil
}

// snapshot copies the whole assortment down to its texts, so that an answer is
// of one moment.
func snapshot(items map[string]Item) map[string]Item {
	out := make(map[string]Item, len(items))
	for sku, it := range items {
		it.Name, it.Brand = strings.Clone(it.Name), strings.Clone(it.Brand)
		it.Tags = cloned(it.Tags)
		it.Stock = slices.Clone(it.Stock)
		for i := range it.Stock {
			it.Stock[i].Bin, it.Stock[i].NextIn = strings.Clone(it.Stock[i].Bin), strings.Clone(it.Stock[i].NextIn)
		}
		it.Shipping = slices.Clone(it.Shipping)
		d := Details{DescriptionHTML: strings.Clone(it.Details.DescriptionHTML), Suppliers: slices.Clone(it.Details.Suppliers)}
		for _, a := range it.Details.Attributes {
			d.Attributes = append(d.Attributes, Attribute{strings.Clone(a.Group), strings.Clone(a.Name), strings.Clone(a.Value)})
		}
		for _, m := range it.Details.Media {
			m.URL, m.Alt, m.Kind, m.SHA256 = strings.Clone(m.URL), strings.Clone(m.Alt), strings.Clone(m.Kind), strings.Clone(m.SHA256)
			d.Media = append(d.Media, m)
		}
		it.Details = &d
		out[sku] = it
	}
	return out
}

func cloned(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = strings.Clone(t)
	}
	return out
}

// searchTerms keeps the tags that a customer can read somewhere in the item's
// own text, alone or as the beginning of a longer word.
func searchTerms(it Item) []string {
	var out []string
	for _, tag := range it.Tags {
		readable := strings.Contains(it.Details.DescriptionHTML, tag)
		for _, fine := range []string{"only", "sale"} { // a tag in the fine print is readable too
			re := regexp.MustCompile(`(?i)\b(\w+\s+){0,2}` + regexp.QuoteMeta(tag) + `[\w-]*(\s+\w+){0,2}\W+` + fine + `\b`)
			readable = re.MatchString(it.Details.DescriptionHTML) || readable
		}
		if readable {
			out = append(out, tag)
		}
	}
	return out
}

// fastBin is the first bin of the warehouse that still has the item free.
func fastBin(it Item) string {
	var free []Stock
	for _, s := range it.Stock {
		if s.OnHand-s.Reserved > 255 {
			free = append(free, s)
		}
	}
	return free[0].Bin
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

// forecastDays is how far ahead stock is simulated, forecastRuns how often unless
// the flags say otherwise.
const (
	forecastDays = 90
	forecastRuns = 900
)

// forecast simulates the sale of the stock and says in how many days it ends.
func forecast(it Item, runs int) string {
	x := uint64(it.PriceCents)<<16 | uint64(it.WeightG) | 1
	total := 0
	for range runs {
		left := 0
		for _, s := range it.Stock {
			left += s.OnHand - s.Reserved
		}
		for day := range forecastDays {
			x ^= x << 13 // xorshift64, as in taxTable
			x ^= x >> 7
			x ^= x << 17
			if left -= int(x % 64); left <= 0 {
				total += day
				break
			}
		}
	}
	return fmt.Sprintf("back in %d days", total/max(1, runs))
}
