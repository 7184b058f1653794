package diagnose

import (
	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/excess"
)

// tabular is the order of work where requests cannot be followed but numbers,
// words and changes are there: what moved and where it came from, what the
// lines and the alert say, and what comes from outside before code is blamed.
func tabular() []signal {
	return append([]signal{
		{checkIndicator, "Is what was complained of beyond what its normal time itself does?", indicatorMoved},
		{checkContributions, "Which component added it, after what its callees added is taken off?", addedBy},
		{checkWords, "What do series that moved, new lines, errors and the alert say of the kind?", signsSay},
	}, outside()...)
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
	silent := x.nothingTold()
	for _, s := range tabular() {
		r := skipped(silent)
		if silent == "" {
			r = s.look(x)
		}
		d.Checks = append(d.Checks, r.check(s))
		found = append(found, r.findings...)
	}
	if x.calm() {
		found = nil // a signal without an effect explains nothing
	}
	found = x.settle(x.located(found))
	d.Checks = append(d.Checks, x.checkAmdahl(nil), x.checkChanges(found))
	d.Changes = x.judgeChanges(found)
	for i, f := range found[:min(len(found), mostHypotheses)] {
		d.Hypotheses = append(d.Hypotheses, x.likewise(f, i+1, d.Hypotheses))
	}
	d.Waterfall, d.Unexplained = x.shared()
	if g := x.accounts().Gate; g.State == excess.Worse {
		d.Regression.Onset = g.Onset
	}
	d.Verdict, d.Summary = x.judgeMeasured(found)
	return d
}

// nothingTold says why there is nothing at all to read besides spans, or "".
// Words of an alert or of a failed request are something.
func (x *inquiry) nothingTold() string {
	if len(x.look().signs) > 0 {
		return ""
	}
	for _, id := range []string{idLogs, idStatus, idMeasured} {
		if x.answers[id].Missing == "" {
			return ""
		}
	}
	return "no measurements, lines or notices to read: " + x.answers[idMeasured].Missing
}

// check is a result as the checks board shows it.
func (r result) check(s signal) pitwall.Check {
	return pitwall.Check{Name: s.name, Question: s.question, Outcome: r.outcome, Reason: r.reason, Evidence: r.evidence}
}
