package detect

import (
	"fmt"
	"math"
	"time"

	"github.com/pitwall/pitwall"
)

// Regression is the finding in the vocabulary of plans, for an objective of its
// service; empty: for none. Only what became worse is one: ok is false for a
// change of which nobody said that it is bad.
func (f Finding) Regression(slo pitwall.SLOName) (r pitwall.Regression, ok bool) {
	s := f.Lead.Series
	r = pitwall.Regression{
		Service: s.Service, Operation: s.Operation, SLO: slo, Signal: s.Signal, Metric: s.Metric,
		Onset: f.Onset, Before: f.Lead.Before, After: f.Lead.After,
	}
	if r.Signal == "" {
		r.Signal = pitwall.Signal(s.Metric)
	}
	return r, f.Toward == Worse
}

// Severity of a finding, 1 the worst, from what it does to whom: the relative
// effect times the share of the service's requests that go through any of its
// series, which is how much worse a request fares on average. From a half on it
// is 2, below 3: 1 stays with objectives, for a finding alone pages nobody. A
// share that is not known counts as all.
func (f Finding) Severity() pitwall.Severity {
	worst := harm(f.Lead)
	for _, p := range f.Parts {
		if p.Toward == Worse {
			worst = max(worst, harm(p.Candidate))
		}
	}
	if f.Toward == Worse && worst >= halfway {
		return 2
	}
	return 3
}

func harm(c Candidate) float64 {
	touched := 1.0
	if c.Touched > 0 {
		touched = min(1, float64(c.Touched))
	}
	return math.Abs(c.Effect) * touched
}

// OpenFindingInput asks whether a finding warrants a new plan.
type OpenFindingInput struct {
	Finding Finding
	Plans   []pitwall.Plan // all there are, in any state
	// Opens says that the objective or the settings of the service let findings
	// open plans. Nobody said so: they do not.
	Opens bool
	// Settle is how long after a plan's end nothing is opened on its service.
	Settle time.Duration
	Now    time.Time
}

// ShouldOpenFinding keeps one trouble in one plan, as ShouldOpen does for
// burns. A finding on a service with a plan in work belongs to that plan, also
// if only a part of it lies there. After a plan ended, a change that may have
// begun before its end opens nothing: it is what the plan dealt with.
func ShouldOpenFinding(in OpenFindingInput) Opening {
	f := in.Finding
	switch {
	case f.Toward != Worse:
		return Opening{Reason: fmt.Sprintf("%s is %s: only what is worse opens a plan", f.ID, f.Toward)}
	case f.Flaps > 0:
		return Opening{Reason: fmt.Sprintf("%s comes and goes: its detector is to be tuned first", f.ID)}
	}
	var last *pitwall.Plan
	for i := range in.Plans { // a plan is large, and there may be thousands
		p := &in.Plans[i]
		if !f.touches(p) {
			continue
		}
		if !p.State.Final() {
			return Opening{Reason: fmt.Sprintf("%s is at work on %s (%s)", p.ID, p.Service, p.State), Plan: p.ID}
		}
		if last == nil || ended(p).After(ended(last)) {
			last = p
		}
	}
	if last != nil {
		end := ended(last)
		if in.Now.Sub(end) < in.Settle {
			return Opening{Reason: fmt.Sprintf("%s ended %s ago; the service is given %s to settle", last.ID, in.Now.Sub(end).Round(time.Second), in.Settle), Plan: last.ID}
		}
		if !f.Onset.Earliest.After(end) {
			return Opening{Reason: fmt.Sprintf("%s may have begun at %s, before %s ended at %s", f.ID, clock(f.Onset.Earliest), last.ID, clock(end)), Plan: last.ID}
		}
	}
	if !in.Opens {
		return Opening{Reason: fmt.Sprintf("findings in %s open no plan: detection.open_plans does not name it", f.Lead.Series.Service)}
	}
	return Opening{Open: true, Reason: "no plan is at work on " + string(f.Lead.Series.Service)}
}

// touches says whether a plan is about a service in which the finding has a
// part that is not better.
func (f Finding) touches(p *pitwall.Plan) bool {
	at := func(s pitwall.ServiceName) bool {
		return s != "" && (s == p.Service || s == p.Opened.Regression.Service)
	}
	if at(f.Lead.Series.Service) {
		return true
	}
	for _, part := range f.Parts {
		if part.Toward != Better && at(part.Series.Service) {
			return true
		}
	}
	return false
}
