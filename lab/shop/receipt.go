package shop

import (
	"bytes"
	"fmt"
)

// receiptRounds stretches the receipt's signature, see stretch.
const receiptRounds = 1_500

// receiptHTML is the receipt that is signed and archived.
const receiptHTML = `<!doctype html><html><body><h1>Order {{.OrderID}}</h1><table>
{{range .Lines}}<tr><td>{{.SKU}}</td><td>{{.Name}}</td><td>{{.Qty}}</td><td>{{.Cents}}</td></tr>
{{end}}</table><p>Total {{.TotalCents}} {{.Currency}}</p></body></html>`

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
