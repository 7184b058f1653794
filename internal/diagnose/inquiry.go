package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/excess"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// inquiry is the material of one diagnosis: what the answers said, folded once,
// for every signal to read.
type inquiry struct {
	q          Question
	g          *fold.Graph
	base, head *fold.Side
	noSpans    string // why there are no spans to compare, or ""
	answers    map[string]Answer
	profiles   map[profileKey]profileAnswer
	typed      map[measuredKey][]pitwall.Measured
	scene      *scene          // everything besides requests and profiles; see look
	sums       *excess.Account // by whom the indicator was raised, from measurements; see accounts
	asked      []fold.Request  // every request of the headline, of both sides, by start

	latency fold.Shift // mean of the headline
	bad     fold.Shift // share of it that is slow or failed
	failed  fold.Shift
	errors  bool // the excess is mostly failures, so failures are accounted for, not seconds
	places  []place
	told    []pitwall.AttributeContrast
	settled bool    // concluded: there is a likely cause and a change or somebody outside to turn to
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
	shift fold.Shift
}

func (p place) delta() float64 { return p.shift.After - p.shift.Before }

// fewRequests is how many headline requests a side needs to say anything.
const fewRequests = 30

func newInquiry(q Question, answers map[string]Answer) *inquiry {
	x := &inquiry{
		q: q, g: fold.NewGraph(), answers: answers, profiles: map[profileKey]profileAnswer{}, typed: indexMeasured(answers[idMeasured]),
	}
	x.narrow()
	spec := fold.Spec{Headline: x.q.headline(), Period: x.q.Baseline, Slowest: x.q.SLO.SLI.Threshold}
	x.base = fold.Fold(x.g, answers[idSpans+baselineSide].Spans, spec)
	spec.Period = x.q.Window
	x.head = fold.Fold(x.g, answers[idSpans+windowSide].Spans, spec)
	x.noSpans = x.blind()
	if x.noSpans != "" {
		return x
	}
	x.latency = fold.Compare(x.base.Latency, x.head.Latency)
	x.bad = fold.Compare(x.base.Bad, x.head.Bad)
	x.failed = fold.Compare(x.base.Failed, x.head.Failed)
	if x.failsInBursts() {
		x.failed.Beyond, x.bad.Beyond = true, true
	}
	x.errors = x.failing()
	x.places = x.account()
	if x.moved() {
		x.told = x.contrasts()
	}
	return x
}

// failuresMatter is the rise of the failed share that a team would be called
// for: at 2 % the budget of a month at 99.9 % is gone in a day and a half.
const failuresMatter = 0.02

// failing says whether failures are to be accounted for rather than seconds.
// Requests that callers gave up at a deadline they always had are slow ones.
func (x *inquiry) failing() bool {
	added := x.failed.After - x.failed.Before
	if !x.failed.Beyond || added <= 0 || x.latency.Up(1.1) && x.givenUp() > 0.5*added {
		return false
	}
	switch {
	case x.q.Regression.Signal == pitwall.SignalErrors || x.q.Regression.Signal == pitwall.SignalAvailability:
		return true
	case x.q.SLO.SLI.Threshold > 0: // slow and failed requests are bad alike: the greater part decides
		return added > 0.5*(x.bad.After-x.bad.Before)
	case x.q.Regression.Signal == pitwall.SignalLatency:
		return !x.latency.Up(1.1)
	}
	return !x.latency.Up(1.1) || added > failuresMatter
}

// manyFail is the rise of the failed share that outweighs any question about
// durations.
const manyFail = 0.10

// failsInstead says that durations were asked about and looked at, while many
// requests began to fail.
func (x *inquiry) failsInstead() bool {
	return x.noSpans == "" && !x.errors && x.q.Regression.Signal != pitwall.SignalErrors && x.failed.Beyond && x.failed.After-x.failed.Before >= manyFail
}

// blind says why spans cannot answer.
func (x *inquiry) blind() string {
	for _, s := range []struct {
		side *fold.Side
		id   string
		name string
	}{{x.base, idSpans + baselineSide, "baseline"}, {x.head, idSpans + windowSide, "window"}} {
		a, ok := x.answers[s.id]
		switch {
		case ok && a.Missing != "":
			return fmt.Sprintf("spans of the %s are missing: %s", s.name, a.Missing)
		case s.side.Count() == 0:
			return fmt.Sprintf("no spans of %s in the %s: send traces of this service to Pitwall", x.q.headline(), s.name)
		case s.side.Count() < fewRequests:
			return fmt.Sprintf("only %d requests of %s in the %s, %d are needed: wait, or widen the period",
				s.side.Count(), x.q.headline(), s.name, fewRequests)
		}
	}
	return ""
}

// account makes the bars: mean seconds per headline request in every place.
func (x *inquiry) account() []place {
	var list []place
	add := func(p part, id int, base, head []float64) {
		s := fold.Compare(x.base.PerRequest(base), x.head.PerRequest(head))
		if s.Before != 0 || s.After != 0 {
			list = append(list, place{p, id, s})
		}
	}
	for id := range x.g.Ops {
		add(partSelf, id, x.base.Op(id).Path, x.head.Op(id).Path)
	}
	for id, c := range x.g.Calls {
		p := partHop
		if c.To == fold.Leaf {
			p = partLeaf
		}
		add(p, id, x.base.Call(id).Gap, x.head.Call(id).Gap)
	}
	slices.SortStableFunc(list, func(a, b place) int { return cmp.Compare(math.Abs(b.delta()), math.Abs(a.delta())) })
	lost := fold.Compare(x.base.PerRequest(x.base.Lost), x.head.PerRequest(x.head.Lost))
	x.lost = lost.After - lost.Before
	return list
}

// increase is by how much the mean headline latency rose, in seconds.
func (x *inquiry) increase() float64 { return x.latency.After - x.latency.Before }

// meanGrew is by what factor the mean must grow to matter.
const meanGrew = 1.1

// moved says whether the headline differs from its baseline beyond noise: in
// the mean, in bursts, in the share of late requests, or in the share of bad
// ones by more than the objective allows.
func (x *inquiry) moved() bool {
	allowed := max(0.005, 1-float64(x.q.SLO.Target))
	if x.q.SLO.Target == 0 {
		allowed = 0.01
	}
	return x.latency.Up(meanGrew) || x.bursts() || x.late() || x.bad.Up(1.5) && x.bad.After-x.bad.Before > allowed
}

// where is the operation a place belongs to; a hop belongs to its callee.
func (x *inquiry) where(p place) fold.Operation {
	if p.part == partSelf {
		return x.g.Ops[p.id]
	}
	return x.g.Callee(x.g.Calls[p.id])
}

// name says where a place is, in words.
func (x *inquiry) name(p place) string {
	if p.part == partSelf {
		return "own time of " + x.g.Ops[p.id].String()
	}
	c := x.g.Calls[p.id]
	if p.part == partHop {
		return "the way " + x.g.Edge(c)
	}
	return fmt.Sprintf("%s called by %s", x.g.Callee(c), x.g.Ops[c.From].Service)
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
			Service: at.Service, Operation: at.Name, Part: string(p.part),
			Before: p.shift.Before, After: p.shift.After, Delta: p.delta(),
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
	list := []pitwall.ServiceName{x.q.headline().Service}
	add := func(s pitwall.ServiceName) {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	for _, p := range x.places {
		if p.part == partSelf {
			add(x.g.Ops[p.id].Service)
		}
	}
	for _, c := range x.g.Calls {
		add(x.g.Callee(c).Service)
	}
	return list
}

// bytesShift compares body sizes: the test on the mean of blocks, the words on
// the medians, for one huge body must not speak for all.
func bytesShift(base, head []fold.Sample, per0, per1 fold.Series) fold.Shift {
	s := fold.Compare(per0, per1)
	if s.Known {
		s.Before, s.After = fold.Median(base), fold.Median(head)
	}
	return s
}

func (x *inquiry) response(op int) fold.Shift {
	a, b := x.base.Op(op), x.head.Op(op)
	return bytesShift(a.Resp, b.Resp, a.RespLen, b.RespLen)
}

func (x *inquiry) request(op int) fold.Shift {
	a, b := x.base.Op(op), x.head.Op(op)
	return bytesShift(a.Req, b.Req, a.ReqLen, b.ReqLen)
}

func (x *inquiry) callResponse(id int) fold.Shift {
	a, b := x.base.Call(id), x.head.Call(id)
	return bytesShift(a.Resp, b.Resp, a.RespLen, b.RespLen)
}

func (x *inquiry) callRequest(id int) fold.Shift {
	a, b := x.base.Call(id), x.head.Call(id)
	return bytesShift(a.Req, b.Req, a.ReqLen, b.ReqLen)
}

// calls is how often one run of the calling operation makes the call.
func (x *inquiry) calls(id int) fold.Shift {
	from := x.g.Calls[id].From
	return fold.Compare(
		fold.Series{Num: x.base.Call(id).N, Den: x.base.Op(from).Total.Den},
		fold.Series{Num: x.head.Call(id).N, Den: x.head.Op(from).Total.Den})
}
