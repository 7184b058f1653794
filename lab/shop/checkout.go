package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall/lab/mesh"
	"github.com/pitwall/pitwall/lab/telemetry"
)

// checkout turns a cart into a paid order. It asks four services in turn.
type checkout struct {
	auth, inventory, payment, orders *peer
	seed                             uint64
	flags                            *flagSet
	tel                              *telemetry.Telemetry
	promos                           []promo
	best                             *promoCache
	taxes                            taxes
	guard                            [chargeGuards]sync.Mutex
	receipt                          *template.Template
}

// CartLine is one position of a cart.
type CartLine struct {
	SKU string `json:"sku"`
	Qty int    `json:"qty"`
}

// Cart is what a browser sends to POST /checkout.
type Cart struct {
	Token string     `json:"token"`
	Lines []CartLine `json:"lines"`
}

// Confirmation is what the browser gets back. It stays small whatever the
// services behind it exchange.
type Confirmation struct {
	OrderID    string        `json:"order_id"`
	Currency   string        `json:"currency"`
	TotalCents int           `json:"total_cents"`
	Lines      []ConfirmLine `json:"lines"`
	Receipt    string        `json:"receipt_sha"`
}

// ConfirmLine is one line the customer sees.
type ConfirmLine struct {
	SKU   string `json:"sku"`
	Name  string `json:"name"`
	Qty   int    `json:"qty"`
	Cents int    `json:"cents"`
}

func newCheckout(d deps) (service, error) {
	tpl, err := template.New("receipt").Parse(receiptHTML)
	if err != nil {
		return service{}, fmt.Errorf("parsing receipt template: %w", err)
	}
	c := &checkout{seed: d.Seed, flags: d.flags, tel: d.tel, promos: promos(d.Seed), receipt: tpl}
	c.best = newPromoCache(d)
	if d.flags.get("tax_table") != "lazy" {
		c.taxes.load(d.Seed)
	}
	for name, into := range map[string]**peer{"auth": &c.auth, "inventory": &c.inventory, "payment": &c.payment, "orders": &c.orders} {
		*into, err = newPeer(d, name, func(next http.RoundTripper) http.RoundTripper { return viaMesh{d.Mesh, name, next} })
		if err != nil {
			return service{}, err
		}
	}
	return service{routes: []route{{"POST /checkout", c.place}}, close: func() error { return nil }}, nil
}

// place runs one checkout.
func (c *checkout) place(w http.ResponseWriter, r *http.Request) {
	var cart Cart
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&cart); err != nil {
		mesh.Fail(w, http.StatusBadRequest, "reading cart: "+err.Error())
		return
	}
	if len(cart.Lines) == 0 {
		mesh.Fail(w, http.StatusUnprocessableEntity, "the cart is empty")
		return
	}
	conf, err := c.run(r.Context(), cart)
	if err != nil {
		mesh.Fail(w, http.StatusBadGateway, err.Error())
		return
	}
	reply(w, conf)
}

func (c *checkout) run(ctx context.Context, cart Cart) (Confirmation, error) {
	session, err := c.auth.post(ctx, "http://auth/validate", map[string]string{"token": cart.Token})
	if err != nil {
		return Confirmation{}, fmt.Errorf("validating session: %w", err)
	}
	skus := make([]string, len(cart.Lines))
	for i, l := range cart.Lines {
		skus[i] = l.SKU
	}
	page, err := c.inventory.get(ctx, "http://inventory/v1/items?ids="+strings.Join(skus, ","))
	if err != nil {
		return Confirmation{}, fmt.Errorf("looking up items: %w", err)
	}
	if c.flags.get("stock_check") == "per_piece" {
		if err := c.checkPieces(ctx, cart.Lines); err != nil {
			return Confirmation{}, err
		}
	}
	lines, err := enrich(page, cart.Lines)
	if err != nil {
		return Confirmation{}, err
	}
	user, _ := session["user"].(string)
	total := c.total(ctx, user, lines)
	if c.flags.get("gift_notes") == "on" {
		addGiftNotes(lines)
	}
	order := map[string]any{"user": user, "currency": "EUR", "total_cents": total, "lines": lines}
	if c.flags.get("audit") == "steps" {
		order["audit_sha"] = auditTrail(order)
	}
	placed, err := c.pay(ctx, order)
	if err != nil {
		return Confirmation{}, err
	}
	return c.confirm(placed, lines, total)
}

// total prices the lines and adds the tax.
func (c *checkout) total(ctx context.Context, user string, lines []any) int {
	best := c.best.lookup(ctx, func(text string, qty int) int {
		if c.flags.get("promo_match") == "fuzzy" {
			return fuzzyPromo(c.promos, text, qty)
		}
		return bestPromo(c.promos, text, qty)
	})
	total := price(best, lines)
	return total + tax(c.taxes.table(ctx, c.tel, c.seed), user, total)
}

// pay charges the order and places it.
func (c *checkout) pay(ctx context.Context, order map[string]any) (map[string]any, error) {
	if c.flags.get("charge_guard") == "zone" {
		g := &c.guard[zoneOf(order["user"])]
		g.Lock()
		defer g.Unlock()
	}
	charge, err := c.payment.post(ctx, "http://payment/charge", clone(order))
	if err != nil {
		return nil, fmt.Errorf("charging: %w", err)
	}
	order["charge_id"] = charge["charge_id"]
	placed, err := c.orders.post(ctx, "http://orders/orders", clone(order))
	if err != nil {
		return nil, fmt.Errorf("placing order: %w", err)
	}
	return placed, nil
}

// enrich joins the cart with inventory's answer. Lines are inventory's maps
// with the cart's numbers added, pictures removed: the services behind get
// whatever inventory knew. Each line is a copy, so that inventory's answer
// stays what it was.
func enrich(page map[string]any, cart []CartLine) ([]any, error) {
	items, _ := page["items"].([]any)
	if len(items) != len(cart) {
		return nil, fmt.Errorf("inventory answered %d items for %d lines", len(items), len(cart))
	}
	lines := make([]any, len(cart))
	for i, it := range items {
		line, ok := clone(it).(map[string]any)
		if !ok {
			return nil, fmt.Errorf("inventory's item %d is no object", i)
		}
		if d, ok := line["details"].(map[string]any); ok {
			delete(d, "media")
		}
		line["qty"] = cart[i].Qty
		lines[i] = line
	}
	return lines, nil
}

// clone copies a decoded JSON value all the way down, so that nobody who gets
// it can change the original: careful, and it costs what the value is big.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, x := range v {
			m[k] = clone(x)
		}
		return m
	case []any:
		s := make([]any, len(v))
		for i, x := range v {
			s[i] = clone(x)
		}
		return s
	default:
		return v
	}
}

// confirm renders the receipt and the browser's small answer.
func (c *checkout) confirm(placed map[string]any, lines []any, total int) (Confirmation, error) {
	id, _ := placed["order_id"].(string)
	conf := Confirmation{OrderID: id, Currency: "EUR", TotalCents: total}
	for _, l := range lines {
		line := l.(map[string]any) // enrich made them
		name, _ := line["name"].(string)
		sku, _ := line["sku"].(string)
		cents, _ := line["line_cents"].(int)
		qty, _ := line["qty"].(int)
		conf.Lines = append(conf.Lines, ConfirmLine{sku, name, qty, cents})
	}
	var b bytes.Buffer
	if err := c.receipt.Execute(&b, conf); err != nil {
		return Confirmation{}, fmt.Errorf("rendering receipt: %w", err)
	}
	conf.Receipt = stretch(b.Bytes(), receiptRounds)
	return conf, nil
}

// viaMesh sends http://{peer}/path to {mesh}/svc/{peer}/path.
type viaMesh struct {
	mesh, peer string
	next       http.RoundTripper
}

// RoundTrip rewrites the address only; the span above keeps the peer's name.
func (v viaMesh) RoundTrip(r *http.Request) (*http.Response, error) {
	u, err := url.Parse(v.mesh + "/svc/" + v.peer + r.URL.Path)
	if err != nil || v.mesh == "" {
		return nil, fmt.Errorf("calling %s: no usable router address %q (--mesh)", v.peer, v.mesh)
	}
	u.RawQuery = r.URL.RawQuery
	out := r.Clone(r.Context())
	out.URL, out.Host = u, v.peer
	return v.next.RoundTrip(out)
}

// transport keeps enough idle connections for slow flows in parallel.
func transport() *http.Transport {
	return &http.Transport{
		MaxIdleConns: 1024, MaxIdleConnsPerHost: 512, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
	}
}
