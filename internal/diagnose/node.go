package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

const (
	// busier is by what factor the machine's use must grow, and waited that of
	// the wait for a processor, to be somebody's doing.
	busier = 1.15
	waited = 1.5
	// ownCPU is by what factor the CPU of one request may grow without the
	// service itself being to blame: a processor that is shared has colder caches
	// and a lower clock.
	ownCPU = 1.3
)

// neighbour asks whether services wait for a processor that somebody else keeps
// busy: they run as much as before per request, and get it later.
func neighbour(x *inquiry) result {
	machine, use := x.loudestOf(x.measuring(metricNodeCPU), metricNodeCPU, busier)
	told := "the machine is busy to %s, was %s"
	if machine == "" { // busy to the brim before: the queue for its processors still tells
		told = "on the machine somebody waits for a processor %s of the time, was %s"
		machine, use = x.loudestOf(x.measuring(metricPressure), metricPressure, busier)
	}
	var waiting []pitwall.ServiceName
	var loudest fold.Shift
	for _, s := range x.onPath() {
		wait := x.measured(s, metricSched)
		if throttled := x.measured(s, metricThrottled); !wait.Known && throttled.Known {
			wait = throttled
		}
		if wait.Up(waited) {
			waiting = append(waiting, s)
			if wait.Dominance() > loudest.Dominance() {
				loudest = wait
			}
		}
	}
	switch {
	case len(x.measuring(metricNodeCPU)) == 0 && len(x.measuring(metricSched)) == 0:
		return skipped(x.unmeasured("the machine beneath", "export system.cpu.utilization of the node and the scheduling latency of its services"))
	case machine == "" && len(waiting) == 0:
		return clear("the machine is no busier than before, and nobody waits longer for a processor")
	case machine == "" && len(x.measuring(metricNodeCPU)) > 0:
		return clear("services wait longer for a processor, but the machine is no busier: they do so themselves")
	}
	if why := x.ownDoing(machine, use); why != "" {
		return clear("the machine is busier, but by our own doing: " + why)
	}
	shift := use
	if machine == "" {
		shift = loudest
	}
	f := x.starved(shift)
	if f == nil {
		return clear("the machine is busier, but no operation takes longer itself")
	}
	f.claim = fmt.Sprintf("%s computes as much per request as before and gets its processor later", f.at.Service)
	if machine != "" {
		f.claim += "; " + fmt.Sprintf(told, percent(use.After), percent(use.Before))
		f.evidence = append(f.evidence, evidence(f, f.claim, use, pitwall.UnitRatio, metricNodeCPU))
	}
	for _, s := range waiting {
		wait := x.measured(s, metricSched)
		f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("%s waits %s for a processor", s, arrow(wait, duration)), wait, pitwall.UnitSeconds, metricSched))
	}
	return hits([]*finding{f}, "")
}

// ownDoing says why a busier machine is no stranger's work: a service computes
// more per request, or more is asked; "" when it is.
func (x *inquiry) ownDoing(machine pitwall.ServiceName, use fold.Shift) string {
	var before, after float64
	for _, s := range x.measuring(metricCPU) {
		if m := x.measured(s, metricCPU); m.Known {
			before, after = before+m.Before, after+m.After
		}
	}
	if rate := x.rate(); rate.Up(surge) {
		return "more is asked: " + perSecond(rate)
	}
	// Our processes' growth explains the machine's when it is at least half of it:
	// in processors where it is known how many there are, else in proportion.
	grown := before > 0 && after/before-1 > 0.5*(use.Factor()-1)
	if cores := x.measured(machine, metricCores); cores.Known && cores.After > 0 {
		grown = after-before > 0.5*(use.After-use.Before)*cores.After
	}
	if use.Known && grown {
		return fmt.Sprintf("our processes use %s cores, were %s", plain2(after), plain2(before))
	}
	for _, s := range x.onPath() {
		if was, is, source, known := x.costs(s); known && was > 0 && is > was*1.5 && (is-was > 0.1*x.increase() || x.saturated(s)) {
			return fmt.Sprintf("CPU of %s per request by %s: %s → %s", s, source, duration(was), duration(is))
		}
	}
	return ""
}

// starved is the finding for the services that run as much and take longer: at
// the one whose own time grew most.
func (x *inquiry) starved(shift fold.Shift) *finding {
	f := &finding{check: checkNode, class: pitwall.BottleneckNode, shift: shift, external: true, covers: map[int]bool{}}
	most, self := 0.0, fold.Shift{}
	for i, p := range x.places {
		if p.part == partLeaf || p.delta() <= 0 || !p.shift.Beyond {
			continue
		}
		at := x.where(p)
		if !x.mayStarve(at.Service) {
			continue
		}
		if was, is, _, known := x.costs(at.Service); known && was > 0 && is > was*ownCPU && is-was > onCPU*p.delta() {
			continue
		}
		f.covers[i] = true
		f.explained += p.delta()
		if p.part == partSelf && p.delta() > most {
			most, f.at = p.delta(), at
			self = fold.Compare(x.base.Op(p.id).Self, x.head.Op(p.id).Self)
		}
	}
	if most == 0 {
		return nil
	}
	f.signal = own("own time of "+f.at.String()+", mean", f.at, "self_time", self, pitwall.UnitSeconds)
	f.disproof = fmt.Sprintf("If the machine of %s is as idle as before and own time of %s stays above %s", f.at.Service, f.at, duration(self.Before*1.3))
	return f
}

// mayStarve says that a service may wait for its processor: it does so longer
// than before, or nobody measures it.
func (x *inquiry) mayStarve(s pitwall.ServiceName) bool {
	wait := x.measured(s, metricSched)
	return !wait.Known || wait.After > waited*wait.Before
}

func plain2(v float64) string { return fmt.Sprintf("%.2f", v) }
