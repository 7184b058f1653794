package diagnose

import (
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
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
	if grown := x.costGrew(); grown != "" {
		return clear(fmt.Sprintf("the rate grew, %s, but one request costs more as well: %s", perSecond(s), grown))
	}
	h := x.q.headline()
	f := &finding{check: checkTraffic, class: pitwall.BottleneckTraffic, at: h, shift: s, external: true, covers: map[int]bool{}}
	for i, p := range x.places {
		f.covers[i] = true
		f.explained += p.delta()
	}
	f.claim = fmt.Sprintf("%s is asked more: %s, and one request costs the same", h, perSecond(s))
	f.signal = own("duration of "+h.String()+", median", h, "duration", x.latency, pitwall.UnitSeconds)
	f.evidence = append(f.evidence, evidence(f, f.claim, s, pitwall.UnitPerSecond, promQL(idRate, h.Service)),
		evidence(f, "bytes per call, calls per request and CPU per request are flat", s, pitwall.UnitPerSecond, ""))
	f.disproof = "If the rate falls back and the latency does not"
	return hits([]*finding{f}, "")
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
		if s := x.calls(id); s.Up(callsGrew) {
			return fmt.Sprintf("calls %s %s per run", x.g.Edge(c), arrow(s, plain))
		}
	}
	// Which service is asked first must not depend on the order of a map.
	for _, s := range x.onPath() {
		d, missing := x.profile(s, pitwall.ProfileCPU)
		if missing != "" {
			continue
		}
		before, after := total(d)
		if before > 0 && after > before*1.3 && slices.ContainsFunc(d.Families, grew) {
			return fmt.Sprintf("CPU of %s per request %s → %s", s, duration(before), duration(after))
		}
	}
	return ""
}
