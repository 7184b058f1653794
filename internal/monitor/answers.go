package monitor

import (
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
)

// Sensed gives what stands after the last look, the newest findings first.
func (m *Monitor) Sensed() pitwall.Sensed {
	r := pitwall.Sensed{Through: m.through, Operations: len(m.ops), Unfollowed: len(m.beyond), Findings: []pitwall.Finding{}, Passed: []pitwall.Passed{}, Trends: []pitwall.Trend{}}
	for _, op := range m.ops {
		for _, t := range op.series {
			r.Series++
			if t.learning() {
				r.Learning++
			}
		}
	}
	for _, f := range m.screen.Found {
		r.Findings = append(r.Findings, m.finding(f))
	}
	slices.SortStableFunc(r.Findings, func(a, b pitwall.Finding) int { return b.Seen.Compare(a.Seen) })
	for _, n := range slices.Concat(m.last.NotReported, m.doubted) {
		r.Passed = append(r.Passed, pitwall.Passed{Series: n.Series, Onset: n.Onset, Effect: n.Effect,
			Reason: string(n.Reason), Why: n.Why, Value: n.Value, Limit: n.Limit, Of: n.Of})
	}
	return r
}

// said is a finding as it was found.
func said(f detect.Finding) pitwall.Finding {
	c := f.Lead
	return pitwall.Finding{ID: f.ID, Series: c.Series, Direction: string(f.Toward), Why: f.Why, Onset: f.Onset,
		Effect: c.Effect, EffectLow: c.EffectLow, EffectHigh: c.EffectHigh, Before: c.Before, After: c.After, LogE: c.LogE, Seen: f.Seen}
}

// lastly is how many minutes say how a series is now.
const lastly = 15

// finding is one as it stands now.
func (m *Monitor) finding(f detect.Found) pitwall.Finding {
	out := m.said[f.ID]
	out.ID, out.Series, out.Onset, out.Seen, out.Gone, out.Flaps = f.ID, f.Lead, f.Onset, f.Seen, f.Gone, f.Flaps
	if t := m.track(f.Lead); t != nil {
		out.Now = t.since(t.rows - lastly)
	}
	out.Parts = []pitwall.FindingPart{}
	for _, p := range f.Members {
		if p.Series != f.Lead {
			out.Parts = append(out.Parts, pitwall.FindingPart{Series: p.Series, Onset: p.Onset, Before: p.Before, After: p.After})
		}
	}
	return out
}

// Charts draws the series of a finding, its lead first; nothing for series that
// are not followed any more.
func (m *Monitor) Charts(id string) (charts []pitwall.Chart) {
	for _, f := range m.screen.Found {
		if f.ID != id {
			continue
		}
		for _, member := range f.Members {
			if t := m.track(member.Series); t != nil && t.rows > 0 {
				charts = append(charts, t.chart(member.Onset))
			}
		}
	}
	return charts
}

// chart draws the kept minutes, with the onset and what was normal before.
func (t *track) chart(onset pitwall.Onset) pitwall.Chart {
	c := pitwall.Chart{Title: t.id.String(), Unit: t.id.Unit, Query: "totals of " + t.id.String() + ", per minute", Marks: []pitwall.ChartMark{onset.Mark()}}
	s := pitwall.ChartSeries{Name: name(t.id)}
	for row := max(0, t.rows-kept); row < t.rows; row++ {
		p := t.points[row%kept]
		v := float64(p.value)
		if t.shares != nil {
			v /= float64(p.requests) // NaN without requests
		}
		s.T = append(s.T, t.at(row).UnixMilli())
		if math.IsNaN(v) || math.IsInf(v, 0) {
			s.V = append(s.V, nil)
			continue
		}
		s.V = append(s.V, &v)
	}
	c.Series = []pitwall.ChartSeries{s}
	if b, ok := t.usual(); ok {
		c.Band = &b
	}
	return c
}

func name(id pitwall.SeriesName) string {
	if id.Metric != "" {
		return id.Metric
	}
	return string(id.Signal)
}

// usual is the band of three deviations in which the detector's baseline lies.
func (t *track) usual() (band [2]float64, ok bool) {
	if t.shares != nil {
		return band, false
	}
	b, ok := t.quantities.Baseline()
	spread := 3 * b.Scale / math.Sqrt(1-b.Rho*b.Rho)
	return [2]float64{max(0, b.Level-spread), b.Level + spread}, ok
}

// Accept takes note that a finding's new level is meant; its series learn it as
// normal. ok is false when the finding is not known.
func (m *Monitor) Accept(id, why string, now, until time.Time) (ok bool) {
	if slices.ContainsFunc(m.screen.Accepted, func(a detect.Accepted) bool { return a.Why == why && a.At.Equal(now) }) {
		return true
	}
	at := slices.IndexFunc(m.screen.Found, func(f detect.Found) bool { return f.ID == id })
	if m.screen, ok = m.screen.Accept(id, why, now, until); !ok || at < 0 {
		return false
	}
	f := m.screen.Found[at]
	for _, member := range f.Members {
		if t := m.track(member.Series); t != nil {
			t.release(pitwall.Period{From: member.Onset.Latest, To: m.through})
			t.relearn()
		}
	}
	return true
}

// Closed tells that a plan on a service ended. Where keep is a stretch people let
// the level in it stand: it is normal from then on, and the detectors learn it.
// Without one the old level stands; what is back there is let go by itself, and
// what is not, another operation's trouble say, goes on.
func (m *Monitor) Closed(service pitwall.ServiceName, keep pitwall.Period) {
	for k, op := range m.ops {
		if k.service != service {
			continue
		}
		for _, t := range op.series {
			switch {
			case t.ring == nil && t.held:
				t.release(keep)
			case !keep.IsZero() && t.ring != nil:
				t.release(keep)
				t.relearn()
			}
		}
	}
}
