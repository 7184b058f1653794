package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/excess"
)

// judgeMeasured gives the verdict and the sentence where requests cannot be
// followed.
func (x *inquiry) judgeMeasured(found []*finding) (pitwall.DiagnosisVerdict, string) {
	if x.nothingBefore() {
		b := x.q.Baseline
		return pitwall.DiagnosisInconclusive, fmt.Sprintf("Inconclusive: nothing is known of the baseline: no request and no measurement of anybody from %s to %s, so nothing can be said to have changed; choose another.",
			clock(b.From), clock(b.To))
	}
	if x.calm() && len(found) > 0 {
		return pitwall.DiagnosisInconclusive, fmt.Sprintf("Inconclusive: %s; but %s.", x.tellGate(), found[0].claim)
	}
	if x.calm() {
		return pitwall.DiagnosisNone, fmt.Sprintf("No cause found: %s.", x.tellGate())
	}
	if len(found) == 0 {
		if x.accounts().Gate.State == excess.Worse {
			return pitwall.DiagnosisInconclusive, fmt.Sprintf("Inconclusive: %s, and nothing measured explains it.", x.tellGate())
		}
		return pitwall.DiagnosisInconclusive, "Inconclusive: " + x.noSpans + "."
	}
	f := found[0]
	switch {
	case f.external:
		return pitwall.DiagnosisLikely, fmt.Sprintf("%s is the likely cause, from outside; no change is to blame: %s.", capital(f.title()), f.claim)
	case f.blamed != nil && (f.weak == "" || f.blamed.mechanism != ""):
		return pitwall.DiagnosisLikely, fmt.Sprintf("%s at %s is the likely cause: %s.", capital(title(f.blamed.change)), clock(f.blamed.change.At), f.claim)
	case f.weak != "" && f.blamed != nil:
		return pitwall.DiagnosisInconclusive, fmt.Sprintf("Inconclusive: %s, but %s; %s at %s fits in time and place only.",
			f.claim, f.weak, title(f.blamed.change), clock(f.blamed.change.At))
	case f.weak != "":
		return pitwall.DiagnosisInconclusive, fmt.Sprintf("Inconclusive: %s, but %s.", f.claim, f.weak)
	case f.check == checkContributions && f.share < thirdShare:
		return pitwall.DiagnosisInconclusive, fmt.Sprintf("Inconclusive: the best lead explains only %s: %s.", percent(f.share), f.claim)
	}
	return pitwall.DiagnosisLikely, fmt.Sprintf("%s is the likely cause, without a change that explains it: %s.", capital(f.title()), f.claim)
}

// nothingBefore says that the baseline lies before all telemetry: there are
// requests now, and then neither requests nor measurements of any service. All
// that is seen then was "never seen before".
func (x *inquiry) nothingBefore() bool {
	if x.head.Count() == 0 || x.base.Count() > 0 {
		return false
	}
	from, to := x.q.Baseline.From.UnixMilli(), x.q.Baseline.To.UnixMilli()
	for _, m := range x.answers[idMeasured].Measured {
		if slices.ContainsFunc(m.T, func(at int64) bool { return at >= from && at < to }) {
			return false
		}
	}
	return true
}

// thirdShare is what a component must explain to be called the likely cause
// where only sums over the call graph speak: they lose to work done side by
// side what followed requests would not.
const thirdShare = 1.0 / 3

// troubleStays ends a disproof where no number says what would have to stay.
const troubleStays = " and the trouble stays"

// likewise words one finding of measurements as a hypothesis.
func (x *inquiry) likewise(f *finding, rank int, above []pitwall.Hypothesis) pitwall.Hypothesis {
	h := x.hypothesis(f, rank, above)
	a := x.accounts()
	h.For = h.For[:len(h.For)-1] // what it explains of followed requests
	h.Disproof = f.disproof + ", this is wrong."
	h.Amdahl = pitwall.Amdahl{}
	if a.Increase <= 0 || f.explained <= 0 {
		return h
	}
	h.For = append(h.For, pitwall.Evidence{Check: checkContributions, Service: f.at.Service, Claim: x.explains(f)})
	word := x.inUnit()
	h.Disproof = fmt.Sprintf("%s and %s of %s stays above %s, this is wrong.", strings.TrimSuffix(f.disproof, troubleStays), x.indicator(), a.Gate.Service, word(a.Gate.Before+a.Gate.Limit))
	after := a.Gate.Before + a.Increase
	h.Amdahl.Share = pitwall.Ratio(min(0.999, f.explained/after))
	h.Amdahl.MaxSpeedup = 1 / (1 - float64(h.Amdahl.Share))
	h.Amdahl.MeetsObjective = after-f.explained <= a.Gate.Before+a.Gate.Limit
	return h
}
