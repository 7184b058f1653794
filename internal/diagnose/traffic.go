package diagnose

import (
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
	"github.com/pitwall/pitwall/internal/stats"
)

// surge is by what factor the rate must grow to be one.
const surge = 1.3

// traffic asks whether simply more is asked of the service while the cost of
// one request is flat: then nothing of ours changed, there is too little of it.
func traffic(x *inquiry) result {
	s := x.rate()
	if !s.Up(surge) {
		return clear("the rate is flat: " + perSecond(s))
	}
	if all := x.measured(x.q.headline().Service, metricRequests); all.Known && !all.Up(1.1) {
		return clear("more requests were traced, but not more served: " + perSecond(all))
	}
	if why := x.otherTime(); why != "" {
		return clear(fmt.Sprintf("the rate grew, %s, but not when the trouble began: %s", perSecond(s), why))
	}
	if grown := x.costGrew(); grown != "" {
		return clear(fmt.Sprintf("the rate grew, %s, but one request costs more as well: %s", perSecond(s), grown))
	}
	h := x.q.headline()
	f := &finding{check: checkTraffic, class: pitwall.BottleneckTraffic, at: h, shift: s, external: true, covers: map[int]bool{}}
	for i, p := range x.places {
		f.covers[i] = true
		f.explained += p.delta()
	}
	if x.errors { // what overload does not slow down it turns away
		f.failures, f.explained = true, x.failed.After-x.failed.Before
	}
	f.claim = fmt.Sprintf("%s is asked more: %s, and one request costs the same", h, perSecond(s))
	f.signal = own("duration of "+h.String()+", median", h, "duration", x.latency, pitwall.UnitSeconds)
	f.evidence = append(f.evidence, evidence(f, f.claim, s, pitwall.UnitPerSecond, promQL(idRate, h.Service)),
		evidence(f, "bytes per call, calls per request and CPU per request are flat", s, pitwall.UnitPerSecond, ""))
	f.disproof = "If the rate falls back and the latency does not"
	return hits([]*finding{f}, "")
}

// otherTime says why a surge is not the cause: it came at another time than the
// trouble. A surge acts once queues have grown, so it may come earlier, by as
// much as a change may that only time and place speak against.
func (x *inquiry) otherTime() string {
	onset := x.q.Regression.Onset
	st, enough := x.stretched()
	if onset.At.IsZero() || !enough || x.lastPart() {
		return ""
	}
	step, ok := stats.FindStep(st.count, 3)
	if !ok || step.Gain < onsetGain {
		return ""
	}
	began, latest := st.at[max(0, step.Earliest-1)], st.at[step.Latest].Add(st.width)
	switch {
	case latest.Before(onset.Earliest.Add(-unproven)):
		return fmt.Sprintf("it grew at %s already", clock(st.at[step.Index]))
	case began.After(onset.Latest.Add(max(5*st.width, x.q.Window.Duration()/10))): // as exactly as a step can be placed
		return fmt.Sprintf("it grew at %s only", clock(st.at[step.Index]))
	}
	return ""
}

func perSecond(s fold.Shift) string {
	return fmt.Sprintf("%s → %s requests a second (%s)", plain(s.Before), plain(s.After), times(s.Factor()))
}

// rate is headline requests per second. The number behind it is requests, not
// seconds of observation.
func (x *inquiry) rate() fold.Shift {
	s := fold.Compare(x.base.Rate, x.head.Rate)
	s.N0, s.N1 = x.base.Count(), x.head.Count()
	return s
}

// costGrew names something one request needs more of than before, or "".
func (x *inquiry) costGrew() string {
	for op, o := range x.g.Ops {
		if s := x.response(op); fatter(s, bytesGrew) {
			return fmt.Sprintf("responses of %s %s", o, arrow(s, size))
		}
	}
	for id, c := range x.g.Calls {
		if s := x.attempts(id); s.Up(callsGrew) {
			return fmt.Sprintf("calls %s %s per run", x.g.Edge(c), arrow(s, plain))
		}
	}
	// Which service is asked first must not depend on the order of a map.
	for _, s := range x.onPath() {
		if m := x.measuredPer(s, metricCPU); m.Up(muchCPU) && m.After-m.Before > onCPU*x.increase() {
			return fmt.Sprintf("CPU of %s per request %s", s, arrow(m, duration))
		}
		d, missing := x.profile(s, pitwall.ProfileCPU)
		if missing != "" {
			continue
		}
		before, after := total(d)
		if before > 0 && after > before*1.3 && (slices.ContainsFunc(d.Families, grew) || grew(x.profiles[profileKey{s, pitwall.ProfileCPU}].whole)) {
			return fmt.Sprintf("CPU of %s per request %s → %s", s, duration(before), duration(after))
		}
	}
	return ""
}
