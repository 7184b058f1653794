package trace

import (
	"cmp"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// Group is a number of requests, each the row of its entry span. Two groups may
// be of one batch or of two.
type Group struct {
	Batch    *pitwall.SpanBatch
	Forest   *Forest
	Requests []int32
}

// Split parts a group at a duration in nanoseconds: the slow ones took longer.
func (g Group) Split(longest int64) (slow, typical Group) {
	slow, typical = Group{Batch: g.Batch, Forest: g.Forest}, Group{Batch: g.Batch, Forest: g.Forest}
	for _, r := range g.Requests {
		if g.Batch.Duration[r] > longest {
			slow.Requests = append(slow.Requests, r)
		} else {
			typical.Requests = append(typical.Requests, r)
		}
	}
	return slow, typical
}

// Bounds of a contrast.
const (
	contrastRequests = 4000 // of each group; more are thinned evenly: a share is known to 1 % then
	contrastKeys     = 400  // keys by service; the first seen count
	contrastLevels   = 200  // values of a key that are told apart; a key with more is an id
	contrastQ        = 0.05 // false discovery rate over all keys
	contrastEffect   = 0.1  // least Cramér's V worth telling: "small" by Cohen, Statistical Power Analysis, 1988
	leastExpected    = 5    // in a cell, for the chi-square law to hold (Cochran 1954)
	leastRequests    = 10   // in each group
	tellingValues    = 10   // of one key, at most
)

// Contrasts finds what slow requests have that typical ones have not: which
// values of which attributes of their entry spans, and of the spans beneath by
// service. Where several spans of a service carry a key, the longest speaks for
// the request. Service versions and body sizes count as attributes; numbers of
// many values are cut into five bins; ids, clocks and copies of the duration
// are left out.
//
// A key is told when its table of values against slow and typical differs from
// chance at a false discovery rate of 5 % (Benjamini and Hochberg 1995), when
// the difference does not go away among requests of the same time, and when
// Cramér's V is at least 0.1. The best comes first: by V times the share of the
// excess it explains. Nothing is told of groups of fewer than ten requests.
//
// Explain is the share of the excess over the typical mean that would be gone
// if the requests with values over-represented among the slow ones took as long
// as the other requests. Where the slow are not slower, failed ones say, it is
// the same share of their number. Shares of different keys overlap. Of more than 4,000
// requests of a group as many are looked at and counted, evenly spread.
func Contrasts(slow, typical Group) []pitwall.AttributeContrast {
	if len(slow.Requests) < leastRequests || len(typical.Requests) < leastRequests {
		return nil
	}
	c := newContrasting(slow, typical)
	var tested []contrast
	for _, col := range c.columns {
		if t, ok := c.table(col); ok {
			t := contrast{column: col, table: t, p: t.p(), over: t.over()}
			if len(t.over) == 0 || !c.holdsInTime(t) {
				t.p = 1
			}
			tested = append(tested, t)
		}
	}
	adjust(tested)
	var found []pitwall.AttributeContrast
	for _, t := range tested {
		effect := t.table.effect()
		if t.q > contrastQ || effect < contrastEffect {
			continue
		}
		if share := c.explains(t); share > 0 {
			found = append(found, t.tell(effect, share))
		}
	}
	slices.SortStableFunc(found, func(x, y pitwall.AttributeContrast) int {
		return cmp.Or(cmp.Compare(y.Effect*float64(y.Explain), x.Effect*float64(x.Explain)),
			cmp.Compare(x.Service, y.Service), cmp.Compare(x.Key, y.Key))
	})
	return found
}

// contrast is one key under test.
type contrast struct {
	column *column
	table  table2
	p, q   float64
	over   []int // the values over-represented among the slow
}

// adjust fills in the false discovery rate at which each would be told.
func adjust(tested []contrast) {
	byP := make([]int, len(tested))
	for i := range byP {
		byP[i] = i
	}
	slices.SortStableFunc(byP, func(x, y int) int { return cmp.Compare(tested[x].p, tested[y].p) })
	q := 1.0
	for rank := len(byP); rank > 0; rank-- {
		t := &tested[byP[rank-1]]
		q = min(q, t.p*float64(len(byP))/float64(rank))
		t.q = q
	}
}

// explains is the share of the excess that goes with over-represented values:
// of the seconds, or of the number of slow requests where they are not slower.
func (c *contrasting) explains(t contrast) pitwall.Ratio {
	var with, without, typical, all sum
	for i, r := range c.requests {
		cost := r.took
		if !c.slower {
			cost = 0
			if r.slow {
				cost = 1
			}
		}
		all.add(cost, r.weight)
		if !r.slow {
			typical.add(cost, r.weight)
		}
		if slices.Contains(t.over, t.table.level[i]) {
			with.add(cost, r.weight)
		} else {
			without.add(cost, r.weight)
		}
	}
	excess := all.total - all.n*typical.mean()
	if excess <= 0 || with.n == 0 {
		return 0
	}
	rest := typical.mean() // where all have one of the values
	if without.n > 0 {
		rest = without.mean()
	}
	return pitwall.Ratio(max(0, min(1, (with.total-with.n*rest)/excess)))
}

// sum is over requests, each counting for those that it stands for.
type sum struct{ n, total float64 }

func (s *sum) add(v, weight float64) {
	s.n += weight
	s.total += weight * v
}

func (s *sum) mean() float64 {
	if s.n == 0 {
		return 0
	}
	return s.total / s.n
}

// timeBlocks is into how many the time of all requests is cut when a contrast
// is looked at again among requests of the same time.
const timeBlocks = 16

// holdsInTime says whether those values are still more frequent among the slow
// when only requests of the same time are compared (Cochran, Mantel and
// Haenszel 1959, one-sided at 5 %): what came and went with the slowness by the
// clock alone does not hold. Where the groups share no time, as those of two
// periods, nothing can be said against it.
func (c *contrasting) holdsInTime(t contrast) bool {
	var with, slow, all [timeBlocks]float64
	var observed [timeBlocks]float64
	for i, r := range c.requests {
		has := slices.Contains(t.over, t.table.level[i])
		all[r.block]++
		if has {
			with[r.block]++
		}
		if r.slow {
			slow[r.block]++
			if has {
				observed[r.block]++
			}
		}
	}
	diff, variance, shared := 0.0, 0.0, false
	for b, n := range all {
		if n < 2 {
			continue
		}
		shared = shared || slow[b] > 0 && slow[b] < n
		diff += observed[b] - slow[b]*with[b]/n
		variance += slow[b] * (n - slow[b]) * with[b] * (n - with[b]) / (n * n * (n - 1))
	}
	return !shared || diff > 0 && diff > stats.NormalQuantile(0.95)*math.Sqrt(variance)
}

// tell words a contrast for people: the values that differ most first.
func (t contrast) tell(effect float64, share pitwall.Ratio) pitwall.AttributeContrast {
	out := pitwall.AttributeContrast{Key: t.column.key, Service: t.column.service, Effect: effect, Q: t.q, Explain: share}
	order := make([]int, len(t.table.names))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(t.table.telling(y), t.table.telling(x)) })
	for _, l := range order[:min(len(order), tellingValues)] {
		v := t.table.values[l]
		if v.slow+v.typical > 0 {
			out.Values = append(out.Values, pitwall.ContrastValue{Value: t.table.names[l], Slow: int64(v.slow), Typical: int64(v.typical), Mean: v.took.mean()})
		}
	}
	return out
}
