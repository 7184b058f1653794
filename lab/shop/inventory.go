package shop

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/pitwall/pitwall/lab/mesh"
)

// inventory answers what the shop knows about goods.
type inventory struct {
	items map[string]Item
	flags *flagSet
}

func newInventory(d deps) service {
	inv := &inventory{items: goods(d.Seed), flags: d.flags}
	return service{
		routes: []route{
			{"POST /v1/items/lookup", inv.lookup},
			{"GET /v1/items", inv.get},
			{"GET /catalog", inv.catalog},
		},
		close: func() error { return nil },
	}
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
	inv.answer(w, in.SKUs)
}

// get answers ?ids=a,b with the items.
func (inv *inventory) get(w http.ResponseWriter, r *http.Request) {
	inv.answer(w, strings.FieldsFunc(r.URL.Query().Get("ids"), func(c rune) bool { return c == ',' }))
}

func (inv *inventory) answer(w http.ResponseWriter, skus []string) {
	if len(skus) == 0 || len(skus) > 100 {
		mesh.Fail(w, http.StatusBadRequest, fmt.Sprintf("asked for %d items: ask for 1 to 100 SKUs", len(skus)))
		return
	}
	full := inv.flags.on(FullDetails)
	out := make([]Item, 0, len(skus))
	for _, sku := range skus {
		it, ok := inv.items[sku]
		if !ok {
			mesh.Fail(w, http.StatusNotFound, fmt.Sprintf("no item %q: SKUs look like %s", sku, SKU(0)))
			return
		}
		if !full {
			it.Details = nil
		}
		out = append(out, it)
	}
	reply(w, map[string]any{"items": out})
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
