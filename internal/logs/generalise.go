package logs

import (
	"hash/maphash"
	"slices"
	"strings"
)

const (
	leastAlike = 8  // templates that differ in one word alone, from which that word varies
	mostWords  = 48 // of a template; longer ones stay as they are
	rounds     = 3  // words that can turn out to vary, one after the other
)

// Generalise finds templates that are alike but for one word, at least eight of
// them, and maps each to a template with a wildcard there: names of users that
// look like words, say. Then the same once more, for a second and a third word.
// A template that has no likes is not in the answer, and the order of the
// templates does not matter.
func Generalise(templates []string) map[string]string {
	words := make(map[string][]string, len(templates))
	for _, t := range templates {
		words[t] = strings.Fields(t)
	}
	wider := map[string]string{}
	for range rounds {
		next := widen(words)
		if len(next) == 0 {
			return wider
		}
		for old, to := range wider {
			if w, ok := next[to]; ok {
				wider[old] = w
			}
		}
		for _, t := range templates {
			if w, ok := next[t]; ok && wider[t] == "" {
				wider[t] = w
			}
		}
		for from, to := range next {
			delete(words, from)
			words[to] = strings.Fields(to)
		}
	}
	return wider
}

// hole is a template without one of its words, as a hash.
type hole struct {
	rest  uint64
	at, n int
}

// widen gives each template its wildcard at the word in which the most others
// differ from it, if they are enough.
func widen(words map[string][]string) map[string]string {
	seed := maphash.MakeSeed() // only equality within this call counts
	holes := func(ws []string, each func(at int, h hole)) {
		sum := uint64(0)
		at := func(i int) uint64 { return (maphash.String(seed, ws[i]) | 1) * uint64(2*i+3) }
		for i := range ws {
			sum += at(i)
		}
		for i := range ws {
			each(i, hole{sum - at(i), i, len(ws)})
		}
	}
	fits := func(ws []string) bool { return len(ws) >= 3 && len(ws) <= mostWords }
	alike := map[hole]int{}
	for _, ws := range words {
		if fits(ws) {
			holes(ws, func(_ int, h hole) { alike[h]++ })
		}
	}
	wider := map[string]string{}
	for t, ws := range words {
		if !fits(ws) {
			continue
		}
		best, most := -1, leastAlike-1
		holes(ws, func(at int, h hole) {
			if alike[h] > most && ws[at] != Wildcard {
				best, most = at, alike[h]
			}
		})
		if best >= 0 {
			ws := slices.Clone(ws)
			ws[best] = Wildcard
			wider[t] = strings.Join(ws, " ")
		}
	}
	return wider
}
