package diagnose

import (
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
)

// tellChange adds to a finding what speaks for the change it blames.
func (x *inquiry) tellChange(f *finding) {
	b := f.blamed
	claim := fmt.Sprintf("%s at %s came %s", title(b.change), clock(b.change.At), x.when(b.change))
	if b.mechanism != "" {
		claim += fmt.Sprintf("; it touches %s: %s", f.class, b.mechanism)
	} else {
		claim += "; nothing but its time and place points to it"
	}
	asked := x.changesAsked()
	f.evidence = append(f.evidence, pitwall.Evidence{Check: checkChanges, Service: b.change.Service, Claim: claim, Query: asked})
	was, is := x.base.Runs(b.change.Service), x.head.Runs(b.change.Service)
	if was != "" && is != "" && was != is && (b.change.Version == "" || b.change.Version == is) {
		f.evidence = append(f.evidence, pitwall.Evidence{
			Check: checkChanges, Service: b.change.Service,
			Claim: fmt.Sprintf("good requests met %s %s, slow ones %s", b.change.Service, was, is), Query: "service.version of spans of " + string(b.change.Service),
		})
	}
}

// changesAsked says which changes were looked at.
func (x *inquiry) changesAsked() string {
	return fmt.Sprintf("changes from %s to %s", clock(x.q.Baseline.From), clock(x.q.Window.To))
}

// checkChanges lists every change of the time, with why it is or is not the cause.
func (x *inquiry) checkChanges(list []*finding) pitwall.Check {
	c := pitwall.Check{Name: checkChanges, Question: "Which change came before, lies on the path and touches what was measured?"}
	all, missing := x.changes()
	switch {
	case missing != "":
		c.Outcome, c.Reason = pitwall.OutcomeSkipped, "changes are not known: "+missing
		return c
	case len(all) == 0:
		c.Outcome, c.Reason = pitwall.OutcomeClear, "nothing was changed between the beginning of the baseline and now"
		return c
	}
	asked := x.changesAsked()
	c.Outcome = pitwall.OutcomeClear
	c.Reason = fmt.Sprintf("none of %d changes fits in time, place and mechanism", len(all))
	for _, change := range all {
		e := pitwall.Evidence{Check: checkChanges, Service: change.Service}
		e.Claim, e.Query = x.acquittal(change, list), asked
		if len(list) > 0 && list[0].blames(change) {
			e.Claim = fmt.Sprintf("%s at %s fits: %s", title(change), clock(change.At), list[0].fits())
			c.Outcome, c.Reason = pitwall.OutcomeHit, e.Claim
		}
		c.Evidence = append(c.Evidence, e)
	}
	return c
}

// judgeChanges is the same for whoever shows changes: each with why it is or is
// not the cause, the blamed one first, then as they came.
func (x *inquiry) judgeChanges(list []*finding) []pitwall.ChangeJudged {
	all, _ := x.changes()
	var out []pitwall.ChangeJudged
	for _, change := range all {
		j := pitwall.ChangeJudged{Change: written(change), Why: x.acquittal(change, list), Lead: x.onsetAt().Sub(change.At).Seconds()}
		if len(list) > 0 && list[0].blames(change) {
			j.Blamed, j.Why = true, list[0].fits()
		}
		out = append(out, j)
	}
	slices.SortStableFunc(out, func(a, b pitwall.ChangeJudged) int { return -cmpBool(a.Blamed, b.Blamed) })
	return out
}

func (f *finding) blames(c pitwall.Change) bool { return f.blamed != nil && f.blamed.change.ID == c.ID }

func (f *finding) fits() string {
	if f.blamed.mechanism == "" {
		return "it came just before the onset, on the service where it began; nothing in it says how"
	}
	return fmt.Sprintf("it came before the onset and touches %s (%s)", f.class, f.blamed.mechanism)
}

// acquittal says why a change is not the cause.
func (x *inquiry) acquittal(c pitwall.Change, list []*finding) string {
	why := "nothing was found for a change to explain"
	if len(list) > 0 {
		why = x.suspect(c, list[0]).why
		if why == "" && list[0].blamed != nil {
			why = fmt.Sprintf("%s explains it better", title(list[0].blamed.change))
		}
	}
	return fmt.Sprintf("%s at %s is not the cause because %s", title(c), clock(c.At), why)
}
