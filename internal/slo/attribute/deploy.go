package attribute

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// Deploys are the steps of a ledger cut at the deploys of the time.
type Deploys struct {
	Attribution pitwall.Attribution `json:"attribution"` // each share is a segment
	Segments    []Segment           `json:"segments"`    // in time
}

// Segment is the time from some deploys to the next.
type Segment struct {
	Value   string           `json:"value"`             // as in the shares
	Changes []pitwall.Change `json:"changes,omitempty"` // that began it; none: the period begins
	Period  pitwall.Period   `json:"period"`
	Counts  pitwall.Counts   `json:"counts"`
	// Ratio is its error ratio; Before that of the segment before it, unknown
	// for the first.
	Ratio  pitwall.Measure `json:"ratio"`
	Before pitwall.Measure `json:"before"`
	// Times is how many times the error ratio before it is now; unknown when
	// either is.
	Times pitwall.Measure `json:"times"`
	// Moved says what the interval of Times shows: "worse", "better", or "" for
	// neither.
	Moved string `json:"moved,omitempty"`
}

// ByDeploy counts bad events between consecutive deploys of the objective's
// service and of the services it calls. A step belongs to the segment in which
// it begins, so the step in which a deploy happened counts before it. Deploys
// without a step between them are one cut: the counts cannot tell them apart.
// That a ratio moved with a deploy does not prove that the deploy moved it.
func ByDeploy(steps []pitwall.LedgerStep, changes []pitwall.Change, callees []pitwall.ServiceName, s Scope) Deploys {
	p := s.period()
	steps = inside(steps, s.SLO.Name, p)
	var out Deploys
	for _, c := range cuts(changes, callees, s) {
		out.Segments = cut(out.Segments, c, steps, p)
	}
	if len(out.Segments) == 0 {
		out.Segments = []Segment{{Value: "no deploy", Period: p}}
	}
	parts := make([]part, len(out.Segments))
	bad := make([][]float64, len(out.Segments))
	for i := range out.Segments {
		g := &out.Segments[i]
		for _, st := range steps {
			if g.Period.Contains(time.Unix(st.Start, 0)) {
				g.Counts = g.Counts.Add(st.Counts)
				bad[i] = append(bad[i], float64(st.Counts.Bad))
			}
		}
		g.Ratio = ratio(g.Counts)
		if i > 0 {
			g.compare(out.Segments[i-1], max(stats.CountDispersion(bad[i-1]), stats.CountDispersion(bad[i])))
		}
		parts[i] = part{value: g.Value, counts: g.Counts, low: g.Counts.Bad, high: g.Counts.Bad}
	}
	out.Attribution = s.attribution("deploy", parts)
	return out
}

// inside keeps the objective's steps of the period, in time.
func inside(steps []pitwall.LedgerStep, name pitwall.SLOName, p pitwall.Period) []pitwall.LedgerStep {
	var list []pitwall.LedgerStep
	for _, st := range steps {
		if st.SLO == name && p.Contains(time.Unix(st.Start, 0)) {
			list = append(list, st)
		}
	}
	slices.SortFunc(list, func(a, b pitwall.LedgerStep) int { return cmp.Compare(a.Start, b.Start) })
	return list
}

// cuts keeps what was rolled out to the service or one it calls, in time.
func cuts(changes []pitwall.Change, callees []pitwall.ServiceName, s Scope) []pitwall.Change {
	var list []pitwall.Change
	for _, c := range changes {
		ours := c.Service == s.SLO.Service || c.Service == s.SLO.SLI.Service || slices.Contains(callees, c.Service)
		if ours && rollout(c.Kind) && s.period().Contains(c.At) {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b pitwall.Change) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return list
}

// rollout says whether somebody put something out, as opposed to load or size.
func rollout(k pitwall.ChangeKind) bool {
	return k != pitwall.ChangeScale && k != pitwall.ChangeTraffic
}

// cut ends the last segment at a change, or lets the change join the cut before
// it if no step lies between them.
func cut(list []Segment, c pitwall.Change, steps []pitwall.LedgerStep, p pitwall.Period) []Segment {
	if len(list) == 0 {
		list = append(list, Segment{Value: "before " + label(c), Period: p})
	}
	last := &list[len(list)-1]
	since := pitwall.Period{From: last.Period.From, To: c.At}
	between := slices.ContainsFunc(steps, func(st pitwall.LedgerStep) bool { return since.Contains(time.Unix(st.Start, 0)) })
	if !between && len(last.Changes) > 0 {
		last.Changes = append(last.Changes, c)
		last.Value = word(last.Changes)
		return list
	}
	last.Period.To = c.At
	return append(list, Segment{Value: label(c), Changes: []pitwall.Change{c}, Period: pitwall.Period{From: c.At, To: p.To}})
}

// label names a change in a share: what, and when.
func label(c pitwall.Change) string {
	what := cmp.Or(string(c.Version), string(c.Kind))
	return fmt.Sprintf("%s %s, %s", c.Service, what, c.At.UTC().Format("2006-01-02 15:04:05"))
}

func word(changes []pitwall.Change) string {
	var names []string
	for _, c := range changes {
		names = append(names, label(c))
	}
	return strings.Join(names, " and ")
}

// ratio is an error ratio with its interval.
func ratio(c pitwall.Counts) pitwall.Measure {
	m := pitwall.Measure{Unit: pitwall.UnitRatio, N: int64(c.Total())}
	if r, ok := c.ErrorRatio(); ok {
		m.Value = float64(r)
		m.Low, m.High = stats.Wilson(int64(c.Bad), int64(c.Total()), confidence)
	}
	return m
}

// compare says what became of the error ratio. phi widens the interval for bad
// events that come in clusters.
func (g *Segment) compare(before Segment, phi float64) {
	g.Before, g.Times.Unit = before.Ratio, pitwall.UnitTimes
	if !g.Ratio.Known() || !g.Before.Known() {
		return
	}
	hits := func(c pitwall.Counts) stats.Share { return stats.Share{Hits: int64(c.Bad), Trials: int64(c.Total())} }
	value, low, high := stats.ShareRatio(hits(before.Counts), hits(g.Counts), phi, confidence).Change()
	g.Times = pitwall.Measure{Value: 1 + value, Low: 1 + low, High: 1 + high, Unit: pitwall.UnitTimes, N: g.Ratio.N}
	switch {
	case low > 0:
		g.Moved = "worse"
	case high < 0:
		g.Moved = "better"
	}
}
