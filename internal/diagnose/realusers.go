package diagnose

import (
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// fewLoads is how many page loads a side needs to say anything.
const fewLoads = 30

// realUsers asks what browsers saw: the client is ruled in when rendering got
// slower while the first byte came as fast as before, and ruled out otherwise.
func realUsers(x *inquiry) result {
	base, head := x.answers[idLoads+baselineSide], x.answers[idLoads+windowSide]
	for _, a := range []Answer{base, head} {
		if a.Missing != "" {
			return skipped("no real-user measurements: " + a.Missing)
		}
	}
	if len(base.PageLoads) < fewLoads || len(head.PageLoads) < fewLoads {
		return skipped(fmt.Sprintf("%d page loads before and %d after, %d each are needed: add the beacon to the pages",
			len(base.PageLoads), len(head.PageLoads), fewLoads))
	}
	part := func(of func(pitwall.PageLoad) float64) fold.Shift {
		return compareLoads(base.PageLoads, head.PageLoads, of)
	}
	render := part(func(l pitwall.PageLoad) float64 { return l.Render })
	ttfb := part(func(l pitwall.PageLoad) float64 { return l.TTFB })
	var r result
	for _, row := range []struct {
		s    fold.Shift
		name string
	}{{render, "render time in the browser"}, {ttfb, "time to the first byte"}} {
		e := pitwall.Evidence{Check: checkUsers, Claim: fmt.Sprintf("%s, median: %s", row.name, moved(row.s, duration))}
		e.Before, e.After = row.s.Measures(pitwall.UnitSeconds)
		r.evidence = append(r.evidence, e)
	}
	switch {
	case render.Up(timeGrew) && !ttfb.Up(timeGrew):
		f := &finding{
			check: checkUsers, class: pitwall.BottleneckClient, at: fold.Operation{Service: "browser"}, shift: render, external: true,
			claim: "the browser takes longer to render: " + moved(render, duration), evidence: r.evidence,
			explained: render.After - render.Before, disproof: "If rendering is as fast as before and users still wait",
		}
		r.outcome, r.reason, r.findings = pitwall.OutcomeHit, f.claim, []*finding{f}
	case ttfb.Up(1.1):
		r.outcome = pitwall.OutcomeClear
		r.reason = fmt.Sprintf("the client is ruled out: rendering %s, first byte %s", arrow(render, duration), arrow(ttfb, duration))
	default:
		r.outcome = pitwall.OutcomeClear
		r.reason = fmt.Sprintf("browsers see no difference: rendering %s, first byte %s", arrow(render, duration), arrow(ttfb, duration))
	}
	return r
}

// loadBlocks is into how many blocks of time page loads are cut for the test.
const loadBlocks = 8

func compareLoads(base, head []pitwall.PageLoad, of func(pitwall.PageLoad) float64) fold.Shift {
	a, b := loadSamples(base, of), loadSamples(head, of)
	return bytesShift(a, b, blocked(a), blocked(b))
}

// loadSamples leaves out what was not measured, by time.
func loadSamples(loads []pitwall.PageLoad, of func(pitwall.PageLoad) float64) []fold.Sample {
	var list []fold.Sample
	for _, l := range loads {
		if v := of(l); v >= 0 {
			list = append(list, fold.Sample{T: l.At.UnixNano(), V: v})
		}
	}
	slices.SortFunc(list, func(a, b fold.Sample) int { return int(min(1, max(-1, a.T-b.T))) })
	return list
}

// blocked cuts samples, by time, into blocks of as many each.
func blocked(list []fold.Sample) fold.Series {
	s := fold.NewSeries(loadBlocks)
	for i, v := range list {
		s.Add(i*loadBlocks/len(list), v.V)
	}
	return s
}
