package slo

import (
	"fmt"
	"strings"

	"github.com/pitwall/pitwall"
)

// The formulas of a budget, as a person writes them. B is 1 − target.
const (
	spentFormula     = "spent = bad / ((1 − target) × (good + bad))"
	slicesFormula    = "spent = bad slices / ((1 − target) × slices of the full period)"
	ratiosFormula    = "spent = Σ error ratio of each slice / ((1 − target) × slices of the full period)"
	weightedFormula  = "spent = Σ weight × bad / Σ weight × (1 − target) × (good + bad), over the members"
	journeyFormula   = "spent = (1 − Π good / (good + bad)) / (1 − target), over the stages"
	burnFormula      = "burn rate = spent of the budget of these events: bad / ((1 − target) × (good + bad))"
	endsFormula      = "the first t at which bad + pace of bad × t ≥ (1 − target) × (events + pace of events × t), counting what is still in the window by then; the ledger is asked at up to 100 instants, straight lines between"
	endsCalFormula   = "ends in = (allowed in the full period − bad) / pace of bad; only if before the period does"
	projectedFormula = "projected = (bad + recent burn rate × allowed ahead) / (allowed so far + allowed ahead)"
)

// Query words what an indicator counts, for "show the maths".
func Query(i pitwall.SLI) string {
	if i.Composite != nil {
		names := make([]string, len(i.Composite.Members))
		for k, m := range i.Composite.Members {
			names[k] = fmt.Sprintf("%s × %.6g", m.SLO, m.Weight)
		}
		return string(i.Composite.Method) + " of " + strings.Join(names, ", ")
	}
	if q := i.Query; q != nil {
		var parts []string
		for _, part := range []struct{ name, text string }{{"good", q.Good}, {"bad", q.Bad}, {"total", q.Total}, {"ratio", q.Ratio}, {"value", q.Value}} {
			if part.text != "" {
				parts = append(parts, part.name+": "+part.text)
			}
		}
		if q.Value != "" {
			parts = append(parts, fmt.Sprintf("good while %s %v", q.Op, q.Limit))
		}
		return strings.Join(parts, "; ")
	}
	good, what := "not failed", fmt.Sprintf("server spans of %s %q", i.Service, i.Operation)
	if i.Operation == "" {
		what = fmt.Sprintf("all server spans of %s", i.Service)
	}
	if i.Kind == pitwall.SLILatency {
		good += fmt.Sprintf(" and duration <= %s", i.Threshold)
	}
	return what + " by end time; good: " + good
}

// maths is all that is needed to recompute every number of a budget by hand:
// that of Spent, and in More those of the others and of each tier.
func (j *judge) maths(b pitwall.ErrorBudget) pitwall.Maths {
	m := j.base(spentFormula, j.past, j.sum)
	m.Terms = j.spentTerms(b)
	switch c := j.s.SLI.Composite; {
	case c != nil && c.Method == pitwall.CompositeWeighted:
		m.Formula = weightedFormula
	case c != nil && c.Method == pitwall.CompositeJourney:
		m.Formula = journeyFormula
	case j.sum.slices != nil && j.s.Budgeting == pitwall.RatioTimeslices:
		m.Formula = ratiosFormula
	case j.sum.slices != nil:
		m.Formula = slicesFormula
	}
	m.Note = j.note()
	if b.BurnKnown {
		m.More = append(m.More, j.burnMaths())
		if b.Known && b.Spent < 1 {
			m.More = append(m.More, j.endsMaths(b))
		}
	}
	if b.Projected != nil {
		m.More = append(m.More, j.projectedMaths(b))
	}
	for _, t := range b.Tiers {
		m.More = append(m.More, j.tierMaths(t))
	}
	return m
}

func (j *judge) base(formula string, p pitwall.Period, of measure) pitwall.Maths {
	return pitwall.Maths{Formula: formula, Period: p, Good: of.counts.Good, Bad: of.counts.Bad, Query: Query(j.s.SLI), At: j.look.Now}
}

func (j *judge) spentTerms(b pitwall.ErrorBudget) []pitwall.Term {
	terms := []pitwall.Term{{Name: "target", Value: float64(j.s.Target), Unit: pitwall.UnitRatio}}
	if j.sum.slices != nil {
		terms = append(terms,
			pitwall.Term{Name: "slice", Value: j.sliceRule().Length.Seconds(), Unit: pitwall.UnitSeconds},
			pitwall.Term{Name: "good slices", Value: float64(j.sum.slices.Good), Unit: pitwall.UnitCount},
			pitwall.Term{Name: "bad slices", Value: float64(j.sum.slices.Bad), Unit: pitwall.UnitCount},
			pitwall.Term{Name: "slices to come", Value: j.slicesIn(pitwall.Period{From: j.look.Now, To: j.whole.To}), Unit: pitwall.UnitCount})
	}
	if j.s.Budgeting == pitwall.RatioTimeslices {
		terms = append(terms, pitwall.Term{Name: "Σ error ratio", Value: j.sum.bad})
	}
	for i := range j.members {
		m := &j.members[i]
		r := m.read(j.past)
		terms = append(terms,
			pitwall.Term{Name: string(m.s.Name) + ": weight", Value: m.weight},
			pitwall.Term{Name: string(m.s.Name) + ": target", Value: float64(m.s.Target), Unit: pitwall.UnitRatio},
			pitwall.Term{Name: string(m.s.Name) + ": good", Value: float64(r.trials.Good), Unit: pitwall.UnitCount},
			pitwall.Term{Name: string(m.s.Name) + ": bad", Value: float64(r.trials.Bad), Unit: pitwall.UnitCount})
	}
	if b.Known {
		terms = append(terms, pitwall.Term{Name: "spent", Value: float64(b.Spent), Unit: pitwall.UnitRatio})
	}
	return terms
}

// note says what the formula does not: what is missing and what was left out.
func (j *judge) note() string {
	var list []string
	for _, name := range j.sum.silent {
		list = append(list, fmt.Sprintf("%s has no data", name))
	}
	if j.sum.blind {
		list = append(list, "older counts could not be read")
	}
	if d := j.corrected(j.past); d > 0 {
		list = append(list, brief(d)+" are left out by corrections")
	}
	if j.lost {
		list = append(list, "the composite holds itself")
	}
	return strings.Join(list, "; ")
}

func (j *judge) burnMaths() pitwall.Maths {
	m := j.base(burnFormula, pitwall.Period{From: j.edge.Add(-j.pace.over), To: j.edge}, j.pace.measure)
	m.Of = "burn_rate"
	m.Terms = append(m.Terms, measured(j.pace.measure)...)
	m.Terms = append(m.Terms, pitwall.Term{Name: "burn rate", Value: j.pace.burn(), Unit: pitwall.UnitTimes})
	return m
}

// measured are the two sides of a burn rate: in events, slices or weighed events.
func measured(m measure) []pitwall.Term {
	return []pitwall.Term{{Name: "bad", Value: m.bad}, {Name: "allowed", Value: m.allowed}}
}

func (j *judge) endsMaths(b pitwall.ErrorBudget) pitwall.Maths {
	m := j.base(endsFormula, j.past, j.sum)
	m.Of = "ends_in"
	m.Terms = append(measured(j.sum),
		pitwall.Term{Name: "pace of bad", Value: j.pace.rate.bad, Unit: pitwall.UnitPerSecond},
		pitwall.Term{Name: "pace of allowed", Value: j.pace.rate.allowed, Unit: pitwall.UnitPerSecond})
	if j.s.Calendar != nil {
		m.Formula = endsCalFormula
		m.Terms = append(m.Terms, pitwall.Term{Name: "allowed in the full period", Value: j.allowance()})
		m.Note = "the rest of the period: " + j.ahead().how
	} else {
		m.Terms = append(m.Terms, pitwall.Term{Name: "allowed before the first event", Value: j.unseen(0)})
		if b.EndsIn > 0 {
			r := j.read(pitwall.Period{From: j.whole.From.Add(b.EndsIn), To: j.look.Now})
			m.Terms = append(m.Terms, pitwall.Term{Name: "bad still in the window", Value: r.bad}, pitwall.Term{Name: "allowed still in the window", Value: r.allowed})
		}
	}
	if b.EndsIn <= 0 {
		m.Note = strings.TrimPrefix(m.Note+"; at this pace it does not end", "; ")
		return m
	}
	m.Terms = append(m.Terms, pitwall.Term{Name: "ends in", Value: b.EndsIn.Seconds(), Unit: pitwall.UnitSeconds})
	return m
}

func (j *judge) projectedMaths(b pitwall.ErrorBudget) pitwall.Maths {
	m := j.base(projectedFormula, j.whole, j.sum)
	ahead := j.ahead()
	m.Of, m.Note = "projected", "ahead: "+ahead.how+"; recent: the last "+brief(j.recent())
	m.Terms = []pitwall.Term{{Name: "bad", Value: j.sum.bad}, {Name: "allowed so far", Value: j.sum.allowed},
		{Name: "events ahead", Value: ahead.events, Unit: pitwall.UnitCount}, {Name: "allowed ahead", Value: ahead.allowed},
		{Name: "recent burn rate", Value: j.recentBurn(), Unit: pitwall.UnitTimes},
		{Name: "projected", Value: float64(*b.Projected), Unit: pitwall.UnitRatio}}
	return m
}

// tierMaths is the arithmetic of one tier. Its long window's counts are those of
// the Maths; the short one's are terms.
func (j *judge) tierMaths(t pitwall.TierState) pitwall.Maths {
	long := t.Tier.Long
	m := j.base(t.Expr, pitwall.Period{From: j.edge.Add(-long), To: j.edge}, measure{counts: t.Long})
	m.Of, m.Note = "tier "+t.Tier.Name, t.Held
	add := func(name string, v float64, u pitwall.Unit) {
		m.Terms = append(m.Terms, pitwall.Term{Name: name, Value: v, Unit: u})
	}
	if t.Tier.Short > 0 {
		add("short window", t.Tier.Short.Seconds(), pitwall.UnitSeconds)
		add("good over the short window", float64(t.Short.Good), pitwall.UnitCount)
		add("bad over the short window", float64(t.Short.Bad), pitwall.UnitCount)
		add("burn rate over the short window", t.ShortRate, pitwall.UnitTimes)
	}
	if long > 0 {
		add("burn rate over the long window", t.LongRate, pitwall.UnitTimes)
	}
	if t.P != nil {
		add("chance of that at the limit", *t.P, pitwall.UnitRatio)
	}
	unit := map[pitwall.ConditionKind]pitwall.Unit{pitwall.WhenExhaustion: pitwall.UnitSeconds, pitwall.WhenTrafficLost: pitwall.UnitCount, "": pitwall.UnitTimes, pitwall.WhenBurn: pitwall.UnitTimes}[t.Tier.When]
	add("limit", t.Limit, unit)
	if t.Known {
		add("value", t.Value, unit)
	}
	return m
}
