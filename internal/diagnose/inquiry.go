package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
)

// inquiry is the material of one diagnosis: what the answers said, folded once,
// for every signal to read.
type inquiry struct {
	q          Question
	g          *graph
	base, head *side
	noSpans    string // why there are no spans to compare, or ""
	answers    map[string]Answer
	profiles   map[profileKey]profileAnswer

	latency shift // mean of the headline
	bad     shift // share of it that is slow or failed
	failed  shift
	errors  bool // the excess is mostly failures, so failures are accounted for, not seconds
	places  []place
	lost    float64 // increase under calls whose answering span is missing, seconds per request
}

// part says what sort of place time was spent in.
type part string

const (
	partSelf part = "self" // own work of an operation
	partHop  part = "hop"  // between a caller and its callee
	partLeaf part = "leaf" // in something called that sends no spans itself
)

// place is one bar of the waterfall.
type place struct {
	part  part
	id    int // operation (self) or call (hop, leaf)
	shift shift
}

func (p place) delta() float64 { return p.shift.after - p.shift.before }

// fewRequests is how many headline requests a side needs to say anything.
const fewRequests = 30

func newInquiry(q Question, answers map[string]Answer) *inquiry {
	x := &inquiry{q: q, g: newGraph(), answers: answers, profiles: map[profileKey]profileAnswer{}}
	spec := foldSpec{headline: q.headline(), period: q.Baseline, slowest: q.SLO.SLI.Threshold}
	x.base = fold(x.g, answers[idSpans+baselineSide].Spans, spec)
	spec.period = q.Window
	x.head = fold(x.g, answers[idSpans+windowSide].Spans, spec)
	x.noSpans = x.blind()
	if x.noSpans != "" {
		return x
	}
	x.latency = compare(x.base.latency, x.head.latency)
	x.bad = compare(x.base.bad, x.head.bad)
	x.failed = compare(x.base.failed, x.head.failed)
	x.errors = x.failed.beyond && x.failed.after-x.failed.before > 0.5*(x.bad.after-x.bad.before)
	x.places = x.account()
	return x
}

// blind says why spans cannot answer.
func (x *inquiry) blind() string {
	for _, s := range []struct {
		side *side
		id   string
		name string
	}{{x.base, idSpans + baselineSide, "baseline"}, {x.head, idSpans + windowSide, "window"}} {
		a, ok := x.answers[s.id]
		switch {
		case ok && a.Missing != "":
			return fmt.Sprintf("spans of the %s are missing: %s", s.name, a.Missing)
		case s.side.count() == 0:
			return fmt.Sprintf("no spans of %s in the %s: send traces of this service to Pitwall", x.q.headline(), s.name)
		case s.side.count() < fewRequests:
			return fmt.Sprintf("only %d requests of %s in the %s, %d are needed: wait, or widen the period",
				s.side.count(), x.q.headline(), s.name, fewRequests)
		}
	}
	return ""
}

// account makes the bars: mean seconds per headline request in every place.
func (x *inquiry) account() []place {
	var list []place
	add := func(p part, id int, base, head []float64) {
		s := compare(x.base.perRequest(base), x.head.perRequest(head))
		if s.before != 0 || s.after != 0 {
			list = append(list, place{p, id, s})
		}
	}
	for id := range x.g.ops {
		add(partSelf, id, x.base.op(id).path, x.head.op(id).path)
	}
	for id, c := range x.g.calls {
		p := partHop
		if c.to == leaf {
			p = partLeaf
		}
		add(p, id, x.base.call(id).gap, x.head.call(id).gap)
	}
	slices.SortStableFunc(list, func(a, b place) int { return cmp.Compare(math.Abs(b.delta()), math.Abs(a.delta())) })
	lost := compare(x.base.perRequest(x.base.lost), x.head.perRequest(x.head.lost))
	x.lost = lost.after - lost.before
	return list
}

// increase is by how much the mean headline latency rose, in seconds.
func (x *inquiry) increase() float64 { return x.latency.after - x.latency.before }

// moved says whether the headline differs from its baseline beyond noise: in
// the mean, or in the share of bad requests by more than the objective allows.
func (x *inquiry) moved() bool {
	allowed := max(0.005, 1-float64(x.q.SLO.Target))
	if x.q.SLO.Target == 0 {
		allowed = 0.01
	}
	return x.latency.up(1.1) || x.bad.up(1.5) && x.bad.after-x.bad.before > allowed
}

func (x *inquiry) place(p part, id int) (place, bool) {
	for _, pl := range x.places {
		if pl.part == p && pl.id == id {
			return pl, true
		}
	}
	return place{}, false
}

// where is the operation a place belongs to; a hop belongs to its callee.
func (x *inquiry) where(p place) operation {
	if p.part == partSelf {
		return x.g.ops[p.id]
	}
	return x.g.callee(x.g.calls[p.id])
}

// name says where a place is, in words.
func (x *inquiry) name(p place) string {
	if p.part == partSelf {
		return "own time of " + x.g.ops[p.id].String()
	}
	c := x.g.calls[p.id]
	if p.part == partHop {
		return "the way " + x.g.edge(c)
	}
	return fmt.Sprintf("%s called by %s", x.g.callee(c), x.g.ops[c.from].service)
}

// shownBars is how many places the waterfall shows one by one.
const shownBars = 12

// waterfall turns the places into bars. With Unexplained they sum to the increase.
func (x *inquiry) waterfall() []pitwall.Contribution {
	var bars []pitwall.Contribution
	rest := pitwall.Contribution{Operation: "everything else", Part: string(partSelf)}
	for i, p := range x.places {
		at := x.where(p)
		bar := pitwall.Contribution{
			Service: at.service, Operation: at.name, Part: string(p.part),
			Before: p.shift.before, After: p.shift.after, Delta: p.delta(),
		}
		if p.part == partLeaf {
			bar.Part = string(partSelf)
		}
		if i < shownBars {
			bars = append(bars, bar)
			continue
		}
		rest.Before, rest.After, rest.Delta = rest.Before+bar.Before, rest.After+bar.After, rest.Delta+bar.Delta
	}
	if len(x.places) > shownBars {
		bars = append(bars, rest)
	}
	return bars
}

// onPath are the services that headline requests passed, the headline's first,
// then by how much time they added.
func (x *inquiry) onPath() []pitwall.ServiceName {
	list := []pitwall.ServiceName{x.q.headline().service}
	add := func(s pitwall.ServiceName) {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	for _, p := range x.places {
		if p.part == partSelf {
			add(x.g.ops[p.id].service)
		}
	}
	for _, c := range x.g.calls {
		add(x.g.callee(c).service)
	}
	return list
}

// bytesShift compares body sizes: the test on the mean of blocks, the words on
// the medians, for one huge body must not speak for all.
func bytesShift(base, head []sample, per0, per1 series) shift {
	s := compare(per0, per1)
	if s.known {
		s.before, s.after = median(base), median(head)
	}
	return s
}

func (x *inquiry) response(op int) shift {
	a, b := x.base.op(op), x.head.op(op)
	return bytesShift(a.resp, b.resp, a.respLen, b.respLen)
}

func (x *inquiry) request(op int) shift {
	a, b := x.base.op(op), x.head.op(op)
	return bytesShift(a.req, b.req, a.reqLen, b.reqLen)
}

func (x *inquiry) callResponse(id int) shift {
	a, b := x.base.call(id), x.head.call(id)
	return bytesShift(a.resp, b.resp, a.respLen, b.respLen)
}

func (x *inquiry) callRequest(id int) shift {
	a, b := x.base.call(id), x.head.call(id)
	return bytesShift(a.req, b.req, a.reqLen, b.reqLen)
}

// calls is how often one run of the calling operation makes the call.
func (x *inquiry) calls(id int) shift {
	from := x.g.calls[id].from
	return compare(
		series{x.base.call(id).n, x.base.op(from).total.den},
		series{x.head.call(id).n, x.head.op(from).total.den})
}
