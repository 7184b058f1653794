package promql

import (
	"math"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// canonical words a selector the same however it was written, so that objectives
// can share what it gives.
func canonical(v *parser.VectorSelector) (selector, inside string) {
	matchers := slices.Clone(v.LabelMatchers)
	slices.SortFunc(matchers, func(a, b *labels.Matcher) int { return strings.Compare(a.String(), b.String()) })
	sorted := parser.VectorSelector{Name: v.Name, LabelMatchers: matchers}
	words := make([]string, len(matchers))
	for i, m := range matchers {
		words[i] = m.String()
	}
	return sorted.String(), strings.Join(words, ",")
}

// merge adds up terms of the same series and drops those that cancel out.
func merge(terms []Term) []Term {
	var out []Term
	for _, t := range terms {
		i := slices.IndexFunc(out, func(o Term) bool { return o.Selector == t.Selector && o.Wrap == t.Wrap && o.Reading == t.Reading })
		if i < 0 {
			out = append(out, t)
			continue
		}
		out[i].Coefficient += t.Coefficient
	}
	return slices.DeleteFunc(out, func(t Term) bool { return math.Abs(t.Coefficient) < 1e-12 })
}

// plus adds factor times another count's terms.
func (c Count) plus(d Count, factor float64) []Term {
	terms := slices.Clone(c.Terms)
	for _, t := range d.Terms {
		t.Coefficient *= factor
		terms = append(terms, t)
	}
	return merge(terms)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// largest is the greatest coefficient, whatever its sign.
func (c Count) largest() (most float64) {
	for _, t := range c.Terms {
		most = max(most, math.Abs(t.Coefficient))
	}
	return most
}
