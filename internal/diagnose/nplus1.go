package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
)

// callsGrew is by what factor the calls per run must grow to be an n+1, and
// callsMore by how many.
const (
	callsGrew = 1.5
	callsMore = 0.5
)

// nPlus1 asks whether one run of an operation makes the same call more often
// than it did: a query in a loop. Calls that repeat because they fail are
// retries, and those are somebody else's fault.
func nPlus1(x *inquiry) result {
	var list []*finding
	why := "every operation makes the same number of calls per run as before"
	for id, c := range x.g.calls {
		s := x.calls(id)
		if !s.up(callsGrew) && !newCall(x, id, s) || s.after-s.before < callsMore {
			continue
		}
		base, head := x.base.call(id), x.head.call(id)
		if failed := compare(base.failed, head.failed); failed.after > 0.2 {
			why = fmt.Sprintf("%s repeats because %s of the calls fail: retries, not a loop", x.g.edge(c), percent(failed.after))
			continue
		}
		list = append(list, x.loop(id, s))
	}
	return hits(list, why)
}

// newCall says that a call came out of nothing, more than once per run.
func newCall(x *inquiry, id int, s shift) bool {
	return s.n0 > 0 && s.before == 0 && s.after > 1.5 && x.head.call(id).took.den != nil && s.beyond
}

func (x *inquiry) loop(id int, s shift) *finding {
	c := x.g.calls[id]
	at := x.g.ops[c.from]
	what := x.g.callee(c).String()
	if c.statement != "" {
		what = fmt.Sprintf("%q", clip(c.statement, 80))
	}
	f := &finding{check: checkNPlus1, class: pitwall.BottleneckNPlus1, at: at, shift: s, covers: map[int]bool{}}
	f.claim = fmt.Sprintf("one run of %s calls %s %s times, was %s", at, what, plain(s.after), plain(s.before))
	whole := compare(x.base.perRequest(x.base.call(id).whole), x.head.perRequest(x.head.call(id).whole))
	perCall := ratio(whole.after, s.after)
	if s.before > 0 {
		perCall = (perCall + ratio(whole.before, s.before)) / 2
	}
	f.explained = perCall * (s.after - s.before)
	for i, p := range x.places {
		if p.part != partSelf && p.id == id {
			f.covers[i] = true
		}
	}
	children := compare(x.base.op(c.from).children, x.head.op(c.from).children)
	f.signal = own(fmt.Sprintf("calls made by one %s, mean", at), at, "children", children, pitwall.UnitCount)
	f.evidence = append(f.evidence,
		evidence(f, f.claim, s, pitwall.UnitCount, ""),
		evidence(f, fmt.Sprintf("time in %s per request: %s; one call takes %s", what, arrow(whole, duration), duration(perCall)),
			whole, pitwall.UnitSeconds, ""))
	f.disproof = fmt.Sprintf("If %s goes back and it still calls %s more than %s times per run", at.service, what, plain(s.before*1.5+0.5))
	return f
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
