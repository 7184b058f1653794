package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// exception asks where failures begin: the deepest span of a failed request
// that failed although everything it called succeeded.
func exception(x *inquiry) result {
	if !x.failed.Up(1.5) {
		return clear(fmt.Sprintf("requests fail as rarely as before: %s → %s", percent(x.failed.Before), percent(x.failed.After)))
	}
	var list []*finding
	for op, at := range x.g.Ops {
		began := fold.Compare(x.base.PerRequest(x.base.Op(op).Origin), x.head.PerRequest(x.head.Op(op).Origin))
		if began.After-began.Before < 0.1*(x.failed.After-x.failed.Before) {
			continue
		}
		s := fold.Compare(x.base.Op(op).Failed, x.head.Op(op).Failed)
		f := &finding{check: checkException, class: pitwall.BottleneckException, at: at, shift: s, failures: true}
		f.explained = began.After - began.Before
		f.claim = fmt.Sprintf("%s fails by itself: %s → %s of its runs (n=%s → %s)", at, percent(s.Before), percent(s.After), count(s.N0), count(s.N1))
		f.signal = own("failed share of "+at.String(), at, "errors", s, pitwall.UnitRatio)
		f.evidence = append(f.evidence, evidence(f, f.claim, s, pitwall.UnitRatio,
			fmt.Sprintf(`sum(rate(http_server_request_duration_seconds_count{service_name="%s",http_response_status_code=~"5.."}[30s]))`, at.Service)))
		f.disproof = fmt.Sprintf("If the change is undone and more than %s of %s still fail", percent(s.Before+0.005), at)
		list = append(list, f)
	}
	return hits(list, "failures rose, but none begins in a service that sends spans")
}
