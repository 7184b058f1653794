package diagnose

import (
	"github.com/pitwall/pitwall"
)

// tabular is the order of work where requests cannot be followed but numbers,
// words and changes are there: what moved and where it came from, what the
// lines and the alert say, and what comes from outside before code is blamed.
func tabular() []signal {
	return []signal{}
}

// fromMeasurements concludes without spans. Signals that need them are listed
// as skipped.
func (x *inquiry) fromMeasurements(d pitwall.Diagnosis) pitwall.Diagnosis {
	for _, s := range signals(x.q.headline()) {
		r := skipped(x.noSpans)
		if s.name == checkUsers || s.name == checkProfile {
			r = s.look(x)
		}
		d.Checks = append(d.Checks, r.check(s))
	}
	var found []*finding
	for _, s := range tabular() {
		r := s.look(x)
		d.Checks = append(d.Checks, r.check(s))
		found = append(found, r.findings...)
	}
	d.Checks = append(d.Checks, unseen()...)
	d.Checks = append(d.Checks, x.checkAmdahl(nil), x.checkChanges(found))
	if len(found) == 0 {
		d.Summary = "Inconclusive: " + x.noSpans + "."
		return d
	}
	return d
}

// check is a result as the checks board shows it.
func (r result) check(s signal) pitwall.Check {
	return pitwall.Check{Name: s.name, Question: s.question, Outcome: r.outcome, Reason: r.reason, Evidence: r.evidence}
}
