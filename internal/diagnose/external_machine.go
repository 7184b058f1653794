package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/blame"
	"github.com/pitwall/pitwall/internal/diagnose/excess"
)

// machineBusy: something of the node moved, and more than one service suffers,
// or what runs on it needs no more than before.
func machineBusy(x *inquiry) result {
	s := x.look()
	list := s.spokenOf(pitwall.BottleneckNode, blame.Mechanism)
	if len(list) == 0 && !x.measures(pitwall.BottleneckNode) {
		return skipped("nothing of a machine is measured")
	}
	if len(list) == 0 {
		return clear("no machine is busier than usual")
	}
	if x.worksMore(x.q.headline().Service) {
		return clear(list[0].claim + ", and the service itself works more: it is part of that")
	}
	f := x.outsideFinding(checkNeighbour, pitwall.BottleneckNode, x.q.headline().Service, list)
	var slower []pitwall.ServiceName
	for _, g := range s.signs {
		if g.move != nil && (g.Class == pitwall.BottleneckLatency || g.Class == pitwall.BottleneckErrors) && !slices.Contains(slower, g.service) {
			slower = append(slower, g.service)
		}
	}
	if f.broad = x.unrelated(slower); f.broad {
		f.level = isSo
	}
	return hits([]*finding{f}, "")
}

// worksMore says that a service itself uses more processor than before, in
// cores or in shares of its limit.
func (x *inquiry) worksMore(at pitwall.ServiceName) bool {
	return slices.ContainsFunc(x.look().moves, func(m excess.Move) bool {
		return m.Service == at && m.Up && strings.HasPrefix(m.Metric, "cpu") && !strings.Contains(m.Metric, "steal") &&
			!strings.Contains(m.Metric, "throttl") && m.Factor() > muchMore
	})
}

// muchMore is by what factor the rate of requests must have grown to be asked for
// an explanation by itself; daily rhythms stay below within an hour.
const muchMore = 1.5

func rateMove(m excess.Move) bool {
	signs := blame.MetricSigns(m.Metric, m.Up)
	return m.Up && len(signs) > 0 && signs[0].Class == pitwall.BottleneckTraffic && (m.Factor() > muchMore)
}

// moreAsked: the rate grew at the service and, where they are known, at those
// who call it, no later than anything else, and nobody repeats himself.
func moreAsked(x *inquiry) result {
	s := x.look()
	at := x.q.headline().Service
	var list []sign
	for i := range s.signs {
		if g := s.signs[i]; g.move != nil && rateMove(*g.move) && (g.service == at || slices.Contains(s.callers(at), g.service)) {
			list = append(list, g)
		}
	}
	if _, known := x.rateOf(at); len(list) == 0 && !known {
		return skipped(fmt.Sprintf("how often %s is asked is not measured", at))
	}
	if len(list) == 0 {
		return clear(fmt.Sprintf("%s is not asked %s as often as before", at, times(muchMore)))
	}
	for _, g := range s.signs {
		if slices.Contains(blame.Words(g.Word), "retries") || slices.Contains(blame.Words(g.Word), "retry") {
			return clear(list[0].claim + ", but callers repeat what failed: " + g.claim)
		}
	}
	for _, c := range s.callers(at) {
		if rate, known := x.rateOf(c); known && rate < (1+muchMore)/2 {
			return clear(fmt.Sprintf("%s, but %s, which calls it, is asked no more than before", list[0].claim, c))
		}
	}
	f := x.outsideFinding(checkSurge, pitwall.BottleneckTraffic, at, list)
	if m := x.firstMove(); m == nil || !list[0].move.Onset.At.After(m.Onset.Latest.Add(time.Minute)) {
		f.level = isSo
	}
	return hits([]*finding{f}, "")
}

// rateOf is by what factor a service is asked more than before.
func (x *inquiry) rateOf(of pitwall.ServiceName) (factor float64, known bool) {
	for _, m := range x.answers[idMeasured].Measured {
		if m.Service != of || !rateName(m.Metric) {
			continue
		}
		for _, v := range x.look().moves {
			if v.Service == of && v.Metric == m.Metric && v.Stat == m.Stat {
				return v.Factor(), true
			}
		}
		return 1, true
	}
	return 0, false
}

func rateName(metric string) bool {
	signs := blame.MetricSigns(metric, true)
	return len(signs) > 0 && signs[0].Class == pitwall.BottleneckTraffic
}
