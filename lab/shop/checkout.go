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
	"time"

	"github.com/pitwall/pitwall/lab/mesh"
)

// checkout turns a cart into a paid order. It asks four services in turn.
type checkout struct {
	auth, inventory, payment, orders *http.Client
	promos                           []promo
	taxes                            []uint16
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
	client := func(peer string) *http.Client { return d.tel.Client(peer, viaMesh{d.Mesh, peer, transport()}) }
	c := &checkout{
		auth: client("auth"), inventory: client("inventory"), payment: client("payment"), orders: client("orders"),
		promos: promos(d.Seed), taxes: taxTable(d.Seed), receipt: tpl,
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
	session, err := post(ctx, c.auth, "http://auth/validate", map[string]string{"token": cart.Token})
	if err != nil {
		return Confirmation{}, fmt.Errorf("validating session: %w", err)
	}
	skus := make([]string, len(cart.Lines))
	for i, l := range cart.Lines {
		skus[i] = l.SKU
	}
	page, err := get(ctx, c.inventory, "http://inventory/v1/items?ids="+strings.Join(skus, ","))
	if err != nil {
		return Confirmation{}, fmt.Errorf("looking up items: %w", err)
	}
	lines, err := enrich(page, cart.Lines)
	if err != nil {
		return Confirmation{}, err
	}
	total := price(c.promos, lines)
	user, _ := session["user"].(string)
	total += tax(c.taxes, user, total)
	order := map[string]any{"user": user, "currency": "EUR", "total_cents": total, "lines": lines}
	charge, err := post(ctx, c.payment, "http://payment/charge", clone(order))
	if err != nil {
		return Confirmation{}, fmt.Errorf("charging: %w", err)
	}
	order["charge_id"] = charge["charge_id"]
	placed, err := post(ctx, c.orders, "http://orders/orders", clone(order))
	if err != nil {
		return Confirmation{}, fmt.Errorf("placing order: %w", err)
	}
	return c.confirm(placed, lines, total)
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

// post asks a peer with a JSON body and decodes its answer into a map, as code
// that means to pass it on does.
func post(ctx context.Context, c *http.Client, target string, in any) (map[string]any, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encoding request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return ask(c, req)
}

// get asks a peer without a body.
func get(ctx context.Context, c *http.Client, target string) (map[string]any, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	return ask(c, req)
}

func ask(c *http.Client, req *http.Request) (map[string]any, error) {
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("reading answer: %w", err)
	}
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("%s answered %d: %.200s", req.URL.Host, res.StatusCode, raw)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("decoding answer: %w", err)
	}
	return out, nil
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
