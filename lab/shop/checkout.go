package shop

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"html/template"
	"io"
	"net/http"
	"strings"
	"sync"

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

// checkPieces asks inventory for every piece of every line whether it is there.
func (c *checkout) checkPieces(ctx context.Context, lines []CartLine) error {
	for _, l := range lines {
		for range l.Qty {
			if _, err := c.inventory.get(ctx, "http://inventory/v1/stock?id="+l.SKU); err != nil {
				return fmt.Errorf("checking stock of %s: %w", l.SKU, err)
			}
		}
	}
	return nil
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

// chargeGuards is how many delivery regions have a guard of their own.
const chargeGuards = 2

// zoneOf is the delivery region of a customer.
func zoneOf(user any) int {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, user) // a hash never fails
	return int(h.Sum32() % chargeGuards)
}
