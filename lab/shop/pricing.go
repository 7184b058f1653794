package shop

import (
	"hash/fnv"
	"io"
	"math/rand/v2"
	"strings"
)

const (
	promoCount    = 2_000 // promotions on file, as a shop collects them
	receiptRounds = 1_500 // the receipt's signature is stretched, see stretch
)

// receiptHTML is the receipt that is signed and archived.
const receiptHTML = `<!doctype html><html><body><h1>Order {{.OrderID}}</h1><table>
{{range .Lines}}<tr><td>{{.SKU}}</td><td>{{.Name}}</td><td>{{.Qty}}</td><td>{{.Cents}}</td></tr>
{{end}}</table><p>Total {{.TotalCents}} {{.Currency}}</p></body></html>`

// promo is one promotion: lines whose name or tags contain all words, in at
// least qty pieces, get percent off.
type promo struct {
	words   []string
	qty     int
	percent int
}

// zones is how many delivery zones the tax table knows: 12 Mi zones of two bytes
// are 24 MiB, which checkout holds in memory all the time.
const zones = 12 << 20

// taxTable gives the tax of a delivery zone in basis points.
func taxTable(seed uint64) []uint16 {
	t := make([]uint16, zones)
	x := seed | 1
	for i := range t {
		x ^= x << 13 // xorshift64: cheap and good enough for a table
		x ^= x >> 7
		x ^= x << 17
		t[i] = uint16(700 + x%1_800)
	}
	return t
}

// tax is the tax on a total for a customer's delivery zone, in cents.
func tax(table []uint16, user string, total int) int {
	h := fnv.New32a()
	_, _ = io.WriteString(h, user) // a hash never fails
	return total * int(table[int(h.Sum32())%len(table)]) / 10_000
}

// promos makes the running promotions, seeded.
func promos(seed uint64) []promo {
	r := rand.New(rand.NewPCG(seed, 77))
	out := make([]promo, promoCount)
	for i := range out {
		out[i] = promo{words: strings.Fields(words(r, 2)), qty: 1 + r.IntN(3), percent: 1 + r.IntN(9)}
	}
	return out
}

// price sets line_cents on each line from the best promotion that applies and
// returns the total in cents.
func price(best func(line map[string]any, qty int) int, lines []any) int {
	total := 0
	for _, l := range lines {
		line := l.(map[string]any) // enrich made them
		cents, _ := line["price_cents"].(float64)
		qty, _ := line["qty"].(int)
		percent := best(line, qty)
		sum := int(cents) * qty * (100 - percent) / 100
		line["line_cents"], line["promo_percent"] = sum, percent
		total += sum
	}
	return total
}

// haystack is what promotions match against: name, brand and tags.
func haystack(line map[string]any) string {
	name, _ := line["name"].(string)
	brand, _ := line["brand"].(string)
	s := name + " " + brand
	tags, _ := line["tags"].([]any)
	for _, t := range tags {
		if tag, ok := t.(string); ok {
			s += " " + tag
		}
	}
	return strings.ToLower(s)
}

func bestPromo(ps []promo, text string, qty int) int {
	best := 0
	for _, p := range ps {
		hit := qty >= p.qty
		for _, w := range p.words {
			hit = strings.Contains(text, w) && hit
		}
		if hit {
			best = max(best, p.percent)
		}
	}
	return best
}
