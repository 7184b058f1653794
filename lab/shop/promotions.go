package shop

import (
	"math/rand/v2"
	"strings"
)

// promoCount is how many promotions are on file, as a shop collects them.
const promoCount = 2_000

// promo is one promotion: lines whose name or tags contain all words, in at
// least qty pieces, get percent off.
type promo struct {
	words   []string
	qty     int
	percent int
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
