package attribute

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// Separation is how well a dimension tells bad events from good ones.
type Separation struct {
	Dimension string `json:"dimension"`
	// V is Cramér's V with Bergsma's correction (2013), 0 to 1: a key with a
	// value for every request separates perfectly and scores nothing.
	V float64 `json:"v"`
	// P is the chance of such a difference without any, by the chi-square test,
	// times the number of dimensions that were tried; at most 1.
	P       float64       `json:"p"`
	Values  int           `json:"values"` // distinct ones, without none
	Carried pitwall.Ratio `json:"carried"`
	// Worst is the value with the most bad events beyond its traffic.
	Worst  string  `json:"worst,omitempty"`
	Excess float64 `json:"excess"`
	// Outcome: the key tells how a request ended, not where to look for why.
	Outcome bool `json:"outcome,omitempty"`
}

// pooled is the fewest events a value needs to be tested for itself (Cochran
// 1954); rarer ones are tested together.
const pooled = 5

// Dimensions ranks operation, version and every attribute by how well they tell
// bad spans from good ones; what merely tells the outcome comes last. It is
// empty without both a good and a bad span.
func Dimensions(b *pitwall.SpanBatch, s Scope) ([]Separation, error) {
	if err := ofSpans(s.SLO); err != nil {
		return nil, err
	}
	var all pitwall.Counts
	columns := map[string]map[uint32]pitwall.Counts{Operation: {}, Version: {}}
	attributes := map[uint32]map[uint32]pitwall.Counts{}
	last := make([]int, len(b.Strings)) // 1 + the last span with this key
	each(b, s, func(i int, bad bool) {
		c := one(bad)
		all = all.Add(c)
		grow(columns[Operation], b.Operation[i], c)
		grow(columns[Version], b.Version[i], c)
		from, to := attrs(b, i)
		for j := from; j < to; j++ {
			key := b.AttrKey[j]
			if last[key] == i+1 { // twice on one span: the first counts
				continue
			}
			last[key] = i + 1
			if attributes[key] == nil {
				attributes[key] = map[uint32]pitwall.Counts{}
			}
			grow(attributes[key], b.AttrValue[j], c)
		}
	})
	if all.Good == 0 || all.Bad == 0 {
		return []Separation{}, nil
	}
	for key, values := range attributes {
		if name := b.Strings[key]; columns[name] == nil { // an attribute called "version" is hidden by the column
			columns[name] = values
		}
	}
	list := []Separation{}
	for key, values := range columns {
		if t, ok := separate(key, table(b, values, all), all); ok {
			list = append(list, t)
		}
	}
	for i := range list {
		list[i].P = min(1, list[i].P*float64(len(list)))
	}
	slices.SortFunc(list, func(x, y Separation) int {
		if x.Outcome != y.Outcome {
			return cmp.Compare(btoi(x.Outcome), btoi(y.Outcome))
		}
		return cmp.Or(cmp.Compare(y.V, x.V), cmp.Compare(x.P, y.P), cmp.Compare(x.Dimension, y.Dimension))
	})
	return list, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func grow(m map[uint32]pitwall.Counts, id uint32, c pitwall.Counts) { m[id] = m[id].Add(c) }

// table names values and adds the events that carry none.
func table(b *pitwall.SpanBatch, values map[uint32]pitwall.Counts, all pitwall.Counts) map[string]pitwall.Counts {
	out := make(map[string]pitwall.Counts, len(values)+1)
	var carried pitwall.Counts
	for id, c := range values {
		name := named(b.Strings[id])
		out[name] = out[name].Add(c)
		carried = carried.Add(c)
	}
	if rest := (pitwall.Counts{Good: all.Good - carried.Good, Bad: all.Bad - carried.Bad}); rest.Total() > 0 {
		out[None] = out[None].Add(rest)
	}
	return out
}

// separate tests one dimension; ok is false if there is nothing to tell apart.
func separate(key string, values map[string]pitwall.Counts, all pitwall.Counts) (Separation, bool) {
	none, told := values[None], len(values)
	if none.Total() > 0 {
		told--
	}
	if told == 0 || len(values) < 2 {
		return Separation{}, false
	}
	t := Separation{Dimension: key, Values: told, P: 1, Carried: 1 - pitwall.Ratio(float64(none.Total())/float64(all.Total()))}
	share := float64(all.Bad) / float64(all.Total())
	var rows []pitwall.Counts
	var rare pitwall.Counts
	for _, name := range sorted(values) {
		c := values[name]
		if over := float64(c.Bad) - share*float64(c.Total()); t.Worst == "" || over > t.Excess {
			t.Worst, t.Excess = name, over
		}
		if c.Total() < pooled {
			rare = rare.Add(c)
			continue
		}
		rows = append(rows, c)
	}
	if rare.Total() > 0 {
		rows = append(rows, rare)
	}
	t.V, t.P = cramer(rows, share)
	t.Outcome = outcome(key) || all.Good == none.Good && none.Bad < all.Bad
	return t, true
}

func sorted(values map[string]pitwall.Counts) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// cramer is Cramér's V of a k × 2 table, corrected for the size that chance
// gives it, and the p-value of its chi-square statistic.
func cramer(rows []pitwall.Counts, share float64) (v, p float64) {
	k, n, chi := float64(len(rows)), 0.0, 0.0
	for _, c := range rows {
		total := float64(c.Total())
		n += total
		d := float64(c.Bad) - share*total
		chi += d * d / (total * share * (1 - share))
	}
	if k < 2 || n < 3 {
		return 0, 1
	}
	phi := max(0, chi/n-(k-1)/(n-1))
	columns := 2 - 1/(n-1)
	kept := k - (k-1)*(k-1)/(n-1)
	if least := min(kept, columns) - 1; least > 0 {
		v = min(1, math.Sqrt(phi/least))
	}
	return v, stats.ChiSquareTail(chi, len(rows)-1)
}

// outcome says whether an attribute of OpenTelemetry's conventions tells how a
// request ended.
func outcome(key string) bool {
	if strings.HasPrefix(key, "exception.") || strings.HasPrefix(key, "error.") || strings.HasPrefix(key, "otel.status") {
		return true
	}
	return strings.HasSuffix(key, "status_code") || strings.HasSuffix(key, "status_text") || key == "error"
}
