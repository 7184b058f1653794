package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
	"github.com/pitwall/pitwall/internal/plan"
)

// triggerFinding is the trigger of plans that no burn opened.
const triggerFinding = "finding"

// covering is the objective that a fix of a changed series can be proven by: one
// of its operation, or of its service, whose indicator is of the same sort.
func (e *Engine) covering(id pitwall.SeriesName) (pitwall.SLO, bool) {
	best, rank := pitwall.SLO{}, 0
	for _, s := range e.c.SLOs {
		of := s.SLI.Service
		if of == "" {
			of = s.Service
		}
		if of != id.Service || s.SLI.Query != nil || s.SLI.Operation != "" && s.SLI.Operation != id.Operation {
			continue
		}
		r := 1
		if s.SLI.Operation == id.Operation {
			r += 2
		}
		if (s.SLI.Kind == pitwall.SLILatency) == (id.Signal == pitwall.SignalLatency) {
			r++
		}
		if r > rank {
			best, rank = s, r
		}
	}
	return best, rank > 0
}

// openFor opens a plan for a finding, under the objective that covers it.
func (e *Engine) openFor(ctx context.Context, f detect.Finding, s pitwall.SLO) (pitwall.PlanID, error) {
	now := e.c.Now()
	regression, _ := f.Regression(s.Name)
	s.SLI.Service, s.SLI.Operation = f.Lead.Series.Service, f.Lead.Series.Operation
	burn := pitwall.Burn{SLO: s.Name, At: now}
	budget := e.c.Ledger.Budget(s, now)
	for _, t := range budget.Tiers {
		if t.Tier.OpensPlan {
			burn.State = t
			break
		}
	}
	data := pitwall.OpenedData{
		Trigger: triggerFinding, Finding: f.ID, Burn: burn, Regression: regression, Budget: budget,
		Owner: e.c.Owner(s.Service), Severity: f.Severity(), Deadline: now.Add(e.c.Settings.Deadline),
		Impact: e.impact(ctx, s, burn, regression.Onset.At),
		Criteria: []string{
			fmt.Sprintf("%s back at its baseline", f.Lead.Series),
			"the cause's own signal back at its baseline",
			"no neighbour worse",
			"a gate, an alert rule or a runbook entry left behind",
		},
	}
	opened, err := e.happen(ctx, "", plan.Happening{Type: pitwall.EventOpened, Data: data})
	return opened.ID, err
}

// meetAll meets what was found, again where the record could not be written: a
// look gives a finding once. One that a defect stands in the way of waits, too,
// and lets the others pass.
func (e *Engine) meetAll(ctx context.Context) error {
	s := &e.sensing
	var odd []error
	var left []detect.Finding
	for len(s.unmet) > 0 {
		f := s.unmet[0]
		err := guarded("meeting finding", f.ID, func() error { return e.meet(ctx, f) })
		var d *Defect
		switch {
		case errors.As(err, &d):
			odd, left = append(odd, err), append(left, f)
			s.with(func() { s.refused[f.ID] = err.Error() })
		case err != nil:
			s.unmet = append(left, s.unmet...)
			return err
		}
		s.unmet = s.unmet[1:]
	}
	s.unmet = left
	return errors.Join(odd...)
}

// meet opens a plan for a finding, where that is wanted.
func (e *Engine) meet(ctx context.Context, f detect.Finding) error {
	s := &e.sensing
	covering, covered := e.covering(f.Lead.Series)
	opens := e.c.Settings.FindingsOpen != nil && e.c.Settings.FindingsOpen(f.Lead.Series.Service)
	d := detect.ShouldOpenFinding(detect.OpenFindingInput{Finding: f, Plans: e.shown(), Opens: opens, Settle: e.c.Settings.Watch, Now: e.c.Now()})
	id := d.Plan
	switch {
	case d.Open && !covered:
		d.Reason = fmt.Sprintf("no objective covers %s, so nothing could prove a fix", f.Lead.Series)
	case d.Open:
		opened, err := e.openFor(ctx, f, covering)
		if err != nil {
			return fmt.Errorf("opening a plan for %s: %w", f.ID, err)
		}
		id, d.Reason = opened, ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[f.ID] = d.Reason
	if id != "" {
		s.plans[f.ID] = id
	}
	return nil
}

// Sensed gives what watching the operations says now.
func (e *Engine) Sensed(context.Context) pitwall.Sensed {
	if e.c.Monitor == nil || e.c.Operations == nil {
		return pitwall.Sensed{At: e.c.Now(), Findings: []pitwall.Finding{}, Passed: []pitwall.Passed{}, Trends: []pitwall.Trend{}, Problem: "operations are not watched: see detection in the configuration"}
	}
	s := &e.sensing
	s.mu.Lock()
	defer s.mu.Unlock()
	out := e.c.Monitor.Sensed()
	out.At, out.Problem = e.c.Now(), s.problem
	late := out.At.Sub(out.Through) - e.c.Settings.Settle
	switch {
	case out.Problem != "":
	case !s.live:
		out.Problem = "still reading what is past"
	case late > sensingLate:
		out.Problem = fmt.Sprintf("of the last %s nothing was seen", late.Round(time.Minute))
	}
	out.Trends, out.TrendsAt, out.TrendProblem = e.crept()
	accepted := e.acceptances()
	for i := range out.Findings {
		f := &out.Findings[i]
		f.Plan, f.NoPlan = s.plans[f.ID], s.refused[f.ID]
		if a, ok := accepted[f.ID]; ok {
			f.Accepted = &a
		}
	}
	return out
}

// Finding gives one finding with its charts.
func (e *Engine) Finding(ctx context.Context, id string) (pitwall.Finding, []pitwall.Chart, error) {
	list := e.Sensed(ctx).Findings
	at := slices.IndexFunc(list, func(f pitwall.Finding) bool { return f.ID == id })
	if at < 0 {
		return pitwall.Finding{}, nil, &pitwall.Error{Op: "reading finding", Kind: pitwall.NotFound, ID: id, Err: fmt.Errorf("no such finding"), Hint: "pitwall finding list"}
	}
	e.sensing.mu.Lock()
	defer e.sensing.mu.Unlock()
	return list[at], e.c.Monitor.Charts(id), nil
}

// Accept takes note of a finding: its level is normal from now on. It is
// recorded with who said so and why. With dryRun it is only checked.
func (e *Engine) Accept(ctx context.Context, a pitwall.Accepted, dryRun bool) (pitwall.Accepted, error) {
	a.By, a.Reason, a.At = strings.TrimSpace(a.By), strings.TrimSpace(a.Reason), e.c.Now().UTC()
	f, _, err := e.Finding(ctx, a.Finding)
	if err != nil {
		return a, err
	}
	if f.Accepted != nil {
		return a, &pitwall.Error{Op: "accepting finding", Kind: pitwall.Conflict, ID: a.Finding, Err: fmt.Errorf("%s did so already: %s", f.Accepted.By, f.Accepted.Reason),
			Hint: "pitwall finding view " + a.Finding}
	}
	if a.By == "" || a.Reason == "" {
		return a, &pitwall.Error{Op: "accepting finding", Kind: pitwall.Invalid, ID: a.Finding, Err: fmt.Errorf("who accepts it and why is not said"),
			Hint: "pitwall finding accept " + a.Finding + " --by NAME --reason WHY"}
	}
	if dryRun {
		return a, nil
	}
	if err := e.writeAccepted(ctx, a); err != nil {
		return a, err
	}
	live := false
	e.sensing.with(func() {
		e.c.Monitor.Accept(a.Finding, a.Reason, a.At, a.At.Add(acceptedFor))
		live = e.sensing.live
	})
	if !live {
		return a, nil // not all that was normal is met yet, and must not be overwritten
	}
	if err := e.keepSensed(ctx); err != nil {
		e.log.Warn("An acceptance is recorded, and not yet kept with what is normal", "finding", a.Finding, "err", err)
	}
	return a, nil
}

func (e *Engine) writeAccepted(ctx context.Context, a pitwall.Accepted) error {
	e.record.Lock()
	defer e.record.Unlock()
	if err := e.current(ctx); err != nil {
		return err
	}
	return e.write(ctx, pitwall.EventAccepted, a.By, a)
}

// acceptances are those in the record, by finding.
func (e *Engine) acceptances() map[string]pitwall.Accepted {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make(map[string]pitwall.Accepted, len(e.accepted))
	for _, a := range e.accepted {
		out[a.Finding] = a
	}
	return out
}

// wentAway says whether what a plan was opened for is back at its old level.
func (e *Engine) wentAway(ctx context.Context, p pitwall.Plan) bool {
	f, _, err := e.Finding(ctx, p.Opened.Finding)
	return err == nil && !f.Gone.IsZero() && f.Gone.After(p.OpenedAt)
}
