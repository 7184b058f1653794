package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// finding is what one signal claims: a class at an operation, how much of the
// increase it explains, and its own number.
type finding struct {
	check     string
	class     pitwall.Bottleneck
	at        fold.Operation
	claim     string
	explained float64    // seconds of mean latency, or share of failures when failures are accounted for
	shift     fold.Shift // the typed signal
	external  bool       // nothing of ours changed
	weak      string     // why the class is a guess, or ""
	starves   bool       // its service waits for its own processor: all it does takes longer than the work
	yields    bool       // it gives way to whatever else explains the same time: waiting is an effect of holding
	failures  bool       // explained counts failures, not seconds
	covers    map[int]bool
	evidence  []pitwall.Evidence
	against   []pitwall.Evidence
	signal    pitwall.OwnSignal
	disproof  string
	broad     bool     // services that have nothing to do with each other suffer alike
	level     int      // how much stands behind an explanation from outside; see external.go
	seen      []spoken // the classes that numbers and words speak of, where requests say nothing

	effectOf *finding // the finding this one is a consequence of
	share    float64  // of the increase, [0,1]
	blamed   *attribution
}

// result is what one check found.
type result struct {
	outcome  pitwall.Outcome
	reason   string
	evidence []pitwall.Evidence
	findings []*finding
	notes    []string
}

func skipped(why string) result { return result{outcome: pitwall.OutcomeSkipped, reason: why} }

func clear(why string) result { return result{outcome: pitwall.OutcomeClear, reason: why} }

// hits makes the result of a signal from its findings.
func hits(list []*finding, otherwise string) result {
	if len(list) == 0 {
		return clear(otherwise)
	}
	r := result{outcome: pitwall.OutcomeHit, reason: list[0].claim, findings: list}
	for _, f := range list {
		if len(f.evidence) > 0 {
			r.evidence = append(r.evidence, f.evidence[0])
		}
	}
	return r
}

// leastShare of the increase that a finding must explain to be told at all;
// half is what a cause must explain.
const (
	leastShare = 0.10
	causeShare = 0.50
)

// share is the part of the increase that a finding explains, in [0,1].
func (x *inquiry) share(f *finding) float64 {
	whole := x.increase()
	if x.errors {
		whole = x.failed.After - x.failed.Before
	}
	if whole <= 0 || f.failures != x.errors {
		return 0
	}
	return min(1, max(0, f.explained/whole))
}

// weigh sets every finding's share of the increase and drops the slight ones.
func (x *inquiry) weigh(list []*finding) []*finding {
	var kept []*finding
	for _, f := range list {
		if f.share = x.share(f); f.share >= leastShare {
			kept = append(kept, f)
		}
	}
	return kept
}

// markEffects finds findings that are consequences of others. Loops cannot
// arise: an effect is never a cause.
func markEffects(list []*finding) {
	for _, f := range list {
		for _, cause := range list {
			if cause == f || cause.effectOf != nil || f.effectOf != nil {
				continue
			}
			if why := consequence(f, cause); why != "" {
				f.effect(cause, why)
			}
		}
	}
}

// consequence says why f follows from cause, or "".
func consequence(f, cause *finding) string {
	whole := cause.share >= causeShare
	if cause.check == checkMemory && whole && f.at.Service == cause.at.Service {
		return fmt.Sprintf("effect of the starts: %s dies of its memory", cause.at.Service)
	}
	switch cause.class {
	case pitwall.BottleneckPayload:
		if f.class != pitwall.BottleneckPayload && f.inside(cause) {
			return fmt.Sprintf("effect of %s: this place handles the bytes that %s sends", cause.title(), cause.at.Service)
		}
	case pitwall.BottleneckCPU, pitwall.BottleneckAllocation:
		if whole && cause.weak == "" && queueing(f.class) && f.class != cause.class && f.inside(cause) {
			return fmt.Sprintf("effect of the work of %s: this time is spent waiting for its processor", cause.at.Service)
		}
	case pitwall.BottleneckIODB:
		if cause.check == checkOwnTime && whole && (queueing(f.class) || f.class == cause.class) && f.inside(cause) {
			return fmt.Sprintf("effect of the work of the database in %s: this time is spent waiting for it", cause.at.Service)
		}
	case pitwall.BottleneckTraffic:
		if queueing(f.class) {
			return "effect of the surge: waits grow with load while the cost of one request is flat"
		}
	case pitwall.BottleneckBadInput:
		if whole {
			return "effect of what is asked: other requests do as well as before"
		}
	case pitwall.BottleneckNode:
		if whole && queueing(f.class) && !f.external && f.inside(cause) {
			return "effect of the busy machine: it computes as much as before and gets its processor later"
		}
	case pitwall.BottleneckColdStart:
		if whole && (f.inside(cause) || f.at.Service == cause.at.Service) {
			return fmt.Sprintf("effect of the starts: instances of %s that have been up for longer are as good as before", cause.at.Service)
		}
	case pitwall.BottleneckCache:
		if cause.weak == "" && whole && f.class != pitwall.BottleneckColdStart && (f.inside(cause) || f.at.Service == cause.at.Service) {
			return fmt.Sprintf("effect of the cache of %s: this is the work that it used to spare", cause.at.Service)
		}
	case pitwall.BottleneckConfig:
		if whole && f.class != pitwall.BottleneckConfig && (f.inside(cause) || f.failures) {
			return fmt.Sprintf("effect of what %s gives up or sends again", cause.at.Service)
		}
	case pitwall.BottleneckPool:
		if cause.weak == "" && !cause.yields && whole && queueing(f.class) && f.class != pitwall.BottleneckPool && f.inside(cause) {
			return fmt.Sprintf("effect of the pool of %s: this time is spent before a connection is given out", cause.at.Service)
		}
	}
	if f.yields && whole && cause.class != pitwall.BottleneckObservabilityGap {
		return fmt.Sprintf("effect of %s: connections are held for longer", cause.title())
	}
	return ""
}

func (f *finding) inside(cause *finding) bool {
	for id := range f.covers {
		if !cause.covers[id] {
			return false
		}
	}
	return len(f.covers) > 0
}

func queueing(c pitwall.Bottleneck) bool {
	return slices.Contains([]pitwall.Bottleneck{
		pitwall.BottleneckLock, pitwall.BottleneckNetwork, pitwall.BottleneckPool, pitwall.BottleneckIODB,
		pitwall.BottleneckObservabilityGap, pitwall.BottleneckCPU, pitwall.BottleneckDependency, pitwall.BottleneckUpstream, pitwall.BottleneckNode,
	}, c)
}

func (f *finding) effect(cause *finding, claim string) {
	f.effectOf = cause
	f.against = append(f.against, pitwall.Evidence{Check: cause.check, Service: cause.at.Service, Claim: claim})
}

func (f *finding) title() string { return fmt.Sprintf("%s in %s", f.class, f.at.Service) }

// rank orders findings: causes before effects, those that explain half of the
// increase before those that do not, external explanations before code that no
// change explains, a known class before a guess, and then the louder signal.
func rank(list []*finding) {
	slices.SortStableFunc(list, func(a, b *finding) int {
		return cmp.Or(
			-cmpBool(a.effectOf == nil, b.effectOf == nil),
			-cmpBool(a.share >= causeShare, b.share >= causeShare),
			-cmpBool(a.wins(), b.wins()),
			-cmpBool(a.weak == "", b.weak == ""),
			cmp.Compare(b.shift.Dominance(), a.shift.Dominance()),
			cmp.Compare(b.share, a.share),
			cmp.Compare(a.at.String(), b.at.String()),
		)
	})
}

// wins says that a finding stands against external explanations: it is one, or
// a change with the right mechanism explains it.
func (f *finding) wins() bool { return f.external || f.blamed != nil && f.blamed.mechanism != "" }

func cmpBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// amdahl bounds what removing a finding can give: at most 1/(1-share) faster,
// where share is its part of the present latency; the p99 is scaled likewise.
func (x *inquiry) amdahl(f *finding) pitwall.Amdahl {
	if x.errors {
		left := x.failed.After - f.explained
		return pitwall.Amdahl{
			Share: pitwall.Ratio(f.share), MaxSpeedup: 1, P99Seconds: fold.Quantile(x.head.Duration, 0.99),
			MeetsObjective: left <= max(1-float64(x.q.SLO.Target), x.failed.Before*1.25),
		}
	}
	part := 0.0
	if x.latency.After > 0 {
		part = min(0.999, max(0, f.explained/x.latency.After))
	}
	return pitwall.Amdahl{
		Share: pitwall.Ratio(part), MaxSpeedup: 1 / (1 - part),
		P99Seconds:     fold.Quantile(x.head.Duration, 0.99) * (1 - part),
		MeetsObjective: x.target(x.head.Duration)*(1-part) <= x.limit(),
	}
}

// target is the latency that the objective is about: its own quantile.
func (x *inquiry) target(list []fold.Sample) float64 {
	q := float64(x.q.SLO.Target)
	if q <= 0 || q >= 1 {
		q = 0.99
	}
	return fold.Quantile(list, q)
}

// limit is what the latency must come back to: the objective, or the baseline
// where that was missing the objective already. A tenth is left for noise.
func (x *inquiry) limit() float64 {
	normal := x.target(x.base.Duration) * 1.1
	if t := x.q.SLO.SLI.Threshold.Seconds(); t > 0 {
		return max(t, normal)
	}
	return normal
}

// checkAmdahl words the bounds and marks findings that cannot be the cause
// because removing them would not be enough.
func (x *inquiry) checkAmdahl(list []*finding) pitwall.Check {
	c := pitwall.Check{Name: checkAmdahl, Question: "If this were gone, would the objective be met again?"}
	if len(list) == 0 {
		c.Outcome, c.Reason = pitwall.OutcomeSkipped, "there is no finding to bound"
		return c
	}
	for _, f := range list {
		a := x.amdahl(f)
		e := pitwall.Evidence{Check: checkAmdahl, Service: f.at.Service}
		if x.errors {
			e.Claim = fmt.Sprintf("without %s, %s of requests would still fail", f.title(), percent(max(0, x.failed.After-f.explained)))
		} else {
			e.Claim = fmt.Sprintf("without %s (%s of the latency) it would be at most %s faster: p99 about %s",
				f.title(), percent(float64(a.Share)), times(a.MaxSpeedup), duration(a.P99Seconds))
		}
		if a.MeetsObjective {
			c.Outcome = pitwall.OutcomeHit
		} else {
			misses := "misses the objective: an effect or only a part, look upstream"
			if x.q.SLO.Name == "" {
				misses = "is more than normal: an effect or only a part"
			}
			e.Claim += ", which still " + misses
			f.against = append(f.against, e)
		}
		c.Evidence = append(c.Evidence, e)
	}
	c.Reason = c.Evidence[0].Claim
	if c.Outcome == "" {
		c.Outcome = pitwall.OutcomeClear
	}
	return c
}

// confidence is the word for how much stands behind a finding.
func (f *finding) confidence() pitwall.Confidence {
	switch {
	case f.effectOf != nil || f.weak != "" || f.share < causeShare:
		return pitwall.ConfidenceLow
	case f.blamed != nil && f.blamed.mechanism != "":
		return pitwall.ConfidenceHigh
	}
	return pitwall.ConfidenceMedium
}

// score is the share of the increase that is explained, discounted for what is
// not known; it is for showing, ranks are decided by rank.
func (f *finding) score() float64 {
	s := f.share
	switch {
	case f.effectOf != nil || f.weak != "":
		s *= 0.4
	case f.blamed == nil:
		s *= 0.7
	case f.blamed.mechanism == "":
		s *= 0.85
	}
	return math.Round(s*100) / 100
}
