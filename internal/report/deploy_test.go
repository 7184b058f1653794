package report_test

import (
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

func TestDeploy(t *testing.T) {
	rows := []report.SLORow{{Name: "latency", Service: "checkout", Tone: report.ToneBad}, {Name: "silent", Service: "search", Tone: report.ToneNoData}}
	firing := func(halt pitwall.Halt, until time.Time) []pitwall.Alarm {
		return []pitwall.Alarm{{SLO: "latency", Service: "checkout", Until: until, State: pitwall.TierState{Tier: pitwall.BurnTier{Name: "page", Halt: halt}}}}
	}
	f := func(service, risk string, alarms []pitwall.Alarm, allowed, known bool, sentence string) {
		t.Helper()
		v := report.Deploy(pitwall.ServiceName(service), risk, rows, alarms)
		if v.Allowed != allowed || v.Known != known || v.Sentence != sentence {
			t.Errorf("%s %s: %+v", service, risk, v)
		}
	}
	f("checkout", "high", nil, true, true, "Nothing halts deploys of checkout.")
	f("checkout", "high", firing(pitwall.HaltRisky, time.Time{}), false, true, "No risky deploys of checkout: latency fires (page).")
	f("checkout", "low", firing(pitwall.HaltRisky, time.Time{}), true, true, "No risky deploys of checkout: latency fires (page).")
	f("checkout", "low", firing(pitwall.HaltAll, time.Time{}), false, true, "Only fixes of checkout may be deployed: latency fires (page).")
	f("checkout", "fix", firing(pitwall.HaltAll, time.Time{}), true, true, "Only fixes of checkout may be deployed: latency fires (page).")
	f("checkout", "high", firing(pitwall.HaltAll, time.Unix(9, 0)), true, true, "Nothing halts deploys of checkout.") // it is over
	f("checkout", "high", firing(pitwall.HaltNone, time.Time{}), true, true, "Nothing halts deploys of checkout.")
	f("search", "high", firing(pitwall.HaltAll, time.Time{}), true, false, "No objective of search is counted: nothing halts its deploys, and nothing vouches for it.")
}
