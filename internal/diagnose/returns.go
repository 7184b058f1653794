package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// leftOut is by what factor the calls of an operation must become fewer, and
// alwaysMade how often one run made them before.
const (
	leftOut    = 2
	alwaysMade = 0.5
)

// returns asks whether an operation ends early: it leaves out calls that it
// always made, answers without an error, and those who asked fail on the answer.
func returns(x *inquiry) result {
	if !x.errors {
		return clear("requests are slow, not wrong: nothing ends early")
	}
	var list []*finding
	for op, at := range x.g.Ops {
		calls := fold.Compare(x.base.Op(op).Children, x.head.Op(op).Children)
		failed := fold.Compare(x.base.Op(op).Failed, x.head.Op(op).Failed)
		if !calls.Down(leftOut) || calls.Before < alwaysMade || failed.Up(1.5) {
			continue
		}
		if f := x.early(op, at, calls); f != nil {
			list = append(list, f)
		}
	}
	return hits(list, "every operation that answers well makes the calls it always made")
}

// early is the finding against an operation whose callers fail by themselves.
func (x *inquiry) early(op int, at fold.Operation, calls fold.Shift) *finding {
	explained := 0.0
	for _, id := range x.g.CallsTo(op) {
		from := x.g.Calls[id].From
		began := fold.Compare(x.base.PerRequest(x.base.Op(from).Origin), x.head.PerRequest(x.head.Op(from).Origin))
		explained += began.After - began.Before
	}
	if explained <= 0 {
		return nil
	}
	// The shift is turned round: what stands out is how much is missing.
	missing := fold.Shift{Before: calls.After, After: calls.Before, N0: calls.N0, N1: calls.N1, Beyond: true, Noise: calls.Noise, Known: true}
	f := &finding{check: checkReturn, class: pitwall.BottleneckReturn, at: at, shift: missing, failures: true, explained: explained}
	f.claim = fmt.Sprintf("one run of %s makes %s calls, was %s, and answers without an error", at, plain(calls.After), plain(calls.Before))
	f.signal = own("calls made by one "+at.String()+", mean", at, "children", calls, pitwall.UnitCount)
	f.evidence = append(f.evidence, evidence(f, f.claim, calls, pitwall.UnitCount, ""))
	f.disproof = fmt.Sprintf("If the change is undone and it still makes fewer than %s calls per run", plain(calls.Before*0.7))
	return f
}
