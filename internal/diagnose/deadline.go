package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

const (
	// fewBroken is how many failed calls show where they are cut off.
	fewBroken = 10
	// cutAlike is by what factor the durations of calls that were given up may
	// differ: a deadline is one number, and the clock adds a little.
	cutAlike = 1.25
	// pastCut is by what factor a call must have taken longer than nearly all that
	// were given up, for it to have been allowed longer.
	pastCut = 1.05
	// strays is how many calls may have been answered later than a deadline, for
	// one that was given up at it: those under way when it came.
	strays = 0.05
	// wereLonger is the share of calls of the baseline that took longer than the
	// deadline and were answered. A deadline that had been there would have left
	// none.
	wereLonger = 0.005
)

// deadline asks whether a caller gives up earlier than its callee normally
// takes, or tries again more often than it did: then the caller's configuration
// is the cause, however slow the callee looks beneath what it is sent.
func deadline(x *inquiry) result {
	var list []*finding
	failing := 0
	done := map[fold.Call]bool{}
	for id := range x.g.Calls {
		key := alike(x.g.Calls[id])
		if done[key] || x.g.Calls[id].DB {
			continue
		}
		done[key] = true
		s := x.brokenShare(id)
		if s.N1 == 0 || s.After < failuresMatter || !s.Up(1.5) {
			continue
		}
		failing++
		if c := x.cutOff(id); c.lowered {
			list = append(list, x.tooShort(id, s, c))
		} else if f := x.tooOften(id, s); f != nil {
			list = append(list, f)
		}
	}
	if failing == 0 {
		return clear("no call fails more often than before: nobody gives up")
	}
	return hits(list, "calls of "+things(failing, "kind")+" fail more often, but not at a deadline that the callee used to exceed, nor after more attempts than before")
}

// alike is what calls of one caller to one callee have in common, whether their
// answering spans are known or not.
func alike(c fold.Call) fold.Call { return fold.Call{From: c.From, Peer: c.Peer, Name: c.Name} }

// family are the calls alike to one.
func (x *inquiry) family(id int) []int {
	var ids []int
	for other, c := range x.g.Calls {
		if alike(c) == alike(x.g.Calls[id]) {
			ids = append(ids, other)
		}
	}
	return ids
}

// brokenShare is the failed share of a family of calls.
func (x *inquiry) brokenShare(id int) fold.Shift {
	var base, head fold.Series
	for i, member := range x.family(id) {
		b, h := x.base.Call(member).Failed, x.head.Call(member).Failed
		if i == 0 {
			base, head = fold.NewSeries(len(b.Num)), fold.NewSeries(len(h.Num))
		}
		base.Join(b)
		head.Join(h)
	}
	return fold.Compare(base, head)
}

// cutting is where calls of a kind are given up.
type cutting struct {
	at      float64 // seconds; 0: they fail, but not at a deadline
	longer  float64 // share of the baseline's calls that took longer and were answered
	lowered bool
}

// cutOff finds the deadline of a kind of call: those that fail take alike long,
// and hardly any that is answered takes longer.
func (x *inquiry) cutOff(id int) cutting {
	var broke, passed, before []fold.Sample
	cut := false
	for _, member := range x.family(id) {
		h := x.head.Call(member)
		broke, passed = append(broke, h.Broke...), append(passed, h.Passed...)
		before = append(before, x.base.Call(member).Passed...)
		cut = cut || fold.Compare(x.base.Call(member).Cut, h.Cut).After > 0
	}
	if len(broke) < fewBroken {
		return cutting{}
	}
	at, later := fold.Median(broke), 0
	for _, s := range passed {
		if s.V > cutAlike*at {
			later++
		}
	}
	if fold.Quantile(broke, 0.75) > cutAlike*fold.Quantile(broke, 0.25) || float64(later) > max(1, strays*float64(len(broke))) {
		return cutting{}
	}
	if len(passed) == 0 && !cut {
		return cutting{} // all fail alike fast: refused rather than given up
	}
	c := cutting{at: at}
	beyond := pastCut * fold.Quantile(broke, 0.95)
	for _, s := range before {
		if s.V > beyond {
			c.longer++
		}
	}
	if len(before) > 0 {
		c.longer /= float64(len(before))
	}
	c.lowered = c.longer >= wereLonger
	return c
}

// givenUp is the share of headline requests that fail because a call reached a
// deadline that was there before: the callee became slow.
func (x *inquiry) givenUp() float64 {
	sum := 0.0
	for id := range x.g.Calls {
		began := fold.Compare(x.base.PerRequest(x.base.Call(id).Origin), x.head.PerRequest(x.head.Call(id).Origin))
		if began.After <= began.Before {
			continue
		}
		if c := x.cutOff(id); c.at > 0 && !c.lowered {
			sum += began.After - began.Before
		}
	}
	return sum
}

func (x *inquiry) tooShort(id int, s fold.Shift, c cutting) *finding {
	f := x.callerFinding(id, s)
	callee := x.g.Callee(x.g.Calls[id])
	f.claim = fmt.Sprintf("%s gives up on %s after %s, and %s of its calls took longer before and were answered; %s → %s of them fail (n=%s → %s)",
		f.at.Service, callee, duration(c.at), percent(c.longer), percent(s.Before), percent(s.After), count(s.N0), count(s.N1))
	f.evidence = append(f.evidence, evidence(f, f.claim, s, pitwall.UnitRatio, ""))
	x.tellAttempts(f, id)
	return f
}

// tooOften blames a caller that sends a failing request more often again than
// it did when requests failed in the baseline.
func (x *inquiry) tooOften(id int, s fold.Shift) *finding {
	base, head := 0, 0
	broken := 0
	for _, member := range x.family(id) {
		base, head = max(base, x.base.Call(member).Tries), max(head, x.head.Call(member).Tries)
		broken += len(x.base.Call(member).Broke)
	}
	if broken < fewBroken || head < base+2 || !x.attempts(id).Up(timeGrew) {
		return nil
	}
	f := x.callerFinding(id, s)
	callee := x.g.Callee(x.g.Calls[id])
	f.claim = fmt.Sprintf("%s sends a failed request to %s up to %d times again, was %d; %s → %s of them fail (n=%s → %s)",
		f.at.Service, callee, head, base, percent(s.Before), percent(s.After), count(s.N0), count(s.N1))
	f.evidence = append(f.evidence, evidence(f, f.claim, s, pitwall.UnitRatio, ""))
	x.tellAttempts(f, id)
	return f
}

// callerFinding is against the operation that makes a call.
func (x *inquiry) callerFinding(id int, s fold.Shift) *finding {
	c := x.g.Calls[id]
	f := &finding{check: checkDeadline, class: pitwall.BottleneckConfig, at: x.g.Ops[c.From], shift: s, covers: map[int]bool{}}
	f.failures = x.errors
	for _, member := range x.family(id) {
		if x.errors {
			began := fold.Compare(x.base.PerRequest(x.base.Call(member).Origin), x.head.PerRequest(x.head.Call(member).Origin))
			f.explained += began.After - began.Before
			continue
		}
		whole := fold.Compare(x.base.PerRequest(x.base.Call(member).Whole), x.head.PerRequest(x.head.Call(member).Whole))
		f.explained += whole.After - whole.Before
		x.coverBelow(f.covers, member)
	}
	callee := x.g.Callee(c)
	f.signal = x.ownOfCall(id, "failed share of %s in %s", "errors", s, pitwall.UnitRatio)
	f.disproof = fmt.Sprintf("If %s waits for %s as long as before and more than %s of the calls still fail", f.at.Service, callee, percent(s.Before+0.005))
	return f
}

// tellAttempts adds what the repetition did to the callee.
func (x *inquiry) tellAttempts(f *finding, id int) {
	if n := x.attempts(id); n.Up(1.1) {
		f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("one run of %s sends %s requests to %s, was %s",
			f.at, plain(n.After), x.g.Callee(x.g.Calls[id]), plain(n.Before)), n, pitwall.UnitCount, ""))
	}
	for _, metric := range []string{metricTimeouts, metricRetries} {
		if s := x.measuredPer(f.at.Service, metric); s.Up(1.5) {
			f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("%s of %s per request: %s", metric, f.at.Service, arrow(s, plain)), s, pitwall.UnitRatio, metric))
		}
	}
}

// attempts is how many requests of a kind one run of the caller sends.
func (x *inquiry) attempts(id int) fold.Shift {
	from := x.g.Calls[id].From
	base := fold.Series{Num: make([]float64, len(x.base.Op(from).Total.Den)), Den: x.base.Op(from).Total.Den}
	head := fold.Series{Num: make([]float64, len(x.head.Op(from).Total.Den)), Den: x.head.Op(from).Total.Den}
	for _, member := range x.family(id) {
		for i, n := range x.base.Call(member).N {
			base.Num[i] += n
		}
		for i, n := range x.head.Call(member).N {
			head.Num[i] += n
		}
	}
	return fold.Compare(base, head)
}

// coverBelow adds a call's place and all places beneath its callee.
func (x *inquiry) coverBelow(covers map[int]bool, id int) {
	calls, ops := map[int]bool{id: true}, map[int]bool{}
	for todo := []int{id}; len(todo) > 0; todo = todo[1:] {
		to := x.g.Calls[todo[0]].To
		if to == fold.Leaf || ops[to] {
			continue
		}
		ops[to] = true
		for _, next := range x.g.CallsOf(to) {
			if !calls[next] {
				calls[next] = true
				todo = append(todo, next)
			}
		}
	}
	for i, p := range x.places {
		if p.part == partSelf && ops[p.id] || p.part != partSelf && calls[p.id] {
			covers[i] = true
		}
	}
}
