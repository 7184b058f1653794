package diagnose

import (
	"fmt"

	"github.com/pitwall/pitwall"
)

// exception asks where failures begin: the deepest span of a failed request
// that failed although everything it called succeeded.
func exception(x *inquiry) result {
	if !x.failed.up(1.5) {
		return clear(fmt.Sprintf("requests fail as rarely as before: %s → %s", percent(x.failed.before), percent(x.failed.after)))
	}
	var list []*finding
	for op, at := range x.g.ops {
		began := compare(x.base.perRequest(x.base.op(op).origin), x.head.perRequest(x.head.op(op).origin))
		if began.after-began.before < 0.1*(x.failed.after-x.failed.before) {
			continue
		}
		s := compare(x.base.op(op).failed, x.head.op(op).failed)
		f := &finding{check: checkException, class: pitwall.BottleneckException, at: at, shift: s, failures: true}
		f.explained = began.after - began.before
		f.claim = fmt.Sprintf("%s fails by itself: %s → %s of its runs (n=%s → %s)", at, percent(s.before), percent(s.after), count(s.n0), count(s.n1))
		f.signal = own("failed share of "+at.String(), at, "errors", s, pitwall.UnitRatio)
		f.evidence = append(f.evidence, evidence(f, f.claim, s, pitwall.UnitRatio,
			fmt.Sprintf(`sum(rate(http_server_request_duration_seconds_count{service_name="%s",http_response_status_code=~"5.."}[30s]))`, at.service)))
		f.disproof = fmt.Sprintf("If the change is undone and more than %s of %s still fail", percent(s.before+0.005), at)
		list = append(list, f)
	}
	return hits(list, "failures rose, but none begins in a service that sends spans")
}
