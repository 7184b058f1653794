package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/enforce"
	"github.com/pitwall/pitwall/internal/plan"
)

const enforceStep = "enforce"

// enforce leaves the locks behind and closes the plan. Delivering the same
// files twice changes nothing, so a crash in between only costs a second look.
func (e *Engine) enforce(ctx context.Context, p pitwall.Plan) error {
	if p.Enforced != nil {
		return e.close(ctx, p)
	}
	if e.c.Repository == nil {
		return e.hold(ctx, p, "the fix is verified, but no repository is configured to leave gate, alert and runbook in")
	}
	run := runOf(p, enforceStep)
	if run == nil {
		_, err := e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventStepIntended, Data: pitwall.StepData{
			StepID: enforceStep, Key: key(p, enforceStep), Service: p.Fix.Service}})
		return err
	}
	if run.Failed > 0 && e.c.Now().Sub(p.Updated) < e.c.Settings.Retry {
		e.wait(p.ID, e.again(*run))
		return nil
	}
	requests, err := e.samples(ctx, p)
	if err != nil {
		return err
	}
	// The plan's own time stands in the files, so a second try writes the same.
	locks, err := enforce.Render(p, enforce.Options{
		Owner: e.c.Owner(p.Fix.Service), PublicURL: e.c.Settings.PublicURL,
		Now: p.Reached[pitwall.Enforcing], SampleRequests: requests, Runbook: e.runbook(p.Fix.Playbook),
	})
	if pitwall.KindOf(err) == pitwall.Invalid {
		return e.hold(ctx, p, fmt.Sprintf("the fix is verified, but what should be left behind cannot be written: %v", err))
	}
	if err != nil {
		return fmt.Errorf("rendering what is left behind: %w", err)
	}
	var data pitwall.EnforcedData
	err = guarded("delivering", "", func() (err error) {
		data, err = e.c.Repository.Deliver(ctx, p.ID, fmt.Sprintf("%s: keep %s from returning", p.ID, p.Hypothesis.Class), locks.Files)
		return err
	})
	if err != nil {
		return e.failed(ctx, p, *run, err)
	}
	e.outcome(acting, string(p.ID), nil)
	if len(locks.Missing) > 0 {
		if err := e.note(ctx, p, pitwall.EventNote, "not left behind: "+strings.Join(locks.Missing, "; ")); err != nil {
			return err
		}
	}
	data.Gate = locks.Gate
	_, err = e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventEnforced, Data: data})
	return err
}

// close ends the plan: the intervention reversed the effect, so the cause is confirmed.
func (e *Engine) close(ctx context.Context, p pitwall.Plan) error {
	cause := &pitwall.RootCause{Service: p.Hypothesis.Service, Class: p.Hypothesis.Class}
	if c := p.Hypothesis.Change; c != nil {
		cause.Change = c.ID
	}
	_, err := e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventClosed, Data: pitwall.ClosedData{
		Reason: p.Verification.Reason, Verdict: pitwall.DiagnosisConfirmed, RootCause: cause, KPIs: e.recoveryOfKPIs(ctx, p)}})
	return err
}

// samples finds a handful of real requests of the operation a gate will guard,
// taken from baseline traces by their URL attributes.
func (e *Engine) samples(ctx context.Context, p pitwall.Plan) ([]pitwall.GateRequest, error) {
	const want = 20
	sig := p.Hypothesis.Signal
	b, err := e.c.Spans.Spans(ctx, pitwall.SpanQuery{Period: p.Baseline.Period, Service: sig.Service, Operation: sig.Operation})
	if err != nil {
		return nil, fmt.Errorf("reading sample requests: %w", err)
	}
	var list []pitwall.GateRequest
	stride := max(1, b.Len()/(want*3))
	for i := 0; i < b.Len() && len(list) < want; i += stride {
		if b.Kind[i] != pitwall.SpanServer {
			continue
		}
		r, ok := request(b.Row(i))
		if ok && !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list, nil
}

// request rebuilds a bodyless request from a server span's attributes.
func request(row pitwall.SpanRow) (pitwall.GateRequest, bool) {
	var r pitwall.GateRequest
	var query string
	for _, a := range row.Attrs {
		switch a.Key {
		case "http.request.method":
			r.Method = a.Value
		case "url.path":
			r.Path = a.Value
		case "url.query":
			query = a.Value
		}
	}
	if query != "" {
		r.Path += "?" + query
	}
	return r, r.Path != "" && (r.Method == "GET" || r.Method == "HEAD")
}

// runbook is what the playbook adds to the runbook entry.
func (e *Engine) runbook(name string) pitwall.PlaybookText {
	for _, b := range e.c.Books {
		if b.Name == name {
			return b.Runbook
		}
	}
	return pitwall.PlaybookText{}
}
