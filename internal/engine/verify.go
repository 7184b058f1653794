package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/plan"
	"github.com/pitwall/pitwall/internal/verify"
)

// verify proves the fix under the same load, or says that it did not.
func (e *Engine) verify(ctx context.Context, p pitwall.Plan) error {
	if run := runOf(p, undoStep); run != nil {
		return e.finishUndo(ctx, p, *run)
	}
	if v := p.Verification; v != nil && !v.Pass {
		if e.helped(p, *v) {
			return e.note(ctx, p, pitwall.EventEscalated, fmt.Sprintf(
				"the fix helped and stays, but it is not proven: %s; to prove it anew: pitwall plan resume %s", v.Reason, p.ID))
		}
		return e.takeBack(ctx, p, Actor)
	}
	if _, err := e.lease(ctx, p); err != nil {
		return err
	}
	if last := e.Live(p.ID).Verification; last != nil && last.Need == 0 && e.c.Now().Sub(last.At) < e.pause(*last) {
		return nil
	}
	v, err := e.proof(ctx, p)
	if err != nil {
		return err
	}
	e.update(p.ID, func(l *pitwall.Live) { l.Verification, l.Waiting = &v, v.Reason })
	if !v.Done || !v.Pass && e.helped(p, v) && e.c.Now().Before(p.Since.Add(e.c.Settings.VerifyMax)) {
		return nil
	}
	to := pitwall.Verifying
	if v.Pass {
		to = pitwall.Enforcing
	}
	_, err = e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventVerified, To: to, Data: pitwall.VerifiedData{Verification: v}})
	return err
}

// helped says whether the objective is at least twice as well off as during the
// trouble, and no neighbour is worse for it. To undo such a fix because
// something else disturbs the proof would bring back what is known to be worse;
// so it is looked at again with newer requests, and in the end a person is asked.
func (e *Engine) helped(p pitwall.Plan, v pitwall.Verification) bool {
	for _, row := range v.Rows {
		if row.Verdict == pitwall.Worse && e.neighbour(p, row) {
			return false
		}
	}
	during, known := e.c.Ledger.Sum(p.SLO, v.During).ErrorRatio()
	after, seen := e.c.Ledger.Sum(p.SLO, v.After).ErrorRatio()
	return known && seen && during > 0 && after <= during/2
}

// neighbour says whether a row is about something else than the headline: not
// the hypothesis' own signal, and not the same operation as its caller sees it,
// which holds every disturbance of the headline once more.
func (e *Engine) neighbour(p pitwall.Plan, row pitwall.Comparison) bool {
	sli := e.objective(p).SLI
	if row.Operation != sli.Operation {
		return row.Service != p.Hypothesis.Signal.Service || row.Operation != p.Hypothesis.Signal.Operation
	}
	for _, op := range p.Baseline.Operations {
		if op.Service == sli.Service && op.Operation == sli.Operation && slices.Contains(op.Callers, string(row.Service)) {
			return false
		}
	}
	return row.Service != sli.Service
}

// pause is the time between two looks at a proof: enough for requests that the
// look before has not seen, most of all after one that said no.
func (e *Engine) pause(last pitwall.Verification) time.Duration {
	if last.Done {
		return e.c.Settings.Baseline / 4
	}
	return e.c.Settings.Baseline / 20
}

// afterwards is the stretch that is held against the baseline: all since promotion,
// and in the long run as much as the baseline is long and a little more, so that
// a disturbance in between passes out of sight; longer only where so many
// requests do not come in that time.
func (e *Engine) afterwards(p pitwall.Plan) pitwall.Period {
	all := pitwall.Period{From: p.PromotedAt.Add(e.c.Settings.Settle), To: e.settled()}
	for longest := e.c.Settings.Baseline * 6 / 5; longest > 0 && longest < all.Duration(); longest += longest / 2 {
		recent := pitwall.Period{From: all.To.Add(-longest), To: all.To}
		counts := e.c.Ledger.Sum(p.SLO, recent)
		if n := int64(counts.Total()); n == 0 || n >= e.c.Settings.VerifyMin {
			return recent // what has ceased to come is not made up for by what came before
		}
	}
	return all
}

func (e *Engine) proof(ctx context.Context, p pitwall.Plan) (pitwall.Verification, error) {
	began := p.Steps[0].Intended // there are steps, or nothing would be verified
	s, after := e.objective(p), e.afterwards(p)
	counts := e.c.Ledger.Sum(s.Name, after)
	deadline := p.Since.Add(e.c.Settings.VerifyMax)
	if n := int64(counts.Total()); n < e.c.Settings.VerifyMin && e.c.Now().Before(deadline) {
		need := e.c.Settings.VerifyMin - n
		return pitwall.Verification{At: e.c.Now(), Before: p.Baseline.Period, After: after, Verdict: pitwall.Undecided, Need: need,
			Reason: fmt.Sprintf("%d of %d requests under the same load", n, e.c.Settings.VerifyMin)}, nil
	}
	in := verify.Input{
		Baseline: *p.Baseline, Hypothesis: *p.Hypothesis, SLO: s,
		BeforePeriod: p.Baseline.Period, AfterPeriod: after,
		DuringPeriod: e.trouble(p, began),
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
