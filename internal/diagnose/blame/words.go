package blame

import (
	"math"
	"slices"
	"strings"
	"unicode"
)

// Words splits text into lower-case words at signs, digits and humps:
// "maxIdleConns: 10" is max, idle, conns.
func Words(text string) []string {
	var list []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			list = append(list, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	rs := []rune(text)
	for i, r := range rs {
		if !unicode.IsLetter(r) {
			flush()
			continue
		}
		if unicode.IsUpper(r) && i > 0 && len(word) > 0 &&
			(unicode.IsLower(rs[i-1]) || i+1 < len(rs) && unicode.IsLower(rs[i+1]) && unicode.IsUpper(rs[i-1])) {
			flush() // maxConns, HTTPServer
		}
		word = append(word, r)
	}
	flush()
	return list
}

// has says that all of the wanted words occur; a wanted word that ends in "*"
// stands for every word that begins like it.
func has(words []string, wanted string) bool {
	for w := range strings.FieldsSeq(wanted) {
		stem, open := strings.CutSuffix(w, "*")
		if !slices.ContainsFunc(words, func(x string) bool { return x == w || open && strings.HasPrefix(x, stem) }) {
			return false
		}
	}
	return true
}

// hasAny says that one of the alternatives occurs as a whole.
func hasAny(words []string, alternatives []string) bool {
	return slices.ContainsFunc(alternatives, func(a string) bool { return has(words, a) })
}

// stem cuts an English ending, so that "lookups" and "lookup" are one word.
func stem(w string) string {
	for _, end := range []string{"ations", "ation", "ings", "ing", "ers", "ies", "ed", "es", "er", "s", "e", "y"} {
		if s, ok := strings.CutSuffix(w, end); ok && len(s) >= 4 {
			return s
		}
	}
	return w
}

// Rarity weighs words by in how few of the given texts they occur, as document
// retrieval does (inverse document frequency): a word that every change has
// says nothing about one of them.
type Rarity struct {
	in map[string]int
	n  int
}

// NewRarity counts the words of some texts, one for each change.
func NewRarity(texts []string) Rarity {
	r := Rarity{in: map[string]int{}, n: len(texts)}
	for _, t := range texts {
		for w := range telling(t) {
			r.in[w]++
		}
	}
	return r
}

// telling are the words worth comparing: four letters and more, no words of the
// trade that every change and every line may hold.
func telling(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range Words(text) {
		if len(w) >= 4 && !slices.Contains(trade, w) {
			set[stem(w)] = true
		}
	}
	return set
}

// trade are words that occur everywhere and tell nothing; read-only.
var trade = []string{
	"error", "errors", "failed", "failure", "return", "returns", "returned", "func", "string", "const", "type", "service", "services",
	"request", "requests", "response", "server", "client", "value", "values", "name", "with", "from", "that", "this", "into", "when",
	"import", "export", "self", "null", "none", "true", "false", "async", "await", "feat", "chore", "refactor", "test", "tests", "docs",
	"update", "config", "context", "internal", "main", "public", "private", "class", "static", "void", "code", "data", "info", "warn",
	"debug", "level", "file", "files", "path", "http", "https", "called", "after", "before", "over", "than", "while", "count", "total",
	"ratio", "rate", "seconds", "second", "minute", "default", "status", "message", "handler", "handle", "result", "object", "list",
	"yaml", "json", "java", "python", "node", "kubernetes", "deployment", "deploy", "prod", "production", "staging", "runtime",
	"above", "below", "observed", "threshold", "alert", "monitor", "critical", "high", "times", "more", "observ",
}

// Shared gives the rare words that two texts share, and how rare they are
// together: the sum over them of the logarithm of how many changes there are
// for one that has the word.
func (r Rarity) Shared(a, b string) (words []string, weight float64) {
	in := telling(b)
	for w := range telling(a) {
		if !in[w] {
			continue
		}
		words = append(words, w)
		weight += math.Log(float64(r.n+1) / float64(max(1, r.in[w])))
	}
	slices.Sort(words)
	return words, weight
}
