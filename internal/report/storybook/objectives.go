package storybook

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/pitwall/pitwall"
)

// Objective is an objective in one of the states its page can be in, with what
// the page shows beside its counts.
type Objective struct {
	Case        string // "calm", "burning", …
	SLO         pitwall.SLO
	Budget      pitwall.ErrorBudget
	Corrections []pitwall.Correction
	Detection   []pitwall.Detection
	Definitions []pitwall.Definition // newest first
	Problem     string
	Seen        time.Duration
	Shares      []pitwall.Attribution // one for each dimension, the most telling first
	step        func(share float64) pitwall.Counts
}

// Dimensions are what the bad events of an objective can be told apart by.
func (o Objective) Dimensions() []string {
	list := []string{}
	for _, a := range o.Shares {
		list = append(list, a.Dimension)
	}
	return list
}

// ObjectiveBook serves objectives in every state as a running Pitwall would,
// beside one open plan.
type ObjectiveBook struct {
	*Engine
	list []Objective
}

// NewObjectives gives the book as of now; all of it stands still.
func NewObjectives(now func() time.Time) *ObjectiveBook {
	return &ObjectiveBook{Engine: NewEngine(now, "canarying"), list: objectives(now())}
}

// Find gives one objective of the book.
func (b *ObjectiveBook) Find(name pitwall.SLOName) (Objective, bool) {
	for _, o := range b.list {
		if o.SLO.Name == name {
			return o, true
		}
	}
	return Objective{}, false
}

// All lists the book.
func (b *ObjectiveBook) All() []Objective { return b.list }

// SLOs lists the objectives.
func (b *ObjectiveBook) SLOs() []pitwall.SLO {
	var list []pitwall.SLO
	for _, o := range b.list {
		list = append(list, o.SLO)
	}
	return list
}

// Budgets lists their budgets.
func (b *ObjectiveBook) Budgets(context.Context) ([]pitwall.ErrorBudget, error) {
	var list []pitwall.ErrorBudget
	for _, o := range b.list {
		list = append(list, o.Budget)
	}
	return list, nil
}

// Budget gives the budget of one objective.
func (b *ObjectiveBook) Budget(_ context.Context, name pitwall.SLOName) (pitwall.ErrorBudget, error) {
	o, known := b.Find(name)
	if !known {
		return pitwall.ErrorBudget{}, pitwall.Errorf(pitwall.NotFound, "reading SLO", "no such SLO")
	}
	return o.Budget, nil
}

// BudgetSeries gives the counts of an objective's story; before it was first
// seen, and of one without data, there are none.
func (b *ObjectiveBook) BudgetSeries(_ context.Context, name pitwall.SLOName, p pitwall.Period, step time.Duration) ([]pitwall.LedgerStep, error) {
	o, known := b.Find(name)
	if !known {
		return nil, &pitwall.Error{Op: "reading SLO", Kind: pitwall.NotFound, ID: string(name), Err: fmt.Errorf("no such SLO"), Hint: "pitwall slo list"}
	}
	var list []pitwall.LedgerStep
	n := int(p.Duration() / max(step, time.Second))
	for i := range n {
		s := pitwall.LedgerStep{SLO: name, Start: p.From.Add(time.Duration(i) * step).Unix()}
		if at := p.From.Add(time.Duration(i) * step); o.step != nil && !at.Before(b.now().Add(-o.Seen)) {
			s.Counts = o.step(float64(i) / float64(n))
		}
		list = append(list, s)
	}
	return list, nil
}

// The stories of counts, over the length of a chart.
func even(good, bad uint64) func(float64) pitwall.Counts {
	return func(share float64) pitwall.Counts {
		return pitwall.Counts{Good: good + uint64(share*100)%7*good/40, Bad: bad + uint64(share*1000)%3%2*(bad+1)}
	}
}

// once has one bad event, near the end of a chart of 240 steps.
func once(good uint64) func(float64) pitwall.Counts {
	return func(share float64) pitwall.Counts {
		c := pitwall.Counts{Good: good}
		if math.Round(share*240) == 220 {
			c.Bad = 1
		}
		return c
	}
}

func turning(at float64, good, bad uint64) func(float64) pitwall.Counts {
	return func(share float64) pitwall.Counts {
		if share < at {
			return pitwall.Counts{Good: good + bad, Bad: uint64(share*1000) % 2}
		}
		return pitwall.Counts{Good: good, Bad: bad}
	}
}
