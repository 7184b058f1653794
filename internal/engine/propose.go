package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/plan"
	"github.com/pitwall/pitwall/internal/playbook"
	"github.com/pitwall/pitwall/internal/policy"
)

// propose renders the first playbook that fits the best hypothesis not yet
// tried. One hypothesis is tried per cycle.
func (e *Engine) propose(ctx context.Context, p pitwall.Plan) error {
	if d := p.Diagnosis; d.Verdict != pitwall.DiagnosisLikely {
		return e.note(ctx, p, pitwall.EventEscalated, fmt.Sprintf("no cause found in %s: %s", e.c.Settings.DiagnoseMax, d.Summary))
	}
	if e.c.Target == nil {
		return e.note(ctx, p, pitwall.EventEscalated, "a cause is named, but no target is configured, so a person must act")
	}
	var why []string
	rejected := rejected(p)
	for _, h := range p.Diagnosis.Hypotheses {
		if slices.Contains(p.Tried, h.Rank) {
			continue
		}
		if h.Confidence == pitwall.ConfidenceLow {
			why = append(why, "what is left are hypotheses of low confidence")
			break
		}
		if c := h.Change; c != nil && slices.Contains(rejected, undoing{c.Service, c.PreviousVersion, c.Version}) {
			why = append(why, fmt.Sprintf("rolling %s back to %s was tried already", c.Service, c.PreviousVersion))
			continue
		}
		fix, err := e.render(ctx, p, h)
		if err != nil && pitwall.KindOf(err) == pitwall.Unavailable {
			return err // the target does not answer now; try again
		}
		if err != nil {
			why = append(why, err.Error())
			continue
		}
		_, err = e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventProposed, Data: pitwall.ProposedData{
			Cycle: p.Cycle + 1, Hypothesis: h.Rank, Fix: fix}})
		return err
	}
	if len(why) == 0 {
		why = []string{"no other hypothesis is left"}
	}
	reason := "nothing to try: " + strings.Join(why, "; ")
	if p.State == pitwall.RolledBack {
		reason = fmt.Sprintf("the fix was taken back (%s), and there is nothing else to try: %s", p.Reason, strings.Join(why, "; "))
	}
	return e.note(ctx, p, pitwall.EventEscalated, reason)
}

// undoing is what a rollback does, whichever hypothesis asks for it.
type undoing struct {
	service   pitwall.ServiceName
	good, bad pitwall.Version
}

// rejected lists the rollbacks that were tried and taken back.
func rejected(p pitwall.Plan) []undoing {
	var list []undoing
	var d pitwall.ProposedData
	for _, ev := range p.Events {
		switch ev.Type {
		case pitwall.EventProposed:
			d = pitwall.ProposedData{}
			if decode(ev, &d) != nil {
				continue
			}
		case pitwall.EventRolledBack:
			list = append(list, undoing{d.Fix.Service, d.Fix.Good, d.Fix.Bad})
		}
	}
	return list
}

func (e *Engine) render(ctx context.Context, p pitwall.Plan, h pitwall.Hypothesis) (pitwall.Fix, error) {
	books := playbook.Match(e.c.Books, h)
	if len(books) == 0 {
		return pitwall.Fix{}, fmt.Errorf("no playbook fits %s in %s", h.Class, h.Service)
	}
	service := h.Service
	if h.Change != nil {
		service = h.Change.Service // which may be a caller of the one where it shows
	}
	current, err := e.observe(ctx, service)
	if err != nil {
		return pitwall.Fix{}, err
	}
	return playbook.Render(books[0], playbook.RenderInput{
		Hypothesis: h, SLO: e.objective(p), Current: current, Neighbours: e.neighbours(p), Margin: e.c.Settings.Margin,
	})
}

// neighbours are the other operations people call from outside; a fix must not harm them.
func (e *Engine) neighbours(p pitwall.Plan) []pitwall.OperationStats {
	sli := e.objective(p).SLI
	var list []pitwall.OperationStats
	for _, op := range p.Baseline.Operations {
		root := slices.ContainsFunc(p.Baseline.Load, func(l pitwall.RouteLoad) bool {
			return l.Service == op.Service && l.Operation == op.Operation
		})
		if root && (op.Service != sli.Service || op.Operation != sli.Operation) {
			list = append(list, op)
		}
	}
	return list
}

// decide asks policy once; a person's answer comes through Act.
func (e *Engine) decide(ctx context.Context, p pitwall.Plan) error {
	if p.Decision != nil {
		e.wait(p.ID, "waiting for a person to approve: "+p.Fix.Title)
		return nil
	}
	now := e.c.Now()
	d := e.c.Policy.Decide(policy.Request{
		Plan: p, Fix: *p.Fix, Severity: p.Opened.Severity, Budget: e.c.Ledger.Budget(e.objective(p), now), Environment: e.c.Environment,
	}, now)
	data := pitwall.DecidedData{Decision: d}
	switch d.Result {
	case pitwall.DecisionAllow:
		_, err := e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventApproved, Data: data})
		return err
	case pitwall.DecisionAsk:
		_, err := e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventDecided, Data: data})
		return err
	}
	return e.hold(ctx, p, fmt.Sprintf("policy %s denies it: %s", d.Rule, d.Reason))
}
