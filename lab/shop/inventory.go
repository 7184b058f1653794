package shop

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/pitwall/pitwall/lab/mesh"
	"github.com/pitwall/pitwall/lab/telemetry"
)

// inventory answers what the shop knows about goods. Where it has a stock
// store, reservations are subtracted and the next delivery is forecast.
type inventory struct {
	items     map[string]Item
	flags     *flagSet
	tel       *telemetry.Telemetry
	stock     *stockStore // nil: stock is as the catalogue has it
	forecasts forecasts
	trail     trail
}

func newInventory(ctx context.Context, d deps) (service, error) {
	inv := &inventory{items: goods(d.Seed), flags: d.flags, tel: d.tel}
	inv.forecasts = forecasts{flags: d.flags, tel: d.tel, known: map[string]string{}}
	out := service{close: func() error { return nil }}
	if d.flags.get("stock_store") == "db" {
		var err error
		if inv.stock, err = openStock(ctx, d); err != nil {
			return service{}, err
		}
		out.close, out.switched = inv.stock.db.Close, inv.stock.migrate
	}
	out.routes = []route{
		{"POST /v1/items/lookup", inv.lookup},
		{"GET /v1/items", inv.get},
		{"GET /v1/stock", inv.onHand},
		{"GET /catalog", inv.catalog},
	}
	return out, nil
}

// lookup answers {"skus":[…]} with the items.
func (inv *inventory) lookup(w http.ResponseWriter, r *http.Request) {
	var in struct {
		SKUs []string `json:"skus"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&in); err != nil {
		mesh.Fail(w, http.StatusBadRequest, "reading lookup: "+err.Error())
		return
	}
	inv.answer(w, r, in.SKUs)
}

// get answers ?ids=a,b with the items.
func (inv *inventory) get(w http.ResponseWriter, r *http.Request) {
	inv.answer(w, r, strings.FieldsFunc(r.URL.Query().Get("ids"), func(c rune) bool { return c == ',' }))
}

// onHand answers ?id=a with that item alone.
func (inv *inventory) onHand(w http.ResponseWriter, r *http.Request) {
	inv.answer(w, r, []string{r.URL.Query().Get("id")})
}

func (inv *inventory) answer(w http.ResponseWriter, r *http.Request, skus []string) {
	if len(skus) == 0 || len(skus) > 100 {
		mesh.Fail(w, http.StatusBadRequest, fmt.Sprintf("asked for %d items: ask for 1 to 100 SKUs", len(skus)))
		return
	}
	items := inv.items
	if inv.flags.get("assortment") == "snapshot" {
		items = snapshot(items)
		if len(skus) >= bigCart {
			defer func() { inv.moved(items, snapshot(inv.items)) }()
		}
	}
	full := inv.flags.on(FullDetails)
	out := make([]Item, 0, len(skus))
	for _, sku := range skus {
		it, ok := items[sku]
		if !ok {
			mesh.Fail(w, http.StatusNotFound, fmt.Sprintf("no item %q: SKUs look like %s", sku, SKU(0)))
			return
		}
		if !full {
			it.Details = nil
		}
		out = append(out, it)
	}
	if err := inv.freshen(r.Context(), out); err != nil {
		mesh.Fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	reply(w, map[string]any{"items": out})
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

// catalog is a light page of names and prices.
func (inv *inventory) catalog(w http.ResponseWriter, _ *http.Request) {
	type entry struct {
		SKU   string `json:"sku"`
		Name  string `json:"name"`
		Price int    `json:"price_cents"`
	}
	page := make([]entry, 0, 20)
	for i := range cap(page) {
		it := inv.items[SKU(i)]
		page = append(page, entry{it.SKU, it.Name, it.PriceCents})
	}
	reply(w, map[string]any{"items": page})
}
