package verify

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
	"github.com/pitwall/pitwall/internal/trace"
)

// Two loads are the same unless they differ by more than this and by more than
// chance: with many requests any difference is certain, with few any is chance.
const (
	rateTolerance = 0.15 // of requests per second
	mixTolerance  = 0.05 // of a route's share
	chance        = 0.01
)

// sameLoad compares the calls from outside, before and after.
func (c *proof) sameLoad() (bool, string) {
	before, after := map[operation]int64{}, calls(c.in.After, c.in.AfterPeriod)
	for _, r := range c.in.Baseline.Load {
		before[operation{r.Service, r.Operation}] += r.Count
	}
	lengthB, lengthA := c.in.Baseline.Period.Duration().Seconds(), c.in.AfterPeriod.Duration().Seconds()
	if len(before) == 0 {
		before, lengthB = calls(c.in.Before, c.in.BeforePeriod), c.in.BeforePeriod.Duration().Seconds()
	}
	nB, nA := total(before), total(after)
	if nB == 0 || nA == 0 || lengthB <= 0 || lengthA <= 0 {
		return false, fmt.Sprintf("%d calls from outside before and %d after", nB, nA)
	}
	rateB, rateA := float64(nB)/lengthB, float64(nA)/lengthA
	route, points := shifted(before, after)
	why := fmt.Sprintf("%.1f → %.1f requests per second; largest change of the mix %+.1f points (%s)", rateB, rateA, 100*points, route)
	otherRate := math.Abs(rateA/rateB-1) > rateTolerance && stats.BinomialP(nA, nA+nB, lengthA/(lengthA+lengthB)) < chance
	otherMix := math.Abs(points) > mixTolerance && mixP(before, after) < chance
	return !otherRate && !otherMix, why
}

// calls counts traces by the first server span that nobody in the batch called.
func calls(b *pitwall.SpanBatch, p pitwall.Period) map[operation]int64 {
	out := map[operation]int64{}
	if b == nil {
		return out
	}
	for _, entry := range trace.Entries(b, trace.Build(b)) {
		i := int(entry)
		if inside(b, i, p) {
			out[operation{pitwall.ServiceName(b.Strings[b.Service[i]]), b.Strings[b.Operation[i]]}]++
		}
	}
	return out
}

func total(load map[operation]int64) (n int64) {
	for _, c := range load {
		n += c
	}
	return n
}

func routes(before, after map[operation]int64) []operation {
	all := maps.Clone(before)
	maps.Copy(all, after)
	return slices.SortedFunc(maps.Keys(all), func(x, y operation) int {
		return cmp.Or(cmp.Compare(x.service, y.service), cmp.Compare(x.name, y.name))
	})
}

// shifted is the route whose share changed most, and by how much.
func shifted(before, after map[operation]int64) (route operation, points float64) {
	nB, nA := float64(total(before)), float64(total(after))
	for _, o := range routes(before, after) {
		d := float64(after[o])/nA - float64(before[o])/nB
		if route.name == "" || math.Abs(d) > math.Abs(points) {
			route, points = o, d
		}
	}
	return route, points
}

// mixP is the chi-square p-value of the two mixes being one.
func mixP(before, after map[operation]int64) float64 {
	nB, nA := float64(total(before)), float64(total(after))
	x, list := 0.0, routes(before, after)
	for _, o := range list {
		both := float64(before[o] + after[o])
		eB, eA := both*nB/(nB+nA), both*nA/(nB+nA)
		x += (float64(before[o])-eB)*(float64(before[o])-eB)/eB + (float64(after[o])-eA)*(float64(after[o])-eA)/eA
	}
	return stats.ChiSquareTail(x, len(list)-1)
}
