package shop

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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

// bigCart is how many goods make an answer worth checking twice.
const bigCart = 6

// moved counts goods whose stock is not what it was when an answer began.
func (inv *inventory) moved(then, now map[string]Item) (n int) {
	for sku, it := range then {
		if len(it.Stock) != len(now[sku].Stock) {
			n++
		}
	}
	return n
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
