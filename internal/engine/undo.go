package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/plan"
)

// undoStep is the id of the step that takes a fix back.
const undoStep = "undo"

// takeBack starts the undo of a fix: it writes down that it shall be undone,
// which needs neither the target nor a lease, so nothing but the record can
// stand in its way. Why is recorded when it is finished.
func (e *Engine) takeBack(ctx context.Context, p pitwall.Plan, actor string) error {
	_, err := e.happen(ctx, p.ID, plan.Happening{Type: pitwall.EventStepIntended, Actor: actor, Data: pitwall.StepData{
		StepID: undoStep, Key: key(p, undoStep), Service: p.Fix.Service, Weights: p.Fix.Steps[0].Undo, Was: left(p), Undo: true,
	}})
	return err
}

// finishUndo completes an undo and says how the change ended.
func (e *Engine) finishUndo(ctx context.Context, p pitwall.Plan, run pitwall.StepRun) error {
	if run.Done == nil {
		return e.act(ctx, p, run)
	}
	typ, reason := whyUndone(p)
	return e.note(ctx, p, typ, reason)
}

// whyUndone reads from the record why the fix was taken back, so that the
// answer is the same after a restart.
func whyUndone(p pitwall.Plan) (pitwall.EventType, string) {
	by, words := asked(p)
	if by != Actor {
		return pitwall.EventRolledBack, fmt.Sprintf("taken back by %s: %s", by, words)
	}
	if v := p.Verification; v != nil && !v.Pass {
		if v.Verdict == pitwall.Undecided {
			return pitwall.EventInconclusive, v.Reason
		}
		return pitwall.EventRolledBack, v.Reason
	}
	for _, run := range p.Steps {
		if run.Look == nil {
			continue
		}
		switch run.Look.Action {
		case pitwall.CanaryRollBack:
			return pitwall.EventRolledBack, run.Look.Reason
		case pitwall.CanaryGiveUp:
			return pitwall.EventInconclusive, run.Look.Reason
		}
	}
	return pitwall.EventRolledBack, words
}

// asked says who began the undo, the last thing intended, and with which words:
// those of the last note before it.
func asked(p pitwall.Plan) (by, words string) {
	by, words = Actor, "the fix was taken back"
	begun := false
	for _, ev := range slices.Backward(p.Events) {
		switch {
		case ev.Type == pitwall.EventStepIntended && !begun:
			begun, by = true, ev.Actor
		case ev.Type == pitwall.EventNote && begun && ev.Actor == by:
			var d pitwall.ReasonData
			if decode(ev, &d) == nil {
				words = d.Reason
			}
			return by, words
		case ev.Type == pitwall.EventProposed:
			return by, words
		}
	}
	return by, words
}

// left is how the plan's fix has left the traffic: as its last finished step
// made it, or as it was before the first.
func left(p pitwall.Plan) map[pitwall.Version]int {
	for _, run := range slices.Backward(p.Steps) {
		if run.Done != nil && len(run.Step.Weights) > 0 {
			return run.Step.Weights
		}
	}
	if len(p.Fix.Steps) == 0 {
		return nil
	}
	return p.Fix.Steps[0].Undo
}

// traffic says in words where the plan has left the traffic of the service it
// changes; "" when it changed nothing, or took everything back.
func traffic(p pitwall.Plan) string {
	for _, run := range slices.Backward(p.Steps) {
		switch {
		case len(run.Step.Weights) == 0: // a delivery
		case run.Done == nil:
			return fmt.Sprintf("traffic of %s is on %s, or on %s if that was done without an answer", run.Step.Service, weights(left(p)), weights(run.Step.Weights))
		case run.Step.Undo:
			return ""
		default:
			return fmt.Sprintf("traffic of %s is on %s", run.Step.Service, weights(run.Step.Weights))
		}
	}
	return ""
}

// split says whether traffic is, or may be, divided between two versions, or an
// undo is not finished.
func split(p pitwall.Plan) bool {
	return traffic(p) != "" && (p.PromotedAt == nil || runOf(p, undoStep) != nil)
}

// weights words a division of traffic: "v40 10 %, v41 90 %".
func weights(w map[pitwall.Version]int) string {
	var parts []string
	for _, v := range slices.Sorted(maps.Keys(w)) {
		if w[v] != 0 {
			parts = append(parts, fmt.Sprintf("%s %d %%", v, w[v]))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// same compares two divisions of traffic; a version without weight is as good
// as none.
func same(a, b map[pitwall.Version]int) bool { return maps.Equal(nonZero(a), nonZero(b)) }

func nonZero(weights map[pitwall.Version]int) map[pitwall.Version]int {
	out := map[pitwall.Version]int{}
	for v, w := range weights {
		if w != 0 {
			out[v] = w
		}
	}
	return out
}

func runOf(p pitwall.Plan, step string) *pitwall.StepRun {
	for i := range p.Steps {
		if p.Steps[i].Step.StepID == step {
			return &p.Steps[i]
		}
	}
	return nil
}
