package shop

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

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

// addGiftNotes tells with each line when a gift would arrive.
func addGiftNotes(lines []any) {
	for _, l := range lines {
		line := l.(map[string]any) // enrich made them
		var quick map[string]any
		ways, _ := line["shipping"].([]any)
		for _, w := range ways {
			way, _ := w.(map[string]any)
			if days, _ := way["days"].(float64); days <= giftDays {
				quick = way
			}
		}
		line["note"] = "arrives with " + quick["carrier"].(string)
	}
}

// giftDays is how soon a gift must arrive.
const giftDays = 3

// auditTrail keeps what an order looked like after each step of its making and
// gives the trail's hash.
func auditTrail(order map[string]any) string {
	var trail []map[string]any
	lines, _ := order["lines"].([]any)
	for range auditSteps {
		for i := range lines {
			step, _ := clone(order).(map[string]any)
			step["step"] = i
			trail = append(trail, step)
		}
	}
	h := sha256.New()
	for _, step := range trail[max(0, len(trail)-2):] {
		if b, err := json.Marshal(step); err == nil {
			_, _ = h.Write(b) // a hash never fails
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// auditSteps is how many steps each line goes through.
const auditSteps = 32
