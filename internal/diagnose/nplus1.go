package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// callsGrew is by what factor the calls per run must grow to be an n+1, and
// callsMore by how many.
const (
	callsGrew = 1.5
	callsMore = 0.5
	// callsMany is how often one run makes a call that is in a loop.
	callsMany = 1.5
)

// nPlus1 asks whether one run of an operation makes the same call more often
// than it did: a query in a loop. Calls that repeat because they fail are
// retries, and those are somebody else's fault.
func nPlus1(x *inquiry) result {
	var list []*finding
	why := "every operation makes the same number of calls per run as before"
	for id, c := range x.g.Calls {
		s := x.calls(id)
		if !s.Up(callsGrew) && !newCall(x, id, s) || s.After-s.Before < callsMore {
			continue
		}
		base, head := x.base.Call(id), x.head.Call(id)
		if failed := fold.Compare(base.Failed, head.Failed); failed.After > 0.2 {
			why = fmt.Sprintf("%s repeats because %s of the calls fail: retries, not a loop", x.g.Edge(c), percent(failed.After))
			continue
		}
		f := x.loop(id, s)
		if s.After < callsMany { // no loop: something that most runs could do without
			f.class = pitwall.BottleneckCache
			f.weak = "no hit ratio of a cache says that one misses: a new call on a frequent path would look like this"
			f.against = append(f.against, pitwall.Evidence{Check: checkNPlus1, Service: f.at.Service, Claim: f.weak})
		}
		list = append(list, f)
	}
	return hits(list, why)
}

// newCall says that a call came out of nothing, more than once per run.
func newCall(x *inquiry, id int, s fold.Shift) bool {
	return s.N0 > 0 && s.Before == 0 && s.After > 1.5 && x.head.Call(id).Took.Den != nil && s.Beyond
}

func (x *inquiry) loop(id int, s fold.Shift) *finding {
	c := x.g.Calls[id]
	at := x.g.Ops[c.From]
	what := x.g.Callee(c).String()
	if c.Statement != "" {
		what = fmt.Sprintf("%q", clip(c.Statement, 80))
	}
	f := &finding{check: checkNPlus1, class: pitwall.BottleneckNPlus1, at: at, shift: s, covers: map[int]bool{}}
	f.claim = fmt.Sprintf("one run of %s calls %s %s times, was %s", at, what, plain(s.After), plain(s.Before))
	whole := fold.Compare(x.base.PerRequest(x.base.Call(id).Whole), x.head.PerRequest(x.head.Call(id).Whole))
	f.explained = x.moreCalls(id)
	for i, p := range x.places {
		if p.part != partSelf && p.id == id {
			f.covers[i] = true
		}
	}
	children := fold.Compare(x.base.Op(c.From).Children, x.head.Op(c.From).Children)
	f.signal = own(fmt.Sprintf("calls made by one %s, mean", at), at, "children", children, pitwall.UnitCount)
	f.evidence = append(f.evidence,
		evidence(f, f.claim, s, pitwall.UnitCount, ""),
		evidence(f, fmt.Sprintf("time in %s per request: %s; one call takes %s", what, arrow(whole, duration), duration(ratio(whole.After, s.After))),
			whole, pitwall.UnitSeconds, ""))
	f.disproof = fmt.Sprintf("If %s goes back and it still calls %s more than %s times per run", at.Service, what, plain(s.Before*1.5+0.5))
	return f
}

// moreCalls is the part of a call's increase that comes from more calls rather
// than from slower ones: Δn times the time one takes, the mean of before and after.
func (x *inquiry) moreCalls(id int) float64 {
	s := x.calls(id)
	whole := fold.Compare(x.base.PerRequest(x.base.Call(id).Whole), x.head.PerRequest(x.head.Call(id).Whole))
	perCall := ratio(whole.After, s.After)
	if s.Before > 0 {
		perCall = (perCall + ratio(whole.Before, s.Before)) / 2
	}
	return perCall * (s.After - s.Before)
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}
