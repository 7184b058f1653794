package shop

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// SKUs is how many different goods the shop sells.
const SKUs = 240

// Item is one good as inventory knows it: about 1.6 kB of JSON without
// details, about 17 kB with them.
type Item struct {
	SKU        string     `json:"sku"`
	Name       string     `json:"name"`
	Brand      string     `json:"brand"`
	PriceCents int        `json:"price_cents"`
	Currency   string     `json:"currency"`
	TaxClass   string     `json:"tax_class"`
	WeightG    int        `json:"weight_grams"`
	Size       [3]int     `json:"size_mm"`
	Tags       []string   `json:"tags"`
	Stock      []Stock    `json:"stock"`
	Shipping   []Shipping `json:"shipping"`
	Details    *Details   `json:"details,omitempty"`
}

// Stock is what one warehouse holds.
type Stock struct {
	Warehouse string `json:"warehouse"`
	Bin       string `json:"bin"`
	OnHand    int    `json:"on_hand"`
	Reserved  int    `json:"reserved"`
	NextIn    string `json:"next_inbound"`
}

// Shipping is one way to send the item.
type Shipping struct {
	Carrier    string `json:"carrier"`
	Service    string `json:"service"`
	PriceCents int    `json:"price_cents"`
	Days       int    `json:"days"`
}

// Details is everything else the catalogue knows, meant for a product page.
type Details struct {
	DescriptionHTML string      `json:"description_html"`
	Attributes      []Attribute `json:"attributes"`
	Suppliers       []Supplier  `json:"suppliers"`
	Media           []Media     `json:"media"`
}

// Attribute is one row of the technical data sheet.
type Attribute struct {
	Group string `json:"group"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Supplier is one source of the item.
type Supplier struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Contact  string `json:"contact"`
	LeadDays int    `json:"lead_days"`
	MinOrder int    `json:"min_order"`
	Terms    string `json:"terms"`
}

// Media is one picture in one rendition.
type Media struct {
	URL    string `json:"url"`
	Alt    string `json:"alt"`
	Kind   string `json:"kind"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	SHA256 string `json:"sha256"`
}

// SKU names the i-th good.
func SKU(i int) string { return fmt.Sprintf("SKU-%05d", 10_000+i*7) }

// goods makes the shop's whole assortment; the same seed makes the same goods.
func goods(seed uint64) map[string]Item {
	m := make(map[string]Item, SKUs)
	for i := range SKUs {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		m[SKU(i)] = newItem(SKU(i), r)
	}
	return m
}

func newItem(sku string, r *rand.Rand) Item {
	it := Item{
		SKU: sku, Name: words(r, 3), Brand: words(r, 1), PriceCents: 199 + r.IntN(20_000), Currency: "EUR",
		TaxClass: pick(r, "standard", "reduced", "books"), WeightG: 50 + r.IntN(9_000),
		Size: [3]int{20 + r.IntN(900), 20 + r.IntN(600), 10 + r.IntN(400)},
		Tags: strings.Fields(words(r, 6)),
	}
	for _, wh := range warehouses() {
		it.Stock = append(it.Stock, Stock{wh, fmt.Sprintf("%c-%02d-%03d", 'A'+r.IntN(20), r.IntN(60), r.IntN(400)), r.IntN(400), r.IntN(30), fmt.Sprintf("2026-%02d-%02d", 1+r.IntN(12), 1+r.IntN(28))})
	}
	for _, c := range []string{"post", "parcelway", "nordexpress", "citycourier", "pickup"} {
		it.Shipping = append(it.Shipping, Shipping{c, pick(r, "standard", "express", "evening"), 290 + r.IntN(1_800), 1 + r.IntN(6)})
	}
	it.Details = newDetails(sku, it.Name, r)
	return it
}

func warehouses() []string {
	return []string{"ams-1", "ams-2", "fra-1", "lyo-1", "mad-1", "mil-1", "prg-1", "waw-1", "cph-1", "osl-1"}
}

func newDetails(sku, name string, r *rand.Rand) *Details {
	d := &Details{}
	var html strings.Builder
	for range 4 + r.IntN(3) {
		html.WriteString("<p>" + words(r, 80) + "</p>")
	}
	d.DescriptionHTML = html.String()
	for i := range 44 + r.IntN(8) {
		d.Attributes = append(d.Attributes, Attribute{pick(r, "general", "material", "electrical", "packaging"), fmt.Sprintf("%s-%d", words(r, 1), i), words(r, 2)})
	}
	for i := range 4 + r.IntN(2) {
		d.Suppliers = append(d.Suppliers, Supplier{
			fmt.Sprintf("SUP-%04d", r.IntN(9_999)), words(r, 2) + " Ltd", fmt.Sprintf("orders-%d@supplier.example", i),
			2 + r.IntN(40), 1 + r.IntN(500), words(r, 14),
		})
	}
	for i := range 33 + r.IntN(8) {
		d.Media = append(d.Media, Media{
			fmt.Sprintf("https://media.shop.example/%s/%s/%d-%08x.webp", sku, pick(r, "front", "side", "detail", "room"), i, r.Uint32()),
			name + ", " + words(r, 5), pick(r, "image", "image", "video", "spin"), 320 * (1 + r.IntN(6)), 240 * (1 + r.IntN(6)),
			fmt.Sprintf("%016x%016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()),
		})
	}
	return d
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// words makes n plain words.
func words(r *rand.Rand, n int) string {
	list := [...]string{
		"oak", "linen", "brass", "folding", "compact", "garden", "winter", "lamp", "kettle", "ceramic", "quiet", "charger",
		"travel", "cotton", "steel", "shelf", "robust", "washable", "bright", "cable", "soft", "outdoor", "classic", "set",
		"delivers", "keeps", "warm", "with", "for", "every", "small", "kitchen", "durable", "finish", "made", "from", "recycled",
	}
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(list[r.IntN(len(list))])
	}
	return b.String()
}
