package shop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"

	"github.com/pitwall/pitwall/lab/telemetry"
)

// chargeGuards is how many delivery regions have a guard of their own.
const chargeGuards = 2

// zoneOf is the delivery region of a customer.
func zoneOf(user any) int {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, user) // a hash never fails
	return int(h.Sum32() % chargeGuards)
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

// fuzzyPromo is bestPromo for people who misspell: a word counts if some word
// of the text is at most two letters away.
func fuzzyPromo(ps []promo, text string, qty int) int {
	best := 0
	have := strings.Fields(text)
	for _, p := range ps {
		hit := qty >= p.qty
		for _, w := range p.words {
			hit = near(have, w) && hit
		}
		if hit {
			best = max(best, p.percent)
		}
	}
	return best
}

// near says whether one of the words is at most two edits from want.
func near(words []string, want string) bool {
	found := false
	for _, w := range words {
		if editDistance(w, want) <= 2 && len(w) > 4 {
			found = true
		}
	}
	return found
}

// editDistance is Levenshtein's, on bytes.
func editDistance(a, b string) int {
	var row [32]int
	if len(b) >= len(row) {
		b = b[:len(row)-1]
	}
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// promoCache remembers the best promotion of a good and a number of pieces.
// With size 0 it remembers nothing.
type promoCache struct {
	flags *flagSet
	tel   *telemetry.Telemetry
	mu    sync.Mutex
	best  map[string]int
}

func newPromoCache(d deps) *promoCache {
	return &promoCache{flags: d.flags, tel: d.tel, best: map[string]int{}}
}

// lookup gives the function that prices a line: from the cache if it is on,
// else from search.
func (p *promoCache) lookup(ctx context.Context, search func(text string, qty int) int) func(map[string]any, int) int {
	size := int(p.flags.number("promo_cache_size", 0))
	if size <= 0 {
		return func(line map[string]any, qty int) int { return search(haystack(line), qty) }
	}
	return func(line map[string]any, qty int) int {
		key := fmt.Sprint(line["sku"])
		p.mu.Lock()
		percent, hit := p.best[key]
		p.mu.Unlock()
		p.tel.CacheLookup(ctx, "promotions", hit)
		if hit {
			return percent * qty / mostPieces
		}
		percent = combinedPromo(search, line, int(p.flags.number("promo_depth", 1)))
		p.mu.Lock()
		defer p.mu.Unlock()
		evict(p.best, size)
		p.best[key] = percent
		return percent * qty / mostPieces
	}
}

// mostPieces is the number of pieces that gets the whole promotion.
const mostPieces = 3

// combinedPromo tries the good's words with up to depth of them left out: the
// dearest search there is, which is why there is a cache.
func combinedPromo(search func(text string, qty int) int, line map[string]any, depth int) int {
	return leaveOut(strings.Fields(haystack(line)), 0, depth, func(words []string) int {
		return search(strings.Join(words, " "), mostPieces)
	})
}

// leaveOut is the best score of the words and of what is left of them without
// up to depth words from the i-th on.
func leaveOut(words []string, i, depth int, score func([]string) int) int {
	best := score(words)
	if depth == 0 {
		return best
	}
	for ; i < len(words); i++ {
		rest := append(append([]string{}, words[:i]...), words[i+1:]...)
		best = max(best, leaveOut(rest, i, depth-1, score))
	}
	return best
}

// evict makes room for one entry in a map of at most size entries.
func evict[V any](m map[string]V, size int) {
	for k := range m {
		if len(m) < size {
			return
		}
		delete(m, k) // any: the map's order is as good as random
	}
}

// taxes is the tax table, loaded at the start or when first needed.
type taxes struct {
	once sync.Once
	t    []uint16
}

func (t *taxes) load(seed uint64) { t.once.Do(func() { t.t = taxTable(seed) }) }

// table waits for the table.
func (t *taxes) table(ctx context.Context, tel *telemetry.Telemetry, seed uint64) []uint16 {
	t.once.Do(func() {
		tel.Inside(ctx, "load tax table", func(context.Context) {
			for year := range uint64(taxYears) { // the newest comes last
				t.t = taxTable(seed + taxYears - 1 - year)
			}
		})
	})
	return t.t
}

// taxYears is how many years of tax tables are on file; a table loaded late
// reads them in turn to find the one in force.
const taxYears = 8
