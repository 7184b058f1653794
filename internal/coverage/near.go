package coverage

import (
	"cmp"
	"slices"
	"strings"
)

// nearest gives up to n of the names that are most like the wanted one, the
// nearest first.
func nearest(wanted string, names []string, n int) []string {
	type scored struct {
		name  string
		score int
	}
	var list []scored
	for _, name := range names {
		list = append(list, scored{name, distance(strings.ToLower(wanted), strings.ToLower(name))})
	}
	slices.SortFunc(list, func(x, y scored) int { return cmp.Or(cmp.Compare(x.score, y.score), cmp.Compare(x.name, y.name)) })
	var out []string
	for _, s := range list {
		if len(out) < n && !slices.Contains(out, s.name) {
			out = append(out, s.name)
		}
	}
	return out
}

// longestName bounds what is compared; names come from outside.
const longestName = 200

// distance is how many letters must be added, taken away or changed
// (Levenshtein 1965).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	x, y = x[:min(len(x), longestName)], y[:min(len(y), longestName)]
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			change := diagonal
			if x[i] != y[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}
