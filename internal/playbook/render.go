package playbook

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

const renderOp = "rendering playbook"

// DefaultMargin is the practical margin of guardrails unless another is given.
const DefaultMargin pitwall.Ratio = 0.1

// RenderInput is what a playbook is rendered for.
type RenderInput struct {
	Hypothesis pitwall.Hypothesis
	SLO        pitwall.SLO         // the one that burns
	Current    pitwall.TargetState // of the hypothesis' service, as observed now
	// Neighbours are other operations people call, which the fix must not harm.
	Neighbours []pitwall.OperationStats
	Margin     pitwall.Ratio // of every guardrail; 0: DefaultMargin
}

// Render fills a playbook in for one hypothesis. It refuses, with a hint, when
// the change is not known well enough to be undone, or when the target no
// longer shows the world the diagnosis speaks of.
func Render(book pitwall.Playbook, in RenderInput) (pitwall.Fix, error) {
	if book.Action != ActionRollbackByWeights {
		return pitwall.Fix{}, refuse(pitwall.Invalid, book.Name, "known: "+ActionRollbackByWeights, "unknown action %q", book.Action)
	}
	if err := reversible(book, in); err != nil {
		return pitwall.Fix{}, err
	}
	c := in.Hypothesis.Change
	fix := pitwall.Fix{
		Playbook: book.Name, Title: fmt.Sprintf("Roll %s back from %s to %s", c.Service, c.Version, c.PreviousVersion),
		Kind: "rollback", Service: c.Service, Good: c.PreviousVersion, Bad: c.Version,
		Risk: book.Risk, Expect: book.Expect, Undo: book.Undo,
		Guardrails: guardrails(in), Enforce: slices.Clone(book.Enforce),
	}
	for _, w := range book.Weights {
		if w > in.Current.Weights[fix.Good] { // what already flows back stays
			fix.Steps = append(fix.Steps, step(fix, w, in))
		}
	}
	return fix, nil
}

// reversible says why a change cannot be taken back by weights, or nil.
func reversible(book pitwall.Playbook, in RenderInput) error {
	c, now := in.Hypothesis.Change, in.Current
	switch {
	case c == nil:
		return refuse(pitwall.Inconclusive, book.Name, "announce changes with POST /api/v1/changes", "no change explains the regression, so there is nothing to roll back")
	case c.Version == "" || c.PreviousVersion == "":
		return refuse(pitwall.Inconclusive, book.Name, "announce version and previous_version with the change", "change %s does not say from which version to which", c.ID)
	case c.Version == c.PreviousVersion:
		return refuse(pitwall.Invalid, book.Name, "", "change %s leads from %s to itself", c.ID, c.Version)
	case now.Service != c.Service:
		return refuse(pitwall.Invalid, book.Name, "", "the change is of %s, the observed target is %s", c.Service, now.Service)
	}
	if w, known := now.Weights[c.PreviousVersion]; !known {
		return refuse(pitwall.NotFound, book.Name, "deploy it again with weight 0", "the target does not know %s %s any more", c.Service, c.PreviousVersion)
	} else if w == 100 {
		return refuse(pitwall.Conflict, book.Name, "", "all traffic of %s is on %s already", c.Service, c.PreviousVersion)
	}
	if !now.Ready[c.PreviousVersion] {
		return refuse(pitwall.Conflict, book.Name, "start it, then approve again", "%s %s is not ready for traffic", c.Service, c.PreviousVersion)
	}
	for _, v := range slices.Sorted(maps.Keys(now.Weights)) {
		if now.Weights[v] > 0 && v != c.Version && v != c.PreviousVersion {
			return refuse(pitwall.Conflict, book.Name, "wait until the rollout is over", "%d %% of %s is on %s, which is neither %s nor %s: somebody else changes it", now.Weights[v], c.Service, v, c.Version, c.PreviousVersion)
		}
	}
	return nil
}

func refuse(kind pitwall.Kind, book, hint, format string, args ...any) error {
	return &pitwall.Error{Op: renderOp, Kind: kind, ID: book, Err: fmt.Errorf(format, args...), Hint: hint}
}

func step(fix pitwall.Fix, weight int, in RenderInput) pitwall.Step {
	s := pitwall.Step{
		ID: fmt.Sprintf("canary-%d", weight), Title: fmt.Sprintf("%d %% of %s on %s", weight, fix.Service, fix.Good),
		Weights: map[pitwall.Version]int{fix.Good: weight, fix.Bad: 100 - weight},
		Undo:    maps.Clone(in.Current.Weights),
		Judged:  weight < 100,
	}
	var better, unharmed []string
	for _, g := range fix.Guardrails {
		if g.Goal == "better" {
			better = append(better, g.Name)
		} else {
			unharmed = append(unharmed, g.Name)
		}
	}
	s.Checkpoint = fmt.Sprintf("%s proven better than on %s; not worse: %s", strings.Join(better, ", "), fix.Bad, strings.Join(unharmed, ", "))
	if !s.Judged { // no control is left to compare with
		s.ID, s.Title = "all", fmt.Sprintf("all of %s on %s", fix.Service, fix.Good)
		s.Checkpoint = fmt.Sprintf("%s back inside its objective during the watch", in.SLO.Name)
	}
	return s
}

// guardrails asks that what burns gets better and that nothing gets worse: the
// other signal of the headline operation, and both signals of the neighbours.
func guardrails(in RenderInput) []pitwall.Guardrail {
	margin := in.Margin
	if margin == 0 {
		margin = DefaultMargin
	}
	sli := in.SLO.SLI
	latency := pitwall.Guardrail{Name: "p99 latency", Service: sli.Service, Operation: sli.Operation, Metric: "latency", Margin: margin, Goal: "better"}
	errors := pitwall.Guardrail{Name: "error ratio", Service: sli.Service, Operation: sli.Operation, Metric: "errors", Margin: margin, Goal: "not-worse"}
	if sli.Kind == pitwall.SLIAvailability {
		latency.Goal, errors.Goal = "not-worse", "better"
	}
	list := []pitwall.Guardrail{latency, errors}
	for _, n := range in.Neighbours {
		if n.Service == sli.Service && n.Operation == sli.Operation {
			continue
		}
		g := pitwall.Guardrail{Name: "neighbour " + n.Operation, Service: n.Service, Operation: n.Operation, Metric: "latency", Margin: margin, Goal: "not-worse"}
		list = append(list, g)
		g.Name, g.Metric = g.Name+" errors", "errors"
		list = append(list, g)
	}
	return list
}
