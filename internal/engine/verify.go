package engine

import (
	"context"
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/plan"
	"github.com/pitwall/pitwall/internal/verify"
)

// verify proves the fix under the same load, or says that it did not.
func (e *Engine) verify(ctx context.Context, p pitwall.Plan) error {
	if run := runOf(p, undoStep); run != nil {
		return e.finishUndo(ctx, p, *run)
	}
	if p.Verification != nil && !p.Verification.Pass {
		return e.takeBack(ctx, p)
	}
	v, err := e.proof(ctx, p)
	if err != nil {
		return err
	}
	e.update(p.ID, func(l *pitwall.Live) { l.Verification, l.Waiting = &v, v.Reason })
	if !v.Done {
		return nil
	}
	to := pitwall.Verifying
	if v.Pass {
		to = pitwall.Enforcing
	}
	_, err = e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventVerified, To: to, Data: pitwall.VerifiedData{Verification: v}})
	return err
}

func (e *Engine) proof(ctx context.Context, p pitwall.Plan) (pitwall.Verification, error) {
	began := p.Reached[pitwall.Canarying]
	after := pitwall.Period{From: p.PromotedAt.Add(e.c.Settings.Settle), To: e.settled()}
	s := e.slo(p.SLO)
	counts := e.c.Ledger.Sum(s.Name, after)
	deadline := p.Reached[pitwall.Verifying].Add(e.c.Settings.VerifyMax)
	if n := int64(counts.Total()); n < e.c.Settings.VerifyMin && e.c.Now().Before(deadline) {
		need := e.c.Settings.VerifyMin - n
		return pitwall.Verification{At: e.c.Now(), Before: p.Baseline.Period, After: after, Verdict: pitwall.Undecided, Need: need,
			Reason: fmt.Sprintf("%d of %d requests under the same load", n, e.c.Settings.VerifyMin)}, nil
	}
	in := verify.Input{
		Baseline: *p.Baseline, Hypothesis: *p.Hypothesis, SLO: s,
		BeforePeriod: p.Baseline.Period, AfterPeriod: after,
		DuringPeriod: pitwall.Period{From: p.Opened.Regression.Onset.Latest, To: began},
		MinRequests:  e.c.Settings.VerifyMin, Now: e.c.Now(), Deadline: deadline, Rand: e.dice(),
		BudgetAfter: e.c.Ledger.Budget(s, e.c.Now()),
	}
	var err error
	for _, side := range []struct {
		in   pitwall.Period
		into **pitwall.SpanBatch
	}{{in.BeforePeriod, &in.Before}, {in.DuringPeriod, &in.During}, {in.AfterPeriod, &in.After}} {
		*side.into, err = e.c.Spans.Spans(ctx, pitwall.SpanQuery{Period: side.in, WholeTraces: true})
		if err != nil {
			return pitwall.Verification{}, fmt.Errorf("reading spans to verify with: %w", err)
		}
	}
	return verify.Verify(in), nil
}
