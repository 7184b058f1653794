package diagnose

import (
	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
	"github.com/pitwall/pitwall/internal/prof"
)

const (
	// busyPart is the part of the processors a service may use on average that
	// leaves it waiting: what comes in bursts, to a machine shared with others,
	// finds them taken long before all of it is used.
	busyPart = 0.4
	// starving is by what factor the wait for a processor must have grown to be a
	// queue rather than a busier machine.
	starving = 5
)

// saturated says that a service waits for a processor that its own requests keep
// busy: each computes half as much again or more, and it runs for most of what
// it may, waits several times as long for its turn, or leaves calls unanswered.
// Then the work may be a small part of the time: a queue grows without end.
// Work that a database in the process does is a matter of its statements.
func (x *inquiry) saturated(s pitwall.ServiceName) bool {
	before, after, _, known := x.costs(s)
	if !known || after < muchCPU*before {
		return false
	}
	use, limit := x.measured(s, metricCPU), x.measured(s, metricProcessors)
	if use.Known && use.After <= 2*use.Before {
		return false // somebody else keeps it busy
	}
	busy := use.Known && limit.Known && use.After >= busyPart*limit.After
	if !busy && !x.measured(s, metricSched).Up(starving) && !x.unanswering(s) {
		return false
	}
	d, missing := x.profile(s, pitwall.ProfileCPU)
	return missing != "" || growth(d, prof.FamilyDatabase) < 0.5*(after-before)
}

// unanswering says that calls to a service which answers others fail without
// an answer: one in ten or more, which was not so before.
func (x *inquiry) unanswering(s pitwall.ServiceName) bool {
	share := func(side *fold.Side) float64 {
		lost, all := 0.0, 0.0
		for id, c := range x.g.Calls {
			if c.DB || x.g.Callee(c).Service != s {
				continue
			}
			for i, n := range side.Call(id).N {
				if all += n; c.To == fold.Leaf {
					lost += side.Call(id).Failed.Num[i]
				}
			}
		}
		return lost / max(1, all)
	}
	return share(x.head) >= 0.1 && share(x.base) < 0.01
}
