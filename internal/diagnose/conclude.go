package diagnose

import (
	"fmt"
	"math"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// The names of the checks, as they appear on the checks board.
const (
	checkHeadline   = "headline"
	checkMetrics    = "metrics"
	checkUsers      = "real-users"
	checkProfile    = "profile-diff"
	checkLocalise   = "localise"
	checkTraffic    = "traffic"
	checkDependency = "dependency"
	checkPayload    = "payload"
	checkNPlus1     = "n+1"
	checkIODB       = "io-db"
	checkNetwork    = "network"
	checkOwnTime    = "own-time"
	checkException  = "exception"
	checkDeadline   = "deadline"
	checkPool       = "pool"
	checkCache      = "cache"
	checkColdStart  = "cold-start"
	checkNode       = "noisy-neighbor"
	checkInput      = "bad-input"
	checkReturn     = "return"
	checkMemory     = "memory"
	checkAmdahl     = "amdahl"
	checkChanges    = "changes"
)

// signal is one thing to look at: a question, and the function that answers it
// from the material.
type signal struct {
	name     string
	question string
	look     func(*inquiry) result
}

// signals is the order of work: name the service and the severity, rule the
// client in or out, see what costs more, see where the time went, then explain
// it, from outside first. A new bottleneck is a file and a line here.
func signals(h fold.Operation) []signal {
	return []signal{
		{checkHeadline, fmt.Sprintf("Did %s get worse beyond its normal variation?", h), headline},
		{checkMetrics, "What do rate, errors and duration of the service and its neighbours say?", metrics},
		{checkUsers, "Is it the client? Did rendering change, or the wait for the first byte?", realUsers},
		{checkProfile, "Which kind of work costs more CPU per request?", profileDiff},
		{checkLocalise, "Where on the path is the additional time spent?", localise},
		{checkTraffic, "Is simply more asked, at the same cost per request?", traffic},
		{checkNode, "Do services wait for a processor that somebody else keeps busy?", neighbour},
		{checkInput, "Is it confined to requests of a kind that callers began to send?", badInput},
		{checkDependency, "Did something outside our sight become slow or fail?", dependency},
		{checkCertificate, "Did a certificate run out?", certificateOut},
		{checkDNS, "Can names not be resolved, from several places at once?", namesLost},
		{checkDeadline, "Does a caller give up earlier, or try again more often, than it did?", deadline},
		{checkMemory, "Is a service started again and again because its memory is full?", memory},
		{checkColdStart, "Are requests slow only just after instances started?", coldStart},
		{checkException, "Where do failures begin?", exception},
		{checkPayload, "Did any request or response body grow, and who began it?", payload},
		{checkNPlus1, "Is the same call made more often per run?", nPlus1},
		{checkReturn, "Does an operation leave out calls that it always made?", returns},
		{checkCache, "Did a cache begin to miss?", cache},
		{checkPool, "Do requests wait for a connection of a pool?", pool},
		{checkIODB, "Do database statements take longer?", ioDB},
		{checkNetwork, "Do ways between services take longer for the same bytes?", network},
		{checkOwnTime, "Which operation works longer itself: computing, allocating or waiting?", ownTime},
	}
}

// mostHypotheses is how many are told; beyond that nobody reads.
const mostHypotheses = 5

// conclude looks at everything once and judges.
func (x *inquiry) conclude() pitwall.Diagnosis {
	d := pitwall.Diagnosis{
		Verdict: pitwall.DiagnosisInconclusive, Regression: x.q.Regression, Baseline: x.q.Baseline, Window: x.q.Window,
	}
	if x.noSpans != "" {
		return x.fromMeasurements(d)
	}
	var found []*finding
	for _, s := range signals(x.q.headline()) {
		r := s.look(x)
		x.discount(&r)
		d.Checks = append(d.Checks, r.check(s))
		found = append(found, r.findings...)
	}
	if !x.moved() {
		found = nil // a signal without an effect explains nothing
	}
	found = x.weigh(found)
	markEffects(found)
	amdahl := x.checkAmdahl(found)
	x.attribute(found)
	rank(found)
	acquit(found)
	d.Checks = append(d.Checks, amdahl, x.checkChanges(found))
	for i, f := range found[:min(len(found), mostHypotheses)] {
		d.Hypotheses = append(d.Hypotheses, x.hypothesis(f, i+1, d.Hypotheses))
	}
	d.Waterfall, d.Unexplained = x.waterfall(), x.lost
	d.Flame = x.flame(found)
	d.Contrasts, d.Exemplars = x.told, x.exemplars()
	d.Changes = x.judgeChanges(found)
	d.Charts = x.charts(found)
	d.Verdict, d.Summary = x.judge(found)
	x.settled = d.Verdict == pitwall.DiagnosisLikely && (found[0].blamed != nil || found[0].external)
	return d
}

// flame is the profile that shows the first finding: of its service, of the
// kind that its class is about; where there is none, the headline's CPU.
func (x *inquiry) flame(found []*finding) *pitwall.FlameDiff {
	type wanted struct {
		service pitwall.ServiceName
		kind    pitwall.ProfileType
	}
	list := []wanted{{x.q.headline().Service, pitwall.ProfileCPU}}
	if len(found) > 0 {
		culprit := wanted{found[0].at.Service, pitwall.ProfileCPU}
		list = append([]wanted{culprit}, list...)
		if found[0].class == pitwall.BottleneckLock {
			list = append([]wanted{{culprit.service, pitwall.ProfileMutex}}, list...)
		}
	}
	for _, w := range list {
		if flame, missing := x.profile(w.service, w.kind); missing == "" {
			return &flame
		}
	}
	return nil
}

// acquit takes the blame from every change when what explains the trouble came
// from outside: nothing of ours is to be undone.
func acquit(found []*finding) {
	if len(found) == 0 || !found[0].external || found[0].blamed != nil || found[0].share < causeShare {
		return
	}
	for _, f := range found {
		f.blamed = nil
	}
}

// discount takes a hit back that moved beyond noise but hardly matters: a
// statement that takes 25 µs longer does not belong among the alarms.
func (x *inquiry) discount(r *result) {
	if len(r.findings) == 0 || !x.moved() {
		return
	}
	const matters = 0.02
	for _, f := range r.findings {
		if x.share(f) >= matters {
			return
		}
	}
	r.outcome, r.reason = pitwall.OutcomeClear, r.reason+"; that explains less than 2 % of the increase"
}

// hypothesis words one finding. Scores never rise down the list.
func (x *inquiry) hypothesis(f *finding, rank int, above []pitwall.Hypothesis) pitwall.Hypothesis {
	h := pitwall.Hypothesis{
		Rank: rank, Service: f.at.Service, Class: f.class, Claim: sentence(f), Score: f.score(), Confidence: f.confidence(),
		For: f.evidence, Against: f.against, Disproof: x.disproof(f), Amdahl: x.amdahl(f), Signal: x.standsOn(f),
	}
	if len(above) > 0 {
		h.Score = min(h.Score, above[len(above)-1].Score)
	}
	if f.blamed != nil {
		c := written(f.blamed.change)
		h.Change = &c
	}
	h.For = append(h.For, pitwall.Evidence{Check: checkLocalise, Service: f.at.Service, Claim: x.explains(f)})
	return h
}

// standsOn is the number by which a finding stands or falls: its own, or the
// headline's where it rests on words and other telemetry that no span shows.
func (x *inquiry) standsOn(f *finding) pitwall.OwnSignal {
	h := x.q.headline()
	switch {
	case f.signal.Field != "" || x.noSpans != "":
		return f.signal
	case x.errors:
		return own("failed share of "+h.String(), h, "errors", x.failed, pitwall.UnitRatio)
	}
	return own("duration of "+h.String()+", median", h, "duration", x.latency, pitwall.UnitSeconds)
}

// written is a change as it goes into the record: without its diff, which may
// hold what nobody should keep and is where the change was announced.
func written(c pitwall.Change) pitwall.Change {
	c.Diff = ""
	return c
}

// explains says how much of the increase a finding accounts for.
func (x *inquiry) explains(f *finding) string {
	if f.failures {
		return fmt.Sprintf("explains %s of the additional failures", percent(f.share))
	}
	return fmt.Sprintf("explains %s of the increase: %s of %s per request", percent(f.share),
		duration(min(f.explained, x.increase())), duration(x.increase()))
}

// disproof completes a finding's own with the headline.
func (x *inquiry) disproof(f *finding) string {
	d := f.disproof
	if f.blamed != nil && f.blamed.change.PreviousVersion != "" && f.blamed.own {
		d = strings.Replace(d, "goes back", "goes back to "+string(f.blamed.change.PreviousVersion), 1)
		d = strings.Replace(d, "the change is undone", fmt.Sprintf("%s goes back to %s", f.at.Service, f.blamed.change.PreviousVersion), 1)
	}
	if x.errors {
		return fmt.Sprintf("%s, or more than %s of %s still fail, this is wrong.", d, percent(x.failed.Before*1.25+0.005), x.q.headline())
	}
	back := fold.Quantile(x.base.Duration, 0.99) * 1.25
	return fmt.Sprintf("%s, or p99 of %s stays above %s, this is wrong.", d, x.q.headline(), duration(back))
}

// judge gives the verdict and the sentence.
func (x *inquiry) judge(found []*finding) (pitwall.DiagnosisVerdict, string) {
	h := x.q.headline()
	if !x.moved() {
		return pitwall.DiagnosisNone, fmt.Sprintf("No cause found: %s differs from its baseline by no more than its normal variation (mean %s%s, n=%s → %s).",
			h, arrow(x.latency, duration), x.allowed(), count(x.latency.N0), count(x.latency.N1))
	}
	if len(found) == 0 {
		if missing := x.wanting(); missing != "" {
			return pitwall.DiagnosisInconclusive, fmt.Sprintf("Inconclusive: %s got worse, nothing measured explains it, and a signal is missing: %s.", h, missing)
		}
		return pitwall.DiagnosisNone, fmt.Sprintf("No cause found: %s got worse, but nothing that was looked at explains it.", h)
	}
	f := found[0]
	switch {
	case f.effectOf != nil || f.share < causeShare:
		return pitwall.DiagnosisNone, fmt.Sprintf("No cause found: the best lead, %s, explains only %s of the increase.", f.title(), percent(f.share))
	case f.weak != "":
		return pitwall.DiagnosisInconclusive, fmt.Sprintf("Inconclusive: %s, but %s.", f.claim, f.weak)
	case f.blamed == nil:
		return pitwall.DiagnosisLikely, fmt.Sprintf("%s is the likely cause, without a change that explains it: %s; it explains %s of the increase.",
			capital(f.title()), f.claim, percent(f.share))
	}
	return pitwall.DiagnosisLikely, fmt.Sprintf("%s at %s is the likely cause: %s, which explains %s of the increase of %s.",
		capital(title(f.blamed.change)), clock(f.blamed.change.At), f.claim, percent(f.share), h)
}

// allowed says up to where the mean would have been normal, or "".
func (x *inquiry) allowed() string {
	limit := max(meanGrew*x.latency.Before, fold.Limit(x.base.Latency, x.head.Latency))
	if math.IsNaN(limit) || limit <= x.latency.After {
		return ""
	}
	return ", and up to " + duration(limit) + " is normal"
}

// wanting is the first signal that is missing and might have explained it.
func (x *inquiry) wanting() string {
	if _, missing := x.profile(x.q.headline().Service, pitwall.ProfileCPU); missing != "" {
		return missing
	}
	if !x.sizesKnown() {
		return "no span carries body sizes"
	}
	return ""
}

// capital begins a sentence; names such as db_pool_wait and maxConns stay as
// they are.
func capital(s string) string {
	word, _, _ := strings.Cut(s, " ")
	if s == "" || strings.ContainsAny(strings.TrimSuffix(word, ":"), "_:") || strings.ToLower(word) != word {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// sentence is a finding's claim as one. A service keeps the name it has.
func sentence(f *finding) string {
	if strings.HasPrefix(f.claim, string(f.at.Service)) {
		return f.claim + "."
	}
	return capital(f.claim) + "."
}
