package diagnose

import (
	"slices"
	"strings"

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

// needsTraces is why a check is skipped after the first has told why there are
// none: the same sentence twenty times drowns whoever reads it.
const needsTraces = "needs traces"

// fromMeasurements concludes without spans. Signals that need them are listed
// as skipped, but for those that measurements answer as well.
func (x *inquiry) fromMeasurements(d pitwall.Diagnosis) pitwall.Diagnosis {
	why := x.noSpans
	for _, s := range signals(x.q.headline()) {
		if slices.ContainsFunc(tabular(), func(t signal) bool { return t.name == s.name }) {
			continue
		}
		r := skipped(why)
		if s.name == checkUsers || s.name == checkProfile {
			r = s.look(x)
		} else {
			why = needsTraces
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
		found = x.leads(found) // a signal without an effect explains nothing
	}
	found = x.settle(x.located(found))
	bounds := x.checkAmdahl(nil)
	if len(found) > 0 {
		bounds.Reason = needsTraces + "; the bound of each hypothesis stands with it"
	}
	d.Checks = append(d.Checks, bounds, x.checkChanges(found))
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

// leads are what is still worth telling where the indicator did not leave its
// normal variation: those asked why requests fail want to know of a component
// on the way that fails more often than a team would be called for, though it
// is not proven to be felt. Latency wanders too much for that.
func (x *inquiry) leads(list []*finding) []*finding {
	if x.q.Regression.Signal != pitwall.SignalErrors && x.q.Regression.Signal != pitwall.SignalAvailability {
		return nil
	}
	return slices.DeleteFunc(list, func(f *finding) bool {
		if f.check != checkWords || f.at.Service == x.q.headline().Service {
			return true
		}
		f.weak = "it is not felt beyond normal"
		return !slices.ContainsFunc(flatten(f.seen), func(g sign) bool { return g.move != nil && failsMore(*g.move) })
	})
}

// failsMore says that a share of failures, or of what succeeds, got worse by as
// much as matters.
func failsMore(m excess.Move) bool {
	switch {
	case m.Metric == "errors" && m.Stat == "ratio":
		return m.After-m.Before >= failuresMatter
	case strings.HasSuffix(m.Metric, "availability"):
		return m.Before-m.After >= failuresMatter
	}
	return false
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
