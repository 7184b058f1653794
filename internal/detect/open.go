package detect

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// OpenInput asks whether a burn warrants a new plan.
type OpenInput struct {
	Burn  pitwall.Burn
	SLO   pitwall.SLO
	Plans []pitwall.Plan // all there are, in any state
	// Since counts good and bad events of this objective from an instant until
	// now. Nil: unknown, so a plan that just ended is never followed by another.
	Since func(time.Time) pitwall.Counts
	// Settle is how long after a plan's end nothing is opened on its service;
	// zero for no rest.
	Settle time.Duration
	Now    time.Time
}

// Opening is the answer: open a plan or not, why, and which plan absorbs the
// burn if one does.
type Opening struct {
	Open   bool
	Reason string
	Plan   pitwall.PlanID
}

// ShouldOpen keeps one trouble in one plan. A burn on a service that has a plan
// in work belongs to that plan, whichever of its objectives burns. After a plan
// ended, the bad events from before its end still lie in the burn's window; only
// what happened since then may open another.
func ShouldOpen(in OpenInput) Opening {
	tier := in.Burn.State.Tier
	if !tier.OpensPlan {
		return Opening{Reason: fmt.Sprintf("tier %s informs only", tier.Name)}
	}
	var last *pitwall.Plan
	for i := range in.Plans { // a plan is large, and there may be thousands
		p := &in.Plans[i]
		if !concerns(p, in.SLO) {
			continue
		}
		if !p.State.Final() {
			return Opening{Reason: fmt.Sprintf("%s is at work on %s (%s)", p.ID, p.Service, p.State), Plan: p.ID}
		}
		if last == nil || ended(p).After(ended(last)) {
			last = p
		}
	}
	if last == nil {
		return Opening{Open: true, Reason: "no plan is at work on " + string(in.SLO.Service)}
	}
	return afterwards(in, last)
}

// afterwards decides when the service's last plan has ended.
func afterwards(in OpenInput, last *pitwall.Plan) Opening {
	tier, end := in.Burn.State.Tier, ended(last)
	if in.Now.Sub(end) < in.Settle {
		return Opening{Reason: fmt.Sprintf("%s ended %s ago; the service is given %s to settle", last.ID, in.Now.Sub(end).Round(time.Second), in.Settle), Plan: last.ID}
	}
	if end.Before(in.Burn.At.Add(-tier.Long)) {
		return Opening{Open: true, Reason: fmt.Sprintf("%s ended before the burn's window began", last.ID)}
	}
	if in.Since == nil {
		return Opening{Reason: fmt.Sprintf("%s ended inside the burn's window and nothing is known of the time since", last.ID), Plan: last.ID}
	}
	counts := in.Since(end)
	ratio, known := counts.ErrorRatio()
	if !known || counts.Bad < max(1, tier.MinBad) || float64(ratio) < max(1, tier.Factor)*float64(1-in.SLO.Target) {
		return Opening{Reason: fmt.Sprintf("what burns lies before the end of %s: %d of %d requests since then are bad", last.ID, counts.Bad, counts.Total()), Plan: last.ID}
	}
	return Opening{Open: true, Reason: fmt.Sprintf("it burns anew after %s: %s of %d requests since its end are bad", last.ID, ratio, counts.Total())}
}

// concerns says whether a plan is about an objective's service.
func concerns(p *pitwall.Plan, s pitwall.SLO) bool {
	for _, name := range [...]pitwall.ServiceName{p.Service, p.Opened.Regression.Service} {
		if name != "" && (name == s.Service || name == s.SLI.Service) {
			return true
		}
	}
	return p.SLO != "" && p.SLO == s.Name
}

// ended is when a plan came to its final state.
func ended(p *pitwall.Plan) time.Time {
	if p.Since.IsZero() {
		return p.Updated
	}
	return p.Since
}
