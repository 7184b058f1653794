package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// exception asks where failures begin: the deepest span of a failed request
// that failed although everything it called succeeded.
func exception(x *inquiry) result {
	if !x.errors {
		return x.hidden()
	}
	var list []*finding
	for op, at := range x.g.Ops {
		began := fold.Compare(x.base.PerRequest(x.base.Op(op).Origin), x.head.PerRequest(x.head.Op(op).Origin))
		if began.After-began.Before < 0.1*(x.failed.After-x.failed.Before) {
			continue
		}
		f := x.thrown(op, at, fold.Compare(x.base.Op(op).Failed, x.head.Op(op).Failed))
		f.failures, f.explained = true, began.After-began.Before
		list = append(list, f)
	}
	return hits(list, "failures rose, but none begins in a service that sends spans")
}

// hidden looks for operations that fail by themselves and are asked again: the
// user sees the time that takes, and no failure.
func (x *inquiry) hidden() result {
	var list []*finding
	for op, at := range x.g.Ops {
		s := fold.Compare(x.base.Op(op).Threw, x.head.Op(op).Threw)
		if !s.Up(1.5) || s.After-s.Before < failuresMatter {
			continue
		}
		f := x.thrown(op, at, s)
		f.covers = map[int]bool{}
		for _, id := range x.g.CallsTo(op) {
			if n := x.calls(id); n.Beyond && n.After > n.Before {
				f.explained += x.moreCalls(id)
				x.coverBelow(f.covers, id)
			}
		}
		if f.explained > 0 {
			list = append(list, f)
		}
	}
	if x.failed.Beyond && x.failed.After > x.failed.Before {
		return hits(list, fmt.Sprintf("requests fail more often, %s → %s, but none fails of itself: they are given up, or fail beneath", percent(x.failed.Before), percent(x.failed.After)))
	}
	return hits(list, fmt.Sprintf("requests fail as rarely as before: %s → %s", percent(x.failed.Before), percent(x.failed.After)))
}

func (x *inquiry) thrown(op int, at fold.Operation, s fold.Shift) *finding {
	f := &finding{check: checkException, class: pitwall.BottleneckException, at: at, shift: s}
	f.claim = fmt.Sprintf("%s fails by itself: %s → %s of its runs (n=%s → %s)", at, percent(s.Before), percent(s.After), count(s.N0), count(s.N1))
	if why, n := most(x.head.Op(op).Why); n > 0 {
		f.claim += ": " + clip(why, 80)
	}
	f.signal = own("failed share of "+at.String(), at, "errors", s, pitwall.UnitRatio)
	f.evidence = append(f.evidence, evidence(f, f.claim, s, pitwall.UnitRatio,
		fmt.Sprintf(`sum(rate(http_server_request_duration_seconds_count{service_name=%q,http_response_status_code=~"5.."}[30s]))`, at.Service)))
	f.disproof = fmt.Sprintf("If the change is undone and more than %s of %s still fail", percent(s.Before+0.005), at)
	return f
}

// most is the text that was seen most often, of equals the first by name.
func most(counts map[string]int) (text string, n int) {
	for t, c := range counts {
		if c > n || c == n && t < text {
			text, n = t, c
		}
	}
	return text, n
}
